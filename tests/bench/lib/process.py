"""Processes of the benchmark: started on one core, waited for, read out, ended by their ids."""

import os
import re
import signal
import socket
import subprocess
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    """The ids of all descendants."""
    out = []
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task)) as f:
                for child in map(int, f.read().split()):
                    out += [child] + children(child)
    except OSError:
        pass
    return out


def pss_kb(pids, what="Pss"):
    """`what`: Pss, or Pss_Anon, which does not depend on who else has the same libraries."""
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid) as f:
            total += int(re.search(r"^%s:\s+(\d+)" % what, f.read(), re.M).group(1))
    return total


def cpu_us(pids):
    total = 0
    for pid in pids:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                total += int(f.read().split()[0])
    return total / 1000


class Process:
    def __init__(self, argv, core, folder, env=None, **options):
        self.log_path = folder / "output"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(a) for a in argv], cwd=folder, stdin=options.pop("stdin", subprocess.DEVNULL),
                stdout=options.pop("stdout", log), stderr=log,
                env=dict(os.environ, **(env or {})),
                preexec_fn=lambda: os.sched_setaffinity(0, {core}), **options)

    def output(self):
        return self.log_path.read_text(errors="replace")[-3000:]

    def pids(self):
        return [self.process.pid] + children(self.process.pid)

    def wait_port(self, port, timeout=30):
        """Until something accepts connections there."""
        end = time.monotonic() + timeout
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError("it ended:\n" + self.output())
                if time.monotonic() > end:
                    raise RuntimeError("port %d does not answer:\n%s" % (port, self.output()))
                time.sleep(0.02)

    def stop(self, timeout=10):
        family = self.pids()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            for pid in family:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait(timeout)
