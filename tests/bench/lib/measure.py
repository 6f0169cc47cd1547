"""CPU time per request: rounds in which the candidates take turns, and ratios within a round."""

import statistics
import sys
from dataclasses import dataclass, replace

from . import tools, workloads
from .workloads import FAILOVER, FORCED, PLAIN, TRANSLATED

NGINX, WEIR = "nginx", "weir"


@dataclass
class Plan:
    rounds: int
    seconds: float      # of a measurement
    warm: float
    candidates: list
    only: str = None


def say(text):
    print(text, file=sys.stderr, flush=True)


def summary(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values),
            "rounds": len(values)}


def turns(site, plan, workload):
    """Who takes part: (name, setup), those that cannot are left out; and why."""
    out, absent = [(NGINX, workload.against)], {}
    if workload.setup == FAILOVER:
        out.append((NGINX, FAILOVER))
    for name in plan.candidates:
        if name == NGINX:
            continue
        if name != WEIR and workload.setup in (FORCED, TRANSLATED):
            continue    # nothing of theirs is like it
        try:
            only = getattr(site.candidate(name), "WORKLOADS", None)
            if only is not None and workload.name not in only:
                continue
            site.instance(name, workload.setup, workload.answer)
            out.append((name, workload.setup))
        except (tools.Missing, RuntimeError) as why:
            if name == WEIR:
                raise
            absent[name] = (str(why).strip() or repr(why)).splitlines()[0]
    return out, absent


def one(site, plan, workload, name, setup, number):
    options = ["--warm", plan.warm, "--seconds", plan.seconds * workload.seconds]
    got = site.instance(name, setup, workload.answer).measure(workload, options)
    if not got["completed"]:
        raise RuntimeError("%s completed nothing of %s" % (name, workload.name))
    return {"workload": workload.name, "candidate": name, "setup": setup, "round": number,
            "cpu_us_per_request": got["cpu_us"] / got["completed"],
            "requests_per_second": got["completed"] / got["seconds"],
            "busy": got["cpu_us"] / 1e6 / got["seconds"],
            "bytes_per_answer": got["bytes"] / got["completed"],
            "broken": got["broken"], "p50_us": got["p50_us"], "p99_us": got["p99_us"]}


def run(site, plan):
    """All samples, and which candidates could not take part: {workload: {candidate: why}}."""
    chosen = [w for w in workloads.WORKLOADS if plan.only in (None, w.name)]
    samples, absent, order = [], {}, {}
    for workload in chosen:
        order[workload.name], absent[workload.name] = turns(site, plan, workload)
        for name, why in absent[workload.name].items():
            say("%s: without %s: %s" % (workload.name, name, why))
    for number in range(plan.rounds):
        for workload in chosen:
            order[workload.name].reverse()      # A B, B A: who comes second has no advantage
            for name, setup in order[workload.name]:
                samples.append(one(site, plan, workload, name, setup, number))
        say("round %d of %d" % (number + 1, plan.rounds))
    return samples, absent


def by_round(samples, workload, candidate, setup, what):
    return {s["round"]: s[what] for s in samples if s["workload"] == workload.name and
            s["candidate"] == candidate and s["setup"] == setup}


def ratios(samples):
    """{candidate: {workload: summary of its CPU time over nginx's, round by round}}"""
    out = {}
    for workload in workloads.WORKLOADS:
        base = by_round(samples, workload, NGINX, workload.against, "cpu_us_per_request")
        seen = {(s["candidate"], s["setup"]) for s in samples if s["workload"] == workload.name}
        for name, setup in sorted(seen - {(NGINX, workload.against)}):
            mine = by_round(samples, workload, name, setup, "cpu_us_per_request")
            label = name if name != NGINX else "nginx failing over"
            each = [mine[r] / base[r] for r in mine if r in base]
            out.setdefault(label, {})[workload.name] = dict(
                summary(each), cpu_us=statistics.median(mine.values()),
                nginx_cpu_us=statistics.median(base.values()))
    return out


def saturation(samples):
    """Requests a second where the candidate's core was busy, and how busy it was."""
    out = {}
    for s in samples:
        label = s["candidate"]
        if (label, s["setup"]) == (NGINX, FAILOVER):
            label = "nginx failing over"
        key = (s["workload"], label)
        out.setdefault(key, []).append(s)
    return {"%s/%s" % key: {
        "requests_per_second": statistics.median(s["requests_per_second"] for s in group),
        "busy": statistics.median(s["busy"] for s in group)} for key, group in out.items()}


def scaling(site, plan):
    """CPU time per request with two workers over one worker's, both on the same core."""
    workload = replace(workloads.by_name("pass_small"), name="two_workers")
    each = []
    for _ in range(plan.rounds):
        pair = []
        for workers in (1, 2):
            got = site.instance(WEIR, PLAIN, "json", workers).measure(
                workload, ["--warm", plan.warm, "--seconds", plan.seconds])
            pair.append(got["cpu_us"] / got["completed"])
        each.append(pair[1] / pair[0])
    return summary(each)
