# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The start has no gap: a tracer that starts in the middle of churn ends with the true counts."""

import harness
from watching import TopTest


class Start(TopTest):
    def churning(self, closer):
        """A pair that makes connections until told, with 50 more held open."""
        server, client = self.actor(self.n), self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        client.do(f"connect_many held 50 127.0.0.1 {port}")
        server.do("accept_many kept 50 l")
        server.post(f"serve 0 l closer={closer}")
        client.post(f"churn 0 127.0.0.1 {port} closer={closer}")
        return server, client

    def finish(self, server, client):
        client.post("stop")
        made = client.reply()
        server.post("stop")
        self.assertEqual(server.reply()["connections"], made["connections"])
        self.assertEqual(made["failed"], 0)
        return made["connections"]

    def test_counts_after_a_start_under_churn(self):
        for attempt in range(5):
            with self.subTest(attempt):
                server, client = self.churning("reset")
                stream = self.watch()
                made = self.finish(server, client)
                self.assertGreater(made, 100)
                self.eventually_states(stream, server, LISTEN=1, ESTABLISHED=50)
                self.eventually_states(stream, client, ESTABLISHED=50)
                self.assertEqual(stream.interrupt(), 0)
                for actor in (server, client):
                    actor.end()

    def test_snapshot_under_churn_has_the_held_ones(self):
        """One-shot commands in the middle of churn: what does not move is exactly there."""
        server, client = self.churning("reset")
        listening = {s.local[1] for s in self.n.ss() if s.state == "LISTEN"}
        held = {s.key for s in self.n.ss() if s.state == "ESTABLISHED" and s.holders
                and s.holders[0][1] < 60}
        for _ in range(5):
            sockets = self.list_sockets(self.n)
            keys = [harness.socket_key(s) for s in sockets]
            for actor, name in ((server, "local_port"), (client, "remote_port")):
                mine = [s for s in sockets if s[name] in listening and s["state"] == "ESTABLISHED"
                        and s["owner"] and s["owner"]["pid"] == actor.pid]
                self.assertGreaterEqual(len(mine), 50)
                self.assertLessEqual(len(mine), 60)
            identities = [(s["cookie"]) for s in sockets if s["cookie"]]
            self.assertEqual(len(identities), len(set(identities)), "a socket is listed twice")
            self.assertEqual(sum(1 for s in sockets if s["state"] == "LISTEN"), 1)
        self.finish(server, client)

    def test_several_tracers_at_once(self):
        server, client = self.churning("reset")
        streams = [self.watch() for _ in range(3)]
        self.finish(server, client)
        for stream in streams:
            self.eventually_states(stream, server, LISTEN=1, ESTABLISHED=50)
            self.eventually_states(stream, client, ESTABLISHED=50)

    def test_time_wait_owners_from_the_first_document_on(self):
        server, client = self.churning("reset")
        stream = self.watch()
        self.finish(server, client)
        port = [s.local[1] for s in self.n.ss() if s.state == "LISTEN"][0]
        server.post("serve 500 l closer=client")
        client.do(f"churn 500 127.0.0.1 {port} closer=client")
        server.reply()
        self.eventually_states(stream, client, ESTABLISHED=50, TIME_WAIT=500)
        self.assertEqual(self.n.counts(), {"LISTEN": 1, "ESTABLISHED": 100, "TIME_WAIT": 500})


if __name__ == "__main__":
    harness.main()
