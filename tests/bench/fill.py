#!/usr/bin/env python3
"""Loads products into Stoa: products.py | fill.py ADDRESS:PORT. POSTs arrays of 500, all or nothing each."""
import http.client, itertools, sys

server = http.client.HTTPConnection(sys.argv[1], timeout=30)
while batch := list(itertools.islice(sys.stdin, 500)):
    server.request("POST", "/Product/", f"[{','.join(batch)}]", {"content-type": "application/json"})
    answer = server.getresponse()
    body = answer.read()
    if answer.status != 201:
        sys.exit(f"fill.py: POST /Product/ was answered with {answer.status}: {body[:500].decode(errors='replace')}")
