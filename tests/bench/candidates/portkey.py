"""Portkey's gateway from npm, in Node: an example of a candidate that is fetched when it is needed.

A candidate is a module with `prepare()`, which sees to it that the program is there or raises
tools.Missing with the reason, and `launch(place)`, which writes its configuration for two providers
and says how it is started and asked. Two more names are optional: WORKLOADS limits what it takes
part in; SLOW gives it time to warm up and keeps it from the latency and memory measurements.
"""

import json

from lib import tools, workloads
from lib.site import Launch

# Streams end in an exception of its own ("immutable") under Debian 12's Node 18.
WORKLOADS = ["pass_small", "pass_57k", "failover_small"]
SLOW = True

FOLDER = tools.ROOT / "build" / "bench-portkey"
START = FOLDER / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"


def prepare():
    npm = tools.program("npm", "npm")
    if not START.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        tools.sh(npm, "install", "--no-audit", "--no-fund", "--prefix", FOLDER,
                 "@portkey-ai/gateway", timeout=300)


def launch(place):
    targets = [{"provider": "openai", "api_key": "sk-upstream", "custom_host": upstream.url}
               for upstream in (place.primary, place.backup)]
    config = {"strategy": {"mode": "fallback", "on_status_codes": [503]}, "targets": targets}
    if place.setup == workloads.PLAIN:
        config = targets[0]
    return Launch([tools.program("node", "nodejs"), START, "--port=%d" % place.port, "--headless"],
                  headers={"x-portkey-config": json.dumps(config)},
                  # It refuses private addresses as providers unless told otherwise.
                  env={"TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost", "NODE_ENV": "production"})
