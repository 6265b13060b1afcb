#!/usr/bin/env bash
# Puts and linearizable gets with values from 1 KiB to 1 MiB: three nodes on this machine, one size after
# the other. Every operation must succeed.
#
#   bash tests/bench/value_sizes.sh            about a minute
#
#   --sizes "BYTES ..."  ("1024 16384 65536 262144 1048576")
#   --clients N          (16)
#   --keys N             different keys (64)
#   --duration TIME      of each run (4s)
#   --data-dir DIR       where the nodes keep their data (build/value_sizes); on a disk
#   --out FILE           everything as JSON (DIR/result.json)
#
# Exit codes: 0 measured, 1 an operation failed or something could not be started or measured (one line
# says what), 2 usage. In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

sizes='1024 16384 65536 262144 1048576'
clients=16
keys=64
duration=4s
data_dir=build/value_sizes
out=

parse_flags --sizes:sizes --clients:clients:clients_number --keys:keys:number --duration:duration:time_span \
  --data-dir:data_dir::path --out:out:result_file:path -- "$@"
[[ $sizes = *[!\ ]* ]] || usage "--sizes '$sizes': expected bytes of values, as in '1024 65536'"
for size in $sizes; do value_bytes --sizes "$size"; done

prepare grassdb grass-cli grass-bench
start_cluster
echo "$("$bin/grassdb" --version): three nodes, $clients clients, data on $(filesystem_of "$work")"
watch_machine
run=0
for size in $sizes; do
  for workload in put get; do
    run=$((run + 1))
    file=$work/run-$(printf '%03d' "$run").json
    start_bench "$file" "$workload" --peers "$peers" --clients "$clients" --value-size "$size" \
      --keys "$keys" --duration "$duration" --server-pids "$(node_pid_list)"
    finish_bench "$file" "$workload with values of $size bytes"
  done
done
other=$(other_load)
jq -s --arg date "$(date -u +%FT%TZ)" --argjson other "$other" '
  { date: $date, other_load: $other, runs: . } | .problems = [.runs[]
    | "\(.workload) with values of \(.value_bytes) bytes: " + (
        (select(.failed > 0) | "\(.failed) failed, \(.failures)"),
        (select(.failed == 0 and .completed == 0) | "none ended within \(.seconds) s; give a longer --duration"))]' \
  "$work"/run-*.json >"$out"
{
  echo "workload;value KiB;ops/s;MiB/s;p50 ms;p99 ms;max ms;servers' us/op;RSS MiB;failed"
  jq -r 'def number($digits): if . == null then "-" else (. * pow(10; $digits) | round) / pow(10; $digits) end;
    .runs[] | [ .workload, (.value_bytes / 1024 | number(1)), (.ops_per_second | round),
      (.ops_per_second * .value_bytes / 1048576 | number(1)),
      (.latency_us | .p50, .p99, .max | if . then . / 1000 else null end | number(2)),
      (.servers_user_us_per_op + .servers_system_us_per_op | number(0)),
      (.servers_rss_mib | number(0)), .failed ] | join(";")' "$out"
} | print_columns
other_load_text "$other"
conclude
