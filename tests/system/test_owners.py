"""Opaque state: what one provider made goes back to it, and to nobody else unless told so."""

import unittest

from harness import client, names, upstream
from harness.case import Case, provider

SIGNED = {"role": "assistant", "content": "hm", "reasoning": "so",
          "reasoning_details": [{"type": "reasoning.text", "text": "so", "signature": "s/1="}]}


def asking(*before):
    return list(before) + [{"role": "user", "content": "And?"}]


class OwnerTest(Case):
    """Two providers of one API, both good for everything."""

    def setUp(self):
        self.first, self.second = self.upstream("first"), self.upstream("second")
        both = {"try": ["first/m", "second/m"], "retries": 0}
        self.gw = self.gateway({
            "providers": {"first": provider(self.first), "second": provider(self.second)},
            "routes": {"main": {"failover": both},
                       "loose": {"failover": both, "opaque": "strip"}},
            "default_route": "main"})

    def chat(self, model="main", **more):
        return client.chat(self.gw.port, model, **more)

    def served(self, answer, by):
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers[names.H_PROVIDER], by)

    # field: 3.2.3, 3.7.3
    def test_signed_reasoning_goes_back(self):
        self.second.reply(upstream.chat(message=SIGNED))
        self.served(self.chat("second/m"), "second")
        self.served(self.chat(), "first")
        self.served(self.chat(messages=asking(SIGNED)), "second")
        self.assertEqual(self.second.wait_requests(2)[-1].json()["messages"][0], SIGNED)
        # The same value, written another way.
        other = self.second.wait_requests(2)[-1].body.replace(b"s/1=", b"s\\/1\\u003d")
        self.served(client.post(self.gw.port, "/v1/chat/completions",
                                other.replace(b'"m"', b'"main"')), "second")

    # field: 3.2.3
    def test_streamed(self):
        chunks = [upstream.event(upstream.chunk({"role": "assistant", "reasoning": "so"})),
                  upstream.event(upstream.chunk({"reasoning_details":
                                                 SIGNED["reasoning_details"]})),
                  upstream.event(upstream.chunk({"content": "hm"})),
                  upstream.event(upstream.chunk({}, finish="stop")), upstream.DONE]
        self.second.reply(upstream.sse(chunks))
        head, events, it = client.stream(self.gw.port, "second/m")
        self.served(head, "second")
        self.served(self.chat(messages=asking(SIGNED)), "second")

    # field: 3.2.4
    def test_its_owner_is_down(self):
        self.second.reply(upstream.chat(message=SIGNED))
        self.chat("second/m")
        self.second.reply(upstream.error(500))
        answer = self.chat(messages=asking(SIGNED))
        self.assert_error(answer, 502, says="second")
        self.assertEqual(len(self.first.wait_requests(0)), 0)
        self.second.reply(upstream.error(500))
        answer = self.chat("loose", messages=asking(SIGNED))
        self.served(answer, "first")
        self.assertIn("reasoning_details", answer.headers[names.H_WARNINGS])
        self.assertNotIn(b"s/1=", self.first.wait_requests(1)[-1].body)

    # field: 3.7.3
    def test_required(self):
        heard = {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}
        spoken = dict(heard, audio={"id": "audio_1", "data": "AA==", "transcript": "hm"})
        answer = self.chat(messages=asking(heard))
        self.assert_error(answer, 400, says=["'audio_1'", "not known here", "first", "second"])
        self.second.reply(upstream.chat(message=spoken))
        self.chat("second/m")
        for model in ("main", "loose", "m"):
            self.served(self.chat(model, messages=asking(heard)), "second")
        self.assert_error(self.chat("first/m", messages=asking(heard)), 400, says="second")


class CutCallTest(Case):
    """Half a tool call is no answer, relayed or not."""

    def setUp(self):
        self.first, self.second = self.upstream("first"), self.upstream("second")
        self.gw = self.gateway({
            "providers": {"first": provider(self.first), "second": provider(self.second)},
            "routes": {"main": {"failover": {"try": ["first/m", "second/m"], "retries": 0}}}})

    CALL = {"index": 0, "id": "c", "type": "function",
            "function": {"name": "f", "arguments": '{"city": "Par'}}

    # field: 3.2.2
    def test_whole(self):
        self.first.reply(upstream.chat(message={"role": "assistant", "content": None,
                                                "tool_calls": [self.CALL]},
                                       finish="tool_calls", cls="protocol"))
        answer = client.chat(self.gw.port, "main")
        self.assertEqual(answer.headers[names.H_PROVIDER], "second")
        self.assertIn(b"Hello", answer.body)

    # field: 3.1.6, 3.2.2
    def test_streamed(self):
        self.first.reply(upstream.sse([
            upstream.event(upstream.chunk({"role": "assistant", "tool_calls": [self.CALL]})),
            upstream.event(upstream.chunk({}, finish="tool_calls")), upstream.DONE],
            cls="protocol"))
        head, events, it = client.stream(self.gw.port, "main")
        self.assertFalse(any(e.done for e in events))
        self.assertTrue(any("cut short" in str(e.data) for e in events), events)

    def test_told(self):
        """An answer that says itself that it was cut off is one."""
        self.first.reply(upstream.chat(message={"role": "assistant", "content": None,
                                                "tool_calls": [self.CALL]}, finish="length"))
        answer = client.chat(self.gw.port, "main")
        self.assertEqual(answer.headers[names.H_PROVIDER], "first")
        self.assertEqual(answer.json()["choices"][0]["finish_reason"], "length")


if __name__ == "__main__":
    unittest.main()
