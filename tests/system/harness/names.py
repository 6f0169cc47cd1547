"""The words the gateway uses towards the outside: metric names, log fields, headers, messages.

Everything the tests have to know about how the gateway spells things stands here, once.
"""

import re

# Lines of the gateway's own log.
LISTENING = re.compile(r"listening on (http://(127\.0\.0\.1|\[::1\]):(\d+))")
RELOADED = re.compile(r"reload", re.I)
RELOAD_REFUSED = re.compile(r"(reload|configuration).*(refus|fail|kept|keep|not|invalid)", re.I)
CRASHED = re.compile(r"(crash|signal|SIG[A-Z]+)", re.I)
QUARANTINED = re.compile(r"quarantin", re.I)

# Response headers.
H_PROVIDER = "x-weir-provider"
H_MODEL = "x-weir-model"
H_ATTEMPTS = "x-weir-attempts"
H_WARNINGS = "x-weir-warnings"

# Metrics: name, and the labels the tests look at.
M_REQUESTS = "weir_requests_total"   # route, dialect, op, status
M_ATTEMPTS = "weir_attempts_total"   # target, class
M_TOKENS = "weir_gen_ai_client_token_usage_total"  # target, kind
M_TTFT = "weir_gen_ai_server_time_to_first_token_seconds"
M_INFLIGHT = "weir_inflight"
CLASS_OK = "ok"

KINDS = ("input", "output", "cache_read")


def log_attempts(entry):
    """(provider, class) of every attempt of one access log entry."""
    return [(a["target"].split("/")[0], a.get("class") or CLASS_OK) for a in entry["attempts"]]


def log_usage(entry):
    """Tokens of all attempts of one access log entry, by kind. What was not reported is absent."""
    per_attempt = [a["usage"] for a in entry["attempts"] if a.get("usage")]
    reports = per_attempt or ([entry["usage"]] if entry.get("usage") else [])
    total = {}
    for usage in reports:
        for kind in KINDS:
            if usage.get(kind) is not None and usage[kind] >= 0:
                total[kind] = total.get(kind, 0) + usage[kind]
    return total
