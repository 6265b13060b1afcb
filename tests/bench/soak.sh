#!/usr/bin/env bash
# Full load for minutes, with snapshots and a follower that is killed and started again, beside the same
# load without either: three nodes on this machine, whose resident memory is looked at every second.
#
#   bash tests/bench/soak.sh                   ten minutes, and half a minute before
#   bash tests/bench/soak.sh --minutes 3 --quiet-seconds 10   the shortest that is judged
#   bash tests/bench/soak.sh --short           half a minute, to try it: every 4 s a kill, small snapshots
#
#   --minutes N          of the load (10); fractions too
#   --quiet-seconds N    of the quiet run before (20)
#   --workload W         put, mixed, txn, get, ... (put)
#   --clients N          (64)
#   --snapshot-log-size SIZE   of the nodes: a snapshot each time the log has grown so much (64MiB)
#   --restart-every N    seconds between two kills of the follower (20)
#   --max-ratio N        of p99 with it all and quiet p99 (3)
#   --max-growth N       percent that a node's memory may grow over the last two thirds of the time, by the
#                        straight line that fits its samples best (10); below 8 MiB it is none. Of the
#                        follower that is killed it is what it has at the end of each of its lives
#   --max-elections N    that may be won meanwhile (0): a follower that comes back causes none
#   --short              --minutes 0.4 --quiet-seconds 3 --restart-every 4 --snapshot-log-size 1MiB, where
#                        these are not given
#   --data-dir DIR       where the nodes keep their data (build/soak); on a disk
#   --out FILE           everything as JSON (DIR/result.json)
#
# In less than 3 minutes memory is still filling, and a few kills and snapshots are all of a p99: then none of
# p99, memory and elections is judged, nor is p99 with less than 10 quiet seconds beside it, and the last lines say
# so. A bound that is given is held all the same.
#
# Exit codes: 0 within the bounds, 1 not, or something could not be started or measured (one line says
# what), 2 usage. In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

readonly down_seconds=2
readonly judged_minutes=3 judged_quiet_seconds=10
minutes=
quiet_seconds=
short=
workload=put
clients=64
snapshot_log_size=
restart_every=
max_ratio=
max_growth=
max_elections=
data_dir=build/soak
out=

parse_flags --short:short:- --minutes:minutes:decimal --quiet-seconds:quiet_seconds:number --workload:workload:workload_name \
  --clients:clients:clients_number --snapshot-log-size:snapshot_log_size:size --restart-every:restart_every:number \
  --max-ratio:max_ratio:decimal --max-growth:max_growth:decimal --max-elections:max_elections:number_from_0 --data-dir:data_dir::path --out:out:result_file:path -- "$@"
minutes=${minutes:-${short:+0.4}} minutes=${minutes:-10}
quiet_seconds=${quiet_seconds:-${short:+3}} quiet_seconds=${quiet_seconds:-20}
restart_every=${restart_every:-${short:+4}} restart_every=${restart_every:-20}
snapshot_log_size=${snapshot_log_size:-${short:+1MiB}} snapshot_log_size=${snapshot_log_size:-64MiB}
# What a run of this length says nothing about.
not_judged=()
long_enough() { [ "$(microseconds "${minutes}m")" -ge "$(microseconds "${judged_minutes}m")" ]; }
if [ -z "$max_ratio" ] && { ! long_enough || [ "$quiet_seconds" -lt "$judged_quiet_seconds" ]; }; then
  not_judged+=(p99)
fi
if [ -z "$max_growth" ] && ! long_enough; then not_judged+=(memory); fi
if [ -z "$max_elections" ] && ! long_enough; then not_judged+=(elections); fi
max_ratio=${max_ratio:-3} max_growth=${max_growth:-10}
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

# memory FOLLOWER: of the nodes, as an array of JSON.
memory() {
  local node
  for node in 0 1 2; do
    if [ "$node" = "$1" ]; then
      lives_of "$work/memory" $((node + 2)) | growth "node$node" "$max_growth" |
        jq '{ restarted: true } + .'
    else
      memory_of "$work/memory" $((node + 2)) | growth "node$node" "$max_growth" |
        jq '{ restarted: false } + .'
    fi
  done | jq -s .
}

snapshots() { logged 'Took snapshot\|Installed snapshot'; }
elections() { logged 'Won election'; }

print_tables() {
  {
    echo "run;seconds;ops/s;p50 ms;p99 ms;p99.9 ms;max ms;longest pause ms;failed"
    jq -r 'def ms: if . == null then "-" else . / 10 | round / 100 end;
      ("quiet", "soak") as $run | .[$run] | [$run, .seconds, (.ops_per_second | round),
        (.latency_us | .p50, .p99, ."p99.9", .max | ms), (.longest_pause_ms | . * 100 | round / 100),
        .failed] | join(";")' "$out"
  } | print_columns
  echo
  {
    echo "resident MiB (line through the samples);first;last;an hour;growth;most;samples;"
    jq -r 'def tenth: if . == null then "-" else . * 10 | round / 10 end;
      .memory[] | ["\(.node)\(if .restarted then ", at the end of each life" else "" end)",
        (.first_mib, .last_mib, .mib_per_hour | tenth),
        (.growth_percent | tenth | if . == "-" then . else "\(.) %" end), (.most_mib | tenth),
        .samples, if .grows then "grows" elif .grows == null then "too few to say" else "" end]
      | join(";")' "$out"
  } | print_columns
  echo
  jq -r '"\(.restarts) restarts of \(.follower), \(.snapshots) snapshots, \(.elections) elections; p99 \(
    if .p99_ratio == null then "-" else .p99_ratio * 100 | round / 100 end) times the quiet one"' "$out"
  jq -r --arg minutes "$judged_minutes" --arg quiet "$judged_quiet_seconds" '.not_judged | select(. != [])
    | "Not judged: \(join(" and ")). That takes \($minutes) minutes of load\(
        if index(["p99"]) then ", and for p99 \($quiet) quiet seconds" else "" end), or a bound: \(
        map({ p99: "--max-ratio", memory: "--max-growth", elections: "--max-elections" }[.]) | join(" and "))"' "$out"
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
watch_machine
load "$work/soak.json" "${minutes}m"
disturb "$follower"
finish_bench "$work/soak.json" "the soak"
other=$(other_load)
catch_up "$follower"
read -r _ restarts <"$work/disturbed"
memory "$follower" >"$work/memory.json"
jq -n --slurpfile quiet "$work/quiet.json" --slurpfile soak "$work/soak.json" \
  --slurpfile memory "$work/memory.json" --arg follower "node$follower" --arg date "$(date -u +%FT%TZ)" \
  --argjson restarts "$restarts" --argjson snapshots $(($(snapshots) - snapshots_before)) \
  --argjson elections $(($(elections) - elections_before)) \
  --argjson max_ratio "$max_ratio" --argjson max_elections "${max_elections:-0}" --argjson other "$other" --arg not_judged "${not_judged[*]}" --rawfile samples "$work/memory" '
  { date: $date, quiet: $quiet[0], soak: $soak[0], memory: $memory[0],
    follower: $follower, restarts: $restarts, snapshots: $snapshots, elections: $elections, other_load: $other,
    p99_ratio: ($soak[0].latency_us.p99 as $p99 | $quiet[0].latency_us.p99 as $quiet
      | if $p99 == null or $quiet == null then null else $p99 / $quiet end),
    not_judged: ($not_judged | split(" ")),
    rss_kib: ($samples | split("\n") | map(select(. != "") | split(" ") | map(tonumber))) }
  | def judged($what): .not_judged | index([$what]) | not;
    .problems = [
      (select(.p99_ratio == null) | "no operation ended"),
      (select(judged("p99") and .p99_ratio > $max_ratio) | "p99 is \(.p99_ratio * 100 | round / 100) times the quiet one, more than \($max_ratio)"),
      (select(judged("memory")) | .memory[] | select(.grows == null and (.restarted | not)) | "\(.node) has too few samples of its memory"),
      (select(judged("memory")) | .memory[] | select(.grows) | "the memory of \(.node) grows by \(.growth_percent | round) %"),
      (select(judged("elections") and .elections > $max_elections) | "\(.elections) elections, more than \($max_elections): a follower that is killed and started again causes none"),
      (select(.soak.failed > 0) | "\(.soak.failed) operations failed: \(.soak.failures)"),
      (select(.restarts == 0) | "the load was too short for a restart"),
      (select(.snapshots == 0) | "the load was too short for a snapshot") ]' >"$out"
print_tables
other_load_text "$other"
conclude
