#!/usr/bin/env bash
# The files of a sweep: written while it goes on, and whole when somebody ends it.
#   sweep_files_test.sh GRASS_SIM
set -euo pipefail
sim=$1
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
files=(--json "$work/json" --junit "$work/junit" --fingerprints "$work/prints")

# sweep_until LINES SIGNAL FLAG...: sweeps for ever, and ends it so once there are so many lines of JSON.
sweep_until() {
  "$sim" sweep "${@:3}" --jobs 2 --lite --seconds 1 "${files[@]}" >"$work/out" 2>&1 &
  pid=$!
  until [ -e "$work/json" ]; do kill -0 "$pid" || fail "$(cat "$work/out")"; done
  timeout 60 tail -n +1 -f "$work/json" 2>/dev/null | head -"$1" >"$work/first" || true
  [ "$(wc -l <"$work/first")" -eq "$1" ] || fail "no $1 lines within a minute: $(cat "$work/out")"
  kill "-$2" "$pid"
  code=0
  wait "$pid" || code=$?
  pid=
}
for signal in INT TERM; do
  rm -f "$work"/{json,junit,prints}
  sweep_until 5 $signal --seeds 1..1000000
  [ "$code" -eq 130 ] || fail "expected exit code 130 after SIG$signal, got $code: $(cat "$work/out")"
  grep -q ', ended early: [1-9][0-9]* passed, 0 failed$' "$work/out" || fail "no summary: $(cat "$work/out")"
  seeds=$(sed -n '$s/^{"summary":.*"shards":1,"seeds":\([0-9]*\),.*/\1/p' "$work/json")
  tail -1 "$work/json" | grep -q '"verdict":"interrupted"' || fail "another verdict: $(tail -1 "$work/json")"
  [ -n "$seeds" ] || fail "no summary at the end of the JSON lines: $(tail -1 "$work/json")"
  [ "$(wc -l <"$work/json")" -eq $((seeds + 1)) ] || fail "$seeds seeds, and $(wc -l <"$work/json") lines"
  [ "$(wc -l <"$work/prints")" -eq "$seeds" ] || fail "$seeds seeds, and $(wc -l <"$work/prints") fingerprints"
  grep -q "name=\"$seeds seeds of 1..1000000 that passed\"" "$work/junit" || fail "$(cat "$work/junit")"
done

# Without --seeds, what ends a sweep by itself has as many as it takes: more than those of one without flags.
for flags in --until-failure '--minutes 1000 --shard 2/8'; do
  rm -f "$work"/{json,junit,prints}
  # shellcheck disable=SC2086
  sweep_until 205 INT $flags
  [ "$code" -eq 130 ] || fail "expected exit code 130 of $flags, got $code: $(cat "$work/out")"
  grep -q '^seeds from 1 on, \(shard 2/8, \)\?ended early: [1-9][0-9]* passed, 0 failed$' "$work/out" ||
    fail "no summary: $(cat "$work/out")"
done
[ "$(sed -n 's/^{"seed":\([0-9]*\),.*/\1/p' "$work/json" | head -3 | paste -sd ' ')" = '2 10 18' ] ||
  fail "not every eighth seed: $(head -3 "$work/json")"

# Nothing is left to be written at the end: who is killed has left what was known.
rm -f "$work"/{json,junit,prints}
sweep_until 3 KILL --seeds 1..1000000
cmp -s <(head -3 "$work/json") "$work/first" || fail 'the lines have changed'
[ "$(wc -l <"$work/prints")" -ge 3 ] || fail 'no fingerprints'
grep -q '</testsuite>' "$work/junit" || fail 'no JUnit file'

# A seed that does not end is ended and has failed; its file is there before the sweep ends.
mkdir "$work/failures"
"$sim" sweep --seeds 1..1000 --jobs 1 --seconds 1000000 --seed-seconds 1 --failures "$work/failures" \
  --junit "$work/junit" >"$work/out" 2>&1 &
pid=$!
until [ -s "$work/failures/grass-sim-failure-2.json" ]; do kill -0 "$pid" || fail "$(cat "$work/out")"; done
kill -0 "$pid" || fail 'the sweep has ended'
kill -INT "$pid"
code=0
wait "$pid" || code=$?
pid=
[ "$code" -eq 1 ] || fail "expected exit code 1, got $code: $(cat "$work/out")"
grep -q '^failed, seed without an end: 1 2' "$work/out" || fail "$(cat "$work/out")"
grep -q 'it did not end within 1 s of processor time' "$work/junit" || fail "$(cat "$work/junit")"
