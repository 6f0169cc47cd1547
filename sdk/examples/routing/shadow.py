"""One model answers, and another is tried with copies of the requests. Configuration: shadow.yaml."""

import os
import urllib.request
from collections import Counter

from weir_client import ask

served = Counter(ask("Query %d: what is AI?" % i)[1] for i in range(20))
print("answered by %s" % ", ".join("%s %d" % pair for pair in sorted(served.items())))
url = os.environ.get("WEIR_URL", "http://127.0.0.1:8080") + "/metrics"
with urllib.request.urlopen(url, timeout=10) as page:        # for administrators, where keys are
    for line in page.read().decode().splitlines():
        if line.startswith("weir_shadows_total{"):
            print(line)                                      # copies still under way are not counted
