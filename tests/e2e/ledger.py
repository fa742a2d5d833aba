# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs tcpledger: to its end, or as a stream whose lines are read as they come."""

import csv
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from datetime import datetime

from bounds import PATIENCE_S


def binary():
    return os.environ.get("TCPLEDGER", "tcpledger")


def run_ledger(*arguments, patience_s=2 * PATIENCE_S, **options):
    return subprocess.run([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=patience_s, check=False, **options)


def is_sanitized():
    """A build with AddressSanitizer, which does not give memory back at once."""
    with open(shutil.which(binary()), "rb") as program:
        return b"__asan_init" in program.read()


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
    """A tcpledger that goes on: its lines as they come.

    Into a file by default: what others do on this host at the same time may be more than a
    pipe's reader in python can follow, and a `trace` drops (and counts) what nobody reads.
    """

    def __init__(self, *arguments, pipe=False, needles=None, **options):
        """needles: keep only the lines with one of these byte strings in them."""
        self._file = None if pipe else tempfile.TemporaryFile(buffering=0)
        self.process = subprocess.Popen([binary(), *map(str, arguments)],
                                        stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE if pipe else self._file,
                                        stderr=subprocess.PIPE, **options)
        self._needles, self._lines, self._rest, self._offset = needles, [], b"", 0
        self.errors = b""
        self._threads = [threading.Thread(target=self._read_errors, daemon=True)]
        self.may_read = threading.Event()  # cleared: a reader that has fallen asleep
        self.may_read.set()
        if pipe:
            self._threads.append(threading.Thread(target=self._read_pipe, daemon=True))
        for thread in self._threads:
            thread.start()

    @property
    def lines(self):
        """All whole lines so far."""
        if self._file is not None:
            while chunk := os.pread(self._file.fileno(), 1 << 20, self._offset):
                self._offset += len(chunk)
                self._take(chunk)
        return self._lines

    def _take(self, chunk):
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        self._lines += [line + b"\n" for line in whole if self._needles is None
                        or any(needle in line for needle in self._needles)]

    def _read_pipe(self):
        while self.may_read.wait() and (chunk := os.read(self.process.stdout.fileno(), 1 << 16)):
            self._take(chunk)

    def _read_errors(self):
        while chunk := os.read(self.process.stderr.fileno(), 1 << 16):
            self.errors += chunk

    def json_lines(self):
        return [json.loads(line) for line in list(self.lines)]

    def require_running(self):
        if self.process.poll() is not None:
            self._join()
            raise RuntimeError(f"tcpledger ended: {self.process.returncode} {self.errors!r}")

    def wait_idle(self):
        """Until a second has passed in which it used less than a fifth of a CPU."""
        end = time.monotonic() + 2 * PATIENCE_S
        used = self._cpu_ticks()
        while time.monotonic() < end:
            time.sleep(1)
            before, used = used, self._cpu_ticks()
            if used - before < os.sysconf("SC_CLK_TCK") / 5:
                return
        raise AssertionError("it does not come to rest")

    def _cpu_ticks(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def _join(self):
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def wait(self, patience_s=2 * PATIENCE_S):
        """Until it ends by itself; its status."""
        status = self.process.wait(timeout=patience_s)
        self._join()
        return status

    def interrupt(self):
        """SIGINT; returns the status, with all output read."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait(PATIENCE_S)

    def close(self):
        self.may_read.set()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._join()
        for stream in (self.process.stdout, self.process.stderr, self._file):
            if stream is not None:
                stream.close()


class Beacon:
    """Connections that only say "the stream has come this far", from a namespace of their own.

    The ring keeps the order of events, so once a mark has come through, everything before it
    has. A mark is a refused connection to an address used once, by nobody else on this host either
    (a trace shows all namespaces, tests run beside each other): 127.x.y.z, or fd77::x:y:z.
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
        self.next_mark = random.randrange(150 ** 3)
        self.marks = set()

    def fire(self):
        """Does it; the mark, as it must appear in a line."""
        self.next_mark = (self.next_mark + 1) % 150 ** 3
        digits = [100 + self.next_mark // 150 ** place % 150 for place in (2, 1, 0)]
        mark = ("127.{}.{}.{}" if self.family == 4 else "fd77::{}:{}:{}").format(*digits)
        self.marks.add(mark)
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


def is_summary(line):
    """The one line on stderr with which a stream ends: events, lost, duration."""
    return re.search(rb"\d+ (transitions|events|tables)\b.*\blost\b.*\d+ ?(ms|s|m|h)\b", line)


def parse_time(text):
    """RFC 3339 with microseconds → seconds since the epoch; a ValueError for anything else."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)", text):
        raise ValueError(f"not RFC 3339 with microseconds: {text!r}")
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def parse_csv(text):
    """Rows as dictionaries by the head line's names."""
    return list(csv.DictReader(io.StringIO(text)))
