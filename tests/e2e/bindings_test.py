# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`dev`, `fwmark` and `autobound` in the views that follow transitions, beside what `list` says."""

import itertools

import harness
from harness import Beacon, eventually
from tracing import ACCEPT, ACTIVE_CLOSE, CONNECT, PASSIVE_CLOSE, TraceTest, path

OPTIONS = {"plain": "", "marked": "mark=7", "bound": "device=lo mark=9", "given": "port={}"}

# Which of a client's sockets each expression is true of.
EXPRESSIONS = {
    "fwmark = 7": {"marked"},
    "fwmark = 1/1": {"marked", "bound"},
    "fwmark != 0": {"marked", "bound"},
    "dev = lo": {"bound"},
    "dev = 1 and fwmark = 9": {"bound"},
    "not dev = lo": {"plain", "marked", "given"},
    "autobound": {"plain", "marked", "bound"},
    "autobound and fwmark = 7": {"marked"},
}


class Bindings(TraceTest):
    def setUp(self):
        super().setUp()
        self.server, self.client = self.actor(self.n), self.actor(self.n)
        self.server.do("listen l 127.0.0.1 8080")
        self.given = itertools.count(40000)  # ports that the kernel could have chosen, too

    def connect_all(self):
        """One connection of each kind; their cookies by kind."""
        cookies = {}
        for kind, options in OPTIONS.items():
            options = options.format(next(self.given))
            cookies[kind] = self.client.do(f"connect {kind} 127.0.0.1 8080 {options}")["cookie"]
            self.server.do(f"accept {kind} l")
        return cookies

    def close_all(self):
        for kind in OPTIONS:
            self.client.do(f"close {kind}")
            self.server.do(f"eof {kind}")
            self.server.do(f"close {kind}")

    def words(self, expression):
        return f"netns = {self.n.inum} and dport = :8080 and ( {expression} )"

    def top_count(self, expression):
        document = self.ledger_json("top", "--once", "-d", "0.2", "state established",
                                    self.words(expression))
        return document["totals"]["connections"]

    def test_what_was_there_before(self):
        """`top` and `leaks` agree with `list` on sockets that no record tells of."""
        cookies = self.connect_all()
        for expression, kinds in EXPRESSIONS.items():
            with self.subTest(expression):
                listed = self.list_sockets(self.n, self.words(expression))
                self.assertEqual({socket["cookie"] for socket in listed},
                                 {cookies[kind] for kind in kinds})
                self.assertEqual(self.top_count(expression), len(kinds))
        looked = self.ledger_json("leaks", "--for", "1s", self.words("fwmark = 1/1"))
        self.assertEqual(looked["connections"], 2)

    def test_what_came_from_a_listener(self):
        """Its mark and its device, but not its claim to the port."""
        marked = self.server.do("listen m 127.0.0.1 41000 mark=5 device=lo")["local_port"]
        self.client.do(f"connect c 127.0.0.1 {marked}")
        self.server.do("accept s m")
        for expression, count in (("fwmark = 5", 2), ("dev = lo", 2), ("autobound", 1)):
            with self.subTest(expression):
                words = f"netns = {self.n.inum} and sport = :{marked} and {expression}"
                self.assertEqual(len(self.list_sockets(self.n, words)), count)
                totals = self.ledger_json("top", "--once", "-d", "0.2", words)["totals"]
                self.assertEqual(totals["connections"], count)

    def begin_with(self, expression):
        """A trace of what the expression holds of, and of the beacon."""
        other = self.net()
        words = f"netns = {other.inum} or {self.words(expression)}"
        return self.begin(*words.split(), actor=self.actor(other))

    def test_trace(self):
        for expression in ("fwmark = 7", "dev = lo", "autobound", "not dev = lo"):
            with self.subTest(expression):
                stream, beacon = self.begin_with(expression)
                cookies = self.connect_all()
                self.close_all()
                lines = self.seen(stream, beacon)
                kinds = EXPRESSIONS[expression]
                for kind, cookie in cookies.items():
                    own = [line for line in lines if line["cookie"] == cookie]
                    self.assertEqual(path(own), CONNECT + ACTIVE_CLOSE if kind in kinds else [],
                                     kind)

    def test_trace_of_what_came_from_a_listener(self):
        self.server.do("listen m 127.0.0.1 8081 mark=5 device=lo")
        other = self.net()
        words = f"netns = {other.inum} or ( netns = {self.n.inum} and fwmark = 5 and dev = lo )"
        stream, beacon = self.begin(*words.split(), actor=self.actor(other))
        self.client.do("connect c 127.0.0.1 8081")
        cookie = self.server.do("accept s m")["cookie"]
        self.client.do("close c")
        self.server.do("eof s")
        self.server.do("close s")
        lines = [line for line in self.seen(stream, beacon) if line["cookie"] == cookie]
        self.assertEqual(path(lines), ACCEPT + PASSIVE_CLOSE)

    def test_life(self):
        other = self.net()
        beacon = Beacon(self, actor=self.actor(other))
        needles = [b'"lost"', *(b'"netns":%d' % net.inum for net in (self.n, other))]
        words = f"netns = {other.inum} or {self.words('fwmark = 9 and dev = lo and autobound')}"
        stream = self.stream("life", "--json", words, needles=needles)
        beacon.reach(stream)
        cookies = self.connect_all()
        self.close_all()

        def told():
            beacon.reach(stream)
            own = [line for line in stream.json_lines() if line.get("netns") == self.n.inum]
            self.assertEqual([line["cookie"] for line in own], [cookies["bound"]])
        eventually(told)

    def test_churn(self):
        stream = self.stream("churn", "--for", "4s", "--json", self.words("fwmark = 7"))
        eventually(lambda: self.assertIn(b"watching", stream.errors))
        self.connect_all()
        self.close_all()
        stream.wait()
        [document] = stream.json_lines()
        self.assertEqual(document["totals"]["opened"], 1)

    def test_a_device_has_another_index_in_each_namespace(self):
        """Also in a namespace that comes after the trace."""
        self.n.run("ip", "link", "add", "tl-test0", "type", "veth")
        late = self.net()
        late.run("ip", "link", "add", "other0", "type", "veth")
        late.run("ip", "link", "add", "tl-test0", "type", "veth")
        late.run("ip", "address", "add", "10.78.0.1/24", "dev", "tl-test0")
        late.run("ip", "link", "set", "tl-test0", "up")
        client = self.actor(late)
        other = self.net()
        words = f"netns = {other.inum} or ( dev = tl-test0 and dport = :8080 )"
        beacon = Beacon(self, actor=self.actor(other))
        stream = self.stream("trace", "--json", words)
        beacon.reach(stream)
        last = self.net()
        last.run("ip", "link", "add", "tl-test0", "type", "veth")
        last.run("ip", "address", "add", "10.79.0.1/24", "dev", "tl-test0")
        last.run("ip", "link", "set", "tl-test0", "up")
        unseen = self.actor(last)
        asked = [client.attempt("connect c 10.78.0.9 8080 nonblock=1 device=tl-test0")["cookie"],
                 unseen.attempt("connect c 10.79.0.9 8080 nonblock=1 device=tl-test0")["cookie"]]
        client.attempt("connect d 10.78.0.9 8080 nonblock=1")
        beacon.reach(stream)
        told = [line["cookie"] for line in stream.json_lines()
                if line.get("remote_address") not in beacon.marks]
        self.assertEqual(sorted(told), sorted(asked))

    def test_marks_without_the_privilege(self):
        for command in ("list", "states"):
            with self.subTest(command):
                done = harness.run_ledger(command, "fwmark = 7",
                                          executable=harness.public_binary(self),
                                          preexec_fn=harness.become_nobody)
                self.assertEqual((done.returncode, done.stdout), (3, b""))
                self.assertIn(b"CAP_NET_ADMIN", done.stderr)

    def test_wrong_usage(self):
        for command in ("trace", "top", "life", "leaks", "churn"):
            for words in ("dev = nowhere-at-all", "fwmark = x", "autobound = 1"):
                with self.subTest(f"{command} {words}"):
                    done = harness.run_ledger(command, words)
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(words.split()[0].encode(), done.stderr)


if __name__ == "__main__":
    harness.main()
