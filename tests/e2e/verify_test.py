# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`verify` agrees with ss about what the kernel has, and with itself about the books."""

import json

import harness


class Verify(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def verify(self, *arguments):
        """The checks and the verdict; nothing of our namespace may differ."""
        done = harness.run_ledger("verify", "--json", *arguments, patience_s=200)
        *checks, verdict = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.returncode, 0 if verdict["balanced"] else 4, done.stderr)
        self.assertEqual(verdict["checks"], len(checks))
        for check in checks:
            self.assertTrue(check["sums_agree"])
            ours = [row for row in check["differences"] if row["netns"] == self.n.inum]
            self.assertEqual(ours, [])
        return checks, verdict

    def test_every_state_agrees(self):
        self.make_all_states(self.n)
        counts = self.n.counts()
        checks, verdict = self.verify("--for", "1s")
        self.assertEqual(len(checks), 1)
        for state, count in counts.items():
            cell = checks[0]["states"][state]
            self.assertGreaterEqual(cell["kernel"], count)
            self.assertGreaterEqual(cell["books"], count)
        self.assertGreaterEqual(checks[0]["owners_compared"], sum(counts.values()) - 6)
        self.assertEqual(verdict["compared"], checks[0]["states_compared"])

    def test_under_churn(self):
        """What moves while it looks is looked at again, and let go."""
        for closer in ("client", "server", "reset"):
            server, client = self.actor(self.n), self.actor(self.n)
            port = server.do("listen l 127.0.0.1 0")["local_port"]
            server.post(f"serve 0 l closer={closer}")
            client.post(f"churn 0 127.0.0.1 {port} closer={closer}")
        checks, _ = self.verify("--for", "8s", "--every", "1s")
        self.assertGreater(len(checks), 0)
        self.assertGreater(max(check["states"]["TIME_WAIT"]["kernel"] for check in checks), 100)

    def test_text_ends_with_the_verdict(self):
        self.pair(self.n, count=3)
        done = harness.run_ledger("verify", "--for", "0.5s")
        last = done.stdout.decode().splitlines()[-1]
        self.assertRegex(last, r"^1 check in .*: the books (do not )?balance$")
        self.assertEqual(done.returncode, 4 if "do not" in last else 0)

    def test_interrupted_it_still_concludes(self):
        stream = self.stream("verify", "--json", "--every", "0.2s", "--for", "1h")
        harness.eventually(lambda: self.assertGreater(len(stream.lines), 2))
        status = stream.interrupt()
        verdict = stream.json_lines()[-1]
        self.assertEqual(status, 0 if verdict["balanced"] else 4)

    def test_durations(self):
        for wrong in ("0", "-1s", "1y", "s", "", "inf", "nan", "1e9h", "1 s"):
            with self.subTest(wrong):
                self.ledger("verify", "--for", wrong, status=2)


if __name__ == "__main__":
    harness.main()
