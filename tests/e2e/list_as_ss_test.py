# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`list` against the installed ss, letter by letter: the same lines, blanks aside.

Two differences are meant: `list -p` names the owner where ss shows none, and its header keeps a
blank before "Process" where ss runs the words together. Figures that count the time since are
masked; whatever else moves between the two runs is given another chance.
"""

import csv
import io
import re
import subprocess

import harness
from harness import eventually

#: Letters without -p: `ss -p` reads every descriptor of the host.
LETTERS = ("-tn", "-tan", "-ta", "-t", "-tln", "-tl", "-un", "-u", "-uan", "-ua", "-uln", "-tun",
           "-tuan", "-tuln", "-Htan", "-4tan", "-6tan", "-4tuan", "-6tuan", "-tano", "-tane",
           "-uane", "-tuaneo", "-tanm", "-tam", "-tuanm", "-tani", "-tai", "-tanio", "-tuanim",
           "-tuanemoi", "-tuanemoiO", "-tanr", "-tar", "-tanO")
FILTERS = ("state time-wait", "state close-wait", "state listening", "state all",
           "exclude listening exclude established", "state connected", "sport = :5353",
           "( sport > :1024 and dst 127.0.0.0/8 ) or src [::1]", "not dst 127.0.0.1")
TIMES = re.compile(r"\b(lastsnd|lastrcv|lastack|busy|rwnd_limited|sndbuf_limited):[^ ]+"
                   r"|timer:\([a-z]+,[^,]*|\bdelivery_rate \S+|\bpacing_rate \S+|\bato:\d+")


def comparable(text):
    """Its lines with single blanks, and without what moves by itself."""
    lines = []
    for line in text.splitlines():
        line = line.replace("PortProcess", "Port Process")
        line = re.sub(r" owner:\(.*?\)\)?(?= |$)", "", line)
        line = TIMES.sub("-", line)
        lines.append(re.sub(r" +", " ", line).rstrip())
    return lines


class AsSs(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def populate(self):
        """Sockets in all states; IPv4, IPv6 and mapped; TCP and UDP."""
        self.make_all_states(self.n)
        self.pair(self.n, "::", "::ffff:127.0.0.1", count=2)
        server, client, _ = self.pair(self.n, "::1", count=2)
        client.do("close c1")
        server.do("eof s1")
        server.do("close s1")  # TIME_WAIT of IPv6
        self.actor(self.n).do("listen six ::1 0 v6only=1")
        self.actor(self.n).do("listen any6 :: 0 v6only=1")
        self.actor(self.n).do("listen any4 0.0.0.0 0")
        self.udp = subprocess.Popen(
            ["python3", "-c", UDP_SOCKETS], preexec_fn=self.n.enter, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(harness.stop, self.udp)
        self.addCleanup(self.udp.stdin.close)
        self.addCleanup(self.udp.stdout.close)
        self.assertEqual(self.udp.stdout.readline(), b"ready\n")
        self.n.pids.add(self.udp.pid)

    def ours(self, *arguments):
        return self.n.run(harness.binary(), "list", "-N", "self", *arguments)

    def assert_same(self, *arguments):
        def once():
            theirs = comparable(self.n.run("ss", *arguments))
            self.assertEqual(comparable(self.ours(*arguments)), theirs)
            self.assertNotEqual(theirs, [])
        eventually(once)

    def test_letters(self):
        self.populate()
        for letters in LETTERS:
            with self.subTest(letters):
                self.assert_same(letters)

    def test_filters(self):
        self.populate()
        for words in FILTERS:
            with self.subTest(words):
                self.assert_same("-tuan", *words.split())
                self.assert_same("-tn", *words.split())

    def test_processes(self):
        self.populate()
        self.assert_same("-tuanpe")

    def test_columns_are_aligned_as_in_ss(self):
        """Byte for byte but for the blanks at the lines' ends, where ports are five digits wide."""
        self.populate()
        for letters in ("-tan", "-tuan", "-Htan", "-ta"):
            with self.subTest(letters):
                def once(letters=letters):
                    theirs = [line.rstrip() for line in
                              self.n.run("ss", letters).splitlines()]
                    self.assertEqual(self.ours(letters).splitlines(), theirs)
                eventually(once)

    def test_summary(self):
        self.populate()
        def figures(text):
            # What the kernel counts for the whole host moves with everybody's sockets.
            return re.sub(r"TCP:   \d+ (.*) closed -?\d+, orphaned \d+,", r"\1", text)
        eventually(lambda: self.assertEqual(figures(self.ours("-s")),
                                            figures(self.n.run("ss", "-s"))))

    def test_awk_scripts_of_ss(self):
        """The pipelines people bring work on our lines unchanged."""
        server, client, _ = self.pair(self.n, count=6)
        client.do("close_many c")
        eventually(lambda: self.assertEqual(self.n.counts().get("CLOSE_WAIT"), 6))
        out = self.ours("-tnp", "state", "close-wait")
        last = [line.split()[-1] for line in out.splitlines()[1:]]
        self.assertEqual(len(last), 6)
        for cell in last:
            self.assertRegex(cell, rf'^users:\(\("tcp_actor",pid={server.pid},fd=\d+\)\)$')
        states = [line.split()[0] for line in self.ours("-tan").splitlines()[1:]]
        self.assertEqual(states.count("CLOSE-WAIT"), 6)

    def test_owners_where_ss_has_none(self):
        """Queued connections and those a server's side has closed are its listener's process's."""
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect_many c 3 127.0.0.1 {port}")
        server.do("accept_many s 1 l")
        server.do("close s0")
        client.do("eof c0")
        client.do("close c0")
        eventually(lambda: self.assertEqual(self.n.counts().get("TIME_WAIT"), 1))
        out = self.ours("-tanp", f"sport = :{port}")
        self.assertEqual(out.count(f'owner:(("tcp_actor",pid={server.pid},unaccepted))'), 2)
        [closed] = [line for line in out.splitlines() if line.startswith("TIME-WAIT")]
        self.assertIn(f'owner:(("tcp_actor",pid={server.pid},listener))', closed)

    def test_udp_sockets_have_owners(self):
        self.populate()
        sockets = self.list_sockets(self.n, "-u")
        self.assertGreaterEqual(len(sockets), 4)
        for one in sockets:
            self.assertEqual(one["protocol"], "udp")
            self.assertEqual(one["owner"]["pid"], self.udp.pid)
            self.assertEqual([holder["pid"] for holder in one["holders"]], [self.udp.pid])
        both = self.list_sockets(self.n, "-tu")
        self.assertEqual({one["protocol"] for one in both}, {"tcp", "udp"})

    def test_csv_has_the_documents_rows(self):
        self.populate()
        text = self.ours("-tuan", "--csv")
        rows = list(csv.DictReader(io.StringIO(text)))
        by_cookie = {row["cookie"]: row for row in rows}
        sockets = self.list_sockets(self.n, "-tu")
        self.assertEqual(set(by_cookie), {str(one["cookie"]) for one in sockets})
        for one in sockets:
            row = by_cookie[str(one["cookie"])]
            self.assertEqual(row["state"], one["state"])
            self.assertEqual(row["local_port"], str(one["local_port"]))
            owner = one["owner"] and one["owner"]["pid"]
            self.assertEqual(row["owner_pid"], str(owner) if owner else "")

    def test_a_namespace_by_name_number_and_all(self):
        server, _, port = self.pair(self.n, count=2)
        inside = self.ours("-tan")
        by_number = self.ledger("list", "-N", self.n.inum, "-tan").stdout.decode()
        self.assertEqual(by_number, inside)
        self.assertEqual(len(inside.splitlines()), 6)
        everywhere = self.ledger("list", "-tanp").stdout.decode().splitlines()
        self.assertIn(" Netns ", everywhere[0])
        mine = [line for line in everywhere if f"pid={server.pid}," in line]
        self.assertEqual(len(mine), 3)
        for line in mine:
            self.assertEqual(line.split()[5], str(self.n.inum))
            self.assertTrue(line.split()[6].startswith("users:"), line)
        done = harness.run_ledger("list", "-N", "no-such-namespace")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"no-such-namespace", done.stderr)

    def test_predicates_that_only_we_have(self):
        server, client, port = self.pair(self.n, count=4)
        listed = lambda words: self.list_sockets(self.n, *words.split())
        self.assertEqual(len(listed(f"pid = {client.pid}")), 4)
        self.assertEqual(len(listed(f"pid = {server.pid}")), 5)
        self.assertEqual(len(listed(f"owner = tcp_act* sport = :{port}")), 5)
        self.assertEqual(len(listed(f"netns = {self.n.inum} and comm = tcp_*")), 9)
        self.assertEqual(len(listed(f"netns = {self.n.inum} and not comm = tcp_*")), 0)
        client.do(f"connect_many q 3 127.0.0.1 {port}")
        self.assertEqual(len(listed("unaccepted")), 3)
        server.do("accept_many q 3 l")
        self.assertEqual(len(listed("unaccepted")), 0)
        container = self.container()
        container.add(server.pid)
        try:
            self.assertEqual(len(listed(f"container = {container.id[:12]}")), 8)
        finally:
            server.close()

    def test_interfaces_are_those_of_their_namespace(self):
        self.n.run("ip", "link", "add", "only-here", "type", "veth", "peer", "name", "there")
        self.n.run("ip", "link", "set", "only-here", "up")
        actor = subprocess.Popen(["python3", "-c", BOUND_SOCKET], preexec_fn=self.n.enter,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(harness.stop, actor)
        self.addCleanup(actor.stdin.close)
        self.addCleanup(actor.stdout.close)
        self.assertEqual(actor.stdout.readline(), b"ready\n")
        out = self.ledger("list", "-tln", "dev = only-here").stdout.decode().splitlines()
        self.assertEqual(len(out), 2, out)
        self.assertIn("0.0.0.0%only-here:", out[1])
        self.assert_same("-tln", "dev", "=", "only-here")
        done = harness.run_ledger("list", "-tln", "dev = nowhere-at-all")
        self.assertEqual(done.returncode, 2)

    def test_what_is_wrong_is_pointed_at(self):
        for words, place, expected in (("sport = :htpp", 8, "a port"),
                                       ("dst 10.0.0.0/33", 4, "prefix length"),
                                       ("( sport = :80", 13, ")"),
                                       ("state nowhere", 6, "state")):
            for command in ("list", "states", "top", "trace"):
                with self.subTest(f"{command} {words}"):
                    done = harness.run_ledger(command, *words.split())
                    self.assertEqual(done.returncode, 2)
                    self.assertEqual(done.stdout, b"")
                    lines = done.stderr.decode().splitlines()
                    at = lines.index(words)
                    self.assertEqual(lines[at + 1].rstrip(), " " * place + "^")
                    self.assertIn(expected, lines[at + 2])

    def test_never_kills(self):
        done = harness.run_ledger("list", "-K")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"-K", done.stderr)


UDP_SOCKETS = """
import socket, sys
kept = []
for family, address, port, to in ((socket.AF_INET, "0.0.0.0", 5353, None),
                                  (socket.AF_INET6, "::", 123, None),
                                  (socket.AF_INET, "127.0.0.1", 0, ("127.0.0.1", 53)),
                                  (socket.AF_INET6, "::1", 0, ("::1", 53))):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.bind((address, port))
    if to:
        one.connect(to)
    kept.append(one)
queued = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
queued.sendto(b"unread", ("127.0.0.1", 5353))
kept.append(queued)
print("ready", flush=True)
sys.stdin.read()
"""
BOUND_SOCKET = """
import socket, sys
one = socket.socket()
one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"only-here")
one.bind(("0.0.0.0", 0))
one.listen(1)
print("ready", flush=True)
sys.stdin.read()
"""

if __name__ == "__main__":
    harness.main()
