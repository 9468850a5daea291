#!/usr/bin/env bash
# What rules cost: rules.sh [STOA] [SECONDS]
#
# 100,000 meetings of one person, then 64 clients that book the next ones, with @noOverlap and without, in turn; and 64
# clients that take from the stock of one product, with @check(min: 0) and without. Needs wrk. The databases lie under target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
stoa=${1:-target/release/stoa} seconds=${2:-4}
work=$PWD/target/rules; rm -rf "$work"; mkdir -p "$work"/{with,without}
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

cat >"$work/with/schema.graphql" <<'SCHEMA'
type Event @table @export @noOverlap(start: startTime, end: endTime, by: [organizerId, attendeeIds], unless: "status in ('cancelled','declined')") {
  id: ID @primaryKey  title: String @indexed  startTime: String @indexed  endTime: String @indexed
  organizerId: ID @indexed  attendeeIds: [ID] @indexed  status: String @indexed }
type Product @table @export { id: ID  stockQuantity: Int @check(min: 0)  name: String }
SCHEMA
sed 's/ @noOverlap(.*declined.)")//; s/ @check(min: 0)//' "$work/with/schema.graphql" >"$work/without/schema.graphql"
python3 - >"$work/events" <<'PYTHON'
import datetime, json
start = datetime.datetime(2000, 1, 1)
for hour in range(100_000):
    at = start + datetime.timedelta(hours=hour)
    shown = lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ")
    print(json.dumps({"id": f"e{hour}", "title": "t", "startTime": shown(at), "endTime": shown(at + datetime.timedelta(minutes=30)),
                      "organizerId": "u1", "attendeeIds": [f"x{hour}"]}))
PYTHON
# Each run books hours that none before it has booked.
cat >"$work/book.lua" <<'LUA'
local at = os.time{year=2012, month=1, day=1, hour=0} + 1000000000 * tonumber(os.getenv("ROUND"))
local shown = function(time) return os.date("!%Y-%m-%dT%H:%M:%SZ", time) end
function request()
  at = at + 3600
  return wrk.format("POST", "/Event/", {["Content-Type"]="application/json"}, '{"title":"t","startTime":"'..shown(at)..'","endTime":"'..
    shown(at + 1800)..'","organizerId":"u1","attendeeIds":["y'..at..'"]}')
end
LUA
cat >"$work/take.lua" <<'LUA'
function request()
  return wrk.format("PATCH", "/Product/p", {["Content-Type"]="application/json"}, '{"stockQuantity":{"__op__":"add","value":-1}}')
end
LUA
port=9881
for side in with without; do
  "$stoa" serve "$work/$side" --listen "127.0.0.1:$port" >/dev/null & pids+=($!)
  until curl -sf -o /dev/null "127.0.0.1:$port/_stoa/health"; do sleep 0.05; done
  curl -sSf -o /dev/null -X POST --data-binary "@$work/events" -H 'Content-Type: application/x-ndjson' "127.0.0.1:$port/Event/"
  curl -sSf -o /dev/null -X PUT -H 'Content-Type: application/json' -d '{"stockQuantity":2000000000}' "127.0.0.1:$port/Product/p"
  port=$((port + 1))
done
run() { # SCRIPT PORT: requests per second, p50, p99, answers that were errors
  wrk -t1 -c64 -d"$seconds" --latency -s "$work/$1.lua" "http://127.0.0.1:$2" | awk '
    /^ +50%/ {p50 = $2} /^ +99%/ {p99 = $2} /Non-2xx/ {errors = $NF} /^Requests\/sec/ {rate = $2}
    END {printf "%.0f | %s | %s | %d |\n", rate, p50, p99, errors}'
}
echo '| | /s | p50 | p99 | errors |'
echo '|---|---:|---:|---:|---:|'
for round in 1 2 3; do
  echo "| booking with @noOverlap | $(ROUND=$round run book 9881)"
  echo "| the same insert without the rule | $(ROUND=$round run book 9882)"
done
echo "| one hot product with @check | $(run take 9881)"
echo "| without | $(run take 9882)"
