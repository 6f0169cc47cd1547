"""Requests spread over providers; the answer says who gave it. Configuration: balance.yaml."""

import sys
from collections import Counter

from weir_client import ask, show

routes = sys.argv[1:] or ["turns", "shares"]
for i in range(5):
    show("query %d" % i, *ask("Query %d: what is AI?" % i, routes[0]))
for route in routes:
    served = Counter(ask("Query %d: what is AI?" % i, route)[1].split("/")[0] for i in range(20))
    print("20 of %s: %s" % (route, ", ".join("%s %d" % pair for pair in sorted(served.items()))))
