"""The examples of the SDK and of the README, built and used as a stranger would.

The build is installed into an empty folder; what README.md says is run against that.
"""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import client, names
from harness.case import Case
from harness.gateway import ROOT, environment, eventually, run, weir_bin

EXAMPLES = ROOT / "sdk" / "examples"


def blocks(language):
    """The fenced blocks of that language in README.md."""
    return re.findall(r"^```%s\n(.*?)^```$" % language, (ROOT / "README.md").read_text(),
                      re.M | re.S)


def acme_server():
    spec = importlib.util.spec_from_file_location("acme_server", EXAMPLES / "acme" / "server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.start()


class Installed:
    """The build in a folder of its own, whose pkg-config files know that they are there."""

    def __init__(self, folder):
        build = pathlib.Path(weir_bin()).parents[1]
        done = subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--quiet",
                               "--destdir", str(folder / "dest")], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        if done.returncode:
            raise AssertionError("meson install: " + done.stdout)
        options = json.loads(subprocess.run(
            ["meson", "introspect", str(build), "--buildoptions"], check=True, timeout=60,
            stdout=subprocess.PIPE).stdout)
        self.sanitized = any(o["name"] == "b_sanitize" and o["value"] != "none" for o in options)
        self.plugins = None
        self.pkgconfig = next((folder / "dest").rglob("weir-plugin.pc")).parent
        for file in self.pkgconfig.glob("*.pc"):
            text = file.read_text()
            prefix = re.search(r"^prefix=(.*)$", text, re.M).group(1)
            file.write_text(re.sub(r"^prefix=.*$", "prefix=%s/dest%s" % (folder, prefix), text,
                                   flags=re.M))
        self.plugins = self.sh("pkg-config --variable=plugindir weir-plugin", folder).strip()

    def sh(self, script, cwd):
        env = environment(PKG_CONFIG_PATH=str(self.pkgconfig), PKG_CONFIG_SYSROOT_DIR=None,
                          WEIR_PLUGIN_PATH=self.plugins)
        done = subprocess.run(["sh", "-euc", script], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60)
        if done.returncode:
            raise AssertionError("exit status %d of:\n%s\n%s" %
                                 (done.returncode, script, done.stdout))
        return done.stdout


class ExamplesCase(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-examples-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.installed = Installed(cls.folder)
        strict = "CFLAGS='-std=c11 -Wall -Wextra -Wpedantic -Werror'; "
        for name in ("acme", "coin"):
            cls.installed.sh(strict + "cc $CFLAGS $(pkg-config --cflags --libs weir-plugin) -o "
                             "%s.so %s/%s/%s.c" % (name, EXAMPLES, name, name),
                             cls.installed.plugins)
        cls.env = {"WEIR_PLUGIN_PATH": cls.installed.plugins}


class AcmeTest(ExamplesCase):
    def setUp(self):
        self.server, url = acme_server()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.weir = self.gateway({
            "providers": {
                "acme": {"plugin": "acme", "base_url": url, "mood": "loud",
                         "models": ["bard", "nobody", "busy"]},
                "sim": {"plugin": "sim", "default_model": "sim-fast", "mark": False,
                        "reply": "instead"}},
            "routes": {
                "safe": {"failover": {"try": ["acme/busy", "sim"], "on": ["rate_limit"]}},
                "strict": {"failover": ["acme/bard"], "loss": "strict"},
                "either": {"coin": ["acme/bard", "sim"]},
                "heads": {"coin": {"between": ["acme/bard", "sim"], "heads": 1}},
                "tails": {"coin": {"between": ["acme/bard", "sim"], "heads": 0}},
                "back": {"coin": {"between": ["acme/busy", "sim"], "heads": 1}}}}, self.env)

    def test_whole(self):
        reply = client.chat(self.weir.port, "acme/bard", "Caf\u00e9 \"au\" lait", temperature=0.5)
        self.assertEqual(reply.status, 200, reply.body)
        answer = reply.json()
        self.assertEqual(answer["choices"][0]["message"]["content"],
                         "ACME'S BARD HEARD: CAF\u00c9 \"AU\" LAIT")
        self.assertEqual(answer["choices"][0]["finish_reason"], "stop")
        self.assertEqual(answer["usage"], {"prompt_tokens": 3, "completion_tokens": 6,
                                           "total_tokens": 9})
        self.assertEqual(reply.headers[names.H_PROVIDER], "acme")
        self.assertIn("/temperature", reply.headers[names.H_WARNINGS])
        # The vendor ends its answer some time before it ends the body: that is a success.
        entry = self.weir.wait_access()[0]
        self.assertEqual((entry["class"], entry["status"]), ("ok", 200), entry)
        self.assertEqual(entry["usage"], {"input": 3, "output": 6})

    def test_streamed(self):
        head, events, _ = client.stream(self.weir.port, "bard", "Hello",
                                        stream_options={"include_usage": True})
        self.assertEqual((head.status, head.headers[names.H_PROVIDER]), (200, "acme"))
        pieces = [e.content for e in events if e.content]
        self.assertEqual(pieces, ["ACME'S", " BARD", " HEARD:", " HELLO"])
        self.assertTrue(events[-1].done)
        self.assertEqual(events[-2].json()["usage"]["completion_tokens"], 4)

    def test_limit(self):
        reply = client.chat(self.weir.port, "bard", "Hello", max_tokens=2)
        self.assertEqual(reply.json()["choices"][0]["finish_reason"], "length")
        self.assertEqual(reply.json()["choices"][0]["message"]["content"], "ACME'S BARD")

    def test_failures(self):
        self.assert_error(client.chat(self.weir.port, "nobody"), 404, "model_not_found",
                          says="no such voice")
        self.assert_error(client.chat(self.weir.port, "bard", "say oops now"), 502,
                          says="lost its voice")
        _, events, stream = client.stream(self.weir.port, "bard", "say oops now")
        self.assertEqual(client.text_of(events), "ACME'S BARD HEARD: SAY")
        self.assertIn("lost its voice", events[-1].error["message"])
        self.assertFalse(any(e.done for e in events))
        self.assertTrue(stream.cut)

    def test_what_it_cannot_do(self):
        tools = [{"type": "function", "function": {"name": "f"}}]
        self.assert_error(client.chat(self.weir.port, "bard", tools=tools), 400, "unsupported")
        self.assert_error(client.chat(self.weir.port, "strict", temperature=1), 400)
        self.assertEqual(client.chat(self.weir.port, "strict").status, 200)

    def test_failover_away(self):
        reply = client.chat(self.weir.port, "safe")
        self.assertEqual(reply.json()["choices"][0]["message"]["content"], "instead")
        self.assertEqual(reply.headers[names.H_ATTEMPTS], "2")
        entry = self.weir.wait_access()[0]
        self.assertEqual(names.log_attempts(entry), [("acme", "rate_limit"), ("sim", "ok")])

    def who(self, model, count=1):
        return [client.chat(self.weir.port, model).headers[names.H_PROVIDER]
                for _ in range(count)]

    def test_coin(self):
        self.assertEqual(self.who("heads", 4), ["acme"] * 4)
        self.assertEqual(self.who("tails", 4), ["sim"] * 4)
        # A fair coin shows one side only 40 times in a row once in 10^12 runs.
        self.assertEqual(set(self.who("either", 41)), {"acme", "sim"})

    def test_coin_turns_over_after_a_failure(self):
        reply = client.chat(self.weir.port, "back")
        self.assertEqual((reply.headers[names.H_PROVIDER], reply.headers[names.H_ATTEMPTS]),
                         ("sim", "2"))

    def test_coin_refuses_nonsense(self):
        file = self.folder / "odd.yaml"
        file.write_text("providers: { sim: { plugin: sim } }\n"
                        "routes: { odd: { coin: { between: [sim], heads: 2 } } }\n")
        done = run("check", "-c", file, env=self.env)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("heads", done.stderr)
        self.assertIn("must be from 0 to 1", done.stderr)


class ArrivalTest(ExamplesCase):
    """A plugin and a provider come while the gateway runs."""

    def test_new_provider_in_the_same_process(self):
        folder = self.folder / "late"
        server, url = acme_server()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        folder.mkdir()
        for name in ("sim", "openai", "failover"):
            shutil.copy(pathlib.Path(self.installed.plugins) / (name + ".so"), folder)
        config = {"providers": {"sim": {"plugin": "sim", "default_model": "sim-fast"}}}
        weir = self.gateway(config, {"WEIR_PLUGIN_PATH": str(folder)})
        self.assertEqual(client.chat(weir.port, "acme/bard").status, 404)
        pids = weir.pids()
        shutil.copy(pathlib.Path(self.installed.plugins) / "acme.so", folder)
        config["providers"]["acme"] = {"plugin": "acme", "base_url": url}
        weir.write_config(config)
        eventually("the new provider answers", lambda:
                   client.chat(weir.port, "acme/bard").status == 200)
        self.assertEqual(weir.pids(), pids)


class ReferenceTest(ExamplesCase):
    """The tables of the README name what there is, and nothing else."""

    # What a short form leaves out, and what stands in a condition.
    SHORT = {"name", "percent", "rules", "weight"}
    WITHIN = {"all", "any", "not", "user", "session", "tags"}
    # What `check --print` tells beside the keys of the file.
    TOLD = {"files", "options", "where", "strategy", "children"}
    NAMED = {"keys", "tenants", "providers", "routes", "dialects", "tags", "pins"}

    def asked(self, *args):
        done = run(*args, env=self.env)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_options_of_strategies(self):
        text = (ROOT / "README.md").read_text().partition("## Plugins")[2].partition("\n### ")[0]
        rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", text, re.M))
        strategies = [part["name"] for plugin in self.asked("plugins", "list", "--json")
                      for part in plugin["parts"]
                      if part["face"] == "strategy" and plugin["id"].startswith("weir.")]
        self.assertGreater(len(strategies), 15)
        for name in strategies:
            part, = self.asked("plugins", "show", name, "--json")["parts"]
            options = {o["name"] for o in part["options"] + part["child_options"]}
            words = set(re.findall(r"`([a-z_]+)(?:: [a-z]+)?`", rows[name]))
            with self.subTest(name):
                self.assertEqual(options - words - self.SHORT, set())
                self.assertEqual(words - options - self.WITHIN, set())

    def keys(self, value, named=False):
        for key, below in value.items():
            if key in self.TOLD:
                continue
            if not named:
                yield key
            if isinstance(below, dict):
                yield from self.keys(below, not named and key in self.NAMED)

    def test_keys_of_the_configuration(self):
        file = self.folder / "weir.yaml"
        file.write_text("providers: { sim: { plugin: sim, rate_limit: { concurrency: 1 } } }\n"
                        "tenants: { a: { concurrency: 1 } }\n"
                        "keys: { k: { key: \"sha256:%s\" } }\n"
                        "routes: { main: { failover: { try: [sim/m] } } }\n" % ("0" * 64))
        os.chmod(file, 0o600)
        text = (ROOT / "README.md").read_text().partition("\n## Configuration")[2]
        known = set(re.findall(r"[a-z][a-z_]+", "".join(re.findall(r"`[^`]+`", text))))
        for key in set(self.keys(self.asked("check", "--print", file))):
            with self.subTest(key):
                self.assertIn(key, known)


class ReadmeTest(ExamplesCase):
    def test_configurations(self):
        found = blocks("yaml")
        self.assertGreaterEqual(len(found), 2)
        env = dict(self.env, OPENAI_API_KEY="sk-readme", ANTHROPIC_API_KEY="sk-readme",
                   BACKUP_API_KEY="sk-readme")
        for i, text in enumerate(found):
            file = self.folder / ("readme-%d.yaml" % i)
            file.write_text(text)
            os.chmod(file, 0o600)
            done = run("check", "-c", file, env=env)
            self.assertEqual(done.returncode, 0, done.stderr + "\n" + text)

    # field: 3.10.1, 3.10.3
    def test_building_plugins(self):
        """The commands of the README, against the installation, put the plugins where they are
        found."""
        found = [text for text in blocks("sh") if "--libs weir-plugin" in text]
        self.assertTrue(found)
        place = self.folder / "checkout"
        place.mkdir()
        (place / "sdk").symlink_to(ROOT / "sdk")
        for name in ("acme.so", "coin.so"):
            os.remove(pathlib.Path(self.installed.plugins) / name)
        for text in found:
            self.installed.sh(text.replace("weir plugins", "'%s' plugins" % weir_bin()), place)
        listed = run("plugins", "list", env=self.env).stdout
        self.assertRegex(listed, r"acme\.so +loaded +provider acme")
        self.assertRegex(listed, r"coin\.so +loaded +strategy coin")

    def test_program(self):
        """The program of the README builds as it says, and answers."""
        if self.installed.sanitized:
            self.skipTest("a sanitized library needs a sanitized program")
        text, = [text for text in blocks("c") if "int main(" in text]
        (self.folder / "ask.c").write_text(text)
        (self.folder / "weir.yaml").write_text(
            "providers: { sim: { plugin: sim, default_model: x, reply: Rayleigh. } }\n"
            "default_provider: sim\n")
        said = self.installed.sh(
            "cc -Wall -Wextra -Werror -o ask ask.c $(pkg-config --cflags --libs weir)\n"
            "LD_LIBRARY_PATH=$(pkg-config --variable=libdir weir) ./ask", self.folder)
        self.assertEqual(said, "[simulated by Weir] Rayleigh.\n")

    def test_quoted_code_is_that_of_the_examples(self):
        examples = "".join(path.read_text() for path in EXAMPLES.glob("*/*.c"))
        strip = re.compile(r"\s*/\*.*?\*/")
        known = {strip.sub("", line).strip() for line in examples.splitlines()}
        for text in blocks("c"):
            if "int main(" in text:
                continue
            for line in text.splitlines():
                line = strip.sub("", line).strip()
                self.assertTrue(line == "..." or line in known, line)

    def test_files_it_names_exist(self):
        text = (ROOT / "README.md").read_text()
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            self.assertTrue((ROOT / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
