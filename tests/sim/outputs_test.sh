#!/usr/bin/env bash
# What grass-sim leaves for programs says what its exit code says, and a shrink that is ended leaves
# what it has.
#   outputs_test.sh GRASS_SIM
set -euo pipefail
sim=$(realpath "$1")
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
cd "$work"
# run CODE COMMAND...: what it prints is in `out` and `err`.
run() {
  local expected=$1 code=0
  shift
  "$@" >out 2>err || code=$?
  [ "$code" -eq "$expected" ] || fail "'$*' ended with $code, not $expected: $(cat out err)"
}
sweep=("$sim" sweep --seeds 1..2 --jobs 1 --seconds 1)

# A sweep that fails for a place that was not reached is red in every output.
run 1 "${sweep[@]}" --all-places --junit junit --json json
grep -q '^<testsuite name="grass-sim sweep" tests="2" failures="1" ' junit || fail "$(cat junit)"
grep -q 'name="every place is reached"' junit || fail "$(cat junit)"
grep -q '<failure type="--all-places" message="no seed of the sweep reached ' junit || fail "$(cat junit)"
tail -1 json | grep -q '"verdict":"failed"' || fail "$(tail -1 json)"
run 0 "${sweep[@]}" --junit junit --json json
grep -q '^<testsuite name="grass-sim sweep" tests="1" failures="0" ' junit || fail "$(cat junit)"
tail -1 json | grep -q '"verdict":"passed"' || fail "$(tail -1 json)"

# Data on standard output is there alone.
run 0 "${sweep[@]}" --junit -
[[ $(head -1 out) == '<?xml'* && $(tail -1 out) == '</testsuite>' ]] || fail "$(cat out)"
grep -q '2 passed, 0 failed' err || fail "no summary on stderr: $(cat err)"
run 0 "${sweep[@]}" --fingerprints -
[ "$(grep -cE '^[12] [0-9a-f]{32}$' out) $(wc -l <out)" = '2 2' ] || fail "$(cat out)"
grep -q '2 passed, 0 failed' err || fail "no summary on stderr: $(cat err)"
run 0 "${sweep[@]}" --json -
[ "$(grep -c '^{' out) $(wc -l <out)" = '3 3' ] || fail "$(cat out)"

# Where no seed fails no directory is made for them; a file that stands there is named before anything runs.
[ ! -e failures ] || fail 'a directory of failures, and no seed has failed'
touch failures
run 2 "${sweep[@]}"
grep -q "^grass-sim: --failures: cannot write into 'failures': Not a directory; .*--no-failures$" err || fail "$(cat err)"
run 0 "${sweep[@]}" --no-failures
rm failures

# A shard without a seed says so.
run 0 "${sweep[@]}" --shard 5/8 --junit junit
grep -q '^shard 5/8 of seeds 1..2 has no seed$' out || fail "$(cat out)"
grep -q '^<testsuite name="grass-sim sweep, shard 5/8" ' junit || fail "$(cat junit)"

# What is nearer wins: in the plan there is what the flags say.
run 0 "$sim" run --seed 7 --seconds 1 --verbose --performance --nodes 5
grep -q 'cluster: 5 voters and 0 learners of ' out || fail "$(cat out)"
run 0 "$sim" run --seed 7 --seconds 1 --verbose --set together=2 --set fault_partition=0 --set clients=1
grep -q '  partition: off' out || fail "$(cat out)"
grep -q '  clients: 1 on' out || fail "$(cat out)"
run 0 "$sim" run --seed 7 --seconds 1 --verbose --lite --set together=2
grep -q '  partition: off' out && grep -q '  slow-disk: off' out || fail "$(cat out)"

# A part of the trace is the lines of that time, whatever unit says it.
run 0 "$sim" replay --seed 7 --seconds 3 --trace all
grep -E '^ +1\.(5[0-9]{8}|600000000) ' out >part || fail 'nothing happens between 1.5 and 1.6 s'
for span in '1.5 1.6' '1500ms 1.6s' '1.500s 1600000us'; do
  run 0 "$sim" replay --seed 7 --seconds 3 --trace all --from "${span% *}" --until "${span#* }"
  cmp -s part <(grep -E '^ +[0-9]+\.[0-9]{9} ' out) || fail "$span: $(diff part out)"
done

# A shrink ends runs that have no end, and whoever ends it has the smallest so far.
"$sim" shrink --seed 1 --seconds 1000000 --seed-seconds 1 --out shrunk >out 2>err &
pid=$!
children() { cat "/proc/$pid/task/$pid/children"; }
first=
until [ -n "$first" ]; do kill -0 "$pid" || fail "$(cat out err)"; first=$(children); done
until now=$(children) && [ -n "$now" ] && [ "$now" != "$first" ]; do
  kill -0 "$pid" || fail "$(cat out err)"
done
kill -INT "$pid"
code=0
wait "$pid" || code=$?
pid=
[ "$code" -eq 1 ] || fail "expected exit code 1, got $code: $(cat out err)"
grep -q '"rule": "seed without an end"' shrunk || fail "$(cat shrunk)"
