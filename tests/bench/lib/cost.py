"""What repeats: instructions and system calls per request of the gateway's worker.

One request after the other on one connection, so that nothing depends on how they meet. callgrind
counts user instructions; strace counts calls.
"""

import json
import re
import signal
import socket
import subprocess

from . import process, tools, workloads

BUDGET = tools.BENCH / "budget.json"
WORKLOADS = ["pass_small", "pass_sse", "forced_small", "translated_small"]
SLACK = 1.10
WARM, COUNT = 50, 200


class Worker:
    """The worker process alone, without its supervisor, under a tool or not."""

    def __init__(self, site, workload, prefix=()):
        self.site = site
        folder = site.folder / ("cost-" + workload.name + ("-tool" if prefix else ""))
        self.place = site.place(folder, workload.setup, workload.answer)
        self.folder = folder
        weir = site.candidate("weir")
        launch = weir.launch(self.place)
        listener = socket.socket()
        listener.bind(("127.0.0.1", self.place.port))
        listener.listen(512)
        listener.setblocking(False)
        self.process = process.Process(
            [*prefix, launch.argv[0], "worker", "--workers", "1", "-c", folder / "weir.yaml"],
            tools.PROXY_CORE, folder,
            dict(launch.env, WEIR_LISTEN_FDS=str(listener.fileno())),
            pass_fds=[listener.fileno()])
        listener.close()
        self.workload = workload
        self.request = workloads.request_file(workload, launch.path)

    def ask(self, count):
        """`count` whole answers, one after the other on a connection of their own."""
        argv = self.site.load(self.workload, self.place.port, self.request, conns=1,
                              options=["--count", count])
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120)
        if done.returncode:
            raise RuntimeError(done.stderr + self.process.output())

    def stop(self):
        self.process.stop()


def dump(site, workload):
    """callgrind's account of COUNT requests, after as many as warm up."""
    valgrind = tools.program("valgrind", "valgrind")
    control = tools.program("callgrind_control", "valgrind")
    worker = Worker(site, workload, [valgrind, "--tool=callgrind", "--callgrind-out-file=dump"])
    try:
        worker.ask(WARM)
        pid = worker.process.process.pid
        tools.sh(control, "--zero", pid, timeout=60)
        worker.ask(COUNT)
        tools.sh(control, "--dump=bench", pid, timeout=60)
        return next(worker.folder.glob("dump.*")).read_text(errors="replace")
    finally:
        worker.stop()


def instructions(site, workload):
    text = dump(site, workload)
    return int(re.search(r"^(?:summary|totals):\s*(\d+)", text, re.M).group(1)) / COUNT


def syscalls(site, workload):
    """{name: calls per request}, without the waiting itself being a surprise: epoll is in."""
    strace = tools.program("strace", "strace")
    worker = Worker(site, workload)
    try:
        worker.ask(WARM)
        table = worker.folder / "strace"
        tracer = subprocess.Popen(
            [strace, "-f", "-c", "-U", "calls,name", "-o", str(table), "-p",
             str(worker.process.process.pid)], stderr=subprocess.PIPE, text=True)
        try:
            tracer.stderr.readline()     # "attached"
            worker.ask(COUNT)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=20)
        rows = re.findall(r"^\s*(\d+)\s+(\w+)$", table.read_text(), re.M)
        return {name: int(calls) / COUNT for calls, name in rows if name != "total"}
    finally:
        worker.stop()


def of(site, workload):
    calls = syscalls(site, workload)
    return {"instructions": round(instructions(site, workload)),
            "syscalls": round(sum(calls.values()), 1),
            "by_syscall": {k: round(v, 2) for k, v in sorted(calls.items()) if v >= 0.005}}


def run(site):
    return {name: of(site, workloads.by_name(name)) for name in WORKLOADS}


def record(measured):
    budget = {name: {k: m[k] for k in ("instructions", "syscalls")} for name, m in measured.items()}
    BUDGET.write_text(json.dumps(budget, indent=4) + "\n")


def judge(measured):
    """Lines that say what is over its budget; none: all is well."""
    budget, bad = json.loads(BUDGET.read_text()), []
    for name, allowed in budget.items():
        for what, number in allowed.items():
            have = measured[name][what]
            limit = number * SLACK
            print("%-14s %-13s %10.1f of %10.1f  (%+.1f %%)" %
                  (name, what, have, number, (have / number - 1) * 100))
            if have > limit:
                bad.append("%s: %.1f %s a request, %.1f are allowed (budget %.1f and 10 %%)" %
                           (name, have, what, limit, number))
    return bad
