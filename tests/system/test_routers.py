"""Routers: which child a request goes to, from the application's side and from the providers'."""

import unittest

from harness import client, names, upstream
from harness.case import Case, provider

CODE = {"contains": ["code", "program"], "to": "openai/m-code"}
TALE = {"contains": ["creative", "story"], "to": "anthropic/m-tale"}
LONG = {"longer_than": 500, "to": "anthropic/m-tale"}


class RouterCase(Case):
    def start(self, route, count=("openai", "anthropic"), more=None, providers=None):
        self.ups = {name: self.upstream(name) for name in count}
        routes = route if "smart" in route else {"smart": route}
        return self.gateway(dict({
            "providers": {name: provider(up, **(providers or {}).get(name, {}))
                          for name, up in self.ups.items()},
            "routes": routes, "default_route": "smart"}, **(more or {})))

    def went(self, answer):
        """provider/model of an answer; that provider, and no other, was asked."""
        self.assertEqual(answer.status, 200, answer.body)
        return "%s/%s" % (answer.headers[names.H_PROVIDER], answer.headers[names.H_MODEL])

    def goes(self, gateway, to, text="Hi", **more):
        self.assertEqual(self.went(client.chat(gateway.port, "smart", text, **more)), to)


class ContentTest(RouterCase):
    def test_rules(self):
        gateway = self.start({"content": [CODE, TALE, LONG, {"to": "openai/m"}]})
        for text, to in (
                ("Explain how a neural network works.", "openai/m"),
                ("Write a creative short story about a robot learning to paint.",
                 "anthropic/m-tale"),
                ("Write a Python function to sort a list using merge sort.", "openai/m"),
                ("Review this CODE", "openai/m-code"),
                ("A story about a Program", "openai/m-code"),
                ("ä" * 500, "openai/m"), ("ä" * 501, "anthropic/m-tale")):
            with self.subTest(text[:30]):
                self.goes(gateway, to, text)
        self.assertEqual(len(self.ups["openai"].requests), 5)
        self.books(gateway, *self.ups.values(), requests=7)

    def test_last_user_message_unless_all(self):
        said = [{"role": "system", "content": "You write code."},
                {"role": "user", "content": "A story"}, {"role": "assistant", "content": "Once"},
                {"role": "user", "content": [{"type": "text", "text": "Go on"}]}]
        rules = [CODE, TALE, {"to": "openai/m"}]
        for look, to in (("last_user", "openai/m"), ("all", "openai/m-code")):
            gateway = self.start({"content": {"rules": rules, "look_at": look}})
            self.assertEqual(self.went(client.chat(gateway.port, "smart", messages=said)), to)

    def test_regular_expression(self):
        gateway = self.start({"content": [{"matches": "(translate|render) .* into",
                                           "to": "anthropic/m"}, {"to": "openai/m"}]})
        self.goes(gateway, "anthropic/m", "Translate this into French")
        self.goes(gateway, "openai/m", "translate this")

    def test_no_rule_is_a_clear_failure(self):
        gateway = self.start({"content": [CODE]})
        answer = client.chat(gateway.port, "smart", "Hi")
        self.assertGreaterEqual(answer.status, 400)
        self.assertIn("no rule holds", answer.text)
        self.assertFalse(self.ups["openai"].requests)

    def test_complete_router(self):
        """Rules first, and below each the other provider if the first fails."""
        to = {"coder": {"failover": ["openai/m-code", "anthropic/m-tale"]},
              "teller": {"failover": ["anthropic/m-tale", "openai/m-code"]}}
        gateway = self.start(dict(to, smart={"content": [
            dict(CODE, to="coder"), dict(TALE, to="teller"), dict(LONG, to="teller"),
            {"to": {"round-robin": ["openai/m", "anthropic/m"]}}]}))
        self.goes(gateway, "openai/m-code", "code")
        self.ups["openai"].reply(upstream.error(503))
        self.goes(gateway, "anthropic/m-tale", "code")
        self.ups["anthropic"].reply(upstream.error(429))
        self.goes(gateway, "openai/m-code", "a story")
        turns = [self.went(client.chat(gateway.port, "smart", "Hi")) for _ in range(4)]
        self.assertEqual(turns[:2], turns[2:])
        self.assertEqual(set(turns), {"openai/m", "anthropic/m"})


class TenantTest(RouterCase):
    ROUTE = {"tenant": {"enterprise": "anthropic/m", "trial-*": "openai/m-1", "*": "openai/m"}}

    def test_header(self):
        gateway = self.start(self.ROUTE, more={"tenant_header": "x-tenant"})
        for tenant, to in (("enterprise", "anthropic/m"), ("trial-7", "openai/m-1"),
                           ("other", "openai/m")):
            self.goes(gateway, to, headers=[("x-tenant", tenant)])
        self.goes(gateway, "openai/m")

    def test_user_and_metadata(self):
        for by, more in (("user", {"user": "enterprise"}),
                         ("metadata.team", {"metadata": {"team": "enterprise"}})):
            gateway = self.start({"tenant": {"by": by, "tenants": self.ROUTE["tenant"]}})
            self.goes(gateway, "anthropic/m", **more)
            self.goes(gateway, "openai/m")

    def test_unknown_tenant(self):
        gateway = self.start({"tenant": {"enterprise": "anthropic/m"}})
        answer = client.chat(gateway.port, "smart")
        self.assertGreaterEqual(answer.status, 400)
        self.assertIn("no tenant", answer.text)


class MatchTest(RouterCase):
    def test_rules(self):
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
        gateway = self.start({"match": [
            {"when": {"has": "tools", "not": {"tag": {"x-team": "red*"}}}, "to": "anthropic/m-1"},
            {"when": {"any": [{"metadata": {"tier": "gold"}}, {"messages_over": 2}]},
             "to": "anthropic/m-2"},
            {"to": "openai/m"}]}, more={"tags": ["x-team"]})
        self.goes(gateway, "openai/m")
        self.goes(gateway, "anthropic/m-1", tools=[tool])
        self.goes(gateway, "openai/m", tools=[tool], headers=[("x-team", "red-1")])
        self.goes(gateway, "anthropic/m-2", metadata={"tier": "gold"})
        self.goes(gateway, "anthropic/m-2", messages=client.messages() * 3)


class ModelTest(RouterCase):
    def test_regular_expression(self):
        gateway = self.start({"model": {"/^sm(a|)rt$/": "anthropic/m", "default": "openai/m"}})
        self.goes(gateway, "anthropic/m")
        self.assertEqual(self.went(client.chat(gateway.port, None)), "openai/m")


    def test_a_routes_name_before_the_model(self):
        """The model after the slash is what the router sees, and what targets without a model of
        their own are asked for, if they have it."""
        gateway = self.start({"model": {"m-a*": "anthropic", "/^m-[bc]$/": "openai/m",
                                        "*": "openai"}})
        for asked, went in (("smart/m-a1", "anthropic/m-a1"), ("smart/m-b", "openai/m"),
                            ("smart/m-z", "openai/m-z"), ("smart/nonsuch", "openai/m"),
                            ("smart", "openai/m"), ("openai/m-a1", "openai/m-a1")):
            self.assertEqual(self.went(client.chat(gateway.port, asked)), went, asked)
        self.assert_error(client.chat(gateway.port, "smrt/m-a"), 404, "model_not_found")


class PriceTest(RouterCase):
    MODELS = {"openai": {"models": [{"name": "m", "context_window": 2000, "lacks": ["tools"],
                                     "price": {"input": 1, "output": 1}}]},
              "anthropic": {"models": [{"name": "m", "context_window": 100000,
                                        "price": {"input": 2, "output": 2}}]}}

    def test_cost(self):
        gateway = self.start({"cost": ["anthropic/m", "openai/m"]}, providers=self.MODELS)
        self.goes(gateway, "openai/m")
        self.goes(gateway, "anthropic/m", "word " * 5000)
        self.ups["openai"].reply(upstream.error(500))
        self.goes(gateway, "anthropic/m")

    def test_capability(self):
        gateway = self.start({"capability": ["openai/m", "anthropic/m"]}, providers=self.MODELS)
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
        self.goes(gateway, "openai/m")
        self.goes(gateway, "anthropic/m", tools=[tool])


class SplitTest(RouterCase):
    def test_sticky(self):
        gateway = self.start({"split": {"by": "tenant", "into": {"openai": 50, "anthropic": 50}}},
                             more={"tenant_header": "x-tenant"})
        seen = {}
        for _ in range(2):
            for i in range(20):
                answer = client.chat(gateway.port, "smart", headers=[("x-tenant", "t%d" % i)])
                self.assertEqual(seen.setdefault(i, self.went(answer)), self.went(answer))
        self.assertEqual(len(set(seen.values())), 2)


class CheckTest(RouterCase):
    def test_errors_name_where(self):
        """A gateway does not start with rules it does not understand."""
        for route, says in (
                ({"content": [{"matches": "(", "to": "openai"}]}, ("matches", "not valid")),
                ({"match": [{"when": {"modle": "x"}, "to": "openai"}]}, ("'modle'",)),
                ({"split": {"openai": 90, "anthropic": 5}}, ("make 95",)),
                ({"tenant": {"/(/": "openai"}}, ("not valid",)),
                ({"content": [{"contains": "x", "to": "nobody"}]}, ("nobody", "neither"))):
            with self.subTest(says[0]):
                with self.assertRaises(Exception) as refused:
                    self.start(route)
                for word in says:
                    self.assertIn(word, str(refused.exception))


if __name__ == "__main__":
    unittest.main()
