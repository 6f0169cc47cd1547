"""Chat, embeddings and models through the OpenAI dialect: resolution, pass-through, errors."""

import json
import unittest

from harness import client, names, upstream
from harness.case import KEY, Case, SharedCase, provider
from harness.upstream import Send, chunk, event


class ChatTest(SharedCase):
    CONFIG = {"routes": {"main": {"failover": {"try": ["fake/m-route", "fake/m-second"]}}},
              "default_route": "main"}

    @classmethod
    def config(cls):
        config = super().config()
        config["providers"]["fake"]["model_aliases"] = {"short": "m-long-name"}
        config["providers"]["fake"]["default_model"] = "m-default"
        config["providers"]["other"] = provider(cls.up, models=["other-*"])
        return config

    def last(self):
        return self.up.wait_requests(1)[-1]

    def test_plain(self):
        answer = self.chat("m", "Say hello")
        self.assertEqual((answer.status, answer.content()), (200, "Hello from upstream"))
        asked = self.last()
        self.assertEqual((asked.method, asked.path), ("POST", "/v1/chat/completions"))
        self.assertEqual(asked.headers["authorization"], "Bearer " + KEY)
        self.assertEqual(asked.json()["messages"], client.messages("Say hello"))
        self.assertEqual(answer.headers[names.H_PROVIDER], "fake")
        self.assertEqual(answer.headers[names.H_MODEL], "m")
        self.assertEqual(answer.headers[names.H_ATTEMPTS], "1")

    def test_the_applications_own_key_stays_here(self):
        self.chat(headers=[("Authorization", "Bearer application-key"), ("Cookie", "a=b")])
        asked = self.last()
        self.assertEqual(asked.headers["authorization"], "Bearer " + KEY)
        self.assertNotIn(b"application-key", repr(asked.fields).encode())
        self.assertNotIn("cookie", asked.headers)

    def test_vendor_headers_cross(self):
        self.chat(headers=[("OpenAI-Organization", "org-1"), ("X-Private", "stays")])
        asked = self.last()
        self.assertEqual(asked.headers.get("openai-organization"), "org-1")
        self.assertNotIn("x-private", asked.headers)

    def test_no_accept_encoding_goes_upstream(self):
        self.chat(headers=[("Accept-Encoding", "gzip, br")])
        self.assertNotIn("accept-encoding", self.last().headers)

    def test_streamed(self):
        head, events, it = self.stream("m")
        self.assertEqual(head.status, 200)
        self.assertIn("text/event-stream", head.headers["content-type"])
        self.assertEqual(head.headers[names.H_PROVIDER], "fake")
        self.assertEqual(client.text_of(events), "Hello from upstream")
        self.assertTrue(events[-1].done)
        self.assertFalse(it.cut)

    def test_content_comes_at_once(self):
        gate = upstream.Gate()
        self.up.reply(upstream.stream(["first", "second"], gates={1: gate}))
        with client.Stream(self.port) as it:
            self.assertEqual(it.until_content().content, "first")
            self.assertFalse(self.up.requests[0].done.is_set(), "the rest is not written yet")
            gate.open()
            self.assertEqual(client.text_of(it.all()), "second")

    # Which provider, which model.

    def test_provider_by_header(self):
        answer = self.chat("anything-at-all", headers=[("x-weir-provider", "other")])
        self.assertEqual(answer.headers[names.H_PROVIDER], "other")
        self.assertEqual(self.last().json()["model"], "anything-at-all")

    def test_provider_by_body_field(self):
        answer = self.chat("anything-at-all", provider="other")
        self.assertEqual(answer.headers[names.H_PROVIDER], "other")
        self.assertEqual(self.last().json()["model"], "anything-at-all")
        self.assertNotIn("provider", self.last().json(), "the field is ours")

    def test_provider_object_is_not_ours(self):
        self.chat("m", provider={"order": ["x"]})
        self.assertEqual(self.last().json()["provider"], {"order": ["x"]})

    def test_provider_in_the_model(self):
        answer = self.chat("other/some/nested-model")
        self.assertEqual(answer.headers[names.H_PROVIDER], "other")
        self.assertEqual(self.last().json()["model"], "some/nested-model")

    def test_alias(self):
        answer = self.chat("short")
        self.assertEqual(answer.headers[names.H_MODEL], "m-long-name")
        self.assertEqual(self.last().json()["model"], "m-long-name")

    def test_by_glob(self):
        answer = self.chat("other-7b")
        self.assertEqual(answer.headers[names.H_PROVIDER], "other")

    def test_route_by_name(self):
        answer = self.chat("main")
        self.assertEqual(answer.headers[names.H_MODEL], "m-route")
        self.assertEqual(self.last().json()["model"], "m-route")

    def test_default_route(self):
        for model in ("default", "auto", None):
            with self.subTest(model):
                self.up.forget()
                answer = self.chat(model)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(self.last().json()["model"], "m-route")

    def test_default_model_of_a_provider(self):
        answer = self.chat(None, headers=[("x-weir-provider", "fake")])
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.last().json()["model"], "m-default")

    def test_unknown_model_has_near_names(self):
        answer = self.chat("mian")
        error = self.assert_error(answer, 404, "model_not_found", "invalid_request_error", "mian")
        self.assertIn("main", error["message"].replace("mian", ""))
        self.assertEqual(self.up.requests, [], "a typo is not answered by another model")

    def test_unknown_model_streamed_is_a_plain_error(self):
        head, _, it = self.stream("nothing-like-it")
        self.assertEqual(head.status, 404)
        self.assertEqual(json.loads(it.raw)["error"]["code"], "model_not_found")

    def test_provider_not_configured(self):
        for how in ({"headers": [("x-weir-provider", "anthropic")]}, {"provider": "anthropic"}):
            with self.subTest(how):
                answer = self.chat("m", **how)
                self.assertIn(answer.status, (400, 404))
                error = self.assert_error(answer, answer.status, None, None, "anthropic")
                self.assertIn("not configured", error["message"])
                self.assertEqual(self.up.requests, [])

    # Errors of the vendor.

    def test_bad_key(self):
        self.up.reply(upstream.error(401, "Incorrect API key provided", "invalid_request_error",
                                     "invalid_api_key"))
        answer = self.chat("fake/m")
        error = self.assert_error(answer, 401)
        self.assertEqual(error["code"], "invalid_api_key")
        self.assertIn("fake", error["message"], "it says which provider")
        self.assertNotIn(KEY.encode(), answer.body)

    def test_bad_request(self):
        self.up.reply(upstream.error(400, "'temperature' is too high", "invalid_request_error"))
        answer = self.chat("fake/m", temperature=9)
        self.assert_error(answer, 400, None, "invalid_request_error", "'temperature' is too high")

    def test_body_is_not_json(self):
        for body in (b"{", b"", b"[]", b'{"model": "m", "messages": "\xff"}', b'{"model": 1}',
                     b'{"model":"m","model":"n","messages":[]}{}'):
            with self.subTest(body):
                answer = client.post(self.port, "/v1/chat/completions", body)
                self.assert_error(answer, 400, None, "invalid_request_error")
        self.assertEqual(self.up.requests, [])

    def test_no_such_path(self):
        answer = client.get(self.port, "/v2/chat")
        self.assert_error(answer, 404)

    def test_other_methods_of_the_same_path_are_not_chats(self):
        """GET lists stored completions: the vendor's business, forwarded as it is."""
        self.assertEqual(client.get(self.port, "/v1/chat/completions?limit=1").status, 200)
        self.assertEqual((self.last().method, self.last().target),
                         ("GET", "/v1/chat/completions?limit=1"))

    # Pass-through.

    def test_request_bytes_are_kept(self):
        before = (b'{ "messages":[{"role":"user","content":"\\u00e9 \\ud83d\\ude00 \\/"}],\n'
                  b'\t"unknown_field": {"deep": [1.50, 1e3, -0, "x"]},  "model" : "')
        after = b'" ,"seed":12345678901234567890,"temperature":0.70 } '
        client.post(self.port, "/v1/chat/completions", before + b"short" + after)
        self.assertEqual(self.last().body, before + b"m-long-name" + after)

    def test_untouched_request_is_the_same_bytes(self):
        body = b'{"model":"m", "messages":[{"role":"user","content":"x"}] , "x_y":[]}'
        client.post(self.port, "/v1/chat/completions", body)
        self.assertEqual(self.last().body, body)

    def test_escaped_model_key_is_the_model(self):
        body = b'{"\\u006dodel":"short","messages":[]}'
        client.post(self.port, "/v1/chat/completions", body)
        self.assertEqual(self.last().json()["model"], "m-long-name")

    # field: 3.4.6
    def test_stream_options_are_added_and_hidden(self):
        head, events, _ = self.stream("m")
        self.assertEqual(self.last().json()["stream_options"], {"include_usage": True})
        self.assertFalse([e for e in events if not e.done and e.json().get("usage")],
                         "the application did not ask for usage")

    def test_stream_usage_is_shown_to_who_asked(self):
        head, events, _ = self.stream("m", stream_options={"include_usage": True})
        shown = [e.json() for e in events if not e.done and e.json().get("usage")]
        self.assertEqual(len(shown), 1)
        self.assertEqual(shown[0]["usage"]["completion_tokens"], 5)
        self.assertEqual(shown[0]["choices"], [])

    def test_other_stream_options_stay(self):
        self.stream("m", stream_options={"include_obfuscation": False})
        self.assertEqual(self.last().json()["stream_options"],
                         {"include_obfuscation": False, "include_usage": True})

    def test_answer_bytes_are_kept(self):
        document = upstream.completion("\u00e9\U0001f600 </script>", vendor={"b": [1.0, 2e5]})
        raw = json.dumps(document, indent=3, ensure_ascii=False).encode() + b"\n"
        self.up.reply(upstream.whole(body=raw, usage=upstream.counted(7, 5)))
        self.assertEqual(self.chat("m").body, raw)

    def test_stream_bytes_are_kept(self):
        pieces = [b": a comment\n\n", event(chunk({"role": "assistant", "content": ""})),
                  b"event: odd\nid: 7\n" + event(chunk({"content": "a\u2028b"}, vendor=[1.50])),
                  b"data: " + json.dumps(chunk({"content": "c"}), indent=None,
                                         separators=(",", ":")).encode() + b"\n\n",
                  event(chunk({}, finish="stop")), upstream.DONE]
        usage = Send(event(chunk(choices=[], usage=upstream.usage_block(7, 5))),
                     upstream.counted(7, 5))
        self.up.reply(upstream.sse(pieces[:-1] + [usage, pieces[-1]]))
        _, events, it = self.stream("m")
        strip = [p for p in pieces if not p.startswith(b":")]
        kept = it.raw.replace(pieces[0], b"")
        self.assertEqual(kept, b"".join(strip))

    def test_frames_across_packets(self):
        whole = b"".join([event(chunk({"content": w})) for w in ("\u00e9", "\U0001f600", "z")] +
                         [event(chunk({}, finish="stop")), upstream.DONE])
        for size in (1, 7, 64):
            with self.subTest(size):
                parts = [whole[i:i + size] for i in range(0, len(whole), size)]
                self.up.reply(upstream.sse(parts))
                _, events, it = self.stream("m")
                self.assertEqual(it.raw, whole)

    def test_crlf_events(self):
        whole = b"".join([event(chunk({"content": "x"})), event(chunk({}, finish="stop")),
                          upstream.DONE]).replace(b"\n", b"\r\n")
        self.up.reply(upstream.sse([whole]))
        with client.Stream(self.port) as it:
            it.head()
            it.raw = b"".join(it._pieces())
            self.assertFalse(it.cut)
            self.assertIn(b"[DONE]", it.raw)
            self.assertIn(b'"x"', it.raw)

    def test_tool_calls_cross(self):
        call = {"id": "call_1", "type": "function",
                "function": {"name": "f", "arguments": "{\"a\": \"\\u00e9\"}"}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        self.up.reply(upstream.chat(message=message, finish="tool_calls"))
        answer = self.chat("m", tools=[{"type": "function", "function": {"name": "f"}}])
        self.assertEqual(answer.json()["choices"][0]["message"], message)
        self.assertEqual(answer.json()["choices"][0]["finish_reason"], "tool_calls")

    def test_several_choices(self):
        steps = [event(chunk(choices=[{"index": i, "delta": {"content": c},
                                       "finish_reason": None}]))
                 for i, c in ((0, "a"), (1, "b"), (0, "c"), (1, "d"))]
        steps += [event(chunk(choices=[{"index": i, "delta": {}, "finish_reason": "stop"}]))
                  for i in (1, 0)] + [upstream.DONE]
        self.up.reply(upstream.sse(steps))
        _, events, it = self.stream("m", n=2)
        self.assertEqual(it.raw, b"".join(steps))

    def test_content_length_answer_to_stream(self):
        """A vendor that streams without chunked framing."""
        body = b"".join([event(chunk({"content": "x"})), event(chunk({}, finish="stop")),
                         upstream.DONE])
        self.up.reply(upstream.whole(body=body, content_type="text/event-stream"))
        _, events, it = self.stream("m")
        self.assertEqual(client.text_of(events), "x")
        self.assertTrue(events[-1].done)

    def test_close_delimited_answer(self):
        body = b"".join([event(chunk({"content": "x"})), event(chunk({}, finish="stop")),
                         upstream.DONE])
        head = upstream.head(200, [("Content-Type", "text/event-stream")])
        self.up.reply(upstream.Reply([Send(head + body)], close=True))
        _, events, it = self.stream("m")
        self.assertTrue(events[-1].done)
        self.assertFalse(it.cut)

    def test_upstream_connection_is_reused(self):
        before = self.up.accepted
        self.chat("m")
        self.chat("m")
        self.chat("m")
        self.assertLessEqual(self.up.accepted - before, 1)


class OtherOperationsTest(SharedCase):
    CONFIG = {"routes": {"main": {"failover": {"try": ["fake/m"]}},
                         "either": {"failover": {"try": ["fake/m", "fake/n"]}}}}

    def test_embeddings(self):
        answer = client.post(self.port, "/v1/embeddings", {"model": "m", "input": ["a", "b"]})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(len(answer.json()["data"]), 2)
        self.assertEqual(self.up.requests[0].path, "/v1/embeddings")
        self.assertEqual(answer.headers[names.H_PROVIDER], "fake")

    def test_embeddings_through_a_route(self):
        answer = client.post(self.port, "/v1/embeddings", {"model": "main", "input": "a"})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.up.requests[0].json()["model"], "m")

    def test_embeddings_that_are_none(self):
        """What is sent as base64 and is no number cannot be told as one: the provider's fault."""
        self.up.reply(upstream.jsonr({"object": "list", "data": [
            {"object": "embedding", "index": 0, "embedding": "AADAfw=="}]}))  # not a number
        answer = client.post(self.port, "/api/embed", {"model": "m", "input": "a"})
        self.assertEqual(answer.status, 502)
        self.assertIn("the answer has what is no answer", answer.json()["error"])
        self.up.reply(upstream.jsonr({"object": "list", "data": [
            {"object": "embedding", "index": 0, "embedding": "AADAfw=="}]}))
        answer = client.post(self.port, "/api/embed", {"model": "either", "input": "a"})
        self.assertEqual((answer.status, answer.headers[names.H_ATTEMPTS]), (200, "2"))

    def test_embeddings_base64_bytes_are_kept(self):
        raw = (b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AAAA/w=="}]'
               b',"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}')
        self.up.reply(upstream.whole(body=raw, usage={"input": 1}))
        body = {"model": "m", "input": "a", "encoding_format": "base64"}
        self.assertEqual(client.post(self.port, "/v1/embeddings", body).body, raw)

    def test_models(self):
        page = client.get(self.port, "/v1/models")
        self.assertEqual(page.status, 200, page.body)
        document = page.json()
        self.assertEqual(document["object"], "list")
        listed = {model["id"] for model in document["data"]}
        self.assertIn("main", listed, "a route is a model to applications")
        for model in document["data"]:
            self.assertLessEqual({"id", "object", "created", "owned_by"}, set(model))

    def test_one_model(self):
        page = client.get(self.port, "/v1/models/main")
        self.assertEqual((page.status, page.json()["id"]), (200, "main"))
        self.assert_error(client.get(self.port, "/v1/models/none-such"), 404, "model_not_found")

    def test_health(self):
        self.assertEqual(client.get(self.port, "/healthz").status, 200)
        self.assertEqual(client.get(self.port, "/readyz").status, 200)


class BooksTest(Case):
    """Tokens and attempts of good answers are in the log and the metrics as they were served."""

    # field: 3.4.6
    def test_books(self):
        up = self.upstream()
        gateway = self.gateway({"providers": {"fake": provider(up)}})
        up.reply(upstream.chat(tokens=(100, 20), cached=64), upstream.stream(tokens=(11, 3)),
                 upstream.stream(tokens=(50, 9), cached=48))
        client.chat(gateway.port)
        client.stream(gateway.port)
        client.stream(gateway.port, stream_options={"include_usage": True})
        client.post(gateway.port, "/v1/embeddings", {"model": "m", "input": "x"})
        log = self.books(gateway, up, requests=4)
        self.assertEqual([entry["status"] for entry in log], [200] * 4)
        self.assertEqual([entry["op"] for entry in log], ["chat"] * 3 + ["embed"])
        self.assertEqual([entry["stream"] for entry in log], [False, True, True, False])
        self.assertEqual({entry["dialect"] for entry in log}, {"openai"})
        self.assertEqual(len({entry["id"] for entry in log}), 4)
        for entry in log:
            self.assertGreater(entry["bytes_in"], 10)
            self.assertGreater(entry["bytes_out"], 50)
            attempt = entry["attempts"][0]
            self.assertLessEqual(attempt["start_us"], attempt["end_us"])
            self.assertEqual(attempt["target"], "fake/m")
        metrics = gateway.metrics()
        self.assertEqual(metrics.sum(names.M_REQUESTS), 4)
        self.assertEqual(metrics.sum(names.M_TTFT + "_count"), 2, "streams only")

    # field: 3.11.5
    def test_prompts_are_not_logged(self):
        up = self.upstream()
        gateway = self.gateway({"providers": {"fake": provider(up)}})
        client.chat(gateway.port, text="very-private-prompt")
        gateway.wait_access(1)
        everything = gateway.access_path.read_text() + gateway.output() + gateway.metrics().text
        for private in ("very-private-prompt", "Hello from upstream", KEY):
            self.assertNotIn(private, everything)

    # field: 3.11.5
    def test_a_key_that_the_vendor_repeats_stays_here(self):
        up = self.upstream()
        gateway = self.gateway({"providers": {"fake": provider(up)}})
        told = upstream.error(401, "Incorrect API key provided: %s." % KEY)
        inside = upstream.sse([upstream.event({"error": {"message": "no such key: " + KEY}})])
        up.reply(told, told, inside)
        for tell, ask in (("Incorrect API key provided: [key].", client.chat),
                          ("Incorrect API key provided: [key].", client.stream),
                          ("no such key: [key]", client.stream)):
            answer = ask(gateway.port)
            body = answer.text if ask is client.chat else answer[2].raw.decode()
            self.assertIn(tell, body)
            self.assertNotIn(KEY, body)
        gateway.wait_access(3)
        logs = gateway.access_path.read_text() + gateway.output()
        self.assertIn("[key]", logs)
        self.assertNotIn(KEY, logs)


if __name__ == "__main__":
    unittest.main()
