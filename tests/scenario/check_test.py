# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The checker finds what is wrong with a trace: each case spoils a right one in one way."""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parent / "check.py"
NETNS = 4026532177


def expected(old, new, owner="client", **more):
    return {"old_state": old, "new_state": new, "owner": owner, "also": [], "at_least_ms": 0, "optional": False, **more}


def step():
    transitions = [expected("CLOSE", "SYN_SENT"), expected("SYN_SENT", "ESTABLISHED"),
                   expected("ESTABLISHED", "CLOSE", at_least_ms=50)]
    return {"step": "example", "status": "played", "reason": "",
            "processes": {"client": {"pid": 10, "comm": "sc-client"}, "killer": {"pid": 11, "comm": "sc-killer"}},
            "sockets": [{"name": "client", "netns": NETNS, "family": 4, "cookie": 7, "local_address": "127.0.0.1",
                         "local_port": 4000, "remote_address": "127.0.0.1", "remote_port": 80, "any_to_close": False,
                         "transitions": transitions}]}


def event(old, new, milliseconds, **more):
    return {"cookie": 7, "netns": NETNS, "family": "ipv4", "pid": 10, "comm": "sc-client", "how": "connect",
            "local_address": "127.0.0.1", "local_port": 4000, "remote_address": "127.0.0.1", "remote_port": 80,
            "old_state": old, "new_state": new, "state_ms": milliseconds, **more}


def trace():
    return [event("CLOSE", "SYN_SENT", None, local_port=None), event("SYN_SENT", "ESTABLISHED", 0.02),
            event("ESTABLISHED", "CLOSE", 51.5)]


class CheckerTest(unittest.TestCase):
    def check(self, events, scenario=None, arguments=()):
        lines = [{"scenario": 1, "netns": NETNS, "pid": 1}, scenario or step()]
        with tempfile.TemporaryDirectory() as directory:
            paths = [pathlib.Path(directory) / name for name in ("scenario", "trace")]
            for path, content in zip(paths, (lines, events)):
                path.write_text("".join(json.dumps(line) + "\n" for line in content), encoding="utf-8")
            done = subprocess.run([sys.executable, "-B", CHECK, *paths, *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_right_trace_passes(self):
        status, said = self.check(trace())
        self.assertEqual(status, 0, said)

    def test_each_fault_is_found(self):
        faults = {
            "never seen": lambda t: t.pop(),
            "unexpected event": lambda t: t.append(event("CLOSE", "LISTEN", None, cookie=9, local_port=81, remote_port=None)),
            "nothing more": lambda t: t.append(copy.deepcopy(t[-1])),
            "expected SYN_SENT->ESTABLISHED": lambda t: t.pop(1),
            "owner 11/sc-killer (killer": lambda t: t[2].update(pid=11, comm="sc-killer"),
            "owner None": lambda t: t[1].update(pid=None, comm="[unknown]"),
            "owner 10/other": lambda t: t[1].update(comm="other"),
            "local port": lambda t: t[1].update(local_port=4001),
            "remote address": lambda t: t[1].update(remote_address="127.0.0.2"),
            "family": lambda t: t[1].update(family="ipv6"),
            "at least 50": lambda t: t[2].update(state_ms=3.0),
            "time in the old state is unknown": lambda t: t[2].update(state_ms=None),
        }
        for words, spoil in faults.items():
            with self.subTest(words):
                events = trace()
                spoil(events)
                status, said = self.check(events)
                self.assertEqual(status, 1, said)
                self.assertIn(words, said)

    def test_a_trace_with_a_hole_proves_nothing(self):
        for hole in ({"time": "…", "lost": 3}, {"dropped": 2}):
            self.assertEqual(self.check([*trace(), hole])[0], 75)

    def test_port_not_chosen_yet_is_allowed_only_before_connect(self):
        events = trace()
        events[1]["local_port"] = None
        self.assertEqual(self.check(events)[0], 1)

    def test_cookie_must_stay(self):
        scenario = step()
        scenario["sockets"][0]["cookie"] = None
        events = trace()
        self.assertEqual(self.check(events, scenario)[0], 0)
        events[2]["cookie"] = 8
        self.assertEqual(self.check(events, scenario)[0], 1)

    def test_also_counts_for_tracepoints_alone(self):
        scenario = step()
        scenario["sockets"][0]["transitions"][2]["also"] = ["killer"]
        events = trace()
        events[2].update(pid=11, comm="sc-killer")
        self.assertEqual(self.check(events, scenario)[0], 0)
        self.assertEqual(self.check(events, scenario, ["--hooks", "fentry"])[0], 1)

    def closing(self):
        """The scenario and the trace of a connection that leaves a TIME_WAIT behind, as refined hooks show it."""
        scenario = step()
        scenario["sockets"][0]["transitions"][2:] = [
            expected("ESTABLISHED", "FIN_WAIT2"),
            expected("FIN_WAIT2", "CLOSE", left="TIME_WAIT", left_ms=30, left_ends=True)]
        events = [*trace()[:2], event("ESTABLISHED", "FIN_WAIT2", 1.0), event("FIN_WAIT2", "TIME_WAIT", 0.5),
                  event("TIME_WAIT", "CLOSE", 31.0)]
        return scenario, events

    def test_time_wait_is_seen_by_refined_hooks_and_only_by_them(self):
        scenario, events = self.closing()
        self.assertEqual(self.check(events, scenario, ["--hooks", "fentry"])[0], 0)
        self.assertEqual(self.check(events, scenario)[0], 1)
        plain = [*events[:3], event("FIN_WAIT2", "CLOSE", 0.5)]
        self.assertEqual(self.check(plain, scenario)[0], 0)
        self.assertEqual(self.check(plain, scenario, ["--hooks", "fentry"])[0], 1)

    def test_the_end_of_time_wait(self):
        scenario, events = self.closing()
        self.assertEqual(self.check(events[:4], scenario, ["--hooks", "fentry"])[0], 1, "its end must be seen")
        scenario["sockets"][0]["transitions"][3]["left_ends"] = False
        self.assertEqual(self.check(events[:4], scenario, ["--hooks", "fentry"])[0], 0)
        events[4].update(state_ms=2.0)
        self.assertEqual(self.check(events, scenario, ["--hooks", "fentry"])[0], 1, "too short")

    def test_fin_wait2_may_go_on_without_time_wait(self):
        scenario, events = self.closing()
        scenario["sockets"][0]["transitions"][3].update(left="FIN_WAIT2", left_ms=1000)
        plain = [*events[:3], event("FIN_WAIT2", "CLOSE", 0.5)]
        self.assertEqual(self.check(plain, scenario)[0], 0)
        self.assertEqual(self.check(plain, scenario, ["--hooks", "fentry"])[0], 1)
        plain[3].update(state_ms=1001.0)
        self.assertEqual(self.check(plain, scenario, ["--hooks", "fentry"])[0], 0)

    def test_a_stale_owner_is_allowed_with_any_hooks(self):
        scenario = step()
        scenario["sockets"][0]["transitions"][2]["stale"] = ["killer"]
        events = trace()
        events[2].update(pid=11, comm="sc-killer")
        for hooks in ("tracepoints", "fentry"):
            self.assertEqual(self.check(events, scenario, ["--hooks", hooks])[0], 0)

    def test_optional_transition(self):
        scenario = step()
        scenario["sockets"][0]["transitions"].append(expected("CLOSE", "CLOSE", optional=True))
        self.assertEqual(self.check(trace(), scenario)[0], 0)
        self.assertEqual(self.check([*trace(), event("CLOSE", "CLOSE", 0.1)], scenario)[0], 0)

    def test_failed_step_and_empty_trace(self):
        self.assertEqual(self.check(trace(), {**step(), "status": "failed", "sockets": []})[0], 1)
        self.assertEqual(self.check([])[0], 1)
        skipped = {**step(), "status": "skipped", "sockets": [], "processes": {}}
        self.assertEqual(self.check([], skipped)[0], 1, "nothing compared is nothing proved")

    def test_other_namespaces_are_none_of_our_business(self):
        self.assertEqual(self.check([*trace(), event("CLOSE", "LISTEN", None, netns=5, cookie=99)])[0], 0)


if __name__ == "__main__":
    unittest.main()
