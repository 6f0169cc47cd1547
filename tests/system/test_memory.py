"""How much memory the gateway takes: at rest, and after many requests."""

import unittest

from harness import client
from harness.case import Case, provider
from harness.gateway import pss_kb, weir_bin

IDLE_KB = 14 * 1024
SUPERVISOR_KB = 1024
GROWTH_KB = 512
FEW, MANY = 20000, 200000
PIPELINE = 50


def sanitized():
    with open(weir_bin(), "rb") as f:
        return b"__asan_init" in f.read()


@unittest.skipIf(sanitized(), "a sanitizer's own memory would be measured")
class MemoryTest(Case):
    WATCHDOG_S = 900

    def pss(self, gateway):
        return {pid: pss_kb(pid) for pid in gateway.pids()}

    def test_idle(self):
        """With all plugins loaded and nothing to do."""
        up = self.upstream()
        gateway = self.gateway({"providers": {"fake": provider(up), "sim": {"plugin": "sim"}},
                                "routes": {"main": {"failover": {"try": ["fake/m", "sim/x"]}}}})
        self.assertEqual(client.get(gateway.port, "/healthz").status, 200)
        sizes = self.pss(gateway)
        self.assertLessEqual(sum(sizes.values()), IDLE_KB, sizes)
        self.assertLessEqual(sizes[gateway.pid], SUPERVISOR_KB, sizes)
        with open("/proc/%d/maps" % gateway.worker_pids()[0]) as f:
            maps = f.read()
        self.assertTrue(maps)

    def load(self, gateway, conns, count):
        """Chats through the whole engine, pipelined over a few kept connections."""
        body = b'{"model":"sim/x","messages":[{"role":"user","content":"hi"}],"stream":%s}'
        whole = [body % b"false", body % b"true"]
        batch = b"".join(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" %
            (len(whole[i % 2]), whole[i % 2]) for i in range(PIPELINE))
        done = 0
        while done < count:
            for conn in conns:
                conn.send(batch)
            for conn in conns:
                for _ in range(PIPELINE):
                    if conn.response().status != 200:
                        self.fail("a request failed after %d" % done)
                    done += 1

    # field: 3.9.1
    def test_growth(self):
        gateway = self.gateway({"workers": 1, "providers": {"sim": {"plugin": "sim"}},
                                "log": {"access": "off"}})
        conns = [client.Conn(gateway.port) for _ in range(8)]
        for conn in conns:
            self.addCleanup(conn.close)
        self.load(gateway, conns, FEW)
        before = self.pss(gateway)
        self.load(gateway, conns, MANY - FEW)
        after = self.pss(gateway)
        self.assertEqual(set(before), set(after), "the same processes")
        self.assertLessEqual(sum(after.values()) - sum(before.values()), GROWTH_KB,
                             (before, after))


if __name__ == "__main__":
    unittest.main()
