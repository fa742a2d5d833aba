# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`report`: the host, the balance with the kernel's own counts, the states as ss has them, the
processes with most, listeners and findings, all on one page."""

import json
import os
import platform

import harness
from harness import eventually


class Report(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def run_report(self, *arguments):
        return self.ledger("report", "-N", self.n.inum, "--for", 0.2, *arguments).stdout.decode()

    def document(self):
        return json.loads(self.run_report("--json"))

    def population(self):
        """Several states, with some CLOSE_WAIT and TIME_WAIT more than others have."""
        server, client, port = self.pair(self.n, count=12)
        for i in range(4):
            client.do(f"close c{i}")  # CLOSE_WAIT
        for i in range(4, 7):
            server.do(f"close s{i}")
            client.do(f"eof c{i}")
            client.do(f"close c{i}")  # TIME_WAIT, of the listener's side
        eventually(lambda: self.assertEqual(self.n.counts(), {
            "LISTEN": 1, "ESTABLISHED": 10, "CLOSE_WAIT": 4, "FIN_WAIT2": 4, "TIME_WAIT": 3}))
        return server, client, port

    def sockstat(self):
        """Sockets in use of both families, and in TIME_WAIT, from the kernel itself."""
        text = self.n.run("cat", "/proc/self/net/sockstat", "/proc/self/net/sockstat6")
        found = {}
        for line in text.splitlines():
            words = line.split()
            found[words[0]] = dict(zip(words[1::2], map(int, words[2::2])))
        return (found["TCP:"]["inuse"] + found.get("TCP6:", {}).get("inuse", 0),
                found["TCP:"]["tw"])

    def test_document(self):
        server, client, port = self.population()
        document = self.document()
        self.assertEqual(document["version"], 1)
        self.assertEqual(document["host"]["name"], platform.node())
        self.assertEqual(document["host"]["kernel"], "Linux " + platform.release())
        self.assertEqual(document["host"]["cpus"], os.cpu_count())
        self.assertGreater(document["host"]["uptime_ms"], 0)
        states = {state: count for state, count in document["states"].items() if count}
        self.assertEqual(states, self.n.counts())
        self.assertEqual(document["total"], sum(states.values()))
        most = document["most"]
        self.assertEqual([(p["pid"], p["count"]) for p in most["CLOSE_WAIT"]], [(server.pid, 4)])
        self.assertEqual(sorted((p["pid"], p["count"]) for p in most["ESTABLISHED"]),
                         sorted([(server.pid, 5), (client.pid, 5)]))
        self.assertIn("tcp_actor", most["CLOSE_WAIT"][0]["command_line"])
        self.assertEqual(document["time_wait_services"],
                         [{"address": "127.0.0.1", "port": port, "here": True, "count": 3}])
        self.assertEqual([s["local_port"] for s in document["listeners"]], [port])
        self.assertEqual(document["findings"], [])

    def test_balance(self):
        self.make_all_states(self.n)
        [balance] = [b for b in self.document()["balance"] if b["netns"] == self.n.inum]
        in_use, time_wait = self.sockstat()
        self.assertEqual((balance["in_use"], balance["time_wait"]), (in_use, time_wait))
        self.assertEqual((balance["kernel_in_use"], balance["kernel_time_wait"]),
                         (in_use, time_wait))

    def test_text_fits_a_ticket(self):
        server, _, port = self.population()
        out = self.run_report()
        for words in (platform.node(), platform.release(), "no finding", "CLOSE_WAIT",
                      f"127.0.0.1:{port}", str(server.pid), "Balance", "Listeners"):
            self.assertIn(words, out)
        self.assertLessEqual(max(map(len, out.splitlines())), 80, out)
        self.assertNotIn("\x1b", out)

    def test_findings_are_audits(self):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0 backlog=4")["local_port"]
        client.do(f"connect_many c 5 127.0.0.1 {port}")
        audit = self.ledger_json("audit", "-N", self.n.inum, "--for", 0.2)["findings"]
        ours = self.document()["findings"]
        self.assertEqual([(f["id"], f["title"]) for f in ours],
                         [(f["id"], f["title"]) for f in audit])
        self.assertEqual([f["id"] for f in ours], ["accept_queue"])
        self.assertIn("CRITICAL  the accept queue of", self.run_report())

    def test_markdown(self):
        server, client = self.actor(self.n), self.actor(self.n)
        server.do(f"comm {b'a`*_#<b>|'.hex()}")
        port = server.do("listen l 127.0.0.1 0 backlog=4")["local_port"]
        client.do(f"connect_many c 5 127.0.0.1 {port}")
        out = self.run_report("--markdown")
        self.assertTrue(out.startswith("# tcpledger report\n"))
        self.assertEqual(sum(line.startswith("```") for line in out.splitlines()) % 2, 0)
        self.assertIn("### critical: the accept queue of", out)
        outside = "".join(out.split("```")[::2])
        self.assertIn(r"a\`\*\_\#\<b\>\|", outside)

    def test_no_command_in_a_pipe(self):
        server, _, _ = self.pair(self.n, count=3)
        out = self.ledger().stdout.decode()
        self.assertTrue(out.startswith("tcpledger report"), out[:200])
        self.assertIn(str(server.pid), out)


if __name__ == "__main__":
    harness.main()
