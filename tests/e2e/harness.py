# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Stage, actors and judge of the end-to-end tests.

A test makes network namespaces of its own, plays tcp_actor processes in them, runs
tcpledger beside them (it traces the whole host: everything is filtered by the
namespace's inode number) and compares with the kernel's own books, `ss` and /proc.
Conditions are waited for, with a bound; nothing is asserted after a mere sleep.
Everything that was started is ended by its pid, whatever happens.

Needs root, python3's standard library, iproute2. Environment: TCPLEDGER, the binary;
WORKLOADS, the directory of tcp_actor. Exit 77: could not run, and says why.
"""

import json
import os
import shutil
import sys
import unittest
from collections import Counter

from actors import Actor, actor_binary
from bounds import PATIENCE_S, eventually, stop
from ledger import (Beacon, Stream, become_nobody, binary, is_sanitized, is_summary, parse_csv,
                    parse_time, public_binary, run_ledger)
from stage import FROM_SS, STATES, TO_SS, Container, NamedNet, Net, join_nets

SKIPPED = 77


class LedgerTest(unittest.TestCase):
    """Base of the tests: makes things and sees to it that they end."""

    maxDiff = None

    def net(self):
        net = Net()
        self.addCleanup(net.close)
        return net

    def actor(self, net):
        actor = Actor(net)
        self.addCleanup(actor.close)
        return actor

    def container(self):
        try:
            container = Container()
        except OSError as error:
            self.skipTest(f"cannot make a cgroup: {error}")
        self.addCleanup(container.close)
        return container

    def stream(self, *arguments, **options):
        stream = Stream(*arguments, **options)
        self.addCleanup(stream.close)
        return stream

    def ledger(self, *arguments, status=0, **options):
        """Runs to the end; the finished process, with its status checked."""
        done = run_ledger(*arguments, **options)
        said = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, status, f"tcpledger {arguments}: {said}")
        return done

    def ledger_json(self, *arguments):
        """One document."""
        return json.loads(self.ledger(*arguments, "--json").stdout)

    def list_sockets(self, net, *arguments):
        """`list`'s sockets of one namespace, in all states."""
        document = self.ledger_json("list", "-a", *arguments)
        return [socket for socket in document["sockets"] if socket["netns"] == net.inum]

    def pair(self, net, address="127.0.0.1", connect_to=None, count=1):
        """A server and a client process with `count` connections: s0… and c0…, listener l."""
        server, client = self.actor(net), self.actor(net)
        port = server.do(f"listen l {address} 0")["local_port"]
        client.do(f"connect_many c {count} {connect_to or address} {port}")
        server.do(f"accept_many s {count} l")
        return server, client, port

    def make_all_states(self, net):
        """One population with every state but CLOSE. Returns the processes (a, b, silent)."""
        b, a, _ = self.pair(net, count=7)
        silent = self.actor(net)
        # s0, c0: ESTABLISHED
        a.do("close c1")  # FIN_WAIT2 without a descriptor; s1 CLOSE_WAIT
        a.do("close c2")
        b.do("eof s2")
        b.do("close s2")  # c2 TIME_WAIT
        a.do("fill c3")
        a.do("close c3")  # FIN_WAIT1: the FIN waits behind unread data; s3 ESTABLISHED
        b.do("shutdown s4 wr")
        a.do("eof c4")
        a.do("fill c4")
        a.do("close c4")  # LAST_ACK behind unread data; s4 FIN_WAIT2 with a descriptor
        a.do("fill c5")
        a.do("shutdown c5 wr")
        b.do("shutdown s5 wr")  # c5 CLOSING behind unread data; s5 FIN_WAIT2
        a.do("reset c6")
        b.attempt("eof s6")
        b.do("close s6")  # both gone
        deferred = silent.do("listen deferred 127.0.0.1 0 defer=60")["local_port"]
        a.do(f"connect d 127.0.0.1 {deferred}")  # ESTABLISHED here, SYN_RECV there
        full = silent.do("listen full 127.0.0.1 0 backlog=0")["local_port"]
        a.do(f"connect f 127.0.0.1 {full}")  # ESTABLISHED twice, there in the queue
        a.do(f"connect g 127.0.0.1 {full} nonblock=1")  # SYN_SENT
        silent.do("listen spare ::1 0")
        return a, b, silent

    def assert_same_books(self, net, sockets):
        """`sockets` (from list) and ss agree: the same rows in the same states."""
        ours = Counter(socket_key(socket) for socket in sockets if socket["state"] != "CLOSE")
        theirs = Counter(socket.key for socket in net.ss() if socket.state != "CLOSE")
        self.assertEqual(sorted(ours.elements()), sorted(theirs.elements()))


def own_address():
    """Of this process alone, for lines that are known by it: not a beacon's, nor part of another."""
    pid = os.getpid()
    return f"127.{10 + (pid >> 14 & 63)}.{100 + (pid >> 7 & 127)}.{100 + (pid & 127)}"


def socket_key(socket):
    return (socket["state"], socket["local_address"], socket["local_port"],
            socket["remote_address"], socket["remote_port"])


def missing():
    """Why the tests cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for tool in ("ss", "ip", "setpriv"):
        if shutil.which(tool) is None:
            return f"needs {tool}"
    for name, path in (("TCPLEDGER", binary()), ("WORKLOADS", actor_binary())):
        if shutil.which(path) is None:
            return f"${name}: {path} is no program"
    try:
        Net().close()
    except (OSError, RuntimeError) as error:
        return f"cannot make a network namespace: {error}"
    return None


def main():
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main()
