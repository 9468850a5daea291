#!/usr/bin/env python3
"""Time from the start of a server to its first answer: start.py ADDRESS:PORT PATH COMMAND...

Starts the command five times, asks for PATH until the answer is 200, ends it with SIGTERM. Prints the best time in ms, and
all of them to stderr. What the command prints goes to stderr too.
"""
import socket, subprocess, sys, time

RUNS, DEADLINE_S, BETWEEN_TRIES_S = 5, 10, 0.0002
(host, port), path, command = sys.argv[1].rsplit(":", 1), sys.argv[2], sys.argv[3:]
request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()


def answered():
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.sendall(request)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def first_answer_ms():
    begin = time.perf_counter()
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    try:
        while not answered():
            if server.poll() is not None:
                sys.exit(f"start.py: the server ended by itself with {server.returncode}")
            if time.perf_counter() - begin > DEADLINE_S:
                sys.exit(f"start.py: no answer 200 from {path} within {DEADLINE_S} s")
            time.sleep(BETWEEN_TRIES_S)
        return (time.perf_counter() - begin) * 1000
    finally:
        server.terminate()
        try:
            server.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


times = [first_answer_ms() for _ in range(RUNS)]
print("start to first answer:", *(f"{ms:.1f}" for ms in times), "ms", file=sys.stderr)
print(f"{min(times):.1f}")
