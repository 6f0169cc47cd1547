"""The configuration: faults are told with line, column and advice; reloads are all or none."""

import os
import pathlib
import shutil
import tempfile
import unittest

from harness import client, names, upstream
from harness.case import KEY, Case, provider
from harness.gateway import EX_CONFIG, eventually, run

GOOD = """\
listen: 127.0.0.1:0
providers:
  openai:
    plugin: openai
    api_key: ${TEST_KEY}
    timeout: { connect: 5s, first_token: 30s, idle: 20s, total: 120s }
    max_retries: 3
    default_model: gpt-4o
    model_aliases: { gpt-4-latest: gpt-4o, gpt-3.5: gpt-3.5-turbo }
    rate_limit: { requests_per_minute: 3500, tokens_per_minute: 90000 }
  backup: { plugin: sim, default_model: sim }
routes:
  main:
    failover: { try: [openai/gpt-4o, backup], on: [rate_limit, timeout, server_error], retries: 3,
                delay: 1s }
  spread:
    weighted: { across: { openai: 0.7, backup: 0.3 } }
  nested:
    failover: { try: [openai, { round-robin: { across: [backup, spread] } }] }
default_route: main
"""


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-config-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def check(self, text, **env):
        path = self.folder / "weir.yaml"
        path.write_text(text)
        os.chmod(path, 0o600)
        done = run("check", "-c", path, env=dict({"TEST_KEY": KEY}, **env))
        self.said = done.stdout + done.stderr
        self.assertNotIn(KEY, self.said)
        return done

    def bad(self, text, line, column, *says, **env):
        """It must be refused at this place, and say these words."""
        done = self.check(text, **env)
        self.assertEqual(done.returncode, EX_CONFIG, self.said)
        self.assertRegex(self.said, r"weir\.yaml:%d:%s" % (line, column or r"\d+"))
        for word in says:
            self.assertIn(word, self.said)

    def test_good(self):
        done = self.check(GOOD)
        self.assertEqual(done.returncode, 0, self.said)

    def test_typo_in_a_key(self):
        self.bad(GOOD.replace("    max_retries", "    max_retires"), 7, 5, "max_retires",
                 "max_retries")
        self.bad(GOOD.replace("\nroutes:", "\nrouts:"), 12, 1, "routs", "routes")

    def test_typo_in_a_strategy(self):
        self.bad(GOOD.replace("    weighted:", "    wieghted:"), 17, 5, "wieghted", "weighted")

    def test_typo_in_an_option_of_a_strategy(self):
        self.bad(GOOD.replace("retries: 3,", "retrys: 3,"), 14, None, "retrys", "retries")

    # field: 3.5.6
    def test_typo_in_a_target(self):
        self.bad(GOOD.replace("across: [backup, spread]", "across: [bakcup, spread]"), 19, None,
                 "bakcup", "backup")

    def test_typo_in_a_class(self):
        self.bad(GOOD.replace("on: [rate_limit,", "on: [rate_limits,"), 14, None, "rate_limits",
                 "rate_limit")

    def test_typo_in_a_plugin(self):
        self.bad(GOOD.replace("plugin: openai", "plugin: opanai"), 4, None, "opanai", "openai")

    def test_typo_in_the_default_route(self):
        self.bad(GOOD.replace("default_route: main", "default_route: mian"), 20, None, "mian",
                 "main")

    def test_missing_variable(self):
        self.bad(GOOD, 5, None, "TEST_KEY", TEST_KEY=None)

    def test_cycle(self):
        text = GOOD.replace("across: [backup, spread]", "across: [backup, nested]")
        done = self.check(text)
        self.assertEqual(done.returncode, EX_CONFIG, self.said)
        self.assertRegex(self.said, r"weir\.yaml:\d+:\d+")
        self.assertIn("nested", self.said)
        two = "routes:\n  a: { failover: { try: [b] } }\n  b: { failover: { try: [a] } }\n"
        done = self.check(two)
        self.assertEqual(done.returncode, EX_CONFIG, self.said)
        self.assertRegex(self.said, r"\ba\b.*\bb\b")

    def test_name_is_both_route_and_provider(self):
        self.bad(GOOD.replace("  spread:", "  backup:").replace("backup, spread", "backup, main"),
                 16, None, "backup")

    def test_bad_values(self):
        self.bad(GOOD.replace("connect: 5s", "connect: soon"), 6, None, "connect", "soon")
        self.bad(GOOD.replace("max_retries: 3", "max_retries: -2"), 7, None, "max_retries")
        self.bad(GOOD.replace("openai: 0.7", "openai: heavy"), 17, None, "heavy")
        self.bad("listen: nowhere at all\n", 1, None, "listen")

    def test_not_yaml(self):
        self.bad("providers: [\n  a: b\n", 3, None, "YAML")
        self.bad("a: 1\n\tb: 2\n", 2, None)

    def test_key_twice(self):
        self.bad("listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n", 2, 1, "listen")

    HEAD = """\
listen: 127.0.0.1:0
providers:
  openai:
    plugin: openai
    api_key: ${TEST_KEY}
    default_model: gpt-4o
  anthropic: { plugin: anthropic, api_key: "${TEST_KEY}", models: ["house-*"] }
routes:
"""

    # What stands in line 9: (column, what is said, what to do about it).
    MISTAKES = {
        "  a: { failover: { try: [openai], delay: -1s } }":
            (42, "failover.delay", "such as 250ms, 30s", "'-1s'"),
        "  a: { failover: { try: [openai], delay: 1 sec } }":
            (42, "failover.delay", "such as 250ms, 30s", "'1 sec'"),
        "  a: { failover: { try: [openai], retries: many } }":
            (44, "failover.retries", "must be an integer", "'many'"),
        "  a: { failover: { try: [openai], retries: -1 } }":
            (8, "retries", "must be from 0 to 100"),
        "  a: { failover: { try: [openai], on: [429] } }":
            (40, "failover.on", "rate_limit", "'429'"),
        "  a: { failover: { try: [] } }": (25, "failover has no children", "name at least one"),
        "  a: { failover: }": (8, "failover needs 'try'", "add it"),
        "  a: { timeout: 3s }": (6, "route 'a' has no strategy", "add one of"),
        "  a: { failover: [openai], weighted: { openai: 1 } }":
            (28, "two strategies", "keep one, or nest one"),
        "  a: { failover: [openai], midstream: splice }":
            (28, "unknown key 'midstream'", "did you mean 'mid_stream'"),
        "  a: { failover: [openai], timeout: { firsttoken: 3s } }":
            (39, "unknown key 'firsttoken'", "did you mean 'first_token'"),
        "  a: { failover: [openai], budget: { attempts: 0 } }":
            (48, "attempts", "from 1 to 1000", "'0'"),
        "  a: { failover: [openai], mid_stream: resume }":
            (40, "one of error, splice, continue", "'resume'"),
        "  a: { weighted: { openai: 0, anthropic: 0 } }":
            (8, "weight: is 0 for all children", "give more"),
        "  a: { weighted: { openai: -1, anthropic: 2 } }":
            (8, "weight", "must be from 0 to 1000000"),
        "  a: { weighted: { openai: 70%, anthropic: 30% } }": (28, "must be a number", "'70%'"),
        "  a: { split: { openai: 80, anthropic: 30 } }":
            (8, "the percentages make 110", "let them make 100"),
        "  a: { failover: [gpt-4o, anthropic] }":
            (19, "a model without its provider", "write 'openai/gpt-4o'"),
        "  a: { failover: [anthropic, house-cat] }":
            (30, "a model without its provider", "write 'anthropic/house-cat'"),
        "  a: { failover: [openai/, anthropic] }":
            (19, "names no model", "write 'openai' for any"),
        "  a: { content: [ { contains: [x] } ] }": (19, "this child has no 'to'", "a target"),
        "  a: { content: [ { contain: [x], to: openai } ] }":
            (21, "unknown key 'contain'", "did you mean 'contains'"),
        "  a: { content: [ { matches: '(a', to: openai } ] }":
            (8, "matches", "'(a' is not valid"),
        "  a: { content: [ { to: openai }, { contains: [x], to: anthropic } ] }":
            (8, "takes every request", "make it the last"),
        "  a: { tenant: { x: openai, x: anthropic } }": (29, "'x' is here twice", "remove one"),
        "  a: { tenant: { x: openai, *: anthropic } }": (30, "YAML", "in quotes"),
        "  a: { hedge: { try: [openai, anthropic], quantile: 95 } }":
            (8, "quantile", "from 0.5 to 0.999"),
        "  a: { failover: [a, openai] }": (3, "a -> a lead in a circle", "take one of them out"),
        "\ta: openai": (1, "YAML", "indent with spaces, not tabs"),
        "  - { name: a, failover: [openai] }": (3, "routes must be a map", "not a list"),
        "  openai: anthropic": (3, "a provider already", "rename one"),
    }

    def test_what_people_get_wrong(self):
        """Each is refused where it stands, with what is wrong and what to do."""
        for line, (column, *says) in self.MISTAKES.items():
            with self.subTest(line):
                self.bad(self.HEAD + line + "\n", 9, column, *says)
                self.assertEqual(len(self.said.splitlines()), 1 + line.count("30%"), self.said)

    def test_every_fault_at_once(self):
        text = GOOD.replace("    max_retries", "    max_retires").replace("\nroutes:", "\nrouts:")
        self.check(text)
        self.assertIn("weir.yaml:7:", self.said)
        self.assertIn("weir.yaml:12:", self.said)

    def test_no_file(self):
        done = run("check", "-c", self.folder / "absent.yaml")
        self.assertEqual(done.returncode, EX_CONFIG)
        self.assertIn("absent.yaml", done.stdout + done.stderr)

    def test_a_secret_in_the_file_is_refused_and_not_shown(self):
        text = GOOD.replace("${TEST_KEY}", "sk-written-into-the-file")
        done = self.check(text)
        self.assertEqual(done.returncode, EX_CONFIG, self.said)
        self.assertNotIn("sk-written-into-the-file", self.said)
        self.assertIn("weir.yaml:5:", self.said)

    def test_secret_from_a_file(self):
        (self.folder / "key").write_text(KEY + "\n")
        os.chmod(self.folder / "key", 0o600)
        done = self.check(GOOD.replace("${TEST_KEY}", "file:%s/key" % self.folder))
        self.assertEqual(done.returncode, 0, self.said)
        done = self.check(GOOD.replace("${TEST_KEY}", "file:%s/nokey" % self.folder))
        self.assertEqual(done.returncode, EX_CONFIG)
        self.assertIn("nokey", self.said)

    def test_serve_refuses_the_same(self):
        path = self.folder / "weir.yaml"
        path.write_text(GOOD.replace("\nroutes:", "\nrouts:"))
        done = run("serve", "-c", path, env={"TEST_KEY": KEY})
        self.assertEqual(done.returncode, EX_CONFIG)
        self.assertRegex(done.stderr, r"weir\.yaml:12:1")

    def test_init_writes_what_check_accepts(self):
        done = run("init", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        written = self.folder / "weir.yaml"
        if not written.exists():
            written.write_text(done.stdout)
        self.assertIn("#", written.read_text())
        done = run("check", "-c", written)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_init_overwrites_nothing(self):
        (self.folder / "weir.yaml").write_text("# mine\n")
        done = run("init", cwd=self.folder)
        self.assertEqual((self.folder / "weir.yaml").read_text(), "# mine\n")
        self.assertNotEqual(done.returncode, 0)

    def test_init_uses_the_keys_of_the_environment(self):
        done = run("init", cwd=self.folder, env={"OPENAI_API_KEY": KEY})
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (self.folder / "weir.yaml").read_text()
        self.assertIn("${OPENAI_API_KEY}", text)
        self.assertNotIn(KEY, text + done.stdout + done.stderr)
        done = run("check", "-c", self.folder / "weir.yaml", env={"OPENAI_API_KEY": KEY})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class ReloadTest(Case):
    def start(self):
        self.old, self.new = self.upstream("old"), self.upstream("new")
        self.config = {"providers": {"old": provider(self.old), "new": provider(self.new)},
                       "routes": {"main": {"failover": {"try": ["old/m"]}}}}
        return self.gateway(self.config)

    def point_to_new(self, gateway):
        config = dict(self.config, routes={"main": {"failover": {"try": ["new/m"]}}})
        gateway.write_config(config)
        gateway.reload()
        eventually("new requests are on the new configuration", lambda:
                   client.chat(gateway.port, "main").headers[names.H_PROVIDER] == "new")

    # field: 3.9.4, 3.10.4
    def test_stream_ends_on_the_generation_it_began_on(self):
        gateway = self.start()
        worker = gateway.worker_pids()
        gate = upstream.Gate()
        self.old.reply(upstream.stream(["be", "gun"], gates={1: gate}))
        with client.Stream(gateway.port, "main") as it:
            it.until_content()
            self.point_to_new(gateway)
            gate.open()
            rest = it.all()
            self.assertEqual(client.text_of(rest), "gun")
            self.assertTrue(rest[-1].done)
        self.assertEqual(gateway.worker_pids(), worker, "the same process")

    def test_kept_connections_use_the_new_generation(self):
        gateway = self.start()
        body = b'{"model":"main","messages":[]}'
        with client.Conn(gateway.port) as conn:
            conn.request("POST", "/v1/chat/completions", body)
            self.assertEqual(conn.response().headers[names.H_PROVIDER], "old")
            self.point_to_new(gateway)
            conn.request("POST", "/v1/chat/completions", body)
            self.assertEqual(conn.response().headers[names.H_PROVIDER], "new")

    # field: 3.10.4
    def test_broken_file_keeps_the_old(self):
        gateway = self.start()
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        since = len(gateway.lines)
        gateway.write_config("providers:\n  old: { plugin: openai, bse_url: 'http://x' }\n")
        gateway.reload()
        line = gateway.wait_line(r"weir\.yaml:2:\d+", since=since)
        self.assertIn("bse_url", gateway.output(since))
        self.assertTrue(line)
        self.assertEqual(client.chat(gateway.port, "main").headers[names.H_PROVIDER], "old")
        self.point_to_new(gateway)

    # field: 3.5.11
    def test_cool_down_survives_a_reload(self):
        gateway = self.start()
        self.old.reply(upstream.error(429, headers=[("Retry-After", "60")]))
        self.assertEqual(client.chat(gateway.port, "main").status, 429)
        gateway.write_config(dict(self.config, routes={
            "main": {"failover": {"try": ["old/m", "new/m"]}}}))
        gateway.reload()
        eventually("the new tree", lambda: client.chat(gateway.port, "main").status == 200)
        self.assertEqual(len(self.old.requests), 1, "target records outlive generations")

    def test_refused_reload_keeps_the_state_of_nodes(self):
        """Not even if it was refused after the new strategies had been made."""
        gateway = self.start()
        trees = {"round": {"round-robin": {"across": ["old/m", "new/m"]}},
                 "refused": {"weighted": {"across": {"old/m": -1, "new/m": 1}}}}
        by = []
        for tree in "round", "refused", "round":
            since = len(gateway.lines)
            gateway.write_config(dict(self.config, routes={"main": trees[tree]}))
            gateway.wait_line("not reloaded" if tree == "refused" else ": reloaded", since=since)
            by += [client.chat(gateway.port, "main").headers[names.H_PROVIDER]]
        self.assertEqual(by, ["old", "new", "old"])

    def test_change_of_a_file_is_enough(self):
        """No signal: the file itself, and one that comes into conf.d."""
        gateway = self.start()
        (gateway.folder / "conf.d").mkdir()
        since = len(gateway.lines)
        gateway.write_config(dict(self.config, routes={"main": {"failover": {"try": ["new/m"]}}}))
        gateway.wait_line(names.RELOADED, since=since)
        self.assertEqual(client.chat(gateway.port, "main").headers[names.H_PROVIDER], "new")
        since = len(gateway.lines)
        more = gateway.folder / "conf.d" / "more.yaml"
        more.write_text("routes: { other: { failover: { try: [old/m] } } }\n")
        gateway.wait_line(names.RELOADED, since=since)
        self.assertEqual(client.chat(gateway.port, "other").headers[names.H_PROVIDER], "old")

    def test_broken_file_does_not_keep_a_crashed_worker_down(self):
        """What was accepted is served on, whatever lies on the disk meanwhile."""
        broken = {
            "refused by the core": "providers:\n  old: { plugin: openai, bse_url: 'http://x' }\n",
            "refused by a plugin": {"weighted": {"across": {"old/m": -1}}}}
        for why, config in broken.items():
            with self.subTest(why):
                gateway = self.start()
                self.assertEqual(client.chat(gateway.port, "main").status, 200)
                if isinstance(config, dict):
                    config = dict(self.config, routes={"main": config})
                gateway.write_config(config)
                for _ in range(2):  # the second start must not find what the first one choked on
                    gateway.crash_worker()
                    self.assertEqual(client.chat(gateway.port, "main").status, 200)

    # field: 3.9.4
    def test_many_reloads_under_load(self):
        gateway = self.start()
        for i in range(10):
            target = ("old/m", "new/m")[i % 2]
            gateway.write_config(dict(self.config,
                                      routes={"main": {"failover": {"try": [target]}}}))
            gateway.reload()
            for _ in range(10):
                self.assertEqual(client.chat(gateway.port, "main").status, 200)
        total = len(self.old.requests) + len(self.new.requests)
        self.assertEqual(total, 100)

    # field: 3.11.5
    def test_secrets_are_not_in_the_output(self):
        gateway = self.start()
        client.chat(gateway.port, "main")
        gateway.write_config("nonsense: true\n")
        since = gateway.reload()
        gateway.wait_line(r"nonsense", since=since)
        self.assertNotIn(KEY, gateway.output())
        for pid in gateway.pids():
            with open("/proc/%d/cmdline" % pid, "rb") as f:
                self.assertNotIn(KEY.encode(), f.read())


if __name__ == "__main__":
    unittest.main()
