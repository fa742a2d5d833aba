# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The actors do what they say, by ss alone: the stage is checked before the play."""

import os
import signal

import harness
from harness import eventually


class Workloads(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def expect(self, **counts):
        self.assertEqual(self.n.counts(), counts)

    def test_client_closes_first(self):
        server, client, port = self.pair(self.n)
        self.expect(LISTEN=1, ESTABLISHED=2)
        client.do("close c0")
        eventually(lambda: self.expect(LISTEN=1, FIN_WAIT2=1, CLOSE_WAIT=1))
        self.assertEqual(server.do("eof s0")["bytes"], 0)
        server.do("close s0")
        eventually(lambda: self.expect(LISTEN=1, TIME_WAIT=1))
        [waiting] = [s for s in self.n.ss() if s.state == "TIME_WAIT"]
        self.assertEqual(waiting.remote, ("127.0.0.1", port))

    def test_server_closes_first(self):
        server, client, port = self.pair(self.n)
        server.do("close s0")
        client.do("eof c0")
        client.do("close c0")
        eventually(lambda: self.expect(LISTEN=1, TIME_WAIT=1))
        [waiting] = [s for s in self.n.ss() if s.state == "TIME_WAIT"]
        self.assertEqual(waiting.local, ("127.0.0.1", port))

    def test_reset(self):
        server, client, _ = self.pair(self.n)
        client.do("reset c0")
        self.assertEqual(server.attempt("eof s0")["errno"], "ECONNRESET")
        server.do("close s0")
        self.expect(LISTEN=1)

    def test_refused(self):
        client = self.actor(self.n)
        self.assertEqual(client.attempt("connect c 127.0.0.1 9")["errno"], "ECONNREFUSED")
        client.do("close c")
        self.expect()

    def test_half_close(self):
        server, client, _ = self.pair(self.n)
        client.do("shutdown c0 wr")
        server.do("eof s0")
        server.do("send s0 1000")
        self.assertEqual(client.do("receive c0 1000")["bytes"], 1000)
        self.expect(LISTEN=1, FIN_WAIT2=1, CLOSE_WAIT=1)

    def test_every_other_state_can_be_brought_about(self):
        self.make_all_states(self.n)
        self.expect(LISTEN=4, ESTABLISHED=6, SYN_SENT=1, SYN_RECV=1, FIN_WAIT1=1, FIN_WAIT2=3,
                    CLOSE_WAIT=1, CLOSING=1, LAST_ACK=1, TIME_WAIT=1)

    def test_families(self):
        for address, connect_to, shown in (("127.0.0.1", None, "127.0.0.1"), ("::1", None, "::1"),
                                           ("::", "::ffff:127.0.0.1", "127.0.0.1")):
            with self.subTest(address):
                _, client, port = self.pair(self.n, address, connect_to)
                peers = [s for s in self.n.ss() if s.remote == (shown, port)]
                self.assertEqual([s.holders[0][0] for s in peers], [client.pid])

    def test_churn_counts_exactly(self):
        for closer, waiting in (("client", 300), ("server", 300), ("reset", 0)):
            with self.subTest(closer):
                before = self.n.counts().get("TIME_WAIT", 0)
                server, client = self.actor(self.n), self.actor(self.n)
                port = server.do("listen l 127.0.0.1 0")["local_port"]
                server.post(f"serve 300 l closer={closer}")
                made = client.do(f"churn 300 127.0.0.1 {port} closer={closer}")
                self.assertEqual((made["connections"], made["failed"]), (300, 0))
                self.assertEqual(server.reply()["connections"], 300)
                grown = self.n.counts().get("TIME_WAIT", 0) - before
                self.assertLessEqual(grown, waiting)  # a port used again takes one over
                self.assertGreaterEqual(grown, 0.9 * waiting)

    def test_churn_until_told(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.post("serve 0 l closer=reset")
        client.post(f"churn 0 127.0.0.1 {port} closer=reset")
        client.post("stop")
        made = client.reply()["connections"]
        server.post("stop")
        self.assertEqual(server.reply()["connections"], made)

    def test_fork_holds_what_the_parent_closes(self):
        server, _, _ = self.pair(self.n)
        child = server.do("fork worker")["child"]
        server.do("close s0")
        [held] = [s for s in self.n.ss() if s.state == "ESTABLISHED" and s.holders[0][0] == child]
        self.assertEqual(len(held.holders), 1)
        server.do("tell worker close s0")
        os.kill(child, signal.SIGKILL)
        server.do("reap worker")

    def test_inherited_listener_and_reuseport(self):
        parent = self.actor(self.n)
        port = parent.do("listen l 127.0.0.1 0 reuseport=1")["local_port"]
        sibling = self.actor(self.n)
        sibling.do(f"listen l 127.0.0.1 {port} reuseport=1")
        child = parent.do("fork worker")["child"]
        parent.do("close l")
        client = self.actor(self.n)
        client.do(f"connect_many c 40 127.0.0.1 {port}")
        queued = {s.holders[0][0]: s.recv_queue for s in self.n.ss() if s.state == "LISTEN"}
        self.assertEqual(sum(queued.values()), 40)
        self.assertEqual(set(queued), {child, sibling.pid})
        parent.do(f"tell worker accept_many s {queued[child]} l")
        sibling.do(f"accept_many s {queued[sibling.pid]} l")
        self.expect(LISTEN=2, ESTABLISHED=80)

    def test_passed_by_scm_rights(self):
        server, _, _ = self.pair(self.n)
        server.do("fork early")
        server2, _, _ = self.pair(self.n)
        child = server2.do("fork receiver")["child"]
        server2.do("tell receiver close s0")
        server2.do("pass s0 receiver")
        server2.do("tell receiver take passed")
        server2.do("close s0")
        holders = [s.holders for s in self.n.ss() if any(pid == child for pid, _ in s.holders)]
        self.assertIn([child], [[pid for pid, _ in h] for h in holders])

    def test_blocked_accept_in_a_thread(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.do("accept_thread s l")
        cookie = client.do(f"connect c 127.0.0.1 {port}")["cookie"]
        accepted = server.do("join s")
        self.assertEqual(accepted["local_port"], port)
        self.assertNotEqual(accepted["cookie"], cookie)

    def test_comm_of_any_bytes(self):
        actor = self.actor(self.n)
        name = b'\x1b[31m"\n\xff,\\'
        actor.do("comm " + name.hex())
        with open(f"/proc/{actor.pid}/comm", "rb") as file:
            self.assertEqual(file.read(), name + b"\n")

    def test_second_opinion_agrees(self):
        self.pair(self.n, count=5)
        self.pair(self.n, "::1", count=5)
        self.assertEqual(self.n.counts(), self.n.proc_counts())


if __name__ == "__main__":
    harness.main()
