#!/usr/bin/env bash
# Full load for minutes, with snapshots and a follower that is killed and started again, beside the same
# load without either: three nodes on this machine, whose resident memory is looked at every second.
#
#   bash tests/bench/soak.sh                   ten minutes, and half a minute before
#   bash tests/bench/soak.sh --minutes 1 --quiet-seconds 5
#
#   --minutes N          of the load (10); fractions too
#   --quiet-seconds N    of the quiet run before (20)
#   --workload W         put, mixed, txn, get, ... (put)
#   --clients N          (64)
#   --snapshot-log-size SIZE   of the nodes: a snapshot each time the log has grown so much (64MiB)
#   --restart-every N    seconds between two kills of the follower (20)
#   --max-ratio N        of p99 with it all and quiet p99 (3)
#   --max-growth N       percent that a node's memory may grow, from the middle third of the time to the
#                        last third, as medians (10); below 8 MiB it is none
#   --data-dir DIR       where the nodes keep their data (build/soak); on a disk
#   --out FILE           everything as JSON (DIR/result.json)
#
# Exit codes: 0 within the bounds, 1 not, or something could not be started or measured (one line says
# what), 2 usage. In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/packages.sh
. tests/packages.sh
script=soak.sh
# shellcheck source=tests/bench/cluster.sh
. tests/bench/cluster.sh

readonly down_seconds=2
minutes=10
quiet_seconds=20
workload=put
clients=64
snapshot_log_size=64MiB
restart_every=20
max_ratio=3
max_growth=10
data_dir=build/soak
out=

parse_flags --minutes:minutes:decimal --quiet-seconds:quiet_seconds:number --workload:workload \
  --clients:clients:number --snapshot-log-size:snapshot_log_size --restart-every:restart_every:number \
  --max-ratio:max_ratio:decimal --max-growth:max_growth:decimal --data-dir:data_dir --out:out -- "$@"
[ "$restart_every" -gt "$down_seconds" ] ||
  usage "--restart-every '$restart_every': the follower is down for $down_seconds s; give more"

# load OUTPUT TIME MORE-FLAGS...
load() {
  start_bench "$1" "$workload" --peers "$peers" --clients "$clients" --duration "$2" "${@:3}"
}

# A node that does not lead, nor will for its place in the list.
a_follower() { echo $((($(leader) + 1) % 3)); }

sample() {
  local line=$SECONDS node
  for node in 0 1 2; do
    if [ -n "${node_pids[node]}" ]; then
      line+=" $(rss_kib "${node_pids[node]}")"
    else
      line+=" 0"
    fi
  done
  echo "$line" >>"$work/memory"
}

# While the load runs: looks at the memory, kills the follower and starts it again.
disturb() {
  local follower=$1 began=$SECONDS next_kill up_at=0 restarts=0
  next_kill=$((SECONDS + restart_every / 2))
  : >"$work/memory"
  while kill -0 "$bench_pid" 2>/dev/null; do
    if [ "$up_at" -eq 0 ] && [ $SECONDS -ge "$next_kill" ]; then
      stop_node "$follower" KILL
      up_at=$((SECONDS + down_seconds))
    elif [ "$up_at" -ne 0 ] && [ $SECONDS -ge "$up_at" ]; then
      start_node "$follower"
      up_at=0
      restarts=$((restarts + 1))
      next_kill=$((next_kill + restart_every))
    fi
    sample
    sleep 1
  done
  [ "$up_at" -eq 0 ] || start_node "$follower"
  echo "$((SECONDS - began)) $restarts" >"$work/disturbed"
}

# Of the nodes, as an array of JSON.
memory() {
  local node
  for node in 0 1 2; do
    growth "$work/memory" $((node + 2)) "node$node" "$max_growth"
  done | jq -s .
}

# How many lines with this all logs have.
logged() { cat "$work"/grassdb?.log | grep -c "$1" || true; }
snapshots() { logged 'Took snapshot\|Installed snapshot'; }
elections() { logged 'Won election'; }

print_tables() {
  {
    echo "run;seconds;ops/s;p50 ms;p99 ms;p99.9 ms;max ms;longest pause ms;failed"
    jq -r 'def ms: . / 10 | round / 100;
      ("quiet", "soak") as $run | .[$run] | [$run, .seconds, (.ops_per_second | round),
        (.latency_us | .p50, .p99, ."p99.9", .max | ms), (.longest_pause_ms | . * 100 | round / 100),
        .failed] | join(";")' "$out"
  } | print_columns
  echo
  {
    echo "resident MiB;middle third;last third;growth;"
    jq -r 'def tenth: . * 10 | round / 10;
      .memory[] | [.node, (.middle_third_mib // 0, .last_third_mib // 0 | tenth),
        "\(.growth_percent // 0 | tenth) %", if .grows then "grows" else "" end] | join(";")' "$out"
  } | print_columns
  echo
  jq -r '"\(.restarts) restarts of \(.follower), \(.snapshots) snapshots, \(.elections) elections; p99 \(
    .p99_ratio * 100 | round / 100) times the quiet one"' "$out"
}

prepare grassdb grass-cli grass-bench
node_flags=(--snapshot-log-size 1000GiB)
start_cluster
echo "$("$bin/grassdb" --version): three nodes, $workload with $clients clients, data on" \
  "$(filesystem_of "$work"); quiet for $quiet_seconds s, then $minutes minutes"
load "$work/quiet.json" "${quiet_seconds}s" --server-pids "$(node_pid_list)"
finish_bench "$work/quiet.json" "the quiet run"

# Again with snapshots; a restart changes nothing else.
for node in 0 1 2; do stop_node "$node" TERM; done
node_flags=(--snapshot-log-size "$snapshot_log_size")
for node in 0 1 2; do start_node "$node"; done
wait_for "$start_wait_seconds" "a leader" has_leader
snapshots_before=$(snapshots)
elections_before=$(elections)
follower=$(a_follower)
load "$work/soak.json" "${minutes}m"
disturb "$follower"
finish_bench "$work/soak.json" "the soak"
catch_up "$follower"
read -r _ restarts <"$work/disturbed"
memory >"$work/memory.json"
jq -n --slurpfile quiet "$work/quiet.json" --slurpfile soak "$work/soak.json" \
  --slurpfile memory "$work/memory.json" --arg follower "node$follower" --arg date "$(date -u +%FT%TZ)" \
  --argjson restarts "$restarts" --argjson snapshots $(($(snapshots) - snapshots_before)) \
  --argjson elections $(($(elections) - elections_before)) \
  --argjson max_ratio "$max_ratio" --rawfile samples "$work/memory" '
  { date: $date, quiet: $quiet[0], soak: $soak[0], memory: $memory[0],
    follower: $follower, restarts: $restarts, snapshots: $snapshots, elections: $elections,
    p99_ratio: ($soak[0].latency_us.p99 / $quiet[0].latency_us.p99),
    rss_kib: ($samples | split("\n") | map(select(. != "") | split(" ") | map(tonumber))) }
  | .problems = [
      (select(.p99_ratio > $max_ratio) | "p99 is \(.p99_ratio * 100 | round / 100) times the quiet one, more than \($max_ratio)"),
      (.memory[] | select(.grows == null) | "\(.node) did not run in a third of the time"),
      (.memory[] | select(.grows) | "the memory of \(.node) grows by \(.growth_percent | round) %"),
      (select(.soak.failed > 0) | "\(.soak.failed) operations failed: \(.soak.failures)"),
      (select(.restarts == 0) | "the load was too short for a restart"),
      (select(.snapshots == 0) | "the load was too short for a snapshot") ]' >"$out"
print_tables
conclude
