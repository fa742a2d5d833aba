# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`life`: one line a finished connection, with its figures and who ended it.

Each ending is brought about by processes of the test's own; bytes and durations are held
against what they measured.
"""

import json
import subprocess
import sys
import time

import harness
from harness import Beacon, eventually

FIELDS = {"time", "cookie", "netns", "family", "pid", "comm", "how", "direction", "local_address",
          "local_port", "remote_address", "remote_port", "opened", "closed", "duration_ms",
          "bytes_sent", "bytes_received", "bytes_retransmitted", "srtt_us", "min_rtt_us",
          "retransmits", "connect_ms", "accept_wait_ms", "last_state", "closed_by", "error",
          "reset", "process_end", "states_ms"}


# Prints [port, least ms, most ms] of each of its connections.
SHORT_LIVES = """
import json, socket, time
told = []
listener = socket.create_server(("127.0.0.1", 0))
for pause in (0.0, 0.01) * 5:
    before = time.monotonic()
    client = socket.create_connection(listener.getsockname())
    time.sleep(pause)
    served, _ = listener.accept()
    port = client.getsockname()[1]
    client.close()
    served.close()
    told.append((port, 1000 * pause, 1000 * (time.monotonic() - before)))
print(json.dumps(told))
"""


class LifeTest(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def sysctl(self, name, value):
        self.n.run("sysctl", "-qw", f"{name}={value}")

    def begin(self, *arguments):
        beacon = Beacon(self)
        needles = [b'"lost"', b'"dropped"',
                   *(b'"netns":%d' % net.inum for net in (self.n, beacon.actor.net))]
        stream = self.stream("life", "--json", *arguments, needles=needles)
        beacon.reach(stream)
        return stream, beacon

    def seen(self, stream, beacon):
        """All lines of our namespace up to now."""
        beacon.reach(stream)
        return [line for line in stream.json_lines() if line.get("netns") == self.n.inum]

    def play(self, steps):
        """(server's line, client's line, server, client): one connection under a running life."""
        stream, beacon = self.begin()
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        cookies = {"c": client.do(f"connect c 127.0.0.1 {port}")["cookie"],
                   "s": server.do("accept s l")["cookie"]}
        steps(server, client)

        def both():
            lines = self.seen(stream, beacon)
            by = {name: [line for line in lines if line["cookie"] == cookie]
                  for name, cookie in cookies.items()}
            for name, own in by.items():
                self.assertEqual(len(own), 1, (name, lines))
            return by["s"][0], by["c"][0]
        s, c = eventually(both)
        for line in (s, c):
            self.assertEqual(set(line), FIELDS)
        self.assertEqual((c["direction"], s["direction"]), ("out", "in"))
        self.assertEqual((c["remote_port"], s["local_port"]), (port, port))
        return s, c, server, client

    def assert_ended(self, line, actor, closed_by, **fields):
        told = {name: line[name] for name in fields}
        self.assertEqual((line["closed_by"], line["pid"], told), (closed_by, actor.pid, fields))


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


class Figures(LifeTest):
    def test_bytes(self):
        sent, answered = 1_234_567, 76_543

        def steps(server, client):
            client.post(f"send c {sent}")
            server.do(f"receive s {sent}")
            client.reply()
            server.post(f"send s {answered}")
            client.do(f"receive c {answered}")
            server.reply()
            client.do("close c")
            server.do("eof s")
            server.do("close s")
        s, c, _, _ = self.play(steps)
        self.assertEqual((c["bytes_sent"], c["bytes_received"]), (sent, answered))
        self.assertEqual((s["bytes_sent"], s["bytes_received"]), (answered, sent))
        for line in (s, c):
            self.assertGreater(line["srtt_us"], 0)
            self.assertLessEqual(line["min_rtt_us"], 1_000_000)

    def test_durations(self):
        marks = {}

        def steps(server, client):
            marks["established"] = time.monotonic()
            time.sleep(0.3)
            marks["before close"] = time.monotonic()
            client.do("close c")
            time.sleep(0.2)
            marks["before end"] = time.monotonic()
            server.do("close s")
            marks["end"] = time.monotonic()
        began = time.monotonic()
        s, c, _, _ = self.play(steps)
        self.assertGreaterEqual(s["duration_ms"],
                                1000 * (marks["before end"] - marks["established"]))
        self.assertLessEqual(s["duration_ms"], 1000 * (marks["end"] - began))
        self.assertGreaterEqual(s["states_ms"]["CLOSE_WAIT"], 200)
        self.assertGreaterEqual(c["states_ms"]["ESTABLISHED"],
                                1000 * (marks["before close"] - marks["established"]))
        self.assertEqual(c["connect_ms"], c["states_ms"]["SYN_SENT"])
        for line in (s, c):
            opened, closed = harness.parse_time(line["opened"]), harness.parse_time(line["closed"])
            self.assertAlmostEqual(1000 * (closed - opened), line["duration_ms"], delta=0.01)
            # what the states took is the whole life, within the rounding of each
            self.assertAlmostEqual(sum(line["states_ms"].values()), line["duration_ms"], delta=0.1)

    def test_short_lives(self):
        """Connections of a fraction of a millisecond and of ten, held against their own clock."""
        stream, beacon = self.begin()
        done = self.n.run(sys.executable, "-c", SHORT_LIVES)
        measured = {port: (least, most) for port, least, most in json.loads(done)}
        lines = [line for line in self.seen(stream, beacon) if line["direction"] == "out"]
        self.assertEqual({line["local_port"] for line in lines}, set(measured))
        for line in lines:
            least, most = measured[line["local_port"]]
            self.assertGreaterEqual(line["duration_ms"], least)
            self.assertLessEqual(line["duration_ms"], most)
            self.assertGreater(line["duration_ms"], 0)
            self.assertEqual(line["closed_by"], "local", "a short life is no failure")
        self.assertLess(min(line["duration_ms"] for line in lines), 5)

    def test_older_than_the_tracer(self):
        server, client, _ = self.pair(self.n)
        client.do("send c0 100")
        server.do("receive s0 100")
        stream, beacon = self.begin()
        client.do("close c0")
        server.do("eof s0")
        server.do("close s0")
        by = {line["pid"]: line for line in self.seen(stream, beacon)}
        for actor, sent, ending in ((client, 100, "local"), (server, 0, "remote")):
            line = by[actor.pid]
            self.assertEqual((line["opened"], line["duration_ms"]), (None, None))
            self.assertEqual((line["bytes_sent"], line["closed_by"]), (sent, ending))


class Selection(LifeTest):
    def exchange(self, pause=0.0):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect c 127.0.0.1 {port}")
        server.do("accept s l")
        time.sleep(pause)
        client.do("close c")
        server.do("eof s")
        server.do("close s")
        return server, client, port

    def test_failed(self):
        stream, beacon = self.begin("--failed")
        self.exchange()
        lonely = self.actor(self.n)
        lonely.attempt("connect c 127.0.0.1 9")
        self.assertEqual([line["pid"] for line in self.seen(stream, beacon)], [lonely.pid])

    def test_slower(self):
        all_lives, beacon = self.begin()
        stream = self.stream("life", "--json", "--slower", "250", f"netns = {self.n.inum}")
        slow = set()

        def one_is_seen():  # the stream has no mark to say that it is attached
            server, client, _ = self.exchange(0.3)
            slow.update((server.pid, client.pid))
            self.assertTrue(stream.lines)
        eventually(one_is_seen)
        quick = self.exchange()
        server, client, _ = self.exchange(0.3)
        slow.update((server.pid, client.pid))

        def last_is_seen():
            seen = {line["pid"] for line in stream.json_lines()}
            self.assertLessEqual({server.pid, client.pid}, seen)
            return seen
        self.assertLessEqual(eventually(last_is_seen), slow)
        told = {line["pid"] for line in self.seen(all_lives, beacon)}
        self.assertIn(quick[0].pid, told, "which the other stream has seen")

    def test_filter(self):
        stream, beacon = self.begin("dport = 9 or dport = 4711")
        self.exchange()
        lonely = self.actor(self.n)
        lonely.attempt("connect c 127.0.0.1 4711")
        lines = self.seen(stream, beacon)
        self.assertEqual([(line["pid"], line["remote_port"]) for line in lines],
                         [(lonely.pid, 4711)])


class Formats(LifeTest):
    def capture(self, *arguments):
        beacon = Beacon(self)
        stream = self.stream("life", *arguments)
        beacon.reach(stream)
        client = self.actor(self.n)
        client.attempt("connect c 127.0.0.1 9 from=127.88.1.2")
        beacon.reach(stream)
        self.assertEqual(stream.interrupt(), 0)
        summaries = [line for line in stream.errors.splitlines() if harness.is_summary(line)]
        self.assertEqual(len(summaries), 1, stream.errors)
        lines = [line.decode() for line in stream.lines]
        return lines[0], [line for line in lines if "127.88.1.2" in line], client

    def test_text(self):
        head, lines, client = self.capture("-T", "-x")
        for word in ("TIME", "PID", "COMM", "LADDR", "RADDR", "MS", "CLOSED_BY"):
            self.assertIn(word, head)
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], rf"^\d\d:\d\d:\d\d +{client.pid} tcp_actor +out .* refused +ECONN")

    def test_csv(self):
        head, lines, client = self.capture("-s")
        rows = harness.parse_csv(head + "".join(lines))
        self.assertEqual(len(rows), 1)
        self.assertEqual((rows[0]["pid"], rows[0]["closed_by"], rows[0]["error"]),
                         (str(client.pid), "refused", "ECONNREFUSED"))
        self.assertFalse(None in rows[0] or None in rows[0].values(), rows)

    def test_count_ends_it(self):
        beacon = Beacon(self)
        stream = self.stream("life", "--json", "--count", "2")
        eventually(lambda: (beacon.fire(), self.assertIsNotNone(stream.process.poll())))
        self.assertEqual(stream.wait(), 0)
        self.assertEqual(len(stream.json_lines()), 2)


if __name__ == "__main__":
    harness.main()
