"""Added latency: a fixed rate well below saturation, timed from when each request was due."""

import statistics

from . import tools, workloads
from .measure import NGINX, say

RATE, CONNS = 4000, 8


def run(site, rounds, seconds, candidates):
    workload = workloads.by_name("pass_small")
    names = ["direct", NGINX] + [c for c in candidates if c != NGINX]
    raw = []
    for number in range(rounds):
        names.reverse()
        for name in names:
            try:
                only = name != "direct" and getattr(site.candidate(name), "SLOW", False)
                if only:
                    continue
                instance = site.instance(name, workloads.PLAIN, "json")
            except (tools.Missing, RuntimeError):
                continue
            got = instance.measure(workload, ["--warm", 0.3, "--seconds", seconds, "--rate", RATE],
                                   conns=CONNS)
            raw.append({"candidate": name, "round": number, "p50_us": got["p50_us"],
                        "p90_us": got["p90_us"], "p99_us": got["p99_us"],
                        "requests_per_second": got["completed"] / got["seconds"]})
        say("latency, round %d of %d" % (number + 1, rounds))
    return dict(figures(raw), rate=RATE, connections=CONNS, raw=raw)


def figures(raw):
    """Medians of the differences within a round."""
    def of(name, what):
        return {r["round"]: r[what] for r in raw if r["candidate"] == name}

    def over(name, base, what):
        mine, theirs = of(name, what), of(base, what)
        each = [mine[r] - theirs[r] for r in mine if r in theirs]
        return {"min": min(each), "median": statistics.median(each), "max": max(each)}

    out = {}
    for name in sorted({r["candidate"] for r in raw} - {"direct"}):
        out[name] = {"p50_us_over_direct": over(name, "direct", "p50_us"),
                     "p99_us_over_direct": over(name, "direct", "p99_us")}
        if name != NGINX:
            out[name]["p50_us_over_nginx"] = over(name, NGINX, "p50_us")
            out[name]["p99_us_over_nginx"] = over(name, NGINX, "p99_us")
    return {"added": out}
