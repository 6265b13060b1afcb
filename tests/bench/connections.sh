#!/usr/bin/env bash
# Thousands of connections that do nothing, all to the leader of three nodes on this machine: what they
# cost it in memory, and whether requests are still served beside them as before. One process
# (idle_connections) holds them; each has gone through HTTP/2's handshake.
#
#   bash tests/bench/connections.sh            10,000; half a minute
#
#   --connections N   (10000)
#   --clients N       of the puts before, beside and after (64)
#   --duration TIME   of each run of puts (3s)
#   --max-ratio N     exit code 1 if p50 of the puts beside them is more than so many times the one before (3)
#   --max-kib N       exit code 1 if a connection takes more of the leader's memory (64)
#   --data-dir DIR    where the nodes keep their data (build/connections); on a disk
#   --out FILE        everything as JSON (DIR/result.json)
#
# Raises its limit of open files to N + 1000, if the system lets it. Exit codes: 0 measured, 1 a
# connection was refused or lost, an operation failed, the bound is broken or something could not be
# started (one line says what), 2 usage. In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs
# in FOLDER/bin.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

readonly connect_seconds=120
connections=10000
clients=64
duration=3s
max_kib=64
max_ratio=3
data_dir=build/connections
out=

parse_flags --connections:connections:number --clients:clients:clients_number --duration:duration:time_span \
  --max-kib:max_kib:decimal --max-ratio:max_ratio:decimal --data-dir:data_dir::path --out:out:result_file:path -- "$@"

# puts NAME: a run of puts, in $work/NAME.json.
puts() {
  start_bench "$work/$1.json" put --peers "$peers" --clients "$clients" --duration "$duration" \
    --server-pids "$(node_pid_list)"
  finish_bench "$work/$1.json" "puts ($1)"
}
# It prints "open N" when all are, and "lost N: WHY" if one is not any more.
# shellcheck disable=SC2317
all_open() {
  grep -qs '^open' "$work/idle.log" && return 0
  kill -0 "$idle" 2>/dev/null || die "$(tail -n 1 "$work/idle.log")"
  return 1
}

with_tests=yes
prepare grassdb grass-cli grass-bench idle_connections
needed=$((connections + 1000))
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt "$needed" ]; then
  ulimit -n "$needed" 2>/dev/null ||
    die "--connections $connections needs $needed open files a process, and ulimit -Hn says" \
      "$(ulimit -Hn): raise it, or give fewer"
fi
start_cluster
at=$(leader) || die "no leader"
echo "$("$bin/grassdb" --version): three nodes, $connections idle connections to node$at"
watch_machine
puts before
rss_before=$(rss_kib "${node_pids[at]}")
began=${EPOCHREALTIME/[.,]/}
launch "$work/idle.log" "$bin/idle_connections" "127.0.0.1:${node_ports[at]}" "$connections"
idle=$launched
wait_for "$connect_seconds" "$connections connections" all_open
open_ms=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
rss_idle=$(rss_kib "${node_pids[at]}")
puts beside
leader_after=$(leader) || leader_after=none
lost=$(grep '^lost' "$work/idle.log" || true)
end TERM "$idle"
puts after
rss_after=$(rss_kib "${node_pids[at]}")
other=$(other_load)
jq -n --slurpfile before "$work/before.json" --slurpfile beside "$work/beside.json" \
  --slurpfile after "$work/after.json" --argjson connections "$connections" \
  --argjson open_ms "$open_ms" --argjson rss_before "$rss_before" --argjson rss_idle "$rss_idle" \
  --argjson rss_after "$rss_after" --argjson max_kib "$max_kib" --argjson max_ratio "$max_ratio" --arg lost "$lost" \
  --arg node "node$at" --arg leader "node$leader_after" --argjson other "$other" '
  { connections: $connections, open_ms: $open_ms, other_load: $other,
    leader_rss_mib: { before: ($rss_before / 1024), idle: ($rss_idle / 1024), after: ($rss_after / 1024) },
    kib_per_connection: (($rss_idle - $rss_before) / $connections),
    puts: { before: $before[0], beside: $beside[0], after: $after[0] },
    p50_ratio: (if $before[0].latency_us.p50 and $beside[0].latency_us.p50
      then $beside[0].latency_us.p50 / $before[0].latency_us.p50 else null end) }
  | .problems = [
      (select(.kib_per_connection > $max_kib) | "a connection takes \(.kib_per_connection * 10 | round / 10) KiB, more than \($max_kib)"),
      (select(.p50_ratio == null or .p50_ratio > $max_ratio)
        | "p50 of the puts beside them is \(.p50_ratio // 0 | . * 100 | round / 100) times the one before, more than \($max_ratio)"),
      (.puts | to_entries[] | select(.value.failed > 0) | "\(.value.failed) puts failed \(.key): \(.value.failures)"),
      (select($lost != "") | $lost),
      (select($leader != $node) | "\($node) led and does not any more (\($leader))") ]' >"$out"
{
  echo "puts;ops/s;p50 ms;p99 ms;max ms;failed"
  jq -r 'def ms: if . == null then "-" else . / 10 | round / 100 end; .puts | to_entries[] | .key as $run | .value
    | [$run, (.ops_per_second | round), (.latency_us | .p50, .p99, .max | ms), .failed] | join(";")' "$out"
} | print_columns
jq -r 'def tenth: . * 10 | round / 10; "\(.connections) connections in \(.open_ms) ms, \(
  .kib_per_connection | tenth) KiB each; the leader: \(.leader_rss_mib.before | tenth) MiB before, \(
  .leader_rss_mib.idle | tenth) with them, \(.leader_rss_mib.after | tenth) after"' "$out"
other_load_text "$other"
conclude
