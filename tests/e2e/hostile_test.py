# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Hostile surroundings: missing privileges, wrong words, names that attack the terminal, pipes
that close, namespaces and processes that vanish."""

import json
import os
import re
import subprocess
import threading
import time

import harness
from harness import Beacon

TRACING = (["top", "--once"], ["trace", "--duration", "1"])
LOOKING = (["list", "-anp"], ["list", "-an"], ["states"], ["states", "--by", "process"])
JUDGING = (["listen"], ["audit", "--for", "0.2"], ["report", "--for", "0.2"])
NAMES = (b"\x1b[31mred\x1b[0m", b"a\nb\tc\rd", b'q"u\'o\\te,;', b"bad\xff\xfeutf\xc3",
         b"\xc2\x9b31m", b"\x07bell\x7f", b"$(reboot)`x`", b"%s%n%x{}", "ünï→☃".encode(), b" ")
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")


class Privileges(harness.LedgerTest):
    def assert_not_permitted(self, done):
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(done.stdout, b"")
        said = done.stderr.decode()
        for words in ("CAP_BPF", "CAP_PERFMON", "sudo", "setcap"):
            self.assertIn(words, said)

    def test_nobody(self):
        for command in TRACING + JUDGING:
            with self.subTest(command):
                self.assert_not_permitted(harness.run_ledger(
                    *command, preexec_fn=harness.become_nobody,
                    executable=harness.public_binary(self)))

    def test_root_without_capabilities(self):
        for command in TRACING + JUDGING:
            with self.subTest(command):
                self.assert_not_permitted(subprocess.run(
                    ["setpriv", "--bounding-set=-all", "--inh-caps=-all", harness.binary(),
                     *command],
                    stdin=subprocess.DEVNULL, capture_output=True, timeout=harness.PATIENCE_S,
                    check=False))

    def test_nobody_may_look(self):
        """As with ss: the sockets of one's own namespace, what may not be seen is told."""
        for command in LOOKING:
            with self.subTest(command):
                done = harness.run_ledger(*command, preexec_fn=harness.become_nobody,
                                          executable=harness.public_binary(self))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotEqual(done.stdout, b"")
                if command != ["list", "-an"]:
                    self.assertNotEqual(done.stderr, b"")

    def test_help_needs_none(self):
        for arguments in (["--help"], ["--version"], ["top", "--help"], ["trace", "--help"],
                          ["list", "--help"], ["states", "--help"], ["doctor", "--help"],
                          ["listen", "--help"], ["audit", "--help"], ["report", "--help"]):
            with self.subTest(arguments):
                done = harness.run_ledger(*arguments, preexec_fn=harness.become_nobody,
                                          executable=harness.public_binary(self))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotEqual(done.stdout, b"")


class Usage(harness.LedgerTest):
    def assert_wrong(self, arguments, *right):
        """Status 2, nothing on stdout, and each of `right` in the message."""
        done = harness.run_ledger(*arguments)
        self.assertEqual(done.returncode, 2, (arguments, done.stdout[:200], done.stderr))
        self.assertEqual(done.stdout, b"")
        said = done.stderr.decode()
        for words in right:
            self.assertIn(words, said)

    def test_wrong_words(self):
        for arguments, right in (
                (["--nonsense"], ["--nonsense"]),
                (["nonsense"], ["nonsense"]),
                (["top", "--nonsense"], ["--nonsense"]),
                (["states", "--state", "ESTABLISHT"], ["ESTABLISHT", "ESTABLISHED", "CLOSE_WAIT"]),
                (["states", "--by", "colour"], ["colour", "process", "remote", "netns"]),
                (["states", "-n", "many"], ["many"]),
                (["states", "-n", "-1"], ["-1"]),
                (["trace", "-L", "80,http!"], ["http!"]),
                (["trace", "-L", "65536"], ["65536", "65535"]),
                (["trace", "-D", "-1"], ["-1"]),
                (["trace", "-D", ""], []),
                (["trace", "-p", "self"], ["self"]),
                (["trace", "--duration", "soon"], ["soon"]),
                (["trace", "--count", "-5"], ["-5"]),
                (["top", "-d", "0"], []),
                (["top", "-d", "x"], ["x"]),
                (["top", "--sort", "beauty"], ["beauty", "CLOSE_WAIT"]),
                (["top", "--count", "99999999999999999999"], ["99999999999999999999"]),
                (["list", "--color", "pink"], ["pink", "auto"]),
                (["listen", "-N", "no\x1bwhere"], ["no\\x1bwhere", "ip netns"]),
                (["audit", "--fail-on", "info"], ["info", "critical"]),
                (["audit", "--for", "-1"], ["-1"]),
                (["report", "--markdown=maybe"], ["maybe"])):
            with self.subTest(arguments):
                self.assert_wrong(arguments, *right)

    def test_hostile_words_are_escaped(self):
        for word in ("\x1b[31mred", "a\nb"):
            for arguments in (["states", "--state", word], ["list", word], ["list", "-N", word],
                              ["list", "comm", "=", "x", word], ["list", "-" + word],
                              ["trace", word], ["top", "sport", "=", word]):
                with self.subTest(arguments):
                    done = harness.run_ledger(*arguments)
                    self.assertEqual(done.returncode, 2)
                    self.assertIsNone(CONTROL.search(done.stderr), done.stderr)


class Names(harness.LedgerTest):
    """Each process with a hostile comm and command line shows as one clean line."""

    def setUp(self):
        self.n = self.net()
        self.named = {}
        for name in NAMES:
            actor = self.actor(self.n)
            actor.do("listen l 127.0.0.1 0")
            actor.do("comm " + name.hex())
            self.named[actor.pid] = name

    def assert_clean(self, out):
        self.assertIsNone(CONTROL.search(out), CONTROL.search(out))
        out.decode("utf-8")

    def test_text(self):
        for command in (["list", "-anp"], ["states", "--by", "process", "-n", "100000"],
                        ["top", "--once", "-r", "100000"], ["listen"]):
            with self.subTest(command):
                out = self.ledger(*command).stdout
                self.assert_clean(out)
                for pid in self.named:
                    lines = [line for line in out.decode().splitlines()
                             if re.search(rf"(^|[^\d,.:]){pid}([^\d.:]|$)", line)]
                    self.assertEqual(len(lines), 1, (self.named[pid], lines))

    def test_text_keeps_what_is_harmless(self):
        out = self.ledger("list", "-ap").stdout.decode()
        self.assertIn("ünï→☃", out)
        self.assertIn("$(reboot)`x`", out)

    def test_json(self):
        sockets = {s["owner"]["pid"]: s for s in self.list_sockets(self.n)}
        self.assertEqual(set(sockets), set(self.named))
        names = {pid: s["owner"]["comm"] for pid, s in sockets.items()}
        self.assertEqual(len(set(names.values())), len(NAMES))
        for pid, raw in self.named.items():
            try:
                exact = raw.decode("utf-8")
            except UnicodeDecodeError:
                self.assertIn("bad", names[pid])
                continue
            if CONTROL.search(raw) is None:
                self.assertEqual(names[pid], exact)
        document = self.ledger_json("top", "--once")
        shown = {row["pid"]: row["comm"] for row in document["processes"]}
        for pid, name in names.items():
            self.assertEqual(shown[pid], name)

    def traced(self, *options):
        beacon = Beacon(self)
        stream = self.stream("trace", *options)
        beacon.reach(stream)
        actors = []
        for name in NAMES:
            actor = self.actor(self.n)
            actor.do("comm " + name.hex())
            actor.attempt(f"connect c {harness.own_address()} 9")
            actors.append(actor.pid)
        beacon.reach(stream)
        self.assertEqual(stream.interrupt(), 0)
        return b"".join(stream.lines), actors

    def test_trace_text(self):
        out, pids = self.traced()
        self.assert_clean(out)
        mine = [line for line in out.decode().splitlines() if harness.own_address() in line]
        self.assertEqual(len(mine), 2 * len(NAMES))

    def test_trace_json(self):
        out, pids = self.traced("--json")
        mine = [line for line in map(json.loads, out.splitlines())
                if line.get("netns") == self.n.inum
                and line["remote_address"] == harness.own_address()]
        self.assertEqual([line["pid"] for line in mine], [pid for pid in pids for _ in range(2)])

    def test_trace_csv(self):
        out, pids = self.traced("-s")
        self.assert_clean(out)
        rows = harness.parse_csv(out.decode())
        for row in rows:
            self.assertNotIn(None, row)
            self.assertNotIn(None, row.values())
        mine = [row for row in rows if harness.own_address() in row.values()]
        self.assertEqual(len(mine), 2 * len(NAMES))

    def test_command_lines(self):
        arguments = [b"\x1b]0;owned\x07", b"new\nline", b"\xff\xfe", b"x" * 100000]
        process = subprocess.Popen(arguments, executable=harness.actor_binary(),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   preexec_fn=self.n.enter)
        self.addCleanup(harness.stop, process)
        process.stdout.readline()
        process.stdin.write(b"listen l 127.0.0.1 0\n")
        process.stdin.flush()
        process.stdout.readline()
        for command in (["states", "--by", "process", "-n", "100000"],
                        ["list", "-anp"], ["listen"], ["report", "--for", "0.2"],
                        ["top", "--once", "-r", "100000"]):
            with self.subTest(command):
                out = self.ledger(*command).stdout
                self.assert_clean(out)
                self.assertIn(str(process.pid), out.decode())
                json.loads(self.ledger(*command, "--json").stdout.decode("utf-8"))


class Pipes(harness.LedgerTest):
    def test_snapshot_into_a_closed_pipe(self):
        net = self.net()
        self.pair(net, count=2000)  # more than a pipe holds
        process = subprocess.Popen([harness.binary(), "list", "-a"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(harness.stop, process)
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(timeout=harness.PATIENCE_S), 0)
        self.assertNotIn(b"pipe", process.stderr.read().lower())

    def test_streams_into_a_closed_pipe(self):
        for command in (["trace"], ["trace", "--json"], ["top", "--batch", "-d", "0.2"],
                        ["top", "--batch", "--json", "-d", "0.2"]):
            with self.subTest(command):
                beacon = Beacon(self)
                process = subprocess.Popen([harness.binary(), *command], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.addCleanup(harness.stop, process)
                end = time.monotonic() + harness.PATIENCE_S
                ready = threading.Event()

                def feed():
                    while not ready.is_set() and time.monotonic() < end:
                        beacon.fire()
                        time.sleep(0.05)
                feeder = threading.Thread(target=feed, daemon=True)
                feeder.start()
                process.stdout.readline()
                process.stdout.close()
                try:
                    status = process.wait(timeout=harness.PATIENCE_S)
                finally:
                    ready.set()
                    feeder.join()
                self.assertEqual(status, 0)
                for line in process.stderr.read().splitlines():  # notes of the start may be there
                    self.assertFalse(harness.is_summary(line) or b"pipe" in line.lower(), line)

    def test_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([harness.binary(), "list"], stdin=subprocess.DEVNULL, stdout=full,
                                  stderr=subprocess.PIPE, timeout=harness.PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)

    def test_interrupt_of_each_stream(self):
        for command in (["trace"], ["trace", "-s"], ["trace", "--json"],
                        ["top", "--batch", "-d", "0.2"],
                        ["top", "--batch", "--json", "-d", "0.2"]):
            with self.subTest(command):
                beacon = Beacon(self)
                stream = self.stream(*command)
                if command[0] == "trace":
                    beacon.reach(stream)
                else:
                    harness.eventually(lambda: self.assertGreater(len(stream.lines), 0))
                self.assertEqual(stream.interrupt(), 0)
                said = stream.errors.splitlines()
                self.assertEqual(sum(map(bool, map(harness.is_summary, said))), 1, said)
                self.assertTrue(harness.is_summary(said[-1]), said)
                self.assertTrue(all(line.endswith(b"\n") for line in stream.lines))


class Vanishing(harness.LedgerTest):
    """While things come and go, what stays is right and nothing fails."""

    def setUp(self):
        self.n = self.net()
        self.server, self.client, self.port = self.pair(self.n, count=40)
        self.over = threading.Event()

    def meanwhile(self, work):
        failures = []

        def loop():
            while not self.over.is_set():
                try:
                    work()
                except BaseException as failure:  # shown by the test, not lost in the thread
                    failures.append(failure)
                    return
        thread = threading.Thread(target=loop, daemon=True)
        thread.start()

        def finish():
            self.over.set()
            thread.join()
            self.assertEqual(failures, [])
        self.addCleanup(finish)

    def assert_stable(self):
        for _ in range(8):
            sockets = self.list_sockets(self.n)
            self.assertEqual(len(sockets), 81)
            self.assertEqual({s["owner"]["pid"] for s in sockets},
                             {self.server.pid, self.client.pid})
            self.ledger_json("states", "--by", "process")
        for _ in range(3):
            document = self.ledger_json("top", "--once")
            rows = {row["pid"]: row["states"] for row in document["processes"]}
            self.assertEqual(rows[self.client.pid]["ESTABLISHED"], 40)

    def test_namespaces_come_and_go(self):
        def one_life():
            net = harness.Net()
            actor = harness.Actor(net)
            try:
                actor.do("listen l 127.0.0.1 0")
            finally:
                actor.close()
                net.close()
        self.meanwhile(one_life)
        self.assert_stable()

    def test_named_namespaces_come_and_go(self):
        name = f"tcpledger-test-{os.getpid()}"
        self.addCleanup(subprocess.run, ["ip", "netns", "del", name], stderr=subprocess.DEVNULL)

        def one_life():
            subprocess.run(["ip", "netns", "add", name], check=True)
            subprocess.run(["ip", "netns", "del", name], check=True)
        self.meanwhile(one_life)
        self.assert_stable()

    def test_processes_come_and_go(self):
        def one_life():
            actor = harness.Actor(self.n2)
            try:
                actor.do("listen l 127.0.0.1 0")
                actor.do("fork a")
            finally:
                actor.close()
        self.n2 = self.net()
        self.meanwhile(one_life)
        self.assert_stable()


if __name__ == "__main__":
    harness.main()
