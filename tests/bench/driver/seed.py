# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One look at very many sockets: tcpledger against ss, in the same run, with and
without owners, and the memory a standing connection takes."""

import contextlib
import math
import resource
import statistics
import subprocess
import time

from system import memory_kb, network_namespace, process, timed, wait_for

RESERVED_DESCRIPTORS = 32  # of a holder: standard streams, listener, room


@contextlib.contextmanager
def held_sockets(program, count):
    """`count` established loopback sockets in a namespace of their own; its name. As many
    holder processes as the limit on descriptors asks for."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    # Both ends of a connection; one listener's address has one port range.
    each = min(limit - RESERVED_DESCRIPTORS, 40000) // 2 * 2
    holders = math.ceil(count / each)
    with network_namespace() as netns, contextlib.ExitStack() as stack:
        children = []
        for index in range(holders):
            share = min(each, count - index * each)
            command = ["ip", "netns", "exec", netns, str(program), str(share), str(index + 1)]
            children.append(
                stack.enter_context(process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            )
        for child in children:
            if child.stdout.readline() != "ready\n":
                raise RuntimeError("a holder could not open its sockets")
        yield netns


def lookers(tcpledger, netns):
    """{name: command}, in the holders' namespace; without -N tcpledger looks at all of them."""
    tool = str(tcpledger)
    inside = ["ip", "netns", "exec", netns]
    return {
        "tcpledger states": [tool, "states"],
        "tcpledger list -tan": [*inside, tool, "list", "-N", "self", "-tan"],
        "tcpledger list -tanp": [*inside, tool, "list", "-N", "self", "-tanp"],
        "tcpledger list -tanp, all namespaces": [tool, "list", "-tanp"],
        "ss -tan": [*inside, "ss", "-tan"],
        "ss -tanp": [*inside, "ss", "-tanp"],
    }


def rows_of(command):
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return result.stdout.count(b"\n")


def standing_memory(tcpledger):
    """RSS in KiB of `top` once its first picture is out and it has settled."""
    command = [str(tcpledger), "top", "--batch", "--json", "-d", "1"]
    with process(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as child:
        wait_for(lambda: len(child.stdout.readline()) > 0, 60, "the first picture of top")
        time.sleep(2)
        return memory_kb(child.pid)


def bench_seed(paths, counts, runs, say):
    """{sockets: {looker: figures}}"""
    base = standing_memory(paths.tcpledger)
    results = {}
    for count in counts:
        say(f"seed: opening {count} sockets")
        with held_sockets(paths.holder, count) as netns:
            commands = lookers(paths.tcpledger, netns)
            samples = {name: [] for name in commands}
            for run in range(runs):
                for name, command in commands.items():
                    say(f"seed of {count} {run + 1}/{runs}: {name}")
                    samples[name].append(timed(command, stdout=subprocess.DEVNULL))
            results[str(count)] = {
                name: {
                    "seconds": statistics.median(sample[0] for sample in taken),
                    "cpu_seconds": statistics.median(sample[1] for sample in taken),
                    "rows": rows_of(commands[name]) if name != "tcpledger states" else None,
                    "samples": [sample[0] for sample in taken],
                }
                for name, taken in samples.items()
            }
            say(f"seed of {count}: memory of top")
            standing = standing_memory(paths.tcpledger)
            results[str(count)]["tcpledger top"] = {
                "rss_kb": standing["VmRSS"],
                "bytes_per_connection": (standing["VmRSS"] - base["VmRSS"]) * 1024 / count,
            }
    return results
