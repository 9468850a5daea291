#!/usr/bin/env python3
"""Figures on a million records: million.py [STOA] [RECORDS]

Imports them over HTTP while another client writes, reads them all in one answer, turns pages by cursor, and asks through
a relation; prints a table. STOA is target/release/stoa unless given. The database lies under target/.
"""
import http.client, json, os, random, shutil, statistics, subprocess, sys, threading, time

SCHEMA = """
type Item @table @export { id: ID @primaryKey name: String @indexed price: Float @indexed quantity: Int }
type Note @table @export { id: ID @primaryKey text: String }
type Product @table @export { id: ID @primaryKey name: String @indexed price: Float @indexed categoryId: ID @indexed
  category: Category @relationship(from: categoryId) }
type Category @table @export { id: ID @primaryKey name: String @indexed products: [Product] @relationship(to: categoryId) }
"""
PORT = 9871


def connection():
    return http.client.HTTPConnection("127.0.0.1", PORT, timeout=300)


def ask(client, method, path, body=None, kind="application/json"):
    client.request(method, path, body, {"Content-Type": kind} if body is not None else {})
    answer = client.getresponse()
    data = answer.read()
    if answer.status >= 300:
        sys.exit(f"{method} {path}: {answer.status} {data[:300]!r}")
    return answer, data


def lines(count, record):
    chunk = []
    for number in range(count):
        chunk.append(json.dumps(record(number)))
        if len(chunk) == 2000:
            yield ("\n".join(chunk) + "\n").encode()
            chunk = []
    if chunk:
        yield ("\n".join(chunk) + "\n").encode()


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


def ended(process, seconds):
    """Waits so long for a process to end; None if it goes on."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def anonymous(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon"))


class Writer(threading.Thread):
    """Stores a small record every 5 ms, and remembers how long each took."""

    def __init__(self):
        super().__init__()
        self.times, self.done = [], threading.Event()

    def run(self):
        client, number = connection(), 0
        while not self.done.wait(0.005):
            began = time.perf_counter()
            ask(client, "PUT", f"/Note/n{number % 100}", json.dumps({"text": "x"}))
            self.times.append(time.perf_counter() - began)
            number += 1


def main():
    stoa = sys.argv[1] if len(sys.argv) > 1 else "target/release/stoa"
    records = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    work = os.path.abspath("target/million")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    with open(f"{work}/schema.graphql", "w") as schema:
        schema.write(SCHEMA)
    server = subprocess.Popen([stoa, "serve", work, "--listen", f"127.0.0.1:{PORT}"], stdout=subprocess.PIPE, text=True)
    try:
        # It says so when it answers.
        next((line for line in server.stdout if line.startswith("ready")), None)
        measure(server.pid, records, work)
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(work, ignore_errors=True)


def measure(pid, records, work):
    rng = random.Random(1)
    row = lambda what, value: print(f"| {what} | {value} |", flush=True)
    print("| | |\n|---|---:|")
    source = f"{work}/items.ndjson"
    with open(source, "wb") as file:
        for chunk in lines(records, lambda n: {"id": f"i{n:07}", "name": f"Item {rng.random()}", "price": rng.random() * 1000, "quantity": n % 100}):
            file.write(chunk)
    for label, beside in (("alone", False), ("beside a writer", True)):
        writer = Writer()
        if beside:
            writer.start()
        began, highest = time.perf_counter(), 0
        upload = subprocess.Popen(["curl", "-sS", "-X", "PUT", "--data-binary", f"@{source}", "-H", "Content-Type: application/x-ndjson", "-o", f"{work}/report", f"http://127.0.0.1:{PORT}/Item/"])
        while ended(upload, 0.1) is None:
            highest = max(highest, anonymous(pid))
        took = time.perf_counter() - began
        writer.done.set()
        row(f"import of {records:,} records, {label}", f"{took:.1f} s")
        row(f"highest RssAnon, {label}", f"{highest:.0f} MiB")
        if beside:
            writer.join()
            row("the other writer: p50, p99, most", f"{percentile(writer.times, .5):.1f}, {percentile(writer.times, .99):.1f}, {max(writer.times) * 1000:.1f} ms")
        print(open(f"{work}/report").read()[:200], file=sys.stderr)
    client = connection()
    for path in ("/Item/", "/Item/?sort=quantity", "/Item/.csv"):
        began, highest, size = time.perf_counter(), 0, 0
        client.request("GET", path)
        answer = client.getresponse()
        while piece := answer.read(1 << 20):
            size += len(piece)
            highest = max(highest, anonymous(pid))
        row(f"GET {path}, {size >> 20} MiB", f"{time.perf_counter() - began:.1f} s, RssAnon {highest:.0f} MiB")
    for order in ("sort=name", "sort=-price", "price=gt=100&sort=-name"):
        path, times = f"/Item/?{order}&limit=20", []
        for _ in range(1010):
            began = time.perf_counter()
            answer, _ = ask(client, "GET", path)
            times.append(time.perf_counter() - began)
            path = answer.getheader("link").split("<")[1].split(">")[0]
        first, last = statistics.median(times[:10]), statistics.median(times[1000:])
        row(f"pages of {order}: 1st, 1000th", f"{first * 1e6:.0f}, {last * 1e6:.0f} µs ({last / first:.2f} ×)")
    for table, count, record in (
        ("Category", 1000, lambda n: {"id": f"c{n}", "name": f"Category {n}"}),
        ("Product", 100_000, lambda n: {"id": f"p{n}", "name": f"P {rng.random()}", "price": rng.random() * 1000, "categoryId": f"c{rng.randrange(1000)}"}),
    ):
        ask(client, "POST", f"/{table}/", b"".join(lines(count, record)), "application/x-ndjson")
    for query in (
        "/Product/?category.name=Category%205&limit=20",
        "/Product/?category.name=Category%205&sort=-price&limit=20",
        "/Product/?category.name=sw=Category&price=lt=500&sort=name&limit=20",
        "/Category/?products.price=gt=999.99&limit=20",
        "/Product/?categoryId=c7&sort=name&limit=20",
        "/Product/?price=gt=999.9&sort=name&limit=20",
        "/Product/?price=lt=900&sort=name&limit=20",
    ):
        times = []
        for _ in range(200):
            began = time.perf_counter()
            ask(client, "GET", query)
            times.append(time.perf_counter() - began)
        row(f"{query}: p50", f"{percentile(times, .5):.2f} ms")


if __name__ == "__main__":
    main()
