#!/usr/bin/env bash
# Where the time of all cores goes: for some workloads the CPU time an operation of the client, of the
# leader's and the followers' event loops and of their other threads, which are the disk's, and how much
# of the cores is idle; nodes and client on this machine. What it needs is a quiet one.
#
#   bash tests/bench/budget.sh               three nodes; about a minute
#   bash tests/bench/budget.sh --nodes 1
#   bash tests/bench/budget.sh --cases "put:64 get-stale:64"
#
#   --nodes N           3 or 1 (3)
#   --cases "CASE ..."  WORKLOAD:CLIENTS (those of goals.json)
#   --duration TIME     of each (5s)
#   --value-size BYTES  (256)
#   --data-dir DIR      where the nodes keep their data (build/budget); on a disk
#   --out FILE          everything as JSON (DIR/result.json)
#
# Exit codes: 0 measured, 1 an operation failed, the leadership moved, or something could not be started or
# measured (one line says what), 2 usage. In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in
# FOLDER/bin.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

nodes=3
cases=
duration=5s
value_size=256
data_dir=build/budget
out=

parse_flags --nodes:nodes:nodes_number --cases:cases:case_list --duration:duration:time_span \
  --value-size:value_size:value_bytes --data-dir:data_dir::path --out:out:result_file:path -- "$@"

# CPU time so far, as JSON, in microseconds: of each node's event loop, which is its first thread, and of its
# others; and of the cores that were idle, or waited for a disk.
cpu() {
  local node thread loop others time
  for node in "${!node_pids[@]}"; do
    loop=0 others=0
    for thread in "/proc/${node_pids[node]}/task"/*; do
      read -r time _ <"$thread/schedstat" || continue
      if [ "${thread##*/}" = "${node_pids[node]}" ]; then loop=$time; else others=$((others + time)); fi
    done
    echo "{ \"loop\": $((loop / 1000)), \"others\": $((others / 1000)) }"
  done | jq -s --argjson idle "$(awk -v ticks="$(getconf CLK_TCK)" \
    '/^cpu / { printf "%.0f", ($5 + $6) * 1e6 / ticks }' /proc/stat)" \
    --argjson at "$(date +%s%6N)" '{ nodes: ., idle: $idle, at: $at }'
}
# run NAME WORKLOAD CLIENTS MORE-FLAGS...
run() {
  start_bench "$work/$1.json" "$2" --peers "$peers" --clients "$3" --value-size "$value_size" --warm-up 1ms "${@:4}"
  finish_bench "$work/$1.json" "$2 with $3 clients"
}

prepare grassdb grass-cli grass-bench
[ -n "$cases" ] || cases=$(jq -r --arg nodes "$nodes" '.[$nodes] | keys_unsorted | join(" ")' tests/bench/goals.json)
choose_ports "$nodes"
node_cluster "${ports[@]}"
for ((node = 0; node < nodes; ++node)); do start_node "$node"; done
wait_for "$start_wait_seconds" "a leader" has_leader
echo "$("$bin/grassdb" --version): nodes: $nodes, $(nproc) cores, data on $(filesystem_of "$work"); us of CPU time an operation"
number=0
for case in $cases; do
  number=$((number + 1))
  file=$work/case-$(printf '%03d' "$number")
  run filled "${case%%:*}" "${case#*:}" --duration 1s
  at=$(leader) || die "no leader"
  cpu >"$work/before"
  run counted "${case%%:*}" "${case#*:}" --duration "$duration" --no-fill
  cpu >"$work/after"
  jq -n --arg case "$case" --argjson leader "$at" --argjson leader_after "$(leader || echo -1)" \
    --argjson cores "$(nproc)" --slurpfile before "$work/before" --slurpfile after "$work/after" \
    --slurpfile report "$work/counted.json" '
    $report[0] as $run | $before[0] as $a | $after[0] as $b | ($run.all_completed) as $count
    | def each($value): if $count == 0 then null else $value / $count end;
      def spent($of; $which): [range($a.nodes | length) | select((. == $leader) == $of)
        | $b.nodes[.][$which] - $a.nodes[.][$which]] | add // 0;
      { case: $case, leader: $leader, leader_after: $leader_after, ops_per_second: $run.ops_per_second,
        failed: $run.failed, latency_us: $run.latency_us,
        us: { all: each($cores * ($b.at - $a.at)), client: $run.client_cpu_us_per_op,
          leader: each(spent(true; "loop")), leader_disk: each(spent(true; "others")),
          followers: each(spent(false; "loop")), followers_disk: each(spent(false; "others")),
          idle: each($b.idle - $a.idle) } }
    | .us.rest = (.us | .all - ([del(.all)[]] | map(. // 0) | add))' >"$file"
done
jq -s --arg date "$(date -u +%FT%TZ)" --argjson nodes "$nodes" --argjson cores "$(nproc)" '
  { date: $date, nodes: $nodes, cores: $cores, cases: . }
  | .problems = [.cases[]
      | (select(.failed > 0) | "\(.case): \(.failed) operations failed"),
        (select(.leader != .leader_after) | "\(.case): the leadership moved from node\(.leader)")]' \
  "$work"/case-* >"$out"
{
  echo "case;ops/s;p50 ms;p99 ms;all cores;client;leader;its disk;followers;their disks;idle;rest"
  jq -r 'def number($digits): if . == null then "-" else (. * pow(10; $digits) | round) / pow(10; $digits) end;
    .cases[] | [ .case, (.ops_per_second | round), (.latency_us | .p50, .p99 | . / 1000 | number(2)),
      (.us | .all, .client, .leader, .leader_disk, .followers, .followers_disk, .idle, .rest | number(1)) ]
    | join(";")' "$out"
} | print_columns
conclude
