"""Plugins built on the spot, as an author outside would: a C compiler and the public headers."""

import os
import pathlib
import shlex
import subprocess

from .gateway import ROOT

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "plugins" / "patient.c"


def compiler():
    return shlex.split(os.environ.get("CC") or "cc")


def build(target, *definitions, source=SOURCE):
    """Builds `source` into the file `target`, in one step that appears whole."""
    target = pathlib.Path(target)
    fresh = target.with_name(target.name + ".new")
    subprocess.run(compiler() + ["-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-O1",
                                 "-Wall", "-Wextra", "-I", str(ROOT / "include"),
                                 *["-D" + d for d in definitions], "-Wl,--no-undefined",
                                 "-o", str(fresh), str(source)],
                   check=True, stdin=subprocess.DEVNULL, timeout=60)
    os.chmod(fresh, 0o755)
    os.replace(fresh, target)
    return target


def text(value):
    """A definition's value as a C string."""
    return '"%s"' % value


def search_path(folder):
    """WEIR_PLUGIN_PATH: the built plugins, then `folder`."""
    from .gateway import environment
    return ":".join(filter(None, [environment().get("WEIR_PLUGIN_PATH"), str(folder)]))
