"""Weir, one worker, as production would run it: access log, statistics, keys and limits on."""

import json

from lib import workloads
from lib.site import Launch


# Checked and booked with every request, and never reached. Not tokens_per_minute: the most that can
# be configured is less than what is sent here.
LIMITS = {"requests_per_minute": 1000000000, "concurrency": 100000}


def prepare():
    pass


def provider(upstream, place):
    plugin = "anthropic" if place.setup == workloads.TRANSLATED else "openai"
    out = {"plugin": plugin, "base_url": upstream.url, "api_key": "${BENCH_KEY}",
           "default_model": "bench-model", "max_retries": 0, "rate_limit": LIMITS}
    if upstream.tls:
        out["ca_file"] = str(place.ca_file)
    return out


def configuration(place):
    route = {"failover": {"try": ["primary", "backup"]}}
    if place.setup == workloads.FORCED:
        route["filters"] = ["noop"]
    config = {
        "listen": "127.0.0.1:%d" % place.port, "workers": place.workers,
        "log": {"access": str(place.folder / "access.log"), "level": "warning"},
        "limits": {"connections": 16384, "idle_timeout": "300s"},
        "keys": {"bench": "${BENCH_APP_KEY}"}, "tenants": {"bench": LIMITS},
        "models_refresh": 0,               # nothing but what is measured goes upstream
        "providers": {"primary": provider(place.primary, place),
                      "backup": provider(place.backup, place)},
        "routes": {"main": route}, "default_route": "main",
    }
    if place.setup == workloads.FAILOVER:
        config["breaker"] = {"failures": 0}    # every request is to try the one that fails
    return config


def launch(place):
    path = place.folder / "weir.yaml"
    path.write_text(json.dumps(configuration(place), indent=1))    # JSON is YAML
    path.chmod(0o600)
    return Launch([place.build / "core" / "weir", "serve", "-c", path],
                  env=environment(place.build), logs=[place.folder / "access.log"])


def environment(build):
    return {"WEIR_PLUGIN_PATH": str(build / "plugins"), "WEIR_LIBEXEC": str(build / "core"),
            "BENCH_KEY": "sk-upstream-0123456789abcdef", "BENCH_APP_KEY": workloads.KEY}
