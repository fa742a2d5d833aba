# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Drives tcp_actor processes; their verbs are listed in tests/workloads/*_verbs.cpp."""

import json
import os
import select
import subprocess
import time
from pathlib import Path

from bounds import PATIENCE_S, stop


def actor_binary():
    return str(Path(os.environ.get("WORKLOADS", ".")) / "tcp_actor")


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
