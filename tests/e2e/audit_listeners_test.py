# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`audit` on listeners: accept queues, SYN queues and what they refuse, each condition brought about
in a namespace, with the true numbers."""

import time

import harness
from auditing import AuditTest
from harness import eventually


class Listeners(AuditTest):
    def test_accept_queue(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=8")["local_port"]
        client.do(f"connect_many c 5 127.0.0.1 {port}")
        self.assertEqual(self.findings(), {})
        client.do(f"connect_many d 1 127.0.0.1 {port}")
        finding = self.expect("accept_queue", severity="warning", waiting=6, limit=8,
                              local_port=port)
        self.assertEqual(finding["process"]["pid"], server.pid)
        self.assertEqual(self.sysctls_of(finding), {})  # the argument limits it, not somaxconn
        client.do(f"connect_many e 3 127.0.0.1 {port}")
        self.expect("accept_queue", severity="critical", waiting=9)
        server.do("accept_many s 9 l")
        self.assertEqual(self.findings(), {})

    def test_accept_queue_limited_by_somaxconn(self):
        self.sysctl("net.core.somaxconn", 8)
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=1000")["local_port"]
        client.do(f"connect_many c 7 127.0.0.1 {port}")
        finding = self.expect("accept_queue", waiting=7, limit=8)
        advice = self.sysctls_of(finding)["net.core.somaxconn"]
        self.assertEqual((advice["present"], advice["proposed"]), ("8", "128"))

    def overflowing(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=0")["local_port"]
        client.do(f"connect full 127.0.0.1 {port}")
        for i in range(6):
            client.do(f"connect c{i} 127.0.0.1 {port} nonblock=1")
        return server, client, port

    def test_overflows(self):
        """SYNs that nobody answers are sent again, and dropped again."""
        self.sysctl("net.ipv4.tcp_abort_on_overflow", 1)
        server, client, port = self.overflowing()
        finding = self.expect("listen_overflows", seconds=1.5, severity="critical",
                              local_port=port)
        self.assertGreater(finding["numbers"]["overflows"], 0)
        self.assertEqual(finding["process"]["pid"], server.pid)
        advice = self.sysctls_of(finding)["net.ipv4.tcp_abort_on_overflow"]
        self.assertEqual((advice["present"], advice["proposed"]), ("1", "0"))
        client.do("close_many c")
        server.do("accept s l")
        eventually(lambda: self.assertNotIn("listen_overflows", self.findings(seconds=1)))

    def test_unanswered_connects(self):
        _, client, port = self.overflowing()
        finding = self.expect("syn_sent", severity="warning", syn_sent=6, remote_port=port)
        self.assertEqual(finding["process"]["pid"], client.pid)
        client.do("close c0")
        client.do("close c1")
        eventually(lambda: self.assertNotIn("syn_sent", self.findings()))

    def half_open(self, count, options):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do(f"listen l 127.0.0.1 0 defer=60 {options}")["local_port"]
        client.do(f"connect_many c {count} 127.0.0.1 {port}")
        self.assertEqual(self.n.counts().get("SYN_RECV"), count)
        return server, port

    def test_syn_queue(self):
        server, port = self.half_open(9, "backlog=18")
        finding = self.expect("syn_queue", severity="warning", half_open=9, limit=18,
                              local_port=port)
        self.assertEqual(finding["process"]["pid"], server.pid)
        self.assertNotIn("net.ipv4.tcp_syncookies", self.sysctls_of(finding))

    def test_syn_queue_with_room(self):
        self.half_open(9, "backlog=19")
        self.assertEqual(self.findings(), {})

    def test_syn_queue_without_cookies(self):
        self.sysctl("net.ipv4.tcp_syncookies", 0)
        self.sysctl("net.ipv4.tcp_max_syn_backlog", 16)
        self.half_open(12, "backlog=100")
        finding = self.expect("syn_queue", severity="critical", half_open=12, limit=12)
        advice = self.sysctls_of(finding)
        self.assertEqual(advice["net.ipv4.tcp_syncookies"]["proposed"], "1")
        self.assertEqual(advice["net.ipv4.tcp_max_syn_backlog"]["present"], "16")

    def full_syn_queue(self):
        """Connects that come again and again to a listener whose SYN queue is full."""
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 defer=60 backlog=3")["local_port"]
        client.do(f"connect_many c 4 127.0.0.1 {port}")
        return server, client, port

    def expect_while_connecting(self, client, port, finding_id, **expected):
        """Connects once before each attempt and once during it."""
        made = []
        def check():
            stream = self.stream("audit", "-N", self.n.inum, "--for", 2, "--json")
            while stream.process.poll() is None:
                made.append(f"x{len(made)}")
                client.do(f"connect {made[-1]} 127.0.0.1 {port} nonblock=1")
                client.do(f"close {made[-1]}")
                time.sleep(0.1)
            stream.wait()
            [document] = stream.json_lines()
            found = {finding["id"]: finding for finding in document["findings"]}
            self.assertIn(finding_id, found)
            for name, value in expected.items():
                self.assertEqual(found[finding_id][name], value)
            return found[finding_id]
        return eventually(check)

    def test_syn_cookies(self):
        self.sysctl("net.ipv4.tcp_syncookies", 1)
        _, client, port = self.full_syn_queue()
        finding = self.expect_while_connecting(client, port, "syn_cookies", severity="warning")
        self.assertGreater(finding["numbers"]["cookies_sent"], 0)

    def test_syns_dropped(self):
        self.sysctl("net.ipv4.tcp_syncookies", 0)
        _, client, port = self.full_syn_queue()
        finding = self.expect_while_connecting(client, port, "syn_cookies", severity="critical")
        self.assertGreater(finding["numbers"]["dropped"], 0)
        self.assertIn("net.ipv4.tcp_syncookies", self.sysctls_of(finding))


if __name__ == "__main__":
    harness.main()
