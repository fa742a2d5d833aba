# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs that leak and programs that do not, all at once, beside one `leaks --for 60s`.

Each is a program of tests/workloads/leaking.py (or tcp_actor) with a known answer: its leak is
found, with its kind and its peer, and no healthy one is a suspect.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import harness
from bounds import stop

PROGRAMS = Path(__file__).resolve().parent.parent / "workloads" / "leaking.py"
VIEW_S = 60


class Program:
    """One of leaking.py's, in a namespace of its own."""

    def __init__(self, net, name):
        self.net, self.name = net, name
        self.process = subprocess.Popen([sys.executable, str(PROGRAMS), name],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        preexec_fn=self._begin)
        said = json.loads(self.process.stdout.readline())
        self.server, self.client = said["server"], said["client"]

    def _begin(self):
        os.setpgid(0, 0)
        self.net.enter()

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # our own group: its children too
        except ProcessLookupError:
            pass
        stop(self.process)


class LeaksSet(harness.LedgerTest):
    @classmethod
    def setUpClass(cls):
        cls.programs, cls.things = {}, []
        try:
            cls._play()
        finally:
            for thing in reversed(cls.things):
                thing.close()

    @classmethod
    def _play(cls):
        for name in (*cls.LEAKY, *cls.HEALTHY):
            net = harness.Net()
            cls.things.append(net)
            cls.programs[name] = Program(net, name)
            cls.things.append(cls.programs[name])
        cls._start_churn()
        done = harness.run_ledger("leaks", "--for", f"{VIEW_S}s", "--json",
                                  patience_s=VIEW_S + 120)
        cls.said = done.stderr.decode(errors="replace")
        cls.status = done.returncode
        cls.document = json.loads(done.stdout) if done.stdout else {"suspects": []}
        cls.text = "\n".join(suspect["reason"] for suspect in cls.document["suspects"])

    @classmethod
    def _start_churn(cls):
        """As many connections a second as there is time for, closed as quickly."""
        net = harness.Net()
        cls.things.append(net)
        server, client = harness.Actor(net), harness.Actor(net)
        cls.things += [server, client]
        for actor in (server, client):
            os.setpriority(os.PRIO_PROCESS, actor.pid, 19)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.post("serve 0 l closer=client")
        client.post(f"churn 0 127.0.0.1 {port} closer=client")
        cls.churners = {server.pid, client.pid}

    # name: whose, kind
    LEAKY = {
        "never_closes": ("server", "close_wait"),
        "error_path": ("server", "close_wait"),
        "forked_child": ("opener", "inherited"),
        "never_accepts": ("server", "unaccepted"),
        "pool": ("client", "idle"),
        "one_remote": ("client", "close_wait"),
        "one_thread": ("server", "close_wait"),
        "drip": ("server", "close_wait"),
    }
    HEALTHY = ("keepalive_pool", "subscriptions", "half_close", "slow_closer", "bursts", "steady",
               "restart")

    def suspects_in(self, name):
        inum = self.programs[name].net.inum
        return [each for each in self.document["suspects"] if each["netns"] == inum]

    def test_it_ends_well(self):
        self.assertEqual(self.status, 0, self.said)
        self.assertGreaterEqual(self.document["observed_ms"], 1000 * VIEW_S)

    def test_each_leak_is_found(self):
        for name, (whose, kind) in self.LEAKY.items():
            with self.subTest(name):
                [found] = [each for each in self.suspects_in(name) if each["kind"] == kind]
                program = self.programs[name]
                pid = found["opened_by"]["pid"] if whose == "opener" else found["pid"]
                expected = program.client if whose == "client" else program.server
                self.assertEqual(pid, expected, self.text)

    def test_nothing_else_is_said_of_them(self):
        """But that the peers of those that do not close wait in FIN_WAIT2."""
        for name, (_, kind) in self.LEAKY.items():
            with self.subTest(name):
                others = [each for each in self.suspects_in(name) if each["kind"] != kind]
                for other in others:
                    self.assertEqual((other["kind"], other["verdict"]), ("fin_wait2", "suspect"))

    def test_the_healthy_ones_are_left_alone(self):
        for name in self.HEALTHY:
            with self.subTest(name):
                self.assertEqual(self.suspects_in(name), [])
        churned = [each for each in self.document["suspects"] if each["pid"] in self.churners]
        self.assertEqual(churned, [])

    def test_only_the_remote_that_is_leaked_to(self):
        [found] = [each for each in self.suspects_in("one_remote") if each["kind"] == "close_wait"]
        self.assertEqual({remote["address"] for remote in found["remotes"]}, {"127.0.0.4"})

    def test_closed_in_the_same_time(self):
        """Of the error path: 60 a second come, 59.4 of them go."""
        [found] = [each for each in self.suspects_in("error_path") if each["kind"] == "close_wait"]
        self.assertGreater(found["closed_per_min"], 20 * found["growth_per_min"])
        [found] = [each for each in self.suspects_in("never_closes")
                   if each["kind"] == "close_wait"]
        self.assertEqual(found["closed_per_min"], 0)
        self.assertGreater(found["growth_per_min"], 40)
        self.assertLess(found["growth_per_min"], 160)

    def test_sure_of_the_plain_ones(self):
        for name in ("never_closes", "error_path", "one_remote", "one_thread", "never_accepts",
                     "pool"):
            with self.subTest(name):
                kind = self.LEAKY[name][1]
                [found] = [each for each in self.suspects_in(name) if each["kind"] == kind]
                self.assertEqual((found["verdict"], found["confidence"]), ("leak", "medium"))


if __name__ == "__main__":
    harness.main()
