# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Boots one kernel under QEMU's software emulation and brings back what its tests said.

QEMU's own exit status says nothing (it is 0 after a panic): a run is judged by
the marks that the guest's init prints and by the guest's dmesg. It knows
nothing of what the tests test.
"""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import tarfile
import time

QEMU = "qemu-system-x86_64"
# Never /dev/kvm: where stock guests stall in it, the run would hang, not fail.
MACHINE = ("-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "768",
           "-nodefaults", "-display", "none", "-no-reboot")
SPLAT = re.compile(r"BUG:|WARNING:|Oops|UBSAN:|KASAN:|KCSAN:|soft lockup|hard LOCKUP|rcu.*stall|"
                   r"blocked for more than|general protection fault|Call Trace:|refcount_t:|list_(?:add|del) corruption")
# Said by healthy kernels about the emulated machine, not about us.
HARMLESS = re.compile(r"unchecked MSR access|Spectre|MDS |TAA |MMIO Stale|RETBleed|SRBDS|Mitigation|ITS:|SRSO")


@dataclasses.dataclass
class Run:
    """What one boot brought: the status of each test and where its output lies."""

    statuses: dict
    release: str
    finished: bool
    splats: list
    seconds: float
    directory: pathlib.Path


def available():
    """None, or why no guest can be had here."""
    return None if shutil.which(QEMU) else f"{QEMU} is not installed (package qemu-system-x86)"


def command_line(kernel, initramfs, arguments):
    # noirqdebug: the emulated serial port's interrupt looks spurious to RT kernels, which would turn it off.
    append = " ".join(["console=ttyS0 quiet loglevel=1 panic=-1 oops=panic noirqdebug", *arguments])
    return [QEMU, *MACHINE, "-kernel", str(kernel / "vmlinuz"), "-initrd", str(initramfs), "-append", append]


def boot(kernel, initramfs, directory, arguments=(), timeout=120):
    """Runs the guest to its end or to the timeout; everything it said is kept in `directory`."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    console = directory / "console"
    archive = directory / "out.tar"
    started = time.monotonic()
    with open(console, "wb") as out:
        # coreutils' timeout ends the guest even if nobody is left to do it here.
        command = ["timeout", "--kill-after=5", str(timeout + 10), *command_line(kernel, initramfs, arguments)]
        command += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console", "-serial", f"file:{archive}"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.terminate() # timeout passes it on
            process.wait()
        except BaseException:
            process.terminate()
            raise
    seconds = time.monotonic() - started
    return judge(directory, console.read_text(encoding="utf-8", errors="replace"), seconds)


def judge(directory, said, seconds):
    statuses = {name: None for name in re.findall(r"^@@ RUN (\S+)", said, re.M)}
    statuses.update({name: int(status) for name, status in re.findall(r"^@@ END (\S+) (\d+)", said, re.M)})
    release = re.search(r"^@@ BOOT (\S+)", said, re.M)
    finished = re.search(r"^@@ DONE", said, re.M) is not None
    archive = directory / "out.tar"
    dmesg = said
    if finished:
        with tarfile.open(archive) as tar:
            tar.extractall(directory / "out", filter="data")
        archive.unlink()
        dmesg = (directory / "out/dmesg").read_text(encoding="utf-8", errors="replace")
    splats = [line for line in dmesg.splitlines() if SPLAT.search(line) and not HARMLESS.search(line)]
    return Run(statuses, release.group(1) if release else "", finished, splats, seconds, directory)


def shell(kernel, initramfs, arguments=()):
    """A shell in the guest, on this terminal."""
    command = command_line(kernel, initramfs, [*arguments, "tcpledger.shell"])
    return subprocess.run([*command, "-serial", "mon:stdio"], check=False).returncode
