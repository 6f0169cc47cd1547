"""weir-supervisor, with a worker that crashes, exits and drains on command.

The worker (tests/supervisor/fake_worker.c) takes its commands over the very socket whose survival
is being tested: a connection made while no worker runs waits in the backlog for the next one.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", ROOT / "build"))
SUPERVISOR = BUILD / "core" / "weir-supervisor"
WORKER = BUILD / "tests" / "supervisor" / "fake-worker"
LIMIT = 30

SHA_A = "a" * 64
SHA_B = "b" * 64


def pending(pid, number):
    """Whether a signal has been sent to a process and not been taken yet."""
    with open("/proc/%d/status" % pid) as f:
        masks = [int(line.split()[1], 16) for line in f if line.startswith(("ShdPnd:", "SigPnd:"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


class Connection:
    """To the worker, whichever runs when it gets round to accepting."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self.file = self.socket.makefile("rw", encoding="ascii", newline="\n")

    def send(self, command):
        self.file.write(command + "\n")
        self.file.flush()

    def answer(self):
        """The next line, or "" if the worker is gone."""
        try:
            return self.file.readline().strip()
        except ConnectionError:
            return ""

    def ask(self, command):
        self.send(command)
        return self.answer()

    def info(self):
        return dict(field.split("=", 1) for field in self.ask("info").split(" "))

    def close(self):
        self.file.close()
        self.socket.close()


class Supervisor:
    def __init__(self, *args, program=WORKER, drain=10, before=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        fd = self.listener.fileno()
        os.set_inheritable(fd, True)
        # The worker's crashes are meant: a sanitizer has nothing to say about them.
        env = dict(os.environ, ASAN_OPTIONS="handle_segv=0:handle_abort=0:handle_sigbus=0")
        self.process = subprocess.Popen(
            [str(SUPERVISOR), "--program", str(program), "--listen-fds", str(fd),
             "--drain-seconds", str(drain), "--", *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=[fd], text=True, env=env, preexec_fn=before)
        self.listener.close()
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.connections = []

    def _read(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def line(self, pattern):
        """The match of the first log line, to come or past, that `pattern` finds."""
        def found():
            return next(filter(None, (re.search(pattern, line) for line in self.lines)), None)
        with self.changed:
            match = self.changed.wait_for(found, LIMIT)
        if not match:
            raise AssertionError("no line matched %r in %r" % (pattern, self.lines))
        return match

    def connect(self):
        connection = Connection(self.port)
        self.connections.append(connection)
        return connection

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        status = self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        return status

    def close(self):
        for connection in self.connections:
            connection.close()
        if self.process.poll() is None:
            self.process.kill()  # the worker goes with it
            self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        self.process.stderr.close()


class SupervisorTest(unittest.TestCase):
    def start(self, *args, **kwargs):
        supervisor = Supervisor(*args, **kwargs)
        self.addCleanup(supervisor.close)
        return supervisor

    def until(self, what, probe):
        end = time.monotonic() + LIMIT
        idle = threading.Event()
        while not probe():
            self.assertLess(time.monotonic(), end, what)
            idle.wait(0.01)

    def crash(self, supervisor, command, plugins=(("acme", SHA_A),)):
        """One worker's life: it loads plugins, then obeys `command` and dies of it."""
        c = supervisor.connect()
        before = c.info()
        for name, sha256 in plugins:
            self.assertGreater(int(c.ask("plugin %s %s" % (name, sha256))), 0)
        self.assertIn(c.ask(command), ("", "ok"))
        c.close()
        supervisor.line(r"worker %s (died|exited)" % before["pid"])
        return before

    # What the worker is told.

    def test_worker_gets_arguments_and_environment(self):
        info = self.start("-c", "weir.yaml").connect().info()
        self.assertEqual(info["args"], "worker,-c,weir.yaml")
        self.assertEqual(info["restarts"], "0")
        self.assertEqual(info["quarantined"], "")

    def test_signals_are_forwarded(self):
        s = self.start()
        c = s.connect()
        self.assertEqual(c.info()["hups"], "0")
        for number, field in ((signal.SIGHUP, "hups"), (signal.SIGUSR1, "usr1s"),
                              (signal.SIGUSR2, "usr2s")):
            s.signal(number)
            self.until(field, lambda: c.info()[field] == "1")

    # Crashes.

    def test_restart_after_crash_names_the_plugin(self):
        s = self.start()
        first = self.crash(s, "segv 1")
        line = s.line("died of").string
        self.assertIn("died of SIGSEGV in plugin acme (/plugins/acme.so);", line)
        second = s.connect().info()
        self.assertNotEqual(first["pid"], second["pid"])
        self.assertEqual(second["restarts"], "1")
        self.assertEqual(second["quarantined"], "")

    def test_abort_outside_any_plugin(self):
        s = self.start()
        self.crash(s, "abort 0")
        self.assertIn("died of SIGABRT outside any plugin;", s.line("died of").string)

    def test_bystander_is_not_blamed(self):
        s = self.start()
        c = s.connect()
        c.ask("plugin acme " + SHA_A)
        c.ask("plugin other " + SHA_B)
        self.assertEqual(c.ask("bystander 2"), "ok")
        c.ask("segv 1")
        line = s.line("died of").string
        self.assertIn("plugin acme", line)
        self.assertNotIn("other", line)

    def test_stack_overflow_in_a_thread_is_told(self):
        s = self.start()
        c = s.connect()
        c.ask("plugin acme " + SHA_A)
        c.ask("plugin other " + SHA_B)
        c.ask("bystander 2")
        c.ask("overflow 1")
        line = s.line("died of").string
        self.assertIn("died of SIGSEGV in plugin acme (", line)
        self.assertNotIn("other", line)

    def test_exit_in_a_plugin_is_a_crash(self):
        s = self.start()
        self.crash(s, "exit 0 1")
        self.assertIn("exited with status 0 in plugin acme", s.line("exited").string)
        self.assertEqual(s.connect().info()["restarts"], "1")

    def test_back_off_doubles(self):
        s = self.start()
        for _ in range(4):
            self.crash(s, "abort 0")
        waits = [int(m.group(1)) for m in
                 (re.search(r"starts in (\d+) ms", line) for line in s.lines) if m]
        self.assertEqual(waits, [100, 200, 400, 800])

    def test_port_never_refuses(self):
        s = self.start()
        refused, served, stop = [], [], threading.Event()

        def knock():
            while not stop.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as c:
                        served.append(c)
                except OSError as error:
                    refused.append(error)
                stop.wait(0.002)

        thread = threading.Thread(target=knock)
        thread.start()
        try:
            for _ in range(3):
                self.crash(s, "abort 0")
            self.assertEqual(s.connect().info()["restarts"], "3")
        finally:
            stop.set()
            thread.join(LIMIT)
        self.assertEqual(refused, [])
        self.assertGreater(len(served), 10)

    def test_connection_waits_for_the_next_worker(self):
        s = self.start()
        self.crash(s, "segv 1")
        self.assertEqual(s.connect().info()["restarts"], "1")

    # Quarantine.

    def test_third_crash_is_quarantine(self):
        s = self.start()
        for expected in ("", "", ""):
            self.assertEqual(self.crash(s, "segv 1")["quarantined"], expected)
        self.assertRegex(s.line("quarantined").string,
                         r"plugin acme \(/plugins/acme\.so\) is quarantined: .* weir is restarted")
        self.assertEqual(s.connect().info()["quarantined"], SHA_A)

    def test_quarantine_is_by_contents(self):
        s = self.start()
        self.crash(s, "segv 1")
        self.crash(s, "segv 1")
        self.crash(s, "segv 1", plugins=(("acme", SHA_B),))
        self.assertEqual(s.connect().info()["quarantined"], "")

    def test_two_in_quarantine(self):
        s = self.start()
        for sha256 in (SHA_A, SHA_B):
            for _ in range(3):
                self.crash(s, "segv 1", plugins=(("acme", sha256),))
        self.assertEqual(s.connect().info()["quarantined"], SHA_A + ":" + SHA_B)

    def test_kill_is_nobodys_fault(self):
        s = self.start()
        for _ in range(3):
            self.crash(s, "kill 1")
        self.assertEqual(s.connect().info()["quarantined"], "")

    # Ends.

    def test_term_is_clean(self):
        s = self.start()
        s.connect().info()
        s.connections[0].close()
        s.signal(signal.SIGTERM)
        self.assertEqual(s.wait(), 0)

    def test_term_before_the_worker_listens(self):
        # `weir serve` blocks the signal before it says that it listens; so none is lost on the way.
        def asked_already():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            os.kill(os.getpid(), signal.SIGTERM)

        s = self.start(before=asked_already)
        self.assertEqual(s.wait(), 0)

    def test_drain_waits_for_what_runs(self):
        s = self.start()
        c = s.connect()
        self.assertEqual(c.ask("term-status 3"), "ok")
        s.signal(signal.SIGTERM)
        for _ in range(20):
            self.assertTrue(c.info()["pid"])
        self.assertIsNone(s.process.poll())
        c.close()
        self.assertEqual(s.wait(), 3)

    def test_stubborn_worker_is_killed(self):
        s = self.start(drain=0)
        c = s.connect()
        self.assertEqual(c.ask("stubborn"), "ok")
        s.signal(signal.SIGTERM)
        self.assertEqual(s.wait(), 128 + signal.SIGKILL)
        s.line("did not end 5 s after")
        self.assertEqual(c.answer(), "")

    def test_second_interrupt_kills_at_once(self):
        s = self.start(drain=3600)
        c = s.connect()
        self.assertEqual(c.ask("stubborn"), "ok")
        s.signal(signal.SIGINT)
        s.signal(signal.SIGTERM)
        self.assertTrue(c.info()["pid"])
        self.assertIsNone(s.process.poll())
        # Signals do not queue: a second one sent while the first is pending would be the same one.
        end = time.monotonic() + LIMIT
        while pending(s.process.pid, signal.SIGINT) and time.monotonic() < end:
            os.sched_yield()
        s.signal(signal.SIGINT)
        self.assertEqual(s.wait(), 128 + signal.SIGKILL)

    def test_worker_that_is_done(self):
        s = self.start("exit=0")
        self.assertEqual(s.wait(), 0)
        self.assertEqual(s.lines, [])

    def test_error_in_the_configuration_is_passed_on(self):
        s = self.start("exit=78")
        self.assertEqual(s.wait(), 78)

    def test_term_while_there_is_no_worker(self):
        s = self.start("exit=1")
        s.line("starts in 400 ms")
        s.signal(signal.SIGTERM)
        self.assertEqual(s.wait(), 0)

    def test_missing_program(self):
        s = self.start(program="/nonexistent/weir")
        self.assertEqual(s.wait(), 71)
        s.line("cannot start the worker /nonexistent/weir: No such file")

    def test_worker_dies_with_the_supervisor(self):
        s = self.start()
        c = s.connect()
        c.info()
        s.process.kill()
        s.process.wait(LIMIT)
        self.assertEqual(c.answer(), "")

    # The rest.

    def test_usage_errors(self):
        for args, words in ((["--", "x"], "--program is missing"),
                            (["--program", "x", "--listen-fds", "3,"], "divided by commas"),
                            (["--program", "x", "--listen-fds", "999"], "999 is not open"),
                            (["--program", "x", "--drain-seconds", "soon"], "must be a number")):
            done = subprocess.run([str(SUPERVISOR), *args], timeout=LIMIT, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 64, args)
            self.assertIn(words, done.stderr)

    def test_small(self):
        s = self.start()
        s.connect().info()
        maps = pathlib.Path("/proc/%d/maps" % s.process.pid).read_text()
        self.assertNotIn("libglib", maps)
        if "libasan" in maps or "/libclang_rt" in maps or "asan" in os.environ.get("WEIR_BUILD", ""):
            self.skipTest("a sanitizer's shadow is in the way")
        rollup = pathlib.Path("/proc/%d/smaps_rollup" % s.process.pid).read_text()
        self.assertLess(int(re.search(r"^Pss:\s+(\d+)", rollup, re.M).group(1)), 1024)


if __name__ == "__main__":
    unittest.main()
