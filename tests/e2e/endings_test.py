# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Ends that are no event: mini-sockets that expire, are reused or never come to be, namespaces
that end. A live `top` must agree with ss soon afterwards."""

import json
import subprocess

import harness
from actors import actor_binary
from harness import eventually
from watching import TopTest, nonzero

LESS_THAN_A_TIME_WAIT_S = 30.0


class Endings(TopTest):
    def sysctl(self, name, value):
        self.n.run("sysctl", "-qw", f"{name}={value}")

    def assert_follows(self, stream, *actors):
        """The rows of these processes together have ss's counts of the namespace."""
        def check():
            document = self.next_document(stream)
            total = {}
            for actor in actors:
                for state, count in self.states(document, actor).items():
                    total[state] = total.get(state, 0) + count
            self.assertEqual(total, self.n.counts())
        self.eventually(check)

    def test_fin_wait2_expires(self):
        self.sysctl("net.ipv4.tcp_fin_timeout", 2)
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=20)
        client.do("close_many c")
        self.eventually_states(stream, server, LISTEN=1, CLOSE_WAIT=20)
        eventually(lambda: self.assertEqual(self.n.counts(), {"LISTEN": 1, "CLOSE_WAIT": 20}))
        self.eventually_states(stream, client)
        self.assert_follows(stream, server, client)

    def test_time_wait_buckets_overflow(self):
        self.sysctl("net.ipv4.tcp_max_tw_buckets", 10)
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=50)
        client.do("close_many c")
        server.do("close_many s")
        self.assertLess(self.n.counts().get("TIME_WAIT", 0), 50)
        self.assert_follows(stream, server, client)

    def test_full_time_wait_buckets(self):
        """Once the limit is known no view has more than the kernel, not even for a moment."""
        self.sysctl("net.ipv4.tcp_max_tw_buckets", 10)
        stream = self.watch(interval_s=0.1)
        actors = []
        for turn in range(4):
            server, client, _ = self.pair(self.n, count=200)
            actors += [server, client]
            known = len(stream.lines)
            client.do("close_many c")
            server.do("close_many s")
            self.assert_follows(stream, *actors)
            seen = [json.loads(line) for line in stream.lines[known:]]
            most = max(self.minis(document, actors) for document in seen)
            if turn > 0:
                self.assertLessEqual(most, 10)
        self.assertEqual(most, 10)

    def minis(self, document, actors):
        """None of them holds a socket in FIN_WAIT2."""
        states = [self.states(document, actor) for actor in actors]
        return sum(each.get("TIME_WAIT", 0) + each.get("FIN_WAIT2", 0) for each in states)

    def test_time_wait_is_reused_by_the_server(self):
        """A new SYN with the old ports takes the place of the server's TIME_WAIT."""
        stream = self.watch()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        for turn in range(4):
            client.do(f"connect c 127.0.0.1 {port} from=127.0.0.3 port=4900")
            server.do("accept s l")
            if turn == 3:
                break
            server.do("close s")
            client.do("eof c")
            client.do("close c")
            eventually(lambda: self.assertEqual(self.n.counts(), {"LISTEN": 1, "TIME_WAIT": 1}))
            with self.subTest(turn):
                self.eventually_states(stream, server, LISTEN=1, TIME_WAIT=1)
        self.eventually_states(stream, server, LISTEN=1, ESTABLISHED=1)
        self.eventually_states(stream, client, ESTABLISHED=1)
        self.assert_follows(stream, server, client)

    def test_time_wait_is_reused_by_the_client(self):
        stream = self.watch()
        self.sysctl("net.ipv4.tcp_tw_reuse", 1)
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect c 127.0.0.1 {port} from=127.0.0.3 port=4901")
        server.do("accept s l")
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        self.eventually_states(stream, client, TIME_WAIT=1)

        def again():  # the kernel wants a second to have passed
            answer = client.attempt(f"connect d 127.0.0.1 {port} from=127.0.0.3 port=4901")
            if not answer["ok"]:
                client.do("close d")
            self.assertTrue(answer["ok"], answer)
        eventually(again)
        server.do("accept t l")
        self.assertEqual(self.n.counts(), {"LISTEN": 1, "ESTABLISHED": 2})
        self.eventually_states(stream, client, ESTABLISHED=1)
        self.eventually_states(stream, server, LISTEN=1, ESTABLISHED=1)

    def test_linger2_leaves_no_fin_wait2(self):
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=5)
        client.do("linger2_many c -1")
        client.do("close_many c")  # FIN, then RST in place of FIN_WAIT2
        eventually(lambda: self.assertEqual(self.n.counts(), {"LISTEN": 1}))
        self.eventually_states(stream, client)
        self.eventually_states(stream, server, LISTEN=1)
        self.assertEqual(self.sums(stream, client), (5, 5))

    def test_disconnect_and_connect_again(self):
        """AF_UNSPEC: the same socket is another connection afterwards."""
        stream = self.watch()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect c 127.0.0.1 {port}")
        server.do("accept s l")
        client.do("disconnect c")
        server.attempt("eof s")
        server.do("close s")
        self.eventually_states(stream, client)
        client.do(f"reconnect c 127.0.0.1 {port}")
        server.do("accept t l")
        self.eventually_states(stream, client, ESTABLISHED=1)
        self.eventually_states(stream, server, LISTEN=1, ESTABLISHED=1)
        self.next_document(stream)
        self.assertEqual(self.sums(stream, client), (2, 1))
        self.assertEqual(self.sums(stream, server), (2, 1))

    def test_listener_shut_down_and_listening_again(self):
        stream = self.watch()
        server = self.actor(self.n)
        server.do("listen l 127.0.0.1 0")
        self.eventually_states(stream, server, LISTEN=1)
        server.do("shutdown l rd")
        self.eventually_states(stream, server)
        server.do("listen_again l")
        self.eventually_states(stream, server, LISTEN=1)
        self.assertEqual(self.n.counts(), {"LISTEN": 1})

    def test_listener_closed_with_a_full_queue(self):
        stream = self.watch()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect_many c 30 127.0.0.1 {port}")
        self.eventually_states(stream, server, LISTEN=1, ESTABLISHED=30)
        server.do("close l")
        self.assertEqual(self.n.counts(), {})
        self.eventually_states(stream, server)
        self.eventually_states(stream, client)
        self.assertEqual(self.sums(stream, server), (30, 30))
        self.assertEqual(self.sums(stream, client), (30, 30))

    def test_half_open_requests_are_given_up(self):
        """SYN_RECV by TCP_DEFER_ACCEPT: becomes a connection with the first data, or is reset."""
        stream = self.watch()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 defer=60")["local_port"]
        for i in range(6):
            client.do(f"connect c{i} 127.0.0.1 {port}")
        self.assertEqual(self.n.counts(), {"LISTEN": 1, "SYN_RECV": 6, "ESTABLISHED": 6})
        self.eventually_states(stream, server, LISTEN=1, SYN_RECV=6)
        for i in range(2):
            client.do(f"send c{i} 1")
        self.eventually_states(stream, server, LISTEN=1, SYN_RECV=4, ESTABLISHED=2)
        for i in range(2, 4):
            client.do(f"reset c{i}")
        eventually(lambda: self.assertEqual(self.n.counts().get("SYN_RECV"), 2))
        self.eventually_states(stream, server, LISTEN=1, SYN_RECV=2, ESTABLISHED=2)
        self.assert_follows(stream, server, client)

    def test_namespace_ends_with_its_sockets(self):
        """Several, so that new ones of others, which take over the numbers, hide nothing."""
        stream = self.watch()
        doomed = [(net, *self.pair(net, count=3)) for net in (self.net() for _ in range(10))]
        for _, server, client, _ in doomed:
            client.do("close_many c")
        for net, server, client, _ in doomed:
            self.eventually_states(stream, client, FIN_WAIT2=3)
            client.kill()
            server.kill()
            net.close()

        def all_gone():
            document = self.next_document(stream)
            left = [self.states(document, actor) for _, *pair, _ in doomed for actor in pair]
            self.assertEqual(left, [{}] * 20)
        self.eventually(all_gone)

    def test_namespaces_that_nobody_sees(self):
        """They live for less than a sweep and end before their TIME_WAITs would."""
        stream = self.watch()
        verbs = ["listen l 127.0.0.1 7000", "connect c 127.0.0.1 7000", "accept s l", "close c",
                 "eof s", "close s"]
        briefly = ["unshare", "-n", "sh", "-c", f"ip link set lo up && exec {actor_binary()}"]
        pids = set()
        for _ in range(20):
            answers = subprocess.run(briefly, input="\n".join(verbs) + "\n", text=True, check=True,
                                     capture_output=True).stdout.splitlines()
            self.assertTrue(all(json.loads(answer)["ok"] for answer in answers), answers)
            self.assertEqual(len(answers), 1 + len(verbs))
            pids.add(json.loads(answers[0])["pid"])

        def all_gone():
            self.next_document(stream)
            documents = [json.loads(line)["processes"] for line in list(stream.lines)]
            self.assertLessEqual(pids, {row["pid"] for rows in documents for row in rows})
            left = [row for row in documents[-1]
                    if row["pid"] in pids and nonzero(row["states"])]
            self.assertEqual(left, [])
        eventually(all_gone, LESS_THAN_A_TIME_WAIT_S)

    def test_namespace_without_processes(self):
        """TIME_WAIT in a namespace that only a name keeps alive."""
        name = f"tcpledger-e2e-{self.n.inum}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "del", name], check=True)
        net = harness.NamedNet(name)
        self.addCleanup(net.close)
        stream = self.watch()
        server, client, _ = self.pair(net, count=8)
        client.do("close_many c")
        server.do("close_many s")
        server.end()
        client.end()
        self.assertEqual(net.counts(), {"TIME_WAIT": 8})
        self.eventually_states(stream, client, TIME_WAIT=8)
        listed = [s for s in self.list_sockets(net) if s["state"] == "TIME_WAIT"]
        self.assertEqual(len(listed), 8)


if __name__ == "__main__":
    harness.main()
