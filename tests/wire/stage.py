"""The stage all tables play on: the replay upstream, and a gateway in front of it with a provider for
each provider part, named as its API with a dash. Beside it a second gateway, the same but for
a filter (plugins/touch.c) that changes nothing and yet keeps everything from being passed through as
bytes: all is translated there and back."""

import json
import os
import pathlib
import tempfile

import records
from dialects import Asker
from replay import Replay

from harness import names, plugins  # found by dialects
from harness.gateway import Gateway, eventually, weir_bin

TOUCH = pathlib.Path(__file__).resolve().parent / "plugins" / "touch.c"

# Provider parts: their wire form -> plugin, the tail of a base URL, options.
PARTS = {
    records.CHAT: ("openai", "/v1", {}),
    records.RESPONSES: ("openai", "/v1", {"responses": "yes", "api": "responses"}),
    records.MESSAGES: ("anthropic", "", {}),
    "gemini": ("gemini", "", {}),
    records.OLLAMA: ("ollama", "", {}),
}


def plugin_folder():
    folder = os.environ.get("WEIR_PLUGIN_PATH")
    return pathlib.Path(folder) if folder else pathlib.Path(weir_bin()).parents[1] / "plugins"


def _offers(plugin, form):
    """Whether a plugin is there and knows the API: its name is in it as the dialect's."""
    path = plugin_folder() / (plugin + ".so")
    return path.exists() and form.encode() in path.read_bytes()


class Stage:
    def __init__(self):
        self.replay = Replay()
        self.parts = {form: part for form, part in PARTS.items() if _offers(part[0], form)}
        config = {
            "providers": {name(form): self._provider(*part) for form, part in self.parts.items()},
            # One attempt each, and what fails in one cell is not felt by the next.
            "breaker": {"failures": 0}, "workers": 1,
            # What is to be left alone for a while is told of at once, not waited for.
            "limits": {"queue": 0},
        }
        self._folder = tempfile.TemporaryDirectory(prefix="weir-wire-")
        os.chmod(self._folder.name, 0o755)
        plugins.build(self._folder.name + "/touch.so", source=TOUCH)
        env = {"WIRE_KEY": "vendor-key-of-the-wire-tests",
               "WEIR_PLUGIN_PATH": plugins.search_path(self._folder.name)}
        self.gateways = [Gateway(dict(config), env),
                         Gateway(dict(config, filters=["touch"]), env)]
        self.askers = [Asker(gateway.port) for gateway in self.gateways]
        self.dialects, self._asks = {}, 0
        self._read, self._warnings = [0] * len(self.gateways), {}

    def _provider(self, plugin, tail, options):
        return dict({"plugin": plugin, "base_url": self.replay.url + tail,
                     "api_key": "${WIRE_KEY}", "models": ["*"], "max_retries": 0,
                     "timeout": {"connect": "5s", "first_byte": "5s", "first_token": "5s",
                                 "idle": "5s", "total": "10s"}}, **options)

    def speaks(self, dialect):
        """Whether the gateway has this dialect: its path is not unknown, or forwarded."""
        if dialect.name not in self.dialects:
            reply = self.askers[0].ask(dialect, dialect.path("none", False), [], b"{")
            self.dialects[dialect.name] = reply.status == 400
        return self.dialects[dialect.name]

    def ask(self, dialect, form, model, streamed, body, filtered=False):
        """Asks a provider part through a dialect. `model` goes where the API has it."""
        if dialect.form != "gemini":
            body = dict(body, model=model)
        # One part has both of OpenAI's APIs and passes Chat Completions on as they are, whatever it
        # uses for the rest; to see them as Responses they have to be translated first.
        if (dialect.form, form) == (records.CHAT, records.RESPONSES):
            filtered = True
        return self.askers[filtered].ask(dialect, dialect.path(model, streamed),
                                         [("x-weir-provider", name(form))], body)

    def fresh(self, record):
        """A name for the play of a record that was not asked for before: what one failure did to a
        target (a cool-down) is not to be felt by the next."""
        self._asks += 1
        return "%s~%d" % (record.id, self._asks)

    def warnings(self, reply):
        """What a reply warned of: the header, or the log where the header was too short for it."""
        text = reply.headers.get(names.H_WARNINGS, "")
        if len(text) < 800:
            return text
        ident = reply.headers["x-weir-id"]
        return eventually("the log tells of %s" % ident, lambda: self._logged(ident))

    def _logged(self, ident):
        """The warnings of one request, as the log has them. Each log is read once, bit by bit."""
        for n, gateway in enumerate(self.gateways):
            with open(gateway.access_path, "rb") as log:
                log.seek(self._read[n])
                fresh = log.read()
            whole = fresh[:fresh.rfind(b"\n") + 1]
            self._read[n] += len(whole)
            for line in whole.splitlines():
                entry = json.loads(line)
                if entry.get("warnings"):
                    self._warnings[entry["id"]] = json.dumps(entry["warnings"])
        return self._warnings.pop(ident, None)

    def ended(self):
        """What the gateways have to say if one of them is gone, else None."""
        for gateway in self.gateways:
            if gateway.process.poll() is not None or \
                    any("crash" in line for line in gateway.lines if line):
                return gateway.output()[-4000:]
        return None

    def close(self):
        """What there is to say if a gateway did not end well, else None."""
        for asker in self.askers:
            asker.close()
        told = None
        for gateway in self.gateways:
            gateway.stop()
            crashed = any("crash" in line for line in gateway.lines if line)
            if crashed or not gateway.exited_cleanly:
                told = gateway.output()[-4000:]
        self.replay.stop()
        self._folder.cleanup()
        return told


def name(form):
    return form.replace(".", "-")
