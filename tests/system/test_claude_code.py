"""Claude Code's habits on the wire: towards Anthropic nothing of it is touched, towards others all of
it is translated, and the answer is one that it takes."""

import json
import pathlib
import sys
import unittest

from harness import claude_code as cc, client, names, upstream
from harness.case import KEY, TIMEOUTS, Case, provider
from harness.matrix import covers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "wire"))

import records  # noqa: E402 (these need the path above)
import request_rules  # noqa: E402
from digest import (anthropic as answers, asked_chat, asked_gemini,  # noqa: E402
                    asked_messages, valid_request)

# Of its headers these mean something to the vendor. Whose program asks, with which key, and what the
# gateway has to write itself, ends there.
CROSSING = ("anthropic-beta", "anthropic-version", "anthropic-dangerous-direct-browser-access")


def events(body):
    """[(name, data)] of a stream."""
    out = []
    for block in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in lines:
            out.append((lines.get("event"), json.loads(lines["data"])))
    return out


def shown(body):
    """The order of a stream, deltas of the same kind as one."""
    out = []
    for name, data in events(body):
        kind = (data.get("content_block") or data.get("delta") or {}).get("type") or ""
        word = "%s %s %s" % (name.replace("content_block_", ""), data.get("index", ""), kind)
        if name != "ping" and out[-1:] != [word.strip()]:
            out.append(word.strip())
    return out


def anthropic(up, **more):
    return dict({"plugin": "anthropic", "base_url": up.url, "api_key": "${TEST_KEY}",
                 "timeout": dict(TIMEOUTS), "models": ["claude-*"]}, **more)


class ClaudeCodeCase(Case):
    def ask(self, gateway, path, body, headers=cc.HEADERS):
        return client.call(gateway.port, "POST", path,
                           body if isinstance(body, bytes) else cc.written(body), headers)


class ToAnthropicTest(ClaudeCodeCase):
    """Unharmed: the bytes of the body, the query, the headers that mean something."""

    def start(self):
        up = self.upstream("anthropic")
        gateway = self.gateway({"providers": {"anthropic": anthropic(up)}})
        return up, gateway

    def expect_unharmed(self, up, path, body):
        sent = up.wait_requests(1)[-1]
        self.assertEqual((sent.method, sent.target), ("POST", path))
        self.assertTrue(sent.body == body, "the body is another")
        asked = dict((name.lower(), value) for name, value in cc.HEADERS)
        for name in CROSSING:
            self.assertEqual([v for n, v in sent.fields if n.lower() == name], [asked[name]], name)
        self.assertEqual(sent.headers["content-type"], "application/json")
        self.assertEqual(sent.headers["x-api-key"], KEY)
        self.assertNotIn("application-s", str(sent.fields))
        self.assertFalse([name for name in sent.headers if name.startswith("x-stainless-") or
                          name in ("x-app", "sec-fetch-mode", "accept-language")])

    @covers(records.MESSAGES, records.MESSAGES, "reasoning", "parallel tool calls",
            "tool results", "failed tool results", "reasoning sent back", "cache control", "usage",
            "cached tokens", streamed=True)
    def test_a_turn(self):
        up, gateway = self.start()
        stream = cc.anthropic_events()
        for body in (cc.request(), cc.request(*cc.history())):
            up.forget()
            up.reply(upstream.sse(stream, headers=[("request-id", "req_1"), (
                "anthropic-ratelimit-requests-remaining", "49")]))
            answer = self.ask(gateway, cc.CHAT, body)
            self.assertEqual(answer.status, 200, answer.body[:500])
            self.expect_unharmed(up, cc.CHAT, cc.written(body))
            self.assertEqual(answer.body, b"".join(stream))
            self.assertEqual(answer.headers["request-id"], "req_1")
            self.assertEqual(answer.headers["anthropic-ratelimit-requests-remaining"], "49")
            self.assertNotIn(names.H_WARNINGS, answer.headers)
        usage = names.log_usage(gateway.wait_access(2)[-1])
        self.assertEqual(sum(n for kind, n in usage.items() if "output" in str(kind)), 77, usage)

    def test_what_nobody_knows_yet(self):
        """Members, blocks and betas of tomorrow."""
        up, gateway = self.start()
        body = cc.request({"role": "assistant", "content": [
            {"type": "of_tomorrow", "member": [1.50, 1e3, None]}]},
            context_management={"edits": [{"type": "clear_tool_uses_20250919"}]}, tomorrow={})
        text = cc.written(body).replace(b'"temperature":1,', b'"temperature" : 1.0 ,')
        up.reply(upstream.sse(cc.anthropic_events()))
        self.assertEqual(self.ask(gateway, cc.CHAT, text).status, 200)
        self.expect_unharmed(up, cc.CHAT, text)

    def test_small_questions(self):
        """Whether the key is good; what a message is about, of the small model and unstreamed."""
        up, gateway = self.start()
        document = {"id": "msg_1", "type": "message", "role": "assistant", "model": cc.SMALL,
                    "content": [{"type": "text", "text": "#"}], "stop_reason": "max_tokens",
                    "stop_sequence": None, "usage": {"input_tokens": 8, "output_tokens": 1}}
        body = {"model": cc.SMALL, "max_tokens": 1, "messages": [
            {"role": "user", "content": "quota"}], "metadata": {"user_id": "user_1"}}
        up.reply(upstream.jsonr(document))
        answer = self.ask(gateway, cc.CHAT, body)
        self.assertEqual(answer.body, json.dumps(document).encode())
        self.expect_unharmed(up, cc.CHAT, cc.written(body))

    @covers(records.MESSAGES, records.MESSAGES, "tokens counted")
    def test_counting(self):
        up, gateway = self.start()
        body = cc.counting(*cc.history())
        counted = b'{"input_tokens": 20104,  "context_management": {"original_input_tokens": 3}}'
        up.reply(upstream.whole(200, counted))
        answer = self.ask(gateway, cc.COUNT, body)
        self.assertEqual((answer.status, answer.body), (200, counted))
        self.expect_unharmed(up, cc.COUNT, cc.written(body))

    def test_an_alias_is_all_that_changes(self):
        up = self.upstream("anthropic")
        gateway = self.gateway({"providers": {"anthropic": anthropic(
            up, model_aliases={"opusplan": cc.MODEL})}})
        up.reply(upstream.sse(cc.anthropic_events()))
        body = cc.request(*cc.history(), model="opusplan")
        self.assertEqual(self.ask(gateway, cc.CHAT, body).status, 200)
        sent = up.wait_requests(1)[-1]
        self.assertTrue(sent.body == cc.written(dict(body, model=cc.MODEL)), "not only the model")
        self.assertEqual(sent.headers["anthropic-beta"], cc.BETAS)


class ToOthersTest(ClaudeCodeCase):
    """An OpenAI-compatible server behind the names of Claude's models."""

    def start(self, **more):
        up = self.upstream()
        gateway = self.gateway(dict(more, providers={"other": provider(
            up, models=["claude-*"],
            model_aliases={cc.MODEL: "qwen3-coder", cc.SMALL: "qwen3"})}))
        return up, gateway

    def expect_translated(self, up, body, answer, model="qwen3-coder"):
        sent = up.wait_requests(1)[-1]
        self.assertEqual((sent.method, sent.target), ("POST", "/v1/chat/completions"))
        self.assertEqual(sent.json()["model"], model)
        self.assertEqual(sent.headers["authorization"], "Bearer " + KEY)
        self.assertNotIn("application-s", str(sent.fields))
        self.assertFalse([name for name in sent.headers if name.startswith("anthropic-")])
        self.assertEqual(valid_request.chat(sent.json()), [])
        warned = answer.headers.get(names.H_WARNINGS, "")
        told, said = asked_messages.digest(body), asked_chat.digest(sent.json())
        for loss in request_rules.differences(records.MESSAGES, records.CHAT, told, said):
            self.assertTrue(loss.words and loss.told(warned.lower()),
                            "%s is lost silently; warned of: %s" % (loss.what, warned))
        return sent.json(), warned

    def test_a_turn(self):
        up, gateway = self.start()
        body = cc.request()
        answer = self.ask(gateway, cc.CHAT, body)
        self.assertEqual(answer.status, 200, answer.body[:500])
        sent, _ = self.expect_translated(up, body, answer)
        self.assertEqual(sent["stream"], True)
        system = [m for m in sent["messages"] if m["role"] in ("system", "developer")]
        self.assertEqual("".join(part["text"] for m in system for part in (
            m["content"] if isinstance(m["content"], list) else [{"text": m["content"]}])).replace(
                "\n\n", ""), "".join(b["text"] for b in body["system"]).replace("\n\n", ""))
        self.assertEqual([t["function"]["name"] for t in sent["tools"]],
                         [t["name"] for t in body["tools"]])
        self.assertNotIn("cache_control", json.dumps(sent))

    @covers(records.MESSAGES, records.CHAT, "tool results", "failed tool results",
            "reasoning sent back", "cache control")
    def test_a_later_turn(self):
        up, gateway = self.start()
        body = cc.request(*cc.history())
        answer = self.ask(gateway, cc.CHAT, body)
        self.assertEqual(answer.status, 200, answer.body[:500])
        sent, warned = self.expect_translated(up, body, answer)
        self.assertNotIn(cc.SIGNATURE, json.dumps(sent))
        turns = [m for m in sent["messages"] if m["role"] in ("assistant", "tool")]
        calls = [call["id"] for m in turns for call in m.get("tool_calls", ())]
        results = [m["tool_call_id"] for m in turns if m["role"] == "tool"]
        self.assertEqual((len(calls), results), (3, calls))
        self.assertIn(cc.PNG, json.dumps(sent))
        self.assertIn("signature", warned)

    def expect_events(self, answer, wanted):
        self.assertEqual(answer.status, 200, answer.body[:500])
        self.assertEqual(answers.validate(200, answer.headers["content-type"], answer.body, True,
                                          True), [])
        self.assertEqual(shown(answer.body), wanted)

    @covers(records.MESSAGES, records.CHAT, "text", "reasoning", "parallel tool calls",
            "usage", "cached tokens", streamed=True)
    def test_the_answer(self):
        """Thoughts, a text and two calls come as its own provider would have sent them."""
        up, gateway = self.start()
        steps = [upstream.event(upstream.chunk(delta)) for delta in cc.chat_deltas()]
        usage = {"prompt_tokens": 20104, "completion_tokens": 77, "total_tokens": 20181,
                 "prompt_tokens_details": {"cached_tokens": 20000}}
        up.reply(upstream.sse(steps + [
            upstream.event(upstream.chunk({}, finish="tool_calls")),
            upstream.event(upstream.chunk(choices=[], usage=usage)), upstream.DONE]))
        answer = self.ask(gateway, cc.CHAT, cc.request())
        self.expect_events(answer, [
            "message_start", "start 0 thinking", "delta 0 thinking_delta", "stop 0",
            "start 1 text", "delta 1 text_delta", "stop 1",
            "start 2 tool_use", "delta 2 input_json_delta", "stop 2",
            "start 3 tool_use", "delta 3 input_json_delta", "stop 3",
            "message_delta", "message_stop"])
        read = answers.digest(200, answer.headers["content-type"], answer.body).plain()
        self.assertEqual(read["choices"], [{
            "text": "I see \u2192 it.", "reasoning": "Hm, so", "refusal": "", "finish": "tool_calls",
            "calls": [["Read", {"file_path": "/a"}], ["ExitPlanMode", {}]]}])
        self.assertEqual((read["usage"]["input"], read["usage"]["cached"], read["usage"]["output"]),
                         (20104, 20000, 77))
        begun = events(answer.body)[0][1]["message"]
        self.assertEqual((begun["type"], begun["role"], begun["content"]),
                         ("message", "assistant", []))
        # What it has been given it sends back: the ids have to find their calls again.
        blocks = [data["content_block"] for name, data in events(answer.body)
                  if name == "content_block_start"]
        up.forget()
        self.ask(gateway, cc.CHAT, cc.request(
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm, so",
                 "signature": blocks[0].get("signature", "")},
                dict(blocks[1], text="I see it."), dict(blocks[2], input={"file_path": "/a"}),
                blocks[3]]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": blocks[2]["id"], "content": "one"},
                {"type": "tool_result", "tool_use_id": blocks[3]["id"], "content": "two"}]}))
        sent = up.wait_requests(1)[-1].json()["messages"]
        said = next(m for m in sent if m["role"] == "assistant")
        self.assertEqual([call["id"] for call in said["tool_calls"]], ["call_a", "call_b"])
        self.assertEqual([m["tool_call_id"] for m in sent if m["role"] == "tool"],
                         ["call_a", "call_b"])

    @covers(records.MESSAGES, records.CHAT, "answers that break off", streamed=True)
    def test_an_answer_that_breaks_off(self):
        up, gateway = self.start()
        steps = [upstream.event(upstream.chunk(delta)) for delta in cc.chat_deltas()[:7]]
        up.reply(upstream.sse(steps + [upstream.Close()], cls="protocol"))
        with client.Conn(gateway.port) as conn:
            conn.request("POST", cc.CHAT, cc.written(cc.request()), cc.HEADERS)
            answer, body = conn.head(), b""
            with self.assertRaises(client.Incomplete):
                for piece in conn.chunks():
                    body += piece
        self.assertEqual(answer.status, 200)
        seen = shown(body)
        self.assertEqual(seen[-1], "error")
        self.assertNotIn("message_stop", seen)
        self.assertFalse([word for word in seen if word.startswith("stop 2")])

    @covers(records.MESSAGES, records.CHAT, "errors")
    def test_failures(self):
        """In its API's words, so that it waits and asks again, or tells what to do."""
        up, gateway = self.start(limits={"queue": 0})
        for status, code, wanted, kind in (
                (429, "rate_limit_exceeded", 429, "rate_limit_error"),
                (400, "context_length_exceeded", 400, "invalid_request_error"),
                (503, None, 529, "overloaded_error")):
            up.reply(upstream.error(status, "It is so", "server_error", code,
                                    headers=[("retry-after", "7")]))
            answer = self.ask(gateway, cc.CHAT, cc.request(model="claude-%d" % status))
            self.assertEqual(answer.status, wanted, answer.body)
            self.assertEqual(answer.json()["type"], "error")
            self.assertEqual(answer.error["type"], kind)
            self.assertIn("It is so", answer.error["message"])
            if status == 429:
                self.assertEqual(answer.headers["retry-after"], "7")

    def test_the_small_model(self):
        up, gateway = self.start()
        body = {"model": cc.SMALL, "max_tokens": 512, "temperature": 0, "messages": [
            {"role": "user", "content": "Fix the bug"}],
            "system": [{"type": "text", "text": "A title, as JSON."}],
            "metadata": {"user_id": "user_1"}}
        answer = self.ask(gateway, cc.CHAT, body)
        self.expect_translated(up, body, answer, "qwen3")
        self.assertEqual(answer.json()["content"], [{"type": "text", "text": "Hello from upstream"}])

    def test_an_answer_begun_by_the_application(self):
        """Older versions ask so for JSON. Who cannot go on with it would begin anew."""
        up, gateway = self.start()
        answer = self.ask(gateway, cc.CHAT, {"model": cc.SMALL, "max_tokens": 512, "messages": [
            {"role": "user", "content": "Fix the bug"}, {"role": "assistant", "content": "{"}]})
        self.assertEqual((answer.status, answer.error["type"]), (400, "invalid_request_error"))
        self.assertIn("prefill", answer.error["message"])
        self.assertEqual(up.requests, [])

    @covers(records.MESSAGES, records.CHAT, "tokens counted")
    def test_counting_where_nobody_can(self):
        """No number is better than a wrong one: it then reckons by itself."""
        up, gateway = self.start()
        answer = self.ask(gateway, cc.COUNT, cc.counting(*cc.history()))
        self.assertGreaterEqual(answer.status, 400)
        self.assertLess(answer.status, 500, answer.body)
        self.assertEqual(answer.json()["type"], "error")
        self.assertIn("count", answer.error["message"])
        self.assertNotIn("input_tokens", answer.json())
        self.assertEqual(up.requests, [])

    @covers(records.MESSAGES, "gemini", "tokens counted")
    def test_counting_where_another_can(self):
        up = self.upstream("gemini")
        gateway = self.gateway({"providers": {"gemini": {
            "plugin": "gemini", "base_url": up.url, "api_key": "${TEST_KEY}",
            "timeout": dict(TIMEOUTS), "models": ["claude-*"],
            "model_aliases": {cc.MODEL: "gemini-2.5-pro"}}}})
        up.reply(upstream.jsonr({"totalTokens": 20104}))
        body = cc.counting(*cc.history())
        answer = self.ask(gateway, cc.COUNT, body)
        self.assertEqual((answer.status, answer.json()), (200, {"input_tokens": 20104}))
        sent = up.wait_requests(1)[-1]
        self.assertEqual(sent.path, "/v1beta/models/gemini-2.5-pro:countTokens")
        counted = asked_gemini.digest(sent.json()["generateContentRequest"])
        told = asked_messages.digest(body)
        self.assertEqual(len(counted.tools), len(told.tools))
        self.assertEqual([m for m in counted.messages if m[1] == "call"],
                         [m for m in told.messages if m[1] == "call"])


class FailoverTest(ClaudeCodeCase):
    def test_anthropic_is_overloaded(self):
        """In the middle of a conversation another one goes on with it."""
        up, other = self.upstream("anthropic"), self.upstream("other")
        gateway = self.gateway({
            "providers": {"anthropic": anthropic(up, max_retries=0),
                          "other": provider(other, models=["qwen*"])},
            "routes": {"main": {"failover": {"try": ["anthropic/" + cc.MODEL, "other/qwen3-coder"]}}},
            "default_route": "main"})
        up.reply(upstream.jsonr({"type": "error", "error": {
            "type": "overloaded_error", "message": "Overloaded"}}, 529, cls="overloaded"))
        body = cc.request(*cc.history(), model="main")
        answer = self.ask(gateway, cc.CHAT, body)
        self.assertEqual(answer.status, 200, answer.body[:500])
        self.assertEqual(answer.headers[names.H_PROVIDER], "other")
        self.assertEqual(valid_request.chat(other.wait_requests(1)[-1].json()), [])
        self.assertEqual(shown(answer.body)[-1], "message_stop")
        self.assertEqual(len(up.requests), 1)


if __name__ == "__main__":
    unittest.main()
