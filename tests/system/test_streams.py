"""A thousand streams at once over one worker: each gets its own bytes, all of them, in order."""

import asyncio
import hashlib
import json
import random
import resource
import unittest
from collections import Counter

from harness import upstream
from harness.case import Case, provider
from harness.upstream import chunk, event

STREAMS = 1000
PIECES = 40
SLOW_EVERY = 10


def content_of(seed):
    """The pieces of stream `seed`: random text, escapes and wide characters among it."""
    pick = random.Random(seed)
    alphabet = "abcdefghijklmnop 0123\n\"\\/\u00e9\u20ac\U0001f600\u2028"
    return ["".join(pick.choices(alphabet, k=pick.randrange(1, 400))) for _ in range(PIECES)]


def digest(pieces):
    return hashlib.sha256("".join(pieces).encode()).hexdigest()


def answer(record):
    """The stream that the user field of the request names."""
    asked = record.json()
    seed = int(asked["user"])
    steps = [event(chunk({"role": "assistant", "content": ""}))]
    steps += [event(chunk({"content": piece})) for piece in content_of(seed)]
    steps += [event(chunk({}, finish="stop")),
              upstream.Send(event(chunk(choices=[], usage=upstream.usage_block(seed, PIECES))),
                            upstream.counted(seed, PIECES)), upstream.DONE]
    return upstream.sse(steps)


class Reader:
    """One application that reads a stream; a slow one takes little at a time."""

    def __init__(self, port, seed, slow, started):
        self.port, self.seed, self.slow, self.started = port, seed, slow, started

    async def run(self):
        limit = 2048 if self.slow else 65536
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=limit)
        body = json.dumps({"model": "m", "stream": True, "user": str(self.seed),
                           "messages": []}).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        await self.started.wait()
        raw = bytearray()
        while True:
            size = int((await reader.readuntil(b"\r\n"))[:-2], 16)
            left = size
            while left:
                part = await reader.read(min(left, 256 if self.slow else 65536))
                if not part:
                    raise AssertionError("stream %d was cut" % self.seed)
                raw += part
                left -= len(part)
                if self.slow:
                    await asyncio.sleep(0)
            await reader.readexactly(2)
            if not size:
                break
        writer.close()
        return status, self.check(bytes(raw))

    def check(self, raw):
        events = [part[6:] for part in raw.decode().split("\n\n") if part.startswith("data: ")]
        if events[-1] != "[DONE]":
            return "no end"
        text = []
        for data in events[:-1]:
            for choice in json.loads(data)["choices"]:
                text.append(choice["delta"].get("content", ""))
        return "right" if digest(text) == digest(content_of(self.seed)) else "wrong"


class StreamsTest(Case):
    WATCHDOG_S = 300

    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < 4 * STREAMS:
            self.skipTest("needs %d open files, the limit is %d" % (4 * STREAMS, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * STREAMS), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def test_thousand_at_once(self):
        up = self.upstream(default=answer)
        gateway = self.gateway({"workers": 1, "providers": {"fake": provider(
            up, timeout={"total": "280s"})}})

        async def every():
            started = asyncio.Event()
            readers = [Reader(gateway.port, i, i % SLOW_EVERY == 0, started)
                       for i in range(STREAMS)]
            tasks = [asyncio.ensure_future(r.run()) for r in readers]

            async def all_there():
                while len(up.requests) < STREAMS:
                    done, _ = await asyncio.wait(tasks, timeout=0.05,
                                                 return_when=asyncio.FIRST_EXCEPTION)
                    for task in done:
                        task.result()

            await asyncio.wait_for(all_there(), 120)
            started.set()                  # nobody reads on before all thousand are running
            return await asyncio.wait_for(asyncio.gather(*tasks), 150)

        outcomes = Counter(asyncio.run(every()))
        self.assertEqual(outcomes, {(200, "right"): STREAMS})
        entries = self.books(gateway, up, requests=STREAMS)
        self.assertEqual({entry["class"] for entry in entries} - {"ok", "none", None, ""}, set())


if __name__ == "__main__":
    unittest.main()
