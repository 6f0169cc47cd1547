"""Embeddings, counted tokens and lists of models, through each dialect and of each provider's API."""

import unittest

from harness import client, upstream
from harness.case import KEY, TIMEOUTS, SharedCase
from harness.gateway import Gateway
from harness.matrix import covers
from harness.upstream import Upstream

CHAT, MESSAGES, GEMINI, OLLAMA = "openai.chat", "anthropic.messages", "gemini", "ollama.chat"
RESPONSES = "openai.responses"
VECTORS = [[0.5, -0.25], [1.0, 2.0]]
# Provider: plugin, tail of its URL, options.
PROVIDERS = {CHAT: ("openai", "/v1", {"responses": "yes"}), MESSAGES: ("anthropic", "", {}),
             GEMINI: ("gemini", "", {}), OLLAMA: ("ollama", "", {})}
EMBEDDING = (CHAT, GEMINI, OLLAMA)


def answer(record):
    """What every vendor would say to it."""
    path = record.path
    if path.endswith("/embeddings"):
        return upstream.jsonr({"object": "list", "model": "m", "data": [
            {"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(VECTORS)],
            "usage": {"prompt_tokens": 4, "total_tokens": 4}})
    if path.endswith(":batchEmbedContents"):
        return upstream.jsonr({"embeddings": [{"values": v} for v in VECTORS]})
    if path.endswith("/api/embed"):
        return upstream.jsonr({"model": "m", "embeddings": VECTORS, "prompt_eval_count": 4})
    if path.endswith(("/count_tokens", "/input_tokens")):
        return upstream.jsonr({"input_tokens": 104, "object": "response.input_tokens"})
    if path.endswith(":countTokens"):
        return upstream.jsonr({"totalTokens": 104})
    return upstream.error(404, "no such path")


class OperationsTest(SharedCase):
    @classmethod
    def setUpClass(cls):
        cls.up = Upstream("fake", answer)
        cls.addClassCleanup(cls.up.stop)
        cls.gw = Gateway({"breaker": {"failures": 0}, "providers": {
            plugin: dict({"plugin": plugin, "base_url": cls.up.url + tail, "models": ["m"],
                          "api_key": "${TEST_KEY}", "timeout": dict(TIMEOUTS),
                          "list_models": False}, **options)
            for plugin, tail, options in PROVIDERS.values()}}, {"TEST_KEY": KEY})
        cls.addClassCleanup(cls.gw.stop)
        cls.port = cls.gw.port

    def each(self, apis):
        """Names of the providers, each with new books."""
        for api in apis:
            self.up.forget()
            yield PROVIDERS[api][0]

    def post(self, path, body, headers=()):
        reply = client.post(self.port, path, body, headers)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def vectors(self, found):
        self.assertEqual(found, VECTORS)
        sent = self.up.wait_requests(1)
        self.assertEqual(len(sent), 1)
        self.assertTrue(b"one" in sent[0].body and b"two" in sent[0].body, sent[0].body)

    @covers(CHAT, CHAT, "embeddings")
    @covers(CHAT, GEMINI, "embeddings")
    @covers(CHAT, OLLAMA, "embeddings")
    def test_embeddings_of_openai(self):
        for name in self.each(EMBEDDING):
            got = self.post("/v1/embeddings", {"model": name + "/m", "input": ["one", "two"]})
            self.assertEqual([one["index"] for one in got["data"]], [0, 1])
            self.vectors([one["embedding"] for one in got["data"]])

    @covers(GEMINI, CHAT, "embeddings")
    @covers(GEMINI, GEMINI, "embeddings")
    @covers(GEMINI, OLLAMA, "embeddings")
    def test_embeddings_of_gemini(self):
        for name in self.each(EMBEDDING):
            got = self.post("/v1beta/models/%s/m:batchEmbedContents" % name, {"requests": [
                {"model": "models/m", "content": {"parts": [{"text": text}]}}
                for text in ("one", "two")]})
            self.vectors([one["values"] for one in got["embeddings"]])

    @covers(OLLAMA, CHAT, "embeddings")
    @covers(OLLAMA, GEMINI, "embeddings")
    @covers(OLLAMA, OLLAMA, "embeddings")
    def test_embeddings_of_ollama(self):
        for name in self.each(EMBEDDING):
            got = self.post("/api/embed", {"model": name + "/m", "input": ["one", "two"]})
            self.vectors(got["embeddings"])

    COUNTING = (RESPONSES, MESSAGES, GEMINI)

    def counts(self, ask, member):
        """`ask` with the provider's name; the number comes from who was asked, once."""
        for api in self.COUNTING:
            name = PROVIDERS[CHAT if api == RESPONSES else api][0]
            with self.subTest(api):
                self.up.forget()
                self.assertEqual(ask(name)[member], 104)
                sent, = self.up.wait_requests(1)
                self.assertTrue(sent.path.endswith({
                    RESPONSES: "/responses/input_tokens", MESSAGES: "/messages/count_tokens",
                    GEMINI: ":countTokens"}[api]), sent.path)
                self.assertIn(b"How many", sent.body)

    @covers(MESSAGES, RESPONSES, "tokens counted")
    @covers(MESSAGES, MESSAGES, "tokens counted")
    @covers(MESSAGES, GEMINI, "tokens counted")
    def test_counted_for_anthropic(self):
        self.counts(lambda name: self.post("/v1/messages/count_tokens", {
            "model": name + "/m", "messages": [{"role": "user", "content": "How many"}]},
            [("anthropic-version", "2023-06-01")]), "input_tokens")

    @covers(RESPONSES, RESPONSES, "tokens counted")
    @covers(RESPONSES, MESSAGES, "tokens counted")
    @covers(RESPONSES, GEMINI, "tokens counted")
    def test_counted_for_responses(self):
        self.counts(lambda name: self.post("/v1/responses/input_tokens", {
            "model": name + "/m", "input": "How many"}), "input_tokens")

    @covers(GEMINI, RESPONSES, "tokens counted")
    @covers(GEMINI, MESSAGES, "tokens counted")
    @covers(GEMINI, GEMINI, "tokens counted")
    def test_counted_for_gemini(self):
        self.counts(lambda name: self.post("/v1beta/models/%s/m:countTokens" % name, {
            "contents": [{"role": "user", "parts": [{"text": "How many"}]}]}), "totalTokens")


if __name__ == "__main__":
    unittest.main()
