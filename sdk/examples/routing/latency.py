"""The quicker provider gets most of the requests. Configuration: latency.yaml."""

from collections import Counter

from weir_client import AUTO, client

served = Counter()
for i in range(30):
    raw = client.chat.completions.with_raw_response.create(
        model=AUTO, stream=True, messages=[{"role": "user", "content": "Query %d" % i}])
    for piece in raw.parse():
        pass
    served[raw.headers["x-weir-provider"]] += 1
print("30 of quick: " + ", ".join("%s %d" % pair for pair in sorted(served.items())))
