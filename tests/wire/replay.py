"""An upstream that plays what it is told, by model: the model of a request names the play. What is
behind a "~" in it does not count, so that one play can be asked for under many names. Every request
is kept. Where there is no play of that name, a short answer is given in the form of the API.

The `way` of a play says how its body is written: `whole` in one piece, `events` one write for each
event, `bytes` one for each byte, `odd` cut at odd places, `pieces` as it was recorded.

One thread for each connection, over plain blocking sockets: the gateway keeps few of them.
"""

import json
import random
import re
import socket
import threading

import short

_MODEL_IN_PATH = re.compile(r"/models/([^/:?]+):")
_REASON = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class Play:
    """An answer. `cut`: the connection ends with the body, before the end of the body is told."""

    __slots__ = ("status", "headers", "body", "pieces", "chunk_lengths", "streamed", "cut", "way")

    def __init__(self, status, headers, body, pieces=None, chunk_lengths=None, streamed=False,
                 cut=False, way="events"):
        self.status, self.headers, self.body = status, headers, body
        self.pieces, self.chunk_lengths = pieces, chunk_lengths
        self.streamed, self.cut, self.way = streamed, cut, way


class Asked:
    """A request as it came."""

    __slots__ = ("method", "path", "headers", "body")

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def json(self):
        return json.loads(self.body)


def odd_cuts(body, seed):
    rng, out, at = random.Random(seed), [], 0
    while at < len(body):
        size = rng.choice((1, 2, 3, 5, 17, 64, 301, 1400))
        out.append(body[at:at + size])
        at += size
    return out


def _divide(play, name):
    way = play.way
    if way == "whole" or not play.body:
        return [play.body] if play.body else []
    if way == "bytes":
        return [play.body[i:i + 1] for i in range(len(play.body))]
    if way == "odd":
        return odd_cuts(play.body, name)
    if way == "pieces" and play.chunk_lengths:
        out, at = [], 0
        for size in play.chunk_lengths:
            out.append(play.body[at:at + size])
            at += size
        return [piece for piece in out + [play.body[at:]] if piece]
    return play.pieces or [play.body]


class Replay:
    def __init__(self):
        self.plays = {}
        self.asked = {}
        self._threads, self._open = [], set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in list(self._open):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self._acceptor.join(5)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            buffer = b""
            while True:
                asked, buffer = self._read(sock, buffer)
                if asked is None or not self._answer(sock, asked):
                    return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    @staticmethod
    def _read(sock, buffer):
        while b"\r\n\r\n" not in buffer:
            data = sock.recv(65536)
            if not data:
                return None, b""
            buffer += data
        head, _, buffer = buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length", 0))
        parts, have = [buffer], len(buffer)
        while have < size:
            data = sock.recv(262144)
            if not data:
                return None, b""
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        return Asked(method, path, headers, whole[:size]), whole[size:]

    def _answer(self, sock, asked):
        name = _name_of(asked).partition("~")[0]
        self.asked.setdefault(name, []).append(asked)
        play = self.plays.get(name)
        if callable(play):
            play = play(asked)
        play = play or short.answer(asked)
        if play is None:
            play = Play(404, {"content-type": "application/json"}, b'{"error":{"message":"what?"}}')
        return self._play(sock, play, name)

    @staticmethod
    def _play(sock, play, name):
        fields = ["HTTP/1.1 %d %s" % (play.status, _REASON.get(play.status, "Status"))]
        fields += ["%s: %s" % (key, value) for key, value in play.headers.items()
                   if key.lower() not in ("content-length", "transfer-encoding", "connection")]
        if not (play.streamed or play.cut):
            fields.append("Content-Length: %d" % len(play.body))
            sock.sendall(("\r\n".join(fields) + "\r\n\r\n").encode("latin-1"))
            for piece in _divide(play, name):
                sock.sendall(piece)
            return True
        fields.append("Transfer-Encoding: chunked")
        sock.sendall(("\r\n".join(fields) + "\r\n\r\n").encode("latin-1"))
        for piece in _divide(play, name):
            sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        if play.cut:
            return False
        sock.sendall(b"0\r\n\r\n")
        return True


def _name_of(asked):
    found = _MODEL_IN_PATH.search(asked.path)
    if found:
        return found.group(1)
    try:
        return json.loads(asked.body).get("model", "")
    except (ValueError, AttributeError):
        return ""
