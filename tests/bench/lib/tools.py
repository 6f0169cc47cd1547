"""What the benchmark needs on the machine: packages, an optimised build, its own programs, a CA."""

import fcntl
import os
import pathlib
import shutil
import subprocess

BENCH = pathlib.Path(__file__).resolve().parents[1]
ROOT = BENCH.parents[1]
WORK = ROOT / "build-bench" / "bench"
RESULT = ROOT / "build" / "bench.json"

LOAD_CORE = max(os.sched_getaffinity(0))
PROXY_CORE = min(os.sched_getaffinity(0))


class Missing(Exception):
    """Something is not there and cannot be had; says what."""


def sh(*argv, **options):
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if done.returncode:
        raise Missing("%s failed:\n%s" % (" ".join(map(str, argv)), done.stdout[-2000:]))
    return done.stdout


def program(name, package):
    """The path of a program, installed from its Debian package if need be."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    if not found:
        # Installing must not start a service that takes ports and CPU time.
        sh("sh", "-c", ". tests/tools/setup.sh; RUNLEVEL=1 weir_apt %s" % package, cwd=ROOT,
           timeout=600)
        found = shutil.which(name, path=path)
    if not found:
        raise Missing("%s is not here; install the package %s" % (name, package))
    return found


def only_one():
    """A lock that lives as long as what is returned: two benchmarks would measure each other."""
    WORK.mkdir(parents=True, exist_ok=True)
    lock = open(WORK / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Missing("another benchmark is running in %s" % WORK)
    return lock


def build_weir():
    """An optimised build with symbols, apart from the developer's; returns its folder."""
    given = os.environ.get("WEIR_BENCH_BUILD")
    if given:
        return pathlib.Path(given).resolve()
    sh("sh", "-c", ". tests/tools/setup.sh; weir_setup && weir_build_optimised", cwd=ROOT,
       timeout=1800)
    return ROOT / "build-bench"


def compile_c(name, sources, flags=(), libraries=()):
    """A small program of the benchmark's own, made again when a source is newer."""
    WORK.mkdir(parents=True, exist_ok=True)
    out = WORK / name
    sources = [BENCH / s if not str(s).startswith("/") else s for s in sources]
    newest = max(pathlib.Path(p).stat().st_mtime
                 for p in list(sources) + list(BENCH.glob("*.h")))
    if not out.exists() or out.stat().st_mtime < newest:
        sh("cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra", *flags, *sources,
           "-o", out, *libraries)
    return out


def mock_and_load():
    mock = compile_c("mock", ["mock.c", "mock_answers.c"], libraries=["-lssl", "-lcrypto"])
    load = compile_c("load", ["load.c", "load_conn.c", "load_cpu.c"])
    return mock, load


def certificates():
    """A CA and a server certificate for localhost, made once: (ca, certificate, key)."""
    folder = WORK / "tls"
    ca, cert, key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
    if cert.exists():
        return ca, cert, key
    folder.mkdir(parents=True, exist_ok=True)
    openssl = program("openssl", "openssl")
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    sh(openssl, "req", "-x509", *ec, "-keyout", folder / "ca.key", "-out", ca, "-days", "3650",
       "-subj", "/CN=weir benchmark CA")
    sh(openssl, "req", *ec, "-keyout", key, "-out", folder / "csr.pem", "-subj", "/CN=localhost")
    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    sh(openssl, "x509", "-req", "-in", folder / "csr.pem", "-CA", ca, "-CAkey", folder / "ca.key",
       "-CAcreateserial", "-out", cert, "-days", "3650", "-extfile", folder / "ext")
    return ca, cert, key
