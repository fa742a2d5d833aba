# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Connections that come and go beside a test, made by processes that come and go too."""

import threading

import harness


class Churning:
    """All the time, in a namespace of their own. Comes before the TopTest that it is mixed into."""

    def setUp(self):
        super().setUp()
        self.elsewhere = self.net()
        self.over = threading.Event()
        self.rounds, self.failure = 0, None
        thread = threading.Thread(target=self.churn, daemon=True)
        self.addCleanup(self.end_churn, thread)
        thread.start()

    def churn(self):
        while not self.over.is_set():
            server, client = harness.Actor(self.elsewhere), harness.Actor(self.elsewhere)
            try:
                port = server.do("listen l 127.0.0.1 0")["local_port"]
                for _ in range(10):
                    server.post("serve 100 l closer=client")
                    client.do(f"churn 100 127.0.0.1 {port} closer=client")
                    server.reply()
                    self.over.wait(0.1)  # a tenth of what the host can do
                self.rounds += 1
            except (AssertionError, OSError) as error:
                self.failure = error
                return
            finally:
                client.close()
                server.close()

    def end_churn(self, thread):
        self.over.set()
        thread.join()
        self.assertIsNone(self.failure)
        self.assertGreater(self.rounds, 0)
