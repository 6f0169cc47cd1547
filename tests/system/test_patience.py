"""The faults that take their time, with the times of the defaults: nothing is tuned here.

All of them go on at once, each before a gateway of its own; together they take little more than a
minute. The same with shorter times, and in more forms, is in test_fault_times.py.
"""

import concurrent.futures
import threading
import time
import unittest

from harness import client, names, upstream, vendors
from harness.ask import Live
from harness.matrix_case import MatrixCase
from harness.upstream import Gate, Reply, Stall, Wait, chunk, event

ROLE = event(chunk({"role": "assistant", "content": ""}))
PARTS = ["Once ", "upon ", "a ", "time ", "there ", "was ", "an ", "end."]
STREAM = vendors.events(vendors.OPENAI, PARTS)
MINUTE_S = 60
SLACK_S = 10                               # of a machine that does other things as well


def later(seconds):
    """A gate that opens by itself."""
    gate = Gate()
    timer = threading.Timer(seconds, gate.open)
    timer.daemon = True
    timer.start()
    return gate


class Scenes(MatrixCase):
    """Each is one fault, from the start of its gateway to the end of its books."""

    def between(self, seconds, least):
        self.assertGreaterEqual(seconds, least - 0.5)
        self.assertLess(seconds, least + SLACK_S)

    def moved_on(self, result, after_s):
        """The silent one was asked once, was let go when its time was over, and the next answered."""
        self.assert_full(result, "second", 2, within=after_s + SLACK_S)
        self.between(result.seconds, after_s)
        self.assert_asked(1, 1)
        self.assertTrue(self.first.requests[0].gone.wait(5))
        return self.settle(("first", "timeout"), ("second", "ok"))

    def silence(self):
        self.start()
        self.first.default = lambda record: Reply([Stall()], "timeout")
        entry = self.moved_on(self.ask(True, timeout=90), MINUTE_S)
        self.assertRegex(entry["attempts"][0]["message"], "first_(byte|token)")

    def silence_of_a_whole_answer(self):
        """Half of the time that the caller has is for the first, and half for the next."""
        self.start()
        self.first.default = lambda record: Reply([Stall()], "timeout")
        began = time.monotonic()
        answer = client.chat(self.gw.port, "main", headers=[("x-weir-deadline", "40s")], timeout=90)
        self.between(time.monotonic() - began, 20)
        self.assertEqual((answer.status, answer.content()), (200, "Hello from upstream"))
        self.assertEqual(answer.headers[names.H_PROVIDER], "second")
        self.assert_asked(1, 1)
        self.settle(("first", "timeout"), ("second", "ok"))

    def first_token_after_20_s(self):
        """That is slow, and within the default limit: the answer is whole, and its own."""
        self.start()
        self.first.reply(upstream.stream(gates={0: later(20)}))
        result = self.ask(True, timeout=90)
        self.assert_full(result, "first", 1, within=20 + SLACK_S)
        self.between(result.seconds, 20)
        self.assert_asked(1, 0)
        self.settle(("first", "ok"))

    def no_first_token(self):
        """Signs of life, and no word: a ping now and then is not an answer."""
        self.start()
        pings = [step for at in (1, 20, 40, 55) for step in (Wait(later(at)), b": ping\n\n")]
        self.first.default = lambda record: upstream.sse([ROLE, *pings, Stall()], cls="timeout")
        entry = self.moved_on(self.ask(True, timeout=90), MINUTE_S)
        self.assertIn("first_token", entry["attempts"][0]["message"])

    def stalled(self):
        """The next target carries on what had begun; the caller has one whole answer."""
        self.start()
        self.second.default = lambda record: vendors.answer(vendors.OPENAI, PARTS) \
            if record.json().get("stream") else upstream.pretend(record)
        self.first.reply(upstream.sse([*STREAM[:6], Stall()], cls="timeout"))
        live = Live(self.gw.port, timeout=90)
        live.until_text("".join(PARTS[:5]))
        result = live.all()
        self.assert_full(result, "first", 1, "".join(PARTS), within=MINUTE_S + SLACK_S)
        self.between(result.seconds, MINUTE_S)
        self.assert_asked(1, 1)
        self.settle(("first", "timeout"), ("second", "ok"))

    def away_for_a_minute(self):
        """The caller never hears of it; the target is asked by one request now and then, and serves
        again within seconds of being well."""
        self.start()
        self.first.default = lambda record: upstream.error(503)
        idle, ends, count = threading.Event(), time.monotonic() + MINUTE_S, 0
        while time.monotonic() < ends:
            self.assert_full(self.ask(count % 2 == 1), "second")
            idle.wait(0.1)                 # so many requests, and no test of when
            count += 1
        self.assertEqual(len(self.second.requests), count)
        gaps = self.gaps(self.first)
        probes = [gap for gap in gaps if gap > 1]
        self.assertLessEqual(len(self.first.requests), 5 + len(probes))
        self.assertGreaterEqual(len(probes), 4)
        self.assertLessEqual(max(probes), 10 + 2)
        for before, after in zip(probes, probes[1:]):
            self.assertGreaterEqual(after, min(before * 1.5, 9.5), "each later than the last")
        self.first.default = upstream.pretend
        back = time.monotonic()
        while self.ask().headers[names.H_PROVIDER] != "first":
            idle.wait(0.1)
        self.assertLess(time.monotonic() - back, 10 + 2)
        for stream in (False, True):
            self.assert_full(self.ask(stream), "first", 1)
        self.assert_healthy()


def play(name):
    scene = Scenes()
    try:
        getattr(scene, name)()
    finally:
        scene.doCleanups()


class PatienceTest(unittest.TestCase):
    SCENES = ("silence", "silence_of_a_whole_answer", "first_token_after_20_s", "no_first_token",
              "stalled", "away_for_a_minute")

    @classmethod
    def setUpClass(cls):
        stage = concurrent.futures.ThreadPoolExecutor(len(cls.SCENES))
        cls.addClassCleanup(stage.shutdown)
        cls.played = {name: stage.submit(play, name) for name in cls.SCENES}

    def test_silence(self):
        self.played["silence"].result()

    def test_silence_of_a_whole_answer(self):
        self.played["silence_of_a_whole_answer"].result()

    def test_first_token_after_20_s(self):
        self.played["first_token_after_20_s"].result()

    def test_no_first_token(self):
        self.played["no_first_token"].result()

    def test_stalled(self):
        self.played["stalled"].result()

    def test_away_for_a_minute(self):
        self.played["away_for_a_minute"].result()


if __name__ == "__main__":
    unittest.main()
