#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The scripts that others rely on: what gen-vmlinux keeps, what the arrows catch, what setup installs.

Works in scratch directories, installs nothing, needs no root and no network.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# As bpftool writes one; enough of it to have one case of everything.
FULL_HEADER = """
#ifndef __VMLINUX_H__
#define __VMLINUX_H__
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
typedef unsigned int __u32;
typedef unsigned char __u8;
typedef __u32 never_used_t;
typedef struct { __u32 val; __u32 spare; } kuid_t;
enum ahead;
struct empty { };
enum map_type { MAP_UNSPEC = 0, MAP_HASH = 1, MAP_2 = 2, MAP_3 = 3, MAP_4 = 4, MAP_5 = 5, MAP_6 = 6,
    MAP_7 = 7, MAP_8 = 8, MAP_9 = 9, MAP_10 = 10, MAP_11 = 11, MAP_12 = 12, MAP_13 = 13, MAP_14 = 14,
    MAP_15 = 15, MAP_16 = 16, };
enum { STATE_ONE = 1, STATE_TWO = 2, };
struct address { __u8 bytes[16]; long: 64; __u32 scope; };
struct other;
struct common { union { struct { __u32 here; __u32 there; }; long whole; }; struct address local; };
struct taken_in { __u32 inside; __u32 unused; };
struct sock { struct common common; kuid_t uid; struct other *other; __u32 flag: 1; struct taken_in; };
struct only_asked { __u32 field; };
struct as_key { __u32 one; __u32 two; };
#pragma clang attribute pop
#endif
"""

SOURCE = """
#include "vmlinux.h"
struct { int (*type)[MAP_HASH]; typeof(struct as_key) *key; } map __attribute__((section(".maps"), used));
static __u32 read(struct sock *sk, void *out)
{
    __builtin_memcpy(out, &sk->common.local, 16);
    if (__builtin_preserve_type_info(*(struct only_asked *)0, 0))
        return STATE_TWO;
    return sk->common.there + sk->uid.val + sk->inside;
}
__u32 entry(struct sock *sk, void *out) { return read(sk, out); }
"""


def cut(source, header=FULL_HEADER):
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        (scratch / "full.h").write_text(header)
        (scratch / "source.bpf.c").write_text(source)
        return subprocess.run(
            [sys.executable, "-B", ROOT / "scripts/lib/vmlinux", "--define", "__TARGET_ARCH_x86",
             scratch / "full.h", scratch / "source.bpf.c"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


@unittest.skipUnless(shutil.which("clang"), "clang is missing")
class CutHeader(unittest.TestCase):
    def setUp(self):
        done = cut(SOURCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.text = " ".join(done.stdout.split())

    def test_keeps_fields_in_use_and_no_others(self):
        self.assertIn("union { struct { __u32 there; }; };", self.text)
        self.assertIn("typedef struct { __u32 val; } kuid_t;", self.text)
        for unused in ("here", "spare", "never_used_t", "flag", "other"):
            self.assertNotRegex(self.text, rf"\b{unused}\b")

    def test_keeps_a_copied_record_whole_with_its_padding(self):
        self.assertIn("struct address { __u8 bytes[16]; long: 64; __u32 scope; };", self.text)

    def test_keeps_a_map_key_whole(self):
        self.assertIn("struct as_key { __u32 one; __u32 two; };", self.text)

    def test_defines_a_type_whose_existence_is_asked(self):
        self.assertIn("struct only_asked { };", self.text)

    def test_keeps_enumerators_in_use(self):
        self.assertIn("enum map_type { MAP_HASH = 1, };", self.text)
        self.assertIn("STATE_TWO = 2,", self.text)

    def test_takes_fields_of_a_nameless_member(self):
        self.assertIn("struct { __u32 inside; };", self.text)

    def test_result_compiles(self):
        with tempfile.TemporaryDirectory() as name:
            scratch = pathlib.Path(name)
            head = "#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)\n"
            (scratch / "vmlinux.h").write_text(head + cut(SOURCE).stdout + "#pragma clang attribute pop\n")
            (scratch / "source.bpf.c").write_text(SOURCE)
            subprocess.run(["clang", "-g", "-O2", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3",
                            "-c", scratch / "source.bpf.c", "-o", scratch / "object"], check=True)


@unittest.skipUnless(shutil.which("clang"), "clang is missing")
class RefusedSources(unittest.TestCase):
    def test_bit_field_read_directly(self):
        done = cut('#include "vmlinux.h"\nint entry(struct sock *sk) { return sk->flag; }\n')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("flag", done.stderr)

    def test_offsetof_of_a_kernel_type(self):
        done = cut('#include "vmlinux.h"\nint entry(void) { return __builtin_offsetof(struct sock, uid); }\n')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("bpf_core_field_offset", done.stderr)

    def test_field_that_the_kernel_has_not(self):
        done = cut('#include "vmlinux.h"\nint entry(struct sock *sk) { return sk->nothing; }\n')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no member named 'nothing'", done.stderr)


class Arrows(unittest.TestCase):
    def breaches(self, part, line):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name) / "userspace" / part
            folder.mkdir(parents=True)
            (folder / "file.cpp").write_text(f"// first line\n{line}\n")
            done = subprocess.run([sys.executable, "-B", ROOT / "scripts/lib/check/arrows.py"], cwd=name,
                                  stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1 if done.stderr else 0)
        return done.stderr

    def test_allowed(self):
        for part, line in (("ledger", '#include "base/endpoint.hpp"'), ("kernel", "#include <bpf/libbpf.h>"),
                           ("session", '#include "kernel/tracer.hpp"'), ("analysis", '#include "ledger/books.hpp"'),
                           ("netlink", "#include <libmnl/libmnl.h>"), ("procfs", "#include <fstream>"),
                           ("ledger", "// Clock::now() is the caller's")):
            self.assertEqual(self.breaches(part, line), "", (part, line))

    def test_refused(self):
        for part, line in (("ledger", '#include "kernel/tracer.hpp"'), ("ledger", "#include <fstream>"),
                           ("ledger", "auto t = std::chrono::steady_clock::now();"),
                           ("base", '#include "ledger/books.hpp"'), ("netlink", '#include "procfs/net.hpp"'),
                           ("commands", "#include <bpf/libbpf.h>"), ("session", "#include <libmnl/libmnl.h>"),
                           ("kernel", '#include "session/session.hpp"'), ("unheard_of", "int x;")):
            self.assertRegex(self.breaches(part, line), r"userspace/\w+/file\.cpp:\d+: ", (part, line))


class Setup(unittest.TestCase):
    """setup in a PATH of links to what is there, with an apt-get that only writes down its arguments."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name)
        self.log = self.path / "apt.log"
        for tool in ("bash basename dirname cat sed grep tr sort uname env pkg-config g++ cmake ninja bpftool "
                     "clang cmp head").split():
            found = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
            if found:
                (self.path / tool).symlink_to(found)
        self.stub("apt-get", f'echo "$DEBIAN_FRONTEND $*" >>"{self.log}"')
        self.stub("apt-cache", 'echo "Package: $2"')
        self.stub("id", "echo 0")

    def stub(self, name, line):
        path = self.path / name
        path.write_text(f"#!/bin/bash\n{line}\n")
        path.chmod(0o755)

    def run_setup(self, *arguments):
        return subprocess.run([ROOT / "scripts/setup", *arguments], env={"PATH": str(self.path)},
                              stderr=subprocess.PIPE, text=True, check=False)

    def test_nothing_missing_touches_nothing(self):
        done = self.run_setup("--quiet")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(self.log.exists())

    @unittest.skipUnless(os.path.exists("/etc/debian_version"), "not a Debian")
    def test_installs_what_is_missing_without_asking(self):
        (self.path / "clang").unlink()
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)  # the stub installs nothing, so it is still missing
        self.assertRegex(done.stderr, r"clang, for the BPF target \(Debian: clang\)")
        install = self.log.read_text().splitlines()[-1]
        self.assertRegex(install, r"^noninteractive .*install -y --no-install-recommends clang$")

    def test_names_what_is_missing_where_there_is_no_apt(self):
        (self.path / "apt-get").unlink()
        self.assertEqual(self.run_setup("--quiet").returncode, 0)
        (self.path / "ninja").unlink()
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertIn("Ninja (Debian: ninja-build)", done.stderr)

    def test_package_names_of_ubuntu(self):
        done = subprocess.run(["bash", "-c", ". scripts/lib/packages.sh; requirements | package_names ubuntu"],
                              cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        names = done.stdout.split()
        self.assertIn("linux-tools-generic", names)
        self.assertIn("libbpf-dev", names)
        self.assertEqual(len(names), len(set(names)))

    def test_wanted_tools_may_be_missing(self):
        done = self.run_setup("--check")  # no shellcheck in this PATH
        self.assertEqual(done.returncode, 0)
        self.assertIn("shellcheck", done.stderr)

    def test_unknown_argument(self):
        self.assertEqual(self.run_setup("--nonsense").returncode, 2)


if __name__ == "__main__":
    unittest.main()
