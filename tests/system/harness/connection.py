"""Connections to the scripted provider: requests as they come, replies step by step."""

import asyncio
import json
import socket
import struct
import threading
import time

from .steps import Call, Close, Gate, Reset, Send, Stall, Wait


class Record:
    """One request as it came, and what became of it."""

    def __init__(self, number, connection):
        self.number = number
        self.connection = connection       # number of the connection it came on
        self.method = self.target = ""
        self.fields = []                   # header fields in order, as written
        self.body = b""
        self.at = time.monotonic()
        self.cls = None
        self.done = threading.Event()      # the reply was written (or given up)
        self.gone = threading.Event()      # the sender closed or reset while being answered
        self.gone_at = None
        self.gone_gate = Gate()            # opens with `gone`

    @property
    def path(self):
        return self.target.split("?")[0]

    @property
    def headers(self):
        return {name.lower(): value for name, value in self.fields}

    def json(self):
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.buffer = bytearray()
        self.changed = asyncio.Event()
        self.flow = asyncio.Event()
        self.flow.set()
        self.eof = False
        self.record = None

    def connection_made(self, transport):
        self.transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = self.server.opened(self)
        self.task = asyncio.get_running_loop().create_task(self.serve())

    def data_received(self, data):
        self.buffer += data
        self.changed.set()

    def pause_writing(self):
        self.flow.clear()

    def resume_writing(self):
        self.flow.set()

    def eof_received(self):
        self.leave()
        return False

    def connection_lost(self, exc):
        self.leave()
        self.flow.set()
        self.server.connections.discard(self)

    def leave(self):
        if not self.eof:
            self.eof = True
            if self.record and not self.record.done.is_set():
                self.record.gone_at = time.monotonic()
                self.record.gone.set()
                self.record.gone_gate.open()
                self.server.note("gone", self.record)
        self.changed.set()

    async def more(self):
        """Waits for bytes or the end. False: the end."""
        if self.eof:
            return False
        self.changed.clear()
        await self.changed.wait()
        return not self.eof or bool(self.buffer)

    async def until(self, mark):
        while mark not in self.buffer:
            if not await self.more() or self.eof:
                return None
        at = self.buffer.index(mark) + len(mark)
        out = bytes(self.buffer[:at])
        del self.buffer[:at]
        return out

    async def exactly(self, count):
        while len(self.buffer) < count:
            if self.eof or not await self.more():
                return None
        out = bytes(self.buffer[:count])
        del self.buffer[:count]
        return out

    async def body(self, record):
        headers = record.headers
        if "chunked" in headers.get("transfer-encoding", ""):
            parts = []
            while True:
                line = await self.until(b"\r\n")
                if line is None:
                    return None
                size = int(line.split(b";")[0], 16)
                part = await self.exactly(size + 2)
                if part is None:
                    return None
                if not size:
                    return b"".join(parts)
                parts.append(part[:-2])
        return await self.exactly(int(headers.get("content-length", 0)))

    async def serve(self):
        try:
            while await self.one():
                pass
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.transport.close()

    async def one(self):
        raw = await self.until(b"\r\n\r\n")
        if raw is None:
            return False
        lines = raw.decode("latin-1").split("\r\n")
        record = self.record = Record(0, self.number)
        record.method, record.target, _ = lines[0].split(" ", 2)
        for line in lines[1:-2]:
            name, _, value = line.partition(":")
            record.fields.append((name, value.strip()))
        reply = self.server.early(record)
        if reply is None:
            body = await self.body(record)
            if body is None:
                return False
            record.body = body
        reply = self.server.arrived(record, reply)
        try:
            alive = await self.answer(record, reply)
        finally:
            self.server.note("done", record)
            record.done.set()
        closing = record.headers.get("connection", "").lower() == "close"
        return alive and not reply.close and not closing and not self.eof

    async def answer(self, record, reply):
        for step in reply.steps:
            if self.eof:
                return False
            if isinstance(step, Send):
                await self.flow.wait()
                if step.usage:             # before the other side can have seen it
                    self.server.count(step.usage)
                self.transport.write(step.data)
                await self.flow.wait()
            elif isinstance(step, Wait):
                await self.either(step.gate)
            elif isinstance(step, Call):
                step.function()
            elif isinstance(step, Stall):
                while not self.eof:
                    self.changed.clear()
                    await self.changed.wait()
            elif isinstance(step, Close):
                return False
            elif isinstance(step, Reset):
                self.reset()
                return False
        return True

    async def either(self, gate):
        """Until the gate opens or the other side leaves."""
        passed = asyncio.ensure_future(gate.passed())
        while not passed.done() and not self.eof:
            self.changed.clear()
            changed = asyncio.ensure_future(self.changed.wait())
            await asyncio.wait({passed, changed}, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
        passed.cancel()

    def reset(self):
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
