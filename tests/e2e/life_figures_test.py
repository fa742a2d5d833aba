# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`life`: bytes and durations against what the workload measured itself; selection and formats."""

import json
import sys
import time

import harness
from harness import Beacon, eventually
from living import LifeTest

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
        client.attempt(f"connect c 127.0.0.1 9 from={harness.own_address()}")
        beacon.reach(stream)
        self.assertEqual(stream.interrupt(), 0)
        summaries = [line for line in stream.errors.splitlines() if harness.is_summary(line)]
        self.assertEqual(len(summaries), 1, stream.errors)
        lines = [line.decode() for line in stream.lines]
        return lines[0], [line for line in lines if harness.own_address() in line], client

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
