# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who is measured: tcpledger, its yardstick and its rivals, each as a command that
writes to a file. How each says what it lost is known here and nowhere else."""

import contextlib
import dataclasses
import json
import pathlib
import re
import subprocess
import time
from typing import Callable, Optional

from system import bpf_programs, process, wait_for

STATE_TRACEPOINT = "tracepoint:sock:inet_sock_set_state"
PRINT_EACH = (
    STATE_TRACEPOINT
    + ' { printf("%d %s %d %d %d %d\\n", pid, comm, args->sport, args->dport, args->oldstate, args->newstate); }'
)
COUNT_ONLY = STATE_TRACEPOINT + " { @[args->newstate] = count(); }"


@dataclasses.dataclass(frozen=True)
class Tracer:
    """One contender. `said_lost` reads its own words (stdout and stderr) for losses."""

    name: str
    command: Optional[list] = None
    said_lost: Optional[Callable[[pathlib.Path, pathlib.Path], int]] = None
    rows: Optional[Callable[[pathlib.Path], int]] = None  # events that reached the reader
    rows_per_connection: float = 0  # where a row is not an event
    stdin_ends_it: bool = False


def count_lines(path):
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def bcc_lost(_, errors):
    return sum(int(n) for n in re.findall(r"[Ll]ost (\d+) events", errors.read_text(errors="replace")))


def bpftrace_lost(output, errors):
    text = output.read_text(errors="replace") + errors.read_text(errors="replace")
    return sum(int(n) for n in re.findall(r"Lost (\d+) events", text))


def documents(path):
    """The JSON documents of a file, one a line; a last, cut one is left out."""
    for line in path.read_text(errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            yield json.loads(line)


def top_lost(output, _):
    return sum(document["totals"]["lost"] for document in documents(output))


def top_rows(output):
    return sum(document["totals"]["transitions"] for document in documents(output))


def trace_lost(output, errors):
    text = errors.read_text(errors="replace")
    return sum(int(n) for n in re.findall(r"(\d+) events lost", text.replace(",", "")))


def contenders(tcpledger, yardstick):
    """All tracers of the churn benchmark. With the first two all are compared: no tracer, and a
    program that does nothing."""
    tool = str(tcpledger)
    return [
        Tracer("untraced"),
        Tracer("empty program", [str(yardstick)], stdin_ends_it=True),
        Tracer("tcpledger top", [tool, "top", "--batch", "--json", "-d", "1"], top_lost, top_rows),
        Tracer("tcpledger trace", [tool, "trace", "-s"], trace_lost, lambda path: count_lines(path) - 1),
        # Nothing of it is shown: what the kernel itself leaves out, by port and by process.
        Tracer("trace -D 1", [tool, "trace", "-s", "-D", "1"], trace_lost),
        Tracer("trace -p 1", [tool, "trace", "-s", "-p", "1"], trace_lost),
        Tracer("tcplife", ["tcplife"], bcc_lost, lambda path: count_lines(path) - 1, rows_per_connection=2),
        Tracer("tcpstates", ["tcpstates"], bcc_lost, lambda path: count_lines(path) - 1),
        Tracer("bpftrace count", ["bpftrace", "-e", COUNT_ONLY], bpftrace_lost),
        Tracer("bpftrace printf", ["bpftrace", "-e", PRINT_EACH], bpftrace_lost, lambda path: count_lines(path) - 1),
    ]


@contextlib.contextmanager
def running(tracer, directory):
    """The tracer, attached, its output in `directory`; None for the untraced run."""
    if tracer.command is None:
        yield None
        return
    output, errors = directory / "output", directory / "errors"
    with output.open("wb") as out, errors.open("wb") as err:
        stdin = subprocess.PIPE if tracer.stdin_ends_it else subprocess.DEVNULL
        with process(tracer.command, stdout=out, stderr=err, stdin=stdin) as child:
            def attached():
                if child.poll() is not None:
                    raise RuntimeError(f"{tracer.name} ended: {errors.read_text(errors='replace').strip()}")
                return bpf_programs(child.pid)

            wait_for(attached, 30, f"{tracer.name} loads its programs")
            time.sleep(1.0)  # attaching follows loading; ours seeds then
            yield child
