"""The examples in sdk/examples/routing, each run as it stands: the official SDK, the gateway with the
example's own configuration file, and simulated providers behind it.

What the examples print is judged, and what each provider was asked.
"""

import os
import pathlib
import re
import subprocess
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "sdk" / "examples" / "routing"
sys.path.insert(0, str(ROOT / "tests" / "system"))
sys.dont_write_bytecode = True

from harness import upstream  # noqa: E402 (needs the path above)
from harness.case import Case  # noqa: E402
from harness.gateway import environment  # noqa: E402
from harness.upstream import Reply, Stall  # noqa: E402

import routing_vendors as vendors  # noqa: E402

OPUS, GPT = "anthropic/claude-3-opus-20240229", "openai/gpt-4o"
NEWER = {"content.yaml": "content", "complete.yaml": "content", "tenant.yaml": "tenant",
         "latency.yaml": "least-latency", "shadow.yaml": "shadow"}


def has_strategy(name):
    """Whether this build has the plugin."""
    return any((pathlib.Path(folder) / (name + ".so")).exists()
               for folder in environment()["WEIR_PLUGIN_PATH"].split(":"))


class ExampleCase(Case):
    def serve(self, config, **env):
        """The gateway with an example's file, which is only told where the providers are."""
        if config in NEWER and not has_strategy(NEWER[config]):
            self.skipTest("this build has no strategy '%s'" % NEWER[config])
        self.ups = {name: self.upstream(name, vendors.guarded(name, answer))
                    for name, answer in vendors.ANSWERS.items()}
        where = {"OPENAI_UPSTREAM": self.ups["openai"].base_url,
                 "ANTHROPIC_UPSTREAM": self.ups["anthropic"].url,
                 "GEMINI_UPSTREAM": self.ups["gemini"].url,
                 "OLLAMA_UPSTREAM": self.ups["local"].url}
        keys = {name.upper() + "_API_KEY": key for name, key in vendors.KEYS.items()}
        text = "listen: 127.0.0.1:0\nmodels_refresh: 0\nlog: { access: ./access.log }\n"
        self.gw = self.gateway(text + (EXAMPLES / config).read_text(), {**where, **keys, **env})

    def run_example(self, script, *args):
        """The lines it prints."""
        env = {key: value for key, value in os.environ.items()
               if not key.upper().endswith("_PROXY") and not key.startswith("OPENAI")}
        done = subprocess.run([sys.executable, "-B", str(EXAMPLES / script), *args],
                              env=dict(env, WEIR_URL=self.gw.url), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.splitlines()

    def table(self, script, *args):
        """{first column: (who served, text)} of what an example shows."""
        rows = [(line[:28].strip(), *line[28:].split(None, 1)) for line in
                self.run_example(script, *args)]
        return {what: (served, text) for what, served, text in rows}

    def asked(self, name):
        return len(self.ups[name].requests)


class ProvidersTest(ExampleCase):
    APIS = ("chat completions", "responses")

    def test_who_is_asked(self):
        self.serve("providers.yaml")
        rows = self.table("providers.py")
        served = {what: who for what, (who, _) in rows.items()}
        self.assertEqual(served, {
            "header": GPT, "body": OPUS, "prefix": "gemini/gemini-2.5-flash", "gpt-4o": GPT,
            "claude-3-opus-20240229": OPUS, "gemini-2.5-flash": "gemini/gemini-2.5-flash",
            "llama3.1": "local/llama3.1", "gpt-4-latest": GPT, "gpt-3.5": "openai/gpt-3.5-turbo",
            "anthropic's default": OPUS, "nothing": GPT})
        for who, text in rows.values():
            self.assertEqual(text, who.split("/")[0] + " says hello")
        self.assertEqual([r.json()["model"] for r in self.ups["openai"].requests],
                         ["gpt-4o"] * 3 + ["gpt-3.5-turbo", "gpt-4o"])
        self.assertEqual({n: self.asked(n) for n in self.ups},
                         {"openai": 5, "anthropic": 3, "gemini": 2, "local": 1})
        for name, key in vendors.KEYS.items():
            for record in self.ups[name].requests:
                self.assertIn(key, str(record.fields), "each got its own key")
                self.assertNotIn("provider", record.json(), "our own field stays here")

    def test_stream(self):
        self.serve("providers.yaml")
        lines = self.run_example("stream.py")
        self.assertEqual([line[28:] for line in lines],
                         [name + " says: one, two, three" for name in vendors.ANSWERS])

    def test_schema(self):
        self.serve("providers.yaml")
        lines = self.run_example("schema.py")
        self.assertEqual([line[29:] for line in lines],
                         [api + ": Version 2: faster; smaller" for api in self.APIS] * 4)
        self.assertEqual({self.asked(n) for n in self.ups}, {2})

    def test_schema_of_who_answers_instead(self):
        """The same schema holds for the provider that the route moves on to."""
        self.serve("failover.yaml", RETRY_DELAY="20ms")
        self.ups["openai"].default = lambda record: upstream.error(500)
        lines = self.run_example("schema.py", "main")
        self.assertEqual([line[29:] for line in lines],
                         [api + ": Version 2: faster; smaller" for api in self.APIS])
        self.assertEqual((self.asked("openai"), self.asked("anthropic")), (5, 2),
                         "four tries, and the fifth failure in a row is the last for a while")

    def test_monitor(self):
        self.serve("providers.yaml")
        self.run_example("errors.py")
        self.run_example("stream.py")
        self.gw.wait_access(10)
        rows = {line[:36].strip(): line[37:].split(", ") for line in self.run_example("monitor.py")}
        counts = {target: row[:4] for target, row in rows.items()}
        self.assertEqual(counts, {
            GPT: ["up", "2 good", "0 failed", "24 tokens"],
            OPUS: ["up", "2 good", "0 failed", "24 tokens"],
            "anthropic/claude-3-haiku-20240307": ["up", "0 good", "1 failed", "0 tokens"],
            "gemini/gemini-2.5-flash": ["up", "2 good", "0 failed", "24 tokens"],
            "local/llama3.1": ["up", "1 good", "0 failed", "12 tokens"]})
        for row in rows.values():
            self.assertRegex(row[4], r"^\d+\.\d{3} s on average$")

    def test_errors(self):
        self.serve("providers.yaml")
        *keys, no_provider, gone, no_model = self.run_example("errors.py")
        self.assertEqual(len(keys), 3)
        for key in keys:
            self.assertRegex(key, "^key +answered")
        self.assertRegex(gone, "NotFoundError 404 model_not_found: provider anthropic: "
                               "model: claude-3-haiku-20240307")
        self.assertRegex(no_provider, "NotFoundError 404 provider_not_found: provider 'mistral' "
                                      "is not configured")
        self.assertRegex(no_model, "NotFoundError 404 model_not_found: model 'gtp-4o' is not "
                                   "configured.*gpt-4o")
        self.assertEqual((self.asked("anthropic"), self.asked("openai")), (2, 1))

    def test_wrong_key(self):
        """Each says so in a form of its own; the application sees one."""
        self.serve("providers.yaml", **{name.upper() + "_API_KEY": "sk-of-somebody-else"
                                        for name in vendors.KEYS})
        for name, key in zip(vendors.KEYS, self.run_example("errors.py")):
            self.assertRegex(key, "AuthenticationError 401 invalid_api_key: provider %s: %s" %
                             (name, vendors.WRONG_KEY[name]))
            self.assertNotIn("somebody-else", key)


class FailoverTest(ExampleCase):
    def serve_failing(self, answer, **env):
        self.serve("failover.yaml", **env)
        self.ups["openai"].default = answer

    def shown(self, served, text):
        line, model = self.run_example("failover.py")
        self.assertEqual(line[28:].split(None, 1), [served, text])
        self.assertEqual(model, "response from: " + served.split("/")[1])

    def test_primary(self):
        self.serve("failover.yaml")
        self.shown(GPT, "openai says hello")
        self.assertEqual((self.asked("openai"), self.asked("anthropic")), (1, 0))

    def test_conditions(self):
        """Four tries at the first, then the other; silence is not asked again."""
        for answer, tries in ((lambda r: upstream.error(429), 4),
                              (lambda r: upstream.error(500), 4),
                              (lambda r: Reply([Stall()], "timeout"), 1)):
            with self.subTest(tries=tries):
                self.serve_failing(answer, RETRY_DELAY="20ms", OPENAI_TIMEOUT="500ms")
                self.shown(OPUS, "anthropic says hello")
                self.assertEqual((self.asked("openai"), self.asked("anthropic")), (tries, 1))

    def test_not_a_condition(self):
        self.serve_failing(lambda r: upstream.error(400, "that was wrong"))
        self.assertRegex(self.run_example("failover.py")[0],
                         "all providers failed: .*that was wrong")
        self.assertEqual((self.asked("openai"), self.asked("anthropic")), (1, 0))

    def test_all_fail(self):
        self.serve_failing(lambda r: upstream.error(503), RETRY_DELAY="20ms")
        self.ups["anthropic"].default = lambda r: upstream.error(503)
        self.assertRegex(self.run_example("failover.py")[0], "all providers failed: .*503")
        self.assertEqual((self.asked("openai"), self.asked("anthropic")), (4, 4))


class StrategyTest(ExampleCase):
    def test_content(self):
        self.serve("content.yaml")
        served = {what: who for what, (who, _) in self.table("content.py").items()}
        self.assertEqual(served, {
            "no rule fits": GPT, "code": GPT, "program": GPT, "creative": OPUS, "story": OPUS,
            "code before story": GPT, "long": OPUS, "short": GPT})

    def test_balance(self):
        self.serve("balance.yaml")
        lines = self.run_example("balance.py")
        turns = [line.split("handled by: ")[1] for line in lines[:5]]
        self.assertEqual(turns, [turns[0], turns[1]] * 2 + [turns[0]])
        self.assertEqual(set(turns), {"openai", "anthropic"})
        self.assertEqual(lines[5:], ["20 of turns: anthropic 10, openai 10",
                                     "20 of shares: anthropic 6, openai 14"])
        self.assertEqual(self.asked("openai") + self.asked("anthropic"), 45)

    def test_latency(self):
        self.serve("latency.yaml")

        def late(record):
            gate = upstream.Gate()
            threading.Timer(0.1, gate.open).start()
            return Reply([upstream.Wait(gate), *vendors.openai(record).steps])

        self.ups["openai"].default = late
        line, = self.run_example("latency.py")
        counts = dict(re.findall(r"(\w+) (\d+)", line.split(": ")[1]))
        self.assertGreater(int(counts["anthropic"]), 20, line)
        self.assertEqual(self.asked("openai") + self.asked("anthropic"), 30)

    def test_cost(self):
        self.serve("cost.yaml")
        served = {what: who for what, (who, _) in self.table("cost.py").items()}
        self.assertEqual(served, {"simple": "openai/gpt-4o-mini", "long": GPT, "with tools": GPT})

    def test_cost_of_the_next(self):
        """Without the cheapest it is the next cheapest, also for what should have a better one."""
        self.serve("cost.yaml")
        self.ups["openai"].default = lambda record: upstream.error(503)
        served = {who for who, _ in self.table("cost.py").values()}
        self.assertEqual(served, {"gemini/gemini-2.5-flash"})

    def test_tenant(self):
        self.serve("tenant.yaml")
        served = {what: who for what, (who, _) in self.table("tenant.py").items()}
        self.assertEqual(served, {"enterprise": OPUS, "startup": GPT, "no tenant": GPT})

    def test_shadow(self):
        """Whatever becomes of the copies, the answers are the same."""
        for status in (200, 500):
            with self.subTest(status=status):
                self.serve("shadow.yaml")
                if status != 200:
                    self.ups["anthropic"].default = lambda record: upstream.error(500)
                answered, *counted = self.run_example("shadow.py")
                self.assertEqual(answered, "answered by %s 20" % GPT)
                requests = self.gw.wait_access(20, where=lambda entry: "shadow_of" not in entry)
                copies = [entry for entry in requests if "shadows" in entry]
                self.assertTrue(0 < len(copies) < 20, len(copies))
                copied = self.gw.wait_access(len(copies), where=lambda entry: "shadow_of" in entry)
                self.assertEqual({entry["class"] for entry in copied},
                                 {"ok" if status == 200 else "server_error"})
                for line in counted:
                    self.assertIn('route="trial"', line)

    def complete(self, first, second, third):
        lines = self.run_example("complete.py")
        self.assertEqual([re.search(r"answered by (\S+):", line).group(1) for line in lines[1::2]],
                         [first, second, third])

    def test_complete(self):
        self.serve("complete.yaml")
        self.complete(GPT, OPUS, GPT)
        for record in self.ups["openai"].requests + self.ups["anthropic"].requests:
            self.assertEqual(record.json()["temperature"], 0.7)

    def test_complete_with_one_away(self):
        """Whichever is gone, the other answers all of them."""
        for gone, there in (("openai", OPUS), ("anthropic", GPT)):
            with self.subTest(gone=gone):
                self.serve("complete.yaml")
                self.ups[gone].default = lambda record: upstream.error(503)
                self.complete(there, there, there)


class PageTest(unittest.TestCase):
    def test_every_example_is_run(self):
        own = pathlib.Path(__file__).read_text()
        for file in EXAMPLES.iterdir():
            if file.suffix in (".py", ".yaml") and file.stem != "weir_client":
                self.assertIn('"%s"' % file.name, own, "nobody runs it")
                self.assertIn(file.name, (EXAMPLES / "README.md").read_text())


if __name__ == "__main__":
    unittest.main()
