# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What opening stacks cost: each by itself, and a saturated churn under `leaks`, which takes them by
default, beside `top` and `leaks --no-stacks`."""

import json
import statistics
import subprocess

from churn import rate_pass
from system import network_namespace
from tracers import Tracer


def one_stack(program):
    with network_namespace() as netns:
        done = subprocess.run(["ip", "netns", "exec", netns, str(program)], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def bench_stacks(paths, runs, seconds, say):
    """{"one": {figure: median}, "churn": {tracer: {figure: median}}}; the tracers take turns."""
    leaks = [str(paths.tcpledger), "leaks", "--watch", "--json"]
    tracers = [
        Tracer("tcpledger top", [str(paths.tcpledger), "top", "--batch", "--json", "-d", "1"]),
        Tracer("leaks --no-stacks", [*leaks, "--no-stacks"]),
        Tracer("leaks", leaks),
    ]
    ones, rates = [], {tracer.name: [] for tracer in tracers}
    for run in range(runs):
        say(f"stacks {run + 1}/{runs}")
        ones.append(one_stack(paths.stack_cost))
        for tracer in tracers:
            rates[tracer.name].append(rate_pass(tracer, paths.churn, seconds))
    results = {
        name: {key: statistics.median(sample[key] for sample in samples) for key in samples[0]} | {"samples": samples}
        for name, samples in rates.items()
    }
    top = results["tcpledger top"]
    for figures in results.values():
        figures["of_top"] = figures["connections_per_s"] / top["connections_per_s"]
        figures["times_cpu_of_top"] = figures["cpu_us_per_connection"] / top["cpu_us_per_connection"]
    one = {key: statistics.median(sample[key] for sample in ones) for key in ones[0]}
    return {"one": one | {"samples": ones}, "churn": results}
