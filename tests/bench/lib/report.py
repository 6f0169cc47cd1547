"""What was found out: a table for people, build/bench.json for everything else."""

import json
import os
import platform
import time
from dataclasses import dataclass, field

from . import measure, tools, workloads

TARGETS = {"pass_small": 1.0, "pass_57k": 1.1, "pass_sse": 0.7, "pass_sse_spaced": 1.0,
           "tls_small": 1.1, "forced_small": 1.4, "forced_57k": 1.6, "translated_small": 1.4,
           "translated_57k": 1.6, "failover_small": 2.2}


def cost(measured):
    for name, m in measured.items():
        print("%-14s %8d instructions, %5.1f system calls a request (%s)" %
              (name, m["instructions"], m["syscalls"],
               ", ".join("%s %g" % pair for pair in m["by_syscall"].items())))


@dataclass
class Result:
    samples: list = field(default_factory=list)
    absent: dict = field(default_factory=dict)
    scaling: dict = None
    latency: dict = None
    memory: dict = None
    cost: dict = None
    micro: dict = None
    seconds: float = 0

    def document(self):
        ratios = measure.ratios(self.samples)
        weir = ratios.get("weir", {})
        names = [w.name for w in workloads.WORKLOADS] + list(workloads.ABSENT)
        reasons = {n: workloads.ABSENT.get(n) or self.absent.get(n, {}).get("weir") or
                   "not measured in this run" for n in names if n not in weir}
        return {
            "ratio": {n: round(weir[n]["median"], 4) if n in weir else None for n in names},
            "reasons": reasons,
            "ratios": ratios,
            "targets": TARGETS,
            "absent": {k: v for k, v in self.absent.items() if v},
            "saturation": measure.saturation(self.samples),
            "two_workers": self.scaling,
            "latency": self.latency or {},
            "memory": self.memory or {},
            "cost": self.cost or {},
            "micro": self.micro or {},
            "machine": {"kernel": platform.release(), "cores": os.cpu_count(),
                        "load": os.getloadavg()[0]},
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(self.seconds, 1),
            "raw": self.samples,
        }

    def write(self):
        tools.RESULT.parent.mkdir(exist_ok=True)
        tools.RESULT.write_text(json.dumps(self.document(), indent=1) + "\n")
        print("\n%.0f s; all figures: %s" % (self.seconds, tools.RESULT))

    def print(self):
        if self.samples:
            self.print_ratios()
        if self.scaling:
            print("\ntwo workers / one, CPU per request: %.2f (%.2f to %.2f)" %
                  (self.scaling["median"], self.scaling["min"], self.scaling["max"]))
        if self.latency:
            self.print_latency()
        if self.memory:
            self.print_memory()
        if self.cost:
            print()
            cost(self.cost)
        if self.micro:
            print()
            for name, m in self.micro.items():
                print("%-50s %10.1f %s" % (name, m["value"], m["unit"]))

    def print_ratios(self):
        document = self.document()
        print("\nCPU per request, user and system, ratio to nginx in the same round\n"
              "%-16s %-19s %6s %7s %6s %8s %9s %9s %9s" %
              ("workload", "candidate", "min", "median", "max", "target", "us", "nginx us",
               "req/s"))
        for workload in workloads.WORKLOADS:
            for candidate, all_of in document["ratios"].items():
                r = all_of.get(workload.name)
                if not r:
                    continue
                target = TARGETS.get(workload.name) if candidate == "weir" else None
                s = document["saturation"].get("%s/%s" % (workload.name, candidate), {})
                print("%-16s %-19s %6.2f %7.2f %6.2f %8s %9.1f %9.1f %9.0f%s" %
                      (workload.name, candidate, r["min"], r["median"], r["max"],
                       "" if target is None else "%.1f%s" % (target, " " if r["median"] <= target
                                                             else "!"),
                       r["cpu_us"], r["nginx_cpu_us"], s.get("requests_per_second", 0),
                       "" if s.get("busy", 1) > 0.9 else " (core %d %% busy)" %
                       (s["busy"] * 100)))
        for name, why in document["reasons"].items():
            print("%-16s %-19s   null: %s" % (name, "weir", why))

    def print_latency(self):
        print("\nadded latency at %d requests/s over %d connections, µs: median (min to max) of "
              "the rounds" % (self.latency["rate"], self.latency["connections"]))
        for name, added in self.latency["added"].items():
            for what, r in added.items():
                print("%-10s %-22s %6.0f (%.0f to %.0f)" %
                      (name, what.replace("_us_", " ").replace("_", " "), r["median"], r["min"],
                       r["max"]))

    def print_memory(self):
        print("\nmemory, PSS in MB")
        for name, m in self.memory.items():
            print("%-10s %s" % (name, m.get("reason") or ", ".join(
                "%s %.1f" % (k.replace("_mb", "").replace("_", " "), v) for k, v in m.items())))
