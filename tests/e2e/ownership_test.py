# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A live `top` puts each connection on its true owner, however the descriptor travelled."""

import os
import signal

import harness
from watching import TopTest, nonzero


class Ownership(TopTest):
    """Each alone; ownership_under_churn_test.py has the same beside other connections."""

    def eventually_rows(self, stream, expected):
        """expected: pid → states; {} or absent rows are the same."""
        def check():
            document = self.next_document(stream)
            rows = {pid: self.row(document, pid) for pid in expected}
            got = {pid: nonzero(row["states"]) if row else {} for pid, row in rows.items()}
            self.assertEqual(got, expected)
        self.eventually(check)

    def test_reuseport_siblings_each_own_their_queue(self):
        stream = self.watch()
        siblings = [self.actor(self.n) for _ in range(3)]
        port = siblings[0].do("listen l 127.0.0.1 0 reuseport=1")["local_port"]
        for sibling in siblings[1:]:
            sibling.do(f"listen l 127.0.0.1 {port} reuseport=1")
        client = self.actor(self.n)
        client.do(f"connect_many c 90 127.0.0.1 {port}")
        queues = {s.holders[0][0]: s.recv_queue for s in self.n.ss() if s.state == "LISTEN"}
        self.assertEqual(sum(queues.values()), 90)
        self.assertGreater(min(queues.values()), 0)
        self.eventually_rows(stream, {
            client.pid: {"ESTABLISHED": 90},
            **{pid: {"LISTEN": 1, "ESTABLISHED": count} for pid, count in queues.items()}})
        client.kill()
        self.eventually_rows(stream, {
            client.pid: {"FIN_WAIT2": 90},
            **{pid: {"LISTEN": 1, "CLOSE_WAIT": count} for pid, count in queues.items()}})
        for sibling in siblings:
            count = queues[sibling.pid]
            sibling.do(f"accept_many s {count} l")
            sibling.do("close_many s")
        self.eventually_rows(stream, {
            client.pid: {"TIME_WAIT": 90}, **{pid: {"LISTEN": 1} for pid in queues}})

    def test_prefork_workers_own_theirs_to_the_end(self):
        stream = self.watch()
        parent, client = self.actor(self.n), self.actor(self.n)
        port = parent.do("listen l 127.0.0.1 0")["local_port"]
        one, two = (parent.do(f"fork w{i}")["child"] for i in range(2))
        client.do(f"connect_many c 10 127.0.0.1 {port}")
        self.eventually_rows(stream, {parent.pid: {"LISTEN": 1, "ESTABLISHED": 10}})  # unaccepted
        for i in range(2):
            parent.do(f"tell w{i} accept_many s 5 l")
        self.eventually_rows(stream, {parent.pid: {"LISTEN": 1}, one: {"ESTABLISHED": 5},
                                      two: {"ESTABLISHED": 5}})
        parent.do("tell w0 close_many s")
        self.eventually_rows(stream, {one: {"FIN_WAIT2": 5}, two: {"ESTABLISHED": 5}})
        client.do("close_many c")
        self.eventually_rows(stream, {one: {"TIME_WAIT": 5}, two: {"CLOSE_WAIT": 5},
                                      client.pid: {"FIN_WAIT2": 5}})
        os.kill(one, signal.SIGKILL)
        parent.do("tell w1 close_many s")
        self.eventually_rows(stream, {parent.pid: {"LISTEN": 1}, one: {"TIME_WAIT": 5}, two: {},
                                      client.pid: {"TIME_WAIT": 5}})

    def test_thread_that_was_blocked_in_accept_at_the_start(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.do("accept_thread s l")
        stream = self.watch()
        client.do(f"connect c 127.0.0.1 {port}")
        server.do("join s")
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1, "ESTABLISHED": 1}})
        client.do("close c")
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1, "CLOSE_WAIT": 1},
                                      client.pid: {"FIN_WAIT2": 1}})
        server.do("close s")
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1}, client.pid: {"TIME_WAIT": 1}})

    def test_passed_by_scm_rights(self):
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=1)
        child = server.do("fork receiver")["child"]
        server.do("tell receiver close s0")
        server.do("tell receiver close l")
        server.do("pass s0 receiver")
        server.do("tell receiver take passed")
        server.do("close s0")
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1}, child: {"ESTABLISHED": 1}})
        client.do("close c0")
        self.eventually_rows(stream, {child: {"CLOSE_WAIT": 1}, client.pid: {"FIN_WAIT2": 1}})
        server.do("tell receiver close passed")
        self.eventually_rows(stream, {child: {}, server.pid: {"LISTEN": 1},
                                      client.pid: {"TIME_WAIT": 1}})

    def test_child_survives_its_parent(self):
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=3)
        middle = server.do("fork middle")["child"]
        server.do("close_many s")
        server.do("close l")
        self.eventually_rows(stream, {server.pid: {}, middle: {"LISTEN": 1, "ESTABLISHED": 3}})
        client.do("close_many c")  # the leak is seen with the child
        self.eventually_rows(stream, {server.pid: {}, middle: {"LISTEN": 1, "CLOSE_WAIT": 3},
                                      client.pid: {"FIN_WAIT2": 3}})
        os.kill(middle, signal.SIGKILL)
        self.eventually_rows(stream, {server.pid: {}, middle: {}, client.pid: {"TIME_WAIT": 3}})

    def test_killed_parent_of_a_shared_listener(self):
        """The listener's owner is killed; the worker that shares it goes on and owns it."""
        stream = self.watch()
        parent, client = self.actor(self.n), self.actor(self.n)
        port = parent.do("listen l 127.0.0.1 0")["local_port"]
        worker = parent.do("fork worker")["child"]
        self.eventually_rows(stream, {parent.pid: {"LISTEN": 1}, worker: {}})
        parent.do("close l")
        self.eventually_rows(stream, {parent.pid: {}, worker: {"LISTEN": 1}})
        client.do(f"connect_many c 7 127.0.0.1 {port}")
        self.eventually_rows(stream, {parent.pid: {}, worker: {"LISTEN": 1, "ESTABLISHED": 7},
                                      client.pid: {"ESTABLISHED": 7}})
        parent.do("tell worker accept_many s 7 l")
        parent.do("tell worker close_many s")
        self.eventually_rows(stream, {parent.pid: {}, worker: {"LISTEN": 1, "FIN_WAIT2": 7},
                                      client.pid: {"CLOSE_WAIT": 7}})
        client.do("close_many c")
        self.eventually_rows(stream, {worker: {"LISTEN": 1, "TIME_WAIT": 7}, client.pid: {}})

    def test_exec_is_the_same_process_with_a_new_name(self):
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=2)
        server.do("exec")

        def renamed():
            row = self.row(self.next_document(stream), server.pid)
            self.assertEqual((row["comm"], nonzero(row["states"])),
                             ("exe", {"LISTEN": 1, "ESTABLISHED": 2}))
        self.eventually(renamed)
        client.do("close_many c")
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1, "CLOSE_WAIT": 2}})
        server.do("close_many s")
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1}, client.pid: {"TIME_WAIT": 2}})

    def test_leader_thread_is_gone(self):
        """/proc/PID/fd of a zombie leader is empty, yet the process holds its sockets."""
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=4)
        client.do("leave_main_thread")
        client.reply()  # the other thread's hello
        self.eventually_rows(stream, {client.pid: {"ESTABLISHED": 4}})
        for socket in self.list_sockets(self.n):
            self.assertIn(socket["owner"]["pid"], (server.pid, client.pid))
        client.do("close_many c")
        self.eventually_rows(stream, {client.pid: {"FIN_WAIT2": 4},
                                      server.pid: {"LISTEN": 1, "CLOSE_WAIT": 4}})
        server.do("close_many s")
        self.eventually_rows(stream, {client.pid: {"TIME_WAIT": 4}, server.pid: {"LISTEN": 1}})

    def test_renamed_process_shows_its_new_name(self):
        stream = self.watch()
        server, _, _ = self.pair(self.n)
        server.do("comm " + b"renamed".hex())

        def renamed():
            self.assertEqual(self.row(self.next_document(stream), server.pid)["comm"], "renamed")
        self.eventually(renamed)

    def test_time_wait_stays_with_who_closed_first_after_exit(self):
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=10)
        client.end()
        server.do("close_many s")
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1}, client.pid: {"TIME_WAIT": 10}})
        row = self.row(self.next_document(stream), client.pid)
        self.assertEqual(row["comm"], "tcp_actor")

    def test_non_blocking_connects_that_fail(self):
        stream = self.watch()
        client = self.actor(self.n)
        for i in range(5):
            client.do(f"connect c{i} 127.0.0.1 9 nonblock=1")
            self.assertEqual(client.attempt(f"await c{i}")["errno"], "ECONNREFUSED")
        self.next_document(stream)
        self.eventually(lambda: self.assertEqual(self.sums(stream, client), (5, 5)))
        self.eventually_rows(stream, {client.pid: {}})

    def test_namespaces_of_the_processes_do_not_matter(self):
        """Opened in one namespace, held by a process that lives in another."""
        other = self.net()
        harness.join_nets(self.n, other)
        stream = self.watch()
        server, client = self.actor(self.n), self.actor(other)
        port = server.do("listen l 10.77.0.1 0")["local_port"]
        client.do(f"connect_many c 6 10.77.0.1 {port}")
        server.do("accept_many s 6 l")
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1, "ESTABLISHED": 6},
                                      client.pid: {"ESTABLISHED": 6}})
        os.kill(client.pid, signal.SIGKILL)
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1, "CLOSE_WAIT": 6},
                                      client.pid: {"FIN_WAIT2": 6}})
        server.do("close_many s")
        self.eventually_rows(stream, {server.pid: {"LISTEN": 1}, client.pid: {"TIME_WAIT": 6}})


if __name__ == "__main__":
    harness.main()
