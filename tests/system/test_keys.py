"""Who is let in: keys, hosts and origins, what a key may ask for, admin paths."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import client
from harness.case import KEY as PROVIDER_KEY, Case, provider
from harness.gateway import EX_CONFIG, run, weir_bin

BOSS, TEAM, OTHER = ("sk-weir-%s-0123456789" % name for name in ("boss", "team", "other"))
CHAT = {"model": "m", "messages": client.messages()}
CLAUDE = dict(CHAT, max_tokens=9)
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
ANTHROPIC = [("anthropic-version", "2023-06-01")]


def hashed(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def bearer(key):
    return [("Authorization", "Bearer " + key)]


class KeysCase(Case):
    def keyed(self, keys=None, **more):
        self.up = self.upstream()
        self.config = dict({
            "providers": {"fake": provider(self.up, model_aliases={"small": "m-small"}),
                          "spare": provider(self.up, models=["s"], default_model="s")},
            "routes": {"main": "fake/m", "secret": "spare/s"},
            "default_route": "main",
            "keys": keys if keys is not None else {
                "boss": {"key": hashed(BOSS), "admin": True},
                "team": {"key": "${TEAM}", "tenant": "acme", "routes": ["main"],
                         "models": ["m-small", "small", "spare/t*"]},
            },
        }, **more)
        self.gw = self.gateway(self.config, {"TEAM": TEAM})
        self.port = self.gw.port

    def chat(self, key=None, model="m", **more):
        return client.chat(self.port, model, headers=(bearer(key) if key else []), **more)


class SendingTest(KeysCase):
    """Each way in which an SDK sends its key."""

    WAYS = [
        ("openai", "/v1/chat/completions", CHAT, lambda k: bearer(k)),
        ("openai, lower case", "/v1/chat/completions", CHAT,
         lambda k: [("authorization", "bearer " + k)]),
        ("azure", "/v1/chat/completions", CHAT, lambda k: [("api-key", k)]),
        ("responses", "/v1/responses", {"model": "m", "input": "x"}, bearer),
        ("anthropic", "/v1/messages", CLAUDE, lambda k: [("x-api-key", k)] + ANTHROPIC),
        ("anthropic token", "/v1/messages", CLAUDE, lambda k: bearer(k) + ANTHROPIC),
        ("gemini", "/v1beta/models/m:generateContent", GEMINI, lambda k: [("x-goog-api-key", k)]),
        ("gemini query", "/v1beta/models/m:generateContent?key={}", GEMINI, lambda k: []),
        ("ollama", "/api/chat", dict(CHAT, stream=False), bearer),
        ("one of two", "/v1/messages", CLAUDE,
         lambda k: [("x-api-key", "something-else")] + bearer(k) + ANTHROPIC),
    ]
    SHAPES = {  # what an SDK looks at
        "/v1/chat": lambda e: e["error"]["code"] == "invalid_api_key",
        "/v1/resp": lambda e: e["error"]["code"] == "invalid_api_key",
        "/v1/mess": lambda e: e["type"] == "error" and e["error"]["type"] == "authentication_error",
        "/v1beta/": lambda e: e["error"]["status"] == "UNAUTHENTICATED",
        "/api/cha": lambda e: isinstance(e["error"], str),
    }

    def ask(self, way, key):
        _, path, body, headers = way
        return client.post(self.port, path.format(key), body, headers(key))

    def test_every_way(self):
        self.keyed()
        for way in self.WAYS:
            with self.subTest(way=way[0]):
                self.assertEqual(self.ask(way, BOSS).status, 200)
                wrong = self.ask(way, BOSS + "x")
                self.assertEqual(wrong.status, 401, wrong.body)
                self.assertTrue(self.SHAPES[way[1][:8]](wrong.json()), wrong.body)
                self.assertNotIn(BOSS.encode(), wrong.body)
        self.assertEqual(len(self.up.requests), len(self.WAYS), "the wrong ones came nowhere")

    def test_no_key(self):
        self.keyed()
        self.assert_error(self.chat(), 401, "invalid_api_key", says="no key was sent")
        self.assert_error(client.chat(self.port, headers=[("Authorization", "Basic " + BOSS)]), 401)
        self.assert_error(client.get(self.port, "/v1/models"), 401)
        self.assertEqual(client.get(self.port, "/healthz").status, 200)
        self.assertEqual(self.up.requests, [])

    # field: 3.11.7
    def test_every_path_asks(self):
        self.keyed()
        paths = [(m, "/v1/" + p) for m in ("GET", "POST") for p in
                 ("models", "models/m", "files", "files/f", "responses/r", "none/such")]
        paths += [("GET", "/v1beta/models"), ("POST", "/v1beta/models/m:streamGenerateContent"),
                  ("GET", "/api/tags"), ("POST", "/api/show"), ("DELETE", "/api/delete"),
                  ("GET", "/metrics"), ("POST", "/metrics"), ("HEAD", "/v1/models"),
                  ("GET", "/v1//models"), ("PUT", "/v1/../metrics")]
        for method, path in paths:
            for headers in ([], ANTHROPIC, bearer(OTHER)):
                status = client.call(self.port, method, path, headers=headers).status
                self.assertIn(status, (401, 405, 404), (method, path))
                if method == "GET":
                    self.assertEqual(status, 401, path)
        self.assertEqual(self.up.requests, [])

    def test_refused_before_the_body(self):
        self.keyed()
        with client.Conn(self.port) as conn:
            conn.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                      b"Content-Type: application/json\r\nContent-Length: 50000000\r\n\r\n")
            self.assertEqual(conn.response().status, 401)
            self.assertTrue(conn.ended())

    # field: 3.11.5
    def test_neither_sent_on_nor_logged(self):
        self.keyed(log={"level": "debug"})
        for way in self.WAYS:
            self.ask(way, BOSS)
        client.get(self.port, "/v1/files?key=" + BOSS, bearer(BOSS))
        client.post(self.port, "/v1/audio/speech?key=" + BOSS, {"model": "m"},
                    [("x-api-key", BOSS), ("openai-organization", "o")] + bearer(BOSS))
        entries = self.gw.wait_access(len(self.WAYS) + 2)
        self.assertEqual({(e["key"], e["tenant"]) for e in entries}, {("boss", "boss")})
        self.assertEqual(len(self.up.requests), len(self.WAYS) + 2)
        for record in self.up.requests:
            self.assertIn(PROVIDER_KEY, str(record.fields))
            self.assertNotIn(BOSS, str(record.fields) + str(record.body) + record.target)
        self.assertNotIn(BOSS, self.gw.access_path.read_text() + self.gw.output())

    def test_its_own_tenant(self):
        self.keyed(tenant_header="x-tenant")
        client.chat(self.port, "main", headers=bearer(TEAM) + [("x-tenant", "boss")])
        entry, = self.gw.wait_access(1)
        self.assertEqual((entry["key"], entry["tenant"]), ("team", "acme"))


class AllowedTest(KeysCase):
    def test_routes_and_models(self):
        self.keyed()
        for model in ("main", None, "default", "m-small", "fake/m-small", "small", "spare/two"):
            with self.subTest(model=model):
                self.assertEqual(self.chat(TEAM, model).status, 200)
        for model in ("secret", "m", "fake/m", "spare", "spare/s", "fake", "s", "fake/two"):
            with self.subTest(model=model):
                error = self.assert_error(self.chat(TEAM, model), 403, says=["'team'", model])
                self.assertEqual(error["param"], "model")
                self.assertEqual(self.chat(BOSS, model).status, 200)
        refused = client.chat(self.port, "m", headers=bearer(TEAM) + [("x-weir-provider", "spare")])
        self.assert_error(refused, 403)

    def test_in_the_shape_of_the_api(self):
        self.keyed()
        claude = client.post(self.port, "/v1/messages", CLAUDE, [("x-api-key", TEAM)] + ANTHROPIC)
        self.assertEqual((claude.status, claude.error["type"]), (403, "permission_error"))
        gemini = client.post(self.port, "/v1beta/models/m:generateContent", GEMINI,
                             [("x-goog-api-key", TEAM)])
        self.assertEqual((gemini.status, gemini.error["status"]), (403, "PERMISSION_DENIED"))
        self.assertEqual(self.up.requests, [])

    def test_forwarded(self):
        self.keyed()
        self.assertEqual(client.get(self.port, "/v1/files", bearer(TEAM)).status, 200)
        speech = [client.post(self.port, "/v1/audio/speech", {"model": model}, bearer(TEAM)).status
                  for model in ("m-small", "gpt-x", "s")]
        self.assertEqual(speech, [200, 403, 403])

    def test_names_of_others_are_not_told(self):
        self.keyed()
        self.assertIn("secret", self.assert_error(self.chat(BOSS, "secre"), 404)["message"])
        self.assertNotIn("secret", self.assert_error(self.chat(TEAM, "secre"), 404)["message"])

    def listed(self, key):
        return {m["id"] for m in client.get(self.port, "/v1/models", bearer(key)).json()["data"]}

    def test_models(self):
        self.keyed()
        self.assertEqual(self.listed(TEAM), {"main", "small", "fake/small"})
        self.assertLessEqual({"main", "secret", "m", "fake/m", "s", "small"}, self.listed(BOSS))
        self.assertEqual(client.get(self.port, "/v1/models/main", bearer(TEAM)).status, 200)
        for hidden in ("secret", "s"):
            one = client.get(self.port, "/v1/models/" + hidden, bearer(TEAM))
            self.assertIn(one.status, (403, 404), hidden)
        ollama = client.get(self.port, "/api/tags", bearer(TEAM)).json()["models"]
        self.assertFalse([m for m in ollama if "secret" in m["name"]])


class ReloadTest(KeysCase):
    def test_keys(self):
        self.keyed({"team": hashed(TEAM)})
        self.assertEqual([self.chat(k).status for k in (TEAM, OTHER)], [200, 401])
        since = len(self.gw.lines)
        self.gw.write_config(dict(self.config, keys={"other": hashed(OTHER)}))
        self.gw.wait_line("reloaded", since=since)
        self.assertEqual([self.chat(k).status for k in (TEAM, OTHER)], [401, 200])

    def test_not_laid_open(self):
        """The configuration alone may be without keys, but the socket is open to others."""
        self.up = self.upstream()
        config = {"providers": {"fake": provider(self.up)}, "keys": {"team": hashed(TEAM)}}
        gw = self.gateway(config, args=["-l", "127.0.0.1:0", "-l", "0.0.0.0:0"])
        self.port = int(gw.wait_line("listening on http://0.0.0.0").rsplit(":", 1)[1])
        self.assertEqual(self.chat(TEAM).status, 200)
        since = len(gw.lines)
        gw.write_config(dict(config, keys={}))
        self.assertIn("there are no keys", gw.wait_line("not reloaded", since=since))
        self.assertEqual([self.chat(k).status for k in (TEAM, None)], [200, 401])
        since = len(gw.lines)
        gw.write_config(dict(config, keys={}, auth="none"))
        gw.wait_line("reloaded", since=since)
        self.assertEqual(self.chat().status, 200)
        self.assertEqual(client.get(self.port, "/metrics").status, 403)


class HostTest(KeysCase):
    def ask(self, host=None, headers=(), method="GET", path="/v1/models"):
        with client.Conn(self.port) as conn:
            conn.request(method, path, b"", list(headers), host=host or "127.0.0.1")
            return conn.response()

    # field: 3.11.3
    def test_host(self):
        self.keyed({}, allowed_hosts=["weir.example.org", "*.inside"])
        for host in ("localhost", "LOCALHOST:%d" % self.port, "127.0.0.1:%d" % self.port, "[::1]:80",
                     "127.1.2.3", "app.localhost", "weir.example.org:1", "a.inside"):
            self.assertEqual(self.ask(host).status, 200, host)
        for host in ("evil.test", "127.evil.test", "localhost.evil.test", "192.168.1.1",
                     "xweir.example.org", "notlocalhost"):
            self.assert_error(self.ask(host), 403, says="allowed_hosts")
            self.assertEqual(self.ask(host, path="/metrics").status, 403, host)
            self.assertEqual(self.ask(host, path="/none-such").status, 403, host)
            self.assertEqual(self.ask(host, path="/readyz").status, 200, host)

    # field: 3.11.3
    def test_foreign_requests_come_nowhere(self):
        self.keyed({})
        for headers in ([("Origin", "http://evil.test")], [("Origin", "null")],
                        [("Origin", "http://localhost:%d" % self.port)]):
            reply = client.post(self.port, "/v1/chat/completions", CHAT, headers)
            self.assert_error(reply, 403, says="allowed_origins")
            self.assertNotIn("access-control-allow-origin", reply.headers)
        self.assertEqual(self.ask(headers=[("Origin", "http://evil.test")],
                                  path="/metrics").status, 403)
        self.assertEqual(self.up.requests, [])

    def test_origin(self):
        self.keyed({"team": hashed(TEAM)}, allowed_origins=["https://app.test", "http://*.in:80"])
        reply = client.chat(self.port, "m", headers=bearer(TEAM) + [("Origin", "https://app.test")])
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.headers["access-control-allow-origin"], "https://app.test")
        self.assertEqual(reply.headers["vary"], "Origin")
        refused = client.chat(self.port, "m", headers=[("Origin", "https://app.test")])
        self.assertEqual(refused.status, 401)
        self.assertEqual(refused.headers["access-control-allow-origin"], "https://app.test",
                         "the page may read why")
        self.assertNotIn("access-control-allow-origin", self.chat(TEAM).headers)

    def test_preflight(self):
        self.keyed({"team": hashed(TEAM)}, allowed_origins=["https://app.test"])
        asks = [("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "authorization,content-type")]
        good = self.ask(None, [("Origin", "https://app.test")] + asks, "OPTIONS",
                        "/v1/chat/completions")
        self.assertEqual(good.status, 204)
        self.assertEqual(good.headers["access-control-allow-origin"], "https://app.test")
        self.assertEqual(good.headers["access-control-allow-headers"], "authorization,content-type")
        self.assertIn("POST", good.headers["access-control-allow-methods"])
        bad = self.ask(None, [("Origin", "https://evil.test")] + asks, "OPTIONS",
                       "/v1/chat/completions")
        self.assertEqual(bad.status, 403)
        self.assertNotIn("access-control-allow-origin", bad.headers)

    def test_unix_socket(self):
        """No browser comes by it: any name is good, and it is local."""
        self.up = self.upstream()
        folder = tempfile.mkdtemp(prefix="weir-keys-")
        self.addCleanup(shutil.rmtree, folder, True)
        self.gateway({"providers": {"fake": provider(self.up)},
                      "listen": ["127.0.0.1:0", "unix:%s/s" % folder]})
        done = subprocess.run(["curl", "-sS", "--max-time", "10", "--unix-socket", folder + "/s",
                               "http://anything.test/metrics"], capture_output=True, timeout=20)
        self.assertIn(b"weir_", done.stdout)


class AdminTest(KeysCase):
    def metrics(self, key=None, port=None):
        return client.get(port or self.port, "/metrics", bearer(key) if key else []).status

    def test_key(self):
        self.keyed()
        self.assertEqual([self.metrics(k) for k in (None, OTHER, TEAM, BOSS)], [401, 401, 403, 200])

    def test_without_keys_here(self):
        self.keyed({})
        self.assertEqual(self.metrics(), 200)

    def admin_port(self, gw):
        return int(gw.wait_line(r"admin paths on").rsplit(":", 1)[1])

    def test_listener(self):
        self.keyed({}, admin={"listen": "127.0.0.1:0"})
        admin = self.admin_port(self.gw)
        self.assertEqual([self.metrics(), self.metrics(port=admin)], [403, 200])
        self.assertEqual(client.chat(admin).status, 404, "no APIs there")
        self.assertEqual(self.chat().status, 200)
        self.assertEqual(client.get(admin, "/readyz").status, 200)

    def test_listener_with_keys(self):
        self.keyed(admin={"listen": "127.0.0.1:0"})
        admin = self.admin_port(self.gw)
        self.assertEqual([self.metrics(port=admin), self.metrics(), self.metrics(BOSS)],
                         [200, 401, 200])

    def test_listener_beyond_loopback(self):
        self.keyed(admin={"listen": "0.0.0.0:0"})
        admin = self.admin_port(self.gw)
        self.assertEqual([self.metrics(k, admin) for k in (None, TEAM, BOSS)], [401, 403, 200])


class ConfigTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-keys-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.path = self.folder / "weir.yaml"

    def check(self, text, *command):
        self.path.write_text("providers: { sim: { plugin: sim } }\nroutes: { main: sim }\n" + text)
        os.chmod(self.path, 0o600)
        done = run(*(command or ("check",)), "-c", self.path, env={"TEAM": TEAM, "SHORT": "short"})
        self.said = done.stdout + done.stderr
        self.assertNotIn(TEAM, self.said)
        return done.returncode

    def bad(self, text, *says):
        self.assertEqual(self.check(text), EX_CONFIG, self.said)
        for word in says:
            self.assertIn(word, self.said)

    def test_beyond_loopback(self):
        for address in ("0.0.0.0:8080", '":8080"', '"[::]:8080"', "192.168.1.5:80"):
            self.bad("listen: [%s]\n" % address, "weir.yaml:3:", "there are no keys", "auth: none")
        self.bad("admin: { listen: 0.0.0.0:9 }\n", "admin.listen", "there are no keys")
        for text in ("auth: none\n", "keys: { team: %s }\n" % hashed(TEAM)):
            self.assertEqual(self.check("listen: 0.0.0.0:8080\n" + text), 0, self.said)
        for address in ("127.0.0.1:80", "localhost:80", '"[::1]:80"', "unix:/run/weir.sock"):
            self.assertEqual(self.check("listen: %s\n" % address), 0, self.said)

    def test_serve_refuses(self):
        self.assertEqual(self.check("listen: 0.0.0.0:0\n", "serve"), EX_CONFIG)
        self.assertEqual(self.check("", "serve", "-l", "0.0.0.0:0"), EX_CONFIG)
        self.assertIn("--listen 0.0.0.0:0 can be reached", self.said)

    def test_keys(self):
        self.bad("keys: { team: %s }\n" % OTHER, "keys.team", "weir key hash")
        self.assertNotIn(OTHER, self.said)
        self.bad("keys: { team: '${SHORT}' }\n", "keys.team", "fewer than 16")
        self.bad("keys: { team: 'sha256:12' }\n", "64 hexadecimal digits")
        self.bad("keys: { team: { tenant: x } }\n", "keys.team has no key")
        self.bad("keys: { team: { key: '%s', routes: [mian] } }\n" % hashed(TEAM),
                 "no route 'mian'", "did you mean 'main'")
        self.bad("keys: { a: '%s', b: '${TEAM}' }\n" % hashed(TEAM), "are the same key")
        self.bad("keys: { a: '%s' }\nauth: none\n" % hashed(TEAM), "cannot both be")
        self.bad("auth: keys\n", "there are none")
        self.bad("keys: { a: { key: '%s', root: [main] } }\n" % hashed(TEAM), "unknown key", "root")

    def test_print_shows_no_key(self):
        self.assertEqual(self.check("keys: { team: { key: '${TEAM}', tenant: acme } }\n",
                                    "check", "--print"), 0)
        self.assertIn('"acme"', self.said)
        self.assertNotIn(hashed(TEAM)[10:], self.said)

    def test_command(self):
        made = run("key", "new", "team").stdout
        key = next(word for word in made.split() if word.startswith("sk-weir-"))
        self.assertIn("team: " + hashed(key), made)
        self.assertNotEqual(made, run("key", "new", "team").stdout)
        told = subprocess.run([weir_bin(), "key", "hash"], input=TEAM + "\n", text=True,
                              capture_output=True, timeout=20)
        self.assertEqual(told.stdout, hashed(TEAM) + "\n")


if __name__ == "__main__":
    unittest.main()
