#!/usr/bin/env bash
# How long nobody can write after the leader was killed: three nodes on this machine, a load of puts, and
# SIGKILL to the leader's process, again and again. The time counts from the signal to the next
# acknowledged put, with the clients' way to the new leader in it. After each round the killed node is
# started again, and the next one begins when it has caught up.
#
#   bash tests/bench/failover.sh                      15 rounds; about three minutes
#   bash tests/bench/failover.sh --rounds 3 --max-median 500
#
#   --rounds N           (15)
#   --rate N             puts a second that are due (200)
#   --election-timeout RANGE   of the nodes (300ms-600ms, grassdb's default)
#   --max-median MS      exit code 1 if the median is above that; without it no time is wrong
#   --data-dir DIR       where the nodes keep their data (build/failover); on a disk
#   --out FILE           all rounds and the median as JSON (DIR/result.json)
#
# Exit codes: 0 measured, 1 something could not be started or measured, or the bound is broken (one line
# says what), 2 usage. In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

# Of one round's load. So many clients that one is free whenever a put is due, however many wait.
readonly clients=1024
readonly warm_up_ms=1000
readonly run_seconds=6
rounds=15
rate=200
election_timeout=300ms-600ms
max_median=
data_dir=build/failover
out=

parse_flags --rounds:rounds:number --rate:rate:rate_number --election-timeout:election_timeout:time_range \
  --max-median:max_median:decimal --data-dir:data_dir::path --out:out:result_file:path -- "$@"

# One kill; the round's figures are in $work/round-N.json.
round() {
  local killed at before load=$work/load-$1.json
  wait_for "$start_wait_seconds" "a leader" has_leader
  before=$(largest revision)
  start_bench "$load" put --peers "$peers" --clients "$clients" --rate "$rate" --keys 1000 \
    --warm-up "${warm_up_ms}ms" --duration "${run_seconds}s" --deadline "${run_seconds}s"
  # Each client has put once to open its session; then half a second of the measured time is over, as the rate says.
  wait_for "$start_wait_seconds" "puts" has_revision \
    $((before + clients + rate * (warm_up_ms + 500) / 1000))
  killed=$(leader) || die "round $1: no leader"
  at=${EPOCHREALTIME/[.,]/}  # microseconds
  stop_node "$killed" KILL
  finish_bench "$load" "round $1"
  start_node "$killed"
  catch_up "$killed"
  jq --argjson at "$at" --arg node "node$killed" --argjson round "$1" '
    ($at / 1000) as $at | { round: $round, killed: $node,
      failover_ms: (.begun_unix_ms + .pause_begin_ms + .longest_pause_ms - $at | . * 10 | round / 10),
      longest_pause_ms, pause_began_after_kill_ms:
        (.begun_unix_ms + .pause_begin_ms - $at | . * 10 | round / 10),
      ended: (.pause_begin_ms + .longest_pause_ms < .seconds * 1000 - 1),
      failed, failures, retried_after }' "$load" >"$work/round-$1.json"
  # The pause must be the one of this kill: it begins with the last put before it.
  jq -e '.ended and .failover_ms > 0 and .pause_began_after_kill_ms < .failover_ms / 2' \
    "$work/round-$1.json" >/dev/null ||
    die "round $1: no put succeeded again, or the longest pause is another one:" \
      "$(jq -c . "$work/round-$1.json")"
  jq -r '"  round \(.round): \(.killed) killed, next put after \(.failover_ms) ms\(
    if .failed > 0 then ", \(.failed) failed: \(.failures)" else "" end)"' "$work/round-$1.json"
}

prepare grassdb grass-cli grass-bench
node_flags=(--election-timeout "$election_timeout")
start_cluster
echo "$("$bin/grassdb" --version): three nodes, election timeouts of $election_timeout, data on" \
  "$(filesystem_of "$work"), $rate puts a second"
watch_machine
for ((i = 1; i <= rounds; ++i)); do round "$i"; done
other=$(other_load)
jq -s -L tests/bench --arg timeout "$election_timeout" --argjson rate "$rate" --arg date "$(date -u +%FT%TZ)" \
  --argjson max_median "${max_median:-null}" --argjson other "$other" 'include "goals";
  { date: $date, election_timeout: $timeout, rate: $rate, median_ms: (map(.failover_ms) | median),
    min_ms: (map(.failover_ms) | min), max_ms: (map(.failover_ms) | max),
    failed: (map(.failed) | add), other_load: $other, rounds: sort_by(.round) }
  | .problems = [select($max_median != null and .median_ms > $max_median)
      | "the median, \(.median_ms) ms, is above --max-median \($max_median)"]' \
  "$work"/round-*.json >"$out"
jq -r '"From SIGKILL of the leader to the next acknowledged put: median \(.median_ms) ms of \(
  .rounds | length) rounds (\(.min_ms) to \(.max_ms)), \(.failed) puts failed"' "$out"
other_load_text "$other"
conclude
