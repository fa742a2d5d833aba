#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cuts a full vmlinux.h down to what BPF sources use; called by scripts/gen-vmlinux.

    python3 scripts/lib/vmlinux --define __TARGET_ARCH_x86 FULL_HEADER SOURCE... > declarations

clang parses each source behind the full header and so tells which fields, enumerators and types of
it the source names. Those are kept, with what they need to be complete; every other field goes.
Offsets change, which does not matter: the records keep preserve_access_index, so libbpf relocates
each access on the running kernel. A record whose size or bytes as a whole are used (copied, sizeof,
a map's key) is kept whole. It knows nothing of kernels and BTF.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from cut import Cut
from header import Header
from uses import Uses

STUB = "#define __VMLINUX_H__\n"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clang", default="clang")
    parser.add_argument("--define", required=True)
    parser.add_argument("header", type=pathlib.Path)
    parser.add_argument("sources", nargs="+", type=pathlib.Path)
    return parser.parse_args()


def preprocess(clang, define, source, scratch):
    """The source with all its includes, but nothing in the place of vmlinux.h."""
    (scratch / "vmlinux.h").write_text(STUB)
    command = [clang, "-target", "bpf", f"-D{define}", f"-I{scratch}", "-E", "-P", source]
    body = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    if re.search(r"__builtin_offsetof\s*\(\s*(struct|union)\s+(?!tl_)", body):
        sys.exit(f"{source}: libbpf does not relocate offsetof(); use bpf_core_field_offset()")
    return body


def dump_syntax_tree(clang, unit, dump):
    command = [clang, "-target", "bpf", "-w", "-fms-extensions", "-fsyntax-only"]
    command += ["-DBPF_NO_KFUNC_PROTOTYPES"]
    with open(dump, "w", encoding="utf-8") as out:
        subprocess.run(command + ["-Xclang", "-ast-dump=json", unit], check=True, stdout=out)


def main():
    options = parse_arguments()
    header, uses = Header(options.header.read_text() + "\n"), Uses()
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        unit, dump = scratch / "unit.c", scratch / "unit.json"
        for source in options.sources:
            body = preprocess(options.clang, options.define, source, scratch)
            unit.write_text(header.text + body)
            dump_syntax_tree(options.clang, unit, dump)
            uses.read_unit(header, body, dump, learn_header=source == options.sources[0])
    if uses.misread:
        names = ", ".join(sorted(uses.misread))
        sys.exit(f"bit-fields read directly, which libbpf does not relocate: {names}; "
                 "use BPF_CORE_READ_BITFIELD()")
    print(Cut(header, uses).text(), end="")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(f"gen-vmlinux: {failed.cmd[0]} failed; its messages are above")
