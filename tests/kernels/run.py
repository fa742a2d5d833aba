# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the same binaries on the kernels people run: see scripts/test-kernels --help.

For each row of the matrix: a kernel from the cache or the mirror, an initramfs
with tcpledger and the test programs, a boot, a verdict on each test. Status: 0
all that could run passed, 1 something failed, 2 wrong usage, 77 nothing could run.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

import guest
import initramfs
import matrix
import packages
import report
import verdicts

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STATUS_SKIPPED = 77
# Those that attach by themselves; `namespaces`, which walks a map, does in bpf.namespace_lives.
OBJECTS = ("empty", "tracer", "holders", "listeners", "accepts")
# Test programs that run in guests as they do on the host: name, where it is built.
PROGRAMS = (("bpf.tracer", "tests/bpf/test_bpf_tracer"), ("bpf.refinements", "tests/bpf/test_bpf_refinements"),
            ("bpf.stacks", "tests/bpf/test_bpf_stacks"), ("bpf.moment", "tests/bpf/test_bpf_moment"),
            ("bpf.namespace_lives", "tests/bpf/test_bpf_namespace_lives"),
            ("bpf.request_count", "tests/bpf/test_bpf_request_count"),
            ("bpf.task_file_scan", "tests/bpf/test_bpf_task_file_scan"),
            ("e2e.netlink.sock_diag", "tests/e2e/test_e2e_netlink_sock_diag"))
BOOT_SECONDS = 240
LONG_BOOT_SECONDS = 600


@dataclasses.dataclass
class Outcome:
    """What became of a row."""

    row: matrix.Row
    release: str = ""
    seconds: float = 0.0
    skipped: str = ""
    failure: str = ""  # of the guest as a whole
    tests: dict = dataclasses.field(default_factory=dict)

    def good(self):
        return not self.failure and all(verdict.word != "fail" for verdict in self.tests.values())


def read_arguments():
    parser = argparse.ArgumentParser(prog="scripts/test-kernels", description=__doc__.splitlines()[0],
                                     epilog="To see a failure: scripts/test-kernels --shell 6.1, then sh /tests/NAME")
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=f"rows to run (default: {' '.join(matrix.DEFAULT)})")
    parser.add_argument("--all", action="store_true", help="every row")
    parser.add_argument("--list", action="store_true", help="name the rows")
    parser.add_argument("--shell", metavar="KERNEL", help="a shell in that guest, tests and programs at hand")
    parser.add_argument("--update", action="store_true", help="look for newer releases on the mirror")
    parser.add_argument("--table", action="store_true", help="write the results into docs/kernel-support.md")
    # A guest sleeps much of its time; two keep two CPUs busy.
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="N",
                        help="guests at a time (default 2, or 1 on a single CPU)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", metavar="DIR",
                        help="where the binaries are (default: build/release)")
    return parser.parse_args()


def chosen_rows(names):
    """The rows of these names; "newest" stands for itself, see resolve()."""
    known = {row.name: row for row in matrix.ROWS}
    unknown = [name for name in names if name not in known and name != "newest"]
    if unknown:
        sys.exit(f"test-kernels: no such kernel: {' '.join(unknown)} (have: {' '.join(known)} newest)")
    return [known.get(name, "newest") for name in names]


def resolve(row, store, update):
    """(row, directory of its kernel); raises packages.Unavailable."""
    if row != "newest":
        return row, store.kernel(row.name, row.pattern, update)
    problem = packages.Unavailable("no kernel is named newest")
    for candidate in chosen_rows(matrix.NEWEST):
        try:
            return candidate, store.kernel(candidate.name, candidate.pattern, update)
        except packages.Unavailable as error:
            problem = error
    raise problem


def hook_choices(build):
    """The columns that the binary can be forced into."""
    done = subprocess.run([build / "tcpledger", "trace", "--help"], capture_output=True, text=True, check=False)
    return ("tracepoints", "fentry") if "--hooks" in done.stdout else ("tracepoints",)


def tests_of(row, build):
    """Name, seconds allowed and command of each test in the guest."""
    who = f"as_nobody {','.join(map(str, row.capabilities))} " if row.capabilities else ""
    tests = [(f"load.{name}", 60, f"bpf_load /bpf/{name}.bpf.o") for name in OBJECTS]
    tests += [(name, 60, f"{pathlib.Path(path).name} --gtest_brief=1") for name, path in PROGRAMS]
    if row.capabilities:
        tests = []  # these need root
    tests.append(("doctor", 60, f"{who}tcpledger doctor"))
    choices = hook_choices(build)
    for hooks in choices:
        forced = f" --hooks={hooks}" if len(choices) > 1 else ""
        steps = "STEPS=--long " if row.long else ""
        tests.append((f"scenario.{hooks}", 150, f"{steps}play.sh /out/scenario.{hooks} {who}tcpledger trace --json{forced}"))
        if row.long: # the books against the kernel's own, while everything is played once more
            tests.append((f"verify.{hooks}", 60, f"scenario >/dev/null & tcpledger verify --for 15s --every 2s{forced}"))
    tests.append(("json.top", 60, f"{who}tcpledger top --once --json"))
    tests.append(("json.list", 60, f"{who}tcpledger list -a --json"))
    tests.append(("refuse.capabilities", 60, "as_nobody none tcpledger trace"))
    # A kernel without BTF, as far as anybody can see.
    tests.append(("refuse.BTF", 60, "mount -t tmpfs none /sys/kernel/btf; tcpledger trace; s=$?; umount /sys/kernel/btf; exit $s"))
    return tests


def pack(row, kernel, store, build, target):
    """Writes the guest's initramfs."""
    image = initramfs.Initramfs()
    here = pathlib.Path(__file__).resolve().parent / "guest"
    image.add_file("bin/busybox", store.busybox(), 0o755)
    image.add_file("init", here / "init.sh", 0o755)
    image.add_file("bin/play.sh", here / "play.sh", 0o755)
    image.add_program("bin/tcpledger", build / "tcpledger")
    image.add_file("bin/scenario", build / "tests/scenario/scenario", 0o755)
    for tool in ("bpf_load", "hook_hits", "as_nobody"):
        image.add_file(f"bin/{tool}", build / "tests/kernels" / tool, 0o755)
    for _, path in PROGRAMS:
        image.add_program(f"bin/{pathlib.Path(path).name}", build / path)
    for name in OBJECTS:
        image.add_file(f"bpf/{name}.bpf.o", build / "bpf" / f"{name}.bpf.o", 0o644)
    for module in sorted(kernel.glob("*.ko")) if row.modules else []:
        image.add_file(f"modules/{module.name}", module)
    lines = [f"{name} {seconds} {command}\n" for name, seconds, command in tests_of(row, build)]
    image.add_text("tests", "".join(lines))
    image.add_text("etc/passwd", "root:x:0:0::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    image.write(target)


def run_row(row, store, arguments):
    name = row if row == "newest" else row.name
    try:
        row, kernel = resolve(row, store, arguments.update)
    except packages.Unavailable as error:
        return Outcome(matrix.Row(name, ""), skipped=str(error))
    if row.modules and not any(kernel.glob("*.ko")):
        row = matrix.without_modules(row)
    directory = arguments.build / "kernels" / row.name
    directory.parent.mkdir(parents=True, exist_ok=True)
    archive = directory.parent / f"{row.name}.cpio"
    try:
        pack(row, kernel, store, arguments.build, archive)
    except packages.Unavailable as error:
        return Outcome(row, skipped=str(error))
    run = guest.boot(kernel, archive, directory, row.arguments, LONG_BOOT_SECONDS if row.long else BOOT_SECONDS)
    archive.unlink()
    outcome = Outcome(row, run.release or kernel.name, run.seconds)
    if run.splats:
        outcome.failure = f"the kernel complains: {run.splats[0]}"
    elif not run.finished:
        outcome.failure = f"the guest did not reach its end (see {directory / 'console'})"
    out = directory / "out"
    for test, _, _ in tests_of(row, arguments.build):
        outcome.tests[test] = verdicts.judge(test, run.statuses.get(test), out, row)
    return outcome


def show(outcome):
    if outcome.skipped:
        print(f"SKIPPED {outcome.row.name}: {outcome.skipped}", flush=True)
        return
    word = "pass" if outcome.good() else "FAIL"
    print(f"{word} {outcome.row.name} ({outcome.release}, {outcome.seconds:.0f} s)", flush=True)
    if outcome.failure:
        print(f"     FAIL {outcome.failure}")
    for name, verdict in outcome.tests.items():
        detail = verdict.reason or verdict.steps
        print(f"     {verdict.word:8}{name} {detail}", flush=True)


def open_shell(arguments, store):
    try:
        row, kernel = resolve(chosen_rows([arguments.shell])[0], store, arguments.update)
        archive = arguments.build / "kernels" / f"{row.name}.cpio"
        archive.parent.mkdir(parents=True, exist_ok=True)
        pack(row, kernel, store, arguments.build, archive)
    except packages.Unavailable as error:
        print(f"SKIPPED {arguments.shell}: {error}")
        return STATUS_SKIPPED
    return guest.shell(kernel, archive, row.arguments)


def missing_tools(build):
    reason = guest.available()
    if not reason and not (build / "tcpledger").exists():
        sys.exit(f"test-kernels: {build / 'tcpledger'} does not exist: build first (scripts/build), or say --build DIR")
    if not reason and not all(map(shutil.which, ("apt-get", "dpkg-deb"))):
        reason = "apt-get and dpkg-deb are needed to fetch kernels"
    return reason


def main():
    arguments = read_arguments()
    arguments.build = arguments.build.resolve()
    if arguments.list:
        for row in matrix.ROWS:
            print(f"{row.name:20} {row.about or 'as root'}")
        return 0
    reason = missing_tools(arguments.build)
    if reason:
        print(f"SKIPPED all kernels: {reason}")
        return STATUS_SKIPPED
    store = packages.Store()
    store.directory.mkdir(parents=True, exist_ok=True)
    if arguments.shell:
        return open_shell(arguments, store)
    names = [row.name for row in matrix.ROWS] if arguments.all else arguments.kernels or matrix.DEFAULT
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for outcome in pool.map(lambda row: run_row(row, store, arguments), chosen_rows(names)):
            show(outcome)
            outcomes.append(outcome)
    results = report.merge(arguments.build / "kernels/results.json", outcomes)
    if arguments.table:
        report.write_table(ROOT / "docs/kernel-support.md", results)
    if not all(outcome.good() for outcome in outcomes):
        return 1
    return STATUS_SKIPPED if all(outcome.skipped for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
