# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""exec: the command's own streams, status and signals, and its connections as it knows them."""

import json
import os
import signal
import subprocess
import sys
import tempfile

import harness
from harness import become_nobody, binary

# Six connections, five of them to itself, and what becomes of them.
PROGRAM = """
import os, socket
listener = socket.create_server(("127.0.0.1", 0))
address = listener.getsockname()
def pair():
    client = socket.create_connection(address)
    return client, listener.accept()[0]
for _ in range(3):
    client, server = pair()
    client.sendall(b"x" * 100)
    client.close()
    while server.recv(4096): pass
    server.close()
client, leaked = pair()
client.close()
while leaked.recv(1): pass
kept = pair()
try: socket.create_connection(("127.0.0.1", 9))
except OSError: pass
print("said by the command", flush=True)
os._exit(7)
"""


def heed_interrupts():
    """Whatever started the tests may have had them ignored, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Exec(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def execute(self, *arguments, status=0, **options):
        """In the test's namespace; stdout, stderr and the JSON report."""
        with tempfile.NamedTemporaryFile() as report:
            done = subprocess.run([binary(), "exec", "--json", "-o", report.name, *arguments],
                                  preexec_fn=self.n.enter, capture_output=True, timeout=60,
                                  check=False, **options)
            self.assertEqual(done.returncode, status, done.stderr)
            text = report.read()
        return done, json.loads(text) if text else None

    def test_the_books_of_a_command(self):
        done, report = self.execute("--", sys.executable, "-c", PROGRAM, status=7)
        self.assertEqual((done.stdout, done.stderr), (b"said by the command\n", b""))
        self.assertEqual((report["status"], report["lost"]), (7, 0))
        self.assertEqual((report["opened"], report["accepted"]), (6, 5))
        self.assertEqual(report["closed_by"]["refused"], 1)
        self.assertEqual((report["unclosed"], report["leaked"]), (3, 1))  # kept: both ends
        self.assertEqual((report["bytes_sent"], report["bytes_received"]), (300, 300))
        self.assertGreaterEqual(report["peak"], 3)
        [process] = report["processes"]
        self.assertEqual(process["opened"], 6)
        self.assertEqual({remote["count"] for remote in report["remotes"]}, {5, 1})

    def test_fail_on(self):
        for what in ("leak", "unclosed", "refused", "failed", "timeout,leak"):
            with self.subTest(what):
                self.execute("--fail-on", what, "--", sys.executable, "-c", PROGRAM, status=4)
        self.execute("--fail-on", "timeout", "--", sys.executable, "-c", PROGRAM, status=7)

    def test_from_the_first_instruction_to_the_last_child(self):
        """Hundreds of short processes: each one's connection counts, and only theirs."""
        server, client, port = self.pair(self.n)
        server.post("serve 0 l")
        script = (f"for i in $(seq 200); do (exec 3<>/dev/tcp/127.0.0.1/{port}) ; done; "
                  f"(exec 3<>/dev/tcp/127.0.0.1/{port}) & wait")
        client.post(f"churn 0 127.0.0.1 {port}")  # a stranger in the same namespace
        _, report = self.execute("--", "bash", "-c", script)
        self.assertEqual((report["opened"], report["accepted"], report["lost"]), (201, 0, 0))
        self.assertEqual(len(report["processes"]), 201)

    def test_signals_are_the_commands(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            process = subprocess.Popen(
                [binary(), "exec", "-o", "/dev/null", "--", "sh", "-c",
                 "trap 'exit 9' TERM HUP; echo ready; while :; do sleep 0.1; done"],
                stdout=subprocess.PIPE)
            self.addCleanup(harness.stop, process)
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=30), 9)
        self.execute("--", "sh", "-c", "kill -KILL $$", status=128 + signal.SIGKILL)

    def test_an_interrupt_ends_the_command_and_the_report_comes(self):
        process = subprocess.Popen([binary(), "exec", "--", "sh", "-c", "echo ready; exec sleep 60"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True, preexec_fn=heed_interrupts)
        self.addCleanup(harness.stop, process)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, said = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 128 + signal.SIGINT)
        self.assertIn(b"left unclosed at exit", said)

    def test_the_command_runs_as_who_called_sudo(self):
        done, _ = self.execute("--", "id", "-u", env={**os.environ, "SUDO_UID": "65534",
                                                      "SUDO_GID": "65534"})
        self.assertEqual(done.stdout, b"65534\n")
        done, _ = self.execute("--", "id", "-u")
        self.assertEqual(done.stdout, b"0\n")

    def test_priority_and_dispositions_are_as_ever(self):
        done, _ = self.execute("--", "sh", "-c", "nice; grep -E 'Sig(Blk|Ign)' /proc/self/status")
        self.assertRegex(done.stdout, rb"^0\nSigBlk:\t0+\nSigIgn:\t0+\n$")

    def test_what_cannot_be_run(self):
        done, _ = self.execute("--", "/nonexistent/program", status=127)
        self.assertIn(b"cannot run /nonexistent/program", done.stderr)
        self.execute("--", "/etc/passwd", status=126)
        self.ledger("exec", "true", status=2)
        self.ledger("exec", status=2)
        self.ledger("exec", "--fail-on", "weather", "--", "true", status=2)

    def test_without_privileges_the_command_does_not_run(self):
        done = self.ledger("exec", "--", "echo", "ran", status=3, preexec_fn=become_nobody)
        self.assertEqual(done.stdout, b"")

    def test_children_that_go_on(self):
        """They are counted, and nothing of the cgroup is left behind."""
        server, _, port = self.pair(self.n)
        script = (f"exec 3<>/dev/tcp/127.0.0.1/{port}; sleep 300 >/dev/null 2>&1 & echo $!")
        done, report = self.execute("--", "bash", "-c", script)
        child = int(done.stdout)
        self.addCleanup(os.kill, child, signal.SIGKILL)
        server.do("accept_many x 1 l")
        self.assertEqual(report["still_open"], 1)
        with open(f"/proc/{child}/cgroup", encoding="utf-8") as cgroups:
            self.assertNotIn("tcpledger-exec", cgroups.read())


if __name__ == "__main__":
    harness.main()
