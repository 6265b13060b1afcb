#!/usr/bin/env bash
# More writes than three nodes on this machine can take: 2000 clients, each with a put under way
# at all times, in a call of its own or all on one stream a channel, against a small --write-backlog. What is
# beyond it must be answered with OVERLOADED and not be queued: every put ends in an answer of a known kind,
# memory stays below a bound, and afterwards the cluster serves as before.
#
#   bash tests/bench/flood.sh               half a minute
#
#   --workload W         put, stream, mixed, txn, ... (put); before and after it is always put
#   --clients N          (2000)
#   --value-size BYTES   (16384)
#   --write-backlog SIZE of the nodes (4MiB)
#   --duration TIME      of the flood (10s)
#   --max-rss MIB        exit code 1 if a node had more resident memory at any time (512)
#   --max-ratio N        exit code 1 if p50 afterwards is more than so many times the one before (3)
#   --max-elections N    exit code 1 if more were won meanwhile (0)
#   --data-dir DIR       where the nodes keep their data (build/flood); on a disk
#   --out FILE           everything as JSON (DIR/result.json)
#
# A put whose deadline (20 s: ten of the longest pauses) passes while it is answered with OVERLOADED again and
# again has failed as "unreachable": nothing of it has happened. That is allowed; any other failure is not, so
# the deadline must not pass just when a put that was let in waits for its answer. Exit codes: 0
# within the bounds, 1 not, or something could not be started (one line says what), 2 usage. In the
# environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

workload=put
clients=2000
value_size=16384
write_backlog=4MiB
duration=10s
max_rss=512
max_elections=0
max_ratio=3
data_dir=build/flood
out=

parse_flags --workload:workload:workload_name --clients:clients:clients_number --max-elections:max_elections:number_from_0 --max-ratio:max_ratio:decimal --value-size:value_size:value_bytes \
  --write-backlog:write_backlog:size --duration:duration:time_span --max-rss:max_rss:decimal \
  --data-dir:data_dir::path --out:out:result_file:path -- "$@"

# load NAME WORKLOAD CLIENTS DURATION: a run in the background.
load() {
  start_bench "$work/$1.json" "$2" --peers "$peers" --clients "$3" --value-size "$value_size" \
    --keys 1000 --duration "$4" --deadline 20s --server-pids "$(node_pid_list)"
}
# Of each node's life so far.
peak_rss_mib() {
  local node
  for node in 0 1 2; do
    awk '/^VmHWM/ { print $2 / 1024 }' "/proc/${node_pids[node]}/status"
  done | jq -s .
}

prepare grassdb grass-cli grass-bench
node_flags=(--write-backlog "$write_backlog")
start_cluster
at=$(leader) || die "no leader"
echo "$("$bin/grassdb" --version): three nodes with a backlog of $write_backlog, $clients clients of" \
  "$workload, values of $value_size bytes"
watch_machine
load before put 16 2s
finish_bench "$work/before.json" "puts before"
peak_before=$(peak_rss_mib)
elections_before=$(logged 'Won election')
load flood "$workload" "$clients" "$duration"
finish_bench "$work/flood.json" "the flood"
check_nodes
peak=$(peak_rss_mib)
elections=$(($(logged 'Won election') - elections_before))
leader_after=$(leader) || leader_after=none
load after put 16 2s
finish_bench "$work/after.json" "puts after"
other=$(other_load)
jq -n --slurpfile before "$work/before.json" --slurpfile flood "$work/flood.json" \
  --slurpfile after "$work/after.json" --argjson peak_before "$peak_before" --argjson peak "$peak" \
  --argjson max_rss "$max_rss" --argjson max_ratio "$max_ratio" --arg node "node$at" --arg leader "node$leader_after" \
  --argjson elections "$elections" --argjson max_elections "$max_elections" --arg backlog "$write_backlog" \
  --argjson other "$other" '
  { backlog: $backlog, peak_rss_mib: { before: $peak_before, flood: $peak }, leader_before: $node,
    leader_after: $leader, elections: $elections, other_load: $other, before: $before[0], flood: $flood[0], after: $after[0],
    p50_ratio: (if $before[0].latency_us.p50 and $after[0].latency_us.p50
      then $after[0].latency_us.p50 / $before[0].latency_us.p50 else null end) }
  | .problems = [
      (select((.flood.retried_after.OVERLOADED // 0) == 0) | "nothing was answered with OVERLOADED: the flood was too small"),
      (.flood.failures | del(.unreachable) | select(length > 0) | "puts of the flood failed: \(.)"),
      (select(.elections > $max_elections) | "the flood toppled a leader: \(.elections) elections, more than \($max_elections)"),
      (.before, .after | select(.failed > 0) | "puts before or after the flood failed: \(.failures)"),
      (select(.p50_ratio == null or .p50_ratio > $max_ratio)
        | "p50 afterwards is \(.p50_ratio // 0 | . * 100 | round / 100) times the one before, more than \($max_ratio)"),
      (select((.peak_rss_mib.flood | max) > $max_rss) | "a node had \(.peak_rss_mib.flood | max | round) MiB, more than \($max_rss)") ]' >"$out"
{
  echo "puts;clients;ops/s;p50 ms;p99 ms;failed;OVERLOADED;other retries"
  jq -r 'def ms: if . == null then "-" else . / 10 | round / 100 end; ("before", "flood", "after") as $run | .[$run]
    | [$run, .clients, (.ops_per_second | round), (.latency_us | .p50, .p99 | ms), .failed,
       (.retried_after.OVERLOADED // 0), (.retried_after | del(.OVERLOADED) | tojson)] | join(";")' "$out"
} | print_columns
jq -r 'def all: map(round | tostring) | join(" / "); "Most resident memory of the nodes, MiB: \(
  .peak_rss_mib.before | all) before, \(.peak_rss_mib.flood | all) with the flood; leader \(
  .leader_before), afterwards \(.leader_after), \(.elections) elections meanwhile"' "$out"
other_load_text "$other"
conclude
