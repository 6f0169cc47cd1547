"""How the providers do: what the gateway has counted since it runs. Any configuration."""

import os
import re
import urllib.request
from collections import defaultdict

url = os.environ.get("WEIR_URL", "http://127.0.0.1:8080") + "/metrics"
targets = defaultdict(lambda: defaultdict(float))
with urllib.request.urlopen(url, timeout=10) as page:        # for administrators, where keys are
    for line in page.read().decode().splitlines():
        found = re.match(r'weir_(\w+){target="([^"]+)"(?:,\w+="(\w+)")?} (\S+)$', line)
        if found:
            name, target, label, value = found.groups()
            good = "" if name != "attempts_total" else "_good" if label == "ok" else "_failed"
            targets[target][name + good] += float(value)
for target, of in sorted(targets.items()):
    answers = of["gen_ai_server_request_duration_seconds_count"]
    print("%-36s %s, %d good, %d failed, %d tokens, %.3f s on average" % (
        target, "up" if of["target_up"] else "resting", of["attempts_total_good"],
        of["attempts_total_failed"], of["gen_ai_client_token_usage_total"],
        of["gen_ai_server_request_duration_seconds_sum"] / answers if answers else 0))
