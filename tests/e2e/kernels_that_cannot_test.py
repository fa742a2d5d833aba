# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A kernel without BTF, or without the tracepoint in it, in place of this one's /sys/kernel/btf."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import harness

COMMANDS_THAT_TRACE = (["trace", "--duration", "1"], ["life", "--duration", "1"], ["top", "--once"],
                         ["trace", "--hooks=fentry"])


def btf_of(*names):
    """BTF (Documentation/bpf/btf.rst) that knows one integer type, and typedefs of it by these names."""
    strings = b"\0int\0" + b"".join(name.encode() + b"\0" for name in names)
    types = struct.pack("<IIII", 1, 1 << 24, 4, 1 << 24 | 32)
    at = 5
    for name in names:
        types += struct.pack("<III", at, 8 << 24, 1)
        at += len(name) + 1
    return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings)) + types + strings


class KernelsThatCannot(harness.LedgerTest):
    def stub(self, btf):
        """A directory to be seen as /sys/kernel/btf, with this BTF of the kernel or none."""
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        if btf is not None:
            pathlib.Path(directory, "vmlinux").write_bytes(btf)
        return directory

    def run_on(self, stub, *arguments):
        inner = f'mount --bind {stub} /sys/kernel/btf || exit 99; exec "$@"'
        done = subprocess.run(["unshare", "--mount", "sh", "-c", inner, "sh", os.environ["TCPLEDGER"], *arguments],
                              capture_output=True, timeout=harness.PATIENCE_S, check=False)
        if done.returncode == 99:
            self.skipTest(f"a mount of its own cannot be had: {done.stderr.decode()}")
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def refused(self, stub, *words):
        for command in COMMANDS_THAT_TRACE:
            status, out, err = self.run_on(stub, *command)
            self.assertEqual(status, 3, err)
            self.assertEqual(out, "")
            self.assertEqual(err.count("\n"), 1, "one sentence, not a log")
            for word in (os.uname().release, *words):
                self.assertIn(word, err)

    def verdict(self, stub, *words):
        status, out, _ = self.run_on(stub, "doctor", "--json")
        self.assertEqual(status, 3)
        document = json.loads(out)
        self.assertFalse(document["can_trace"])
        for word in words:
            self.assertIn(word, document["why_not"])
        return document

    def test_without_btf(self):
        stub = self.stub(None)
        self.refused(stub, "no BTF", "CONFIG_DEBUG_INFO_BTF")
        self.assertFalse(self.verdict(stub, "no BTF")["btf"])

    def test_with_garbage_for_btf(self):
        for garbage in (b"", b"garbage", b"\xff" * 4096, btf_of("btf_trace_inet_sock_set_state")[:40]):
            self.refused(self.stub(garbage), "no BTF")

    def test_without_the_tracepoint(self):
        stub = self.stub(btf_of("btf_trace_tcp_probe"))
        self.refused(stub, "inet_sock_set_state", "Linux 5.12")
        document = self.verdict(stub, "inet_sock_set_state")
        self.assertTrue(document["btf"])
        self.assertFalse(document["state_tracepoint"])

    def test_what_needs_no_program_still_answers(self):
        """Descriptors are looked up in /proc then, and a note says so."""
        net = self.net()
        actor = self.actor(net)
        port = actor.do("listen l 127.0.0.1 0")["local_port"]
        status, out, err = self.run_on(self.stub(None), "list", "-a", "--json")
        self.assertEqual(status, 0, err)
        self.assertIn("/proc", err)
        sockets = [s for s in json.loads(out)["sockets"]
                   if s["netns"] == net.inum and s["local_port"] == port]
        self.assertEqual([[h["pid"] for h in s["holders"]] for s in sockets], [[actor.pid]])


if __name__ == "__main__":
    harness.main()
