# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Waiting and ending, both bounded: nothing in these tests sleeps and hopes, or stays behind."""

import signal
import subprocess
import time

PATIENCE_S = 30.0  # the bound of a wait for something that must come


def eventually(check, patience_s=PATIENCE_S, pause_s=0.1):
    """Returns check()'s value as soon as it does not fail; its last failure after the bound."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(pause_s)


def stop(process, signal_number=signal.SIGKILL):
    """Ends one process that we started, and reaps it."""
    if process.poll() is None:
        process.send_signal(signal_number)
    try:
        process.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                pass
