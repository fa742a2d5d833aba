# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Judges what the tests in a guest left behind.

A test in the guest brings a status and files; whether they are right is found
out here, outside, with python at hand.
"""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

CHECKER = pathlib.Path(__file__).resolve().parent.parent / "scenario" / "check.py"
# The status of a tracer that may not or cannot trace here.
STATUS_CANNOT = 3


@dataclasses.dataclass
class Verdict:
    """`word`: pass, fail, refused (cannot, and says so) or lacks (expected not to work)."""

    word: str
    reason: str = ""
    hooks: dict = dataclasses.field(default_factory=dict)
    steps: str = ""


def judge(name, status, out, row):
    """The verdict on test `name`; `out` is the directory with what it wrote."""
    if status is None:
        return Verdict("fail", "did not end (the guest stopped in it)")
    if status == 137:
        return Verdict("fail", "ran out of time")
    kind = name.split(".")[0]
    judges = {"load": judge_load, "scenario": judge_scenario, "json": judge_json, "doctor": judge_doctor,
              "refuse": judge_refusal, "bpf": judge_program, "e2e": judge_program, "verify": judge_verify}
    return judges[kind](name, status, out, row)


def text_of(path):
    """What a test wrote; empty where the guest could not send it."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def last_words(path):
    lines = text_of(path).strip().splitlines()
    return lines[-1] if lines else "(said nothing)"


def refusal(status, words, row):
    """A refusal is right where the row allows it and the message says that it is the kernel, and what it lacks."""
    if status == STATUS_CANNOT and row.may_refuse and "kernel" in words:
        return Verdict("refused", words)
    return Verdict("fail", f"status {status}: {words}")


def judge_refusal(name, status, out, _row):
    """tcpledger was put where it cannot trace: status 3, and the message names what is missing."""
    words = text_of(out / f"{name}.err")
    missing = {"refuse.capabilities": ("CAP_BPF", "CAP_PERFMON"), "refuse.BTF": ("BTF", "kernel")}[name]
    if status == STATUS_CANNOT and all(word in words for word in missing):
        return Verdict("pass")
    return Verdict("fail", f"expected status {STATUS_CANNOT} and a word of {' and '.join(missing)}; got {status}: {words.strip()}")


def judge_load(name, status, out, row):
    programs = read_lines(out / f"{name}.out")
    hooks = {line["program"]: line["hits"] for line in programs}
    if status == 0 and programs and all(hooks.values()):
        return Verdict("pass", hooks=hooks)
    verifier = [line for line in text_of(out / f"{name}.err").splitlines()
                if "func" in line and "unknown" in line]
    reason = (verifier or [last_words(out / f"{name}.err")])[0]
    return Verdict("lacks" if row.may_refuse else "fail", reason, hooks)


def judge_program(name, status, out, row):
    """A GoogleTest program; what it skips needs something that this guest has not."""
    said = text_of(out / f"{name}.out")
    failed = [line for line in said.splitlines() if line.startswith("[  FAILED  ]")]
    lacking = row.may_refuse or (row.may_not_list and name.startswith("e2e.netlink"))
    if status != 0 or "[  PASSED  ]" not in said:
        reason = failed[-1] if failed else f"status {status}: {last_words(out / f'{name}.err')}"
        return Verdict("lacks" if lacking else "fail", reason)
    if "[  PASSED  ] 0 tests" in said:
        return Verdict("lacks" if lacking else "fail", "every test was skipped")
    return Verdict("pass")


def judge_verify(name, status, out, _row):
    """The books balanced while the scenario was played."""
    words = last_words(out / f"{name}.out")
    if status == 0 and re.search(r"\b[1-9]\d* sockets compared.*the books balance", words):
        return Verdict("pass", steps=words)
    return Verdict("fail", f"status {status}: {words}; {last_words(out / f'{name}.err')}")


def judge_json(name, status, out, row):
    if status != 0:
        words = last_words(out / f"{name}.err")
        if status == STATUS_CANNOT and row.may_not_list and name == "json.list" and "tcp_diag" in words:
            return Verdict("refused", words)
        return refusal(status, words, row)
    try:
        document = json.loads(text_of(out / f"{name}.out"))
    except ValueError as error:
        return Verdict("fail", f"not JSON: {error}")
    return Verdict("pass") if document.get("version") == 1 else Verdict("fail", "no version 1 in the document")


def judge_doctor(name, status, out, row):
    text = text_of(out / f"{name}.out")
    if status == 0 and text.strip():
        return Verdict("pass")
    return refusal(status, last_words(out / f"{name}.out"), row)


def judge_scenario(name, status, out, row):
    directory = out / name
    tracer_words = last_words(directory / "trace.err")
    if status != 0:
        said = last_words(out / f"{name}.out")
        if "tracer 3" in said:
            return refusal(STATUS_CANNOT, tracer_words, row)
        return Verdict("fail", f"{said}; {tracer_words}")
    command = [sys.executable, "-B", str(CHECKER), str(directory / "scenario.jsonl"), str(directory / "trace.jsonl"),
               "--hooks", "tracepoints" if name.endswith("tracepoints") else "fentry"]
    for step in row.excused:
        command += ["--excuse", step]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (directory / "check.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    hooks = {line["program"]: line["hits"] for line in read_lines(directory / "hits.jsonl")}
    steps = last_words(directory / "check.txt")
    if done.returncode != 0:
        return Verdict("fail", f"{steps} (see {directory.name}/check.txt)", hooks, steps)
    idle = [program for program, hits in hooks.items() if not hits]
    if idle or not hooks:
        return Verdict("fail", f"loaded and never ran: {', '.join(idle) or 'nothing was loaded'}", hooks, steps)
    return Verdict("pass", "", hooks, steps)


def read_lines(path):
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError):
        return []
