"""The commands: what they print, where, and how they exit."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from harness import client, upstream
from harness.case import KEY, Case, provider
from harness.gateway import EX_USAGE, environment, run, weir_bin

COMMANDS = ("serve", "chat", "check", "explain", "init", "models", "plugins", "routes",
            "simulate")


class CliCase(Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def write(self, config):
        path = self.folder / "weir.yaml"
        path.write_text(json.dumps(config))
        return path

    def run_ok(self, *args, **more):
        done = run(*args, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done


class HelpTest(CliCase):
    def test_version(self):
        done = self.run_ok("--version")
        self.assertRegex(done.stdout, r"^weir \d+\.\d+")
        self.assertEqual(done.stderr, "")

    def test_help_names_every_command(self):
        text = self.run_ok("--help").stdout
        for command in COMMANDS:
            self.assertRegex(text, r"(?m)^\s+%s\b" % command)

    def test_help_of_every_command(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.run_ok(command, "--help").stdout
                self.assertIn("weir " + command, text)

    def test_unknown_command(self):
        done = run("sreve")
        self.assertEqual(done.returncode, EX_USAGE)
        self.assertIn("serve", done.stderr, "it says what is near")
        self.assertEqual(done.stdout, "")

    def test_unknown_option(self):
        done = run("check", "--nonsense")
        self.assertEqual(done.returncode, EX_USAGE)
        self.assertIn("--nonsense", done.stderr)

    def test_no_command(self):
        done = run()
        self.assertIn("serve", done.stdout + done.stderr)


class ChatTest(CliCase):
    def setUp(self):
        super().setUp()
        self.up = self.upstream()
        self.config = self.folder / "chat.yaml"
        self.config.write_text(json.dumps({
            "providers": {"fake": provider(self.up), "other": provider(self.up)},
            "routes": {"main": {"failover": {"try": ["fake/m"]}}}, "default_route": "main"}))
        self.env = {"TEST_KEY": KEY}

    def chat(self, *args, **more):
        return run("chat", "-c", self.config, *args, env=self.env, **more)

    def test_plain(self):
        done = self.chat("Say hello")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "Hello from upstream"))
        self.assertEqual(self.up.requests[0].json()["messages"][-1]["content"], "Say hello")

    def test_streamed(self):
        done = self.chat("--stream", "Say hello")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "Hello from upstream"))
        self.assertTrue(self.up.requests[0].json()["stream"])

    def test_model_and_provider(self):
        done = self.chat("-m", "m-large", "--provider", "other", "x")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.up.requests[0].json()["model"], "m-large")

    def test_json(self):
        done = self.chat("--json", "x")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout))

    def test_failure(self):
        self.up.reply(upstream.error(401, "Incorrect API key provided", "invalid_request_error",
                                     "invalid_api_key"))
        done = self.chat("x")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        self.assertIn("Incorrect API key", done.stderr)
        self.assertNotIn(KEY, done.stderr)

    def test_unknown_model(self):
        done = self.chat("-m", "mian", "x")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("main", done.stderr.replace("mian", ""))

    def test_cut_stream_is_a_failure(self):
        self.up.reply(upstream.sse([upstream.event(upstream.chunk({"content": "begun"})),
                                    upstream.Close()], cls="protocol"))
        done = self.chat("--stream", "x")
        self.assertIn("begun", done.stdout)
        self.assertNotEqual(done.returncode, 0)

    def test_without_configuration(self):
        """The simulator answers, and says that it is one."""
        done = run("chat", "Hello?", cwd=self.folder, env={
            "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / "none")})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("simulat", (done.stdout + done.stderr).lower())


class ListTest(CliCase):
    def test_plugins_list(self):
        text = self.run_ok("plugins", "list").stdout
        for name in ("openai", "sim", "failover", "round-robin", "weighted", "model", "noop"):
            self.assertIn(name, text)

    def test_plugins_list_json(self):
        document = json.loads(self.run_ok("plugins", "list", "--json").stdout)
        files = document if isinstance(document, list) else next(iter(document.values()))
        loaded = [entry for entry in files if entry["state"] == "loaded"]
        self.assertGreaterEqual(len(loaded), 7)
        for entry in files:                # an installed Weir's are there, too, and come second
            self.assertIn(entry["state"], ("loaded", "shadowed"), entry)

    def test_plugins_show(self):
        text = self.run_ok("plugins", "show", "failover").stdout
        for word in ("failover", "retries", "delay", "try"):
            self.assertIn(word, text)

    def test_plugins_show_json(self):
        document = json.loads(self.run_ok("plugins", "show", "weighted", "--json").stdout)
        self.assertEqual(document["abi"], "1.0")
        self.assertNotIn("state", document, "nothing was loaded")
        part = document["parts"][0]
        self.assertEqual((part["face"], part["name"]), ("strategy", "weighted"))
        self.assertIn("across", [option["name"] for option in part["options"]])
        self.assertIn("weight", [option["name"] for option in part["child_options"]])
        document = json.loads(self.run_ok("plugins", "show", "failover", "--json").stdout)
        options = {option["name"]: option for option in document["parts"][0]["options"]}
        self.assertTrue(options["try"]["required"])
        self.assertIsNone(options["retries"]["default"])
        self.assertEqual((options["delay"]["type"], options["delay"]["default"]),
                         ("duration", "200ms"))

    def test_plugins_show_unknown(self):
        done = run("plugins", "show", "failovr")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("failover", done.stderr)

    def test_routes(self):
        config = self.write({"providers": {"a": {"plugin": "sim"}, "b": {"plugin": "sim"}},
                             "routes": {"main": {"failover": {"try": ["a/x", "spread"]}},
                                        "spread": {"round-robin": {"across": ["a/x", "b/y"]}}}})
        text = self.run_ok("routes", "-c", config).stdout
        for word in ("main", "spread", "failover", "round-robin", "a/x", "b/y"):
            self.assertIn(word, text)
        document = json.loads(self.run_ok("routes", "-c", config, "--json").stdout)
        self.assertIn("round-robin", json.dumps(document))


class ServeTest(CliCase):
    def test_says_how_to_use_it(self):
        up = self.upstream()
        gateway = self.gateway({"providers": {"fake": provider(up)}})
        gateway.wait_line("OPENAI_BASE_URL")
        text = gateway.output()
        self.assertIn("fake", text)
        self.assertIn("OPENAI_BASE_URL=%s/v1" % gateway.url, text.replace('"', ""))
        self.assertIn("curl", text)

    def test_the_curl_line_works(self):
        gateway = self.gateway({"providers": {"sim": {"plugin": "sim"}}})
        if not shutil.which("curl"):
            self.skipTest("there is no curl")
        gateway.wait_line("OPENAI_BASE_URL")
        text = gateway.output()
        start = re.search(r"curl ", text).start()
        lines = []
        for line in text[start:].splitlines():
            lines.append(line)
            if not line.rstrip().endswith("\\"):
                break
        done = subprocess.run(["sh", "-c", "\n".join(lines)], stdout=subprocess.PIPE, timeout=30)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"choices", done.stdout)

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            config = self.write({"listen": "127.0.0.1:%d" % port,
                                 "providers": {"sim": {"plugin": "sim"}}})
            done = run("serve", "-c", config)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(port), done.stderr)
        self.assertIn("in use", done.stderr)
        self.assertIn("listen", done.stderr, "it says what to do")

    def test_no_number_of_workers(self):
        for count in ("0", "-2", "65"):
            done = run("serve", "--workers=" + count, "--listen=127.0.0.1:0", cwd=self.folder)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn("1 to 64", done.stderr)

    def test_arguments_too_many(self):
        for command in (["serve", "weir.yaml"], ["check", "a.yaml", "b.yaml"],
                        ["check", "-c", "a.yaml", "b.yaml"], ["routes", "main"],
                        ["init", "a.yaml", "b.yaml"]):
            with self.subTest(command):
                done = run(*command, cwd=self.folder)
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertIn("'%s'" % command[-1], done.stderr)

    def test_no_address(self):
        for address in ("127.0.0.1:99999", "127.0.0.1:1x", "nowhere", "unix:relative", "-1", ""):
            with self.subTest(address):
                done = run("serve", "--listen=" + address, cwd=self.folder)
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertIn("'%s'" % address, done.stderr)
                self.assertIn("127.0.0.1:8080", done.stderr, "it says what to do")

    def test_without_configuration(self):
        done = subprocess.Popen(
            [weir_bin(), "serve", "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.folder,
            env=environment(HOME=str(self.folder), XDG_CONFIG_HOME=str(self.folder / "none")))
        self.addCleanup(done.stdout.close)
        said = b""
        for line in done.stdout:
            said += line
            if b"listening on" in said and b"simulat" in said.lower():
                break
        self.assertIn(b"simulat", said.lower(), said)
        done.terminate()
        self.assertEqual(done.wait(15), 0)

    def test_bad_key_says_what_to_do(self):
        path = self.write({"providers": {"fake": {"plugin": "openai",
                                                  "api_key": "${NO_SUCH_KEY}"}}})
        done = run("serve", "-c", path)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("NO_SUCH_KEY", done.stderr)

    def test_terminates_at_once_when_idle(self):
        gateway = self.gateway({"providers": {"sim": {"plugin": "sim"}}})
        pids = gateway.pids()
        gateway.stop()
        self.assertTrue(gateway.exited_cleanly)
        for pid in pids:
            self.assertFalse(os.path.exists("/proc/%d" % pid))

    def test_drains(self):
        """A stream that runs when SIGTERM comes is finished; new connections are not taken."""
        up = self.upstream()
        gate = upstream.Gate()
        up.reply(upstream.stream(["be", "gun"], gates={1: gate}))
        gateway = self.gateway({"providers": {"fake": provider(up)}})
        with client.Stream(gateway.port) as it:
            it.until_content()
            gateway.process.terminate()
            gateway.wait_line(r"(?i)(stop|drain|shut|end)")
            gate.open()
            rest = it.all()
            self.assertEqual(client.text_of(rest), "gun")
            self.assertTrue(rest[-1].done)
        self.assertEqual(gateway.process.wait(15), 0)

    def test_access_log_to_stderr(self):
        up = self.upstream()
        gateway = self.gateway({"providers": {"fake": provider(up)}, "log": {"access": "stderr"}})
        client.chat(gateway.port)
        line = gateway.wait_line(r'^\{.*"attempts"')
        self.assertEqual(json.loads(line)["status"], 200)


if __name__ == "__main__":
    unittest.main()
