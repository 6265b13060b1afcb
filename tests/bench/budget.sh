#!/usr/bin/env bash
# Where the time of all cores goes: for some workloads the CPU time an operation of the client, of the
# leader's and the followers' event loops and of their other threads, which are the disk's, and how much
# of the cores is idle; nodes and client on this machine. What it needs is a quiet one.
#
#   bash tests/bench/budget.sh               three nodes; about a minute
#   bash tests/bench/budget.sh --nodes 1
#   bash tests/bench/budget.sh --cases "put:64 get-stale:64"
#   bash tests/bench/budget.sh --markdown    rows for net/README.md: the goals that goals.sh found missed
#
#   --nodes N           3 or 1 (3)
#   --cases "CASE ..."  WORKLOAD:CLIENTS (those of goals.json; with --markdown those whose ratio is missed, and
#                       stale reads of as many clients)
#   --markdown          the table as Markdown, on stdout; all else goes to stderr. Its head is only with --nodes 3
#   --goals-result FILE what goals.sh has measured, for --markdown (build/goals/result.json)
#   --duration TIME     of each (5s)
#   --value-size BYTES  (256)
#   --data-dir DIR      where the nodes keep their data (build/budget); on a disk
#   --out FILE          everything as JSON (DIR/result.json)
#
# The nodes are started anew for each case, so that the times of their log writes, each with its sync, are of that
# case: upper bounds, at most twice the true value. A case beside which the machine was busy with something else is
# marked; that time is in "rest".
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
markdown=
goals_result=build/goals/result.json
data_dir=build/budget
out=

parse_flags --markdown:markdown:- --goals-result:goals_result::path --nodes:nodes:nodes_number --cases:cases:case_list --duration:duration:time_span \
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

part=three-nodes
[ "$nodes" -eq 3 ] || part=single-node
if [ -n "$markdown" ]; then
  jq -e --arg part "$part" '.parts[$part].result.cases | arrays' "$goals_result" >/dev/null 2>&1 ||
    usage "--goals-result '$goals_result': expected what goals.sh writes, with $part measured"
  [ -n "$cases" ] || cases=$(jq -r -L tests/bench --arg part "$part" 'include "goals"; missed_cases($part)
    | .case, (select(.workload != "stream") | "get-stale:\(.clients)")' "$goals_result" | awk '!seen[$0]++' | tr '\n' ' ')
  [[ $cases = *[!\ ]* ]] || die "no ratio of $part is missed: there are no rows"
  # What is said is no part of the table.
  exec 3>&1 >&2
fi
prepare grassdb grass-cli grass-bench
[ -n "$cases" ] || cases=$(jq -r --arg nodes "$nodes" '.[$nodes] | keys_unsorted | join(" ")' tests/bench/goals.json)
choose_ports "$nodes"
node_cluster "${ports[@]}"
echo "$("$bin/grassdb" --version): nodes: $nodes, $(nproc) cores, data on $(filesystem_of "$work"); us of CPU time an operation"
number=0
for case in $cases; do
  number=$((number + 1))
  file=$work/case-$(printf '%03d' "$number")
  for ((node = 0; node < nodes; ++node)); do start_node "$node"; done
  wait_for "$start_wait_seconds" "a leader" has_leader
  run filled "${case%%:*}" "${case#*:}" --duration 1s
  at=$(leader) || die "no leader"
  watch_machine
  cpu >"$work/before"
  run counted "${case%%:*}" "${case#*:}" --duration "$duration" --no-fill
  cpu >"$work/after"
  other=$(other_load)
  status >"$work/status"
  jq -n --arg case "$case" --argjson leader "$at" --argjson leader_after "$(leader || echo -1)" \
    --argjson cores "$(nproc)" --argjson other "$other" --slurpfile status "$work/status" --slurpfile before "$work/before" --slurpfile after "$work/after" \
    --slurpfile report "$work/counted.json" '
    $report[0] as $run | $before[0] as $a | $after[0] as $b | ($run.all_completed) as $count
    | def each($value): if $count == 0 then null else $value / $count end;
      def spent($of; $which): [range($a.nodes | length) | select((. == $leader) == $of)
        | $b.nodes[.][$which] - $a.nodes[.][$which]] | add // 0;
      { case: $case, leader: $leader, leader_after: $leader_after, ops_per_second: $run.ops_per_second,
        failed: $run.failed, latency_us: $run.latency_us, other_load: $other,
        log_writes: ($status[0] // [] | map({ leads: (.id == "node\($leader)") } + .log_writes)),
        us: { all: each($cores * ($b.at - $a.at)), client: $run.client_cpu_us_per_op,
          leader: each(spent(true; "loop")), leader_disk: each(spent(true; "others")),
          followers: each(spent(false; "loop")), followers_disk: each(spent(false; "others")),
          idle: each($b.idle - $a.idle) } }
    | .us.rest = (.us | .all - ([del(.all)[]] | map(. // 0) | add))' >"$file"
  for ((node = 0; node < nodes; ++node)); do stop_node "$node" TERM; done
  rm -rf "$work"/distdb_*
done
jq -s --arg date "$(date -u +%FT%TZ)" --argjson nodes "$nodes" --argjson cores "$(nproc)" '
  { date: $date, nodes: $nodes, cores: $cores, cases: . }
  | .problems = [.cases[]
      | (select(.failed > 0) | "\(.case): \(.failed) operations failed"),
        (select(.leader != .leader_after) | "\(.case): the leadership moved from node\(.leader)")]' \
  "$work"/case-* >"$out"
{
  echo "case;ops/s;p50 ms;p99 ms;all cores;client;leader;its disk;followers;their disks;idle;rest;its log write p50 ms;p99;theirs p50;p99;other load"
  jq -r 'def number($digits): if . == null then "-" else (. * pow(10; $digits) | round) / pow(10; $digits) end;
    .cases[] | [ .case, (.ops_per_second | round), (.latency_us | .p50, .p99 | . / 1000 | number(2)),
      (.us | .all, .client, .leader, .leader_disk, .followers, .followers_disk, .idle, .rest | number(1)),
      ([.log_writes[] | select(.leads)], [.log_writes[] | select(.leads | not)]
        | ((map(.p50_us) | max), (map(.p99_us) | max)) | if . then . / 1000 else null end | number(2)),
      (.other_load | "\(.other_cores * 100 | round / 100)\(if .disturbed then " (disturbed)" else "" end)") ]
    | join(";")' "$out"
} | print_columns
if [ -n "$markdown" ]; then
  jq -r -L tests/bench --slurpfile goals "$goals_result" --arg part "$part" 'include "goals"; budget_lines($part; $goals[0])' "$out" |
    print_markdown | if [ "$nodes" -eq 3 ]; then cat; else tail -n +3; fi >&3
fi
conclude
