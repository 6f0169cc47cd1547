"""The gateway as a process: started with a configuration, watched, read out, ended by its pid."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections import Counter

from . import names

ROOT = pathlib.Path(__file__).resolve().parents[3]

# Exit statuses of the program, as in sysexits.h.
EX_USAGE, EX_UNAVAILABLE, EX_CONFIG = 64, 69, 78

START_S = 30
STOP_S = 15


def weir_bin():
    """The program under test: WEIR_BIN, else what was built in build/."""
    path = os.environ.get("WEIR_BIN") or str(ROOT / "build" / "core" / "weir")
    if not os.access(path, os.X_OK):
        raise FileNotFoundError("no weir program at %s: set WEIR_BIN or build in build/" % path)
    return os.path.abspath(path)


def environment(**extra):
    """The environment of a child: what the build needs, nothing of the user's keys."""
    env = {key: value for key, value in os.environ.items()
           if key in ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "ASAN_OPTIONS",
                      "UBSAN_OPTIONS", "LSAN_OPTIONS", "MALLOC_PERTURB_") or
           key.startswith("WEIR_")}
    core = pathlib.Path(weir_bin()).parent
    if (core / "weir-supervisor").exists():
        env.setdefault("WEIR_LIBEXEC", str(core))
    if (core.parent / "plugins").is_dir():
        env.setdefault("WEIR_PLUGIN_PATH", str(core.parent / "plugins"))
    catalogue = ROOT / "core" / "catalogue" / "models.json"
    env.setdefault("WEIR_CATALOGUE", str(catalogue))
    env.update({key: value for key, value in extra.items() if value is not None})
    for key in [key for key, value in extra.items() if value is None]:
        env.pop(key, None)
    return env


def run(*args, env=None, input=None, cwd=None, timeout=60):
    """Runs the program to its end: a CompletedProcess with text output."""
    return subprocess.run([weir_bin(), *map(str, args)], env=environment(**(env or {})),
                          input=input, cwd=cwd, timeout=timeout, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace",
                          stdin=subprocess.DEVNULL if input is None else None)


def children(pid):
    """Pids of all descendants."""
    out = []
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task)) as f:
                for child in map(int, f.read().split()):
                    out += [child] + children(child)
    except OSError:
        pass
    return out


def cmdline(pid):
    """The arguments of a process, each ended by a NUL; empty if it is gone."""
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read()
    except OSError:
        return b""


def pss_kb(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))


def eventually(what, probe, timeout=10, every=0.02):
    """Asks `probe` until it answers something true; returns that. Bounded."""
    end = time.monotonic() + timeout
    idle = threading.Event()
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %gs: %s" % (timeout, what))
        idle.wait(every)


class Metrics:
    """A parsed /metrics page."""

    LINE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$')
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')

    def __init__(self, text):
        self.samples = []
        self.text = text
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = self.LINE.match(line)
            if not match:
                raise AssertionError("not a sample line: %r" % line)
            labels = {k: v.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
                      for k, v in self.LABEL.findall(match.group(2) or "")}
            self.samples.append((match.group(1), labels, float(match.group(3))))

    def sum(self, name, **labels):
        return sum(value for n, have, value in self.samples
                   if n == name and all(have.get(k) == v for k, v in labels.items()))

    def attempts(self):
        out = Counter()
        for name, labels, value in self.samples:
            if name == names.M_ATTEMPTS and value:
                out[(labels["target"].split("/")[0], labels["class"])] += int(value)
        return out

    def tokens(self):
        out = Counter()
        for name, labels, value in self.samples:
            if name == names.M_TOKENS and value and labels["kind"] in names.KINDS:
                out[labels["kind"]] += int(value)
        return out


class Gateway:
    """`weir serve` with a configuration (a dict, or YAML text with {port} free of braces).

    The dict gets `listen` and `log.access` unless it has them. Use as a context manager, or call
    stop(): it ends the process and fails if it does not go, or goes with an error.
    """

    def __init__(self, config, env=None, folder=None, start=True, args=()):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="weir-test-"))
        self._own_folder = folder is None
        self.config_path = self.folder / "weir.yaml"
        self.access_path = self.folder / "access.log"
        self.env = dict(env or {})
        self.args = list(args)
        self.lines = []
        self.exited_cleanly = None
        self.process = None
        self._changed = threading.Condition()
        self.write_config(config)
        if start:
            self.start()

    def write_config(self, config):
        if isinstance(config, dict):
            config = dict(config)
            config.setdefault("listen", "127.0.0.1:0")
            config.setdefault("models_refresh", 0)  # upstreams count what they are asked
            config["log"] = dict({"access": str(self.access_path)}, **config.get("log", {}))
            config = json.dumps(config, indent=2)
        fresh = self.folder / "weir.yaml.new"
        fresh.write_text(config)
        os.chmod(fresh, 0o600)
        os.replace(fresh, self.config_path)

    def start(self):
        self.process = subprocess.Popen(
            [weir_bin(), "serve", "-c", str(self.config_path), *self.args],
            env=environment(**self.env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=self.folder)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            line = self.wait_line(names.LISTENING, START_S)
        except AssertionError:
            self.kill()
            raise
        self.port = int(names.LISTENING.search(line).group(3))
        self.url = "http://127.0.0.1:%d" % self.port
        self.wait_ready()

    def wait_ready(self):
        """The port is open before the worker serves; the first answer says that it does."""
        with urllib.request.urlopen(self.url + "/readyz", timeout=START_S) as reply:
            assert reply.status == 200

    def _read(self):
        for raw in self.process.stdout:
            with self._changed:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.lines.append(None)
            self._changed.notify_all()

    def wait_line(self, pattern, timeout=10, since=0):
        """The first line of output from number `since` on that matches."""
        pattern = re.compile(pattern)

        def found():
            for line in self.lines[since:]:
                if line is None:
                    return "\0ended"
                if pattern.search(line):
                    return line
            return None

        with self._changed:
            line = self._changed.wait_for(found, timeout)
        if not line or line == "\0ended":
            raise AssertionError("%s before a line matched %r; output:\n%s" %
                                 ("it ended" if line else "%gs passed" % timeout,
                                  pattern.pattern, self.output()))
        return line

    def output(self, since=0):
        return "\n".join(line for line in self.lines[since:] if line is not None)

    # Processes.

    @property
    def pid(self):
        return self.process.pid

    def pids(self):
        """Supervisor first, then what it started."""
        return [self.pid] + children(self.pid)

    def worker_pids(self):
        """Pids of the worker processes; waits until there is one."""
        return eventually("a worker process", lambda: [
            pid for pid in children(self.pid) if b"\0worker\0" in cmdline(pid)])

    def crash_worker(self):
        """Ends the worker as a fault of its own would, and waits until it is gone: what is asked
        from then on is for the next one."""
        pid = self.worker_pids()[0]
        os.kill(pid, signal.SIGSEGV)
        eventually("the worker is gone", lambda: pid not in self.worker_pids())

    def reload(self):
        """Tells it to read its configuration again; returns the line number to wait from."""
        since = len(self.lines)
        os.kill(self.pid, signal.SIGHUP)
        return since

    def stop(self):
        """SIGTERM, a bounded wait; the exit status must be 0."""
        if self.process is None:
            return
        family = self.pids()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.exited_cleanly = self.process.wait(STOP_S) == 0
        except subprocess.TimeoutExpired:
            self.exited_cleanly = False
        self.kill(family)

    def kill(self, family=()):
        """Leaves nothing behind: processes by their ids, the reader, the folder."""
        for pid in list(family) + (self.pids() if self.process.poll() is None else []):
            try:
                if os.path.exists("/proc/%d/exe" % pid) and \
                        os.readlink("/proc/%d/exe" % pid).split("/")[-1].startswith("weir"):
                    os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, FileNotFoundError, PermissionError):
                pass
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(STOP_S)
        self._reader.join(STOP_S)
        self.process.stdout.close()
        if self._own_folder and not os.environ.get("WEIR_TEST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    # What it tells.

    def access_log(self):
        """The lines there are, in the order in which the requests began."""
        if not self.access_path.exists():
            return []
        text = self.access_path.read_text()
        complete = text[:text.rfind("\n") + 1]
        return sorted(map(json.loads, complete.splitlines()), key=lambda entry: entry["time"])

    def wait_access(self, count=1, timeout=10, where=lambda entry: True):
        """Waits until `count` matching requests are logged; returns them."""
        def probe():
            found = [entry for entry in self.access_log() if where(entry)]
            return found if len(found) >= count else None
        return eventually("%d entries in the access log" % count, probe, timeout)

    def metrics(self):
        from .client import get
        page = get(self.port, "/metrics")
        if page.status != 200:
            raise AssertionError("/metrics answered %d" % page.status)
        return Metrics(page.text)
