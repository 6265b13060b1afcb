#!/usr/bin/env bash
# Measures what a state costs in memory and how long a node with it takes from its start to its first
# linearizable answer, beside etcd with the same data: one node each, on this machine, in turns.
#
#   bash tests/bench/restart.sh                 a million keys of 256 bytes; some minutes
#   bash tests/bench/restart.sh --max-ready 3000
#   bash tests/bench/restart.sh --keys 20000 --runs 1
#
#   --keys N            keys (1000000); their names have 24 bytes or fewer
#   --value-size BYTES  of each (256)
#   --runs N            restarts of each store, of which the medians count (3)
#   --max-ready MS      exit code 1 if grassdb's first answer takes longer; without it no time is wrong
#   --max-bytes N       exit code 1 if a key takes more resident bytes when grassdb has started again
#   --data-dir DIR      where both keep their data (build/restart); on a disk
#   --out FILE          all of it as JSON (DIR/result.json)
#   --without-etcd      grassdb alone
#
# Before each restart the node is killed (kill -9). grassdb has taken a snapshot after the keys were
# written, etcd has had its own way. Prints, as medians: milliseconds of wall time to the first answer;
# of the node's CPU time until then; resident bytes a key then, less what an empty node has. Exit codes:
# 0 measured, 1 something could not be started or measured, or a bound is broken (one line says what),
# 2 usage.
#
# In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

keys=1000000
value_size=256
runs=3
max_ready=
max_bytes=
data_dir=build/restart
out=
without_etcd=
readonly answer_patience=120

parse_flags --keys:keys:number --value-size:value_size:value_bytes --runs:runs:number \
  --max-ready:max_ready:decimal --max-bytes:max_bytes:number --data-dir:data_dir::path --out:out:result_file:path \
  --without-etcd:without_etcd:- -- "$@"
[ -n "$without_etcd" ] || get_etcd
prepare grassdb grass-cli grass-bench
choose_ports 3
readonly ports
pid=

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
rss_bytes() { echo $(($(rss_kib "$pid") * 1024)); }

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

# grass-bench writes all keys before it reads them, and fails if no read ends in its time: after a million writes
# etcd may answer none for a while.
fill() {
  local peer=127.0.0.1:${ports[0]}
  [ "$1" = grassdb ] || peer=127.0.0.1:${ports[1]}
  "$bin/grass-bench" get --protocol "$1" --peers "$peer" --keys "$keys" --value-size "$value_size" \
    --clients 256 --duration 2s --warm-up 1ms --deadline 60s >/dev/null || die "cannot fill $1"
  if [ "$1" = grassdb ]; then
    "$bin/grass-cli" --peers "$peer" --deadline 60s snapshot >/dev/null || die "no snapshot"
  fi
}

# measure STORE: prints what it has measured, and leaves it in $work/STORE.json.
measure() {
  local store=$1 empty written begun run restarts=$work/$1.restarts
  start "$store"
  wait_for_answer "$store"
  empty=$(rss_bytes)
  fill "$store"
  written=$((($(rss_bytes) - empty) / keys))
  for ((run = 1; run <= runs; ++run)); do
    kill_node
    begun=$(now_ms)
    start "$store"
    wait_for_answer "$store"
    echo "{ \"ready_ms\": $(($(now_ms) - begun)), \"cpu_ms\": $(cpu_ms)," \
      "\"bytes_a_key\": $((($(rss_bytes) - empty) / keys)) }" >>"$restarts"
  done
  kill_node
  jq -s -L tests/bench --argjson written "$written" 'include "goals";
    { bytes_a_key_when_written: $written, ready_ms: (map(.ready_ms) | median),
      cpu_ms: (map(.cpu_ms) | median), bytes_a_key: (map(.bytes_a_key) | median),
      restarts: . }' "$restarts" >"$work/$store.json"
  jq -r --arg store "$store" '"\($store): first answer \(.ready_ms) ms after the start (\(
    .cpu_ms) ms of CPU), \(.bytes_a_key) resident bytes a key then, \(
    .bytes_a_key_when_written) when they had been written"' "$work/$store.json"
}

echo "$("$bin/grassdb" --version)${etcd_version:+ beside $etcd_version}: $keys keys with values of" \
  "$value_size bytes, one node, data on $(filesystem_of "$work"), medians of $runs restarts"
watch_machine
measure grassdb
if [ -n "$without_etcd" ]; then echo null >"$work/etcd.json"; else measure etcd; fi
other=$(other_load)
other_load_text "$other"
jq -n --slurpfile grassdb "$work/grassdb.json" --slurpfile etcd "$work/etcd.json" \
  --argjson keys "$keys" --argjson value_size "$value_size" --arg date "$(date -u +%FT%TZ)" \
  --argjson max_ready "${max_ready:-null}" --argjson max_bytes "${max_bytes:-null}" --argjson other "$other" '
  { date: $date, keys: $keys, value_size: $value_size, grassdb: $grassdb[0], etcd: $etcd[0], other_load: $other }
  | .problems = [.grassdb | (select($max_ready != null and .ready_ms > $max_ready)
      | "the first answer took \(.ready_ms) ms, more than --max-ready \($max_ready)"),
    (select($max_bytes != null and .bytes_a_key > $max_bytes)
      | "a key takes \(.bytes_a_key) bytes, more than --max-bytes \($max_bytes)")]' >"$out"
conclude
