#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds what a tracer wrote (`tcpledger trace --json`) against what the scenario says.

check.py SCENARIO.jsonl TRACE.jsonl [--hooks tracepoints|fentry] [--owners|--no-owners]

Every event of the scenario's namespaces must be one that a step expects, with
the content it expects, in its order; every expected one must be there. Status 0
if so, 1 if not, with a line for each difference, and 75 if the trace itself
says that it is not whole. It knows the two formats and
nothing of how either side came by what it wrote.
"""

import argparse
import collections
import json
import sys

MARK_PORTS = (1000, 1001)
# A timer may fire a little before the clock that measures it says so.
CLOCK_SLACK_MS = 2
STATUS_LOST = 75


def with_mini_sockets(transitions):
    """What refined hooks show: a socket that leaves a mini-socket behind does not go to CLOSE, but on in it."""
    for transition in transitions:
        left = transition.get("left")
        if left == "TIME_WAIT":
            yield {**transition, "new_state": left}
            yield {**transition, "old_state": left, "at_least_ms": transition["left_ms"], "optional": not transition["left_ends"]}
        elif left == "FIN_WAIT2":
            yield {**transition, "at_least_ms": transition["left_ms"]}
        else:
            yield transition


class Socket:
    """One expected socket and how much of its life has been seen."""

    def __init__(self, step, expected, hooks):
        self.step = step
        self.expected = expected
        self.name = f"{step['step']}/{expected['name']}"
        refined = hooks == "fentry"
        self.transitions = list(with_mini_sockets(expected["transitions"])) if refined else expected["transitions"]
        # TIME_WAIT outlasts the scenario.
        self.ends = ("CLOSE", "TIME_WAIT") if refined else ("CLOSE",)
        self.seen = 0
        self.cookie = expected["cookie"]
        self.state = None
        self.free = expected["any_to_close"]

    def following(self, event):
        """Index of the expected transition that `event` is: the next one, optional ones passed over; or None."""
        for index in range(self.seen, len(self.transitions)):
            expected = self.transitions[index]
            if (expected["old_state"], expected["new_state"]) == (event["old_state"], event["new_state"]):
                return index
            if not expected["optional"]:
                return None
        return None

    def awaits(self, event):
        if self.following(event) is not None:
            return True
        return self.free and self.seen == len(self.transitions) and self.state == event["old_state"] != "CLOSE"

    def missing(self):
        return [t for t in self.transitions[self.seen:] if not t["optional"]]

    def unfinished(self):
        return bool(self.missing()) or (self.free and self.state not in self.ends)

    def is_at(self, event):
        """True if the event's addresses may be this socket's; a port not yet known fits any."""
        if event["netns"] != self.expected["netns"]:
            return False
        ports = ((event["local_port"], self.expected["local_port"]), (event["remote_port"], self.expected["remote_port"]))
        return all(seen in (None, 0, expected) for seen, expected in ports)


class Checker:
    """Compares events with expectations; `home` is the namespace that lasts as long as the scenario."""

    def __init__(self, home, steps, arguments):
        self.home = home
        self.arguments = arguments
        self.sockets = [Socket(step, expected, arguments.hooks) for step in steps for expected in step["sockets"]]
        self.by_cookie = collections.defaultdict(list)
        for socket in self.sockets:
            if socket.cookie is not None:
                self.by_cookie[socket.cookie].append(socket)
        self.problems = []
        self.compared = 0

    def problem(self, where, what):
        self.problems.append(f"{where}: {what}")

    def find(self, event):
        """The socket that an event is of, or None."""
        known = self.by_cookie.get(event["cookie"]) if event["cookie"] else None
        if known:
            return next((s for s in known if s.awaits(event)), next((s for s in known if s.unfinished()), known[-1]))
        fitting = [s for s in self.sockets if s.is_at(event) and (s.expected["cookie"] is None or not event["cookie"])]
        waiting = [s for s in fitting if s.awaits(event)]
        return waiting[0] if waiting else next((s for s in fitting if s.unfinished()), None)

    def take(self, event):
        socket = self.find(event)
        if socket is None:
            # The number of a namespace that has ended may be somebody else's by now.
            if event["netns"] == self.home:
                self.problem("nobody", f"unexpected event {describe(event)}")
            return
        if not socket.awaits(event):
            missing = socket.missing()
            wanted = f"{missing[0]['old_state']}->{missing[0]['new_state']}" if missing else "nothing more"
            self.problem(socket.name, f"expected {wanted}, got {describe(event)}")
            socket.seen = min(socket.seen + 1, len(socket.transitions))
            return
        index = socket.following(event)
        self.compared += 1
        self.check_identity(socket, event)
        if index is not None:
            self.check_owner(socket, event, socket.transitions[index])
            self.check_time(socket, event, socket.transitions[index])
            socket.seen = index + 1
        socket.state = event["new_state"]

    def check_identity(self, socket, event):
        expected = socket.expected
        where = f"{socket.name} {event['old_state']}->{event['new_state']}"
        # connect() has not chosen the port yet, a fresh clone does not know its peer.
        unknown_local = (event["old_state"], event["new_state"]) == ("CLOSE", "SYN_SENT")
        # A fresh clone is its listener still: the peer unknown, and up to 6.12 the listener's own address.
        unknown_remote = (event["old_state"], event["new_state"]) == ("LISTEN", "SYN_RECV")
        if family_number(event["family"]) != expected["family"] and not (unknown_remote and is_unset(event["local_address"])):
            self.problem(where, f"family {event['family']}, expected IPv{expected['family']}")
        for side, may_be_unknown in (("local", unknown_local), ("remote", unknown_remote)):
            port = event[f"{side}_port"]
            if port != expected[f"{side}_port"] and not (may_be_unknown and port in (0, None)):
                self.problem(where, f"{side} port {port}, expected {expected[f'{side}_port']}")
            address = event[f"{side}_address"]
            wanted = expected[f"{side}_address"]
            unset_will_do = may_be_unknown or unknown_remote or wanted is None
            if not same_address(address, wanted) and not (unset_will_do and is_unset(address)):
                self.problem(where, f"{side} address {address}, expected {wanted}")
        if event["cookie"] and socket.cookie is None:
            socket.cookie = event["cookie"]
        early = event["new_state"] == "SYN_RECV" and event["old_state"] == "LISTEN"
        if socket.cookie and event["cookie"] != socket.cookie and not (early and not event["cookie"]):
            self.problem(where, f"cookie {event['cookie']}, expected {socket.cookie}")

    def check_owner(self, socket, event, following):
        if not self.arguments.owners or socket.step["step"] in self.arguments.excuse:
            return
        processes = socket.step["processes"]
        roles = [following["owner"], *following.get("stale", ())]
        if self.arguments.hooks == "tracepoints":
            roles += following["also"]
        accepted = [(processes[role]["pid"], processes[role]["comm"]) for role in roles]
        if (event["pid"], event["comm"]) not in accepted:
            where = f"{socket.name} {event['old_state']}->{event['new_state']}"
            others = [role for role, p in processes.items() if p["pid"] == event["pid"]]
            wanted = " or ".join(f"{role} ({processes[role]['pid']}/{processes[role]['comm']})" for role in roles)
            self.problem(where, f"owner {event['pid']}/{event['comm']} ({', '.join(others) or 'no actor of the step'}, "
                                f"{event.get('how')}), expected {wanted}")

    def check_time(self, socket, event, following):
        where = f"{socket.name} {event['old_state']}->{event['new_state']}"
        spent = event["state_ms"]
        if spent is None:
            # A socket in CLOSE is on nobody's books; one older than the tracer has an unknown past.
            if socket.seen > 0 and event["old_state"] != "CLOSE":
                self.problem(where, "the time in the old state is unknown")
        elif spent < following["at_least_ms"] - CLOCK_SLACK_MS or spent > 120000:
            self.problem(where, f"{spent} ms in the old state, expected at least {following['at_least_ms']}")

    def finish(self):
        for socket in self.sockets:
            if socket.unfinished():
                missing = ", ".join(f"{t['old_state']}->{t['new_state']}" for t in socket.missing()) or "the end"
                self.problem(socket.name, f"never seen: {missing}")


def describe(event):
    return (f"{event['old_state']}->{event['new_state']} of {event['local_address']}:{event['local_port']} "
            f"{event['remote_address']}:{event['remote_port']} pid {event['pid']} ({event['comm']}) cookie {event['cookie']}")


def family_number(family):
    return {2: 4, 10: 6, "4": 4, "6": 6, "ipv4": 4, "ipv6": 6, "inet": 4, "inet6": 6, "af_inet": 4,
            "af_inet6": 6}.get(family.lower() if isinstance(family, str) else family, family)


def is_unset(address):
    return address in (None, "", "*", "0.0.0.0", "::")


def same_address(seen, expected):
    return seen == expected or (is_unset(seen) and is_unset(expected))


def read_lines(path):
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as error:
                    sys.exit(f"{path}:{number}: not JSON: {error}")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenario")
    parser.add_argument("trace")
    parser.add_argument("--hooks", choices=("tracepoints", "fentry"), default="tracepoints")
    parser.add_argument("--excuse", action="append", default=[], metavar="STEP", help="owners of that step need not be right")
    parser.add_argument("--owners", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


def main():
    arguments = read_arguments()
    lines = list(read_lines(arguments.scenario))
    if not lines or "scenario" not in lines[0]:
        sys.exit(f"{arguments.scenario}: not the scenario's output")
    steps = lines[1:]
    played = [step for step in steps if step["status"] == "played"]
    failed = [step for step in steps if step["status"] == "failed"]
    skipped = [step for step in steps if step["status"] == "skipped"]
    checker = Checker(lines[0]["netns"], played, arguments)
    # What a skipped or failed step did before it gave up is nobody's expectation.
    excused = {process["pid"] for step in steps if step["status"] != "played" for process in step["processes"].values()}
    excused_ports = {s["local_port"] for step in skipped + failed for s in step["sockets"]}
    namespaces = {lines[0]["netns"]} | {socket.expected["netns"] for socket in checker.sockets}
    lost = 0
    for event in read_lines(arguments.trace):
        if "old_state" not in event:
            lost += event.get("lost", 0) + event.get("dropped", 0)
            continue
        if event["netns"] not in namespaces or event["local_port"] in MARK_PORTS:
            continue
        if event["pid"] in excused or excused_ports & {event["local_port"], event["remote_port"]}:
            continue
        checker.take(event)
    checker.finish()
    for step in skipped:
        print(f"skipped {step['step']}: {step['reason']}")
    for step in failed:
        print(f"FAILED {step['step']}: {step['reason']}")
    for problem in checker.problems:
        print(f"WRONG {problem}")
    if lost:
        print(f"WRONG {lost} events or lines lost")
    bad = {problem.split("/")[0] for problem in checker.problems}
    print(f"{len(played)} steps played, {len(skipped)} skipped, {len(failed)} failed; {checker.compared} events compared, "
          f"{len(checker.problems)} differences in {len(bad)} steps")
    if lost:
        return STATUS_LOST
    return 1 if failed or checker.problems or not checker.compared else 0


if __name__ == "__main__":
    sys.exit(main())
