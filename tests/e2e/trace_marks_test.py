# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`trace`: what is marked between the lines, and that every line is whole when it is stopped."""

import re
import time

import harness
from bounds import eventually


class Marks(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def churn(self, count):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.post(f"serve {count} l closer=client")
        client.post(f"churn {count} 127.0.0.1 {port} closer=client")
        return server, client

    def test_a_burst(self):
        stream = self.stream("trace", "--json", f"netns = {self.n.inum}", "-D", "9")
        quiet = self.actor(self.n)

        def connect(times):
            for _ in range(times):
                quiet.attempt("connect c 127.0.0.1 9")
                quiet.do("close c")

        def attached():
            connect(1)
            self.assertTrue(stream.lines, stream.errors)
        eventually(attached)
        for _ in range(30):  # a little, for so long that it is usual
            connect(1)
            time.sleep(0.1)
        self.assertFalse([line for line in stream.json_lines() if "burst" in line])

        def burst():
            connect(2000)
            self.assertIn("begin", [line.get("burst") for line in stream.json_lines()])
        eventually(burst)

        def over():
            self.assertIn("end", [line.get("burst") for line in stream.json_lines()])
        eventually(over)
        lines = stream.json_lines()
        marks = [line for line in lines if "burst" in line]
        self.assertEqual([mark["burst"] for mark in marks[:2]], ["begin", "end"])
        self.assertGreater(marks[0]["per_s"], 8 * marks[0]["usual_per_s"])
        self.assertGreaterEqual(marks[0]["per_s"], 1000)
        self.assertGreaterEqual(marks[1]["transitions"], 100)
        self.assertLessEqual(marks[1]["transitions"], len(lines))
        self.assertGreater(marks[1]["lasted_ms"], 0)

    def test_every_line_is_whole_when_it_is_stopped(self):
        for options, pipe in (((), False), (("-s",), False), (("--json",), True)):
            with self.subTest(options=options, pipe=pipe):
                stream = self.stream("trace", *options, f"netns = {self.n.inum}", pipe=pipe)

                def flows():
                    self.churn(500)
                    self.assertGreater(len(stream.lines), 100, stream.errors)
                eventually(flows)
                self.churn(20000)  # goes on meanwhile
                self.assertEqual(stream.interrupt(), 0)
                lines = list(stream.lines)
                self.assertTrue(lines[-1].endswith(b"\n"))
                asides = [line for line in lines if line.startswith(b"#") or b'"burst"' in line
                          or b'"lost"' in line or b'"dropped"' in line]
                if "--json" in options:
                    for line in stream.json_lines():
                        self.assertIn("time", line)
                elif "-s" in options:
                    rows = harness.parse_csv(b"".join(lines).decode())
                    self.assertFalse(any(None in row or None in row.values() for row in rows))
                    asides = [row for row in rows if not row["new_state"]]
                else:
                    for line in lines[1:]:
                        self.assertRegex(line, rb"^#|[A-Z_12]+ +-> +[A-Z_12]+ +[-0-9.]+( # .*)?\n$")
                head = 0 if "--json" in options else 1
                [shown] = re.findall(rb"(\d+) transitions shown", stream.errors)
                self.assertEqual(int(shown), len(lines) - head - len(asides))


if __name__ == "__main__":
    harness.main()
