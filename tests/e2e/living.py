# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the tests of `life` share: a stream in step, one connection played under it."""

import harness
from harness import Beacon, eventually

FIELDS = {"time", "cookie", "netns", "family", "pid", "comm", "how", "direction", "local_address",
          "local_port", "remote_address", "remote_port", "opened", "closed", "duration_ms",
          "bytes_sent", "bytes_received", "bytes_retransmitted", "srtt_us", "min_rtt_us",
          "retransmits", "connect_ms", "accept_wait_ms", "last_state", "closed_by", "error",
          "reset", "process_end", "states_ms"}


class LifeTest(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def sysctl(self, name, value):
        self.n.run("sysctl", "-qw", f"{name}={value}")

    def begin(self, *arguments):
        beacon = Beacon(self)
        needles = [b'"lost"', b'"dropped"',
                   *(b'"netns":%d' % net.inum for net in (self.n, beacon.actor.net))]
        stream = self.stream("life", "--json", *arguments, needles=needles)
        beacon.reach(stream)
        return stream, beacon

    def seen(self, stream, beacon):
        """All lines of our namespace up to now."""
        beacon.reach(stream)
        return [line for line in stream.json_lines() if line.get("netns") == self.n.inum]

    def play(self, steps):
        """(server's line, client's line, server, client): one connection under a running life."""
        stream, beacon = self.begin()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        cookies = {"c": client.do(f"connect c 127.0.0.1 {port}")["cookie"],
                   "s": server.do("accept s l")["cookie"]}
        steps(server, client)

        def both():
            lines = self.seen(stream, beacon)
            by = {name: [line for line in lines if line["cookie"] == cookie]
                  for name, cookie in cookies.items()}
            for name, own in by.items():
                self.assertEqual(len(own), 1, (name, lines))
            return by["s"][0], by["c"][0]
        s, c = eventually(both)
        for line in (s, c):
            self.assertEqual(set(line), FIELDS)
        self.assertEqual((c["direction"], s["direction"]), ("out", "in"))
        self.assertEqual((c["remote_port"], s["local_port"]), (port, port))
        return s, c, server, client

    def assert_ended(self, line, actor, closed_by, **fields):
        told = {name: line[name] for name in fields}
        self.assertEqual((line["closed_by"], line["pid"], told), (closed_by, actor.pid, fields))
