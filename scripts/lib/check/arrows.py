#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks that includes go only the way the architecture allows; run from the project's root.

Each part of userspace/ has a layer. A part includes itself, parts of lower layers, and those of its
own layer that PEERS names. Some libraries belong to one part, and the pure parts do no I/O and read
no clock. Prints each breach as file:line; status 1 if there is one.
"""

import pathlib
import re
import sys

LAYERS = {
    "shared": 0, "base": 0,
    "ledger": 1, "analysis": 1, "filter": 1,
    "kernel": 2, "netlink": 2, "procfs": 2, "output": 2, "stacks": 2,
    "session": 3, "verify": 3,
    "commands": 4,
}
PEERS = {("analysis", "ledger"), ("filter", "ledger"), ("base", "shared")}
PURE = {"ledger", "analysis", "filter"}
# What an include looks like → the parts that may have it.
LIBRARIES = {
    r"bpf/(?!shared/)|.*\.skel\.h$|linux/(bpf|btf)\.h$": {"kernel"},
    r"libmnl/|linux/(netlink|rtnetlink|sock_diag)\.h$": {"netlink"},
    r"elfutils/|dwarf\.h$|libelf\.h$|gelf\.h$": {"stacks"},
    r"CLI/": {"commands"},
    r"rapidjson/": {"output"},
}
# What the pure parts must not name: files, the system, clocks.
IMPURE_INCLUDE = re.compile(r"(fstream|filesystem|cstdio|iostream|thread|mutex|unistd\.h|fcntl\.h|dirent\.h"
                            r"|(sys|linux|net|netinet|arpa)/.*)$")
IMPURE_CALL = re.compile(r"_clock::now\s*\(|\bclock_gettime\s*\(|\btime\s*\(\s*(nullptr|NULL|0)?\s*\)|\bgetenv\s*\(")
# Byte order, address text and the layout of a format are no I/O.
PURE_EXCEPTIONS = {"arpa/inet.h", "netinet/in.h", "sys/socket.h", "linux/inet_diag.h"}
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^">]+)[">]')


def breaches_of_include(part, written):
    target = written.split("/")[0]
    if target in LAYERS and target != part:
        lower = LAYERS[target] < LAYERS[part]
        if not lower and (part, target) not in PEERS:
            yield f"{part} must not include {target}"
        return
    for pattern, owners in LIBRARIES.items():
        if re.match(pattern, written) and part not in owners:
            yield f"<{written}> belongs to {', '.join(sorted(owners))}, not to {part}"
    if part in PURE and written not in PURE_EXCEPTIONS and IMPURE_INCLUDE.match(written):
        yield f"{part} is pure: no <{written}>"


def breaches_of_line(part, line):
    found = INCLUDE.match(line)
    if found:
        yield from breaches_of_include(part, found.group(2))
    elif part in PURE and IMPURE_CALL.search(line.split("//")[0]):
        yield f"{part} is pure: it is handed the time and its settings"


def check_tree(root):
    for path in sorted((root / "userspace").rglob("*.[ch]pp")):
        part = path.relative_to(root / "userspace").parts[0]
        if part.endswith("pp"):
            continue  # main.cpp sees everything
        if part not in LAYERS:
            yield f"{path}:1: no layer for {part}: give it one in scripts/lib/check/arrows.py"
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for breach in breaches_of_line(part, line):
                yield f"{path}:{number}: {breach}"
    for path in sorted((root / "bpf" / "shared").glob("*")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if found and found.group(2) != "linux/types.h" and not (
                    found.group(2).startswith("std") or (path.parent / found.group(2)).exists()):
                yield f"{path}:{number}: bpf/shared includes nothing but the fixed-width types"


def main():
    breaches = list(check_tree(pathlib.Path(".")))
    print("\n".join(breaches), file=sys.stderr, end="\n" if breaches else "")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
