# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`trace --follow`: the path of one connection, or of all connections of one process, to its end.

The kernel's own path is known from what the actors do; cookies come from the sockets themselves.
"""

import json

import harness
from bounds import eventually
from tracing import ACTIVE_CLOSE, CONNECT, PASSIVE_CLOSE, path


class Follow(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def follow(self, what, *arguments):
        stream = self.stream("trace", "--json", "--hooks=tracepoints", "--follow", what, *arguments)
        return stream

    def cookies(self, net):
        return {socket.key: socket.cookie for socket in net.ss()}

    def connection(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        cookie = client.do(f"connect c 127.0.0.1 {port}")["cookie"]
        accepted = server.do("accept s l")["cookie"]
        return server, client, port, cookie, accepted

    def await_lines(self, stream, count):
        def enough():
            self.assertGreaterEqual(len(stream.lines), count, stream.errors)
        eventually(enough)

    def test_a_connection_to_its_end(self):
        server, client, port, cookie, accepted = self.connection()
        stream = self.follow(f"sk:{accepted:x}")
        self.await_lines(stream, 1)
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        self.assertEqual(stream.wait(), 0)  # by itself
        *lines, summary = stream.json_lines()
        self.assertEqual((lines[0]["old_state"], lines[0]["new_state"]), (None, "ESTABLISHED"))
        self.assertEqual(path(lines[1:]), PASSIVE_CLOSE)
        self.assertEqual({line["cookie"] for line in lines}, {accepted})
        self.assertEqual({line["pid"] for line in lines}, {server.pid})
        self.assertEqual({line["local_port"] for line in lines}, {port})
        self.assertEqual(summary["cookie"], accepted)
        self.assertEqual(summary["end"], "ended")
        self.assertEqual([step["state"] for step in summary["path"]],
                         ["ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSE"])
        self.assertEqual([step["bound"] for step in summary["path"]],
                         ["lower", "exact", "exact", "exact"])
        waited = {line["old_state"]: line["state_ms"] for line in lines}
        self.assertEqual(summary["path"][1]["ms"], waited["CLOSE_WAIT"])
        self.assertGreater(summary["path"][0]["ms"], 0)
        self.assertIsNone(summary["path"][-1]["ms"])

    def test_time_wait_is_part_of_the_path(self):
        server, client, _, cookie, _ = self.connection()
        stream = self.follow(f"cookie:{cookie}")
        self.await_lines(stream, 1)
        client.do("close c")
        self.await_lines(stream, 3)  # FIN_WAIT2: without a descriptor it is a mini-socket by now
        server.do("eof s")
        server.do("close s")
        self.await_lines(stream, 4)
        self.assertEqual(self.n.counts().get("TIME_WAIT"), 1)
        self.assertIsNone(stream.process.poll(), "it has not ended yet")
        self.assertEqual(stream.interrupt(), 0)
        *lines, summary = stream.json_lines()
        self.assertEqual(path(lines[1:]), ACTIVE_CLOSE[:2] + [("FIN_WAIT2", "TIME_WAIT")])
        self.assertEqual({line["pid"] for line in lines}, {client.pid})
        self.assertEqual([step["state"] for step in summary["path"]],
                         ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"])
        self.assertEqual(summary["end"], "open")
        self.assertIn(b"TIME_WAIT", stream.errors)  # says what it waits for

    def test_a_mini_socket_that_ends_early(self):
        """FIN_WAIT2 without a descriptor ends after tcp_fin_timeout, which is no event."""
        self.n.run("sh", "-c", "echo 2 > /proc/sys/net/ipv4/tcp_fin_timeout")
        server, client, _, cookie, _ = self.connection()
        stream = self.follow(f"sk:{cookie:x}")
        self.await_lines(stream, 1)
        client.do("close c")
        self.assertEqual(stream.wait(), 0)
        *lines, summary = stream.json_lines()
        self.assertEqual(path(lines[1:]), ACTIVE_CLOSE)
        self.assertIsNone(lines[-1]["state_ms"])  # noticed, not told
        last = summary["path"][-2]
        self.assertEqual((last["state"], last["bound"]), ("FIN_WAIT2", "upper"))
        self.assertGreaterEqual(last["ms"], 1000)
        self.assertEqual(server.attempt("close s")["ok"], True)

    def test_a_process_to_its_end(self):
        server, client, port, cookie, _ = self.connection()
        stream = self.follow(str(client.pid))
        self.await_lines(stream, 1)
        for name in ("d", "e"):
            client.do(f"connect {name} 127.0.0.1 {port}")
            server.do(f"accept s{name} l")
        for name in ("", "d", "e"):
            server.do(f"close s{name}")
        client.end()
        self.assertEqual(stream.wait(), 0)  # the peer closed first: nothing stays
        *lines, summary = stream.json_lines()
        self.assertEqual({line["pid"] for line in lines}, {client.pid})
        self.assertEqual({line["local_port"] != port for line in lines}, {True})
        first = [line for line in lines if line["cookie"] == cookie]
        self.assertIsNone(first[0]["old_state"])
        self.assertEqual(path(first[1:]), PASSIVE_CLOSE)
        self.assertEqual(len({line["cookie"] for line in lines}), 3)
        passive = [state for _, state in PASSIVE_CLOSE]
        self.assertEqual(
            sorted((way["count"], way["states"], way["end"]) for way in summary["paths"]),
            [(1, ["ESTABLISHED"] + passive, "ended"),
             (2, ["CLOSE"] + [state for _, state in CONNECT] + passive, "ended")])
        self.assertEqual((summary["pid"], summary["others"]), (client.pid, 0))

    def test_a_process_without_connections(self):
        idle = self.actor(self.n)
        stream = self.follow(f"pid:{idle.pid}")
        beacon = harness.Beacon(self, actor=idle)
        beacon.reach(stream)
        idle.end()
        self.assertEqual(stream.wait(), 0)
        summary = stream.json_lines()[-1]
        self.assertEqual([way["states"] for way in summary["paths"]],
                         [["CLOSE", "SYN_SENT", "CLOSE"]])

    def test_text_ends_in_the_path(self):
        server, client, _, _, accepted = self.connection()
        stream = self.stream("trace", "--follow", f"0x{accepted:x}")
        self.await_lines(stream, 2)
        server.do("reset s")
        self.assertEqual(stream.wait(), 0)
        lines = [line.decode() for line in stream.lines]
        self.assertRegex(lines[1], r" - +-> ESTABLISHED")
        self.assertRegex(lines[2], r"ESTABLISHED -> CLOSE")
        self.assertRegex(lines[3], r"^# path: ESTABLISHED >\S+ -> CLOSE$")
        self.assertEqual(len(lines), 4)

    def test_what_there_is_not(self):
        done = harness.run_ledger("trace", "--follow", "sk:ffffffffffff")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"ffffffffffff", done.stderr)
        gone = self.actor(self.n)
        gone.end()
        done = harness.run_ledger("trace", "--follow", str(gone.pid))
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(gone.pid).encode(), done.stderr)
        for word in ("", "nginx", "sk:", "sk:xyz", "-5", "0", "99999999999999999999999"):
            with self.subTest(word):
                done = harness.run_ledger("trace", "--follow=" + word)
                self.assertEqual(done.returncode, 2, done.stderr)

    def test_csv_has_whole_rows(self):
        server, client, _, _, accepted = self.connection()
        stream = self.stream("trace", "-s", "--follow", f"sk:{accepted:x}")
        self.await_lines(stream, 2)
        server.do("reset s")
        self.assertEqual(stream.wait(), 0)
        rows = harness.parse_csv(b"".join(stream.lines).decode())
        self.assertEqual([(row["old_state"], row["new_state"]) for row in rows],
                         [("", "ESTABLISHED"), ("ESTABLISHED", "CLOSE")])
        self.assertFalse(any(None in row or None in row.values() for row in rows), rows)
        self.assertIn(b"# path: ESTABLISHED", stream.errors)


if __name__ == "__main__":
    harness.main()
