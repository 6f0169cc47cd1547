"""Plugins that are bad, that crash, and that come while the gateway runs."""

import json
import os
import pathlib
import shutil
import tempfile
import threading
import unittest

from harness import client, names, plugins, upstream
from harness.case import Case, provider
from harness.gateway import eventually, run, weir_bin


class PluginCase(Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-plugins-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.env = {"WEIR_PLUGIN_PATH": plugins.search_path(self.folder)}

    def build(self, name, *definitions):
        return plugins.build(self.folder / (name + ".so"),
                             "PATIENT_NAME=" + plugins.text(name.replace("_", "-")), *definitions)

    def listed(self):
        """`weir plugins list --json` by file name."""
        done = run("plugins", "list", "--json", env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        files = document if isinstance(document, list) else \
            document.get("plugins") or document.get("files")
        return {os.path.basename(f.get("path") or f.get("file")): f for f in files}


class BadPluginTest(PluginCase):
    def refused(self, files, state, *says):
        listed = self.listed()
        for name in files:
            entry = listed[name]
            self.assertEqual(entry["state"], state, entry)
            for word in says:
                self.assertIn(word, entry["reason"])
        return listed

    def test_not_a_plugin(self):
        (self.folder / "text.so").write_text("not a plugin")
        (self.folder / "empty.so").write_text("")
        (self.folder / "cut.so").write_bytes(open(weir_bin(), "rb").read(3000))
        self.refused(["text.so", "empty.so", "cut.so"], "refused")

    def test_another_abi(self):
        self.build("future", "PATIENT_ABI=2")
        self.refused(["future.so"], "refused", "ABI 2", "speaks 1")

    def test_writable_by_everybody(self):
        os.chmod(self.build("open"), 0o777)
        self.refused(["open.so"], "untrusted", "writable")

    def test_crash_in_init(self):
        self.build("crasher", "PATIENT_INIT=1")
        self.refused(["crasher.so"], "crashed", "ABRT")

    def test_refusal_in_init(self):
        self.build("refuser", "PATIENT_INIT=3")
        self.refused(["refuser.so"], "refused", "no, thank you")

    def test_exit_in_init(self):
        self.build("quitter", "PATIENT_INIT=4")
        listed = self.listed()
        self.assertIn(listed["quitter.so"]["state"], ("crashed", "refused"))
        self.assertTrue(listed["quitter.so"]["reason"])

    def test_hang_in_init(self):
        self.build("sleeper", "PATIENT_INIT=2")
        self.refused(["sleeper.so"], "hung")

    def test_good_one_among_them(self):
        (self.folder / "text.so").write_text("not a plugin")
        self.build("good")
        listed = self.refused(["text.so"], "refused")
        self.assertEqual(listed["good.so"]["state"], "loaded")

    def test_serving_goes_on(self):
        (self.folder / "text.so").write_text("not a plugin")
        self.build("future", "PATIENT_ABI=2")
        self.build("crasher", "PATIENT_INIT=1")
        up = self.upstream()
        gateway = self.gateway({"providers": {"fake": provider(up)}}, self.env)
        self.assertEqual(client.chat(gateway.port).status, 200)
        output = gateway.output()
        for name in ("text.so", "future.so", "crasher.so"):
            self.assertIn(name, output, "each is reported, with its name")

    def test_missing_plugin_is_a_config_error(self):
        config = self.folder / "weir.yaml"
        config.write_text("providers:\n  x: { plugin: no-such-api, base_url: 'http://x/v1' }\n")
        done = run("check", "-c", config, env=self.env)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no-such-api", done.stdout + done.stderr)
        self.assertIn(":2:", done.stdout + done.stderr)

    def test_show_runs_nothing(self):
        canary = self.folder / "canary"
        path = self.build("bird", "PATIENT_CANARY=" + plugins.text(canary))
        for args in (["plugins", "show", path], ["plugins", "show", "--json", path]):
            done = run(*args, env=self.env)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("test.patient.bird", done.stdout)
            self.assertFalse(canary.exists(), "code of the plugin ran")
        self.listed()
        self.assertTrue(canary.exists(), "the canary can sing, so its silence meant something")


class CrashTest(PluginCase):
    """A plugin that takes the worker down: only that process's requests are lost."""

    def start(self):
        self.build("patient")
        self.up = self.upstream()
        return self.gateway({"providers": {"patient": {"plugin": "patient", "models": ["*crash*"]},
                                           "fake": provider(self.up)}}, self.env)

    def crash(self, gateway, model="patient/crash"):
        """A request that kills the worker: the connection must not end in a good answer."""
        try:
            answer = client.chat(gateway.port, model)
        except (client.Incomplete, ConnectionResetError):
            return
        self.assertGreaterEqual(answer.status, 500)

    def again(self, gateway):
        """A request that may come while the next worker starts: it waits, it is not refused."""
        return client.chat(gateway.port, "fake/m")

    def test_well_when_well(self):
        gateway = self.start()
        answer = client.chat(gateway.port, "patient/any")
        self.assertEqual((answer.status, answer.content()), (200, "I am well"))
        head, events, _ = client.stream(gateway.port, "patient/any")
        self.assertEqual(client.text_of(events), "I am well")
        self.assertTrue(events[-1].done)
        self.assertEqual(answer.json()["usage"]["completion_tokens"], 3)

    def test_serving_goes_on_and_the_log_names_it(self):
        for model in ("patient/crash", "patient/crash-late"):
            with self.subTest(model):
                gateway = self.start()
                supervisor, before = gateway.pid, gateway.worker_pids()
                self.crash(gateway, model)
                self.assertEqual(self.again(gateway).status, 200)
                line = gateway.wait_line(r"worker.*(SIGABRT|ABRT)")
                self.assertIn("patient", line, "it names the plugin")
                self.assertEqual(gateway.pid, supervisor)
                self.assertIsNone(gateway.process.poll())
                self.assertNotEqual(gateway.worker_pids(), before)

    def test_lines_of_what_was_answered_are_not_lost(self):
        """Lines that come close together are written together: a crash must not come first."""
        gateway = self.start()
        for _ in range(5):
            self.assertEqual(self.again(gateway).status, 200)
        self.crash(gateway)
        answered = [entry for entry in gateway.wait_access(5) if entry["status"] == 200]
        self.assertEqual(len(answered), 5)
        self.assertEqual(len({entry["id"] for entry in answered}), 5)

    def test_a_running_stream_is_cut_not_completed(self):
        gateway = self.start()
        gate = upstream.Gate()
        self.up.reply(upstream.stream(["begun", "never"], gates={1: gate}, cls="cancelled"))
        with client.Stream(gateway.port, "fake/m") as it:
            it.until_content()
            self.crash(gateway)
            rest = it.all()
            self.assertTrue(it.cut)
            self.assertFalse([e for e in rest if e.done])
        gate.open()

    def test_port_never_refuses(self):
        gateway = self.start()
        refused, served, stop = [], [], threading.Event()

        def knock():
            while not stop.is_set():
                try:
                    with client.Conn(gateway.port) as conn:
                        conn.request("GET", "/healthz")
                        served.append(conn.response().status)
                except ConnectionRefusedError as e:
                    refused.append(e)
                except (client.Incomplete, OSError):
                    pass                   # was in flight in the process that died

        threads = [threading.Thread(target=knock) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            eventually("it serves", lambda: served)
            for _ in range(2):
                self.crash(gateway)
                self.assertEqual(self.again(gateway).status, 200)
            before = len(served)
            eventually("it serves again", lambda: len(served) > before)
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)
        self.assertEqual(refused, [])
        self.assertEqual(set(served), {200})

    def test_third_crash_quarantines(self):
        gateway = self.start()
        for _ in range(3):
            self.crash(gateway)
            self.assertEqual(self.again(gateway).status, 200)
        self.assertIn("patient", gateway.wait_line(names.QUARANTINED))
        worker = gateway.worker_pids()
        answer = client.chat(gateway.port, "patient/crash")
        self.assertGreaterEqual(answer.status, 400)
        self.assertTrue(answer.error["message"])
        self.assertEqual(self.again(gateway).status, 200)
        self.assertEqual(gateway.worker_pids(), worker, "the plugin is not asked any more")

    def test_killed_worker_is_replaced(self):
        """A crash that no plugin is to blame for accuses none."""
        gateway = self.start()
        since = len(gateway.lines)
        gateway.crash_worker()
        self.assertEqual(self.again(gateway).status, 200)
        line = gateway.wait_line(r"worker \d+ (died|exited)", since=since)
        self.assertNotIn("patient", line)


class ArrivalTest(PluginCase):
    """A new provider is used by name in the process that runs."""

    def test_new_plugin_after_reload(self):
        up = self.upstream()
        config = {"providers": {"fake": provider(up)}}
        gateway = self.gateway(config, self.env)
        supervisor, worker = gateway.pid, gateway.worker_pids()
        self.assertIn(client.chat(gateway.port, "new/x").status, (400, 404))
        self.build("newcomer", "PATIENT_SAYS=" + plugins.text("I am new here"))
        config["providers"]["new"] = {"plugin": "newcomer"}
        gateway.write_config(config)
        gateway.reload()
        answer = eventually("the new provider answers",
                            lambda: (lambda a: a if a.status == 200 else None)(
                                client.chat(gateway.port, "new/x")))
        self.assertEqual(answer.content(), "I am new here")
        self.assertEqual((gateway.pid, gateway.worker_pids()), (supervisor, worker))

    # field: 3.10.2
    def test_replaced_plugin_runs_its_new_code(self):
        self.build("newcomer", "PATIENT_SAYS=" + plugins.text("version one"))
        gateway = self.gateway({"providers": {"new": {"plugin": "newcomer"}}}, self.env)
        worker = gateway.worker_pids()
        self.assertEqual(client.chat(gateway.port, "new/x").content(), "version one")
        self.build("newcomer", "PATIENT_SAYS=" + plugins.text("version two"))
        gateway.reload()
        eventually("the new code answers", lambda:
                   client.chat(gateway.port, "new/x").content() == "version two")
        self.assertEqual(gateway.worker_pids(), worker)

    def test_bad_newcomer_harms_nobody(self):
        up = self.upstream()
        gateway = self.gateway({"providers": {"fake": provider(up)}}, self.env)
        worker = gateway.worker_pids()
        self.build("crasher", "PATIENT_INIT=1")
        since = gateway.reload()
        gateway.wait_line(r"crasher\.so", since=since)
        self.assertEqual(client.chat(gateway.port).status, 200)
        self.assertEqual(gateway.worker_pids(), worker)

    def test_dropped_plugin_is_noticed(self):
        """No signal: a change of the plugin directory is enough."""
        up = self.upstream()
        config = {"providers": {"fake": provider(up)}}
        gateway = self.gateway(config, self.env)
        since = len(gateway.lines)
        self.build("newcomer")
        config["providers"]["new"] = {"plugin": "newcomer"}
        gateway.write_config(config)
        eventually("the new provider answers",
                   lambda: client.chat(gateway.port, "new/x").status == 200)
        self.assertGreaterEqual(len(gateway.lines), since)


class FoolTest(PluginCase):
    """A strategy that makes no sense costs its own requests, soon and with a word of who it was."""

    FOOL = plugins.SOURCE.with_name("fool.c")

    def start(self, folly):
        plugins.build(self.folder / "fool.so", "FOOL=FOOL_" + folly, source=self.FOOL)
        self.ups = [self.upstream("p%d" % i) for i in range(2)]
        self.ups[0].reply(*[upstream.error(500)] * 40)
        routes = {"odd": {"fool": {"across": ["p0/m", "p1/m"]}, "budget": {"deadline": "20s"}},
                  "kept": {"failover": {"try": ["odd", "p1/good"]}}}
        return self.gateway({"providers": {u.name: provider(u, max_retries=0) for u in self.ups},
                             "routes": routes, "breaker": {"failures": 0, "rate_percent": 0}},
                            self.env)

    def contained(self, folly, status, says, asked=0):
        gateway = self.start(folly)
        reply = client.chat(gateway.port, "odd", timeout=10)
        self.assertEqual(reply.status, status, reply.body)
        for word in says:
            self.assertIn(word, reply.json()["error"]["message"])
        self.assertEqual(len(self.ups[0].requests), asked)
        self.assertEqual(len(self.ups[1].requests), 0)
        self.ups[1].reply(upstream.chat("fine"))
        self.assertEqual(client.chat(gateway.port, "p1/m").status, 200)
        return gateway

    def told(self, gateway, says):
        """Where another node saves the request, the log and the metrics have it nevertheless."""
        for _ in range(3):
            self.ups[1].reply(upstream.chat("saved"))
            self.assertEqual(client.chat(gateway.port, "kept").content(), "saved")
        self.assertIn(says, gateway.wait_line("warning route: strategy fool at odd"))
        self.assertEqual(gateway.output().count("strategy fool at odd"), 1, "not a line for each")
        self.assertEqual(gateway.metrics().sum("weir_strategy_faults_total", strategy="fool",
                                               node="odd"), 4)

    def test_child_that_is_not_there(self):
        says = "picked a child that does not exist"
        self.told(self.contained("RANGE", 500, ["strategy fool at odd", says]), says)

    def test_what_is_no_decision(self):
        says = "gave no decision"
        self.told(self.contained("VERB", 500, ["strategy fool at odd", says]), says)

    def test_same_failed_child_for_ever(self):
        self.contained("SAME", 502, ["scripted failure"], asked=16)  # the budget's attempts

    def test_time_that_never_comes(self):
        self.contained("LATE", 504, ["strategy fool", "odd", "waits for longer"])

    def test_waiting_beyond_the_deadline(self):
        self.contained("SLEEP", 504, ["strategy fool", "odd", "waits for longer"])

    def test_never_at_rest(self):
        says = "was asked too often without an end"
        self.told(self.contained("RESTLESS", 500, ["strategy fool at odd", says]), says)

    def test_writing_beyond_its_state(self):
        says = "wrote beyond its state"
        self.told(self.contained("BEYOND", 500, ["strategy fool at odd", says]), says)

    def test_crash(self):
        """It costs the requests of its process, is named, and after the third time not asked."""
        gateway = self.start("CRASH")
        for _ in range(3):
            with self.assertRaises((client.Incomplete, ConnectionResetError)):
                client.chat(gateway.port, "odd")
            self.ups[1].reply(upstream.chat("well"))
            self.assertEqual(client.chat(gateway.port, "p1/m").content(), "well")
        self.assertIn("fool", gateway.wait_line(r"worker.*(SIGABRT|ABRT)"))
        self.assertIn("fool", gateway.wait_line(names.QUARANTINED))
        worker = gateway.worker_pids()
        self.assert_error(client.chat(gateway.port, "odd"), 500,
                          says=["a strategy of this route is in quarantine", "replace the plugin"])
        self.assertEqual(gateway.worker_pids(), worker)


class StrategyTest(PluginCase):
    """A strategy is replaced in the process that runs: its code, and its state if that fits."""

    STEPPER = plugins.SOURCE.with_name("stepper.c")

    def stepper(self, *definitions):
        plugins.build(self.folder / "stepper.so", *definitions, source=self.STEPPER)

    def start(self):
        self.ups = [self.upstream("p%d" % i) for i in range(3)]
        self.config = {"providers": {u.name: provider(u) for u in self.ups},
                       "routes": {"main": {"stepper": {"across": ["p0/m", "p1/m", "p2/m"]}}}}
        return self.gateway(self.config, self.env)

    def by(self, gateway):
        return client.chat(gateway.port, "main").headers[names.H_PROVIDER]

    def replace(self, gateway, *definitions):
        """A new file in the plugin directory; no signal."""
        since = len(gateway.lines)
        self.stepper(*definitions)
        return since

    def test_replaced_strategy_goes_on_from_the_old_ones_state(self):
        self.stepper("STEPPER_STEP=1")
        gateway = self.start()
        worker = gateway.worker_pids()
        self.assertEqual([self.by(gateway) for _ in range(4)], ["p0", "p1", "p2", "p0"])
        gateway.wait_line(names.RELOADED, since=self.replace(gateway, "STEPPER_STEP=2"))
        self.assertEqual([self.by(gateway) for _ in range(4)], ["p1", "p0", "p2", "p1"])
        self.assertEqual(gateway.worker_pids(), worker)

    def test_state_of_another_version_is_dropped(self):
        self.stepper("STEPPER_STEP=1")
        gateway = self.start()
        self.assertEqual([self.by(gateway) for _ in range(2)], ["p0", "p1"])
        since = self.replace(gateway, "STEPPER_STEP=1", "STEPPER_VERSION=2")
        gateway.wait_line(names.RELOADED, since=since)
        self.assertEqual([self.by(gateway) for _ in range(2)], ["p0", "p1"])

    def test_refused_replacement_changes_nothing(self):
        self.stepper("STEPPER_STEP=1")
        gateway = self.start()
        self.assertEqual([self.by(gateway) for _ in range(2)], ["p0", "p1"])
        since = self.replace(gateway, "STEPPER_STEP=2", "STEPPER_REFUSES=1", "STEPPER_VERSION=3")
        gateway.wait_line("not reloaded", since=since)
        self.assertEqual([self.by(gateway) for _ in range(2)], ["p2", "p0"])
        gateway.wait_line(names.RELOADED, since=self.replace(gateway, "STEPPER_STEP=1", "X=1"))
        self.assertEqual(self.by(gateway), "p1", "its state was not taken away either")

    def test_running_request_ends_on_the_old_code(self):
        self.stepper("STEPPER_STEP=1")
        gateway = self.start()
        gate = upstream.Gate()
        self.ups[0].reply(upstream.stream(["be", "gun"], gates={1: gate}))
        with client.Stream(gateway.port, "main") as it:
            it.until_content()
            gateway.wait_line(names.RELOADED, since=self.replace(gateway, "STEPPER_STEP=2"))
            gate.open()
            rest = it.all()
        self.assertEqual(client.text_of(rest), "gun")
        self.assertTrue(rest[-1].done)
        self.assertEqual([self.by(gateway) for _ in range(2)], ["p1", "p0"])

    def test_simulate_asks_another_build(self):
        """The same records, once by the strategy that made them and once by its successor."""
        self.stepper("STEPPER_STEP=1")
        log = self.folder / "decisions.jsonl"
        self.ups = [self.upstream("p%d" % i) for i in range(3)]
        config = {"providers": {u.name: provider(u) for u in self.ups},
                  "log": {"decisions": str(log)},
                  "routes": {"main": {"stepper": {"across": ["p0/m", "p1/m", "p2/m"]}}}}
        gateway = self.gateway(config, self.env)
        for _ in range(6):
            self.by(gateway)
        eventually("the records", lambda: log.read_text().count("\n") == 6)
        path = self.folder / "weir.yaml"
        path.write_text(json.dumps(config))
        told = []
        for definitions in ("STEPPER_STEP=2",), ("STEPPER_STEP=2", "STEPPER_VERSION=9"):
            self.stepper(*definitions)
            done = run("simulate", "--log", log, "-c", path, "--json",
                       env=dict(self.env, TEST_KEY="x"))
            self.assertEqual(done.returncode, 0, done.stderr)
            told.append(json.loads(done.stdout))
        self.assertEqual([t["decisions"] for t in told], [6, 6])
        self.assertEqual(told[0]["changed"], 0, "a step changes the state, not what is picked now")
        self.assertEqual(told[1]["changed"], 4, "with a state of its own: 0 2 1 for 0 1 2")


if __name__ == "__main__":
    unittest.main()
