"""Requests spread over providers; the answer says who gave it. Configuration: balance.yaml."""

import sys
from collections import Counter

from weir_client import ask

routes = sys.argv[1:] or ["turns", "shares"]
for i in range(5):
    answer, _ = ask("Query %d: What is AI?" % i, routes[0])
    print("query %d handled by: %s" % (i, answer.provider))
for route in routes:
    served = Counter(ask("Query %d: What is AI?" % i, route)[0].provider for i in range(20))
    print("20 of %s: %s" % (route, ", ".join("%s %d" % pair for pair in sorted(served.items()))))
