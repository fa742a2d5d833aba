# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the tests of `trace` share: the kernel's paths through the states, and a stream in step."""

import harness
from harness import Beacon

CONNECT = [("CLOSE", "SYN_SENT"), ("SYN_SENT", "ESTABLISHED")]
ACCEPT = [("SYN_RECV", "ESTABLISHED")]
ACTIVE_CLOSE = [("ESTABLISHED", "FIN_WAIT1"), ("FIN_WAIT1", "FIN_WAIT2"), ("FIN_WAIT2", "CLOSE")]
PASSIVE_CLOSE = [("ESTABLISHED", "CLOSE_WAIT"), ("CLOSE_WAIT", "LAST_ACK"), ("LAST_ACK", "CLOSE")]
ABORT = [("ESTABLISHED", "CLOSE")]


def path(lines):
    return [(line["old_state"], line["new_state"]) for line in lines]


class TraceTest(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def begin(self, *arguments, others=(), **beacon):
        """A JSON stream that is attached and up to date, of our namespace and the others."""
        beacon = Beacon(self, **beacon)
        needles = [b'"lost"', b'"dropped"',
                   *(b'"netns":%d' % net.inum for net in (self.n, beacon.actor.net, *others))]
        # The paths above are the tracepoint's; tests/scenario has those of refined hooks.
        stream = self.stream("trace", "--json", "--hooks=tracepoints", *arguments, needles=needles)
        beacon.reach(stream)
        return stream, beacon

    def seen(self, stream, beacon):
        """All lines of our namespace up to now; the lines that tell of a loss have none."""
        beacon.reach(stream)
        return [line for line in stream.json_lines() if line.get("netns") == self.n.inum
                and line["remote_address"] not in beacon.marks]

    def assert_owner(self, lines, actor):
        self.assertEqual({(line["pid"], line["comm"]) for line in lines},
                         {(actor.pid, "tcp_actor")})
