# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Network namespaces of a test's own, and what the kernel's own tools say of them."""

import ctypes
import os
import re
import subprocess
from collections import Counter

from bounds import PATIENCE_S, stop

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

STATES = ["ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
          "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"]
FROM_SS = {"ESTAB": "ESTABLISHED", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RECV",
           "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2", "TIME-WAIT": "TIME_WAIT",
           "UNCONN": "CLOSE", "CLOSE-WAIT": "CLOSE_WAIT", "LAST-ACK": "LAST_ACK",
           "LISTEN": "LISTEN", "CLOSING": "CLOSING"}
TO_SS = {name: ss_name for ss_name, name in FROM_SS.items()}
FROM_PROC = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2",
             6: "TIME_WAIT", 7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN",
             11: "CLOSING", 12: "SYN_RECV"}


def _unshare_net():
    if LIBC.unshare(CLONE_NEWNET) != 0:
        os._exit(125)


class Net:
    """A network namespace that lives as long as its keeper process."""

    def __init__(self):
        self.keeper = subprocess.Popen(["sleep", "infinity"], stdin=subprocess.DEVNULL,
                                       preexec_fn=_unshare_net)
        self._open(f"/proc/{self.keeper.pid}/ns/net")

    def _open(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.inum = os.fstat(self.fd).st_ino
        self.pids = set()  # of the actors that ever lived here
        try:
            self.run("ip", "link", "set", "lo", "up")
            # A TIME_WAIT stays: a later connect() does not take its port over, nor does a reset
            # end it (an ACK that another CPU delivers late is answered, and that with a reset).
            self.run("sh", "-c", "cd /proc/sys/net/ipv4 && echo 0 > tcp_tw_reuse && echo 1 > tcp_rfc1337")
        except BaseException:
            self.close()
            raise

    def enter(self):
        """For preexec_fn: moves the child in here."""
        if LIBC.setns(self.fd, CLONE_NEWNET) != 0:
            os._exit(126)

    def run(self, *command):
        done = subprocess.run(command, preexec_fn=self.enter, capture_output=True,
                              timeout=PATIENCE_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.returncode} {done.stderr!r}")
        return done.stdout.decode(errors="replace")

    def ss(self, by_ss=False):
        """Every TCP socket that ss shows here, as SsSocket.

        Holders come from /proc/PID/fd of the processes in `pids`: `ss -p` (by_ss) reads every
        descriptor of the host, which takes half a minute beside somebody's 100,000 sockets.
        """
        option = "-tanpeH" if by_ss else "-taneH"
        sockets = [SsSocket(line) for line in self.run("ss", option, "-O").splitlines() if line]
        if not by_ss:
            holders = self.holders()
            for socket in sockets:
                socket.holders = sorted(holders.get(socket.inode, []))
        return sockets

    def holders(self):
        """inode → [(pid, fd)] over our own processes."""
        found = {}
        for pid in list(self.pids):
            for inode, descriptors in descriptor_inodes(pid).items():
                found.setdefault(inode, []).extend((pid, fd) for fd in descriptors)
        return found

    def counts(self):
        """ss's counts by state."""
        return dict(Counter(socket.state for socket in self.ss()))

    def proc_counts(self):
        """/proc/net/tcp's and tcp6's counts by state, as the second opinion."""
        rows = self.run("sh", "-c", "cat /proc/self/net/tcp /proc/self/net/tcp6").splitlines()
        states = [FROM_PROC[int(row.split()[3], 16)] for row in rows if ":" in row.split()[0]]
        return dict(Counter(states))

    def close(self):
        if self.keeper is not None:
            stop(self.keeper)
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class NamedNet(Net):
    """One made by `ip netns add`; lives as long as its name, without any process."""

    def __init__(self, name):
        self.keeper = None
        self._open(f"/run/netns/{name}")


def join_nets(left, right, left_address="10.77.0.1", right_address="10.77.0.2"):
    """Connects two namespaces by a veth pair."""
    left.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1",
             "netns", str(right.keeper.pid))
    for net, device, address in ((left, "v0", left_address), (right, "v1", right_address)):
        net.run("ip", "address", "add", address + "/24", "dev", device)
        net.run("ip", "link", "set", device, "up")


class Container:
    """A cgroup named as docker names a container's; processes are put in by their pid."""

    def __init__(self):
        self.id = os.urandom(32).hex()
        with open("/proc/mounts", encoding="utf-8") as mounts:
            roots = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"]
        self.path = roots and f"{roots[0]}/docker-{self.id}.scope"
        if not roots:
            raise OSError("no cgroup2 is mounted")
        os.mkdir(self.path)

    def add(self, pid):
        with open(f"{self.path}/cgroup.procs", "w", encoding="ascii") as processes:
            processes.write(str(pid))

    def close(self):
        """After its processes have ended."""
        os.rmdir(self.path)


class SsSocket:
    """One line of `ss -tanpeHO`."""

    def __init__(self, line):
        fields = line.split(None, 5)
        self.line = line
        self.state = FROM_SS[fields[0]]
        self.recv_queue, self.send_queue = int(fields[1]), int(fields[2])
        self.local = split_endpoint(fields[3])
        self.remote = split_endpoint(fields[4])
        rest = fields[5] if len(fields) > 5 else ""
        self.holders = sorted((int(pid), int(fd))
                              for pid, fd in re.findall(r"pid=(\d+),fd=(\d+)\)", rest))
        self.inode = _number(r"\bino:(\d+)", rest, 10)
        self.cookie = _number(r"\bsk:([0-9a-f]+)", rest, 16)
        self.uid = _number(r"\buid:(\d+)", rest, 10) or 0

    @property
    def key(self):
        """What list says of it: a listener has no remote end."""
        return (self.state, *self.local, *(self.remote if self.remote[1] else (None, None)))


def _number(pattern, text, base):
    found = re.search(pattern, text)
    return int(found.group(1), base) if found else 0


def split_endpoint(text):
    """'127.0.0.1:80', '*:80', '[::ffff:127.0.0.1]:80', '[::]%lo:80' → (address, port)."""
    address, _, port = text.rpartition(":")
    address = address.split("%")[0].strip("[]")
    return plain_address(address), 0 if port == "*" else int(port)


def plain_address(address):
    if address == "*":
        return "::"
    return address[7:] if address.startswith("::ffff:") and "." in address else address


def descriptor_inodes(pid):
    """inode → [fd] of the sockets that a process holds, from /proc/PID/fd; none when it is gone."""
    found = {}
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except FileNotFoundError:
        return found
    for fd in descriptors:
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found.setdefault(int(target[8:-1]), []).append(int(fd))
    return found
