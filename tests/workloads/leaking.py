#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs that leak sockets, and programs that only look as if they did.

usage: leaking.py NAME

Plays both ends on loopback, each a process of its own, until its input ends or it is killed. Says
in one JSON line who is who: {"server": PID, "client": PID}. It knows nothing of tcpledger; what
each is good for stands in its first line.
"""

import json
import os
import random
import resource
import select
import signal
import socket
import sys
import threading
import time

HOST = "127.0.0.1"


def listen(host=HOST, backlog=128):
    listener = socket.create_server((host, 0), backlog=backlog)
    return listener


def read_to_end(connection):
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass


def pause_until(begun, count, per_second):
    """Keeps a rhythm, whatever the work in between has taken."""
    left = begun + count / per_second - time.monotonic()
    if left > 0:
        time.sleep(left)


def rhythm(per_second):
    begun, count = time.monotonic(), 0
    while True:
        yield count
        count += 1
        pause_until(begun, count, per_second)


def serve_each(listener, work):
    """work(connection, number) for each connection, in a thread of its own."""
    number = 0
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=work, args=(connection, number), daemon=True).start()
        number += 1


def greet_and_close(port, per_second, host=HOST):
    """A good client: asks, reads the answer, closes."""
    for _ in rhythm(per_second):
        with socket.create_connection((host, port)) as connection:
            connection.sendall(b"?")


def answer(connection):
    """A good server's answer to each question, until the client closes."""
    try:
        with connection:
            while question := connection.recv(4096):
                connection.sendall(question)
    except OSError:
        pass  # it has closed without waiting for the answer


def both(server, client):
    """Both ends as processes; this one is the server."""
    child = os.fork()
    if child == 0:
        client()
        os._exit(0)
    print(json.dumps({"server": os.getpid(), "client": child}), flush=True)
    threading.Thread(target=end_with_input, args=(child,), daemon=True).start()
    server()


def end_with_input(*children):
    sys.stdin.read()
    for child in children:
        os.kill(child, signal.SIGKILL)
    os._exit(0)


# --- leaky ---------------------------------------------------------------------------------------

def never_closes():
    """The server never closes what its clients have closed."""
    listener, kept = listen(), []

    def server():
        while True:
            kept.append(listener.accept()[0])
            kept[-1].recv(16)
    both(server, lambda: greet_and_close(listener.getsockname()[1], 2))


def error_path():
    """The server forgets one connection in a hundred."""
    listener, kept = listen(), []

    def work(connection, number):
        read_to_end(connection)
        kept.append(connection) if number % 100 == 99 else connection.close()
    both(lambda: serve_each(listener, work),
         lambda: greet_and_close(listener.getsockname()[1], 60))


def forked_child():
    """The server forks helpers that inherit its connections and live on."""
    listener = listen()
    port = listener.getsockname()[1]

    def server():
        while True:
            connections = [listener.accept()[0] for _ in range(5)]
            time.sleep(1.5)
            if os.fork() == 0:
                signal.pause()
            for connection in connections:
                read_to_end(connection)
                connection.close()

    def client():
        for _ in rhythm(1 / 6):
            connections = [socket.create_connection((HOST, port)) for _ in range(5)]
            time.sleep(3)
            for connection in connections:
                connection.close()
    os.setpgid(0, 0)  # the helpers are ended with it
    both(server, client)


def never_accepts():
    """The server listens and does not accept."""
    listener = listen()

    def server():
        signal.pause()
    both(server, lambda: greet_and_close(listener.getsockname()[1], 1))


def pool():
    """The client opens a connection for each question and puts it into a pool that nobody uses."""
    listener, kept = listen(), []

    def client():
        for _ in rhythm(2):
            kept.append(socket.create_connection((HOST, listener.getsockname()[1])))
            kept[-1].sendall(b"?")
            kept[-1].recv(16)
    both(lambda: serve_each(listener, lambda connection, _: answer(connection)), client)


def one_remote():
    """The client closes towards two servers, and forgets to towards the third."""
    listeners = [listen(f"127.0.0.{last}") for last in (2, 3, 4)]
    kept = []

    def server():
        while True:
            for listener in select.select(listeners, [], [])[0]:
                listener.accept()[0].close()

    def client():
        for number in rhythm(9):
            connection = socket.create_connection(listeners[number % 3].getsockname())
            connection.recv(16)
            kept.append(connection) if number % 9 == 2 else connection.close()
    both(server, client)


def one_thread():
    """One thread of many leaks; the others of the process do their work."""
    good, bad, kept = listen(), listen(), []

    def leak():
        while True:
            kept.append(bad.accept()[0])
            read_to_end(kept[-1])

    def server():
        threading.Thread(target=leak, daemon=True).start()
        serve_each(good, lambda connection, _: answer(connection))

    def client():
        threading.Thread(target=greet_and_close, args=(good.getsockname()[1], 20),
                         daemon=True).start()
        greet_and_close(bad.getsockname()[1], 1)
    both(server, client)


def drip():
    """One connection in ten seconds is not closed."""
    listener, kept = listen(), []

    def work(connection, number):
        read_to_end(connection)
        kept.append(connection) if number % 50 == 0 else connection.close()
    both(lambda: serve_each(listener, work),
         lambda: greet_and_close(listener.getsockname()[1], 5))


# --- healthy -------------------------------------------------------------------------------------

def keepalive_pool():
    """Ten connections, each used now and then."""
    listener = listen()

    def client():
        connections = [socket.create_connection(listener.getsockname()) for _ in range(10)]
        for _ in rhythm(5):
            connection = random.choice(connections)
            connection.sendall(b"?")
            connection.recv(16)
    both(lambda: serve_each(listener, lambda connection, _: answer(connection)), client)


def subscriptions():
    """Two hundred connections over which nothing is said; a few come and go."""
    listener, kept = listen(), []

    def client():
        kept.extend(socket.create_connection(listener.getsockname()) for _ in range(200))
        for _ in rhythm(1 / 4):
            kept.append(socket.create_connection(listener.getsockname()))
            kept.pop(0).close()
    both(lambda: serve_each(listener, lambda connection, _: answer(connection)), client)


def half_close():
    """The clients have said all they have to say; the server goes on to send for long."""
    listener = listen()

    def work(connection, _):
        with connection:
            read_to_end(connection)
            try:
                for _ in rhythm(1):
                    connection.sendall(b"tick")
            except OSError:
                pass

    def listen_on():
        with socket.create_connection(listener.getsockname()) as connection:
            connection.shutdown(socket.SHUT_WR)
            end = time.monotonic() + 300
            while time.monotonic() < end and connection.recv(16):
                pass

    def client():
        for number in rhythm(1 / 2):
            if number < 30:
                threading.Thread(target=listen_on, daemon=True).start()
    both(lambda: serve_each(listener, work), client)


def slow_closer():
    """The server takes ten seconds to close."""
    listener = listen()

    def work(connection, _):
        read_to_end(connection)
        time.sleep(10)
        connection.close()
    both(lambda: serve_each(listener, work),
         lambda: greet_and_close(listener.getsockname()[1], 3))


def bursts():
    """A hundred connections at once, now and then, closed after some seconds."""
    listener = listen()

    def work(connection, _):
        read_to_end(connection)
        time.sleep(2)
        connection.close()

    def client():
        for _ in rhythm(1 / 12):
            connections = [socket.create_connection(listener.getsockname()) for _ in range(100)]
            time.sleep(5)
            for connection in connections:
                connection.close()
    both(lambda: serve_each(listener, work), client)


def steady():
    """Five thousand connections that stay, some of them busy."""
    listener, kept = listen(backlog=4096), []

    def client():
        kept.extend(socket.create_connection(listener.getsockname()) for _ in range(5000))
        for _ in rhythm(10):
            random.choice(kept[:100]).sendall(b"!")

    def server():
        poll = select.epoll()
        poll.register(listener, select.EPOLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == listener.fileno():
                    kept.append(listener.accept()[0])
                    poll.register(kept[-1], select.EPOLLIN)
                else:
                    os.read(fd, 4096)
    both(server, client)


def restart():
    """The server is replaced in mid-view; its clients come back."""
    listener = listen()
    keeper = os.getpid()

    def server():
        while True:
            child = os.fork()
            if child == 0:
                serve_each(listener, lambda connection, _: answer(connection))
            time.sleep(25)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def stay():
        while os.getppid() == keeper:
            try:
                with socket.create_connection(listener.getsockname()) as connection:
                    for _ in rhythm(1 / 3):
                        connection.sendall(b"?")
                        if not connection.recv(16):
                            break
            except OSError:
                time.sleep(0.2)

    def client():
        for _ in range(50):
            threading.Thread(target=stay, daemon=True).start()
        signal.pause()
    os.setpgid(0, 0)
    both(server, client)


PROGRAMS = {program.__name__: program for program in (
    never_closes, error_path, forked_child, never_accepts, pool, one_remote, one_thread, drip,
    keepalive_pool, subscriptions, half_close, slow_closer, bursts, steady, restart)}


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 20000), limit))
    threading.stack_size(256 * 1024)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    PROGRAMS[sys.argv[1]]()


main()
