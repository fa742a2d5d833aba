# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`list`: every socket that ss shows, in the same state, with its owner and holders."""

import harness
from harness import TO_SS, eventually, socket_key

FIELDS = {"protocol", "family", "netns", "state", "local_address", "local_port", "remote_address",
          "remote_port", "recv_queue", "send_queue", "uid", "inode", "cookie", "owner", "holders",
          "unaccepted", "state_age_ms", "age_is_lower_bound"}


class List(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def holders_of(self, socket):
        return sorted((holder["pid"], holder["fd"]) for holder in socket["holders"])

    def by_key(self, net=None):
        return {socket_key(socket): socket for socket in self.list_sockets(net or self.n)}

    def assert_equals_ss(self, net):
        """All columns of all sockets but CLOSE, for a population at rest."""
        sockets = self.list_sockets(net)
        self.assert_same_books(net, sockets)
        ours = {socket_key(socket): socket for socket in sockets}
        for theirs in net.ss():
            socket = ours[theirs.key]
            with self.subTest(theirs.line):
                self.assertEqual(self.holders_of(socket), theirs.holders)
                self.assertEqual(socket["recv_queue"], theirs.recv_queue)
                self.assertEqual(socket["send_queue"], theirs.send_queue)
                self.assertEqual(socket["inode"] or 0, theirs.inode)
                self.assertEqual(socket["protocol"], "tcp")
                if theirs.inode:
                    self.assertEqual(socket["cookie"], theirs.cookie)
                    self.assertEqual(socket["uid"], theirs.uid)
                if theirs.holders:
                    self.assertIn(socket["owner"]["pid"], [pid for pid, _ in theirs.holders])

    def test_document(self):
        self.pair(self.n)
        document = self.ledger_json("list", "-a")
        self.assertEqual(document["version"], 1)
        for socket in document["sockets"]:
            self.assertLessEqual(FIELDS, set(socket))
            self.assertIn(socket["state"], harness.STATES)
            if socket["owner"] is not None:
                self.assertLessEqual({"pid", "comm", "how"}, set(socket["owner"]))
            for holder in socket["holders"]:
                self.assertLessEqual({"pid", "comm", "fd"}, set(holder))

    def test_empty_namespace(self):
        self.assertEqual(self.list_sockets(self.n), [])

    def test_every_state(self):
        self.make_all_states(self.n)
        self.assertEqual(len(self.n.counts()), 10)
        self.assert_equals_ss(self.n)

    def test_held_sockets_are_owned_by_their_holder(self):
        server, client, port = self.pair(self.n, count=3)
        for socket in self.list_sockets(self.n):
            expected = client.pid if socket["remote_port"] == port else server.pid
            self.assertEqual(socket["owner"]["pid"], expected)
            self.assertEqual(socket["owner"]["comm"], "tcp_actor")
            self.assertIn(socket["owner"]["how"], ("held", "listen", "connect", "accept"))
            self.assertEqual([pid for pid, _ in self.holders_of(socket)], [expected])
            self.assertFalse(socket["unaccepted"])

    def test_unaccepted_belongs_to_the_listener(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect_many c 20 127.0.0.1 {port}")
        queued = [s for s in self.list_sockets(self.n)
                  if s["state"] == "ESTABLISHED" and s["local_port"] == port]
        self.assertEqual(len(queued), 20)
        for socket in queued:
            self.assertEqual(socket["owner"]["pid"], server.pid)
            self.assertEqual(socket["owner"]["how"], "listener")
            self.assertIs(socket["unaccepted"], True)
            self.assertEqual(socket["holders"], [])

    def test_families(self):
        for address, connect_to in (("127.0.0.1", None), ("::1", None), ("::", "::ffff:127.0.0.1"),
                                    ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("::", "127.0.0.1")):
            with self.subTest(f"{address} {connect_to}"):
                net = self.net()
                _, _, port = self.pair(net, address, connect_to, count=2)
                self.assert_equals_ss(net)
                listener = [s for s in self.list_sockets(net) if s["state"] == "LISTEN"]
                self.assertEqual([(s["local_address"], s["local_port"]) for s in listener],
                                 [(address, port)])
                for socket in self.list_sockets(net):
                    self.assertFalse(socket["local_address"].startswith("::ffff:"))

    def test_two_namespaces_with_the_same_addresses(self):
        other = self.net()
        first, second = self.actor(self.n), self.actor(other)
        first.do("listen l 127.0.0.1 7777")
        second.do("listen l 127.0.0.1 7777")
        first.do("connect_many c 3 127.0.0.1 7777")
        second.do("connect_many c 5 127.0.0.1 7777")
        for net, actor, count in ((self.n, first, 3), (other, second, 5)):
            self.assert_equals_ss(net)
            sockets = self.list_sockets(net)
            self.assertEqual(len(sockets), 1 + 2 * count)
            self.assertEqual({s["owner"]["pid"] for s in sockets}, {actor.pid})

    def test_connections_between_namespaces(self):
        other = self.net()
        harness.join_nets(self.n, other)
        server, client = self.actor(self.n), self.actor(other)
        port = server.do("listen l 10.77.0.1 0")["local_port"]
        client.do(f"connect_many c 4 10.77.0.1 {port}")
        server.do("accept_many s 4 l")
        self.assert_equals_ss(self.n)
        self.assert_equals_ss(other)
        self.assertEqual({s["owner"]["pid"] for s in self.list_sockets(other)}, {client.pid})
        self.assertEqual({s["owner"]["pid"] for s in self.list_sockets(self.n)}, {server.pid})

    def test_shared_by_fork(self):
        server, client, port = self.pair(self.n)
        child = server.do("fork worker")["child"]
        [shared] = [s for s in self.list_sockets(self.n)
                    if s["state"] == "ESTABLISHED" and s["local_port"] == port]
        self.assertEqual({pid for pid, _ in self.holders_of(shared)}, {server.pid, child})
        self.assertEqual(shared["owner"]["pid"], min(server.pid, child))
        server.do("close s0")
        [held] = [s for s in self.list_sockets(self.n)
                  if s["state"] == "ESTABLISHED" and s["local_port"] == port]
        self.assertEqual([pid for pid, _ in self.holders_of(held)], [child])
        self.assertEqual(held["owner"]["pid"], child)

    def test_two_descriptors_of_one_process(self):
        server, _, port = self.pair(self.n)
        server.do("dup again s0")
        self.assert_equals_ss(self.n)
        [twice] = [s for s in self.list_sockets(self.n)
                   if s["state"] == "ESTABLISHED" and s["local_port"] == port]
        self.assertEqual([pid for pid, _ in self.holders_of(twice)], [server.pid, server.pid])

    def test_passed_by_scm_rights(self):
        server, _, port = self.pair(self.n, count=1)
        child = server.do("fork receiver")["child"]
        server.do("tell receiver close s0")
        server.do("pass s0 receiver")
        server.do("tell receiver take passed")
        server.do("close s0")
        [passed] = [s for s in self.list_sockets(self.n)
                    if s["state"] == "ESTABLISHED" and s["local_port"] == port]
        self.assertEqual(passed["owner"]["pid"], child)
        self.assert_equals_ss(self.n)

    def test_reuseport_siblings(self):
        actors = [self.actor(self.n) for _ in range(3)]
        port = actors[0].do("listen l 127.0.0.1 0 reuseport=1")["local_port"]
        for actor in actors[1:]:
            actor.do(f"listen l 127.0.0.1 {port} reuseport=1")
        listeners = [s for s in self.list_sockets(self.n) if s["state"] == "LISTEN"]
        self.assertEqual(sorted(s["owner"]["pid"] for s in listeners),
                         sorted(actor.pid for actor in actors))

    def test_killed_with_many_open_sockets(self):
        server, client, port = self.pair(self.n, count=500)
        client.kill()
        eventually(lambda: self.assertEqual(self.n.counts().get("CLOSE_WAIT"), 500))
        self.assert_equals_ss(self.n)
        waiting = [s for s in self.list_sockets(self.n) if s["state"] == "CLOSE_WAIT"]
        self.assertEqual({s["owner"]["pid"] for s in waiting}, {server.pid})
        self.assertEqual(len(waiting), 500)

    def test_ss_itself_names_the_same_holders(self):
        self.pair(self.n, count=3)
        theirs = {s.key: s.holders for s in self.n.ss(by_ss=True)}
        ours = {key: self.holders_of(socket) for key, socket in self.by_key().items()}
        self.assertEqual(ours, theirs)

    def test_text_has_ss_columns(self):
        server, client, port = self.pair(self.n)
        out = self.ledger("list", "-anp").stdout.decode()
        head = out.splitlines()[0].split()
        for word in ("State", "Recv-Q", "Send-Q", "Local", "Peer"):
            self.assertTrue(any(word in cell for cell in head), f"{word} not in {head}")
        [line] = [line for line in out.splitlines()
                  if line.split()[0] == "ESTAB" and f":{port} " in line.split("users:")[0]
                  and f"pid={client.pid}," in line]
        self.assertIn(f'users:(("tcp_actor",pid={client.pid},fd=', line)
        self.assertRegex(line, rf"\s127\.0\.0\.1:{port}\s")

    def text_rows(self, *options):
        """Our namespace's lines as columns 1 to 5; with several namespaces a column names it."""
        out = self.ledger("list", *options).stdout.decode()
        return sorted(line.split()[:5] for line in out.splitlines()
                      if str(self.n.inum) in line.split()[5:6])

    def test_text_equals_ss_text(self):
        """The first five columns, as they are spelled."""
        self.make_all_states(self.n)
        self.pair(self.n, "::", "::ffff:127.0.0.1", count=2)
        self.pair(self.n, "::1", count=2)
        self.actor(self.n).do("listen six ::1 0 v6only=1")
        self.actor(self.n).do("listen any6 :: 0 v6only=1")
        self.actor(self.n).do("listen any4 0.0.0.0 0")
        rows = [line.split()[:5] for line in self.n.run("ss", "-tanH", "-O").splitlines() if line]
        self.assertEqual(self.text_rows("-tanp"), sorted(rows))

    def test_options_select(self):
        self.make_all_states(self.n)
        self.pair(self.n, "::1", count=2)
        everything = self.list_sockets(self.n)
        for options, wanted in (
                (["-l"], lambda s: s["state"] == "LISTEN"),
                (["-4"], lambda s: s["family"] == "ipv4"),
                (["-6"], lambda s: s["family"] == "ipv6"),
                (["--state", "close-wait,FIN_WAIT2"],
                 lambda s: s["state"] in ("CLOSE_WAIT", "FIN_WAIT2")),
                (["-tanp"], lambda s: True)):
            with self.subTest(options):
                expected = sorted(socket_key(s) for s in everything if wanted(s))
                got = sorted(socket_key(s) for s in self.list_sockets(self.n, *options))
                self.assertEqual(got, expected)
                self.assertNotEqual(got, [])

    def test_no_header(self):
        self.pair(self.n)
        self.assertNotIn(b"Recv-Q", self.ledger("list", "-aH").stdout)
        self.assertIn(b"Recv-Q", self.ledger("list", "-a").stdout)

    def test_many_sockets(self):
        pairs = [self.pair(self.n, count=4000) for _ in range(3)]
        sockets = self.list_sockets(self.n)
        self.assertEqual(len(sockets), 3 * 8001)
        for server, client, _ in pairs:
            for actor, count in ((server, 4001), (client, 4000)):
                held = sum(1 for s in sockets if s["owner"] and s["owner"]["pid"] == actor.pid)
                self.assertEqual(held, count)

    def test_text_spells_states_as_ss(self):
        self.make_all_states(self.n)
        out = self.ledger("list", "-a").stdout.decode()
        spelled = {line.split()[0] for line in out.splitlines()}
        self.assertLessEqual({TO_SS[state] for state in self.n.counts()}, spelled)


if __name__ == "__main__":
    harness.main()
