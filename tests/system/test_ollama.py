"""Ollama's API on both sides: applications that speak it, an Ollama behind, and both."""

import json
import subprocess
import unittest

from harness import client, names, upstream
from harness.case import Case, provider
from harness.gateway import environment, eventually, weir_bin

AT = "2026-05-04T12:00:00.123456Z"
NDJSON = (("Content-Type", "application/x-ndjson"), ("Transfer-Encoding", "chunked"))
TOTALS = {"total_duration": 9000000, "load_duration": 1000, "prompt_eval_count": 7,
          "prompt_eval_duration": 2000, "eval_count": 5, "eval_duration": 3000}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def line(content="", done=False, **more):
    document = {"model": "llama3.2", "created_at": AT,
                "message": dict({"role": "assistant", "content": content}, **more), "done": done}
    if done:
        document.update(done_reason="stop", **TOTALS)
    return json.dumps(document).encode() + b"\n"


def lines(*pieces, end=True, cls="ok"):
    """A streamed answer of an Ollama, a chunk for each line."""
    steps = [upstream.Send(upstream.head(200, NDJSON))]
    steps += [upstream.Send(upstream.chunked(piece)) for piece in pieces]
    steps += [upstream.Send(upstream.LAST_CHUNK)] if end else [upstream.Close()]
    return upstream.Reply(steps, cls)


def ollama(up, **more):
    return provider(up.base_url.replace("/v1", ""), plugin="ollama", models=["llama3.2", "m"],
                    default_model="llama3.2", **more)


def ask(gateway, path, body=None, method=None, headers=()):
    conn = client.Conn(gateway.port)
    method = method or ("POST" if body is not None else "GET")
    try:
        conn.request(method, path, json.dumps(body).encode() if body is not None else b"", headers)
        return conn.response(method)
    finally:
        conn.sock.close()


def documents(response):
    return [json.loads(text) for text in response.text.splitlines()]


HELLO = [{"role": "user", "content": "hello"}]


class BothTest(Case):
    """An application of Ollama's before an Ollama."""

    def setUp(self):
        self.up = self.upstream()
        self.gw = self.gateway({"providers": {"local": ollama(self.up)}})

    def test_stream_passes_byte_for_byte(self):
        pieces = [line("Hel"), line("lo"), line(done=True)]
        self.up.reply(lines(*pieces))
        body = {"model": "llama3.2:latest", "messages": HELLO, "options": {"num_ctx": 9},
                "keep_alive": "5m"}
        reply = ask(self.gw, "/api/chat", body)
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.body, b"".join(pieces))
        self.assertEqual(reply.headers["content-type"], "application/x-ndjson")
        record = self.up.requests[-1]
        self.assertEqual(record.target, "/api/chat")
        self.assertEqual(record.json(), dict(body, model="llama3.2"))

    def test_generate_and_embeddings_have_their_own_paths(self):
        answer = {"model": "m", "created_at": AT, "response": "hi", "done": True,
                  "done_reason": "stop", "context": [1, 2]}
        self.up.reply(upstream.jsonr(answer))
        reply = ask(self.gw, "/api/generate", {"model": "m", "prompt": "a", "stream": False})
        self.assertEqual(reply.json(), answer)
        self.up.reply(upstream.jsonr({"embedding": [1, 2]}))
        reply = ask(self.gw, "/api/embeddings", {"model": "m", "prompt": "a"})
        self.assertEqual(reply.json(), {"embedding": [1, 2]})
        self.assertEqual([r.target for r in self.up.requests[-2:]],
                         ["/api/generate", "/api/embeddings"])

    def test_errors_keep_their_words(self):
        self.up.reply(upstream.jsonr({"error": "model 'm' not found"}, 404, cls="not_found"))
        reply = ask(self.gw, "/api/chat", {"model": "m", "messages": HELLO})
        self.assertEqual(reply.status, 404)
        self.assertEqual(reply.json(), {"error": "provider local: model 'm' not found"})

    # field: 3.1.6
    def test_a_stream_that_breaks_has_no_end(self):
        for reply in (lines(line("Hel"), end=False, cls="protocol"),
                      lines(line("Hel"), b'{"error":"it broke"}\n', cls="server_error"),
                      lines(line("Hel"), cls="protocol")):
            # Broken off before its first word is there, an answer is a plain error.
            gate = upstream.Gate()
            reply.steps.insert(2, upstream.Wait(gate))
            self.up.reply(reply)
            conn = client.Conn(self.gw.port)
            conn.request("POST", "/api/chat",
                         json.dumps({"model": "m", "messages": HELLO}).encode())
            head = conn.head()
            gate.open()
            self.assertEqual(head.status, 200)
            got = b""
            try:
                for piece in conn.chunks():
                    got += piece
            except client.Incomplete:
                pass
            conn.sock.close()
            said = [json.loads(text) for text in got.splitlines()]
            self.assertEqual(said[0]["message"]["content"], "Hel")
            self.assertTrue(said[-1]["error"])
            self.assertFalse([d for d in said if d.get("done")])

    def test_pull_is_passed_on(self):
        progress = b'{"status":"pulling manifest"}\n'
        self.up.reply(lines(progress, b'{"status":"success"}\n'))
        reply = ask(self.gw, "/api/pull", {"model": "qwen3:4b"})
        self.assertEqual(reply.body, progress + b'{"status":"success"}\n')
        self.assertEqual(self.up.requests[-1].json(), {"model": "qwen3:4b"})
        self.up.reply(upstream.whole(200))
        reply = ask(self.gw, "/api/delete", {"model": "local/qwen3:4b"}, "DELETE")
        self.assertEqual(reply.status, 200)
        self.assertEqual(self.up.requests[-1].method, "DELETE")
        self.assertEqual(self.up.requests[-1].json(), {"model": "qwen3:4b"})


class DialectTest(Case):
    """An application of Ollama's before a provider that speaks OpenAI's API."""

    def setUp(self):
        self.up = self.upstream()
        self.gw = self.gateway({"providers": {"fake": provider(self.up)},
                                "routes": {"main": {"failover": ["fake/m"]}},
                                "default_route": "main"})

    def test_stream(self):
        self.up.reply(upstream.stream(["Hel", "lo"], tokens=(7, 5)))
        reply = ask(self.gw, "/api/chat", {"model": "main:latest", "messages": HELLO})
        said = documents(reply)
        self.assertEqual(reply.headers["content-type"], "application/x-ndjson")
        self.assertEqual("".join(d["message"]["content"] for d in said), "Hello")
        self.assertEqual([d["done"] for d in said], [False, False, True])
        self.assertEqual(said[-1]["done_reason"], "stop")
        self.assertEqual(said[-1]["prompt_eval_count"], 7)
        self.assertEqual(said[-1]["eval_count"], 5)
        self.assertIn("total_duration", said[-1])
        self.assertNotIn("load_duration", said[-1])
        asked = self.up.requests[-1].json()
        self.assertEqual(asked["messages"], HELLO)
        self.assertTrue(asked["stream_options"]["include_usage"])

    def test_tools_and_their_results(self):
        call = {"id": "call_1", "type": "function",
                "function": {"name": "look", "arguments": '{"at": "it"}'}}
        self.up.reply(upstream.chat(message={"role": "assistant", "content": None,
                                             "tool_calls": [call]}, finish="tool_calls"))
        said = ask(self.gw, "/api/chat", {"model": "m", "messages": HELLO, "tools": [TOOL],
                                          "stream": False}).json()
        self.assertEqual(said["message"]["tool_calls"], [
            {"id": "call_1", "function": {"index": 0, "name": "look", "arguments": {"at": "it"}}}])
        self.up.reply(upstream.chat("seen"))
        bare = {"function": {"name": "look", "arguments": {"at": "it"}}}
        said = ask(self.gw, "/api/chat", {
            "model": "m", "stream": False, "tools": [TOOL], "messages": HELLO + [
                {"role": "assistant", "content": "", "tool_calls": [bare, bare]},
                {"role": "tool", "tool_name": "look", "content": "1"},
                {"role": "tool", "tool_name": "look", "content": "2"}]}).json()
        self.assertEqual(said["message"]["content"], "seen")
        asked = self.up.requests[-1].json()["messages"]
        ids = [c["id"] for c in asked[1]["tool_calls"]]
        self.assertEqual(len(set(ids)), 2)
        self.assertEqual([m["tool_call_id"] for m in asked[2:]], ids)
        self.assertEqual(json.loads(asked[1]["tool_calls"][0]["function"]["arguments"]),
                         {"at": "it"})

    def test_failure_before_and_after_the_first_word(self):
        self.up.reply(upstream.error(401, "no such key"))
        reply = ask(self.gw, "/api/chat", {"model": "m", "messages": HELLO})
        self.assertEqual(reply.status, 401)
        self.assertEqual(reply.json(), {"error": "provider fake: no such key"})
        self.up.reply(upstream.cut_at(upstream.stream(["Hel", "lo"]), 900))
        conn = client.Conn(self.gw.port)
        conn.request("POST", "/api/chat", json.dumps({"model": "m", "messages": HELLO}).encode())
        conn.head()
        got = b""
        try:
            for piece in conn.chunks():
                got += piece
        except client.Incomplete:
            pass
        conn.sock.close()
        said = [json.loads(text) for text in got.splitlines()]
        self.assertTrue(said[-1]["error"])
        self.assertFalse([d for d in said if d.get("done")])

    def test_what_needs_no_provider(self):
        for method in ("GET", "HEAD"):
            reply = ask(self.gw, "/", method=method)
            self.assertEqual(reply.status, 200)
            self.assertEqual(reply.body, b"Ollama is running" if method == "GET" else b"")
        self.assertRegex(ask(self.gw, "/api/version").json()["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(ask(self.gw, "/api/ps").json(), {"models": []})
        models = ask(self.gw, "/api/tags").json()["models"]
        self.assertLessEqual({"main", "m", "fake/m"}, {m["name"] for m in models})
        for model in models:
            self.assertEqual(model["name"], model["model"])
            self.assertGreaterEqual(len(model["digest"]), 12)
        shown = ask(self.gw, "/api/show", {"model": "m:latest"}).json()
        self.assertEqual(shown["model_info"]["general.basename"], "m")
        self.assertEqual(ask(self.gw, "/api/show", {"model": "none"}).status, 404)
        said = ask(self.gw, "/api/generate", {"model": "m"}).json()
        self.assertEqual((said["done"], said["done_reason"], said["response"]), (True, "load", ""))
        self.assertEqual(self.up.requests, [])

    def test_refusals_name_the_field(self):
        reply = ask(self.gw, "/api/chat", {"model": "m", "messages": [{"role": "user",
                                                                       "content": [1]}]})
        self.assertEqual(reply.status, 400)
        self.assertIn("content", reply.json()["error"])


class ProviderTest(Case):
    """An application of OpenAI's before an Ollama."""

    def setUp(self):
        self.up = self.upstream()
        self.gw = self.gateway({"providers": {"local": ollama(self.up)}})

    def test_stream(self):
        self.up.reply(lines(line(thinking="hm"), line("Hel"), line("lo"), line(done=True)))
        with client.Stream(self.gw.port, "m", stream_options={"include_usage": True},
                           reasoning_effort="low") as stream:
            events = stream.all()
        self.assertEqual(client.text_of(events), "Hello")
        self.assertTrue(events[-1].done)
        asked = self.up.requests[-1].json()
        self.assertEqual(asked["think"], "low")
        self.assertIs(asked["stream"], True)

    def test_whole_with_tools(self):
        call = {"function": {"name": "look", "arguments": {"at": "it"}}}
        self.up.reply(upstream.jsonr(json.loads(line(done=True, tool_calls=[call]))))
        reply = ask(self.gw, "/v1/chat/completions", {
            "model": "m", "messages": HELLO, "tools": [TOOL], "max_tokens": 9, "user": "u"})
        choice = reply.json()["choices"][0]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        self.assertEqual(json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]),
                         {"at": "it"})
        self.assertEqual(reply.json()["usage"]["total_tokens"], 12)
        asked = self.up.requests[-1].json()
        self.assertIs(asked["stream"], False)
        self.assertEqual(asked["options"], {"num_predict": 9})
        self.assertIn("/user", reply.headers[names.H_WARNINGS])

    def test_embeddings(self):
        self.up.reply(upstream.jsonr({"model": "m", "embeddings": [[1, 2]],
                                      "prompt_eval_count": 3}))
        reply = ask(self.gw, "/v1/embeddings", {"model": "m", "input": "a"})
        self.assertEqual(reply.json()["data"][0]["embedding"], [1, 2])
        self.assertEqual(reply.json()["usage"]["prompt_tokens"], 3)
        self.assertEqual(self.up.requests[-1].target, "/api/embed")


class EnvironmentTest(Case):
    """No configuration, but an Ollama."""

    def serve(self, host):
        process = subprocess.Popen(
            [weir_bin(), "serve", "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=environment(HOME="/nonexistent", XDG_CONFIG_HOME="/nonexistent",
                            OLLAMA_HOST=host))
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 15)
        self.addCleanup(process.terminate)
        said = ""
        for text in process.stdout:
            said += text
            match = names.LISTENING.search(text)
            if match:
                self.port = int(match.group(3))
            if "Provider 'ollama'" in said and "listening" in said:
                break
        return said

    def test_its_models_can_be_asked(self):
        tags = upstream.jsonr({"models": [
            {"name": "nomic-embed-text:latest", "model": "nomic-embed-text:latest"},
            {"name": "llama3.2:latest", "model": "llama3.2:latest"}]})
        done = line("hi", done=True)

        def answer(record):
            return tags if record.path == "/api/tags" else upstream.jsonr(json.loads(done))

        up = self.upstream(default=answer)
        said = self.serve(up.base_url.replace("/v1", ""))
        self.assertIn("'llama3.2' is its default", said)
        eventually("it serves", lambda: self.ready())
        for model in ("llama3.2", "llama3.2:latest", "ollama/llama3.2", "default"):
            for path, text in (("/api/chat", lambda d: d["message"]["content"]),
                               ("/v1/chat/completions",
                                lambda d: d["choices"][0]["message"]["content"])):
                reply = ask(self, path, {"model": model, "messages": HELLO, "stream": False})
                self.assertEqual(reply.status, 200, (model, path, reply.text))
                self.assertEqual(text(reply.json()), "hi")

    def ready(self):
        try:
            return ask(self, "/readyz").status == 200
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
