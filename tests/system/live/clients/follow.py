"""Follows a running server with the `websockets` package: follow.py http://127.0.0.1:PORT

The server serves `type Item @table @export { id: ID @primaryKey n: Int }`. Ends with 1 at the first surprise."""

import json
import sys
import urllib.request

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

BASE = sys.argv[1]
LIVE = BASE.replace("http://", "ws://")
PATIENCE = 60


def send(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.headers


def hears(socket, *expected):
    for wanted in expected:
        message = json.loads(socket.recv(timeout=PATIENCE))
        found = tuple(message.get(name) for name in ("as", "type", "id", "value"))
        assert found == wanted, (message, wanted)


def follows_a_query():
    send("PUT", "/Item/a", {"n": 1})
    with connect(LIVE + "/Item/?select(n)") as socket:
        hears(socket, (None, "put", "a", 1), (None, "ready", None, None))
        since = send("PUT", "/Item/b", {"n": 2})["stoa-seq"]
        hears(socket, (None, "put", "b", 2))
        assert socket.ping().wait(PATIENCE)
        send("DELETE", "/Item/b")
        hears(socket, (None, "delete", "b", None))
        socket.close(4000, "enough")
        assert (socket.close_code, socket.protocol.close_rcvd.code) == (4000, 4000)
    with connect(LIVE + "/Item/?select(n)&since=" + since) as socket:
        hears(socket, (None, "delete", "b", None), (None, "ready", None, None))


def follows_many_queries():
    with connect(LIVE + "/_stoa/live") as socket:
        socket.send(json.dumps({"subscribe": "/Item/?select(n)", "as": "items"}))
        hears(socket, ("items", "put", "a", 1), ("items", "ready", None, None))
        # An iterable is sent in fragments.
        socket.send(iter(['{"subscribe":"/Item/a?', 'select(n)",', '"as":"one"}']))
        hears(socket, ("one", "put", "a", 1), ("one", "ready", None, None))
        socket.send(json.dumps({"unsubscribe": "items"}))
        socket.send("no JSON")
        hears(socket, (None, "error", None, None))
        send("PUT", "/Item/a", {"n": 3})
        hears(socket, ("one", "put", "a", 3))
        socket.send(b"bytes")
        try:
            socket.recv(timeout=PATIENCE)
            raise AssertionError("bytes were taken")
        except ConnectionClosed as closed:
            assert closed.rcvd.code == 1003, closed


def is_refused():
    try:
        connect(LIVE + "/Item/?nothing=1")
        raise AssertionError("a bad query was followed")
    except InvalidStatus as refused:
        assert refused.response.status_code == 400
        assert json.loads(refused.response.body)["type"] == "/_stoa/problems/unknown-attribute"


follows_a_query()
follows_many_queries()
is_refused()
