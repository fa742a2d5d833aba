# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`audit`: each finding comes when its condition is brought about in a namespace, with the true
numbers, and a healthy namespace has none. Listeners' findings are in audit_listeners_test.py."""

import json
import os
import resource
import subprocess
import tempfile

import harness
from auditing import AuditTest
from harness import eventually


class Audit(AuditTest):
    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="tcpledger-audit-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    # A host in order

    def test_healthy(self):
        """Connections in use, some just closed, an idle one, short queues: nothing to say."""
        server, client, port = self.pair(self.n, count=30)
        server.do("listen spare ::1 0")
        server.do("datagram_bind u 127.0.0.1 0")
        client.do("close c0")
        server.do("eof s0")
        server.do("close s0")  # TIME_WAIT
        client.do("close c1")  # CLOSE_WAIT, but young and alone
        client.do("send c2 1000")
        client.do(f"connect waiting 127.0.0.1 {port}")
        document = self.audit(seconds=1)
        self.assertEqual(document["findings"], [])
        self.assertEqual(document["namespaces"], [self.n.inum])
        self.assertGreaterEqual(document["sockets"], 60)
        done = self.ledger("audit", "-N", self.n.inum, "--for", 0.2, "--fail-on", "warning")
        self.assertTrue(done.stdout.startswith(b"no finding;"), done.stdout)

    def test_healthy_under_load(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.post("serve 0 l closer=reset")
        found = self.busy_while(client, f"churn 0 127.0.0.1 {port} closer=reset",
                                lambda: self.findings(seconds=1))
        server.post("stop")
        server.reply()
        self.assertEqual(found, {})

    # Connections that do not end

    def test_close_wait(self):
        self.sysctl("net.ipv4.tcp_fin_timeout", 1)
        server, client, port = self.pair(self.n, count=8)
        client.do("close_many c")
        finding = self.expect("close_wait", severity="warning", stuck=8, threshold_ms=1000)
        self.assertEqual(finding["process"]["pid"], server.pid)
        self.assertGreaterEqual(finding["numbers"]["oldest_at_least_ms"], 1000)
        self.assertIn("of 8 in CLOSE_WAIT", finding["evidence"])
        self.assertIn("peers 127.0.0.1 (8);", finding["evidence"])
        listed = self.ledger(*finding["advice"][0]["command"].split()[1:], "-H").stdout
        self.assertEqual(len(listed.splitlines()), 8)
        server.do("close s0")
        self.expect("close_wait", stuck=7)
        for i in range(1, 5):
            server.do(f"close s{i}")
        self.assertNotIn("close_wait", self.findings())

    def test_close_wait_that_takes_the_descriptors(self):
        self.sysctl("net.ipv4.tcp_fin_timeout", 1)
        server, client, _ = self.pair(self.n, count=8)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (16, 16))
        client.do("close_many c")
        self.expect("close_wait", severity="critical", stuck=8)

    def test_young_close_wait_is_none(self):
        self.sysctl("net.ipv4.tcp_fin_timeout", 1000)
        _, client, _ = self.pair(self.n, count=8)
        client.do("close_many c")
        eventually(lambda: self.assertEqual(self.n.counts().get("CLOSE_WAIT"), 8))
        self.assertEqual(self.findings(), {})

    def test_fin_wait2(self):
        self.sysctl("net.ipv4.tcp_fin_timeout", 1)
        _, client, _ = self.pair(self.n, count=6)
        for i in range(6):
            client.do(f"shutdown c{i} wr")
        finding = self.expect("fin_wait2", severity="warning", stuck=6)
        self.assertEqual(finding["process"]["pid"], client.pid)
        listed = self.ledger(*finding["advice"][0]["command"].split()[1:], "-H").stdout
        self.assertEqual(len(listed.splitlines()), 6)

    # Ports and TIME_WAIT

    def time_waits(self, count, address="127.0.0.1"):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do(f"listen l {address} 23456")["local_port"]
        server.post(f"serve {count} l closer=client")
        client.do(f"churn {count} {address} {port} closer=client")
        server.reply()
        return port

    def test_ports_taken_by_time_wait(self):
        self.sysctl("net.ipv4.ip_local_port_range", "40000 40023")
        self.sysctl("net.ipv4.ip_local_reserved_ports", "40001-40003,40007")
        port = self.time_waits(10)
        finding = self.expect("ephemeral_ports", severity="warning", used=10, left=10,
                              available=20, reserved=4, time_wait=10, remote_port=port)
        advice = self.sysctls_of(finding)
        self.assertEqual(advice["net.ipv4.tcp_tw_reuse"]["present"], "0")
        self.assertEqual(advice["net.ipv4.tcp_tw_reuse"]["proposed"], "2")
        self.assertEqual(advice["net.ipv4.ip_local_port_range"]["present"], "40000 40023")
        self.assertTrue(advice["net.ipv4.tcp_tw_reuse"]["command"].startswith("nsenter -t "))
        self.sysctl("net.ipv4.tcp_tw_reuse", 2)  # as proposed: these ports count no more
        self.assertEqual(self.findings(), {})

    def test_few_ports_taken(self):
        self.sysctl("net.ipv4.ip_local_port_range", "40000 40019")
        self.time_waits(9)
        self.assertEqual(self.findings(), {})

    def test_ports_taken_by_open_connections(self):
        self.sysctl("net.ipv4.ip_local_port_range", "40000 40019")
        server, client = self.actor(self.n), self.actor(self.n)
        server.do("listen l 127.0.0.1 23456")
        client.do("connect_many c 19 127.0.0.1 23456")
        server.do("accept_many s 19 l")
        finding = self.expect("ephemeral_ports", severity="critical", used=19, left=1,
                              established=19, remote_port=23456)
        self.assertNotIn("net.ipv4.tcp_tw_reuse", self.sysctls_of(finding))
        self.assertIn(f"tcp_actor[{client.pid}] (19)", finding["evidence"])

    def test_time_wait_near_its_bound(self):
        self.time_waits(9)
        self.sysctl("net.ipv4.tcp_max_tw_buckets", 10)
        finding = self.expect("time_wait_buckets", severity="warning", time_wait=9, limit=10)
        self.assertEqual(self.sysctls_of(finding)["net.ipv4.tcp_max_tw_buckets"]["proposed"], "32")
        self.sysctl("net.ipv4.tcp_max_tw_buckets", 11)
        self.assertEqual(self.findings(), {})

    def test_fin_wait2_after_close_near_the_bound(self):
        _, client, _ = self.pair(self.n, count=10)
        self.sysctl("net.ipv4.tcp_max_tw_buckets", 10)
        client.do("close_many c")
        finding = self.expect("time_wait_buckets", fin_wait2=10, time_wait=0)
        self.assertEqual(self.sysctls_of(finding)["net.ipv4.tcp_fin_timeout"]["present"], "60")

    def test_time_wait_overflow(self):
        self.sysctl("net.ipv4.tcp_max_tw_buckets", 3)
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.post("serve 0 l closer=client")
        finding = self.busy_while(client, f"churn 0 127.0.0.1 {port} closer=client",
                                  lambda: self.expect("time_wait_buckets", severity="warning"))
        server.post("stop")
        server.reply()
        self.assertGreater(finding["numbers"]["overflowed"], 0)

    # What programs leave undone

    # Limits of the whole host: lowered for the audit's eyes alone, in a mount namespace of its own

    def audit_with(self, settings):
        """Findings, where the files of /proc/sys read as given."""
        binds = ""
        for number, (name, text) in enumerate(settings.items()):
            path = os.path.join(self.directory, str(number))
            with open(path, "w", encoding="ascii") as file:
                file.write(text + "\n")
            binds += f"mount --bind {path} /proc/sys/{name} && "
        command = [harness.binary(), "audit", "--for", "0.1", "--json"]  # -N: not the host's
        done = subprocess.run(["unshare", "--mount", "sh", "-c", binds + 'exec "$@"', "sh", *command],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=harness.PATIENCE_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {finding["id"]: finding for finding in json.loads(done.stdout)["findings"]}

    def test_orphans(self):
        server, client, _ = self.pair(self.n, count=8)
        for number in range(8):
            client.do(f"fill c{number}")
            client.do(f"close c{number}")  # the FIN waits behind unread data
        eventually(lambda: self.assertEqual(self.n.counts().get("FIN_WAIT1"), 8))
        limit = "net/ipv4/tcp_max_orphans"
        self.assertNotIn("orphans", self.audit_with({limit: "1000000000"}))
        found = self.audit_with({limit: "8"})["orphans"]
        self.assertGreaterEqual(found["numbers"]["orphans"], 8)  # and the host's others
        self.assertEqual((found["numbers"]["limit"], found["severity"]), (8, "critical"))
        self.assertEqual(self.sysctls_of(found)["net.ipv4.tcp_max_orphans"]["present"], "8")
        server.do("close_many s")

    def test_files_of_the_host(self):
        with open("/proc/sys/fs/file-nr", encoding="ascii") as totals:
            used = int(totals.read().split()[0])
        for limit, severity in ((used * 100, None), (used * 5 // 4, "warning"), (used, "critical")):
            with self.subTest(severity):
                found = self.audit_with({"fs/file-nr": f"{used}\t0\t{limit}",
                                         "fs/file-max": str(limit)})
                self.assertEqual("files" in found, severity is not None)
                if severity:
                    self.assertEqual(found["files"]["severity"], severity)
                    self.assertEqual(found["files"]["numbers"], {"used": used, "limit": limit})

    def test_descriptors(self):
        server, _, _ = self.pair(self.n, count=20)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (1000, 1000))
        self.assertEqual(self.findings(), {})
        used = self.descriptors(server)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used * 4 // 3, 1000))
        self.expect("descriptors", severity="warning", used=used, sockets=21, close_wait=0)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used, 1000))
        finding = self.expect("descriptors", severity="critical", used=used, limit=used)
        self.assertEqual(finding["process"]["pid"], server.pid)
        self.assertRegex(finding["advice"][0]["command"],
                         rf"^prlimit --pid {server.pid} --nofile=\d+:$")

    def descriptors(self, actor):
        return len(os.listdir(f"/proc/{actor.pid}/fd"))

    def test_full_receive_buffer(self):
        server, client, _ = self.pair(self.n, count=2)
        client.do("fill c0")
        finding = self.expect("recv_queue", severity="warning", half_full=1, sockets=1)
        self.assertEqual(finding["process"]["pid"], server.pid)
        unread = next(s for s in self.n.ss() if s.recv_queue > 0)
        self.assertEqual(finding["numbers"]["bytes"], unread.recv_queue)

    def test_unread_for_long(self):
        server, client, _ = self.pair(self.n, count=5)
        for i in range(5):
            client.do(f"send c{i} 10")
        finding = self.expect("recv_queue", sockets=5, bytes=50, half_full=0)
        self.assertGreaterEqual(finding["numbers"]["unread_at_least_ms"], 5000)
        server.do("receive s0 10")
        self.assertEqual(self.findings(), {})

    def test_udp_not_read(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("datagram_bind u 127.0.0.1 0")["local_port"]
        client.do(f"datagram_flood 2000 1000 127.0.0.1 {port}")
        finding = self.expect("udp_recv_queue", severity="warning", dropped=0, local_port=port)
        self.assertEqual(finding["process"]["pid"], server.pid)

    def test_udp_drops(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("datagram_bind u 127.0.0.1 0")["local_port"]
        client.do(f"datagram_flood 2000 1000 127.0.0.1 {port}")
        finding = self.busy_while(client, f"datagram_flood 0 1000 127.0.0.1 {port}",
                                  lambda: self.expect("udp_recv_queue", severity="critical"))
        self.assertGreater(finding["numbers"]["dropped"], 0)

    def two_nets(self):
        other = self.net()
        harness.join_nets(self.n, other)
        server, client = self.actor(self.n), self.actor(other)
        return other, server, client

    def test_idle_without_keepalive(self):
        other, server, client = self.two_nets()
        self.sysctl("net.ipv4.tcp_keepalive_time", 1)
        server.do("listen l 10.77.0.1 80")
        client.do("connect_many c 10 10.77.0.1 80")
        server.do("accept_many s 10 l")
        finding = self.expect("keepalive", severity="warning", idle=10, keepalive_time_s=1)
        self.assertEqual(finding["process"]["pid"], server.pid)
        self.assertEqual(self.findings(net=other), {})  # not idle for its two hours
        self.sysctl("net.ipv4.tcp_keepalive_time", 9000, net=other)
        client.do("close c0")
        eventually(lambda: self.assertNotIn("keepalive", self.findings()))

    def test_idle_on_loopback_needs_none(self):
        self.sysctl("net.ipv4.tcp_keepalive_time", 1)
        self.pair(self.n, count=12)
        self.assertEqual(self.findings(seconds=1.5), {})

    def test_wildcard(self):
        _, server, client = self.two_nets()
        server.do("listen low 0.0.0.0 80")
        server.do("listen own 127.0.0.1 8080")
        self.assertEqual(self.findings(), {})
        port = server.do("listen all 0.0.0.0 0")["local_port"]
        finding = self.expect("wildcard", severity="info", listeners=1)
        self.assertIn(f"0.0.0.0:{port} tcp_actor[{server.pid}]", finding["evidence"])
        self.ledger("audit", "-N", self.n.inum, "--for", 0.2, "--fail-on", "warning")
        client.do("listen all 0.0.0.0 0")  # its own namespace: no matter here
        self.expect("wildcard", listeners=1)

    # The command

    def test_status(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=4")["local_port"]
        client.do(f"connect_many c 3 127.0.0.1 {port}")
        command = ("audit", "-N", self.n.inum, "--for", 0.2)
        self.ledger(*command)
        self.ledger(*command, "--fail-on", "critical")
        self.ledger(*command, "--fail-on", "warning", status=4)
        client.do(f"connect_many d 2 127.0.0.1 {port}")
        self.ledger(*command, "--fail-on", "critical", status=4)
        self.ledger(*command, "--fail-on", "everything", status=2)
        self.ledger("audit", "--for", "0", status=2)

    def test_text(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=4")["local_port"]
        client.do(f"connect_many c 5 127.0.0.1 {port}")
        out = self.ledger("audit", "-N", self.n.inum, "--for", 0.2).stdout.decode()
        lines = out.splitlines()
        self.assertTrue(lines[0].startswith("CRITICAL  the accept queue of 127.0.0.1:"), out)
        self.assertLessEqual(max(len(line) for line in lines if "# " not in line), 80)
        for words in ("evidence", "meaning", "advice", "proposed 128", "risk:"):
            self.assertIn(words, out)
        self.assertTrue(lines[-1].startswith("1 finding: 1 critical; looked twice in"), out)

    def test_hostile_names(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=4")["local_port"]
        client.do(f"connect_many c 5 127.0.0.1 {port}")
        name = b"\x1b[31m\"\\`x\xff"
        server.do(f"comm {name.hex()}")
        done = self.ledger("audit", "-N", self.n.inum, "--for", 0.2)
        self.assertNotIn(b"\x1b", done.stdout)
        finding = self.expect("accept_queue")
        self.assertEqual(finding["process"]["pid"], server.pid)


if __name__ == "__main__":
    harness.main()
