# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`trace`: bcc's letters, text and CSV, and how a stream ends."""

import random
import time

import harness
from harness import Beacon
from tracing import ACCEPT, ACTIVE_CLOSE, CONNECT, PASSIVE_CLOSE, TraceTest, path


class Selections(TraceTest):
    """The letters that choose what is shown."""

    def exchange(self, address="127.0.0.1", port=0):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do(f"listen l {address} {port}")["local_port"]
        client.do(f"connect c {address} {port}")
        server.do("accept s l")
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        return server, client, port

    def test_pid(self):
        server = self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client = self.actor(self.n)
        stream, beacon = self.begin("-p", client.pid, actor=client)
        client.do(f"connect c 127.0.0.1 {port}")
        server.do("accept s l")
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        lines = self.seen(stream, beacon)
        self.assertEqual(path(lines), CONNECT + ACTIVE_CLOSE)
        self.assertEqual({line["pid"] for line in stream.json_lines()}, {client.pid})

    def test_a_filter_selects(self):
        server = self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client = self.actor(self.n)
        words = f"netns = {self.n.inum} and pid = {client.pid} and not dport = 1"
        stream, beacon = self.begin(*words.split(), actor=client)
        client.do(f"connect c 127.0.0.1 {port}")
        server.do("accept s l")
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        lines = self.seen(stream, beacon)
        self.assertEqual(path(lines), CONNECT + ACTIVE_CLOSE)
        self.assertEqual({line["pid"] for line in stream.json_lines()}, {client.pid})

    def test_the_owners_user(self):
        others = self.actor(self.n)
        port = others.do("listen l 127.0.0.1 0")["local_port"]
        client = self.actor(self.n)
        client.do("become 65534")
        stream, beacon = self.begin("uid = 65534", actor=client)
        for actor in (others, client):
            actor.do(f"connect c 127.0.0.1 {port}")
            actor.do("close c")
        lines = self.seen(stream, beacon)
        self.assertEqual(path(lines), (CONNECT + ACTIVE_CLOSE)[:len(lines)])
        self.assertGreaterEqual(len(lines), 3)
        self.assertEqual({line["pid"] for line in lines}, {client.pid})

    def test_the_owners_cgroup(self):
        container = self.container()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        container.add(client.pid)
        name = container.path[container.path.index("/docker-"):]
        stream, beacon = self.begin(f"cgroup = {name}", actor=client)
        client.do(f"connect c 127.0.0.1 {port}")
        server.do("accept s l")
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        lines = self.seen(stream, beacon)
        self.assertEqual(path(lines), CONNECT + ACTIVE_CLOSE)
        self.assertEqual({line["pid"] for line in lines}, {client.pid})

    def test_what_the_kernel_leaves_out_changes_no_line(self):
        """A passive connection under a filter by pid: its listener is older than the trace."""
        server = self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client = self.actor(self.n)
        stream, beacon = self.begin("-p", server.pid, actor=server)
        for _ in range(3):  # the first look marks the listener; from then on the kernel decides
            client.do(f"connect c 127.0.0.1 {port}")
            cookie = server.do("accept s l")["cookie"]
            client.do("close c")
            server.do("eof s")
            server.do("close s")
            lines = [line for line in self.seen(stream, beacon) if line["cookie"] == cookie]
            self.assertEqual(path(lines), ACCEPT + PASSIVE_CLOSE)
            self.assertEqual({line["pid"] for line in lines}, {server.pid})
            for line in lines[1:]:
                self.assertIsNotNone(line["state_ms"])
        self.assertEqual({line["pid"] for line in stream.json_lines()}, {server.pid})

    def test_local_ports(self):
        stream, beacon = self.begin("-L", "4711,4712", local_port=4712)
        self.exchange(port=4711)
        self.exchange(port=4713)
        lines = self.seen(stream, beacon)
        self.assertEqual({line["local_port"] for line in lines}, {4711})
        self.assertEqual(path(lines), [("CLOSE", "LISTEN"), ("LISTEN", "SYN_RECV")] + ACCEPT
                         + PASSIVE_CLOSE)

    def test_local_port_of_a_client_loses_nothing_that_is_known(self):
        """The port is chosen just after CLOSE → SYN_SENT: that line may be missing, no other."""
        stream, beacon = self.begin("-L", "4811", local_port=4811)
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect c 127.0.0.1 {port} from=127.0.0.2 port=4811")
        server.do("accept s l")
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        lines = self.seen(stream, beacon)
        self.assertEqual(path(lines), CONNECT + ACTIVE_CLOSE)
        self.assertEqual({line["pid"] for line in lines}, {client.pid})

    def test_remote_ports(self):
        stream, beacon = self.begin("-D", "4721,9")
        _, client, _ = self.exchange(port=4721)
        self.exchange(port=4722)
        lines = self.seen(stream, beacon)
        self.assertEqual(path(lines), CONNECT + ACTIVE_CLOSE)
        self.assertEqual({(line["pid"], line["remote_port"]) for line in lines},
                         {(client.pid, 4721)})

    def test_ipv4_only(self):
        stream, beacon = self.begin("-4")
        self.exchange("127.0.0.1")
        self.exchange("::1")
        addresses = {line["local_address"] for line in self.seen(stream, beacon)}
        self.assertLessEqual(addresses, {"127.0.0.1", "0.0.0.0", None})
        self.assertIn("127.0.0.1", addresses)

    def test_ipv6_only(self):
        stream, beacon = self.begin("-6", family=6)
        self.exchange("127.0.0.1")
        self.exchange("::1")
        addresses = {line["local_address"] for line in self.seen(stream, beacon)}
        self.assertLessEqual(addresses, {"::1", "::", None})
        self.assertIn("::1", addresses)

    def test_both_families_at_once_is_wrong_or_both(self):
        stream = self.stream("trace", "-4", "-6", "--duration", "1")
        self.assertIn(stream.wait(), (0, 2))


class Formats(harness.LedgerTest):
    """Text and CSV; how a stream ends."""

    def setUp(self):
        self.n = self.net()
        self.address = f"127.88.{random.randint(100, 250)}.{random.randint(100, 250)}"

    def exchange(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do(f"listen l {self.address} 0")["local_port"]
        client.do(f"connect c {self.address} {port}")
        server.do("accept s l")
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        return server, client, port

    def capture(self, *arguments):
        """(lines of our address as text, head line, server, client, port)."""
        beacon = Beacon(self)
        stream = self.stream("trace", *arguments)
        beacon.reach(stream)
        server, client, port = self.exchange()
        beacon.reach(stream)
        self.assertEqual(stream.interrupt(), 0)
        lines = [line.decode() for line in stream.lines]
        mine = [line for line in lines if self.address in line]
        return mine, lines[0], server, client, port

    def test_text(self):
        lines, head, server, client, port = self.capture()
        for word in ("PID", "COMM", "LADDR", "LPORT", "RADDR", "RPORT", "OLDSTATE",
                     "NEWSTATE", "MS"):
            self.assertIn(word, head)
        self.assertEqual(len(lines), 11)
        for line in lines:
            self.assertIn("tcp_actor", line)
            self.assertIn(str(port), line)
            self.assertRegex(line, r"[A-Z_12]+ +-> +[A-Z_12]+")
            self.assertEqual(sum(str(pid) in line.split() for pid in (server.pid, client.pid)), 1)

    def test_text_with_time(self):
        lines, head, _, _, _ = self.capture("-T")
        self.assertEqual(len(lines), 11)
        for line in lines:
            self.assertRegex(line, r"\b\d\d:\d\d:\d\d\b")
        lines, head, _, _, _ = self.capture("-t")
        for line in lines:
            self.assertRegex(line, r"^\s*\d+\.\d+\b")

    def test_wide(self):
        lines, head, _, _, _ = self.capture("-w")
        self.assertEqual(len(lines), 11)

    def test_csv(self):
        lines, head, server, client, port = self.capture("-s")
        rows = harness.parse_csv(head + "".join(lines))
        self.assertEqual(len(rows), 11)
        names = {name.lower() for name in rows[0]}
        self.assertFalse(any(None in row or None in row.values() for row in rows), rows)
        for wanted in ("pid", "comm", "old", "new"):
            self.assertTrue(any(wanted in name for name in names), names)
        pids = {row[next(n for n in row if n.lower() in ("pid", "c-pid"))] for row in rows}
        self.assertEqual(pids, {str(server.pid), str(client.pid)})

    def test_count_ends_it(self):
        beacon = Beacon(self)
        stream = self.stream("trace", "--json", "--count", "3")
        deadline = time.monotonic() + harness.PATIENCE_S
        while stream.process.poll() is None and time.monotonic() < deadline:
            beacon.fire()
            time.sleep(0.1)
        self.assertEqual(stream.wait(), 0)
        self.assertEqual(len(stream.json_lines()), 3)

    def test_duration_ends_it(self):
        began = time.monotonic()
        self.ledger("trace", "--json", "--duration", "1")
        self.assertGreaterEqual(time.monotonic() - began, 1)

    def test_interrupt_says_one_line(self):
        beacon = Beacon(self)
        stream = self.stream("trace", "--json")
        beacon.reach(stream)
        self.assertEqual(stream.interrupt(), 0)
        summaries = [line for line in stream.errors.splitlines() if harness.is_summary(line)]
        self.assertEqual(len(summaries), 1, stream.errors)
        for line in stream.json_lines():
            self.assertTrue("time" in line or "dropped" in line, line)

    def test_lines_come_at_once(self):
        """Line-buffered into a pipe: a line is there before anything else happens."""
        beacon = Beacon(self)
        stream = self.stream("trace", "--json", pipe=True)
        beacon.reach(stream)  # fails when output waits for a full buffer


if __name__ == "__main__":
    harness.main()
