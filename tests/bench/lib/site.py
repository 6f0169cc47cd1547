"""The mock provider, the candidates in front of it, and the load generator that asks them."""

import importlib.util
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field

from . import process, tools, workloads


WARM_UP_S = 15


@dataclass
class Upstream:
    """A provider as a candidate's configuration names it."""
    host: str
    port: int
    tls: bool
    path: str          # prefix of its API: /json/v1

    @property
    def url(self):
        return "%s://%s:%d%s" % ("https" if self.tls else "http", self.host, self.port, self.path)


@dataclass
class Place:
    """What a candidate is told: where to listen, whom to ask, where to put its files."""
    port: int
    folder: object
    setup: str         # workloads.PLAIN, TLS, FORCED, FAILOVER
    primary: Upstream
    backup: Upstream
    ca_file: object
    build: object      # of weir
    workers: int = 1


@dataclass
class Launch:
    """What a candidate answers."""
    argv: list
    path: str = "/v1/chat/completions"
    headers: dict = field(default_factory=dict)
    env: dict = field(default_factory=dict)
    logs: list = field(default_factory=list)    # cut to nothing between rounds


class Site:
    def __init__(self):
        self.lock = tools.only_one()
        self.build = tools.build_weir()
        self.mock_program, self.load_program = tools.mock_and_load()
        self.ca, cert, key = tools.certificates()
        self.folder = tools.WORK / "run"
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "mock").mkdir(parents=True)
        self.instances = {}
        self.candidates = {}
        self.port, self.tls_port, self.fail_port = (process.free_port() for _ in range(3))
        self.mock = process.Process([self.mock_program, self.port, self.tls_port, self.fail_port,
                                     cert, key], tools.LOAD_CORE, self.folder / "mock")
        self.mock.wait_port(self.tls_port)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop_instances()
        self.mock.stop()

    def stop_instances(self):
        for instance in self.instances.values():
            instance.stop()
        self.instances = {}

    def candidate(self, name):
        """The module of a candidate; Missing if it cannot run here."""
        if name not in self.candidates:
            spec = importlib.util.spec_from_file_location(
                "candidate_" + name, tools.BENCH / "candidates" / (name + ".py"))
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            module.prepare()
            self.candidates[name] = module
        return self.candidates[name]

    def place(self, folder, setup, answer, workers=1):
        tls = setup == workloads.TLS
        path = "/%s/v1" % answer
        good = Upstream("localhost" if tls else "127.0.0.1", self.tls_port if tls else self.port,
                        tls, path)
        bad = Upstream("127.0.0.1", self.fail_port, False, path)
        first = bad if setup == workloads.FAILOVER else good
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return Place(process.free_port(), folder, setup, first, good, self.ca, self.build, workers)

    def start(self, name, setup, answer, workers=1, tag=""):
        """A fresh instance of a candidate, which has answered one request as it should."""
        folder = self.folder / ("-".join([name, setup, answer, str(workers)]) + tag)
        place = self.place(folder, setup, answer, workers)
        if name == "direct":
            return Direct(self, place)
        candidate = self.candidate(name)
        instance = Instance(self, name, place, candidate.launch(place), answer)
        if getattr(candidate, "SLOW", False) and answer != "hold":
            instance.warm_up(answer)
        return instance

    def instance(self, name, setup, answer, workers=1):
        """The same, kept for the next time."""
        key = (name, setup, answer, workers)
        if key not in self.instances:
            self.instances[key] = self.start(*key)
        return self.instances[key]

    def load(self, workload, port, request, pids=(), options=(), **more):
        """The command of the load generator."""
        argv = [self.load_program, "--port", port, "--request", request,
                "--conns", more.get("conns", workload.conns), "--tail", workload.tail]
        if pids:
            argv += ["--pids", ",".join(map(str, pids))]
        argv += list(options)
        return [str(a) for a in argv]


def pin():
    os.sched_setaffinity(0, {tools.LOAD_CORE})


class Instance:
    """A candidate that runs."""

    def __init__(self, site, name, place, launch, answer):
        self.site, self.name, self.launch, self.port = site, name, launch, place.port
        self.process = process.Process(launch.argv, tools.PROXY_CORE, place.folder, launch.env)
        try:
            self.process.wait_port(place.port)
            self.check(answer)
        except BaseException:
            self.stop()
            raise

    def check(self, answer):
        probe = workloads.Workload("probe", 1300, answer, conns=1)
        if answer != "hold":
            self.measure(probe, ["--warm-count", "1", "--count", "1"])

    def warm_up(self, answer):
        """For what compiles while it runs."""
        self.measure(workloads.Workload("probe", 1300, answer), ["--seconds", WARM_UP_S])

    def pids(self):
        return self.process.pids()

    def request(self, workload):
        return workloads.request_file(workload, self.launch.path, self.launch.headers)

    def measure(self, workload, options, **more):
        """Runs the load generator to its end and returns its figures."""
        argv = self.site.load(workload, self.port, self.request(workload), self.pids(), options,
                              **more)
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=300, preexec_fn=pin)
        if done.returncode:
            raise RuntimeError("%s: %s\n%s" % (self.name, done.stderr, self.output()))
        for log in self.launch.logs:
            if log.exists():
                os.truncate(log, 0)
        return json.loads(done.stdout)

    def output(self):
        return self.process.output()

    def stop(self):
        self.process.stop()


class Direct(Instance):
    """No candidate at all: the load generator asks the mock."""

    def __init__(self, site, place):
        self.site, self.name = site, "direct"
        self.port = place.primary.port
        self.launch = Launch([], path=place.primary.path + "/chat/completions")

    def pids(self):
        return self.site.mock.pids()

    def output(self):
        return self.site.mock.output()

    def stop(self):
        pass
