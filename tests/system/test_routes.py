"""`weir routes` beside a running gateway: where it asks, and what it says of limits."""

import hashlib
import json
import re
import socket
import unittest

from harness import client, upstream
from harness.case import KEY, Case, provider
from harness.gateway import run

RATES = [("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "499"),
         ("x-ratelimit-reset-requests", "30s"), ("x-ratelimit-limit-tokens", "30000"),
         ("x-ratelimit-remaining-tokens", "29000"), ("x-ratelimit-reset-tokens", "20s")]


class RoutesTest(Case):
    def start(self, rate=None, **more):
        self.up = self.upstream("fake")
        fake = provider(self.up, **({"rate_limit": rate} if rate else {}))
        return self.gateway(dict({"providers": {"fake": fake}, "workers": 1,
                                  "routes": {"main": "fake/m"}, "default_route": "main",
                                  "limits": {"wait": "0s"}}, **more))

    def routes(self, gateway, *args):
        done = run("routes", "-c", gateway.config_path, *args, env={"TEST_KEY": KEY})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def drawn(self, gateway, *args):
        return self.routes(gateway, "-a", "127.0.0.1:%d" % gateway.port, *args)

    def test_what_headers_say(self):
        gateway = self.start()
        self.up.reply(upstream.chat("a", headers=RATES))
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.assertIn("1 good, 0 failed, 499 of 500 requests left by its vendor's word, 29000 of "
                      "30000 tokens left by its vendor's word]", self.drawn(gateway))
        health = json.loads(self.drawn(gateway, "--json"))["main"]["children"][0]["health"]
        self.assertEqual(health["requests_limit_told"], 500)
        self.assertEqual(health["tokens_left_told"], 29000)

    def test_learned_ceiling(self):
        gateway = self.start()
        self.assertNotIn("a minute", self.drawn(gateway))
        for _ in range(30):
            self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.up.reply(upstream.error(429))
        self.assertEqual(client.chat(gateway.port, "main").status, 429)
        shown = re.search(r"its vendor lets (\d+) requests a minute through", self.drawn(gateway))
        self.assertGreater(int(shown.group(1)), 100)
        health = json.loads(self.drawn(gateway, "--json"))["main"]["children"][0]["health"]
        self.assertGreater(health["learned_requests_per_minute"], 100)

    def test_limits_of_our_own(self):
        gateway = self.start({"requests_per_minute": 6, "tokens_per_minute": 9000, "concurrency": 4},
                             tenants={"acme": {"requests_per_minute": 5}})
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        shown = self.drawn(gateway)
        self.assertRegex(shown, r"limits of provider fake: 6 requests a minute \(booked for "
                                r"\d+\.\d s\), 9000 tokens a minute \(booked for 0\.\d s\), "
                                r"0 of 4 at once\n")
        self.assertIn("limits of tenant acme: 5 requests a minute", shown)
        target = json.loads(self.drawn(gateway, "--json"))["main"]["children"][0]
        self.assertEqual(target["rate_limit"]["concurrency"], 4)
        self.assertGreater(target["booked"]["requests_s"], 0)

    def test_without_a_gateway(self):
        gateway = self.start({"concurrency": 4})
        gateway.write_config({"listen": self.dead_port().base_url[7:-3], "providers": {
            "fake": provider(self.up, rate_limit={"requests_per_minute": 60, "concurrency": 4})},
            "routes": {"main": "fake/m"}})
        self.assertIn("limits of provider fake: 60 requests a minute, 4 at once\n",
                      self.routes(gateway))

    def test_losers_of_a_hedge_have_not_failed(self):
        slow, quick = self.upstream("slow", lambda r: upstream.Reply([upstream.Stall()], "cancelled")), \
            self.upstream("quick")
        gateway = self.gateway({
            "providers": {"slow": provider(slow), "quick": provider(quick)}, "default_route": "main",
            "routes": {"main": {"hedge": {"try": ["slow", "quick"], "after": "50ms", "ratio": 1}}}})
        self.assertEqual(client.chat(gateway.port, "main").headers["x-weir-provider"], "quick")
        gateway.wait_access()
        self.assertIn("slow/m  [up, 0 in flight, 0 good, 0 failed]", self.drawn(gateway))

    def test_forms_of_an_address(self):
        gateway = self.start(listen=["127.0.0.1:0", "0.0.0.0:0"], auth="none",
                             admin={"listen": "127.0.0.1:0"})
        admin = int(gateway.wait_line(r"admin paths on").rsplit(":", 1)[1])
        for form in ("%d", ":%d", "localhost:%d", "0.0.0.0:%d", "127.0.0.1:%d"):
            self.assertIn("fake/m  [", self.routes(gateway, "-a", form % admin), form)

    def test_listening_for_everybody(self):
        """With keys, with open doors, with a loopback address or an admin listener beside; `routes`
        finds each by the file alone, and who asks for x-weir-explain must be an admin."""
        secrets = {"boss": "weir-test-boss-0123456789abcdef", "team": "weir-test-team-0123456789abcd"}
        keys = {name: {"key": "sha256:" + hashlib.sha256(secret.encode()).hexdigest(),
                       "admin": name == "boss"} for name, secret in secrets.items()}
        ways = (({"keys": keys}, "boss", True), ({"keys": keys}, "team", False),
                ({"keys": keys}, None, False), ({"auth": "none"}, None, False),
                ({"auth": "none", "listen": True}, None, True),
                ({"keys": keys, "admin": {"listen": "127.0.0.1:0"}}, None, True),
                ({"keys": keys, "admin": {"listen": "HOST:0"}}, "boss", True))
        for host in ("0.0.0.0", "[::]") if socket.has_dualstack_ipv6() else ("0.0.0.0",):
            for more, secret, told in ways:
                with self.subTest(host=host, more=list(more), secret=secret):
                    more = json.loads(json.dumps(more).replace("HOST", host))
                    home = more.pop("listen", False)
                    gateway = self.start(listen=["127.0.0.1:0", host + ":0"], **more)
                    at = self.settled(gateway, host, home, more)
                    who = ["--key", secrets[secret]] if secret else []
                    done = run("routes", "-c", gateway.config_path, *who, env={"TEST_KEY": KEY})
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual("fake/m  [" in done.stdout, told, done)
                    self.assertEqual("an admin only" in done.stderr, not told, done.stderr)
                    if host == "0.0.0.0" and (secret or "keys" not in more):
                        self.explained(gateway, at, secrets.get(secret), secret == "boss")
                    self.doCleanups()

    def settled(self, gateway, host, home, more):
        """Writes down where it listens, its loopback address only if `home`; gives the port."""
        config = json.loads(gateway.config_path.read_text())
        at = gateway.wait_line(r"listening on http://" + re.escape(host)).rsplit("/", 1)[1]
        config["listen"] = [at, "127.0.0.1:%d" % gateway.port] if home else at
        if "admin" in more:
            config["admin"]["listen"] = gateway.wait_line("admin paths on").rsplit("/", 1)[1]
        gateway.write_config(config)
        return int(at.rsplit(":", 1)[1])

    def explained(self, gateway, port, secret, told):
        headers = [("x-weir-explain", "1")] + (
            [("authorization", "Bearer " + secret)] if secret else [])
        answer = client.chat(port, "main", headers=headers)
        self.assertEqual((answer.status, "x-weir-explain" in answer.headers), (200, told))
        done = run("explain", "-c", gateway.config_path, "--json", env={"TEST_KEY": KEY},
                   input=json.dumps({"model": "main", "messages": client.messages()}))
        self.assertEqual((done.returncode, json.loads(done.stdout)["order"][0]), (0, "fake/m"), done)

    def test_it_asks_where_admin_paths_are(self):
        """Without being told, and with the host that is listened on being no name of this machine."""
        gateway = self.start(admin={"listen": "127.0.0.1:0"})
        admin = int(gateway.wait_line(r"admin paths on").rsplit(":", 1)[1])
        config = json.loads(gateway.config_path.read_text())
        gateway.write_config(dict(config, listen="127.0.0.1:%d" % gateway.port,
                                  admin={"listen": "127.0.0.1:%d" % admin}))
        self.assertIn("fake/m  [", self.routes(gateway))


if __name__ == "__main__":
    unittest.main()
