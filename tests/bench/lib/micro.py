"""The micro benchmarks: programs that print lines of name, value and unit."""

from . import tools
from .tools import ROOT

PROGRAMS = ["micro_json", "micro_strategy", "micro_parts"]
SCANNER = [str(ROOT / "core/json" / name) for name in ("again.c", "scan.c", "value.c")]
INCLUDES = ["-I%s" % (ROOT / folder) for folder in ("include", "core", "sdk/include")]


def run():
    plugins = tools.build_weir() / "plugins"
    out = {}
    for name in PROGRAMS:
        program = tools.compile_c(name, [name + ".c", "micro.c", *SCANNER], INCLUDES, ["-ldl"])
        for line in tools.sh(program, plugins, timeout=120).splitlines():
            title, value, unit = line.split("\t")
            out[title] = {"value": float(value), "unit": unit}
    return out
