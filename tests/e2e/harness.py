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

import csv
import ctypes
import io
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections import Counter
from datetime import datetime
from pathlib import Path

SKIPPED = 77
PATIENCE_S = 30.0  # the bound of a wait for something that must come
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

STATES = ["ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
          "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"]
FROM_SS = {"ESTAB": "ESTABLISHED", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RECV",
           "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2", "TIME-WAIT": "TIME_WAIT",
           "UNCONN": "CLOSE", "CLOSE-WAIT": "CLOSE_WAIT", "LAST-ACK": "LAST_ACK",
           "LISTEN": "LISTEN", "CLOSING": "CLOSING"}
TO_SS = {name: ss_name for ss_name, name in FROM_SS.items()}
FROM_PROC = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2",
             6: "TIME_WAIT", 7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN",
             11: "CLOSING", 12: "SYN_RECV"}


def binary():
    return os.environ.get("TCPLEDGER", "tcpledger")


def actor_binary():
    return str(Path(os.environ.get("WORKLOADS", ".")) / "tcp_actor")


def eventually(check, patience_s=PATIENCE_S, pause_s=0.1):
    """Returns check()'s value as soon as it does not fail; its last failure after the bound."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(pause_s)


def stop(process, signal_number=signal.SIGKILL):
    """Ends one process that we started, and reaps it."""
    if process.poll() is None:
        process.send_signal(signal_number)
    try:
        process.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                pass


# --- namespaces and the kernel's own books ---------------------------------------------------


def _unshare_net():
    if LIBC.unshare(CLONE_NEWNET) != 0:
        os._exit(125)


class Net:
    """A network namespace that lives as long as its keeper process."""

    def __init__(self):
        self.keeper = subprocess.Popen(["sleep", "infinity"], stdin=subprocess.DEVNULL,
                                       preexec_fn=_unshare_net)
        self.path = f"/proc/{self.keeper.pid}/ns/net"
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self.inum = os.fstat(self.fd).st_ino
        self.pids = set()  # of the actors that ever lived here
        try:
            self.run("ip", "link", "set", "lo", "up")
        except BaseException:
            self.close()
            raise

    def enter(self):
        """For preexec_fn: moves the child in here."""
        if LIBC.setns(self.fd, CLONE_NEWNET) != 0:
            os._exit(126)

    def run(self, *command):
        done = subprocess.run(command, preexec_fn=self.enter, capture_output=True,
                              timeout=PATIENCE_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.returncode} {done.stderr!r}")
        return done.stdout.decode(errors="replace")

    def ss(self, by_ss=False):
        """Every TCP socket that ss shows here, as SsSocket.

        Holders come from /proc/PID/fd of the processes in `pids`: `ss -p` (by_ss) reads every
        descriptor of the host, which takes half a minute beside somebody's 100,000 sockets.
        """
        option = "-tanpeH" if by_ss else "-taneH"
        sockets = [SsSocket(line) for line in self.run("ss", option, "-O").splitlines() if line]
        if not by_ss:
            holders = self.holders()
            for socket in sockets:
                socket.holders = sorted(holders.get(socket.inode, []))
        return sockets

    def holders(self):
        """inode → [(pid, fd)] over our own processes."""
        found = {}
        for pid in list(self.pids):
            for inode, descriptors in descriptor_inodes(pid).items():
                found.setdefault(inode, []).extend((pid, fd) for fd in descriptors)
        return found

    def counts(self):
        """ss's counts by state."""
        return dict(Counter(socket.state for socket in self.ss()))

    def proc_counts(self):
        """/proc/net/tcp's and tcp6's counts by state, as the second opinion."""
        rows = self.run("sh", "-c", "cat /proc/self/net/tcp /proc/self/net/tcp6").splitlines()
        states = [FROM_PROC[int(row.split()[3], 16)] for row in rows if ":" in row.split()[0]]
        return dict(Counter(states))

    def close(self):
        stop(self.keeper)
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def join_nets(left, right, left_address="10.77.0.1", right_address="10.77.0.2"):
    """Connects two namespaces by a veth pair."""
    left.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1",
             "netns", str(right.keeper.pid))
    for net, device, address in ((left, "v0", left_address), (right, "v1", right_address)):
        net.run("ip", "address", "add", address + "/24", "dev", device)
        net.run("ip", "link", "set", device, "up")


class SsSocket:
    """One line of `ss -tanpeHO`."""

    def __init__(self, line):
        fields = line.split(None, 5)
        self.line = line
        self.state = FROM_SS[fields[0]]
        self.recv_queue, self.send_queue = int(fields[1]), int(fields[2])
        self.local = split_endpoint(fields[3])
        self.remote = split_endpoint(fields[4])
        rest = fields[5] if len(fields) > 5 else ""
        self.holders = sorted((int(pid), int(fd))
                              for pid, fd in re.findall(r"pid=(\d+),fd=(\d+)\)", rest))
        self.inode = _number(r"\bino:(\d+)", rest, 10)
        self.cookie = _number(r"\bsk:([0-9a-f]+)", rest, 16)
        self.uid = _number(r"\buid:(\d+)", rest, 10) or 0

    @property
    def key(self):
        return (self.state, *self.local, *self.remote)


def _number(pattern, text, base):
    found = re.search(pattern, text)
    return int(found.group(1), base) if found else 0


def split_endpoint(text):
    """'127.0.0.1:80', '[::1]:80', '*:80', '[::ffff:127.0.0.1]:80', '[::]%lo:80' → (address, port)."""
    address, _, port = text.rpartition(":")
    address = address.split("%")[0].strip("[]")
    return plain_address(address), 0 if port == "*" else int(port)


def plain_address(address):
    if address == "*":
        return "::"
    return address[7:] if address.startswith("::ffff:") and "." in address else address


def descriptor_inodes(pid):
    """inode → [fd] of the sockets that a process holds, from /proc/PID/fd; none when it is gone."""
    found = {}
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except FileNotFoundError:
        return found
    for fd in descriptors:
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found.setdefault(int(target[8:-1]), []).append(int(fd))
    return found


# --- actors ----------------------------------------------------------------------------------


class Refused(AssertionError):
    """An actor answered ok:false."""


class Actor:
    """A tcp_actor process; its verbs are listed in tests/workloads/*_verbs.cpp."""

    def __init__(self, net):
        self.process = subprocess.Popen([actor_binary()], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, preexec_fn=net.enter)
        self.net = net
        self.buffered = b""
        self.pid = self.reply()["pid"]
        net.pids.add(self.pid)

    def post(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def reply(self, patience_s=PATIENCE_S):
        end = time.monotonic() + patience_s
        while b"\n" not in self.buffered:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError("the actor does not answer")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise AssertionError("the actor is gone")
            self.buffered += chunk
        line, _, self.buffered = self.buffered.partition(b"\n")
        return json.loads(line)

    def attempt(self, line):
        """The answer, also when it is ok:false."""
        self.post(line)
        return self.reply()

    def do(self, line):
        answer = self.attempt(line)
        if not answer["ok"]:
            raise Refused(f"{line}: {answer}")
        if "child" in answer:
            self.net.pids.add(answer["child"])
        return answer

    def kill(self):
        stop(self.process)

    def end(self):
        """A regular exit; descriptors are closed by the kernel."""
        self.do("exit 0")
        self.process.wait(timeout=PATIENCE_S)

    def close(self):
        stop(self.process)


# --- tcpledger -------------------------------------------------------------------------------


def run_ledger(*arguments, patience_s=2 * PATIENCE_S, **options):
    return subprocess.run([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=patience_s, check=False, **options)


def become_nobody():
    """For preexec_fn: gives up root for good."""
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


def public_binary(test):
    """A copy of the binary where everybody may run it, gone after the test."""
    folder = tempfile.mkdtemp(prefix="tcpledger-e2e-")
    test.addCleanup(shutil.rmtree, folder)
    os.chmod(folder, 0o755)
    copy = shutil.copy(shutil.which(binary()), folder)
    os.chmod(copy, 0o755)
    return copy


class Stream:
    """A tcpledger that goes on: its lines as they come."""

    def __init__(self, *arguments, **options):
        self.process = subprocess.Popen([binary(), *map(str, arguments)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, **options)
        self.lines = []
        self.errors = b""
        self._threads = [threading.Thread(target=self._read_lines, daemon=True),
                         threading.Thread(target=self._read_errors, daemon=True)]
        for thread in self._threads:
            thread.start()

    def _read_lines(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def _read_errors(self):
        self.errors = self.process.stderr.read()

    def json_lines(self):
        return [json.loads(line) for line in list(self.lines)]

    def require_running(self):
        if self.process.poll() is not None:
            for thread in self._threads:
                thread.join(PATIENCE_S)
            raise RuntimeError(f"tcpledger ended: {self.process.returncode} {self.errors!r}")

    def wait(self, patience_s=2 * PATIENCE_S):
        """Until it ends by itself; its status."""
        status = self.process.wait(timeout=patience_s)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return status

    def interrupt(self):
        """SIGINT; returns the status, with all output read."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait(PATIENCE_S)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()


class Beacon:
    """Connections that only say "the stream has come this far", from a namespace of their own.

    The ring keeps the order of events, so once a mark has come through, everything before it
    has. A mark is a refused connection to an address used once: 127.77.x.y, or fd77::xxxx.
    With local_port it is a socket that listens there for a moment instead. An `actor` of the
    test's own can do it too, for streams that select its pid.
    """

    def __init__(self, test, family=4, remote_port=9, local_port=None, actor=None):
        if actor is None:
            net = test.net()
            net.run("ip", "-6", "route", "add", "local", "fd77::/64", "dev", "lo")
            actor = test.actor(net)
        self.actor, self.family = actor, family
        self.remote_port, self.local_port = remote_port, local_port
        self.fired = 0

    def fire(self):
        """Does it; the mark, as it must appear in a line."""
        self.fired += 1
        mark = (f"127.77.{100 + self.fired // 100}.{100 + self.fired % 100}" if self.family == 4
                else f"fd77::{0x1000 + self.fired:x}")
        if self.local_port is None:
            self.actor.attempt(f"connect beacon {mark} {self.remote_port}")
        else:
            self.actor.do(f"listen beacon {mark} {self.local_port}")
        self.actor.do("close beacon")
        return mark

    def reach(self, stream):
        """Returns when the stream has shown everything that happened before this call."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            mark = self.fire().encode()
            again = time.monotonic() + 2.0  # before the stream is attached, marks go unseen
            while time.monotonic() < again:
                if any(mark in line for line in list(stream.lines)):
                    return
                stream.require_running()
                time.sleep(0.02)
        raise AssertionError(f"the stream shows no mark: {stream.lines[-5:]}")


def parse_time(text):
    """RFC 3339 with microseconds → seconds since the epoch; a ValueError for anything else."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)", text):
        raise ValueError(f"not RFC 3339 with microseconds: {text!r}")
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def parse_csv(text):
    """Rows as dictionaries by the head line's names."""
    return list(csv.DictReader(io.StringIO(text)))


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

    def stream(self, *arguments, **options):
        stream = Stream(*arguments, **options)
        self.addCleanup(stream.close)
        return stream

    def ledger(self, *arguments, status=0, **options):
        """Runs to the end; the finished process, with its status checked."""
        done = run_ledger(*arguments, **options)
        self.assertEqual(done.returncode, status,
                         f"tcpledger {arguments}: {done.returncode}\n{done.stderr.decode(errors='replace')}")
        return done

    def ledger_json(self, *arguments):
        """One document."""
        return json.loads(self.ledger(*arguments, "--json").stdout)

    def list_sockets(self, net, *arguments):
        """`list`'s sockets of one namespace."""
        document = self.ledger_json("list", *arguments)
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
