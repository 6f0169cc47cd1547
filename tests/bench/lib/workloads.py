"""What is measured: requests, answers, and what the gateway has to do with them."""

import json
from dataclasses import dataclass

from . import tools

# What a candidate is set up for.
PLAIN, TLS, FORCED, FAILOVER, TRANSLATED = "plain", "tls", "forced", "failover", "translated"

KEY = "sk-bench-0123456789abcdef0123456789abcdef"    # the application's

SENTENCE = ("The quick brown fox jumps over the lazy dog, and the gateway carries what it said.\n"
            "Another line begins with \"quoted words\" and goes on for a while, as lines do. ")


@dataclass(frozen=True)
class Workload:
    name: str
    body: int               # bytes of the request, about
    answer: str = "json"    # what the mock says: json, sse, spaced, hold
    setup: str = PLAIN      # of the candidate
    against: str = PLAIN    # of nginx, beside it
    conns: int = 32
    seconds: float = 1.0    # factor on the length of a round

    @property
    def stream(self):
        return self.answer != "json"

    @property
    def tail(self):
        return "[DONE]\n\n" if self.stream else "}"


WORKLOADS = [
    Workload("pass_small", 1300),
    Workload("pass_57k", 57_000, conns=16),
    Workload("pass_2m", 2_000_000, conns=4),
    Workload("pass_sse", 1300, "sse"),
    Workload("pass_sse_spaced", 1300, "spaced", seconds=1.3),
    Workload("forced_small", 1300, setup=FORCED),
    Workload("forced_57k", 57_000, setup=FORCED, conns=16),
    Workload("forced_sse", 1300, "sse", setup=FORCED),
    Workload("tls_small", 1300, setup=TLS, against=TLS),
    Workload("failover_small", 1300, setup=FAILOVER),
    Workload("translated_small", 1300, setup=TRANSLATED),
    Workload("translated_57k", 57_000, setup=TRANSLATED, conns=16),
]

# Named in the results, so that whoever reads them sees that they are not measured, and why.
ABSENT = {}


def by_name(name):
    for workload in WORKLOADS:
        if workload.name == name:
            return workload
    raise KeyError(name)


def chat(size, stream):
    """A conversation of about `size` bytes in turns of at most 2.5 KB."""
    request = {"model": "main", "stream": stream, "temperature": 0.7, "max_tokens": 1024,
               "messages": [{"role": "system", "content": "You are a terse assistant."}]}
    if not stream:
        del request["stream"]
    text = SENTENCE * (2500 // len(SENTENCE))
    while True:
        left = size - len(json.dumps(request)) - 40
        if left < 40:
            request["messages"][-1]["role"] = "user"    # else it would ask for a continuation
            return json.dumps(request).encode()
        role = "user" if len(request["messages"]) % 2 else "assistant"
        while len(json.dumps(text)) > left and len(text) > 10:
            text = text[:max(10, len(text) - max(1, (len(json.dumps(text)) - left) // 2))]
        request["messages"].append({"role": role, "content": text})


def request_file(workload, path, headers=None):
    """Writes head and body as the load generator sends them; returns the file."""
    body = chat(workload.body, workload.stream)
    lines = ["POST %s HTTP/1.1" % path, "Host: 127.0.0.1:8080", "User-Agent: OpenAI/Python 1.40.0",
             "Accept: application/json", "Content-Type: application/json",
             "Authorization: Bearer " + KEY,
             "x-stainless-lang: python", "x-stainless-retry-count: 0"]
    lines += ["%s: %s" % pair for pair in (headers or {}).items()]
    lines += ["Content-Length: %d" % len(body), "", ""]
    folder = tools.WORK / "requests"
    folder.mkdir(parents=True, exist_ok=True)
    content = "\r\n".join(lines).encode() + body
    name = "%d-%s-%x" % (workload.body, workload.answer, hash((path, str(headers))) & 0xffffffff)
    out = folder / name
    out.write_bytes(content)
    return out
