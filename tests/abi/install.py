#!/usr/bin/env python3
"""Installs a build into an empty folder and uses it as a stranger would: every header, a plugin and
a program built with what pkg-config says, the installed programs themselves. TAP.
Usage: install.py BUILD-FOLDER"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SIZE_LIMIT = 700 * 1024

PLUGIN = r"""
#include <weir/plugin.h>

static weir_result configure(const weir_host *host, const weir_json *options, void **cfg,
                             weir_error *error)
{
    static int nothing;
    (void)host;
    (void)options;
    (void)error;
    *cfg = &nothing;
    return WEIR_OK;
}

static void release(void *cfg)
{
    (void)cfg;
}

static const weir_filter_v1 face = {
    .struct_size = sizeof(face), .ops = 0, .configure = configure, .release = release
};
static const weir_part part = { sizeof(weir_part), 0, WEIR_PART_FILTER, "stranger", &face };
static const weir_part *const parts[] = { &part };
WEIR_PLUGIN("org.example.stranger", "1.0", parts,
            WEIR_TEXT_PART("filter", "stranger", WEIR_NO_OPTIONS))
"""

PROGRAM = r"""
#include <weir/weir.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    static const char config[] = "providers: { sim: { plugin: sim, reply: Hello. } }";
    weir_error error;
    weir_client *client = weir_client_open_text(config, &error);
    weir_request *request = weir_request_new("sim/plain");
    weir_response *response;
    int good;

    if (!client) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    weir_request_user(request, "Hello?");
    response = weir_chat(client, request);
    good = !weir_response_failure(response) &&
           strstr(weir_response_text(response, 0).ptr, "Hello.") != NULL;
    printf("%s: %s\n", weir_version(), weir_response_text(response, 0).ptr);
    weir_response_free(response);
    weir_request_free(request);
    weir_client_close(client);
    return good ? 0 : 2;
}
"""

count = failed = 0


def say(good, name, why=""):
    global count, failed
    count += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", count, name))
    for line in "" if good else why.splitlines():
        print("# " + line)
    sys.stdout.flush()
    return good


def skip(name, why):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, name, why))


def run(*command, env=None):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=env, timeout=120)
    return done.returncode == 0, done.stdout


class Installed:
    """What lies where, below a DESTDIR."""

    def __init__(self, build, dest):
        options = {o["name"]: o["value"] for o in json.loads(run(
            "meson", "introspect", build, "--buildoptions")[1])}
        self.sanitized = options["b_sanitize"] != "none" or bool(options.get("fuzz"))
        self.prefix = pathlib.Path(str(dest) + options["prefix"])
        self.include = self.prefix / options["includedir"]
        self.libdir = self.prefix / options["libdir"]
        self.libexec = self.prefix / options["libexecdir"] / "weir"
        self.plugins = pathlib.Path(str(dest) + options["plugindir"]) if options["plugindir"] \
            else self.libdir / "weir/plugins"
        self.weir = self.prefix / options["bindir"] / "weir"

    def pkg_config(self, *args):
        """The files name the configured prefix; here it lies below another folder."""
        env = dict(os.environ, PKG_CONFIG_PATH=str(self.libdir / "pkgconfig"))
        env.pop("PKG_CONFIG_SYSROOT_DIR", None)
        done = subprocess.run(["pkg-config", "--define-variable=prefix=%s" % self.prefix, *args],
                              env=env, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.split()


def check_headers(there):
    for folder in ("include", "sdk/include"):
        for header in sorted((ROOT / folder).glob("weir/**/*.h")):
            name = header.relative_to(ROOT / folder)
            say((there.include / name).exists(), "installed: %s" % name,
                "it is not below %s" % there.include)
    stray = sorted(str(p.relative_to(there.include)) for p in there.include.glob("weir/**/*")
                   if p.is_file() and p.suffix != ".h")
    say(not stray, "nothing but headers in include/weir", str(stray))
    good, out = run(sys.executable, HERE / "headers.py", there.include)
    say(good, "the installed headers compile alone",
        "\n".join(line for line in out.splitlines() if not line.startswith("ok")))


def build_plugin(there, work):
    source, out = work / "stranger.c", work / "stranger.so"
    source.write_text(PLUGIN)
    for compiler in ("cc", "clang-14", "c++"):
        if not shutil.which(compiler):
            skip("plugin by %s" % compiler, "not installed")
            continue
        # C++ before 20 has no designated initializers; g++ takes them as an extension.
        strict = [] if compiler == "c++" else ["-std=c11", "-Wextra", "-Wpedantic", "-Werror"]
        good, text = run(compiler, *strict, "-Wall",
                         *there.pkg_config("--cflags", "--libs", "weir-plugin"),
                         "-o", out, source)
        say(good, "plugin by %s" % compiler, text)
        shown = run("nm", "-D", "--defined-only", out)[1].split("\n")
        shown = [line.split()[-1] for line in shown if line.strip()]
        say(shown == ["weir_plugin_v1"], "its only export by %s" % compiler, str(shown))
    say(there.pkg_config("--variable=plugindir", "weir-plugin") == [str(there.plugins)],
        "pkg-config knows the plugin directory")
    bad = work / "bad.c"
    bad.write_text(PLUGIN + "extern int from_nowhere(void); int use(void);\n"
                   "__attribute__((constructor)) int use(void) { return from_nowhere(); }\n")
    good, _ = run("cc", *there.pkg_config("--cflags", "--libs", "weir-plugin"), "-o",
                  work / "bad.so", bad)
    say(not good, "a plugin that imports what nobody has does not link")
    return out


def build_program(there, work):
    """Asks the installed simulator through the installed library."""
    source, out = work / "program.c", work / "program"
    source.write_text(PROGRAM)
    good, text = run("cc", "-std=c11", "-Wall", "-Werror", source, "-o", out,
                     *there.pkg_config("--cflags", "--libs", "weir"))
    if say(good, "program against weir.pc", text) and not there.sanitized:
        good, text = run(out, env=dict(
            os.environ, LD_LIBRARY_PATH=str(there.libdir), HOME="/nonexistent",
            WEIR_PLUGIN_PATH=str(there.plugins), WEIR_LIBEXEC=str(there.libexec)))
        say(good, "it asks and is answered", text)


def check_programs(there, plugin):
    supervisor = there.libexec / "weir-supervisor"
    if supervisor.exists():
        good, text = run("ldd", supervisor)
        say(good and "glib" not in text and "libcurl" not in text,
            "weir-supervisor needs libc only", text)
        good, text = run("sh", "-c", 'exec "$@" 3>&1', "sh", supervisor, "--try", plugin)
        say(good, "weir-supervisor --try accepts the plugin", text)
    if there.weir.exists():
        clean = {k: v for k, v in os.environ.items() if k not in ("LD_LIBRARY_PATH",)}
        good, text = run(there.weir, "--version", env=clean)
        say(good, "weir --version, with no library path", text)
        good, text = run("ldd", there.weir, env=clean)
        say("%s/../" % there.weir.parent in text, "weir takes the libweir.so beside it", text)
    built = sorted(p.name for p in (there.plugins).glob("*.so"))
    say(bool(built), "plugins are installed: %s" % " ".join(built), "none in %s" % there.plugins)


def check_size(there, work):
    """Text and data of the stripped program and library, as they would be shipped."""
    total, sizes = 0, []
    for path in (there.weir, *sorted(there.libdir.glob("libweir.so.*.*.*"))):
        if not path.exists():
            continue
        stripped = work / path.name
        if not run("strip", "-o", stripped, path)[0]:
            continue
        text, data = map(int, run("size", "-B", stripped)[1].splitlines()[1].split()[:2])
        total += text + data
        sizes.append("%s %d KB" % (path.name, (text + data) // 1024))
    if there.sanitized:
        skip("size", "a sanitized build")
    else:
        say(0 < total <= SIZE_LIMIT, "size: %s, of %d KB" % (", ".join(sizes), SIZE_LIMIT // 1024))


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="weir-install-") as work:
        work = pathlib.Path(work)
        dest = work / "dest"
        good, text = run("meson", "install", "-C", build, "--no-rebuild", "--destdir", dest)
        if say(good, "meson install", text):
            there = Installed(build, dest)
            check_headers(there)
            plugin = build_plugin(there, work)
            build_program(there, work)
            check_programs(there, plugin)
            check_size(there, work)
    print("1..%d" % count)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
