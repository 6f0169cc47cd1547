"""Memory: PSS of all of a candidate's processes, idle and with many connections and streams."""

import resource
import signal
import subprocess
import time

from . import process, tools, workloads
from .measure import say
from .site import pin

IDLE, STREAMS = 5000, 2000
READY_S, WATCH_S = 120, 3


class Crowd:
    """Connections that stay open as long as this lives."""

    def __init__(self, site, instance, workload, what, count):
        argv = site.load(workload, instance.port, instance.request(workload), options=[what],
                         conns=count)
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, preexec_fn=pin, text=True)
        # The generator gives up by itself only when something breaks.
        signal.signal(signal.SIGALRM, lambda *_: self.process.kill())
        signal.alarm(READY_S)
        line = self.process.stdout.readline()
        signal.alarm(0)
        if line != "ready\n":
            self.stop()
            raise RuntimeError("%d connections are not there: %s" % (count, self.error))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.error = self.process.stderr.read()


def peak(instance):
    """The most that is used in a few seconds: (all, anonymous)."""
    most, anon, end = 0, 0, time.monotonic() + WATCH_S
    while time.monotonic() < end:
        most = max(most, process.pss_kb(instance.pids()))
        anon = max(anon, process.pss_kb(instance.pids(), "Pss_Anon"))
        time.sleep(0.3)
    return most / 1024, anon / 1024


def with_crowd(site, name, setup, answer, what, count):
    workload = workloads.Workload("crowd", 1300, answer, setup=setup)
    instance = site.start(name, setup, answer, tag="-memory")
    try:
        before = process.pss_kb(instance.pids()) / 1024
        anon = process.pss_kb(instance.pids(), "Pss_Anon") / 1024
        cpu = process.cpu_us(instance.pids())
        crowd = Crowd(site, instance, workload, what, count)
        cpu = process.cpu_us(instance.pids()) - cpu
        try:
            most, most_anon = peak(instance)
            return {"before": before, "peak": most, "added": most_anon - anon, "cpu": cpu / count}
        finally:
            crowd.stop()
    finally:
        instance.stop()


def run(site, candidates, count_idle=IDLE, count_streams=STREAMS):
    out = {}
    for name in candidates:
        try:
            if getattr(site.candidate(name), "SLOW", False):
                continue
            idle = with_crowd(site, name, workloads.PLAIN, "json", "--idle", count_idle)
            plain = with_crowd(site, name, workloads.PLAIN, "hold", "--hold", count_streams)
            tls = with_crowd(site, name, workloads.TLS, "hold", "--hold", count_streams)
        except (tools.Missing, RuntimeError) as why:
            out[name] = {"reason": str(why)[-500:]}
            say("memory of %s: %s" % (name, why))
            continue
        out[name] = {"idle_mb": idle["before"], "idle%d_added_mb" % count_idle: idle["added"],
                     "streams%d_mb" % count_streams: plain["peak"],
                     "streams%d_tls_mb" % count_streams: tls["peak"],
                     "tls_connection_cpu_ms": (tls["cpu"] - plain["cpu"]) / 1000}
        say("memory of %s: %s" % (name, {k: round(v, 1) for k, v in out[name].items()}))
    return out


def raise_descriptors():
    """Thousands of connections on both sides: as many as are allowed, for all that we start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 12000:
        raise tools.Missing("%d open files are allowed, 12000 are needed: ulimit -n" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (20000 if hard == resource.RLIM_INFINITY else hard, hard))
