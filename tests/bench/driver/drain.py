# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What `trace` can show at most: it is stopped while a churn fills a large ring, and then runs
alone. So the generator takes none of the CPUs from the reader, which is what a host with more of
them would see. Each line is one transition; the last one must be whole."""

import pathlib
import signal
import statistics
import tempfile
import time

from churn import churn
from system import cpu_ns, process
from tracers import count_lines, trace_lost

RING = "512M"
FORMATS = {"text": [], "csv": ["-s"], "json": ["--json"]}
QUIET_S = 0.6  # longer than the reader's timer and its flushes
PATIENCE_S = 60


def seeded(output, options):
    """The header comes when the books are whole; JSON has none."""
    return options == FORMATS["json"] or output.stat().st_size > 0


def drained_at(output):
    """When the file grew last, once it has stopped to."""
    size, grew, began = output.stat().st_size, time.monotonic(), time.monotonic()
    while time.monotonic() - grew < QUIET_S and time.monotonic() - began < PATIENCE_S:
        time.sleep(0.005)
        now = output.stat().st_size
        if now != size:
            size, grew = now, time.monotonic()
    return grew


def drain_once(tcpledger, options, program, seconds):
    with tempfile.TemporaryDirectory(prefix="tcpledger-bench-") as name:
        output, errors = pathlib.Path(name) / "output", pathlib.Path(name) / "errors"
        command = [str(tcpledger), "trace", "--ring-size", RING, *options]
        with output.open("wb") as out, errors.open("wb") as err:
            with process(command, stdout=out, stderr=err) as child:
                time.sleep(1.5)
                while not seeded(output, options):
                    time.sleep(0.05)
                before = count_lines(output)
                child.send_signal(signal.SIGSTOP)
                churn(program, seconds)
                cpu = cpu_ns(child.pid)
                child.send_signal(signal.SIGCONT)
                began = time.monotonic()
                wall = drained_at(output) - began
                cpu = cpu_ns(child.pid) - cpu
        lines = count_lines(output) - before
        text = output.read_bytes()
        return {
            "lines": lines,
            "lines_per_s": lines / wall,
            "cpu_ns_per_line": cpu / lines,
            "bytes_per_line": len(text) / max(1, lines),
            "lost": trace_lost(output, errors),
            "dropped": text.count(b"lines dropped") + text.count(b'"dropped"'),
            "whole": text.endswith(b"\n"),
        }


def bench_drain(paths, runs, seconds, say):
    """{format: {figure: median}}."""
    results = {}
    for name, options in FORMATS.items():
        samples = []
        for run in range(runs):
            say(f"drain {run + 1}/{runs}: trace, {name}")
            samples.append(drain_once(paths.tcpledger, options, paths.churn, seconds))
        results[name] = {
            key: statistics.median(sample[key] for sample in samples) for key in samples[0] if key != "whole"
        }
        results[name]["whole"] = all(sample["whole"] for sample in samples)
        results[name]["samples"] = samples
    return results
