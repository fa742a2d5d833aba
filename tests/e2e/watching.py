# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the tests of `top` share: a live view and the rows of our own processes in it."""

import json

import harness
from harness import eventually


MOST_EVENTS_OF_A_TEST = 150_000
SWEEPS_S = 100.0


def nonzero(states):
    return {state: count for state, count in states.items() if count}


class TopTest(harness.LedgerTest):
    expects_losses = False

    def setUp(self):
        self.n = self.net()
        self.watched = []

    def watch(self, *arguments, interval_s=0.5, **options):
        """A live `top`, one JSON document a line, with its first document out."""
        stream = self.stream("top", "--batch", "--json", "-d", str(interval_s), *arguments, **options)
        self.watched.append(stream)
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
            self.assertEqual(self.states(document, actor), expected)
            return document
        return self.eventually(check)

    def eventually(self, check):
        """As the plain one, with time for two sweeps, which may use 1 % of a CPU: on a host with
        100,000 sockets of others they are rare. Nobody can know the owners of what was lost."""
        try:
            return eventually(check, SWEEPS_S)
        except AssertionError:
            if not self.expects_losses:
                self.skip_if_others_caused_losses()
            raise

    def skip_if_others_caused_losses(self):
        """Only a benchmark beside this test makes more events than any of our tests."""
        for stream in self.watched:
            totals = [json.loads(line)["totals"] for line in list(stream.lines)]
            lost = sum(total["lost"] for total in totals)
            events = lost + sum(total["transitions"] for total in totals)
            if lost > 0 and events > MOST_EVENTS_OF_A_TEST:
                self.skipTest(f"the host is too busy: {lost} of {events} events lost")

    def lost(self, stream):
        return sum(json.loads(line)["totals"]["lost"] for line in list(stream.lines))

    def sums(self, stream, actor):
        """(opened, closed) of a process over all intervals so far."""
        rows = [self.row(json.loads(line), actor.pid) for line in list(stream.lines)]
        return (sum(row["opened"] for row in rows if row),
                sum(row["closed"] for row in rows if row))
