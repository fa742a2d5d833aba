# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Saturated loopback churn under each tracer. Two passes a run: with the kernel's BPF
statistics (ns per event, losses, CPU of the reader) and without (connections per
second, which the statistics themselves would lower). The latter stands between two untraced passes,
with whose mean it is compared: a host that others use too is faster at one minute than at the next."""

import json
import pathlib
import statistics
import subprocess
import tempfile
import time

from system import bpf_programs, bpf_statistics, cpu_ns, cpu_seconds, network_namespace
from tracers import contenders, running

SETTLE_S = 2.5  # for the last rows, and the last interval of a table refreshed each second


def churn(program, seconds):
    """One churn in a namespace of its own: its JSON."""
    with network_namespace() as netns:
        result = subprocess.run(
            ["ip", "netns", "exec", netns, str(program), str(seconds)], check=True, stdout=subprocess.PIPE
        )
    return json.loads(result.stdout)


def on_tracepoint(before, after):
    """What the programs on the state tracepoint did, as (since before, the busiest since its
    load): those that ran about as often as the one that ran most, their times together."""
    zero = {"run_cnt": 0, "run_time_ns": 0, "misses": 0}
    since = {key: {field: after[key][field] - before.get(key, zero)[field] for field in zero} for key in after}
    number = max(since, key=lambda key: since[key]["run_cnt"])
    beside = [ran for ran in since.values() if ran["run_cnt"] > since[number]["run_cnt"] / 2]
    together = since[number] | {
        "dearest_run_time_ns": max(ran["run_time_ns"] for ran in beside),
        "run_time_ns": sum(ran["run_time_ns"] for ran in beside),
    }
    return together, after[number]


def counted_pass(tracer, empty, program, seconds):
    """ns per event, events, losses and the reader's CPU, with statistics on. The empty program is
    attached too: what is compared with it ran in the same moments."""
    with tempfile.TemporaryDirectory(prefix="tcpledger-bench-") as name, bpf_statistics(True):
        directory = pathlib.Path(name)
        (directory / "empty").mkdir()
        with running(empty, directory / "empty") as yardstick, running(tracer, directory) as child:
            empty_before = bpf_programs(yardstick.pid)
            programs, user, total = bpf_programs(child.pid), cpu_seconds(child.pid)[0], cpu_ns(child.pid)
            made = churn(program, seconds)["connections_total"]
            time.sleep(SETTLE_S)
            ran, ever = on_tracepoint(programs, bpf_programs(child.pid))
            empty_ran, _ = on_tracepoint(empty_before, bpf_programs(yardstick.pid))
            user, total = cpu_seconds(child.pid)[0] - user, cpu_ns(child.pid) - total
        events = ran["run_cnt"]
        empty_ns = empty_ran["run_time_ns"] / empty_ran["run_cnt"]
        result = {
            "ns_per_event": ran["run_time_ns"] / events,
            "ns_per_event_dearest": ran["dearest_run_time_ns"] / events,
            "times_empty": ran["run_time_ns"] / events / empty_ns,
            "times_empty_dearest": ran["dearest_run_time_ns"] / events / empty_ns,
            "events": events,
            "skipped_by_kernel": ran["misses"],
            "reader_user_ns_per_event": user * 1e9 / events,
            "reader_cpu_ns_per_event": total / events,
        }
        output, errors = directory / "output", directory / "errors"
        if tracer.said_lost:
            result["said_lost"] = tracer.said_lost(output, errors)
        if tracer.rows:
            expected = tracer.rows_per_connection * made or ever["run_cnt"]
            rows = tracer.rows(output)
            result["rows"], result["missing_share"] = rows, max(0.0, 1 - rows / expected)
        return result


def rate_pass(tracer, program, seconds):
    """Connections per second with statistics off, and what one takes of the CPUs: churn and
    reader together. The second holds on a host that others use too."""
    with tempfile.TemporaryDirectory(prefix="tcpledger-bench-") as name, bpf_statistics(False):
        with running(tracer, pathlib.Path(name)) as child:
            before = cpu_ns(child.pid) if child else 0
            made = churn(program, seconds)
            reader_s = (cpu_ns(child.pid) - before) / 1e9 if child else 0
    return {
        "connections_per_s": made["connections_per_s"],
        "cpu_us_per_connection": (made["cpu_s"] + reader_s) * 1e6 / made["connections_total"],
    }


def compared(traced, before, after):
    """A rate pass and what it is of the untraced ones on either side."""
    untraced = {figure: (before[figure] + after[figure]) / 2 for figure in before}
    return traced | {
        "rate_kept": traced["connections_per_s"] / untraced["connections_per_s"],
        "times_cpu": traced["cpu_us_per_connection"] / untraced["cpu_us_per_connection"],
    }


def median_of(samples):
    """The median of each figure over the runs."""
    return {key: statistics.median(sample[key] for sample in samples) for key in samples[0]}


def interval_of_median(values):
    """Where the true median is with 95 %, whatever the distribution: (from, to), or None where
    there are too few to say."""
    rank = int((len(values) - 1.96 * len(values) ** 0.5) / 2)
    ordered = sorted(values)
    return (ordered[rank - 1], ordered[-rank]) if rank >= 1 else None


def bench_churn(paths, runs, seconds, names, say):
    """{tracer: {figure: median}}; the tracers take turns. `names`: of the contenders to measure."""
    untraced, empty, *_ = every = contenders(paths.tcpledger, paths.yardstick)
    tracers = [tracer for tracer in every[1:] if tracer.name in names]
    counted = {tracer.name: [] for tracer in [untraced, *tracers]}
    rates = {tracer.name: [] for tracer in [untraced, *tracers]}
    failed = {}
    for run in range(runs):
        for tracer in tracers:
            if tracer.name in failed:
                continue
            say(f"churn {run + 1}/{runs}: {tracer.name}")
            try:
                before = rate_pass(untraced, paths.churn, seconds)
                traced = rate_pass(tracer, paths.churn, seconds)
                after = rate_pass(untraced, paths.churn, seconds)
                rates[untraced.name] += [compared(each, each, each) for each in (before, after)]
                rates[tracer.name].append(compared(traced, before, after))
                counted[tracer.name].append(counted_pass(tracer, empty, paths.churn, seconds))
            except (RuntimeError, OSError) as error:
                failed[tracer.name] = str(error)
    results = {}
    for tracer in [untraced, *tracers]:
        if tracer.name in failed:
            results[tracer.name] = {"error": failed[tracer.name]}
            continue
        results[tracer.name] = median_of(counted[tracer.name]) if counted[tracer.name] else {}
        results[tracer.name] |= median_of(rates[tracer.name])
        kept = [rate["rate_kept"] for rate in rates[tracer.name]]
        results[tracer.name] |= {"rate_kept_interval": interval_of_median(kept), "rate_runs": len(kept)}
        results[tracer.name]["samples"] = {"rates": rates[tracer.name], "counted": counted[tracer.name]}
    return results
