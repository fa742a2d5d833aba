# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tcpledger costs while nothing happens, and how soon it answers."""

import statistics
import subprocess
import time

from system import bpf_map_bytes, cpu_ns, memory_kb, process, timed

INTERVAL_S = 1


def bench_idle(paths, runs, seconds, say):
    """CPU share and memory of `top --batch` on a host that is left alone."""
    samples = []
    command = [str(paths.tcpledger), "top", "--batch", "-d", str(INTERVAL_S)]
    for run in range(runs):
        say(f"idle {run + 1}/{runs}: {seconds} s of top")
        with process(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as child:
            time.sleep(3)
            start, before = time.monotonic(), cpu_ns(child.pid)
            time.sleep(seconds)
            share = (cpu_ns(child.pid) - before) / 1e9 / (time.monotonic() - start)
            memory = memory_kb(child.pid)
            samples.append((share, memory, bpf_map_bytes(child.pid)))
    return {
        "cpu_share": statistics.median(sample[0] for sample in samples),
        "rss_kb": statistics.median(sample[1]["VmRSS"] for sample in samples),
        "rss_anonymous_kb": statistics.median(sample[1]["RssAnon"] for sample in samples),
        "bpf_map_bytes": statistics.median(sample[2] for sample in samples),
        "samples": [sample[0] for sample in samples],
    }


def bench_latency(paths, runs, say):
    """Seconds that `top --once` takes beyond the interval it measures."""
    command = [str(paths.tcpledger), "top", "--once", "-d", str(INTERVAL_S)]
    samples = []
    for run in range(runs):
        say(f"latency {run + 1}/{runs}: top --once")
        samples.append(timed(command, stdout=subprocess.DEVNULL)[0] - INTERVAL_S)
    return {"seconds_beyond_interval": statistics.median(samples), "samples": samples}
