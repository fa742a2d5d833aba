# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How long the books of `top` are behind where no event tells: mini-sockets, beside very many
sockets, and everything after a stop in which events were lost. The judge is ss, in a namespace
that nobody else uses."""

import contextlib
import json
import os
import pathlib
import queue
import signal
import statistics
import subprocess
import sys
import threading
import time

from seed import held_sockets
from system import cpu_seconds, process

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
from actors import Actor  # noqa: E402
from stage import Net, join_nets  # noqa: E402

INTERVAL_S = 0.1
PATIENCE_S = 120
MINUTE_S = 60
STOPPED_S = 10
SETTLED_S = 5  # the first census is not of that minute
SMALL_RING = "64K"  # so that the stop loses events, however slow the churn is
HALF_OPEN = 20
MANY = 50


class Books:
    """A `top` of one namespace: its totals by state, as they come."""

    def __init__(self, tcpledger, net, *options):
        command = [str(tcpledger), "top", "--batch", "--json", "-d", str(INTERVAL_S), *options, f"netns = {net.inum}"]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.documents = queue.Queue()
        self.lost = 0
        threading.Thread(target=self.read, daemon=True).start()
        self.next()

    def read(self):
        for line in self.child.stdout:
            self.documents.put((time.monotonic(), json.loads(line)))

    def next(self):
        """The next document: (when it came, its counts by state)."""
        came, document = self.documents.get(timeout=PATIENCE_S)
        self.lost += document["totals"]["lost"]
        return came, {state: count for state, count in document["totals"]["states"].items() if count}

    def seconds_until(self, expected, since):
        """From `since` to the first document that says what is expected."""
        while time.monotonic() - since < PATIENCE_S:
            came, counts = self.next()
            if came >= since and counts == expected:
                return came - since
        raise RuntimeError(f"the books say {counts}, not {expected}")

    def wait(self, net):
        """Until they agree with ss."""
        self.seconds_until(net.counts(), time.monotonic())

    def close(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        self.child.wait()


class Stage(contextlib.ExitStack):
    """Two namespaces with a wire between them; what lives there ends with the block."""

    def __init__(self):
        super().__init__()
        self.here, self.there = Net(), Net()
        for net in (self.here, self.there):
            self.callback(net.close)
        join_nets(self.here, self.there)

    def actor(self, net):
        actor = Actor(net)
        self.callback(actor.close)
        return actor

    def books(self, tcpledger, *options):
        books = Books(tcpledger, self.here, *options)
        self.callback(books.close)
        return books


def follow(stage, books, action):
    """Does it; how long the books took to say what ss says then."""
    action()
    began = time.monotonic()
    return books.seconds_until(stage.here.counts(), began)


def destroy(net):
    """Time-waits that end before their minute is over."""
    net.run("ss", "-K", "state", "time-wait")


def minis_once(stage, books):
    """Each silent end or move of mini-sockets once: {what: seconds}."""
    server, client = stage.actor(stage.there), stage.actor(stage.here)
    port = server.do("listen l 10.77.0.2 0")["local_port"]
    client.do(f"connect_many c {MANY} 10.77.0.2 {port}")
    server.do(f"accept_many s {MANY} l")
    client.do("close_many c")
    books.wait(stage.here)
    seconds = {"FIN_WAIT2 → TIME_WAIT, the peer elsewhere": follow(stage, books, lambda: server.do("close_many s"))}
    seconds["TIME_WAIT ends early"] = follow(stage, books, lambda: destroy(stage.here))
    own = stage.actor(stage.here)
    port = own.do("listen h 10.77.0.1 0 defer=180")["local_port"]
    books.wait(stage.here)
    peer = stage.actor(stage.there)
    connect = "connect_many o {} 10.77.0.1 {}".format(HALF_OPEN, port)
    seconds["half-open requests come"] = follow(stage, books, lambda: peer.do(connect))
    seconds["half-open requests go"] = follow(stage, books, lambda: peer.do("reset_many o"))
    for actor in (server, client, own, peer):
        actor.close()
    books.wait(stage.here)
    return seconds


def repair_once(tcpledger):
    """Stopped in the midst of churn: (seconds until the books balance after it runs again, lost)."""
    with Stage() as stage:
        server, client = stage.actor(stage.here), stage.actor(stage.here)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        books = stage.books(tcpledger, "--ring-size", SMALL_RING)
        for actor, verb in ((server, "serve 0 l"), (client, f"churn 0 127.0.0.1 {port}")):
            actor.post(verb)
        time.sleep(3)
        books.child.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        for actor in (client, server):
            actor.post("stop")
            actor.reply()
        expected = stage.here.counts()
        began = time.monotonic()
        books.child.send_signal(signal.SIGCONT)
        return books.seconds_until(expected, began), books.lost, sum(expected.values())


def share_of_a_cpu(pid, seconds, meanwhile=time.sleep):
    """Of all threads and, apart, of all but the first, which reads the events and shows: the shares
    of one CPU while `meanwhile` takes about so many seconds."""
    def spent():
        everything = cpu_seconds(pid)[1]
        return everything, everything - cpu_seconds(f"{pid}/task/{pid}")[1]

    before, began = spent(), time.monotonic()
    meanwhile(seconds)
    elapsed = time.monotonic() - began
    return [(now - then) / elapsed for now, then in zip(spent(), before)]


def stir(stage, seconds):
    """Silent ends and moves of every kind, two turns a second."""
    server, client, own, peer = stage.actor(stage.there), stage.actor(stage.here), stage.actor(stage.here), stage.actor(stage.there)
    port = server.do("listen l 10.77.0.2 0")["local_port"]
    deferring = own.do("listen h 10.77.0.1 0 defer=180")["local_port"]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        peer.do(f"connect_many o {HALF_OPEN} 10.77.0.1 {deferring}")
        client.do(f"connect_many c {MANY} 10.77.0.2 {port}")
        server.do(f"accept_many s {MANY} l")
        client.do("close_many c")
        server.do("close_many s")
        time.sleep(0.25)
        destroy(stage.here)
        peer.do("reset_many o")
        time.sleep(0.25)
    for actor in (server, client, own, peer):
        actor.close()


def bench_settle(paths, sockets, runs, say):
    os.environ["WORKLOADS"] = str(paths.workloads)
    samples = {}
    say(f"settle: opening {sockets} sockets")
    with held_sockets(paths.holder, sockets), Stage() as stage:
        books = stage.books(paths.tcpledger)
        for run in range(runs):
            say(f"settle {run + 1}/{runs}: mini-sockets")
            for what, seconds in minis_once(stage, books).items():
                samples.setdefault(what, []).append(seconds)
        books.close()
        command = [str(paths.tcpledger), "top", "--batch", "-d", "1"]
        with process(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as child:
            time.sleep(SETTLED_S)
            say("settle: a minute of top, nothing happening")
            idle_share, _ = share_of_a_cpu(child.pid, MINUTE_S)
            say("settle: a minute of silent ends")
            _, looking_share = share_of_a_cpu(child.pid, MINUTE_S, lambda seconds: stir(stage, seconds))
    repairs = []
    for run in range(runs):
        say(f"settle {run + 1}/{runs}: stopped for {STOPPED_S} s")
        repairs.append(repair_once(paths.tcpledger))
    samples[f"all states after a stop of {STOPPED_S} s under churn"] = [seconds for seconds, _, _ in repairs]
    return {
        "sockets": sockets,
        "cpu_share_idle": idle_share,
        "cpu_share_looking": looking_share,
        "lost": statistics.median(lost for _, lost, _ in repairs),
        "sockets_at_the_stop": statistics.median(there for _, _, there in repairs),
        "seconds": {what: {"median": statistics.median(taken), "most": max(taken), "samples": taken} for what, taken in samples.items()},
    }
