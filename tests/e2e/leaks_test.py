# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""leaks on a small stage: what is older than the view, its figures, its ends. What leaks and what
does not in a minute is for leaks_set_test.py."""

import json
import os
import time

import harness
from harness import become_nobody, eventually


class Leaks(harness.LedgerTest):
    COUNT = 12

    def leaky_server(self, net):
        """A server with CLOSE_WAITs that came one after another, over more than 33 seconds."""
        server, client, port = self.pair(net, count=self.COUNT)
        for number in range(self.COUNT):
            client.do(f"close c{number}")
            time.sleep(3)  # the time that the rule wants them apart
        eventually(lambda: self.assertEqual(net.counts().get("CLOSE_WAIT"), self.COUNT))
        return server, client, port

    def only(self, document, pid):
        found = [each for each in document["suspects"] if each["pid"] == pid]
        self.assertEqual(len(found), 1, document)
        return found[0]

    def test_older_than_the_view(self):
        """By the last segment: a short look finds it, and says what it has for it."""
        net = self.net()
        server, _, port = self.leaky_server(net)
        self.check_figures(net, server, port)
        self.check_filter(server, port)
        stream = self.stream("leaks", "--watch", "--fail-on", "suspect", "--json", f"pid = {server.pid}")
        self.assertEqual(stream.wait(), 4)  # by itself
        self.only(stream.json_lines()[-1], server.pid)

    def check_figures(self, net, server, port):
        began = time.monotonic()
        done = self.ledger("leaks", "--for", "1s", "--json", "--fail-on", "suspect", f"pid = {server.pid}",
                           status=4)
        took_ms = 1000 * (time.monotonic() - began)
        document = json.loads(done.stdout)
        found = self.only(document, server.pid)
        self.assertEqual((found["kind"], found["direction"], found["local_port"], found["netns"]),
                         ("close_wait", "in", port, net.inum))
        self.assertEqual(found["count"], self.COUNT)
        self.assertEqual(found["older_count"], found["stuck"])
        self.assertTrue(found["oldest_age_is_lower_bound"])
        self.assertLess(found["oldest_age_ms"], took_ms)
        self.assertGreaterEqual(found["oldest_age_estimate_ms"], 3000 * (self.COUNT - 1))
        self.assertIn("about", found["reason"])
        # The kernel's own figures.
        descriptors = os.listdir(f"/proc/{server.pid}/fd")
        self.assertEqual(found["fds_used"], len(descriptors))
        holding = sorted(fd for socket in net.ss() if socket.state == "CLOSE_WAIT"
                         for pid, fd in socket.holders if pid == server.pid)
        self.assertEqual(found["fds"], holding)
        self.assertEqual(found["holders"], [{"pid": server.pid, "comm": "tcp_actor", "count": self.COUNT}])
        self.assertEqual(found["remotes"],
                         [{"address": "127.0.0.1", "port": None, "count": found["stuck"]}])
        self.assertEqual(found["unread_ends"], found["stuck"])

    def check_filter(self, server, port):
        document = self.ledger_json("leaks", "--for", "1s", f"sport = :{port} and pid = {server.pid}")
        self.only(document, server.pid)
        document = self.ledger_json("leaks", "--for", "1s", f"sport != :{port} and pid = {server.pid}")
        self.assertEqual((document["connections"], document["suspects"]), (0, []))

    def test_an_interrupt_gives_the_verdict_so_far(self):
        net = self.net()
        server, _, _ = self.pair(net, count=3)
        stream = self.stream("leaks", "--for", "1h", "--json", f"pid = {server.pid}")
        time.sleep(1.5)
        self.assertEqual(stream.interrupt(), 0)
        [line] = stream.lines
        self.assertEqual(json.loads(line)["suspects"], [])

    def test_watch_goes_on_until_interrupted(self):
        net = self.net()
        _, client, _ = self.pair(net, count=1)
        stream = self.stream("leaks", "--watch", "--fail-on", "suspect", "--json", f"pid = {client.pid}")
        # Under a sanitizer a look is dear, and the next one waits accordingly.
        eventually(lambda: self.assertGreaterEqual(len(stream.lines), 2), 150)
        self.assertEqual(stream.interrupt(), 0)
        for document in stream.json_lines():
            self.assertEqual((document["connections"], document["suspects"]), (1, []))

    def test_wrong_usage(self):
        for arguments in (("--for", "never"), ("--for", "0s"), ("--for", "10s", "--watch"),
                          ("--fail-on", "critical"), ("nonsense =",), ("dev = nowhere",)):
            with self.subTest(arguments):
                self.ledger("leaks", *arguments, status=2)

    def test_without_privileges(self):
        done = self.ledger("leaks", "--for", "1s", status=3, preexec_fn=become_nobody)
        self.assertIn(b"cannot", done.stderr)


if __name__ == "__main__":
    harness.main()
