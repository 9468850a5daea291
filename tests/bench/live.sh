#!/usr/bin/env bash
# What live updates cost and how soon they come: live.sh [STOA] [SECONDS] [--peers]
#
# 1,000 followers of a product each and 200 changes a second; one product and 10,000 followers, beside a loop that writes
# the same bytes to as many sockets; the memory of 10,000 who wait, and what writers do beside them, three rounds in turn.
# --peers: the same of PocketBase (server-sent events). Needs wrk. The databases lie under target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
peers=no; [ "${*: -1}" = --peers ] && { peers=yes; set -- "${@:1:$#-1}"; }
stoa=${1:-target/release/stoa} seconds=${2:-4}
bench=tests/bench follow=target/release/follow work=$PWD/target/live
rm -rf "$work"; mkdir -p "$work"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
anonymous_kb() { awk '/^RssAnon/ {print $2}' "/proc/$1/status"; }

row() { # WHAT, then name<TAB>value lines: one row of them
  local what=$1 line cells=
  while IFS=$'\t' read -r name value; do cells+="$name $value; "; done
  echo "| $what | ${cells%; } |"
}

# Opens 10,000 followers and keeps them until `leave`.
stay() { # ADDRESS STYLE FOLLOWERS
  rm -f "$work/stay" "$work/said"; mkfifo "$work/stay"
  "$follow" idle "$1" "$2" "$3" <"$work/stay" >"$work/said" & staying=$!
  exec 9>"$work/stay"
  until grep -q ready "$work/said"; do kill -0 "$staying"; sleep 0.1; done
}
leave() { exec 9>&-; wait "$staying"; }

patches() { # BASE STYLE: patches a second
  LOADS=patch RECORDS=10000 "$bench/load.sh" x "$1" "$2" "$seconds" | awk '{printf "%s (errors %s)", $3, $NF}'
}

measure() { # NAME ADDRESS STYLE PID FOLLOWERS
  local name=$1 address=$2 style=$3 pid=$4 followers=$5 before after round
  before=$(anonymous_kb "$pid")
  stay "$address" "$style" "$followers"
  after=$(anonymous_kb "$pid")
  echo "| $name: anonymous memory of each of $followers followers, each of a product of its own | $(awk "BEGIN {printf \"%.1f KB\", ($after - $before) / $followers}") |"
  leave
  for round in 1 2 3; do
    echo "| $name: PATCH /s, nobody follows | $(patches "http://$address" "$style") |"
    stay "$address" "$style" "$followers"
    echo "| $name: PATCH /s, $followers follow other products | $(patches "http://$address" "$style") |"
    leave
  done
  "$follow" latency "$address" "$style" 1000 | row "$name: from the request to the follower, 1,000 of them, 200 changes a second"
  "$follow" fan-out "$address" "$style" "$followers" | row "$name: one change, $followers followers"
}

echo "| | |"
echo "|---|---|"
address=127.0.0.1:$(free_port)
"$stoa" serve "$bench/app" --listen "$address" --data "$work/data" >"$work/log" & pids+=($!); pid=$!
until curl -sf -o /dev/null "$address/_stoa/health"; do sleep 0.05; done
"$bench/products.py" 20000 | "$bench/fill.py" "$address"
for round in 1 2; do "$follow" bare 10000 | row "a loop that writes to 10,000 sockets"; done
measure Stoa "$address" stoa "$pid" 10000
"$follow" bare 10000 | row "a loop that writes to 10,000 sockets"
kill "$pid"; wait "$pid" || true

if [ "$peers" = yes ]; then
  port=$(free_port) dir=target/peers/pocketbase
  pid=$("$bench/pocketbase.sh" "$dir" "$port" 20000); pids+=("$pid")
  measure PocketBase "127.0.0.1:$port" pocketbase "$pid" 10000
fi
