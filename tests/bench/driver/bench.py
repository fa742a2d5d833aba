# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the benchmarks of scripts/bench and prints their tables. Needs root and the
programs already built."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import types

from churn import bench_churn
from drain import bench_drain
from idle import bench_idle, bench_latency
from seed import bench_seed
from settle import bench_settle
from stacks import bench_stacks
from table import render
from tracers import contenders

TRACERS = [tracer.name for tracer in contenders("", "")[1:]]
BENCHES = ["churn", "drain", "seed", "settle", "idle", "latency", "micro", "stacks"]


def parse_options(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures tcpledger beside its rivals.")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="short and rough: 1 run, 20,000 sockets")
    parser.add_argument("--only", action="append", choices=BENCHES, help="this benchmark alone; may be repeated")
    parser.add_argument(
        "--tracer", action="append", choices=TRACERS, help="churn under this one alone; may be repeated"
    )
    parser.add_argument("--runs", type=int, help="runs of each figure, the median is shown (default 5)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where the figures go (default bench.json)")
    options = parser.parse_args(arguments)
    options.runs = options.runs or (1 if options.quick else 5)
    options.only = options.only or BENCHES
    options.tracer = options.tracer or TRACERS
    options.json = options.json or pathlib.Path("bench.json")
    return options


def host():
    model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "kernel": platform.release(),
        "cpus": f"{os.cpu_count()} × {model[0] if model else platform.machine()}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def bench_micro(program):
    """Google Benchmark's own JSON, its list of results."""
    command = [str(program), "--benchmark_format=json"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return json.loads(output)["benchmarks"]


def run(options):
    programs = options.build / "tests" / "bench"
    paths = types.SimpleNamespace(
        tcpledger=options.build / "tcpledger",
        churn=programs / "bench_churn",
        holder=programs / "bench_holder",
        yardstick=programs / "bench_yardstick",
        ledger=programs / "bench_ledger",
        stack_cost=programs / "bench_stack_cost",
        workloads=options.build / "tests" / "workloads",
    )

    def say(text):
        print(text, file=sys.stderr, flush=True)

    quick = options.quick
    counts = [20_000] if quick else [100_000, 200_000]
    benches = {
        "churn": lambda: bench_churn(paths, options.runs, 1 if quick else 2, options.tracer, say),
        "drain": lambda: bench_drain(paths, options.runs, 1 if quick else 2, say),
        "seed": lambda: bench_seed(paths, counts, options.runs, say),
        "settle": lambda: bench_settle(paths, counts[0], options.runs, say),
        "idle": lambda: bench_idle(paths, options.runs, 3 if quick else 10, say),
        "latency": lambda: bench_latency(paths, options.runs, say),
        "micro": lambda: bench_micro(paths.ledger) if paths.ledger.exists() else [],
        "stacks": lambda: bench_stacks(paths, options.runs, 1 if quick else 2, say),
    }
    return {name: benches[name]() for name in BENCHES if name in options.only}


def main(arguments):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was changed is put back
    options = parse_options(arguments)
    document = {"version": 1, "host": host() | {"runs": options.runs}, "results": run(options)}
    options.json.write_text(json.dumps(document, indent=1) + "\n")
    print(render(document))
    print(f"figures: {options.json}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
