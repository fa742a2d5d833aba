# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the tests of `top` share: a live view and the rows of our own processes in it."""

import json

import harness
from harness import eventually


def nonzero(states):
    return {state: count for state, count in states.items() if count}


class TopTest(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def watch(self, *arguments):
        """A live `top`, one JSON document a line, with its first document out."""
        stream = self.stream("top", "--batch", "--json", "-d", "0.5", *arguments)
        self.next_document(stream)
        return stream

    def next_document(self, stream):
        """The first whole interval that begins after this call."""
        known = len(stream.lines)

        def newer():
            stream.require_running()
            self.assertGreater(len(stream.lines), known + 1)
            return json.loads(stream.lines[-1])
        return eventually(newer)

    def row(self, document, pid):
        rows = [row for row in document["processes"] if row["pid"] == pid]
        self.assertLessEqual(len(rows), 1)
        return rows[0] if rows else None

    def states(self, document, actor):
        row = self.row(document, actor.pid)
        return nonzero(row["states"]) if row else {}

    def eventually_states(self, stream, actor, **expected):
        def check():
            document = self.next_document(stream)
            lost = sum(json.loads(line)["totals"]["lost"] for line in list(stream.lines))
            self.assertEqual(self.states(document, actor), expected, f"{lost} events lost so far")
            return document
        return eventually(check)

    def sums(self, stream, actor):
        """(opened, closed) of a process over all intervals so far."""
        rows = [self.row(json.loads(line), actor.pid) for line in list(stream.lines)]
        return (sum(row["opened"] for row in rows if row),
                sum(row["closed"] for row in rows if row))
