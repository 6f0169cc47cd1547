"""What a scripted reply is made of: steps, and gates that the test opens."""

import asyncio
import threading


class Gate:
    """Opened by the test, waited for by steps. Works across threads and event loops."""

    def __init__(self):
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._waiters = []
        self.reached = threading.Event()

    def open(self):
        with self._lock:
            self._event.set()
            waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            loop.call_soon_threadsafe(lambda f=future: f.done() or f.set_result(None))

    async def passed(self):
        loop = asyncio.get_running_loop()
        with self._lock:
            self.reached.set()
            if self._event.is_set():
                return
            future = loop.create_future()
            self._waiters.append((loop, future))
        await future


# -- Steps ------------------------------------------------------------------------------------


class Send:
    """Bytes to write. `usage` is entered in the books with them."""

    def __init__(self, data, usage=None):
        self.data = data if isinstance(data, bytes) else data.encode()
        self.usage = usage


class Wait:
    def __init__(self, gate):
        self.gate = gate


class Call:
    """Calls a function of the test from the server's thread; for noting the order of things."""

    def __init__(self, function):
        self.function = function


class Stall:
    """Nothing more, until the other side goes away."""


class Close:
    """An orderly end of the connection (FIN)."""


class Reset:
    """A rude one (RST)."""


class Reply:
    """One answer: steps, whether the connection lives on, and what it means for the books.

    `cls` is the failure class that the gateway must log for the attempt ("ok" for a success).
    `early` answers as soon as the request head is there, without reading the body.
    """

    def __init__(self, steps, cls="ok", close=False, early=False):
        self.steps = list(steps)
        self.cls = cls
        self.close = close
        self.early = early
