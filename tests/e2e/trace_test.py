# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`trace`: every transition, in order, with the true owner and the time in the old state.

What is expected is the kernel's own path through the states. Where the last one is CLOSE, a
mini-socket may live on; `trace` shows transitions as they happen.
"""

import time
from collections import Counter

import harness
from tracing import ABORT, ACCEPT, ACTIVE_CLOSE, CONNECT, PASSIVE_CLOSE, TraceTest, path

FIELDS = {"time", "cookie", "netns", "family", "pid", "comm", "how", "local_address", "local_port",
          "remote_address", "remote_port", "old_state", "new_state", "state_ms"}


class Trace(TraceTest):
    def play(self, steps, address="127.0.0.1", connect_to=None):
        """One connection under a running trace; (server lines, client lines, actors…)."""
        stream, beacon = self.begin()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do(f"listen l {address} 0")["local_port"]
        c = client.do(f"connect c {connect_to or address} {port}")
        s = server.do("accept s l")
        steps(server, client)
        lines = self.seen(stream, beacon)
        by = {name: [line for line in lines if line["cookie"] == cookie]
              for name, cookie in (("c", c["cookie"]), ("s", s["cookie"]))}
        return by["s"], by["c"], server, client, lines, port

    def test_client_closes_first(self):
        def steps(server, client):
            client.do("close c")
            server.do("eof s")
            server.do("close s")
        s, c, server, client, lines, port = self.play(steps)
        self.assertEqual(path(c), CONNECT + ACTIVE_CLOSE)
        self.assertEqual(path(s), ACCEPT + PASSIVE_CLOSE)
        self.assert_owner(c, client)
        self.assert_owner(s, server)
        self.assertEqual([line["how"] for line in c], ["connect"] * 2 + ["close"] * 3)
        self.assertEqual([line["how"] for line in s[-2:]], ["close"] * 2)
        # the listener and the clone, whose identity is not settled yet: no line beside these
        rest = [line for line in lines if line not in s and line not in c]
        self.assertEqual(path(rest), [("CLOSE", "LISTEN"), ("LISTEN", "SYN_RECV")])
        self.assert_owner(rest, server)
        self.assertEqual(rest[0]["how"], "listen")
        self.assertEqual({line["local_port"] for line in rest}, {port})

    def test_server_closes_first(self):
        def steps(server, client):
            server.do("close s")
            client.do("eof c")
            client.do("close c")
        s, c, server, client, _, _ = self.play(steps)
        self.assertEqual(path(c), CONNECT + PASSIVE_CLOSE)
        self.assertEqual(path(s), ACCEPT + ACTIVE_CLOSE)
        self.assert_owner(c, client)
        self.assert_owner(s, server)
        self.assertEqual([line["how"] for line in s[1:]], ["close"] * 3)

    def test_reset_by_the_client(self):
        def steps(server, client):
            client.do("reset c")
            server.attempt("eof s")
            server.do("close s")
        s, c, server, client, _, _ = self.play(steps)
        self.assertEqual(path(c), CONNECT + ABORT)
        self.assertEqual(path(s), ACCEPT + ABORT)
        self.assert_owner(c, client)
        self.assert_owner(s, server)

    def test_reset_by_the_server(self):
        def steps(server, client):
            server.do("reset s")
            client.attempt("eof c")
            client.do("close c")
        s, c, server, client, _, _ = self.play(steps)
        self.assertEqual(path(c), CONNECT + ABORT)
        self.assertEqual(path(s), ACCEPT + ABORT)
        self.assert_owner(c, client)
        self.assert_owner(s, server)

    def test_refused(self):
        stream, beacon = self.begin()
        client = self.actor(self.n)
        cookie = client.attempt("connect c 127.0.0.1 9")["cookie"]
        lines = self.seen(stream, beacon)
        self.assertEqual(path(lines), [("CLOSE", "SYN_SENT"), ("SYN_SENT", "CLOSE")])
        self.assertEqual({line["cookie"] for line in lines}, {cookie})
        self.assert_owner(lines, client)
        self.assertEqual({line["remote_port"] for line in lines}, {9})

    def test_non_blocking_connect(self):
        stream, beacon = self.begin()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        cookie = client.do(f"connect c 127.0.0.1 {port} nonblock=1")["cookie"]
        client.do("await c")
        lines = [line for line in self.seen(stream, beacon) if line["cookie"] == cookie]
        self.assertEqual(path(lines), CONNECT)
        self.assert_owner(lines, client)

    def test_half_close(self):
        def steps(server, client):
            client.do("shutdown c wr")
            server.do("eof s")
            server.do("send s 1000")
            client.do("receive c 1000")
            server.do("close s")
            client.do("eof c")
            client.do("close c")
        s, c, server, client, _, _ = self.play(steps)
        self.assertEqual(path(c), CONNECT + ACTIVE_CLOSE)
        self.assertEqual(path(s), ACCEPT + PASSIVE_CLOSE)
        self.assert_owner(c, client)
        self.assert_owner(s, server)

    def test_simultaneous_close(self):
        def steps(server, client):
            client.do("fill c")
            client.do("shutdown c wr")
            server.do("shutdown s wr")
            server.do("eof s")
        s, c, server, client, _, _ = self.play(steps)
        self.assertEqual(path(c), CONNECT + [("ESTABLISHED", "FIN_WAIT1"), ("FIN_WAIT1", "CLOSING"),
                                             ("CLOSING", "CLOSE")])
        self.assertEqual(path(s), ACCEPT + ACTIVE_CLOSE)
        self.assert_owner(c, client)
        self.assert_owner(s, server)

    def test_process_that_exits_closes_its_sockets(self):
        def steps(server, client):
            client.end()
            server.do("eof s")
            server.do("close s")
        s, c, server, client, _, _ = self.play(steps)
        self.assertEqual(path(c), CONNECT + ACTIVE_CLOSE)
        self.assert_owner(c, client)
        self.assert_owner(s, server)

    def test_killed_process_keeps_its_closing_sockets(self):
        def steps(server, client):
            client.kill()
            server.do("eof s")
            server.do("close s")
        s, c, server, client, _, _ = self.play(steps)
        self.assertEqual(path(c), CONNECT + ACTIVE_CLOSE)
        self.assert_owner(c, client)
        self.assertEqual([line["how"] for line in c], ["connect"] * 2 + ["close"] * 3)
        self.assert_owner(s, server)

    def test_addresses(self):
        def steps(server, client):
            client.do("close c")
            server.do("eof s")
            server.do("close s")
        for address, connect_to, shown in (("127.0.0.1", None, "127.0.0.1"), ("::1", None, "::1"),
                                           ("::", "::ffff:127.0.0.1", "127.0.0.1"),
                                           ("::", "127.0.0.1", "127.0.0.1")):
            with self.subTest(f"{address} {connect_to}"):
                s, c, _, _, _, port = self.play(steps, address, connect_to)
                self.assertEqual(path(c), CONNECT + ACTIVE_CLOSE)
                self.assertEqual(path(s), ACCEPT + PASSIVE_CLOSE)
                for line in c:
                    self.assertEqual((line["remote_address"], line["remote_port"]), (shown, port))
                for line in c[1:]:
                    self.assertEqual(line["local_address"], shown)
                [local_port] = {line["local_port"] for line in c[1:]}
                self.assertIn(c[0]["local_port"], (None, local_port))  # not chosen yet
                for line in s:
                    self.assertEqual((line["local_address"], line["local_port"]), (shown, port))
                    self.assertEqual((line["remote_address"], line["remote_port"]),
                                     (shown, local_port))

    def test_line(self):
        def steps(server, client):
            client.do("close c")
        s, c, _, _, lines, _ = self.play(steps)
        times = [harness.parse_time(line["time"]) for line in lines]
        self.assertEqual(times, sorted(times))
        self.assertLess(abs(times[-1] - time.time()), 60)
        for line in lines:
            self.assertLessEqual(FIELDS, set(line))

    def test_time_in_the_old_state(self):
        marks = {}

        def steps(server, client):
            marks["established"] = time.monotonic()
            time.sleep(0.3)
            marks["before close"] = time.monotonic()
            client.do("close c")
            time.sleep(0.2)
            server.do("close s")
            marks["end"] = time.monotonic()
        began = time.monotonic()
        s, c, _, _, _, _ = self.play(steps)
        self.assertIsNone(c[0]["state_ms"])  # CLOSE: nobody saw it begin
        established = c[2]["state_ms"]
        self.assertGreaterEqual(established, 1000 * (marks["before close"] - marks["established"]))
        self.assertLessEqual(established, 1000 * (marks["end"] - began))
        waited = [line for line in s if line["old_state"] == "CLOSE_WAIT"][0]["state_ms"]
        self.assertGreaterEqual(waited, 200)
        self.assertLessEqual(waited, 1000 * (marks["end"] - marks["before close"]))
        handshake = c[1]["state_ms"]
        self.assertGreater(handshake, 0)
        self.assertLess(handshake, 1000 * (marks["established"] - began))

    def test_older_than_the_tracer(self):
        server, client, port = self.pair(self.n)
        stream, beacon = self.begin()
        client.do("close c0")
        server.do("eof s0")
        server.do("close s0")
        lines = self.seen(stream, beacon)
        c = [line for line in lines if line["remote_port"] == port]
        s = [line for line in lines if line["local_port"] == port]
        self.assertEqual(path(c), ACTIVE_CLOSE)
        self.assertEqual(path(s), PASSIVE_CLOSE)
        self.assert_owner(c, client)
        self.assert_owner(s, server)
        self.assertIsNone(c[0]["state_ms"])
        self.assertIsNone(s[0]["state_ms"])
        self.assertIsNotNone(c[1]["state_ms"])

    def test_two_namespaces(self):
        other = self.net()
        harness.join_nets(self.n, other)
        stream, beacon = self.begin(others=[other])
        server, client = self.actor(self.n), self.actor(other)
        port = server.do("listen l 10.77.0.1 0")["local_port"]
        client.do(f"connect c 10.77.0.1 {port}")
        server.do("accept s l")
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        here = self.seen(stream, beacon)
        there = [line for line in stream.json_lines() if line.get("netns") == other.inum]
        self.assertEqual(path(there), CONNECT + ACTIVE_CLOSE)
        self.assert_owner(there, client)
        self.assertEqual(path(here), [("CLOSE", "LISTEN"), ("LISTEN", "SYN_RECV")] + ACCEPT
                         + PASSIVE_CLOSE)
        self.assert_owner(here, server)

    def test_worker_that_inherited_the_listener_closes(self):
        parent = self.actor(self.n)
        port = parent.do("listen l 127.0.0.1 0")["local_port"]
        worker = parent.do("fork worker")["child"]
        stream, beacon = self.begin()
        client = self.actor(self.n)
        client.do(f"connect c 127.0.0.1 {port}")
        cookie = parent.do("tell worker accept s l")["cookie"]
        client.do("close c")
        parent.do("tell worker eof s")
        parent.do("tell worker close s")
        lines = [line for line in self.seen(stream, beacon) if line["cookie"] == cookie]
        self.assertEqual(path(lines), ACCEPT + PASSIVE_CLOSE)
        self.assertEqual([line["pid"] for line in lines[-2:]], [worker] * 2)
        self.assertEqual([line["how"] for line in lines[-2:]], ["close"] * 2)

    def test_worker_that_accepted_owns_what_follows(self):
        """Who accepted is no event; a sweep finds the holder. It must, after a while."""
        parent = self.actor(self.n)
        port = parent.do("listen l 127.0.0.1 0")["local_port"]
        worker = parent.do("fork worker")["child"]
        stream, beacon = self.begin()
        client = self.actor(self.n)
        patience = iter((0.5, 1, 2, 4, 8, 16))

        def attempt():
            client.do(f"connect c 127.0.0.1 {port}")
            cookie = parent.do("tell worker accept s l")["cookie"]
            time.sleep(next(patience, 16))
            client.do("close c")
            parent.do("tell worker eof s")
            parent.do("tell worker close s")
            lines = [line for line in self.seen(stream, beacon) if line["cookie"] == cookie]
            [waited] = [line for line in lines if line["new_state"] == "CLOSE_WAIT"]
            self.assertEqual(waited["pid"], worker)
            self.assertIn(waited["how"], ("held", "accept", "inherited"))
        harness.eventually(attempt)

    def test_2000_connections_none_missing(self):
        stream, beacon = self.begin()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.post("serve 2000 l closer=client")
        client.do(f"churn 2000 127.0.0.1 {port} closer=client")
        self.assertEqual(server.reply()["connections"], 2000)
        expected = {(client.pid, *step): 2000 for step in CONNECT + ACTIVE_CLOSE}
        expected |= {(server.pid, *step): 2000 for step in ACCEPT + PASSIVE_CLOSE}
        expected |= {(server.pid, "LISTEN", "SYN_RECV"): 2000, (server.pid, "CLOSE", "LISTEN"): 1}

        def all_there():  # the last ACK may come after all else, from a softirq put off
            counts = Counter((line["pid"], line["old_state"], line["new_state"])
                             for line in self.seen(stream, beacon))
            self.assertEqual(counts, expected)
        harness.eventually(all_there)
        self.assertEqual([line for line in stream.json_lines() if "lost" in line], [])


if __name__ == "__main__":
    harness.main()
