# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`doctor`: what the kernel and the privileges allow, with and without them."""

import json
import platform
import subprocess

import harness


class Doctor(harness.LedgerTest):
    def test_text_names_what_matters(self):
        out = self.ledger("doctor").stdout.decode()
        self.assertIn(platform.release(), out)
        for word in ("BTF", "inet_sock_set_state", "task_file", "CAP_BPF", "CAP_PERFMON"):
            self.assertIn(word, out)
        self.assertRegex(out, r"\d+(\.\d+)? ns")
        self.assertNotIn("\x1b", out)

    def test_json_is_one_document(self):
        document = self.ledger_json("doctor")
        self.assertEqual(document["version"], 1)
        text = repr(document)
        self.assertIn(platform.release(), text)
        self.assertIn("inet_sock_set_state", text)

    def test_hooks_are_what_doctor_says(self):
        """--hooks=fentry works where all refinements load, else it ends with the reason."""
        programs = self.ledger_json("doctor")["programs"]
        refined = [p for p in programs if p["name"].startswith(("fentry/", "fexit/"))]
        self.assertGreaterEqual(len(refined), 6)
        for program in programs:
            self.assertTrue(program["meaning"] and program["without_it"], program)
            self.assertEqual(program["loads"], program["reason"] is None, program)
        for command in (["trace", "--duration", "0.2"], ["top", "--once", "-d", "0.2"]):
            for hooks in ("auto", "tracepoints"):
                self.assertEqual(harness.run_ledger(*command, "--hooks", hooks).returncode, 0)
            done = harness.run_ledger(*command, "--hooks", "fentry")
            if all(p["loads"] for p in refined):
                self.assertEqual(done.returncode, 0, done.stderr)
            else:
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertRegex(done.stderr, rb"tcpledger: cannot (load|have|attach) .*\(.+\)")
            self.assertEqual(harness.run_ledger(*command, "--hooks", "kprobes").returncode, 2)

    def test_without_privileges_it_says_what_is_missing(self):
        done = harness.run_ledger("doctor", preexec_fn=harness.become_nobody,
                                  executable=harness.public_binary(self))
        self.assertEqual(done.returncode, 3, done.stderr)
        said = (done.stdout + done.stderr).decode()
        self.assertIn("CAP_BPF", said)
        self.assertIn("CAP_PERFMON", said)

    def test_two_capabilities_are_enough_to_trace(self):
        """Nobody with CAP_BPF and CAP_PERFMON, in a namespace of its own."""
        net = self.net()
        server, client, port = self.pair(net, count=3)
        wrapped = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                   "--inh-caps=-all,+bpf,+perfmon", "--ambient-caps=-all,+bpf,+perfmon",
                   harness.public_binary(self), "top", "--once", "--json"]
        done = subprocess.run(wrapped, preexec_fn=net.enter, capture_output=True,
                                      timeout=harness.PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertGreaterEqual(document["totals"]["states"]["ESTABLISHED"], 6)


if __name__ == "__main__":
    harness.main()
