# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rig itself: what it takes for a failure, and which release it takes for the newest."""

import dataclasses
import json
import pathlib
import tarfile
import tempfile
import unittest

import guest
import initramfs
import matrix
import packages
import report
import verdicts

SAID = "@@ BOOT 6.1.0\n@@ RUN a\n@@ END a 0\n@@ RUN b\n"


class GuestTest(unittest.TestCase):
    def judge(self, said, dmesg=None):
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            if dmesg is not None:
                (directory / "dmesg").write_text(dmesg, encoding="utf-8")
                with tarfile.open(directory / "out.tar", "w") as tar:
                    tar.add(directory / "dmesg", "dmesg")
            return guest.judge(directory, said, 1.0)

    def test_a_guest_that_stops_has_not_finished(self):
        run = self.judge(SAID)
        self.assertFalse(run.finished)
        self.assertEqual(run.statuses, {"a": 0, "b": None})

    def test_end_of_a_guest(self):
        run = self.judge(SAID + "@@ END b 1\n@@ DONE\n", "[ 1.0] all is well\n")
        self.assertTrue(run.finished)
        self.assertEqual((run.statuses, run.splats, run.release), ({"a": 0, "b": 1}, [], "6.1.0"))

    def test_each_splat_is_found(self):
        for line in ("BUG: kernel NULL pointer dereference", "WARNING: CPU: 0 PID: 1 at net/ipv4/tcp.c:1", "Oops: 0000",
                     "UBSAN: shift-out-of-bounds", "watchdog: BUG: soft lockup - CPU#0 stuck",
                     "rcu: INFO: rcu_preempt self-detected stall on CPU", "INFO: task x:1 blocked for more than 120 seconds"):
            with self.subTest(line):
                self.assertEqual(len(self.judge(SAID + "@@ DONE\n", f"[ 1.0] {line}\n").splats), 1)

    def test_panic_on_the_console_is_a_splat(self):
        self.assertTrue(self.judge(SAID + "Oops: general protection fault\n").splats)


class PackagesTest(unittest.TestCase):
    def newest(self, names, pattern):
        store = packages.Store("/nonexistent")
        store.names = set(names)
        return store.newest_release(pattern)

    def test_numbers_are_compared_as_numbers(self):
        names = ["linux-image-6.1.0-9-cloud-amd64", "linux-image-6.1.0-10-cloud-amd64", "linux-image-6.12.1-cloud-amd64"]
        self.assertEqual(self.newest(names, matrix.version("6.1") + matrix.CLOUD), "6.1.0-10-cloud-amd64")

    def test_plain_and_realtime_kernels_are_kept_apart(self):
        names = ["linux-image-6.1.0-9-rt-amd64", "linux-image-6.1.0-8-cloud-amd64", "linux-image-6.1-cloud-amd64",
                 "linux-image-6.1.0-9-cloud-amd64-dbg"]
        self.assertEqual(self.newest(names, matrix.version("6.1") + r"\..*-cloud-amd64"), "6.1.0-8-cloud-amd64")
        self.assertEqual(self.newest(names, matrix.version("6.1") + matrix.REALTIME), "6.1.0-9-rt-amd64")

    def test_what_is_not_there_is_unavailable(self):
        with self.assertRaises(packages.Unavailable):
            self.newest(["linux-image-6.1.0-9-cloud-amd64"], "9" + matrix.CLOUD)


class ArchiveTest(unittest.TestCase):
    def test_members_are_aligned_and_parents_come_first(self):
        image = initramfs.Initramfs()
        image.add_text("a/b/c", "12345")
        with tempfile.NamedTemporaryFile() as out:
            image.write(out.name)
            data = pathlib.Path(out.name).read_bytes()
        self.assertEqual(len(data) % 4, 0)
        self.assertLess(data.index(b"a\0"), data.index(b"a/b\0"))
        self.assertLess(data.index(b"a/b\0"), data.index(b"a/b/c\0"))
        self.assertIn(b"TRAILER!!!", data)


class VerdictTest(unittest.TestCase):
    ROW = matrix.Row("row", "")
    OLD = matrix.Row("old", "", may_refuse=True)

    def judge(self, name, status, row=ROW, **files):
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory)
            for suffix in ("out", "err"):
                (out / f"{name}.{suffix}").write_text(files.get(suffix, ""), encoding="utf-8")
            return verdicts.judge(name, status, out, row).word

    def test_a_hook_that_never_ran_fails(self):
        line = {"program": "p", "hits": 1}
        self.assertEqual(self.judge("load.x", 0, out=json.dumps(line)), "pass")
        self.assertEqual(self.judge("load.x", 0, out=json.dumps({**line, "hits": 0})), "fail")
        self.assertEqual(self.judge("load.x", 0), "fail")

    def test_only_old_kernels_may_refuse_and_must_say_why(self):
        self.assertEqual(self.judge("json.top", 3, err="tcpledger: this kernel is too old"), "fail")
        self.assertEqual(self.judge("json.top", 3, self.OLD, err="tcpledger: this kernel is too old"), "refused")
        self.assertEqual(self.judge("json.top", 3, self.OLD, err="tcpledger: Invalid argument"), "fail")
        self.assertEqual(self.judge("json.top", 1, self.OLD, err="tcpledger: this kernel is too old"), "fail")

    def test_refusals_name_what_is_missing(self):
        self.assertEqual(self.judge("refuse.capabilities", 3, err="needs CAP_BPF and CAP_PERFMON"), "pass")
        self.assertEqual(self.judge("refuse.capabilities", 0, err="needs CAP_BPF and CAP_PERFMON"), "fail")
        self.assertEqual(self.judge("refuse.BTF", 3, err="not permitted"), "fail")

    def test_books_that_balance(self):
        self.assertEqual(self.judge("verify.fentry", 0, out="7 checks in 15s, 9 sockets compared, 0 lost: the books balance"), "pass")
        self.assertEqual(self.judge("verify.fentry", 0, out="7 checks in 15s, 0 sockets compared: the books balance"), "fail")
        self.assertEqual(self.judge("verify.fentry", 4, out="7 checks in 15s, 9 sockets compared: the books do not balance"), "fail")
        self.assertEqual(self.judge("verify.fentry", 0, out=""), "fail")

    def test_json_must_be_json(self):
        self.assertEqual(self.judge("json.top", 0, out='{"version":1}'), "pass")
        self.assertEqual(self.judge("json.top", 0, out='{"version":1'), "fail")

    def test_a_test_that_did_not_end_fails(self):
        self.assertEqual(self.judge("json.top", None), "fail")
        self.assertEqual(self.judge("json.top", 137), "fail")


class ReportTest(unittest.TestCase):
    def test_reasons_become_notes_and_skips_are_said(self):
        verdict = dataclasses.asdict(verdicts.Verdict("fail", "it broke", {"p": 3}))
        results = {"6.1": {"release": "6.1.0", "tests": {"scenario.tracepoints": verdict}, "skipped": "", "failure": ""},
                   "6.12": {"release": "", "tests": {}, "skipped": "no network", "failure": ""}}
        text = report.table(results)
        self.assertIn("fail [1]", text)
        self.assertIn("1. it broke", text)
        self.assertIn("skipped: no network", text)


if __name__ == "__main__":
    unittest.main()
