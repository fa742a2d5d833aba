# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`life`: who ended a connection. Each ending is brought about by processes of the test's own."""

import subprocess
import time

import harness
from harness import eventually
from living import LifeTest


class Endings(LifeTest):
    def test_client_closes_first(self):
        def steps(server, client):
            client.do("close c")
            server.do("eof s")
            server.do("close s")
        s, c, server, client = self.play(steps)
        self.assert_ended(c, client, "local", error=None, reset=None, last_state="FIN_WAIT2")
        self.assert_ended(s, server, "remote", error=None, reset=None, last_state="LAST_ACK")

    def test_server_closes_first(self):
        def steps(server, client):
            server.do("close s")
            client.do("eof c")
            client.do("close c")
        s, c, server, client = self.play(steps)
        self.assert_ended(c, client, "remote", error=None)
        self.assert_ended(s, server, "local", error=None)

    def test_both_at_once(self):
        def steps(server, client):
            client.do("fill c")  # the FIN waits behind data that is not read
            client.do("shutdown c wr")
            server.do("shutdown s wr")
            server.do("eof s")
        s, c, server, client = self.play(steps)
        self.assert_ended(c, client, "both", last_state="CLOSING")
        self.assert_ended(s, server, "local")

    def test_linger_0(self):
        def steps(server, client):
            client.do("reset c")
            server.attempt("eof s")
            server.do("close s")
        s, c, server, client = self.play(steps)
        self.assert_ended(c, client, "aborted", error=None, how="close")
        self.assertEqual(c["reset"]["direction"], "sent")
        self.assertEqual(s["closed_by"], "reset_received")
        self.assertEqual((s["error"], s["reset"]["direction"]), ("ECONNRESET", "received"))

    def test_closed_with_data_unread(self):
        def steps(server, client):
            client.do("send c 10")
            eventually(lambda: self.assertEqual(
                {q.recv_queue for q in self.n.ss() if q.state == "ESTABLISHED"}, {0, 10}))
            server.do("close s")
            client.attempt("eof c")
            client.do("close c")
        s, c, server, client = self.play(steps)
        self.assert_ended(s, server, "reset_sent", error=None, bytes_received=10)
        self.assertEqual(s["reset"]["direction"], "sent")
        self.assert_ended(c, client, "reset_received", error="ECONNRESET", bytes_sent=10)

    def test_disconnected(self):
        def steps(server, client):
            client.do("disconnect c")
            server.attempt("eof s")
            server.do("close s")
        s, c, _, client = self.play(steps)
        self.assert_ended(c, client, "aborted")
        self.assertEqual(s["closed_by"], "reset_received")

    def test_killed_process(self):
        def steps(server, client):
            client.kill()
            server.do("eof s")
            server.do("close s")
        s, c, server, client = self.play(steps)
        self.assert_ended(c, client, "killed", process_end="killed")
        self.assert_ended(s, server, "remote", process_end=None)

    def test_exited_process(self):
        def steps(server, client):
            client.end()
            server.do("eof s")
            server.do("close s")
        s, c, server, client = self.play(steps)
        self.assert_ended(c, client, "local", process_end="exited")
        self.assert_ended(s, server, "remote", process_end=None)

    def test_destroyed(self):
        def steps(server, client):
            [port] = [q.local[1] for q in self.n.ss() if q.state == "LISTEN"]
            done = subprocess.run(["ss", "-tK", "dport", "=", str(port)],
                                  preexec_fn=self.n.enter, capture_output=True, check=False)
            if b"ESTAB" not in done.stdout:
                self.skipTest(f"ss -K does nothing here: {done.stderr}")
            server.attempt("eof s")
            server.do("close s")
            client.do("close c")
        s, c, _, client = self.play(steps)
        self.assert_ended(c, client, "destroyed", error="ECONNABORTED")
        self.assertEqual(s["closed_by"], "reset_received")

    def lonely(self, steps):
        """The lines of our namespace once there is one."""
        stream, beacon = self.begin()
        actors = steps()

        def there():
            lines = self.seen(stream, beacon)
            self.assertTrue(lines)
            return lines
        return eventually(there), actors

    def test_refused(self):
        client = self.actor(self.n)
        lines, _ = self.lonely(lambda: client.attempt("connect c 127.0.0.1 9"))
        self.assertEqual(len(lines), 1)
        self.assert_ended(lines[0], client, "refused", error="ECONNREFUSED", connect_ms=None,
                          bytes_sent=0, srtt_us=None, remote_port=9, last_state="SYN_SENT")
        self.assertIsNotNone(lines[0]["local_port"])

    def silent_port(self):
        """Of a listener whose queue is full: it answers no SYN."""
        self.server = self.actor(self.n)
        port = self.server.do("listen full 127.0.0.1 0 backlog=0")["local_port"]
        self.actor(self.n).do(f"connect f 127.0.0.1 {port}")
        return port

    def test_timed_out(self):
        port = self.silent_port()
        self.sysctl("net.ipv4.tcp_syn_retries", 1)
        client = self.actor(self.n)
        stream, beacon = self.begin()
        began = time.monotonic()
        self.assertFalse(client.attempt(f"connect c 127.0.0.1 {port}")["ok"])
        took = 1000 * (time.monotonic() - began)
        [line] = [line for line in self.seen(stream, beacon) if line["pid"] == client.pid]
        self.assert_ended(line, client, "timeout", error="ETIMEDOUT")
        self.assertGreaterEqual(line["retransmits"], 1)
        self.assertGreaterEqual(line["duration_ms"], 900)
        self.assertLess(line["duration_ms"], took)

    def test_given_up(self):
        port = self.silent_port()
        client = self.actor(self.n)
        stream, beacon = self.begin()
        client.do(f"connect c 127.0.0.1 {port} nonblock=1")
        client.do("close c")
        [line] = [line for line in self.seen(stream, beacon) if line["pid"] == client.pid]
        self.assert_ended(line, client, "interrupted", error=None, connect_ms=None)

    def test_unreachable(self):
        """No neighbour answers for the address."""
        harness.join_nets(self.n, self.net())
        client = self.actor(self.n)
        lines, answer = self.lonely(lambda: client.attempt("connect c 10.77.0.9 80"))
        self.assertFalse(answer["ok"])
        self.assert_ended(lines[0], client, "unreachable", error="EHOSTUNREACH", bytes_sent=0)

    def test_no_answer_to_data(self):
        """TCP_USER_TIMEOUT of a connection whose peer's namespace has lost its way."""
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        self.sysctl("net.ipv4.tcp_retries2", 1)
        stream, beacon = self.begin()
        cookie = client.do(f"connect c 127.0.0.1 {port}")["cookie"]
        server.do("accept s l")
        self.n.run("ip", "link", "set", "lo", "down")
        client.attempt("send c 10")

        def timed_out():
            lines = [line for line in self.seen(stream, beacon) if line["cookie"] == cookie]
            self.assertEqual(len(lines), 1)
            return lines[0]
        line = eventually(timed_out)
        self.assertIn(line["closed_by"], ("timeout", "unreachable"))
        self.assertEqual((line["pid"], line["last_state"]), (client.pid, "ESTABLISHED"))

    def test_never_accepted(self):
        server, client = self.actor(self.n), self.actor(self.n)

        def steps():
            port = server.do("listen l 127.0.0.1 0")["local_port"]
            client.do(f"connect c 127.0.0.1 {port}")
            server.do("close l")
            client.attempt("eof c")
            client.do("close c")
        lines, _ = self.lonely(steps)
        by = {line["direction"]: line for line in lines}
        self.assertEqual(len(lines), 2)
        self.assert_ended(by["in"], server, "never_accepted", accept_wait_ms=None)
        self.assert_ended(by["out"], client, "reset_received")


if __name__ == "__main__":
    harness.main()
