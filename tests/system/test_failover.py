"""Failing over: who is asked next, when, and what the application is told."""

import socket
import unittest

from harness import client, names, upstream
from harness.case import Case, provider
from harness.upstream import Close, Gate, Reset, Wait, chunk, event


class FailoverCase(Case):
    """Two providers, `first` and `second`, and a route `main` over both."""

    def start(self, first=None, second=None, route=None, **failover):
        self.first, self.second = self.upstream("first"), self.upstream("second")
        tree = dict({"try": ["first/m", "second/m"]}, **failover)
        return self.gateway({
            "providers": {"first": provider(self.first, **(first or {})),
                          "second": provider(self.second, **(second or {}))},
            "routes": {"main": dict({"failover": tree}, **(route or {}))},
            "default_route": "main"})

    def check(self, gateway, answer, by, attempts):
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers[names.H_PROVIDER], by)
        self.assertEqual(answer.headers[names.H_ATTEMPTS], str(attempts))


class FailoverTest(FailoverCase):
    # field: 3.5.7, 3.5.9
    def test_next_after_each_kind_of_failure(self):
        failures = {
            "overloaded": upstream.error(503), "rate_limit": upstream.error(429),
            "server_error": upstream.error(500), "authentication": upstream.error(401),
            "permission": upstream.error(403),
            "quota": upstream.error(429, "no money", "insufficient_quota", "insufficient_quota",
                                    cls="quota"),
            "protocol": upstream.Reply([Close()], "protocol")}
        for cls, reply in failures.items():
            with self.subTest(cls):
                gateway = self.start()
                self.first.reply(reply)
                self.check(gateway, client.chat(gateway.port, "main"), "second", 2)
                entry, = self.books(gateway, self.first, self.second, requests=1)
                self.assertEqual(names.log_attempts(entry), [("first", cls), ("second", "ok")])
                self.assertEqual((entry["status"], entry["route"]), (200, "main"))

    def test_streamed(self):
        gateway = self.start()
        self.first.reply(upstream.error(503))
        head, events, it = client.stream(gateway.port, "main")
        self.check(gateway, head, "second", 2)
        self.assertEqual(client.text_of(events), "Hello from upstream")
        self.assertTrue(events[-1].done)
        self.books(gateway, self.first, self.second, requests=1)

    def test_connection_refused(self):
        second = self.upstream("second")
        gateway = self.gateway({
            "providers": {"dead": provider(self.dead_port()), "second": provider(second)},
            "routes": {"main": {"failover": {"try": ["dead/m", "second/m"]}}}})
        self.check(gateway, client.chat(gateway.port, "main"), "second", 2)
        self.books(gateway, second, requests=1, unseen=[("dead", "connection")])

    def test_connect_limit_of_a_route(self):
        """A full backlog answers no handshake; the route's limit is shorter than the provider's."""
        full = socket.socket()
        self.addCleanup(full.close)
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            knock = socket.socket()
            self.addCleanup(knock.close)
            knock.setblocking(False)
            knock.connect_ex(full.getsockname())
        second = self.upstream("second")
        gateway = self.gateway({
            "providers": {"full": provider("http://127.0.0.1:%d/v1" % full.getsockname()[1]),
                          "second": provider(second)},
            "routes": {"main": {"failover": {"try": ["full/m", "second/m"]},
                                "timeout": {"connect": "300ms"}}}})
        self.check(gateway, client.chat(gateway.port, "main"), "second", 2)
        entry, = self.books(gateway, second, requests=1, unseen=[("full", "timeout")])
        self.assertIn("connect limit", entry["attempts"][0]["message"])

    # field: 3.1.8
    def test_bad_requests_stay_where_they_are(self):
        for status, code, cls in ((400, None, "invalid_request"),
                                  (400, "context_length_exceeded", "context_length")):
            with self.subTest(cls):
                gateway = self.start(on=["rate_limit", "server_error"])
                self.first.reply(upstream.error(status, "that was wrong", "invalid_request_error",
                                                code, cls=cls))
                answer = client.chat(gateway.port, "main")
                self.assert_error(answer, 400, code, None, "that was wrong")
                self.assertEqual(self.second.requests, [])
                self.books(gateway, self.first, self.second, requests=1)

    def test_without_on_bad_requests_stay(self):
        gateway = self.start()
        self.first.reply(upstream.error(400))
        self.assertEqual(client.chat(gateway.port, "main").status, 400)
        self.assertEqual(self.second.requests, [])

    def test_on_is_a_list_of_groups(self):
        cases = [(["rate_limit"], upstream.error(503), False),
                 (["server_error"], upstream.error(503), True),
                 (["server_error"], upstream.Reply([Close()], "protocol"), True),
                 (["timeout"], upstream.error(500), False),
                 (["rate_limit"], upstream.error(429), True)]
        for on, reply, moves in cases:
            with self.subTest(on=on, cls=reply.cls):
                gateway = self.start(on=on)
                self.first.reply(reply)
                answer = client.chat(gateway.port, "main")
                self.assertEqual(answer.status == 200, moves)
                self.assertEqual(len(self.second.requests), 1 if moves else 0)

    # field: 3.5.5
    def test_explicit_provider_goes_past_the_tree(self):
        gateway = self.start()
        self.first.reply(upstream.error(503))
        answer = client.chat(gateway.port, "first/m")
        self.assertEqual(answer.status, 503)
        self.assertEqual(self.second.requests, [])

    def test_same_request_to_both(self):
        gateway = self.start()
        self.first.reply(upstream.error(503))
        client.chat(gateway.port, "main", text="the same", temperature=0.25, user="u")
        self.assertEqual(self.first.requests[0].body, self.second.requests[0].body)

    # field: 3.5.6
    def test_nested_routes(self):
        first, second, third = (self.upstream(n) for n in ("first", "second", "third"))
        gateway = self.gateway({
            "providers": {u.name: provider(u) for u in (first, second, third)},
            "routes": {"inner": {"round-robin": {"across": ["first/m", "second/m"]}},
                       "outer": {"failover": {"try": ["inner", "third/m"]}}}})
        first.reply(upstream.error(503))
        second.reply(upstream.error(503))
        answer = client.chat(gateway.port, "outer")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers[names.H_PROVIDER], "third")


class RetryTest(FailoverCase):
    def test_once_500_then_success(self):
        gateway = self.start(retries=1, delay="1ms")
        self.first.reply(upstream.error(500))
        self.check(gateway, client.chat(gateway.port, "main"), "first", 2)
        self.books(gateway, self.first, self.second, requests=1)

    def test_retries_are_counted_per_child(self):
        gateway = self.start(retries=2, delay="1ms")
        self.first.reply(*[upstream.error(500) for _ in range(3)])
        self.second.reply(upstream.error(500))
        self.check(gateway, client.chat(gateway.port, "main"), "second", 5)
        self.assertEqual((len(self.first.requests), len(self.second.requests)), (3, 2))
        self.books(gateway, self.first, self.second, requests=1)

    # field: 3.5.13
    def test_max_retries_is_a_default_not_a_factor(self):
        gateway = self.start(first={"max_retries": 1}, delay="1ms")
        self.first.reply(*[upstream.error(500) for _ in range(9)])
        self.check(gateway, client.chat(gateway.port, "main"), "second", 3)
        gateway = self.start(first={"max_retries": 5}, retries=1, delay="1ms")
        self.first.reply(*[upstream.error(500) for _ in range(9)])
        self.check(gateway, client.chat(gateway.port, "main"), "second", 3)

    # field: 3.5.11
    def test_bare_target_retries_as_its_provider_says(self):
        gateway = self.start(first={"max_retries": 2})
        self.first.reply(upstream.error(500))
        self.check(gateway, client.chat(gateway.port, "first/m"), "first", 2)

    def test_delay_lies_between_tries(self):
        gateway = self.start(retries=1, delay="300ms", jitter="none")
        self.first.reply(upstream.error(500))
        client.chat(gateway.port, "main")
        one, two = [entry[0] for entry in self.first.journal if entry[1] == "request"]
        self.assertGreaterEqual(two - one, 0.29)

    # field: 3.4.7, 3.5.13
    def test_attempts_of_the_budget(self):
        gateway = self.start(retries=50, delay="1ms", route={"budget": {"attempts": 4}})
        self.first.reply(*[upstream.error(500) for _ in range(60)])
        answer = client.chat(gateway.port, "main")
        self.assertEqual(answer.headers[names.H_ATTEMPTS], "4")
        self.assertGreaterEqual(answer.status, 500)
        self.assertEqual(answer.headers.get("x-should-retry"), "false")
        self.assertEqual(len(self.first.requests) + len(self.second.requests), 4)
        self.books(gateway, self.first, self.second, requests=1)

    # field: 3.5.13
    def test_deadline_of_the_budget(self):
        gateway = self.start(route={"budget": {"deadline": "500ms"}})
        gate = Gate()
        self.first.reply(upstream.Reply([Wait(gate)], "timeout"))
        answer = client.chat(gateway.port, "main")
        self.assertEqual(answer.status, 504, answer.body)
        self.assertEqual(answer.headers.get("x-should-retry"), "false")


class RetryAfterTest(FailoverCase):
    def test_cooled_down_target_is_left_alone(self):
        gateway = self.start()
        self.first.reply(upstream.error(429, headers=[("Retry-After", "30")]))
        self.check(gateway, client.chat(gateway.port, "main"), "second", 2)
        self.check(gateway, client.chat(gateway.port, "main"), "second", 1)
        self.assertEqual(len(self.first.requests), 1)
        self.books(gateway, self.first, self.second, requests=2)

    def test_milliseconds(self):
        gateway = self.start()
        self.first.reply(upstream.error(429, headers=[("retry-after-ms", "40000")]))
        client.chat(gateway.port, "main")
        self.check(gateway, client.chat(gateway.port, "main"), "second", 1)

    # field: 3.5.2
    def test_both_down_is_an_honest_error(self):
        gateway = self.start(route={"budget": {"deadline": "2s"}})
        self.first.reply(upstream.error(429, headers=[("Retry-After", "90")]))
        self.second.reply(upstream.error(429, headers=[("Retry-After", "40")]))
        answer = client.chat(gateway.port, "main")
        error = self.assert_error(answer, 429)
        self.assertTrue(38 <= int(answer.headers["retry-after"]) <= 40, "the earliest recovery")
        self.assertEqual(answer.headers[names.H_ATTEMPTS], "2")
        entry, = self.books(gateway, self.first, self.second, requests=1)
        self.assertEqual((entry["class"], entry["status"]), ("rate_limit", 429))
        self.assertEqual(len(error["message"].strip()) > 10, True)

    # field: 3.5.2, 3.5.12
    def test_other_clients_hear_when_to_come_again(self):
        gateway = self.start(route={"budget": {"deadline": "1s"}})
        self.first.reply(upstream.error(429, headers=[("Retry-After", "90")]))
        self.second.reply(upstream.error(429, headers=[("Retry-After", "40")]))
        client.chat(gateway.port, "main")
        answer = client.chat(gateway.port, "main")
        self.assertIn(answer.status, (429, 503))
        self.assertTrue(30 <= int(answer.headers["retry-after"]) <= 40)
        self.assertEqual(len(self.first.requests) + len(self.second.requests), 2,
                         "nobody was asked while both cool down")

    # field: 3.5.4
    def test_short_cool_down_is_waited_out(self):
        gateway = self.start(route={"budget": {"deadline": "20s"}})
        self.first.reply(upstream.error(429, headers=[("retry-after-ms", "150")]))
        self.second.reply(upstream.error(429, headers=[("Retry-After", "90")]))
        answer = client.chat(gateway.port, "main")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers[names.H_PROVIDER], "first")

    def test_everything_refuses_connections(self):
        gateway = self.gateway({
            "providers": {"a": provider(self.dead_port()), "b": provider(self.dead_port())},
            "routes": {"main": {"failover": {"try": ["a/m", "b/m"]}}}})
        answer = client.chat(gateway.port, "main")
        self.assertIn(answer.status, (502, 503))
        error = self.assert_error(answer, answer.status)
        self.assertIn("connect", error["message"].lower())
        self.books(gateway, requests=1, unseen=[("a", "connection"), ("b", "connection")])


class CommitTest(FailoverCase):
    """Before the first content a failure can move on unseen; after it, it must not be hidden."""

    # field: 3.1.2, 3.1.5
    def test_not_committed_before_content(self):
        for cut in (Close(), Reset(), event({"error": {"message": "broke", "type": "server_error",
                                                       "code": None, "param": None}})):
            with self.subTest(type(cut)):
                gateway = self.start()
                steps = [event(chunk({"role": "assistant", "content": ""})), cut]
                cls = "server_error" if isinstance(cut, bytes) else "protocol"
                self.first.reply(upstream.sse(steps, cls=cls))
                head, events, it = client.stream(gateway.port, "main")
                self.check(gateway, head, "second", 2)
                self.assertEqual(client.text_of(events), "Hello from upstream")
                self.assertEqual(sum(e.done for e in events), 1)
                roles = [e for e in events if not e.done and
                         any((c.get("delta") or {}).get("role") for c in e.json()["choices"])]
                self.assertEqual(len(roles), 1, "nothing of the failed attempt is left in it")
                self.books(gateway, self.first, self.second, requests=1)

    # field: 3.1.2
    def test_head_waits_for_content(self):
        gate = Gate()
        gateway = self.start()
        self.first.reply(upstream.sse([event(chunk({"role": "assistant", "content": ""})),
                                       Wait(gate), Close()], cls="protocol"))
        with client.Stream(gateway.port, "main") as it:
            self.assertTrue(gate.reached.wait(10))
            it.conn.sock.settimeout(0.2)
            with self.assertRaises(OSError):
                it.conn._fill()
            it.conn.sock.settimeout(30)
            gate.open()
            self.check(gateway, it.head(), "second", 2)

    # field: 3.1.1
    def test_failure_after_commit_is_an_error_event(self):
        enders = {
            "closed": ([Close()], "protocol"), "reset": ([Reset()], "protocol"),
            "error inside": ([event({"error": {"message": "broke", "type": "server_error",
                                               "code": None, "param": None}})], "server_error"),
            "no terminal event": ([], "protocol")}
        for name, (ending, cls) in enders.items():
            with self.subTest(name):
                gateway = self.start(route={"mid_stream": "error"})
                gate = Gate()
                self.first.reply(upstream.sse([event(chunk({"content": "begun"})), Wait(gate)] +
                                              ending, cls=cls))
                with client.Stream(gateway.port, "main") as it:
                    self.assertEqual(it.head().status, 200)
                    self.assertEqual(it.until_content().content, "begun")
                    gate.open()
                    events = it.all()
                self.assertFalse([e for e in events if e.done], "no [DONE] after a cut")
                self.assertFalse([e for e in events if not e.error and any(
                    c.get("finish_reason") for c in e.json().get("choices", []))])
                self.assertTrue(events[-1].error, events[-1].data)
                self.assertLessEqual({"message", "type", "code", "param"}, set(events[-1].error))
                self.assertEqual(self.second.requests, [])
                entry, = self.books(gateway, self.first, self.second, requests=1)
                self.assertEqual(entry["class"], cls, "a failure is not logged as a success")

    def test_finish_without_done_is_complete(self):
        """[DONE] is optional: a finish reason and a clean end are terminal."""
        gateway = self.start()
        self.first.reply(upstream.sse([event(chunk({"content": "all"})),
                                       event(chunk({}, finish="stop"))]))
        head, events, it = client.stream(gateway.port, "main")
        self.assertEqual(client.text_of(events), "all")
        self.assertFalse([e for e in events if e.error])
        self.assertFalse(it.cut)
        entry, = self.books(gateway, self.first, self.second, requests=1)
        self.assertEqual(names.log_attempts(entry), [("first", "ok")])

    def test_unstreamed_answers_move_on_to_the_last_byte(self):
        gateway = self.start()
        reply = upstream.chat("x" * 5000)
        size = sum(len(s.data) for s in reply.steps)
        self.first.reply(upstream.cut_at(reply, size - 1))
        self.check(gateway, client.chat(gateway.port, "main"), "second", 2)
        self.books(gateway, self.first, self.second, requests=1)

    def test_reasoning_is_content(self):
        gateway = self.start(route={"mid_stream": "error"})
        gate = Gate()
        self.first.reply(upstream.sse([event(chunk({"reasoning_content": "hm"})), Wait(gate),
                                       Close()], cls="protocol"))
        with client.Stream(gateway.port, "main") as it:
            self.assertIn("hm", it.next().data)
            gate.open()
            events = it.all()
        self.assertEqual(self.second.requests, [], "committed by the first reasoning")
        self.assertTrue(events[-1].error)


class BreakerTest(FailoverCase):
    def test_opens_and_leaves_the_target_alone(self):
        gateway = self.start()
        self.first.default = lambda record: upstream.error(500)
        for _ in range(20):
            self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.assertLess(len(self.first.requests), 20)
        self.assertEqual(len(self.second.requests), 20)
        self.books(gateway, self.first, self.second, requests=20)

    def test_bad_requests_do_not_open_it(self):
        gateway = self.start()
        self.first.default = lambda record: upstream.error(400)
        for _ in range(20):
            self.assertEqual(client.chat(gateway.port, "main").status, 400)
        self.first.default = upstream.pretend
        self.check(gateway, client.chat(gateway.port, "main"), "first", 1)


if __name__ == "__main__":
    unittest.main()
