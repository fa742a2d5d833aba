# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the audit's tests share: a namespace whose limits are lowered, so that a handful of sockets
reaches them, and waiting for a finding."""

import harness
from harness import eventually


class AuditTest(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def sysctl(self, name, value, net=None):
        path = "/proc/sys/" + name.replace(".", "/")
        (net or self.n).run("sh", "-c", f"echo '{value}' > {path}")

    def audit(self, *arguments, net=None, seconds=0.2):
        return self.ledger_json("audit", "-N", (net or self.n).inum, "--for", seconds, *arguments)

    def findings(self, net=None, seconds=0.2):
        return {finding["id"]: finding for finding in
                self.audit(net=net, seconds=seconds)["findings"]}

    def expect(self, finding_id, net=None, seconds=0.2, **expected):
        """Waits for the finding; `expected` are of its fields, or of its numbers."""
        def check():
            found = self.findings(net, seconds)
            self.assertIn(finding_id, found)
            for name, value in expected.items():
                finding = found[finding_id]
                self.assertEqual(finding.get(name, finding["numbers"].get(name)), value, name)
            return found[finding_id]
        return eventually(check)

    def sysctls_of(self, finding):
        return {advice["sysctl"]: advice for advice in finding["advice"] if advice["sysctl"]}

    def busy_while(self, actor, verb, work):
        """work()'s value, while the actor is at something that has no end of its own."""
        actor.post(verb)
        try:
            return work()
        finally:
            actor.post("stop")
            actor.reply()
