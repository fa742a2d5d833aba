# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Events that did not fit the ring are counted, shown, and the books are right again afterwards."""

import json
import os
import signal
import subprocess
import time

import harness
from harness import eventually
from watching import TopTest


class Loss(TopTest):
    expects_losses = True

    def churn_while_stopped(self, stream, server, client, port, count, closer):
        """tcpledger does not run while `count` connections come and go."""
        stream.process.send_signal(signal.SIGSTOP)
        server.post(f"serve {count} l closer={closer}")
        made = client.do(f"churn {count} 127.0.0.1 {port} closer={closer}")
        self.assertEqual(made["failed"], 0)
        server.reply()
        stream.process.send_signal(signal.SIGCONT)

    def stage(self, *options):
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect_many held 30 127.0.0.1 {port}")
        server.do("accept_many kept 30 l")
        stream = self.watch("--ring-size", "64K", *options)
        return stream, server, client, port

    def test_counted_and_repaired(self):
        stream, server, client, port = self.stage()
        self.churn_while_stopped(stream, server, client, port, 3000, "reset")
        eventually(lambda: self.assertGreater(self.lost(stream), 10000))
        self.eventually_states(stream, server, LISTEN=1, ESTABLISHED=30)
        self.eventually_states(stream, client, ESTABLISHED=30)

    def test_what_happened_in_the_gap_is_found(self):
        stream, server, client, port = self.stage()
        for actor in (server, client):  # so that the churn fills what the closing would go to
            os.sched_setaffinity(actor.pid, {min(os.sched_getaffinity(actor.pid))})
        stream.process.send_signal(signal.SIGSTOP)
        server.post("serve 2000 l closer=reset")
        client.do(f"churn 2000 127.0.0.1 {port} closer=reset")
        server.reply()
        for i in range(10):  # after the ring is full: no event tells of these
            client.do(f"close held{i}")
            server.do(f"close kept{10 + i}")
        client.do(f"connect_many new 5 127.0.0.1 {port}")
        eventually(lambda: self.assertEqual(self.n.counts(), {
            "LISTEN": 1, "ESTABLISHED": 30, "CLOSE_WAIT": 20, "FIN_WAIT2": 20}))
        stream.process.send_signal(signal.SIGCONT)
        self.eventually_states(stream, server, LISTEN=1, ESTABLISHED=15, CLOSE_WAIT=10,
                               FIN_WAIT2=10)
        document = self.eventually_states(stream, client, ESTABLISHED=15, CLOSE_WAIT=10,
                                          FIN_WAIT2=10)
        self.assertGreater(self.lost(stream), 0)
        row = self.row(document, server.pid)
        self.assertTrue(row["oldest_is_lower_bound"], "since when is not known")

    def test_books_balance_again_after_a_stop(self):
        """Stopped for five seconds in the midst of churn: what is left afterwards would count."""
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        server.post("serve 0 l closer=client")
        client.post(f"churn 0 127.0.0.1 {port} closer=client")
        stream = self.stream("verify", "--json", "--ring-size", "64K", "--for", "12s", "--every",
                             "1s")
        eventually(lambda: self.assertGreater(len(stream.lines), 0))
        stream.process.send_signal(signal.SIGSTOP)
        time.sleep(5)
        stream.process.send_signal(signal.SIGCONT)
        for actor in (client, server):
            actor.post("stop")
            actor.reply()
        stream.wait(200)
        *checks, verdict = stream.json_lines()
        self.assertGreater(verdict["lost"], 0)
        self.assertEqual([row for check in checks for row in check["differences"]
                          if row["netns"] == self.n.inum], [])

    def test_the_reader_alone_is_real_time(self):
        if subprocess.run(["chrt", "--rr", "1", "true"], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("nobody may be real time here")
        stream = self.watch()
        tasks = {int(task) for task in os.listdir(f"/proc/{stream.process.pid}/task")}
        policies = {task: os.sched_getscheduler(task) & ~os.SCHED_RESET_ON_FORK for task in tasks}
        self.assertGreater(len(tasks), 1)
        self.assertEqual([task for task in tasks if policies[task] != os.SCHED_OTHER],
                         [stream.process.pid])
        self.assertEqual({os.getpriority(os.PRIO_PROCESS, task) for task in tasks
                          if task != stream.process.pid}, {0})

    def test_the_load_is_of_another_session(self):
        """The kernel shares the CPUs out by session first, whatever the priorities within: on some
        kernels a churn that saturates them leaves an equal next to nothing for seconds."""
        if harness.is_sanitized():
            self.skipTest("its reader takes more than the half of a CPU that is real time")
        stream = self.watch(start_new_session=True)
        actors = []
        for _ in range(os.cpu_count()):
            server, client = self.actor(self.n), self.actor(self.n)
            port = server.do("listen l 127.0.0.1 0")["local_port"]
            server.post("serve 0 l closer=client")
            client.post(f"churn 0 127.0.0.1 {port} closer=client")
            actors += [client, server]
        time.sleep(5)
        for actor in actors:
            actor.post("stop")
            actor.reply()
        self.next_document(stream)
        shown = [json.loads(line)["totals"] for line in stream.lines]
        transitions = sum(totals["transitions"] for totals in shown)
        self.assertGreater(transitions, 100_000)
        self.assertLess(sum(totals["lost"] for totals in shown), transitions / 1000)

    def test_trace_tells_of_a_loss_in_place(self):
        beacon = harness.Beacon(self)
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        stream = self.stream("trace", "--json", "--ring-size", "64K")
        beacon.reach(stream)
        before = len(stream.lines)
        self.churn_while_stopped(stream, server, client, port, 3000, "reset")
        beacon.reach(stream)
        after = [json.loads(line) for line in stream.lines[before:]]
        lost = sum(line["lost"] for line in after if "lost" in line)
        seen = sum(1 for line in after if line.get("netns") == self.n.inum)
        self.assertGreater(lost, 10000)
        # 3 transitions on each side; each was either shown or counted as lost. Others on this
        # host may lose events too.
        self.assertGreaterEqual(lost + seen, 6 * 3000)
        self.assertLess(seen, 6 * 3000)
        for line in after:
            if "lost" in line:
                harness.parse_time(line["time"])

    def test_slow_reader_is_told_what_it_missed(self):
        """A pipe that nobody reads: whole lines are dropped, counted, and told in place."""
        beacon = harness.Beacon(self)
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        stream = self.stream("trace", "--json", pipe=True)
        beacon.reach(stream)
        stream.may_read.clear()
        server.post("serve 15000 l closer=reset")
        self.assertEqual(client.do(f"churn 15000 127.0.0.1 {port} closer=reset")["failed"], 0)
        server.reply()
        stream.wait_idle()  # it has shown or dropped all of it
        stream.may_read.set()
        beacon.reach(stream)
        lines = stream.json_lines()  # each is whole
        dropped = sum(line["dropped"] for line in lines if "dropped" in line)
        seen = sum(1 for line in lines if line.get("netns") == self.n.inum)
        self.assertGreater(dropped, 0)
        self.assertGreater(seen, 0)
        lost = sum(line["lost"] for line in lines if "lost" in line)
        self.assertGreaterEqual(seen + dropped + lost, 6 * 15000)


if __name__ == "__main__":
    harness.main()
