#!/usr/bin/env bash
# Measures grassdb and etcd side by side: a cluster of three nodes each, on this machine, on one disk,
# with every write synced, by the same load generator, in turns (A B A B), so that whatever the machine
# does besides meets both. Prints the medians, their ratios, and which goals of goals.json they reach,
# and writes them, with every run, to a JSON file.
#
#   bash tests/bench/compare_etcd.sh                 about thirteen minutes on a quiet machine
#   bash tests/bench/compare_etcd.sh --nodes 1       about five: one node each
#   bash tests/bench/compare_etcd.sh --quick         about a minute: three workloads, two short runs
#
#   --nodes N           of each cluster: 1 or 3 (3)
#   --runs N            good runs of each store for a workload (5)
#   --duration TIME     of each run, as grass-bench has it (5s)
#   --cases "W:C ..."   workloads and how many clients, for example "put:1 put:64 get:64"; etcd has
#                       nothing like stream: beside it stands its best, put with 256 clients
#   --goals FILE        instead of tests/bench/goals.json: for each number of nodes and each case the
#                       least ratio of throughput, ops (a second), and the most p50_ms, p99_ms,
#                       p99_ratio, servers_cpu_us (an operation)
#   --data-dir DIR      where both keep their data (build/compare); on a disk, or a sync costs nothing
#   --out FILE          the JSON file (build/compare/result.json)
#   --keep-disturbed    count runs with other load on the machine too, and say how many
#
# A run with more than 0.35 cores of other load, or 8 % stolen, or an operation that failed or found no key
# is dropped and made again, up to twice as many runs as asked for. Exit codes: 0 measured, 1 something could
# not be started, measured often enough or installed (one line says what), 2 usage.
#
# In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin as they are.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

nodes=3
quick=
runs=
duration=
cases=
goals=tests/bench/goals.json
data_dir=build/compare
out=
keep_disturbed=

check_runs() { [[ $2 =~ ^[1-9][0-9]?$ ]] || usage "$1 '$2': expected a number from 1 to 99"; }
check_goals() {
  goals_file "$@"
  jq -e '.["1"] or .["3"]' "$3" >/dev/null ||
    usage "$1 '$2': expected JSON with goals for 1 or 3 nodes, as tests/bench/goals.json has them"
}

parse_flags --quick:quick:- --keep-disturbed:keep_disturbed:- --nodes:nodes:nodes_number \
  --runs:runs:check_runs --duration:duration:time_span --cases:cases:case_list --goals:goals:check_goals:path \
  --data-dir:data_dir::path --out:out:result_file:path -- "$@"
if [ -n "$quick" ]; then
  runs=${runs:-2}
  duration=${duration:-2s}
  cases=${cases:-put:1 put:64 get:64}
fi
runs=${runs:-5}
duration=${duration:-5s}
if [ "$nodes" -eq 1 ]; then
  cases=${cases:-put:1 put:64 put:256 get:64}
else
  cases=${cases:-put:1 put:16 put:64 put:256 get:64 get:256 get-stale:64 mixed:64 txn:64 stream:1024 stream:4096}
fi

# --- Processes ---

etcd_peers=

start_clusters() {
  local node etcd_members=
  choose_ports $((3 * nodes))
  node_cluster "${ports[@]:0:nodes}"
  for ((node = 0; node < nodes; ++node)); do
    etcd_peers+="${etcd_peers:+,}127.0.0.1:${ports[node + nodes]}"
    etcd_members+="${etcd_members:+,}node$node=http://127.0.0.1:${ports[node + 2 * nodes]}"
  done
  for ((node = 0; node < nodes; ++node)); do
    start_node "$node"
    local client=http://127.0.0.1:${ports[node + nodes]}
    local peer=http://127.0.0.1:${ports[node + 2 * nodes]}
    launch "$work/etcd$node.log" "$etcd" --name "node$node" --data-dir "$work/etcd$node" \
      --initial-cluster "$etcd_members" \
      --listen-client-urls "$client" --advertise-client-urls "$client" \
      --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
      --quota-backend-bytes 8589934592
    etcd_pids+=("$launched")
  done
}

# bench STORE OUTPUT ARGUMENTS...
bench() {
  local store=$1 output=$2 addresses=$peers pids
  shift 2
  pids=$(node_pid_list)
  if [ "$store" = etcd ]; then
    addresses=$etcd_peers
    pids=$(IFS=, && echo "${etcd_pids[*]}")
  fi
  start_bench "$output" "$@" --protocol "$store" --peers "$addresses" --server-pids "$pids"
  finish_bench "$output" "$store"
  check_nodes
}

# --- Measuring ---

# Whether the run may count.
counts() {
  jq -e -L tests/bench --arg keep "$keep_disturbed" 'include "goals"; counts($keep)' "$1" >/dev/null
}

# measure WORKLOAD CLIENTS: both stores in turns, until each has its runs, or twice as many were made.
measure() {
  local workload=$1 clients=$2 attempt store file asked
  local -A good=([grassdb]=0 [etcd]=0)
  for ((attempt = 1; attempt <= 2 * runs; ++attempt)); do
    if [ "${good[grassdb]}" -ge "$runs" ] && [ "${good[etcd]}" -ge "$runs" ]; then break; fi
    for store in grassdb etcd; do
      file=$work/run-$workload-$clients-$store-$attempt.json
      asked=("$workload" --clients "$clients")
      if [ "$workload" = stream ] && [ "$store" = etcd ]; then asked=(put --clients 256); fi
      bench "$store" "$file.run" "${asked[@]}" --duration "$duration" --no-fill
      jq --arg case "$workload:$clients" '{ case: $case } + .' "$file.run" >"$file"
      if counts "$file"; then
        good[$store]=$((good[$store] + 1))
      fi
      jq -r --arg at "$attempt" '"  \(.workload) \(.clients), run \($at): \(.protocol) \(
        .ops_per_second | round) ops/s, \(.other_cores
          | if . == null then "unknown" else . * 100 | round / 100 end) cores of other load\(
        if .disturbed then " (disturbed)" else "" end)\(
        if .failed > 0 then " (\(.failed) failed)" else "" end)\(
        if .missing > 0 then " (\(.missing) found no key)" else "" end)"' "$file"
    done
  done
  if [ "${good[grassdb]}" -lt "$runs" ] || [ "${good[etcd]}" -lt "$runs" ]; then
    too_few+="${too_few:+, }$workload $clients"
  fi
}

# Every run of every case as one JSON document.
summarise() {
  local filesystem
  filesystem=$(filesystem_of "$work")
  # shellcheck disable=SC2016
  jq -s -L tests/bench --slurpfile goals "$goals" --argjson nodes "$nodes" --arg keep "$keep_disturbed" \
    --arg filesystem "$filesystem" --arg etcd "$etcd_version" --arg grassdb "$grassdb_version" \
    --arg date "$(date -u +%FT%TZ)" --argjson cores "$(nproc)" --arg duration "$duration" '
    include "goals";
    def store($name): map(select(.protocol == $name)) as $all
      | ($all | map(select(counts($keep)))) as $good
      | ($good | map(select(.completed > 0))) as $worked
      | { ops_per_second: ($good | map(.ops_per_second) | spread),
          p50_us: ($good | map(.latency_us.p50) | spread),
          p99_us: ($good | map(.latency_us.p99) | spread),
          p99_9_us: ($good | map(.latency_us."p99.9") | spread),
          servers_cpu_us_per_op: ($worked
            | map(.servers_user_us_per_op + .servers_system_us_per_op) | spread),
          client_cpu_us_per_op: ($worked | map(.client_cpu_us_per_op) | spread),
          servers_rss_mib: ($good | map(.servers_rss_mib) | spread),
          other_cores: ($good | map(.other_cores) | spread) } as $spread
      | { runs: ($good | length), dropped: (($all | length) - ($good | length)),
          disturbed: ($good | map(select(.disturbed)) | length) }
        + ($spread | map_values(.median))
        + { failed: ($good | map(.failed) | add // 0), spread: $spread };
    { date: $date, grassdb: $grassdb, etcd: $etcd, cores: $cores, nodes: $nodes,
      filesystem: $filesystem, duration: $duration,
      cases: (group_by(.case)
        | map({ case: .[0].case, workload: (.[0].case | split(":")[0]),
                clients: (.[0].case | split(":")[1] | tonumber),
                grassdb: store("grassdb"), etcd: store("etcd") }
          | . + { ratios: {
              ops_per_second: ratio(.grassdb.ops_per_second; .etcd.ops_per_second),
              p50: ratio(.grassdb.p50_us; .etcd.p50_us),
              p99: ratio(.grassdb.p99_us; .etcd.p99_us),
              servers_cpu: ratio(.grassdb.servers_cpu_us_per_op; .etcd.servers_cpu_us_per_op),
              servers_rss: ratio(.grassdb.servers_rss_mib; .etcd.servers_rss_mib) } }
          | . + { goals: [case_rows(""; .case | case_name; $goals[0][$nodes | tostring][.case] // {})
              | select(.goal != null) | del(.part)] })
        | sort_by(.workload, .clients)),
      all_runs: map(del(.timeline)) }' "$work"/run-*.json
}

# Medians of grassdb / etcd, of the throughput with least and most, and their ratio.
print_table() {
  {
    echo "workload;clients;ops/s;ratio;goal;reached;p50 ms;p99 ms;server us/op;ratio;RSS MiB;failed;runs"
    jq -r -L tests/bench 'include "goals";
      def both(f; $digits): "\(.grassdb | f | rounded($digits)) / \(.etcd | f | rounded($digits))";
      .cases[] | [ .workload, .clients,
        "\(.grassdb.spread.ops_per_second | with_spread(0)) / \(
           .etcd.spread.ops_per_second | with_spread(0))",
        (.ratios.ops_per_second | rounded(2)),
        ([.goals[] | select(.of == "ratio") | .goal | tostring] | first // "-"),
        (if .goals == [] then "-" elif all(.goals[]; .reached) then "yes" else "no" end),
        both(if .p50_us == null then null else .p50_us / 1000 end; 2),
        both(if .p99_us == null then null else .p99_us / 1000 end; 2),
        both(.servers_cpu_us_per_op; 0), (.ratios.servers_cpu | rounded(2)),
        both(.servers_rss_mib; 0), both(.failed; 0), both(.runs; 0) ] | join(";")' "$1"
  } | print_columns
}

get_etcd
prepare grassdb grass-bench
grassdb_version=$("$bin/grassdb" --version)
start_clusters
echo "$grassdb_version beside $etcd_version: nodes: $nodes each, data on $(filesystem_of "$work")," \
  "runs of $duration"
# All keys, and both stores warm.
for store in grassdb etcd; do
  bench "$store" "$work/warm.json" mixed --clients 64 --duration 2s \
    --deadline "${start_wait_seconds}s"
done
too_few=
for case in $cases; do measure "${case%:*}" "${case#*:}"; done
summarise >"$out"
echo
echo "grassdb / etcd, medians (least to most):"
print_table "$out"
jq -r '[.cases[] | .grassdb, .etcd] | (map(.dropped) | add) as $dropped
  | (map(.disturbed) | add) as $disturbed
  | if $dropped > 0 then "\($dropped) runs were dropped, for other load on the machine, or operations that failed or found no key" else empty end,
    if $disturbed > 0 then "\($disturbed) runs had other load on the machine and count all the same" else empty end' "$out"
jq -r -L tests/bench 'include "goals"; .cases[].goals | missed_lines' "$out"
keep_result
echo "All runs: $(result_name)"
measured=yes
[ -z "$too_few" ] ||
  die "fewer than $runs good runs of each store for $too_few: the machine was busy; try again, or" \
    "count all with --keep-disturbed"
