# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""More ways to get, keep and lose a socket: each stays on its true owner's books."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import harness
from harness import eventually
from watching import TopTest, nonzero

PIDFD_GETFD = 438
LIBC = ctypes.CDLL(None, use_errno=True)

MPTCP = """
import socket, sys
def mptcp():
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
listener, clients = mptcp(), [mptcp() for _ in range(3)]
listener.bind(("127.0.0.1", 0))
listener.listen(5)
for client in clients:
    client.connect(listener.getsockname())
accepted = [listener.accept()[0] for _ in range(2)]
print("ready", flush=True)
for line in sys.stdin:
    for client in clients:
        client.close()
    print("closed", flush=True)
"""

FAST_OPEN = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
listener.setsockopt(socket.IPPROTO_TCP, 23, 16)  # TCP_FASTOPEN
client = socket.socket()
client.sendto(b"early", 0x20000000, listener.getsockname())  # MSG_FASTOPEN
accepted, _ = listener.accept()
assert accepted.recv(5) == b"early"
print("ready", flush=True)
for line in sys.stdin:
    accepted.close()
    print("closed", flush=True)
"""


class Owners(TopTest):
    def eventually_row(self, stream, pid, expected):
        def check():
            row = self.row(self.next_document(stream), pid)
            self.assertEqual(nonzero(row["states"]) if row else {}, expected)
        self.eventually(check)

    def python(self, program):
        """A process in our namespace that has said "ready"."""
        process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=self.n.enter)
        self.addCleanup(harness.stop, process)
        if process.stdout.readline() != b"ready\n":
            self.skipTest(f"cannot: {process.stderr.read().decode().splitlines()[-1:]}")
        self.n.pids.add(process.pid)
        return process

    def fetch(self, pid, number):
        """A descriptor of ours for a process's socket, the number-th of the namespace."""
        sockets = [s for s in self.n.ss() if s.holders and s.holders[0][0] == pid]
        pidfd = os.pidfd_open(pid)
        try:
            mine = LIBC.syscall(PIDFD_GETFD, pidfd, sockets[number].holders[0][1], 0)
        finally:
            os.close(pidfd)
        self.assertGreaterEqual(mine, 0, os.strerror(ctypes.get_errno()))
        return mine

    def tell(self, process):
        process.stdin.write(b"\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"closed\n")

    def test_fetched_by_pidfd_getfd(self):
        """The receiver, which is this test, owns it once the sender has closed."""
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=1)
        mine = self.fetch(client.pid, 0)
        try:
            client.do("close c0")
            self.eventually_row(stream, os.getpid(), {"ESTABLISHED": 1})
            self.eventually_row(stream, client.pid, {})
        finally:
            os.close(mine)
        self.eventually_row(stream, os.getpid(), {"FIN_WAIT2": 1})
        server.do("close s0")
        self.eventually_row(stream, os.getpid(), {"TIME_WAIT": 1})

    def test_duplicate_keeps_it_open(self):
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=1)
        client.do("dup again c0")
        client.do("close c0")
        self.eventually_row(stream, client.pid, {"ESTABLISHED": 1})
        client.do("close again")
        self.eventually_row(stream, client.pid, {"FIN_WAIT2": 1})
        server.do("close s0")
        self.eventually_row(stream, client.pid, {"TIME_WAIT": 1})

    def test_connect_that_nobody_answers(self):
        """In SYN_SENT it is its caller's; given up it is nobody's, and was opened and closed."""
        harness.join_nets(self.n, self.net())
        self.n.run("ip", "neighbour", "add", "10.77.0.9", "lladdr", "02:00:00:00:00:01", "dev", "v0")
        stream = self.watch()
        client = self.actor(self.n)
        for i in range(3):
            client.do(f"connect c{i} 10.77.0.9 80 nonblock=1")
        self.eventually_row(stream, client.pid, {"SYN_SENT": 3})
        client.do("close c0")  # interrupted
        self.eventually_row(stream, client.pid, {"SYN_SENT": 2})
        client.kill()
        self.eventually_row(stream, client.pid, {})
        self.eventually(lambda: self.assertEqual(self.sums(stream, client), (3, 3)))

    def test_known_by_its_end_alone(self):
        """Never seen opening anything: its exit comes before the sockets that its end closes."""
        server, client, _ = self.pair(self.n, count=3)
        child = client.do("fork heir")["child"]
        stream = self.watch()
        client.do("close_many c")
        os.kill(child, 9)
        self.eventually_row(stream, child, {"FIN_WAIT2": 3})
        self.assertTrue(self.row(self.next_document(stream), child)["exited"])
        server.do("close_many s")
        self.eventually_row(stream, child, {"TIME_WAIT": 3})

    def test_a_reused_pid_is_another_process(self):
        stream = self.watch()
        server, client, port = self.pair(self.n, count=3)
        client.kill()
        self.eventually_row(stream, client.pid, {"FIN_WAIT2": 3})
        again = None
        for _ in range(50):
            with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as last:
                last.write(str(client.pid - 1))
            again = self.actor(self.n)
            if again.pid == client.pid:
                break
            again.close()
        if again.pid != client.pid:
            self.skipTest("others take the pids too quickly")
        again.do(f"connect_many c 2 127.0.0.1 {port}")

        def two():
            rows = [row for row in self.next_document(stream)["processes"]
                    if row["pid"] == client.pid]
            self.assertEqual(sorted((row["exited"], *nonzero(row["states"]).items())
                                    for row in rows),
                             [(False, ("ESTABLISHED", 2)), (True, ("FIN_WAIT2", 3))])
            self.assertEqual(len({row["start_time"] for row in rows}), 2)
        self.eventually(two)
        server.do("accept_many t 2 l")

    def test_mptcp_is_who_holds_the_connection(self):
        for before in (False, True):
            with self.subTest(older_than_the_tracer=before):
                if before:
                    process = self.python(MPTCP)
                stream = self.watch()
                if not before:
                    process = self.python(MPTCP)
                self.assertEqual(self.n.counts(), {"LISTEN": 1, "ESTABLISHED": 6})
                self.eventually_row(stream, process.pid, {"LISTEN": 1, "ESTABLISHED": 6})
                harness.stop(process)
                eventually(lambda: self.assertNotIn("ESTABLISHED", self.n.counts()))
                self.n = self.net()

    def test_fast_open(self):
        self.n.run("sysctl", "-qw", "net.ipv4.tcp_fastopen=1543")  # without a cookie
        stream = self.watch()
        process = self.python(FAST_OPEN)
        self.eventually_row(stream, process.pid, {"LISTEN": 1, "ESTABLISHED": 2})
        self.tell(process)
        self.eventually_row(stream, process.pid, {"LISTEN": 1, "FIN_WAIT2": 1, "CLOSE_WAIT": 1})
        harness.stop(process)
        self.eventually_row(stream, process.pid, {"TIME_WAIT": 1})

    def test_accepted_by_a_32_bit_server_that_inherited_its_listener(self):
        """By socketcall and accept4() of the i386 ABI, after fork and exec, as an inetd does it."""
        program = Path(os.environ.get("WORKLOADS", ".")) / "accept32"
        if not program.exists():
            self.skipTest("the compiler makes no i386 programs")
        inetd = self.actor(self.n)  # a process of the namespace makes the listener
        port = inetd.do("listen l 127.0.0.1 0")["local_port"]
        listener = self.fetch(inetd.pid, 0)
        stream = self.watch()
        try:
            server = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      preexec_fn=lambda: os.dup2(listener, 3), close_fds=False)
        except OSError as error:
            self.skipTest(f"the kernel runs no i386 programs: {error}")
        finally:
            os.close(listener)
        self.addCleanup(harness.stop, server)
        inetd.do("close l")
        self.eventually_row(stream, server.pid, {"LISTEN": 1})
        client = self.actor(self.n)
        client.do(f"connect_many c 3 127.0.0.1 {port}")
        self.assertEqual(server.stdout.readline(), b"ready\n")
        self.eventually_row(stream, server.pid, {"LISTEN": 1, "ESTABLISHED": 3})  # one unaccepted
        self.tell(server)
        self.eventually_row(stream, server.pid, {"LISTEN": 1, "ESTABLISHED": 1, "FIN_WAIT2": 2})
        client.do("close_many c")
        self.eventually_row(stream, server.pid, {"LISTEN": 1, "CLOSE_WAIT": 1, "TIME_WAIT": 2})
        server.kill()
        self.eventually_row(stream, server.pid, {"TIME_WAIT": 2})

    def test_simultaneous_open(self):
        """Both SYNs are under way at once: two connect() and no listener."""
        peer_net = self.net()
        harness.join_nets(self.n, peer_net)
        links = ((self.n, "v0", "10.77.0.2"), (peer_net, "v1", "10.77.0.1"))
        for net, device, address in links:  # nobody answers at first
            net.run("ip", "neighbour", "add", address, "lladdr", "02:00:00:00:00:01", "dev", device)
        stream = self.watch()
        here, there = self.actor(self.n), self.actor(peer_net)
        here.do("connect c 10.77.0.2 4802 from=10.77.0.1 port=4801 nonblock=1")
        there.do("connect c 10.77.0.1 4801 from=10.77.0.2 port=4802 nonblock=1")
        for actor in (here, there):
            self.eventually_row(stream, actor.pid, {"SYN_SENT": 1})
        for net, device, address in links:
            net.run("ip", "neighbour", "del", address, "dev", device)
        for actor in (here, there):
            actor.do("await c")
            self.eventually_row(stream, actor.pid, {"ESTABLISHED": 1})
        here.do("close c")
        self.eventually_row(stream, here.pid, {"FIN_WAIT2": 1})
        self.eventually_row(stream, there.pid, {"CLOSE_WAIT": 1})
        there.do("close c")
        self.eventually_row(stream, here.pid, {"TIME_WAIT": 1})
        self.eventually_row(stream, there.pid, {})

    def test_simultaneous_close(self):
        """Both FINs are under way at once, behind data that nobody reads."""
        stream = self.watch()
        server, client, _ = self.pair(self.n, count=1)
        client.do("fill c0")
        client.do("shutdown c0 wr")
        server.do("shutdown s0 wr")
        self.eventually_row(stream, client.pid, {"CLOSING": 1})
        self.eventually_row(stream, server.pid, {"LISTEN": 1, "FIN_WAIT2": 1})
        server.do("eof s0")
        self.eventually_row(stream, client.pid, {"TIME_WAIT": 1})
        self.eventually_row(stream, server.pid, {"LISTEN": 1, "TIME_WAIT": 1})

    def test_the_kernels_own(self):
        """Made by a command for the kernel: nobody holds it once that has ended."""
        try:
            os.readlink("/proc/1/ns/net")
        except PermissionError:
            self.skipTest("pid 1 may not be looked at: it may hold what nobody else does")
        self.n.run("ip", "address", "add", "10.78.0.1/24", "dev", "lo")
        stream = self.watch(f"netns = {self.n.inum}")
        add = ("ip", "mptcp", "endpoint", "add", "10.78.0.1", "port", "4803", "signal")
        try:
            self.n.run(*add)
        except RuntimeError as error:
            self.skipTest(f"no MPTCP: {error}")
        self.assertEqual(self.n.counts(), {"LISTEN": 1})
        for view in (stream, self.watch(f"netns = {self.n.inum}")):  # it saw it made, or found it
            def kernels(view=view):
                rows = {row["comm"]: nonzero(row["states"])
                        for row in self.next_document(view)["processes"]}
                self.assertEqual(rows.get("[kernel]"), {"LISTEN": 1})
                self.assertNotIn("LISTEN", rows.get("ip", {}))
            self.eventually(kernels)

    def test_unknown_is_a_figure(self):
        stream = self.watch()
        document = self.next_document(stream)
        unknown = [row for row in document["processes"] if row["comm"] == "[unknown]"]
        self.assertEqual(document["totals"]["unknown"],
                         sum(sum(row["states"].values()) for row in unknown))


if __name__ == "__main__":
    harness.main()
