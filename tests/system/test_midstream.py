"""An answer that breaks off after it began, on routes where another target carries it on.

`mid_stream: splice` asks the same again and hands on what lies beyond the delivered point; `continue`
shows the next target what was said so far. The caller must not see the seam: nothing is missing,
nothing comes twice, and what nobody can carry on ends in one error.
"""

import json
import os
import unittest

from harness import client, names, upstream, vendors
from harness.ask import ANTHROPIC, CHAT, DIALECTS, GEMINI, OLLAMA, RESPONSES, Live, ask, request
from harness.case import Case, DeadPort, provider
from harness.gateway import eventually
from harness.upstream import Gate, Stall, Wait
from harness.vendors import broken

PARTS = ["Once ", "upon ", "a \"time\"", " there\n", "was \u00e9\U0001f600", ", the", " end."]
TEXT = "".join(PARTS)
VENDORS = (vendors.OPENAI, vendors.ANTHROPIC, vendors.GEMINI, vendors.OLLAMA)
WHOLE_CALLS = (GEMINI, OLLAMA)             # half a call is never told there
BEFORE = {vendors.OPENAI: 1, vendors.ANTHROPIC: 2, vendors.GEMINI: 0, vendors.OLLAMA: 0}


def base_url(vendor, up):
    return up.base_url if vendor == vendors.OPENAI else up.url


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cut(vendor, gate, said=5, parts=PARTS, **more):
    """The answer, broken off when its first `said` parts are out."""
    return broken(vendor, parts, BEFORE[vendor] + said, gate, **more)


class MidstreamCase(Case):
    """Upstreams `one` and `two`, each as a provider of every vendor, and routes from each to each."""

    WAY = "splice"

    def start(self, more=None, route=None, **providers):
        self.one, self.two = self.upstream("one"), self.upstream("two")
        config = {"providers": {}, "routes": {}, "breaker": {"failures": 0}}
        for up in (self.one, self.two):
            for vendor in VENDORS:
                name = "%s-%s" % (up.name, vendor)
                config["providers"][name] = dict(provider(
                    base_url(vendor, up), plugin=vendor, models=["m"]),
                    **providers.get(name.replace("-", "_"), {}))
        for a in VENDORS:
            for b in VENDORS:
                tree = {"failover": ["one-%s/m" % a, "two-%s/m" % b], "mid_stream": self.WAY}
                config["routes"]["%s-%s" % (a, b)] = dict(tree, **(route or {}))
        config.update(more or {})
        self.gw = self.gateway(config)

    def carried(self, dialect, reply=None, between=(vendors.OPENAI, vendors.OPENAI), parts=PARTS,
                said=5, wait=None, **more):
        """Asks, breaks the first answer off when its delivered part is there; gives the result."""
        a, b = between
        gate = Gate()
        self.addCleanup(gate.open)
        self.one.reply(cut(a, gate, said, parts, **more))
        if reply is not None:
            self.two.reply(reply)
        live = Live(self.gw.port, dialect, "%s-%s" % (a, b), tools=vendors.has_call(parts))
        text = "".join(p for p in parts[:said] if isinstance(p, str))
        live.until(wait or (lambda r: r.text == text))
        gate.open()
        return live.all()

    def assert_whole(self, result, parts=PARTS):
        r = result.reading
        self.assertTrue(result.complete, result)
        self.assertEqual(r.text, "".join(p for p in parts if isinstance(p, str)), result)
        self.assertEqual(r.meant(), [(p[2], json.loads("".join(p[3:]) or "{}")) for p in parts
                                     if not isinstance(p, str) and p[0] == "call"], result)

    def assert_broken(self, result, began):
        r = result.reading
        self.assertFalse(result.complete, result)
        self.assertEqual(r.text, began, result)
        self.assertTrue(result.message, result)
        self.assertFalse(r.ended, result)
        self.assertIsNone(r.finish, result)

    def attempts(self, *expected):
        """The newest entry of the log, which has these attempts."""
        entry = self.gw.wait_access(1)[-1]
        self.assertEqual(names.log_attempts(entry), list(expected))
        return entry


class SpliceTest(MidstreamCase):
    # field: 3.1.11
    def test_every_api_on_every_side(self):
        """Five APIs ask, and each of four vendors breaks off before each other."""
        self.start()
        count = 0
        for a in VENDORS:
            for b in VENDORS:
                for dialect in DIALECTS:
                    with self.subTest(asking=dialect, first=a, second=b):
                        result = self.carried(dialect, vendors.answer(b, PARTS, "m2", (9, 6)),
                                              between=(a, b))
                        count += 1
                        self.assert_whole(result)
                        self.assertEqual(result.headers[names.H_PROVIDER], "one-" + a)
        self.assertEqual((len(self.one.requests), len(self.two.requests)), (count, count))
        for entry in self.gw.wait_access(count):
            (_, cls), (by, second) = names.log_attempts(entry)
            self.assertEqual((cls, second), ("protocol", "ok"))
            self.assertEqual((entry["target"], entry["status"]), (by + "/m", 200))
            self.assertEqual((entry["usage"]["input"], entry["usage"]["output"]), (9, 6))

    def test_every_place(self):
        """Broken off after each part, and after none."""
        self.start()
        for said in range(1, len(PARTS) + 1):
            with self.subTest(said=said):
                result = self.carried(CHAT, vendors.answer(vendors.OPENAI, [TEXT[:3], TEXT[3:]]),
                                      said=said)
                self.assert_whole(result)

    def test_cut_in_two_other_places(self):
        """The pieces of the second answer are not those of the first."""
        self.start()
        for pieces in ([TEXT], list(TEXT), [TEXT[:1], TEXT[1:40], TEXT[40:]]):
            for dialect in DIALECTS:
                with self.subTest(dialect=dialect, pieces=len(pieces)):
                    self.assert_whole(self.carried(
                        dialect, vendors.answer(vendors.ANTHROPIC, pieces),
                        between=VENDORS[:2]))

    def test_reasoning_is_not_compared(self):
        self.start()
        first = [("think", "Hm, so "), ("think", "be it."), *PARTS]
        second = [("think", "Otherwise "), ("think", "thought, and longer."), *PARTS]
        for a in VENDORS:
            for b in VENDORS:
                for dialect in DIALECTS:
                    with self.subTest(asking=dialect, first=a, second=b):
                        thought = 2 if a == vendors.ANTHROPIC else 0
                        result = self.carried(dialect, vendors.answer(b, second),
                                              parts=first, said=7 + thought, between=(a, b),
                                              wait=lambda r: r.text == "".join(PARTS[:5]))
                        self.assert_whole(result)
                        self.assertNotIn("Otherwise", result.raw.decode())

    # field: 3.1.11, 3.2.2
    def test_inside_the_arguments_of_a_call(self):
        """The rest of the arguments comes from the second answer; the call is one call."""
        self.start()
        first = ["Let me ", "look.", ("call", "c1", "look", '{"at": ', '"the ', 'sea"}')]
        second = ["Let me look.", ("call", "other", "look", '{"at":', '"the sea"', "}")]
        for a in VENDORS[:2]:              # the others' calls come whole
            for b in VENDORS:
                for dialect in DIALECTS:
                    with self.subTest(asking=dialect, first=a, second=b):
                        more = 2 if a == vendors.ANTHROPIC else 0
                        result = self.carried(
                            dialect, vendors.answer(b, second), parts=first, said=5 + more,
                            between=(a, b), wait=self.begun_call(dialect))
                        self.assert_whole(result, first)
                        self.assertEqual(len(result.reading.calls), 1)
                        if dialect not in WHOLE_CALLS:
                            self.assertNotIn(b"other", result.raw)

    def begun_call(self, dialect):
        if dialect in WHOLE_CALLS:
            return lambda r: r.text == "Let me look."
        return lambda r: any("the " in arguments for _, arguments in r.calls.values())

    def test_between_two_calls(self):
        """The first call came whole: it is not told again, whatever its blanks."""
        self.start()
        first = [("call", "c1", "look", '{"at": "a"}'), ("call", "c2", "look", '{"at": "b"}')]
        second = [("call", "x1", "look", '{"at":', '"a"}'), ("call", "x2", "look", '{"at":"b"}')]
        for b in VENDORS:
            for dialect in DIALECTS:
                with self.subTest(asking=dialect, second=b):
                    self.assert_whole(self.carried(
                        dialect, vendors.answer(b, second), parts=first, said=1,
                        between=(vendors.OLLAMA, b), wait=lambda r: len(r.calls) == 1), first)

    def test_another_answer_is_not_mixed_in(self):
        """The first difference ends it, in one error; nothing of the other answer is told."""
        self.start()
        others = {"from the start": ["Twice upon a time"], "later": ["Once upon a tide, the end."],
                  "too short": ["Once "], "a call": [("call", "c", "look", '{"at": "a"}')]}
        for name, parts in others.items():
            for dialect in DIALECTS:
                with self.subTest(name, asking=dialect):
                    result = self.carried(dialect, vendors.answer(vendors.ANTHROPIC, parts),
                                          between=VENDORS[:2])
                    self.assert_broken(result, "".join(PARTS[:5]))
        for entry in self.gw.wait_access(len(others) * len(DIALECTS)):
            self.assertEqual(names.log_attempts(entry), [("one-openai", "protocol"),
                                                         ("two-anthropic", "cancelled")])
            self.assertEqual(entry["class"], "protocol", entry)

    def test_another_call_is_not_mixed_in(self):
        self.start()
        first = ["So.", ("call", "c1", "look", '{"at": ', '"the ', 'sea"}')]
        for call in (("call", "c", "look", '{"at": "a land"}'),
                     ("call", "c", "dig", '{"at": "the sea"}'),
                     ("call", "c", "look", '{"by": "the sea"}')):
            with self.subTest(call):
                result = self.carried(CHAT, vendors.answer(vendors.OPENAI, ["So.", call]),
                                      parts=first, said=4, wait=self.begun_call(CHAT))
                self.assert_broken(result, "So.")
                self.assertIn("the ", result.reading.calls[0][1])
                self.assertNotIn("land", result.raw.decode())

    def test_however_it_breaks(self):
        """A cut, a reset, a failure told in the stream, an event that is none, a stall."""
        self.start(one_openai={"timeout": {"idle": "300ms"}})
        fault = {"error": {"message": "It broke", "type": "server_error", "code": None}}
        endings = {"reset": ([upstream.Reset()], "protocol"),
                   "told": ([upstream.event(fault)], "server_error"),
                   "no json": ([b'data: {"choices":[{"delta"\n\n'], "protocol"),
                   "stall": ([Stall()], "timeout")}
        for name, (ending, cls) in endings.items():
            for dialect in (CHAT, ANTHROPIC):
                with self.subTest(name, asking=dialect):
                    self.assert_whole(self.carried(dialect, vendors.answer(
                        vendors.OPENAI, PARTS), ending=ending, cls=cls))
        seen = {names.log_attempts(entry)[0][1] for entry in self.gw.wait_access(8)}
        self.assertEqual(seen, {"protocol", "server_error", "timeout"})

    def test_the_same_target_may_carry_on(self):
        self.start(route={"failover": {"try": ["one-openai/m"], "retries": 1}})
        self.one.default = lambda record: vendors.answer(vendors.OPENAI, PARTS)
        self.assert_whole(self.carried(CHAT))
        self.assertEqual((len(self.one.requests), len(self.two.requests)), (2, 0))

    def test_the_second_breaks_as_well(self):
        """The third goes on from where the second got to, not from where the first did."""
        third = {"third": {"failover": ["one-openai/m", "two-openai/m", "two-anthropic/m"],
                           "mid_stream": "splice"}}
        for there_is_a_third in (True, False):
            with self.subTest(third=there_is_a_third):
                self.start({"routes": third} if there_is_a_third else None)
                gates = Gate(), Gate()
                self.one.reply(cut(vendors.OPENAI, gates[0], 3))
                self.two.reply(cut(vendors.OPENAI, gates[1], 5))
                if there_is_a_third:
                    self.two.reply(vendors.answer(vendors.ANTHROPIC, PARTS))
                live = Live(self.gw.port, model="third" if there_is_a_third else "openai-openai")
                live.until_text("".join(PARTS[:3]))
                gates[0].open()
                live.until_text("".join(PARTS[:5]))
                gates[1].open()
                result = live.all()
                if there_is_a_third:
                    self.assert_whole(result)
                else:
                    self.assert_broken(result, "".join(PARTS[:5]))
                self.assertEqual(len(self.one.requests), 1)

    def test_nobody_can_go_on(self):
        """One error, in each API; no end; and the gateway is well."""
        self.start()
        for dialect in DIALECTS:
            with self.subTest(asking=dialect):
                result = self.carried(dialect, upstream.error(503))
                self.assert_broken(result, "".join(PARTS[:5]))
                self.two.reply(upstream.chat())
                self.assertTrue(ask(self.gw.port, model="two-openai/m").complete)
        entries = self.gw.wait_access(2 * len(DIALECTS))
        self.assertEqual({names.log_attempts(e)[1:] and names.log_attempts(e)[1]
                          for e in entries if len(e["attempts"]) > 1}, {("two-openai", "overloaded")})

    def test_nobody_is_there(self):
        dead = DeadPort()
        self.addCleanup(dead.close)
        self.start(two_openai={"base_url": dead.base_url})
        result = self.carried(CHAT)
        self.assert_broken(result, "".join(PARTS[:5]))
        self.attempts(("one-openai", "protocol"), ("two-openai", "connection"))

    def test_the_application_leaves_meanwhile(self):
        """While the other target is asked, and while it speaks."""
        for words in (0, 2, 6):
            with self.subTest(words=words):
                self.start()
                gates = Gate(), Gate()
                self.one.reply(cut(vendors.OPENAI, gates[0]))
                steps = vendors.events(vendors.OPENAI, PARTS)[:words + 1] if words else []
                self.two.reply(vendors.reply(vendors.OPENAI, steps + [Wait(gates[1]), Stall()],
                                             "cancelled") if words else
                               upstream.Reply([Wait(gates[1]), Stall()], "cancelled"))
                live = Live(self.gw.port, model="openai-openai")
                live.until_text("".join(PARTS[:5]))
                gates[0].open()
                record = self.two.wait_requests(1)[0]
                self.assertTrue(gates[1].reached.wait(10))
                if words > 5:
                    live.until_text("".join(PARTS[:6]))
                live.conn.close()
                self.assertTrue(record.gone.wait(5), "the second target was not let go")
                self.attempts(("one-openai", "protocol"), ("two-openai", "cancelled"))
                eventually("nothing in flight",
                           lambda: self.gw.metrics().sum(names.M_INFLIGHT) == 0)
                self.doCleanups()

    def test_deadline_of_the_request(self):
        self.start(route={"budget": {"deadline": "1s"}})
        result = self.carried(CHAT, upstream.Reply([Stall()], "budget"))
        self.assert_broken(result, "".join(PARTS[:5]))
        self.assertLess(result.seconds, 4)

    def test_books(self):
        """Usage of both attempts is in the log; the answer reports the one that carried it on."""
        self.start()
        gate = Gate()
        steps = vendors.events(vendors.OPENAI, PARTS, tokens=(7, 2))
        self.one.reply(vendors.reply(vendors.OPENAI, [
            *steps[:6], steps[-2], Wait(gate), upstream.Close()], "protocol"))
        self.two.reply(vendors.answer(vendors.OPENAI, PARTS, tokens=(9, 6)))
        live = Live(self.gw.port, model="openai-openai", stream_options={"include_usage": True})
        live.until_text("".join(PARTS[:5]))
        gate.open()
        result = live.all()
        self.assert_whole(result)
        self.assertEqual(result.reading.usage["completion_tokens"], 6)
        entry = self.attempts(("one-openai", "protocol"), ("two-openai", "ok"))
        used = [(a["usage"]["input"], a["usage"]["output"]) for a in entry["attempts"]]
        self.assertEqual(used, [(7, 2), (9, 6)])
        self.assertEqual(entry["target"], "two-openai/m")
        self.assertEqual((entry["usage"]["input"], entry["usage"]["output"]), (9, 6))
        tokens = self.gw.metrics().tokens()
        self.assertEqual((tokens["input"], tokens["output"]), (16, 8))

    def native(self, **more):
        """Providers that have the Responses API, and a route over them."""
        self.start({"routes": {"native": dict({"failover": ["one-openai/m", "two-openai/m"],
                                               "mid_stream": self.WAY}, **more)}},
                   one_openai={"responses": "yes"}, two_openai={"responses": "yes"})

    def test_responses_passed_through(self):
        """The vendor's own events, then ours: one numbering, one message, one end."""
        for parts, keep in ((PARTS, 4 + 5), (["Look.", ("call", "c1", "look", '{"at": ', '"it"}')],
                                             4 + 1 + 3 + 2)):
            with self.subTest(keep=keep):
                self.native()
                gate = Gate()
                events = vendors.events(vendors.RESPONSES, parts)
                self.one.reply(vendors.reply(vendors.RESPONSES,
                                             [*events[:keep], Wait(gate), upstream.Close()],
                                             "protocol"))
                self.two.reply(vendors.answer(vendors.RESPONSES, parts, tokens=(9, 6)))
                live = Live(self.gw.port, RESPONSES, "native", tools=True)
                live.until(lambda r: r.text == "".join(PARTS[:5]) or '{"at": ' in str(r.calls))
                gate.open()
                result = live.all()
                self.assert_whole(result, parts)
                self.assertEqual([r.path for r in self.two.requests], ["/v1/responses"])
                told = result.reading.documents
                self.assertEqual([d["sequence_number"] for d in told], list(range(len(told))))
                kinds = [d["type"] for d in told]
                self.assertEqual(kinds.count("response.created"), 1)
                self.assertEqual(kinds.count("response.output_item.added"),
                                 kinds.count("response.output_item.done"))
                self.assertEqual(result.reading.usage["output_tokens"], 6)

    def test_gemini_as_an_array(self):
        """Not as events: what is written before and after the seam is one JSON array."""
        self.start()
        for b in VENDORS:
            with self.subTest(second=b):
                gate = Gate()
                pieces = [event.data[6:-2] if isinstance(event, upstream.Send) else event[6:-2]
                          for event in vendors.events(vendors.GEMINI, PARTS)]
                steps = [(b"[" if not i else b",\r\n") + piece
                         for i, piece in enumerate(pieces[:5])]
                self.one.reply(upstream.sse([*steps, Wait(gate), upstream.Close()],
                                            cls="protocol"))
                self.one._queue[-1].steps[0] = upstream.Send(upstream.head(200, [
                    ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]))
                self.two.reply(vendors.answer(b, PARTS))
                with client.Conn(self.gw.port, 15) as conn:
                    conn.request("POST", "/v1beta/models/gemini-%s:streamGenerateContent" % b,
                                 json.dumps(request(GEMINI, "", stream=True)[1]).encode())
                    conn.head()
                    source, raw = conn.chunks(), b""
                    while "was" not in raw.decode():
                        raw += next(source)
                    gate.open()
                    raw += b"".join(source)
                told = json.loads(raw)
                parts = [c["content"]["parts"] for d in told for c in d["candidates"]]
                self.assertEqual("".join(p["text"] for ps in parts for p in ps), TEXT)
                self.assertEqual(told[-1]["candidates"][0]["finishReason"], "STOP")
                self.assertEqual(told[-1]["provider"], "two-" + b)

    def test_where_the_provider_is_told_in_every_body(self):
        self.start({"expose": "body"})
        for dialect in DIALECTS:
            with self.subTest(asking=dialect):
                result = self.carried(dialect, vendors.answer(vendors.OPENAI, PARTS))
                self.assert_whole(result)
                self.assertEqual(result.reading.providers, ["one-openai", "two-openai"])

    def test_with_filters(self):
        self.start(route={"filters": ["noop"]})
        for dialect in DIALECTS:
            with self.subTest(asking=dialect):
                self.assert_whole(self.carried(dialect, vendors.answer(vendors.OPENAI, PARTS)))

    def test_a_slow_reader(self):
        """Held back on both sides of the seam, it still gets everything once."""
        self.start()
        parts = ["%05d" % i * 2000 for i in range(200)]
        gate = Gate()
        self.one.reply(cut(vendors.OPENAI, gate, 100, parts))
        self.two.reply(vendors.answer(vendors.OPENAI, parts))
        with client.Stream(self.gw.port, "openai-openai", receive_buffer=4096) as it:
            it.until_content()
            gate.open()
            self.two.wait_requests(1)
            events = it.all()
        self.assertEqual(len(client.text_of(events)) + 10000, 200 * 10000)
        self.assertTrue(events[-1].done)

    def test_more_than_is_remembered(self):
        """What was delivered is kept up to limits.hold_size; beyond, a break is an error."""
        self.start({"limits": {"hold_size": "64KB"}})
        parts = ["%05d" % i * 2000 for i in range(12)]
        result = self.carried(CHAT, said=10, parts=parts)
        self.assert_broken(result, "".join(parts[:10]))
        self.assertEqual(self.two.requests, [])

    def test_several_choices_are_not_carried_on(self):
        self.start()
        gate = Gate()
        both = [upstream.event(upstream.chunk(choices=[
            {"index": i, "delta": {"content": text}, "finish_reason": None}]))
            for i, text in enumerate(("one", "two"))]
        self.one.reply(upstream.sse([*both, Wait(gate), upstream.Close()], cls="protocol"))
        live = Live(self.gw.port, model="openai-openai", n=2)
        live.until_text("onetwo")
        gate.open()
        self.assert_broken(live.all(), "onetwo")
        self.assertEqual(self.two.requests, [])

    # field: 3.1.4
    def test_failures_behind_the_break_have_an_end(self):
        """Rate limits for ever, and many retries: the budget's attempts, then one error."""
        self.start(route={"failover": {"try": ["one-openai/m", "two-openai/m"], "retries": 90,
                                         "delay": "1ms", "max_delay": "1ms"}})
        for up in (self.one, self.two):
            up.default = lambda record: upstream.error(429)
        result = self.carried(CHAT)
        self.assert_broken(result, "".join(PARTS[:5]))
        self.assertEqual(len(self.one.requests) + len(self.two.requests), 16)
        self.assertLess(result.seconds, 10)
        worker = self.gw.worker_pids()[0]
        before = cpu_seconds(worker)
        self.two.default = lambda record: upstream.pretend(record)
        for _ in range(20):
            self.assertTrue(ask(self.gw.port, model="two-openai/m").complete)
        self.assertLess(cpu_seconds(worker) - before, 1)

    def test_many_break_at_once(self):
        self.start()
        gate = Gate()
        count = 40
        self.one.reply(*[cut(vendors.OPENAI, gate) for _ in range(count)])
        self.two.default = lambda record: vendors.answer(vendors.OPENAI, PARTS)
        lives = [Live(self.gw.port, DIALECTS[i % 5], "openai-openai") for i in range(count)]
        for live in lives:
            live.until_text("".join(PARTS[:5]))
        gate.open()
        for live in lives:
            self.assert_whole(live.all())
        self.assertEqual((len(self.one.requests), len(self.two.requests)), (count, count))

    def test_who_speaks_is_told(self):
        """From the seam on, what is written names the provider that it comes from."""
        self.start()
        for dialect, a in ((CHAT, vendors.OPENAI), (CHAT, vendors.GEMINI),
                           (ANTHROPIC, vendors.ANTHROPIC), (ANTHROPIC, vendors.OPENAI),
                           (RESPONSES, vendors.OPENAI), (GEMINI, vendors.GEMINI),
                           (OLLAMA, vendors.OLLAMA), (OLLAMA, vendors.OPENAI)):
            with self.subTest(asking=dialect, first=a):
                result = self.carried(dialect, vendors.answer(a, PARTS), between=(a, a))
                self.assert_whole(result)
                self.assertEqual(result.reading.providers[-1:], ["two-" + a], result)


class ContinueTest(MidstreamCase):
    """The next target is shown what was said; only those are asked that go on from there."""

    WAY = "continue"
    ABLE = VENDORS[1:]                     # OpenAI's API has no way to do so
    REST = [", the", " end."]

    def shown(self, record, vendor):
        """(role, text) of the turns that the target was given."""
        body = record.json()
        if vendor == vendors.GEMINI:
            return [(turn["role"].replace("model", "assistant"),
                     "".join(part["text"] for part in turn["parts"]))
                    for turn in body["contents"]]
        return [(turn["role"], turn["content"] if isinstance(turn["content"], str) else
                 "".join(part["text"] for part in turn["content"])) for turn in body["messages"]]

    # field: 3.1.3, 3.1.11
    def test_every_api_on_every_side(self):
        """It is given the text so far and not a word of ours; its own words follow."""
        self.start()
        for a in VENDORS:
            for b in self.ABLE:
                for dialect in DIALECTS:
                    with self.subTest(asking=dialect, first=a, second=b):
                        result = self.carried(dialect, vendors.answer(b, self.REST, "m2", (9, 2)),
                                              between=(a, b))
                        self.assert_whole(result)
                        self.assertEqual(self.shown(self.two.requests[-1], b),
                                         [("user", "Hi"), ("assistant", "".join(PARTS[:5]))])
                        self.assertEqual(result.reading.providers[-1:], ["two-" + b])
        for entry in self.gw.wait_access(len(self.two.requests)):
            self.assertEqual([cls for _, cls in names.log_attempts(entry)], ["protocol", "ok"])
            self.assertEqual((entry["usage"]["input"], entry["usage"]["output"]), (9, 2))

    def test_white_space_at_the_seam(self):
        """Vendors take no text that ends with a blank: it is not shown, and comes neither twice nor
        not at all."""
        self.start()
        parts = ["One. \n", "Two."]
        for again in ("", " ", " \n"):
            for b in self.ABLE:
                with self.subTest(again=again, second=b):
                    result = self.carried(CHAT, vendors.answer(b, [again + "Two."]),
                                          between=(vendors.OPENAI, b), parts=parts, said=1)
                    self.assert_whole(result, parts)
                    self.assertEqual(self.shown(self.two.requests[-1], b)[-1],
                                     ("assistant", "One."))

    def test_what_was_thought_is_not_shown(self):
        self.start()
        parts = [("think", "Hm."), *PARTS]
        for b in self.ABLE:
            with self.subTest(second=b):
                self.assert_whole(self.carried(
                    CHAT, vendors.answer(b, [("think", "Go on, then."), *self.REST]),
                    between=(vendors.OPENAI, b), parts=parts, said=6))
                self.assertEqual(self.shown(self.two.requests[-1], b)[-1],
                                 ("assistant", "".join(PARTS[:5])))

    # field: 3.1.3
    def test_who_does_not_go_on_is_not_asked(self):
        """By its API, or by what is known of the model: passed over, and told if nobody is left."""
        lacks = {"name": "m", "lacks": ["prefill"]}
        for settings, model in (({}, "openai-openai"),
                                ({"two_anthropic": {"models": [lacks]}}, "openai-anthropic")):
            with self.subTest(model):
                self.start(**settings)
                result = self.carried(CHAT, between=tuple(model.split("-")))
                self.assert_broken(result, "".join(PARTS[:5]))
                self.assertEqual(self.two.requests, [])
                self.attempts(("one-openai", "protocol"))

    # field: 3.1.3
    def test_who_refuses_it_is_passed_over(self):
        """The vendor says no to an answer that is begun: that is no fault of the request."""
        third = {"third": {"failover": ["one-openai/m", "two-openai/m", "two-anthropic/m",
                                        "two-gemini/m"], "mid_stream": "continue"}}
        no = {"type": "error", "error": {"type": "invalid_request_error", "message":
              "This model does not support assistant message prefill."}}
        for model in ("third", "openai-anthropic"):
            with self.subTest(model):
                self.start({"routes": third} if model == "third" else None)
                gate = Gate()
                self.one.reply(cut(vendors.OPENAI, gate))
                self.two.reply(upstream.jsonr(no, 400, cls="invalid_request"))
                if model == "third":
                    self.two.reply(vendors.answer(vendors.GEMINI, self.REST))
                live = Live(self.gw.port, model=model)
                live.until_text("".join(PARTS[:5]))
                gate.open()
                result = live.all()
                told = [("one-openai", "protocol"), ("two-anthropic", "invalid_request")]
                if model == "third":
                    self.assert_whole(result)
                    self.attempts(*told, ("two-gemini", "ok"))
                else:
                    self.assert_broken(result, "".join(PARTS[:5]))
                    self.attempts(*told)
                self.assertEqual(len(self.two.requests), len(told) - 1 + (model == "third"))

    def test_begun_calls_cannot_be_shown(self):
        """Half a call is no text: nobody is asked to go on from it."""
        self.start()
        parts = ["So.", ("call", "c1", "look", '{"at": ', '"the ', 'sea"}')]
        result = self.carried(CHAT, between=(vendors.OPENAI, vendors.ANTHROPIC), parts=parts,
                              said=4, wait=lambda r: any("the " in a for _, a in r.calls.values()))
        self.assert_broken(result, "So.")
        self.assertEqual(self.two.requests, [])

    def test_before_any_text_the_request_is_asked_again(self):
        self.start()
        parts = [("think", "Hm."), *PARTS]
        result = self.carried(CHAT, vendors.answer(vendors.ANTHROPIC, PARTS),
                              between=(vendors.OPENAI, vendors.ANTHROPIC), parts=parts, said=1,
                              wait=lambda r: r.reasoning == "Hm.")
        self.assert_whole(result)
        self.assertEqual(self.shown(self.two.requests[-1], vendors.ANTHROPIC), [("user", "Hi")])

    def test_the_second_breaks_as_well(self):
        """The third is shown what both have said."""
        self.start({"routes": {"third": {"failover": ["one-openai/m", "two-anthropic/m",
                                                      "two-ollama/m"], "mid_stream": "continue"}}})
        gates = Gate(), Gate()
        self.one.reply(cut(vendors.OPENAI, gates[0], 3))
        self.two.reply(cut(vendors.ANTHROPIC, gates[1], 2, PARTS[3:]),
                       vendors.answer(vendors.OLLAMA, self.REST))
        live = Live(self.gw.port, model="third")
        live.until_text("".join(PARTS[:3]))
        gates[0].open()
        live.until_text("".join(PARTS[:5]))
        gates[1].open()
        self.assert_whole(live.all())
        self.assertEqual(self.shown(self.two.requests[-1], vendors.OLLAMA)[-1],
                         ("assistant", "".join(PARTS[:5])))

    def test_calls_may_follow(self):
        self.start()
        parts = ["Let me ", "look.", ("call", "c1", "look", '{"at": "it"}')]
        for b in self.ABLE:
            for dialect in DIALECTS:
                with self.subTest(asking=dialect, second=b):
                    self.assert_whole(self.carried(
                        dialect, vendors.answer(b, parts[1:]), between=(vendors.OPENAI, b),
                        parts=parts, said=1), parts)


if __name__ == "__main__":
    unittest.main()
