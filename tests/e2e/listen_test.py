# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`listen`: every listener that ss shows, its owner and sharers, its queues against their limits,
and what its namespace had to refuse, as /proc/net/netstat has it."""

import csv
import io
import json

import harness
from harness import eventually


class Listen(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def document(self, *arguments, net=None):
        return self.ledger_json("listen", "-N", (net or self.n).inum, *arguments)

    def listeners(self, *arguments):
        return self.document(*arguments)["listeners"]

    def listener(self, port):
        [one] = [entry for entry in self.listeners() if entry["local_port"] == port]
        return one

    def netstat(self, name):
        """A TcpExt counter of our namespace, from the kernel itself."""
        lines = [line.split() for line in self.n.run("cat", "/proc/self/net/netstat").splitlines()]
        names, values = [line for line in lines if line[0] == "TcpExt:"]
        return int(dict(zip(names, values))[name])

    def test_same_listeners_as_ss(self):
        actor = self.actor(self.n)
        for name, address, options in (("a", "127.0.0.1", "backlog=7"), ("b", "0.0.0.0", ""),
                                       ("c", "::1", ""), ("d", "::", ""), ("e", "::", "v6only=1")):
            actor.do(f"listen {name} {address} 0 {options}")
        ours = sorted((s["local_address"], s["local_port"], s["accept_queue"],
                       s["accept_queue_limit"], s["cookie"]) for s in self.listeners())
        theirs = sorted((*s.local, s.recv_queue, s.send_queue, s.cookie) for s in self.n.ss()
                        if s.state == "LISTEN")
        self.assertEqual(ours, theirs)
        self.assertEqual({s["owner"]["pid"] for s in self.listeners()}, {actor.pid})

    def test_reach(self):
        actor = self.actor(self.n)
        self.n.run("ip", "address", "add", "10.9.8.7/32", "dev", "lo")
        reach = {"127.0.0.1": "loopback", "0.0.0.0": "any", "::1": "loopback", "::": "any",
                 "10.9.8.7": "address"}
        for name, address in enumerate(reach):
            actor.do(f"listen l{name} {address} 0 v6only=1")
        self.assertEqual({s["local_address"]: s["reach"] for s in self.listeners()}, reach)

    def test_accept_queue(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=5")["local_port"]
        client.do(f"connect_many c 4 127.0.0.1 {port}")
        one = self.listener(port)
        self.assertEqual((one["accept_queue"], one["accept_queue_limit"]), (4, 5))
        server.do("accept_many s 3 l")
        self.assertEqual(self.listener(port)["accept_queue"], 1)

    def test_syn_queue(self):
        """Half-open ones belong to the address they were sent to, to the wildcard otherwise."""
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen all 0.0.0.0 0 defer=60 reuseport=1")["local_port"]
        server.do(f"listen one 127.0.0.2 {port} defer=60 reuseport=1 backlog=9")
        client.do(f"connect_many c 3 127.0.0.1 {port}")
        client.do(f"connect_many d 2 127.0.0.2 {port}")
        self.assertEqual(self.n.counts()["SYN_RECV"], 5)
        queues = {s["local_address"]: s["syn_queue"] for s in self.listeners()}
        self.assertEqual(queues, {"0.0.0.0": 3, "127.0.0.2": 2})

    def test_sharers_and_siblings(self):
        server = self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 reuseport=1")["local_port"]
        children = [server.do(f"fork worker{i}")["child"] for i in range(2)]
        other = self.actor(self.n)
        other.do(f"listen l 127.0.0.1 {port} reuseport=1")
        by_owner = {entry["owner"]["pid"]: entry for entry in self.listeners()}
        everybody = sorted([server.pid, *children])
        shared = by_owner[everybody[0]]
        self.assertEqual([s["pid"] for s in shared["sharers"]], everybody[1:])
        self.assertEqual(by_owner[other.pid]["sharers"], [])
        self.assertEqual({entry["reuseport_siblings"] for entry in by_owner.values()}, {1})

    def test_overflows_are_the_kernels(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=0")["local_port"]
        client.do(f"connect full 127.0.0.1 {port}")
        for i in range(3):
            client.do(f"connect c{i} 127.0.0.1 {port} nonblock=1")
        eventually(lambda: self.assertGreaterEqual(self.netstat("ListenOverflows"), 3))
        client.do("close_many c")  # no more SYNs: the counters rest
        before = self.netstat("ListenOverflows"), self.netstat("ListenDrops")
        [namespace] = self.document()["namespaces"]
        self.assertEqual((namespace["listen_overflows"], namespace["listen_drops"]), before)
        self.assertGreater(namespace["listen_overflows_per_hour"], 0)

    def test_container(self):
        container, server = self.container(), self.actor(self.n)
        container.add(server.pid)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        self.assertEqual(self.listener(port)["container"], container.id[:12])
        self.assertIn(container.id[:12], self.text())

    def test_udp(self):
        server, client = self.actor(self.n), self.actor(self.n)
        server.do("listen tcp 127.0.0.1 0")
        port = server.do("datagram_bind u 127.0.0.1 0")["local_port"]
        client.do(f"datagram_flood 3 100 127.0.0.1 {port}")
        [one] = self.listeners("-u")
        self.assertEqual((one["protocol"], one["local_port"], one["owner"]["pid"], one["drops"]),
                         ("udp", port, server.pid, 0))
        self.assertGreaterEqual(one["recv_queue"], 300)
        client.do(f"datagram_flood 5000 1000 127.0.0.1 {port}")
        [one] = self.listeners("-u")
        drops = [line.split() for line in self.n.run("cat", "/proc/self/net/udp").splitlines()[1:]]
        self.assertEqual(one["drops"], int(drops[0][-1]))
        self.assertGreater(one["drops"], 0)
        self.assertEqual(sorted(s["protocol"] for s in self.listeners("-tu")), ["tcp", "udp"])

    def text(self, *arguments):
        return self.ledger("listen", "-N", self.n.inum, *arguments).stdout.decode()

    def test_text(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=5")["local_port"]
        client.do(f"connect_many c 2 127.0.0.1 {port}")
        lines = self.text("-tlnp").splitlines()
        self.assertEqual(lines[1].split(), [f"127.0.0.1:{port}", "loopback", "2/5", "0",
                                            f"tcp_actor[{server.pid}]"])
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertEqual([line.split() for line in self.text("-H").splitlines()],
                         [lines[1].split()])
        self.assertEqual(self.text("-6", "-H"), "")
        rows = list(csv.DictReader(io.StringIO(self.text("--csv"))))
        self.assertEqual([(r["local_port"], r["pid"], r["accept_queue"]) for r in rows],
                         [(str(port), str(server.pid), "2")])

    def test_choice_of_the_namespace(self):
        self.actor(self.n).do("listen l 127.0.0.1 4321")
        by_path = self.ledger_json("listen", "-N", f"/proc/{self.n.keeper.pid}/ns/net")
        self.assertEqual([s["netns"] for s in by_path["listeners"]], [self.n.inum])
        everywhere = self.ledger_json("listen")["listeners"]
        self.assertIn((self.n.inum, 4321), [(s["netns"], s["local_port"]) for s in everywhere])
        by_self = self.ledger("listen", "-N", "self", "--json", preexec_fn=self.n.enter)
        self.assertEqual([s["local_port"] for s in json.loads(by_self.stdout)["listeners"]], [4321])
        done = self.ledger("listen", "-N", "no such", status=2)
        self.assertIn(b"no network namespace", done.stderr)

    def test_empty_namespace(self):
        self.assertEqual(self.document()["listeners"], [])
        self.assertEqual(self.text().splitlines()[0].split()[0], "LOCAL")


if __name__ == "__main__":
    harness.main()
