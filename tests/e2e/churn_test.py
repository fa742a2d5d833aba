# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`churn` against workloads whose figures are known: what they counted and measured themselves."""

import json
import sys

import harness
from harness import eventually

# For each of its connections: [least ms, most ms] that it lived, by the program's own clock. The
# time until accept() is part of neither.
LIVES = """
import json, socket, sys, time
pause, count = float(sys.argv[1]), int(sys.argv[2])
told = []
listener = socket.create_server(("127.0.0.1", 0), backlog=64)
for _ in range(count):
    before = time.monotonic()
    client = socket.create_connection(listener.getsockname())
    served, _ = listener.accept()
    established = time.monotonic()
    time.sleep(pause)
    least = time.monotonic() - established
    client.close()
    served.close()
    told.append((1000 * least, 1000 * (time.monotonic() - before)))
print(json.dumps(told))
"""

# One connection a process, as curl in a loop. Its parent, sh, is who started it.
ONE = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.close()
"""


class ChurnTest(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def begin(self, *options, duration="1h", words="dport >= :0"):
        """A churn that watches, with its books whole, this test's namespace."""
        stream = self.stream("churn", "--for", duration, "--json", *options,
                             f"netns = {self.n.inum} and ({words})")

        def watches():
            stream.require_running()
            self.assertIn(b"watching for", stream.errors)
        eventually(watches)
        return stream

    def end(self, stream):
        """Ctrl-C; the document."""
        self.assertEqual(stream.interrupt(), 0, stream.errors)
        lines = stream.json_lines()
        self.assertEqual(len(lines), 1)
        document = lines[0]
        self.assertEqual(document["version"], 1)
        self.assert_adds_up(document)
        return document

    def assert_adds_up(self, document):
        """No connection is in two rows, none in no row."""
        for name in ("opened", "closed", "failed", "connects", "spared"):
            rows = sum(row[name] for row in document["rows"]) + document["others"][name]
            self.assertEqual(rows, document["totals"][name], name)

    def churn(self, count, closer="client"):
        """`count` connections, one after the other; (server, client, port)."""
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.post(f"serve {count} l closer={closer}")
        told = client.do(f"churn {count} 127.0.0.1 {port} closer={closer}")
        self.assertEqual((told["connections"], told["failed"]), (count, 0))
        server.reply()
        return server, client, port

    def row_of(self, document, actor):
        rows = [row for row in document["rows"] if row["pid"] == actor.pid]
        self.assertEqual(len(rows), 1, document["rows"])
        return rows[0]


class Counts(ChurnTest):
    def test_opened_and_closed(self):
        count = 300
        stream = self.begin()
        server, client, port = self.churn(count)
        document = self.end(stream)
        totals = document["totals"]
        self.assertEqual(document["lost"], 0)
        self.assertEqual((totals["opened"], totals["incoming"], totals["closed"]),
                         (2 * count, count, 2 * count))
        self.assertEqual((totals["failed"], totals["aborted"], totals["older"]), (0, 0, 0))
        self.assertEqual(totals["closed_by"], {"local": count, "remote": count})
        self.assertEqual(totals["time_waits"], count, "the client's ends")
        self.assertEqual(totals["lifetime"]["count"], 2 * count)
        self.assertEqual(sum(each["count"] for each in totals["lifetime"]["bins"]), 2 * count)
        self.assertEqual(totals["dwell"]["ESTABLISHED"]["count"], 2 * count)
        self.assertEqual(totals["connect"]["count"], count)
        for actor, connects in ((client, count), (server, 0)):
            row = self.row_of(document, actor)
            self.assertEqual((row["opened"], row["closed"], row["connects"]),
                             (count, count, connects))
        self.assertEqual(self.row_of(document, client)["spared"], count - 1)
        pairs = {each["direction"]: each for each in document["churners"]}
        self.assertEqual((pairs["out"]["remote_port"], pairs["in"]["local_port"]), (port, port))
        self.assertIn(f"save {count - 1}" if document["watched_ms"] == 60_000 else "save ",
                      pairs["out"]["sentence"])

    def test_failed_aborted_open_and_older(self):
        server, client, port = self.pair(self.n, count=3)
        stream = self.begin()
        client.do("close c0")  # older than the watch: its lifetime is nobody's guess
        server.do("eof s0")
        server.do("close s0")
        for _ in range(7):
            client.attempt("connect refused 127.0.0.1 9")
            client.do("close refused")
        client.do(f"connect_many n 5 127.0.0.1 {port}")  # stay open
        server.do("accept_many m 5 l")
        client.do("reset n0")
        server.attempt("eof m0")
        server.do("close m0")
        document = self.end(stream)
        totals = document["totals"]
        self.assertEqual((totals["opened"], totals["incoming"]), (7 + 2 * 5, 5))
        self.assertEqual((totals["closed"], totals["older"]), (2 + 7 + 2, 2))
        self.assertEqual((totals["failed"], totals["aborted"]), (7, 2))
        self.assertEqual(totals["lifetime"]["count"], 7 + 2)
        self.assertEqual(totals["closed_by"]["refused"], 7)
        self.assertEqual(self.row_of(document, client)["failed"], 7)

    def test_filter(self):
        stream = self.begin(words="dport = :4711 or sport = :4711")
        self.churn(20)
        client = self.actor(self.n)
        for port in (4711, 4712):
            client.attempt(f"connect c 127.0.0.1 {port}")
            client.do("close c")
        document = self.end(stream)
        self.assertEqual([row["pid"] for row in document["rows"]], [client.pid])
        self.assertEqual((document["totals"]["opened"], document["totals"]["failed"]), (1, 1))
        self.assertEqual(document["totals"]["connects"], 1)

    def test_a_passing_condition_is_refused(self):
        for words in ("state established", "age > 1s", "unaccepted"):
            done = self.ledger("churn", *words.split(), status=2)
            self.assertIn(b"tcpledger life", done.stderr)


class Lifetimes(ChurnTest):
    def test_as_the_workload_measured(self):
        pause, count = 0.05, 40
        stream = self.begin("--poll", "100ms")
        measured = json.loads(self.n.run(sys.executable, "-c", LIVES, str(pause), str(count)))
        totals = self.end(stream)["totals"]
        least = sorted(least for least, _ in measured)
        most = sorted(most for _, most in measured)
        lifetime = totals["lifetime"]
        self.assertEqual(lifetime["count"], 2 * count)
        error = 1.02  # of the histogram: 1.6 %
        for name, rank in (("median_ms", count // 2 - 1), ("p90_ms", count * 9 // 10 - 1),
                           ("max_ms", count - 1)):
            self.assertGreaterEqual(lifetime[name] * error, least[rank], name)
            self.assertLessEqual(lifetime[name] / error, most[min(rank + 1, count - 1)], name)
        # a poll every 100 ms misses a life of d ms with 1 − d / 100
        bounds = [sum(max(0, 1 - life / 100) for life in lives) / count for lives in (most, least)]
        self.assertGreaterEqual(totals["unseen_share"], bounds[0])
        self.assertLessEqual(totals["unseen_share"], bounds[1])
        self.assertGreaterEqual(totals["dwell"]["ESTABLISHED"]["median_ms"] * 1.07, 1000 * pause)


class Groups(ChurnTest):
    def test_by_remote_and_port(self):
        for by, key in (("remote", "remote_port"), ("port", "port")):
            stream = self.begin("--by", by)
            _, _, port = self.churn(30)
            rows = self.end(stream)["rows"]
            out = [row for row in rows if row["direction"] == "out"]
            self.assertEqual([(row[key], row["opened"]) for row in out], [(port, 30)])
            self.assertEqual(sum(row["opened"] for row in rows), 60)

    def test_by_container(self):
        container = self.container()
        stream = self.begin("--by", "container")
        inside, outside = self.actor(self.n), self.actor(self.n)
        container.add(inside.pid)
        for actor, times in ((inside, 3), (outside, 2)):
            for _ in range(times):
                actor.attempt("connect c 127.0.0.1 9")
                actor.do("close c")
        rows = {row["container"]: row["opened"] for row in self.end(stream)["rows"]}
        self.assertEqual(rows, {container.id[:12]: 3, None: 2})

    def test_processes_that_have_ended_are_one_program(self):
        count = 12
        server = self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        stream = self.begin()
        server.post(f"serve {count} l")
        script = f"for i in $(seq {count}); do {sys.executable} -S -c '{ONE}' {port}; done; true"
        self.n.run("sh", "-c", script)
        server.reply()
        document = self.end(stream)
        program = [row for row in document["rows"] if row["comm"].startswith("python")]
        self.assertEqual([(row["pid"], row["processes"], row["opened"], row["spared"])
                          for row in program], [(None, count, count, count - 1)])
        churner = [each for each in document["churners"] if each["direction"] == "out"]
        self.assertIn(churner[0]["parent"], ("sh", None))

    def test_folds_what_finds_no_place(self):
        """More remotes than there is room for; none is lost."""
        count = 1500
        stream = self.begin("--by", "remote", "-n", "5")
        client = self.actor(self.n)
        for number in range(count):
            client.attempt(f"connect c 127.9.{number // 200}.{1 + number % 200} 9")
            client.do("close c")
        document = self.end(stream)
        self.assertEqual(document["totals"]["failed"], count)
        self.assertEqual(len(document["rows"]), 5)
        others = document["others"]
        self.assertGreater(others["folded"], 0)
        self.assertGreaterEqual(others["rows"] + others["folded"], count - 5)
        self.assertEqual(others["failed"], count - 5)

    def test_ports_towards_a_remote(self):
        self.n.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40999")
        self.n.run("sysctl", "-qw", "net.ipv4.ip_local_reserved_ports=40100-40149")
        stream = self.begin()
        _, _, port = self.churn(25)
        used = [socket for socket in self.n.ss() if socket.remote[1] == port]
        self.assertEqual(len(used), 25)
        ports = self.end(stream)["ports"]
        self.assertEqual([(each["remote_port"], each["opened"], each["time_waits"],
                           each["ports_used"], each["ports_available"]) for each in ports],
                         [(port, 25, 25, 25, 950)])


class Runs(ChurnTest):
    def test_watch_counts_each_connection_once(self):
        stream = self.begin("--watch", duration="300ms")
        server, client, _ = self.churn(200)

        def all_are_told():
            self.assertEqual(sum(each["totals"]["closed"] for each in stream.json_lines()), 400)
        eventually(all_are_told)
        self.assertEqual(stream.interrupt(), 0)
        documents = stream.json_lines()
        self.assertGreater(len(documents), 1)
        self.assertEqual(sum(each["totals"]["opened"] for each in documents), 400)
        self.assertEqual(sum(each["totals"]["spared"] for each in documents), 199)
        for document in documents:
            self.assert_adds_up(document)

    def test_text(self):
        stream = self.stream("churn", "--for", "1h", f"netns = {self.n.inum}")
        eventually(lambda: self.assertIn(b"watching for", stream.errors))
        self.churn(50)
        self.assertEqual(stream.interrupt(), 0)
        text = b"".join(stream.lines).decode()
        for words in ("0 events lost", "opened           100", "50 outgoing, 50 incoming",
                      "Lifetimes", "█", "ESTABLISHED", "tcp_actor[", "UNSEEN", "PORTS USED",
                      "Top churners", "a keep-alive connection would save"):
            self.assertIn(words, text)

    def test_ends_by_itself(self):
        done = self.ledger("churn", "--for", "200ms", "--json", f"netns = {self.n.inum}")
        document = json.loads(done.stdout)
        self.assertGreaterEqual(document["watched_ms"], 200)
        self.assertEqual(document["totals"]["opened"], 0)


if __name__ == "__main__":
    harness.main()
