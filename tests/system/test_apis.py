"""What must mean the same whichever API asks and whichever answers: words, choices of tools, JSON mode,
signatures, headers, and what was used."""

import unittest

from harness import client, names, upstream, vendors
from harness.ask import ANTHROPIC, CHAT, DIALECTS, GEMINI, OLLAMA, RESPONSES, ask, request
from harness.case import Case, provider
from harness.vendors import OPENAI

VENDORS = (OPENAI, vendors.ANTHROPIC, vendors.GEMINI, vendors.OLLAMA)
AUTO, NONE, SOME, LOOK = "auto", "none", "required", "look"


def choose(dialect, choice):
    """A choice of tools as an application of that API writes it."""
    if dialect == CHAT:
        return {"tool_choice": {"type": "function", "function": {"name": choice}}
                if choice == LOOK else choice}
    if dialect == RESPONSES:
        return {"tool_choice": {"type": "function", "name": choice} if choice == LOOK else choice}
    if dialect == ANTHROPIC:
        return {"tool_choice": {"type": "tool", "name": choice} if choice == LOOK else
                {"type": {SOME: "any"}.get(choice, choice)}}
    config = {"mode": "ANY", "allowedFunctionNames": [choice]} if choice == LOOK else \
        {"mode": {AUTO: "AUTO", NONE: "NONE", SOME: "ANY"}[choice]}
    return {"toolConfig": {"functionCallingConfig": config}}


def chosen(vendor, body):
    """The choice as that vendor reads it."""
    if vendor == vendors.GEMINI:
        config = body.get("toolConfig", {}).get("functionCallingConfig", {})
        if config.get("mode") == "ANY" and config.get("allowedFunctionNames"):
            return config["allowedFunctionNames"][0]
        return {"AUTO": AUTO, "NONE": NONE, "ANY": SOME}[config.get("mode", "AUTO")]
    choice = body.get("tool_choice", AUTO)
    if vendor == OPENAI:
        return choice if isinstance(choice, str) else choice["function"]["name"]
    kind = choice if isinstance(choice, str) else choice["type"]
    return choice["name"] if kind == "tool" else {"any": SOME}.get(kind, kind)


class ApisCase(Case):
    def setUp(self):
        self.up = self.upstream("up")
        self.gw = self.gateway({
            "providers": {v: dict(provider(self.up.base_url if v == OPENAI else self.up.url,
                                           plugin=v, models=["m"])) for v in VENDORS},
            "routes": {"filtered": {"failover": ["anthropic/m"], "filters": ["noop"]}},
            "breaker": {"failures": 0}})

    def send(self, dialect, model, headers=(), tools=False, **more):
        """The answer, and what the vendor was sent; how it answers is of no interest."""
        path, body = request(dialect, model, tools=tools)
        body.update(more)
        answer = client.post(self.gw.port, path, body, headers)
        return answer, self.up.requests[-1]


class StreamTest(ApisCase):
    # field: 3.1.12
    def test_every_vendor_says_something_in_every_api(self):
        parts = [("think", "Hm."), "\u00c9t\u00e9 ", "is ", "here."]
        for vendor in VENDORS:
            for dialect in DIALECTS:
                with self.subTest(asking=dialect, vendor=vendor):
                    self.up.reply(vendors.answer(vendor, parts))
                    result = ask(self.gw.port, True, dialect, vendor + "/m")
                    self.assertTrue(result.complete, result)
                    self.assertEqual(result.reading.text, "\u00c9t\u00e9 is here.")

    # field: 3.2.1
    def test_every_vendor_calls_in_every_api(self):
        parts = [("call", "a", "look", '{"at":', ' "x"}'), ("call", "b", "look")]
        for vendor in VENDORS:
            for dialect in DIALECTS:
                with self.subTest(asking=dialect, vendor=vendor):
                    self.up.reply(vendors.answer(vendor, parts))
                    result = ask(self.gw.port, True, dialect, vendor + "/m", tools=True)
                    self.assertTrue(result.complete, result)
                    self.assertEqual(result.reading.meant(),
                                     [("look", {"at": "x"}), ("look", {})], result)

    # field: 3.4.4
    def test_the_first_report_is_not_the_last(self):
        """A vendor that begins with zeros and tells at the end what was used."""
        steps = vendors.events(vendors.ANTHROPIC, ["Hi"], tokens=(9, 6))
        steps = [step.data if isinstance(step, upstream.Send) else step for step in steps]
        steps[0] = steps[0].replace(b'"input_tokens": 9, "output_tokens": 1',
                                    b'"input_tokens": 0, "output_tokens": 0')
        steps[-2] = steps[-2].replace(b'"usage": {', b'"usage": {"input_tokens": 9, ')
        self.assertIn(b'"input_tokens": 0', steps[0])
        self.up.reply(upstream.sse(steps))
        result = ask(self.gw.port, True, CHAT, "anthropic/m",
                     stream_options={"include_usage": True})
        self.assertEqual((result.reading.usage["prompt_tokens"],
                          result.reading.usage["completion_tokens"]), (9, 6))
        entry, = self.gw.wait_access(1)
        self.assertEqual((entry["usage"]["input"], entry["usage"]["output"]), (9, 6))


class ChoiceTest(ApisCase):
    # field: 3.2.5
    def test_a_choice_of_tools_means_the_same(self):
        for dialect in (CHAT, RESPONSES, ANTHROPIC, GEMINI):
            for vendor in (OPENAI, vendors.ANTHROPIC, vendors.GEMINI):
                for choice in (AUTO, NONE, SOME, LOOK):
                    with self.subTest(asking=dialect, vendor=vendor, choice=choice):
                        _, sent = self.send(dialect, vendor + "/m", tools=True,
                                            **choose(dialect, choice))
                        self.assertEqual(chosen(vendor, sent.json()), choice)

    # field: 3.2.5
    def test_where_there_is_no_choice_it_is_told(self):
        """An Ollama has none: no tools are no tools, and more cannot be asked of it."""
        for dialect in (CHAT, RESPONSES, ANTHROPIC, GEMINI):
            with self.subTest(asking=dialect):
                _, sent = self.send(dialect, "ollama/m", tools=True, **choose(dialect, NONE))
                self.assertNotIn("tools", sent.json())
                answer, sent = self.send(dialect, "ollama/m", tools=True,
                                         **choose(dialect, LOOK))
                self.assertIn("tools", sent.json())
                self.assertIn("tool_choice", answer.headers.get(names.H_WARNINGS, ""))


class JsonTest(ApisCase):
    # field: 3.3.1
    def test_json_mode_arrives_or_is_told(self):
        asking = {CHAT: {"response_format": {"type": "json_object"}},
                  RESPONSES: {"text": {"format": {"type": "json_object"}}},
                  GEMINI: {"generationConfig": {"responseMimeType": "application/json"}},
                  OLLAMA: {"format": "json"}}
        for dialect, more in asking.items():
            for vendor in VENDORS:
                with self.subTest(asking=dialect, vendor=vendor):
                    answer, sent = self.send(dialect, vendor + "/m", **more)
                    body, told = sent.json(), answer.headers.get(names.H_WARNINGS, "")
                    arrived = {
                        OPENAI: body.get("response_format") == {"type": "json_object"},
                        vendors.GEMINI: body.get("generationConfig", {}).get(
                            "responseMimeType") == "application/json",
                        vendors.OLLAMA: body.get("format") == "json",
                        vendors.ANTHROPIC: False}[vendor]
                    self.assertTrue(arrived or "response_format" in told, (body, told))


class HeaderTest(ApisCase):
    # field: 3.2.9
    def test_experiments_stay_with_who_knows_them(self):
        headers = [("anthropic-beta", "context-1m-2025-08-07"), ("anthropic-version", "2023-06-01"),
                   ("openai-beta", "assistants=v2"), ("x-goog-experiment", "on")]
        own = {OPENAI: {"openai-beta"}, vendors.GEMINI: {"x-goog-experiment"},
               vendors.ANTHROPIC: {"anthropic-beta", "anthropic-version"}}
        for vendor in VENDORS:
            with self.subTest(vendor):
                _, sent = self.send(ANTHROPIC, vendor + "/m", headers)
                seen = {name for name in sent.headers if "beta" in name or "experiment" in name or
                        name == "anthropic-version"}
                self.assertEqual(seen, own.get(vendor, set()))


class SignatureTest(ApisCase):
    BLOCKS = [{"type": "thinking", "thinking": "So \u2192 it is.", "signature": "EqQB/+a=="},
              {"type": "redacted_thinking", "data": "AAAA"},
              {"type": "text", "text": "I look."},
              {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "x"}}]

    # field: 3.2.7
    def test_reasoning_goes_out_and_back_as_it_was(self):
        """Passed through, and read and written again: the vendor gets its own blocks."""
        document = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                    "content": self.BLOCKS, "stop_reason": "tool_use", "stop_sequence": None,
                    "usage": {"input_tokens": 7, "output_tokens": 5}}
        result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1",
                                               "content": "sand"}]}
        for model in ("anthropic/m", "filtered"):
            with self.subTest(model):
                self.up.reply(upstream.jsonr(document))
                answer, sent = self.send(ANTHROPIC, model, tools=True)
                self.assertEqual(answer.json()["content"], self.BLOCKS)
                turns = [*sent.json()["messages"],
                         {"role": "assistant", "content": answer.json()["content"]}, result]
                self.up.reply(upstream.jsonr(document))
                _, sent = self.send(ANTHROPIC, model, tools=True, messages=turns)
                self.assertEqual(sent.json()["messages"][1]["content"], self.BLOCKS)


if __name__ == "__main__":
    unittest.main()
