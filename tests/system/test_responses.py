"""The Responses API: passed through, and in front of a provider that only has Chat Completions."""

import json
import unittest

from harness import client, upstream
from harness.case import Case, provider

ROUTES = {"routes": {"main": {"failover": {"try": ["fake/m"]}}}, "default_route": "main"}


def events(body):
    """[(name, data)] of a stream."""
    out = []
    for block in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in lines:
            out.append((lines.get("event"), json.loads(lines["data"])))
    return out


class ResponsesTest(Case):
    def start(self, **more):
        up = self.upstream()
        gateway = self.gateway(dict(ROUTES, providers={"fake": provider(up, **more)}))
        return up, gateway.port

    def test_translated(self):
        up, port = self.start()
        answer = client.post(port, "/v1/responses", {
            "model": "m", "instructions": "Be brief.", "input": "Hi", "temperature": 0.5,
            "max_output_tokens": 50, "metadata": {"a": "b"}})
        self.assertEqual(answer.status, 200, answer.body)
        sent = up.wait_requests(1)[-1]
        self.assertEqual(sent.path, "/v1/chat/completions")
        self.assertEqual(sent.json()["messages"],
                         [{"role": "system", "content": "Be brief."},
                          {"role": "user", "content": "Hi"}])
        self.assertEqual(sent.json()["max_tokens"], 50)
        got = answer.json()
        self.assertEqual((got["object"], got["status"]), ("response", "completed"))
        self.assertEqual(got["output"][0]["content"][0]["text"], "Hello from upstream")
        self.assertEqual(got["usage"]["total_tokens"], 12)
        self.assertEqual((got["instructions"], got["temperature"], got["metadata"]),
                         ("Be brief.", 0.5, {"a": "b"}))
        self.assertTrue(got["id"].startswith("resp_"))

    def test_several_answers_are_not_made_one(self):
        """The Responses API has one answer: who wants more gets them elsewhere, or is told."""
        one, more = self.upstream(), self.upstream()
        gateway = self.gateway({
            "providers": {"one": provider(one, api="responses", responses="yes"),
                          "more": provider(more)},
            "routes": {"main": {"failover": {"try": ["one/m", "more/m"]}}}})
        body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
                "generationConfig": {"candidateCount": 2}}
        answer = client.post(gateway.port, "/v1beta/models/main:generateContent", body)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(more.wait_requests(1)[-1].json()["n"], 2)
        answer = client.post(gateway.port, "/v1beta/models/one/m:generateContent", body)
        self.assertEqual(answer.status, 400, answer.body)
        self.assertIn("/n cannot be expressed at one/m", answer.json()["error"]["message"])
        self.assertEqual(one.requests, [])

    def test_limit_in_the_words_of_the_vendor(self):
        for wording, name in (("current", "max_completion_tokens"), ("classic", "max_tokens")):
            up, port = self.start(wording=wording)
            client.post(port, "/v1/responses",
                        {"model": "m", "input": "Hi", "max_output_tokens": 50})
            sent = up.wait_requests(1)[-1].json()
            self.assertEqual({key: sent[key] for key in sent if key.startswith("max")}, {name: 50})

    # field: 3.2.6
    def test_translated_stream(self):
        up, port = self.start()
        answer = client.post(port, "/v1/responses",
                             {"model": "m", "input": "Hi", "stream": True})
        self.assertIn("text/event-stream", answer.headers["content-type"])
        got = events(answer.body)
        self.assertEqual([data["sequence_number"] for _, data in got], list(range(len(got))))
        self.assertTrue(all(name == data["type"] for name, data in got))
        kinds = [name for name, _ in got]
        self.assertEqual(kinds[:4], ["response.created", "response.in_progress",
                                     "response.output_item.added", "response.content_part.added"])
        self.assertEqual(kinds[-4:], ["response.output_text.done", "response.content_part.done",
                                      "response.output_item.done", "response.completed"])
        text = "".join(d["delta"] for k, d in got if k == "response.output_text.delta")
        done = dict((k, d) for k, d in got)
        self.assertEqual(done["response.output_text.done"]["text"], text)
        response = done["response.completed"]["response"]
        self.assertEqual(response["output"], [done["response.output_item.done"]["item"]])
        self.assertEqual(response["output"][0]["content"][0]["text"], text)
        self.assertEqual(response["usage"]["input_tokens"], 7)

    # field: 3.1.6
    def test_cut_stream_has_no_end(self):
        up, port = self.start()
        up.reply(upstream.cut_at(upstream.stream(), 700))
        body = json.dumps({"model": "m", "input": "Hi", "stream": True}).encode()
        with client.Conn(port) as conn:
            conn.request("POST", "/v1/responses", body, [("Content-Type", "application/json")])
            conn.head()
            told = conn.rest()
        self.assertIn(b"event: response.output_text.delta", told)
        self.assertIn(b"event: error", told)
        self.assertIn(b"event: response.failed", told)
        self.assertNotIn(b"response.completed", told)

    def test_kept_answers_cannot_be_translated(self):
        up, port = self.start()
        answer = client.post(port, "/v1/responses", {"model": "m", "input": "Hi", "previous_response_id": "resp_elsewhere"})
        self.assertEqual(answer.status // 100, 4, answer.body)
        self.assertEqual(answer.error["param"], "previous_response_id")

    def test_passed_through(self):
        up, port = self.start(responses="yes")
        body = {"id": "resp_1", "object": "response", "status": "completed", "model": "m",
                "output": [], "usage": None}
        up.reply(upstream.jsonr(body))
        answer = client.post(port, "/v1/responses", {"model": "fake/m", "input": "Hi"})
        self.assertEqual(answer.json(), body)
        sent = up.wait_requests(1)[-1]
        self.assertEqual((sent.path, sent.json()), ("/v1/responses", {"model": "m", "input": "Hi"}))
        up.reply(upstream.jsonr({"id": "resp_1"}))
        answer = client.get(port, "/v1/responses/resp_1?include=x")
        self.assertEqual(answer.json(), {"id": "resp_1"})
        self.assertEqual(up.wait_requests(2)[-1].target, "/v1/responses/resp_1?include=x")


if __name__ == "__main__":
    unittest.main()
