# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`states`: counts by state, process, remote, namespace and container."""

import json
from collections import Counter

import harness


class States(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def processes(self, *arguments):
        """pid → its entry."""
        document = self.ledger_json("states", "--by", "process", *arguments)
        return {entry["pid"]: entry for entry in document["processes"]}

    def test_document_balances(self):
        self.make_all_states(self.n)
        document = self.ledger_json("states")
        self.assertEqual(document["version"], 1)
        self.assertEqual(document["total"], sum(document["states"].values()))
        self.assertLessEqual(set(document["states"]), set(harness.STATES))
        for state, count in self.n.counts().items():
            self.assertGreaterEqual(document["states"][state], count)

    def test_by_process_equals_who_holds_what(self):
        a, b, silent = self.make_all_states(self.n)
        expected = {actor.pid: Counter() for actor in (a, b, silent)}
        queued = 0
        for socket in self.n.ss():
            if socket.holders:
                expected[socket.holders[0][0]][socket.state] += 1
            elif socket.state == "ESTABLISHED":
                expected[silent.pid][socket.state] += 1  # in its listener's queue
                queued += 1
        self.assertEqual(queued, 1)
        entries = self.processes()
        for actor in (a, b):
            self.assertEqual(nonzero(entries[actor.pid]["states"]), dict(expected[actor.pid]))
        got = nonzero(entries[silent.pid]["states"])
        self.assertEqual(got["LISTEN"], 3)
        self.assertEqual(got["ESTABLISHED"], 1)
        for entry in entries.values():
            self.assertEqual(entry["total"], sum(entry["states"].values()))

    def test_by_process_sums_to_the_total(self):
        self.make_all_states(self.n)
        document = self.ledger_json("states", "--by", "process", "-n", 1000000)
        self.assertEqual(document["total"], sum(p["total"] for p in document["processes"]))

    def test_state_selects(self):
        server, client, _ = self.pair(self.n, count=30)
        client.do("close_many c")
        harness.eventually(lambda: self.assertEqual(self.n.counts().get("CLOSE_WAIT"), 30))
        for spelling in ("CLOSE_WAIT", "close-wait", "CLOSE-WAIT", "Close_Wait"):
            with self.subTest(spelling):
                entries = self.processes("--state", spelling)
                self.assertEqual(nonzero(entries[server.pid]["states"]), {"CLOSE_WAIT": 30})
                self.assertNotIn(client.pid, entries)

    def test_rows_are_the_biggest_first(self):
        for count in (40, 30, 20):
            _, client, _ = self.pair(self.n, count=count)
            client.do("close_many c")
        document = self.ledger_json("states", "--by", "process", "--state", "CLOSE_WAIT", "-n", 3)
        totals = [entry["total"] for entry in document["processes"]]
        self.assertEqual(len(totals), 3)
        self.assertEqual(totals, sorted(totals, reverse=True))
        self.assertGreaterEqual(totals[0], 40)

    def test_by_netns(self):
        self.make_all_states(self.n)
        out = self.ledger("states", "--by", "netns", "-n", 1000000).stdout.decode()
        [line] = [line for line in out.splitlines() if str(self.n.inum) in line.split()[0:2]]
        self.assertIn(str(sum(self.n.counts().values())), line.split())

    def test_by_container(self):
        container = self.container()
        server, client = self.actor(self.n), self.actor(self.n)
        container.add(server.pid)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect_many c 13 127.0.0.1 {port}")
        server.do("accept_many s 13 l")
        out = self.ledger("states", "--by", "container", "-n", 1000000).stdout.decode()
        [line] = [line for line in out.splitlines() if container.id[:12] in line]
        self.assertIn("14", line.split())
        rows = {row["pid"]: row for row in self.ledger_json("top", "--once")["processes"]}
        self.assertEqual(rows[server.pid]["container"], container.id[:12])
        self.assertIsNone(rows[client.pid]["container"])

    def test_by_remote(self):
        harness_port = 23
        server, client = self.actor(self.n), self.actor(self.n)
        address = harness.own_address()
        server.do(f"listen l {address} {harness_port}")
        client.do(f"connect_many c 17 {address} {harness_port}")
        out = self.ledger("states", "--by", "remote", "-n", 1000000).stdout.decode()
        lines = [line.split() for line in out.splitlines() if address in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("17", lines[0])

    def mine(self, *arguments):
        """The document of our namespace alone."""
        return self.ledger_json("states", *arguments, f"netns = {self.n.inum}")

    def test_by_port_tells_served_from_used(self):
        server, client, port = self.pair(self.n, count=6)
        document = self.mine("--by", "port")
        rows = {(row["port"], row["side"]): row["states"] for row in document["ports"]}
        self.assertEqual(set(rows), {(port, "local"), (port, "remote")})
        self.assertEqual(nonzero(rows[port, "local"]), {"LISTEN": 1, "ESTABLISHED": 6})
        self.assertEqual(nonzero(rows[port, "remote"]), {"ESTABLISHED": 6})

    def test_by_user(self):
        self.pair(self.n, count=2)
        document = self.mine("--by", "user")
        [row] = document["users"]
        self.assertEqual((row["uid"], row["user"], row["total"]), (0, "root", 5))

    def test_a_filter_selects(self):
        server, client, port = self.pair(self.n, count=5)
        client.do("close c0")
        harness.eventually(lambda: self.assertEqual(self.n.counts().get("CLOSE_WAIT"), 1))
        self.assertEqual(self.mine()["total"], sum(self.n.counts().values()))
        words = ("state", "close-wait", "sport", "=", str(port))
        document = self.ledger_json("states", "--by", "process", *words, "netns", "=", self.n.inum)
        [entry] = document["processes"]
        self.assertEqual(entry["pid"], server.pid)
        self.assertEqual(nonzero(document["states"]), {"CLOSE_WAIT": 1})
        self.assertEqual(self.mine("--state", "ESTABLISHED")["total"], 8)

    def test_processes_have_a_command_line_and_an_uptime(self):
        server, _, _ = self.pair(self.n)
        [first] = [row for row in self.mine("--by", "process")["processes"]
                   if row["pid"] == server.pid]
        self.assertTrue(first["command_line"].endswith("tcp_actor"), first)
        self.assertGreater(first["uptime_ms"], 0)
        harness.eventually(lambda: self.assertGreater(
            [row for row in self.mine("--by", "process")["processes"]
             if row["pid"] == server.pid][0]["uptime_ms"], first["uptime_ms"]))
        out = self.ledger("states", "--by", "process", f"pid = {server.pid}").stdout.decode()
        self.assertIn("COMMAND LINE", out.splitlines()[0])
        self.assertTrue(out.splitlines()[1].endswith("tcp_actor"), out)

    def test_explain_says_something_of_each_state_shown(self):
        self.make_all_states(self.n)
        plain = self.ledger("states", f"netns = {self.n.inum}").stdout.decode().splitlines()
        out = self.ledger("states", "--explain", f"netns = {self.n.inum}").stdout.decode()
        more = out.splitlines()[len(plain):]
        explained = {line.split()[0] for line in more if line}
        self.assertEqual(explained, set(self.n.counts()))
        self.assertIn("orry", more[1])

    def test_watch_goes_on_until_it_is_interrupted(self):
        self.pair(self.n, count=3)
        stream = self.stream("states", "--watch", "0.2", "--json", f"netns = {self.n.inum}")
        harness.eventually(lambda: self.assertGreater(len(stream.lines), 1))
        self.pair(self.n, count=3)
        harness.eventually(
            lambda: self.assertEqual(json.loads(stream.lines[-1])["total"], 14))
        self.assertIn("time", json.loads(stream.lines[-1]))
        self.assertEqual(stream.interrupt(), 0)

    def test_text_has_counts_and_percentages(self):
        self.pair(self.n, count=4)
        out = self.ledger("states").stdout.decode()
        for state in ("ESTABLISHED", "LISTEN"):
            [line] = [line for line in out.splitlines() if line.split()[:1] == [state]]
            self.assertRegex(line, r"\s\d[\d,]*\s+.*\d+(\.\d+)?\s?%")

    def test_text_names_process_and_count(self):
        server, client, _ = self.pair(self.n, count=77)
        client.do("close_many c")
        out = self.ledger("states", "--by", "process", "--state", "CLOSE_WAIT", "-n", 100000)
        lines = out.stdout.decode().splitlines()
        [line] = [line for line in lines if str(server.pid) in line.split()]
        self.assertIn("77", line.split())
        self.assertIn("tcp_actor", line)


def nonzero(states):
    return {state: count for state, count in states.items() if count}


if __name__ == "__main__":
    harness.main()
