#!/usr/bin/env bash
# load.sh NAME URL-BASE STYLE [SECONDS]: the loads, one row each: name, load, requests/s, p50, p99, errors
#   STYLE        stoa, pocketbase, or bare (GET only; its one record and its one list stand for all)
#   LOADS        which ones, in this order; all six: get-hot get-random list-20 sorted-20 post patch
#   RECORDS      how many products the server holds (10000)
set -euo pipefail
name=$1 base=$2 style=$3 seconds=${4:-8}
loads=${LOADS:-get-hot get-random list-20 sorted-20 post patch} records=${RECORDS:-10000}
lua=$(mktemp -d); trap 'rm -rf "$lua"' EXIT
fail() { echo "load.sh: $*" >&2; exit 1; }

cart=/CartItem/
case $style in
  stoa)
    record=/Product/prod
    list="/Product/?categoryId=cat7&inStock=true&limit(20)"
    sorted="/Product/?price=lt=100&inStock=true&sort(name)&limit(20)" ;;
  pocketbase)
    record=/api/collections/Product/records/prod cart=/api/collections/CartItem/records
    list="/api/collections/Product/records?filter=(categoryId='cat7'%26%26inStock=true)&perPage=20&skipTotal=1"
    sorted="/api/collections/Product/records?filter=(price<100%26%26inStock=true)&sort=name&perPage=20&skipTotal=1" ;;
  bare)
    record=/Product/prod list=/list sorted=/list ;;
  *) fail "no style $style" ;;
esac

json='{["content-type"]="application/json"}'
cat >"$lua/random.lua" <<LUA
local n = 0
request = function()
  n = n + 7
  return wrk.format('GET', string.format('$record%011d', n % $records))
end
LUA
cat >"$lua/post.lua" <<LUA
local n = 0
request = function()
  n = n + 1
  return wrk.format('POST', '$cart', $json,
    '{"productId":"prod' .. (n % $records) .. '","sessionId":"s' .. (n % 500) .. '","quantity":2,"addedAt":"2024-08-05T10:30:00Z"}')
end
LUA
cat >"$lua/patch.lua" <<LUA
local n = 0
request = function()
  n = n + 7
  return wrk.format('PATCH', string.format('$record%011d', n % $records), $json, '{"stockQuantity":' .. (n % 100) .. '}')
end
LUA

row() { # LOAD PATH [SCRIPT]; slow is no error
  timeout --foreground $((seconds + 20)) wrk -t1 -c32 -d"${seconds}s" --timeout 10s --latency ${3:+-s "$3"} "$base$2" | awk -v n="$name" -v l="$1" '
    /^ +50%/ {p50=$2} /^ +99%/ {p99=$2} /Requests\/sec/ {r=$2} /Non-2xx/ {e+=$NF}
    /Socket errors/ {gsub(",", ""); e+=$4+$6+$8+$10}
    END {printf "%-12s %-14s %10.0f /s  p50 %-9s p99 %-9s errors %d\n", n, l, r, p50, p99, e}'
}
twenty() { # PATH: a list that answers something else would be measured for nothing
  local body shown
  body=$(curl -sfg --max-time 10 "$base$1") || fail "$base$1 is not answered with 200"
  shown=$(grep -o '"id":' <<<"$body" | wc -l || true)
  [ "$shown" = 20 ] || fail "$base$1 shows $shown records instead of 20"
}

for load in $loads; do
  case $load in
    get-hot) row get-hot "${record}00000000007" ;;
    get-random) if [ "$style" = bare ]; then row get-random "${record}00000000007"; else row get-random / "$lua/random.lua"; fi ;;
    list-20) twenty "$list"; row list-20 "$list" ;;
    sorted-20) twenty "$sorted"; row sorted-20 "$sorted" ;;
    post) row post / "$lua/post.lua" ;;
    patch) row patch / "$lua/patch.lua" ;;
    *) fail "no load $load" ;;
  esac
done
