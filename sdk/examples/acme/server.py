#!/usr/bin/env python3
"""Plays Acme, the made-up vendor of acme.c, on a free loopback port; prints its address first.

The voice says what it heard last, word by word; "oops" as the last word heard makes it fail in
the middle, the voice "nobody" is refused with 404, the voice "busy" with 429.
"""

import http.server
import json
import sys
import threading
import time

PAUSE_S = 0.02


class Acme(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            asked = json.loads(asked)
            voice, heard = asked["voice"], asked["heard"]
            words = heard[-1]["words"].split()
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return self.refuse(400, "this is not how Acme is asked")
        if self.path != "/say" or voice == "nobody":
            return self.refuse(404, "there is no such voice")
        if voice == "busy":
            return self.refuse(429, "Acme is out of breath", ("retry-after", "7"))
        return self.answer(asked, words, sum(len(h["words"].split()) for h in heard))

    def refuse(self, status, why, *headers):
        body = json.dumps({"oops": why}).encode()
        self.send_response(status)
        for name, value in (("content-length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer(self, asked, words, heard):
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        said = ["Acme's", asked["voice"], "heard:"] + words
        limit = asked.get("limit", len(said))
        for i, word in enumerate(said[:limit]):
            if word == "oops":
                self.line({"oops": "Acme lost its voice"})
                break
            word = word.upper() if asked.get("mood") == "loud" else word
            self.line({"say": word if i == 0 else " " + word})
        else:
            self.line({"over": "done" if limit >= len(said) else "limit", "heard": heard,
                       "said": min(limit, len(said))})
        self.wfile.write(b"0\r\n\r\n")

    def line(self, value):
        line = json.dumps(value).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.flush()
        time.sleep(PAUSE_S)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def start():
    """Serves in the background: the server, and its address."""
    server = Server(("127.0.0.1", 0), Acme)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, "http://127.0.0.1:%d" % server.server_address[1]


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Acme)
    print("http://127.0.0.1:%d" % server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)
