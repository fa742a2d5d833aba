#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Everything at once, for long: churn at the machine's limit, sockets in every state passed
around, processes killed, namespaces made and deleted; `verify` runs throughout.

usage: soak.py MINUTES [--seed N] [--losses-allowed]

Prints the curve of tcpledger's memory. Ends with 1 when a difference persists, when events were
lost (unless allowed: beside others on a busy host), when memory grows after the warm-up.
Environment: TCPLEDGER, WORKLOADS, as for the end-to-end tests.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from actors import Actor, Refused
from ledger import Stream, is_sanitized
from stage import Net, join_nets

WARM_UP_S = 150  # TIME_WAIT lasts a minute: until then there are more of them all the time
MOST_GROWTH = 1.15
MOST_RSS_MIB = 400
SKIPPED = 77


class Player(threading.Thread):
    """Does one thing over and over in namespaces of its own, until told to stop."""

    def __init__(self, seed, stopped):
        super().__init__(daemon=True)
        self.random = random.Random(seed)
        self.stopped = stopped
        self.rounds = 0
        self.failure = None
        self.kept = []

    def actor(self, net):
        actor = Actor(net)
        self.kept.append(actor)
        return actor

    def net(self):
        net = Net()
        self.kept.append(net)
        return net

    def run(self):
        while not self.stopped.is_set():
            try:
                self.round()
                self.rounds += 1
            except (AssertionError, OSError, RuntimeError) as error:
                self.failure = error  # an actor was killed at a bad moment: the next round
                self.stopped.wait(0.1)
            finally:
                while self.kept:
                    self.kept.pop().close()


class Churner(Player):
    """Connections as quick as they come; the processes are killed in the midst of it."""

    def round(self):
        net = self.net()
        for _ in range(8):
            closer = self.random.choice(("client", "server", "reset", "client"))
            server, client = self.actor(net), self.actor(net)
            address, target = self.random.choice((("127.0.0.1", "127.0.0.1"), ("::1", "::1"),
                                                  ("::", "::ffff:127.0.0.1")))
            port = server.do(f"listen l {address} 0")["local_port"]
            server.post(f"serve 0 l closer={closer}")
            client.post(f"churn 0 {target} {port} closer={closer}")
            self.stopped.wait(self.random.uniform(1, 12))
            if self.stopped.is_set():
                return
            for actor in self.random.sample((server, client), 2):
                actor.kill()


class Mixer(Player):
    """Sockets in every state, over a wire between two namespaces, passed from process to process."""

    def round(self):
        here, there = self.net(), self.net()
        join_nets(here, there)
        server, client = self.actor(there), self.actor(here)
        port = server.do("listen l 10.77.0.2 0")["local_port"]
        workers = [f"w{i}" for i in range(3)]
        for worker in workers:
            server.do(f"fork {worker}")
        count = self.random.randint(20, 60)
        client.do(f"connect_many c 30 10.77.0.2 {port}")
        server.do("accept_many s 20 l")
        server.do(f"tell {workers[0]} accept_many t 10 l")
        for i in range(count):
            self.step(self.random.choice((server, client)), client, server, workers, i)
        for actor in self.random.sample((server, client), self.random.randint(0, 2)):
            actor.kill()
        self.stopped.wait(self.random.uniform(0.2, 6))

    def step(self, actor, client, server, workers, number):
        name = ("c" if actor is client else "s") + str(self.random.randrange(20))
        verb = self.random.choice(("close", "close", "shutdown wr", "shutdown rdwr", "send", "reset",
                                   "fill", "pass", "worker", "connect", "half-open"))
        try:
            if verb in ("close", "reset", "fill"):
                actor.do(f"{verb} {name}")
            elif verb.startswith("shutdown"):
                actor.do(f"shutdown {name} {verb.split()[1]}")
            elif verb == "send":
                actor.do(f"send {name} 100")
            elif verb == "pass" and actor is server:
                worker = self.random.choice(workers)
                server.do(f"pass {name} {worker}")
                server.do(f"tell {worker} take p{number}")
                server.do(f"close {name}")
            elif verb == "worker":
                server.do(f"tell {self.random.choice(workers)} close {name}")
            elif verb == "connect":
                client.do(f"connect n{number} 10.77.0.2 9")
            elif verb == "half-open":
                port = server.do(f"listen h{number} 10.77.0.2 0 defer=5")["local_port"]
                client.do(f"connect o{number} 10.77.0.2 {port}")
        except Refused:
            pass  # closed already, refused by the peer: as it may be


def rss_mib(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def watch(stream, players, seconds):
    """The curve until the end: [(seconds, MiB)]."""
    began, curve, told = time.monotonic(), [], 0.0
    print(f"{'time':>7} {'RSS MiB':>8} {'sockets':>8} {'checks':>7} {'persist':>8} {'rounds':>7}", flush=True)
    while stream.process.poll() is None:
        now = time.monotonic() - began
        try:
            curve.append((now, rss_mib(stream.process.pid)))
        except (OSError, IndexError):
            break
        if now >= told:
            told += max(5.0, seconds / 40)
            checks = stream.json_lines()
            last = checks[-1] if checks else {}
            print(f"{now:6.0f}s {curve[-1][1]:8.1f} {last.get('sockets', 0):8} {len(checks):7} "
                  f"{sum(len(check.get('differences', [])) for check in checks):8} "
                  f"{sum(player.rounds for player in players):7}", flush=True)
        time.sleep(0.5)
    return curve


def judge(stream, curve, losses_allowed):
    """What is wrong, as sentences."""
    *checks, verdict = stream.json_lines()
    wrong = []
    for check in checks:
        wrong += [f"check {check['check']}: {json.dumps(row)}" for row in check["differences"]]
    if not verdict["balanced"]:
        wrong.append("the books do not balance")
    if verdict["lost"] and not losses_allowed:
        wrong.append(f"{verdict['lost']} events lost")
    settled = [mib for at, mib in curve if at > WARM_UP_S]
    if len(settled) >= 60:
        quarter = len(settled) // 4
        before, after = (statistics.median(part) for part in (settled[:quarter], settled[-quarter:]))
        print(f"memory: {before:.1f} MiB after the warm-up, {after:.1f} MiB at the end")
        if after > before * MOST_GROWTH + 4:
            wrong.append(f"memory grows: {before:.1f} MiB, then {after:.1f} MiB")
    most = max(mib for _, mib in curve)
    if most > MOST_RSS_MIB and not is_sanitized():
        wrong.append(f"{most:.0f} MiB of memory")
    print(f"{verdict['checks']} checks, {verdict['compared']} sockets compared, "
          f"{verdict['transitions']} transitions, {verdict['lost']} lost, "
          f"{verdict['persistent']} persistent differences, at most {most:.1f} MiB")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", type=float, nargs="?", default=30.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--losses-allowed", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("skipped: needs root")
        sys.exit(SKIPPED)
    print(f"seed {options.seed}")
    seconds = options.minutes * 60
    stopped = threading.Event()
    players = [kind(options.seed + i, stopped) for i, kind in
               enumerate((Churner, Churner, Mixer, Mixer, Mixer))]
    stream = Stream("verify", "--json", "--for", f"{seconds}s", "--every", "3s")
    try:
        for player in players:
            player.start()
        curve = watch(stream, players, seconds)
        status = stream.wait(300)
    finally:
        stopped.set()
        for player in players:
            player.join(60)
    if status not in (0, 4):
        print(f"verify ended with {status}: {stream.errors.decode(errors='replace')}")
        sys.exit(1)
    wrong = judge(stream, curve, options.losses_allowed)
    wrong += [f"{type(p).__name__} played no round: {p.failure!r}" for p in players if p.rounds == 0
              and isinstance(p, Mixer)]
    print("\n".join(wrong) if wrong else "all is well")
    stream.close()
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
