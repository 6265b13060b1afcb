#!/usr/bin/env bash
# Measures what a state costs in memory and how long a node with it takes from its start to its first
# linearizable answer, beside etcd with the same data: one node each, on this machine, in turns.
#
#   bash tests/bench/restart.sh                 a million keys of 256 bytes; some minutes
#   bash tests/bench/restart.sh --keys 20000 --runs 1
#
#   --keys N            keys (1000000); their names have 24 bytes or fewer
#   --value-size BYTES  of each (256)
#   --runs N            restarts of each store, of which the medians count (3)
#   --data-dir DIR      where both keep their data (build/restart)
#   --without-etcd      grassdb alone
#
# Before each restart the node is killed (kill -9). grassdb has taken a snapshot after the keys were
# written, etcd has had its own way. Prints, as medians: milliseconds of wall time to the first answer;
# of the node's CPU time until then; resident bytes a key then, less what an empty node has. Exit codes:
# 0 measured, 1 something could not be started, 2 usage.
#
# In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
script=restart.sh
# shellcheck source=tests/bench/cluster.sh
. tests/bench/cluster.sh

keys=1000000
value_size=256
runs=3
data_dir=build/restart
with_etcd=yes
bin=${GRASSDB_BUILD_DIR:-build/release}/bin
readonly answer_patience=120

while [ $# -gt 0 ]; do
  case $1 in
    --without-etcd) with_etcd= ;;
    --keys | --value-size | --runs | --data-dir)
      [ $# -ge 2 ] || usage "$1 needs a value"
      case $1 in
        --keys) keys=$2 ;;
        --value-size) value_size=$2 ;;
        --runs) runs=$2 ;;
        --data-dir) data_dir=$2 ;;
      esac
      shift
      ;;
    *) usage "unknown argument '$1'" ;;
  esac
  shift
done
number --keys "$keys"
number --value-size "$value_size"
number --runs "$runs"
for program in grassdb grass-cli grass-bench; do
  [ -x "$bin/$program" ] || die "no $program in $bin; build it first"
done
etcd=$(command -v etcd || echo build/etcd/usr/bin/etcd)
if [ -n "$with_etcd" ] && [ ! -x "$etcd" ]; then
  die "no etcd; tests/bench/compare_etcd.sh fetches one, or give --without-etcd"
fi

pid=
trap_exits
make_work "$data_dir"
choose_ports 3
readonly ports

now_ms() { date +%s%3N; }
# User and system time of the node so far, in milliseconds.
cpu_ms() {
  local stat
  stat=$(<"/proc/$pid/stat")
  # Behind the name, which may hold blanks.
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  echo $(((${12} + ${13}) * 1000 / $(getconf CLK_TCK)))
}
rss_bytes() { awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$pid/status"; }

start() {
  if [ "$1" = grassdb ]; then
    launch "$work/grassdb.log" "$bin/grassdb" --id n1 --cluster "n1=127.0.0.1:${ports[0]}" \
      --data-dir "$work"
  else
    local client=http://127.0.0.1:${ports[1]} peer=http://127.0.0.1:${ports[2]}
    launch "$work/etcd.log" "$etcd" --name n1 --data-dir "$work/etcd" --initial-cluster "n1=$peer" \
      --listen-client-urls "$client" --advertise-client-urls "$client" \
      --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
      --quota-backend-bytes 8589934592
  fi
  pid=$launched
}

# A linearizable read of a key.
answers() {
  if [ "$1" = grassdb ]; then
    "$bin/grass-cli" --peers "127.0.0.1:${ports[0]}" --deadline 200ms get bench/none
  else
    curl -sf -m 1 "http://127.0.0.1:${ports[1]}/v3/kv/range" -d '{"key":"Zm9v"}'
  fi >/dev/null 2>&1
}

wait_for_answer() {
  local deadline=$((SECONDS + answer_patience))
  until answers "$1"; do
    kill -0 "$pid" 2>/dev/null || die "$1 has ended: $(tail -n 1 "$work/$1.log")"
    [ $SECONDS -lt $deadline ] || die "$1 does not answer within $answer_patience s"
    sleep 0.01
  done
}

kill_node() {
  end KILL "$pid"
  pid=
}

fill() {
  local peer=127.0.0.1:${ports[0]}
  [ "$1" = grassdb ] || peer=127.0.0.1:${ports[1]}
  "$bin/grass-bench" get --protocol "$1" --peers "$peer" --keys "$keys" --value-size "$value_size" \
    --clients 256 --duration 100ms --warm-up 1ms --deadline 60s >/dev/null || die "cannot fill $1"
  if [ "$1" = grassdb ]; then
    "$bin/grass-cli" --peers "$peer" --deadline 60s snapshot >/dev/null || die "no snapshot"
  fi
}

measure() {
  local store=$1 empty begun run
  start "$store"
  wait_for_answer "$store"
  empty=$(rss_bytes)
  fill "$store"
  echo "$store: $((($(rss_bytes) - empty) / keys)) resident bytes a key when they have been written"
  for ((run = 1; run <= runs; ++run)); do
    kill_node
    begun=$(now_ms)
    start "$store"
    wait_for_answer "$store"
    echo $(($(now_ms) - begun)) >>"$work/$store.wall"
    cpu_ms >>"$work/$store.cpu"
    echo $((($(rss_bytes) - empty) / keys)) >>"$work/$store.rss"
  done
  kill_node
  echo "$store: first answer after $(median <"$work/$store.wall") ms" \
    "($(median <"$work/$store.cpu") ms CPU), $(median <"$work/$store.rss") resident bytes a key;" \
    "medians of $runs restarts"
}

echo "$keys keys with values of $value_size bytes, one node, data on" \
  "$(df --output=fstype "$work" | tail -n 1)"
measure grassdb
[ -z "$with_etcd" ] || measure etcd
measured=yes
