# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The host as the benchmark sees and changes it: processes and what they cost,
a network namespace of its own, one sysctl. Whatever it changes it puts back."""

import contextlib
import os
import pathlib
import subprocess
import time

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STATS_SYSCTL = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
PROG_TYPES = {5, 17, 26}  # tracepoint, raw tracepoint, tracing: what can sit on a tracepoint


def bpf_programs(pid):
    """The programs that the descriptors of a process hold: {id: {run_cnt, run_time_ns, misses}}."""
    programs = {}
    for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            fields = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
        except OSError:
            continue  # closed meanwhile
        if "prog_id" in fields and int(fields.get("prog_type", -1)) in PROG_TYPES:
            programs[int(fields["prog_id"])] = {
                "run_cnt": int(fields["run_cnt"]),
                "run_time_ns": int(fields["run_time_ns"]),
                "misses": int(fields.get("recursion_misses", 0)),
            }
    return programs


def bpf_map_bytes(pid):
    """Memory of the BPF maps that a process holds, ring buffers among them."""
    maps = {}
    for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            fields = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
            if "map_id" in fields and "memlock" in fields:  # an iterator over a map names it too
                maps[int(fields["map_id"])] = int(fields["memlock"])
    return sum(maps.values())


def cpu_seconds(pid):
    """(user, user + system) of all threads so far."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    user, system = int(fields[11]) / TICKS_PER_S, int(fields[12]) / TICKS_PER_S
    return user, user + system


def cpu_ns(pid):
    """Time on a CPU of all threads so far, those that have ended too."""
    process_clock = (~pid << 3) | 2  # clock_getcpuclockid(3)
    return time.clock_gettime_ns(process_clock)


def memory_kb(pid):
    """{VmRSS, RssAnon, RssFile, RssShmem, …} in KiB."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {
        line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "Rss", "VmHWM"))
    }


@contextlib.contextmanager
def bpf_statistics(enabled):
    """kernel.bpf_stats_enabled for the time of the block."""
    before = STATS_SYSCTL.read_text()
    STATS_SYSCTL.write_text("1" if enabled else "0")
    try:
        yield
    finally:
        STATS_SYSCTL.write_text(before)


@contextlib.contextmanager
def network_namespace():
    """A fresh namespace with loopback up; its name."""
    name = f"tcpledger-bench-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@contextlib.contextmanager
def process(command, **options):
    """A running child that is stopped (SIGINT, then harder) at the end of the block."""
    child = subprocess.Popen(command, **options)
    try:
        yield child
    finally:
        if child.stdin:
            child.stdin.close()
        for stop in (child.terminate if child.stdin else lambda: child.send_signal(2), child.terminate, child.kill):
            if child.poll() is None:
                stop()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=10)


def wait_for(condition, seconds, what):
    """The first true value of condition(); RuntimeError when there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise RuntimeError(f"{what}: not within {seconds} s")


def timed(command, **options):
    """Runs a command to its end: (wall seconds, CPU seconds)."""
    start = time.monotonic()
    child = subprocess.Popen(command, **options)
    _, status, usage = os.wait4(child.pid, 0)
    elapsed = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: status {child.returncode}")
    return elapsed, usage.ru_utime + usage.ru_stime
