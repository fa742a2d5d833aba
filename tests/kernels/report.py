# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Keeps the results of the last run of each row and writes them as a table.

The table stands in docs/kernel-support.md between two marks; the rest of that
page is written by hand.
"""

import json
import re

import matrix

BEGIN = "<!-- results: written by scripts/test-kernels --all --table -->"
END = "<!-- end of results -->"
COLUMNS = (("BPF objects", "load."), ("bpf tests", "bpf."), ("e2e.netlink", "e2e."), ("scenario, tracepoints", "scenario.tracepoints"),
           ("scenario, fentry", "scenario.fentry"), ("verify", "verify."), ("doctor, top, list", ("doctor", "json.")), ("refusals", "refuse."))


def merge(path, outcomes):
    """Adds these outcomes to those on file; {row name: result}."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        results = {}
    for outcome in outcomes:
        tests = {name: vars(verdict) for name, verdict in outcome.tests.items()}
        results[outcome.row.name] = {"release": outcome.release, "seconds": round(outcome.seconds), "tests": tests,
                                     "skipped": outcome.skipped, "failure": outcome.failure, "about": outcome.row.about,
                                     "excused": outcome.row.excused}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def cell(result, prefix, notes):
    """One word for all tests with that prefix; reasons become footnotes."""
    chosen = [test for name, test in result["tests"].items() if name.startswith(prefix)]
    if not chosen:
        return "–"
    words = {test["word"] for test in chosen}
    word = next(w for w in ("fail", "lacks", "refused", "pass") if w in words)
    if word == "pass":
        steps = next((test["steps"] for test in chosen if test["steps"]), "")
        played = steps.split(" steps")[0]
        return f"pass ({played} steps)" if " steps" in steps else "pass"
    reason = next(test["reason"] for test in chosen if test["word"] == word)
    # Two runs that went alike should read alike.
    reason = re.sub(r"namespace \d+", "namespace …", re.sub(r" \(\d+ ms\)", "", reason))
    if reason not in notes:
        notes.append(reason)
    return f"{word} [{notes.index(reason) + 1}]"


def hook_cell(result):
    hooks = {}
    for name, test in result["tests"].items():
        if name.startswith("scenario."):
            hooks.update(test["hooks"])
    return "<br>".join(f"`{program}` {hits}" for program, hits in sorted(hooks.items())) or "–"


def table(results):
    notes = []
    lines = ["| row | release | condition | " + " | ".join(title for title, _ in COLUMNS) + " | hook: hits in the scenario |",
             "|" + "---|" * (len(COLUMNS) + 4)]
    for row in matrix.ROWS:
        result = results.get(row.name)
        if not result:
            continue
        condition = result.get("about") or "root"
        if result["skipped"]:
            lines.append(f"| {row.name} | – | {condition} | " + f"skipped: {result['skipped']} |" + " |" * len(COLUMNS))
            continue
        cells = [cell(result, prefix, notes) for _, prefix in COLUMNS]
        if result["failure"]:
            cells[0] += f" **{result['failure']}**"
        lines.append(f"| {row.name} | {result['release']} | {condition} | {' | '.join(cells)} | {hook_cell(result)} |")
    lines += [""] + [f"{number}. {note}" for number, note in enumerate(notes, start=1)]
    for row in matrix.ROWS:
        excused = results.get(row.name, {}).get("excused", {})
        lines += [f"- {row.name}: the owners of step `{step}` are excused: {why}." for step, why in excused.items()]
    return "\n".join(lines).rstrip() + "\n"


def write_table(path, results):
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    path.write_text(f"{before}{BEGIN}\n\n{table(results)}\n{END}{after}", encoding="utf-8")
