#!/usr/bin/env bash
# run.sh and total.sh, over a tree of one file, with a `cmake` that "builds" a simulator and tests which find
# what the file says that they find.
set -euo pipefail
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
unset GRASSDB_MUTANTS_DIR
repo=$work/repo
mkdir -p "$repo"/{bin,core,fuzz,net,proto,sim,store,tests/mutants} "$work/path"
touch "$repo/CMakeLists.txt" "$repo/CMakePresets.json"
echo sound >"$repo/core/a.cc"
cp "$here/run.sh" "$here/total.sh" "$repo/tests/mutants/"
# bounds ALL LEDGER: what the simulator must find at least.
bounds() { printf '# a comment\nall %s 20\nledger %s 20\n' "$@" >"$repo/tests/mutants/swarm_bound"; }

cat >"$work/path/cmake" <<'END'
#!/usr/bin/env bash
[ "$1" = --build ] || exit 0
folder=$2
echo "$*" >>"$folder/../../../builds"
case "$(cat "$folder/../../core/a.cc") $*" in
  'no-build '* | 'no-tests '*core_test*) echo 'a.cc:1: error: no'; exit 1 ;;
esac
mkdir -p "$folder/bin"
cat >"$folder/bin/grass-sim" <<'SIM'
#!/usr/bin/env bash
bug=$(cat "$(dirname "$0")/../../../core/a.cc")
[ "${3%%..*}" -le 7 ] && [ "${3##*..}" -ge 7 ] || exit 0
matching='VIOLATION of log matching at sim/check/a.h:1'
beside=
case $bug in
  seen) report=$matching ;;
  slip) report='VIOLATION of recovery at sim/check/a.h:1' ;;
  client) [[ " $* " = *' --black-box '* ]] || exit 0; report=$matching ;;
  checks-itself) report='VIOLATION of GRASS_CHECK at core/a.cc:1' ;;
  harness-checks) report='VIOLATION of GRASS_CHECK at sim/network.cc:1' ;;
  dies) report='the process died of: Segmentation fault' beside='log matching: 8' ;;
  no-end) report='it did not end within 120 s of processor time' ;;
  dies-later) report=$matching beside='process died: 8' ;;
  dies-inside) [[ " $* " = *' --black-box '* ]] && exit 0; report='the process ended with 3' ;;
  ended) printf '\nseeds 1..20, ended early: 5 passed, 0 failed\n'; exit 124 ;;
  ended-later) report=$matching ;;
  killed) exit 137 ;;
  *) exit 0 ;;
esac
printf '\nfirst failure:\n%s\nrepeat with: grass-sim run --seed 7\n' "$report"
printf '\nseeds %s: 19 passed, 1 failed\n%srepeat with: grass-sim run --seed 7\n' "$3" "${beside:+failed, $beside
}"
[ "$bug" = ended-later ] && exit 124
exit 1
SIM
for test in core_test store_test transcript_test; do
  cat >"$folder/bin/$test" <<'TEST'
#!/usr/bin/env bash
case $(cat "$(dirname "$0")/../../../core/a.cc") in
  stepped) printf '[ RUN      ] Suite.Name\n[  FAILED  ] Suite.Name\n'; exit 1 ;;
  tests-die) printf '[ RUN      ] Suite.Name\n[       OK ] Suite.Name\n'; exit 139 ;;
esac
TEST
done
chmod +x "$folder"/bin/*
END
chmod +x "$work/path/cmake"

# plant NUMBER BUG
plant() {
  cat >"$repo/tests/mutants/$1-$2.patch" <<END
Rule: r
Source: s
Faults: f
Expected: witness, log matching; sooner or later

--- a/core/a.cc
+++ b/core/a.cc
@@ -1 +1 @@
-sound
+$2
END
}
run() {
  code=0
  PATH=$work/path:$PATH bash "$repo/tests/mutants/run.sh" --jobs 1 --seeds 20 "$@" >"$work/out" 2>&1 || code=$?
}
says() { grep -qF -- "$1" "$work/out" || fail "expected '$1', got: $(cat "$work/out")"; }
ends_with() { [ "$code" -eq "$1" ] || fail "expected exit code $1, got $code: $(cat "$work/out")"; }
verdicts=$repo/build/mutants/verdicts.tsv

bounds 2 2
plant 001 seen
plant 003 slip
plant 005 stepped
run
ends_with 0
says '2 of 3 found by the simulator within 20 seeds (1 by log matching, 1 by recovery), 1 more by a step test'
says 'by another rule than expected: 003'
says "2 of 3 of the ledger's rows (odd numbers) found by the simulator; not found: 005"
grep -qE '^003-slip +killed\? +7 .*recovery; expected: witness' "$work/out" || fail "$(cat "$work/out")"
[ "$(sed 1d "$verdicts" | cut -f 1-3,5 | paste -sd' ')" = \
  "$(printf '001-seen\tkilled\t7\tlog matching 003-slip\tkilled?\t7\trecovery 005-stepped\ttest\t-\tSuite.Name')" ] ||
  fail "$(cat "$verdicts")"
[ "$(cat "$repo/core/a.cc" "$repo/build/mutants/tree/core/a.cc" | sort -u)" = sound ] || fail 'a bug is left'

# What it has found stays found, and is the same once more.
cp "$verdicts" "$work/first"
run --resume
ends_with 0
cmp -s "$verdicts" "$work/first" || fail 'other verdicts with --resume'

# A step test does not make up for a simulator that finds less than it must.
rm "$repo/tests/mutants/003-slip.patch"
run --resume
ends_with 1
says "the simulator must find 2 of them (tests/mutants/swarm_bound, 'all')"
says "the simulator must find 2 of them (tests/mutants/swarm_bound, 'ledger')"
# Not if it was not asked for all, or not as often.
run --resume 1
ends_with 0
says "not held against the bound 'all', which is for 2 patches and 20 seeds"
says "not held against the bound 'ledger', which is for 2 patches and 20 seeds"
total() { code=0; bash "$repo/tests/mutants/total.sh" "$@" >"$work/out" 2>&1 || code=$?; }
sed '1s/20$/19/' "$work/first" >"$work/fewer"
total "$work/fewer"
ends_with 0
says "not held against the bound 'all'"
says "not held against the bound 'ledger'"

# The ledger's rows have a bound of their own: what is found of the others does not make up for them.
plant 002 seen
run --resume
ends_with 1
says '2 of 3 found'
says "1 of 2 of the ledger's rows (odd numbers) found by the simulator; not found: 005"
says "the simulator must find 2 of them (tests/mutants/swarm_bound, 'ledger')"
! grep -qF "'all')" "$work/out" || fail "$(cat "$work/out")"
bounds 3 1
total "$verdicts"
ends_with 1
says "the simulator must find 3 of them (tests/mutants/swarm_bound, 'all')"
! grep -qF "'ledger')" "$work/out" || fail "$(cat "$work/out")"
bounds 2 1
total "$verdicts"
ends_with 0
! grep -qE "'(all|ledger)'" "$work/out" || fail "$(cat "$work/out")"
# They can be run alone, and are held to theirs.
bounds 1 2
run --ledger --both --resume --jobs 1
ends_with 1
! grep -q '^002' "$work/out" || fail "$(cat "$work/out")"
says '1 of 2 found'
says "not held against the bound 'all', which is for 3 patches and 20 seeds"
says "the simulator must find 2 of them (tests/mutants/swarm_bound, 'ledger')"
says "black box: 1 of 2 of the ledger's rows (odd numbers) found by the simulator; not found: 005"
bounds 3 1
run --resume --ledger
ends_with 0
run --black-box --resume --ledger --shard 2/2
ends_with 0
says "black box: 0 of 1 of the ledger's rows"
for flags in '--ledger 1' --ledgers '--ledger=1'; do
  # shellcheck disable=SC2086
  run $flags
  ends_with 2
done
# A bound that cannot be read is not one that is kept.
printf 'all 1 20\nledger few 20\n' >"$repo/tests/mutants/swarm_bound"
total "$verdicts"
ends_with 2
says "has no line 'ledger NUMBER SEEDS'"
bounds 2 1
rm "$repo/tests/mutants/002-seen.patch"

plant 003 slip
plant 007 client
run
ends_with 1
says '; survived: 007'
run --black-box
ends_with 0
says 'black box: 3 of 4 found by the simulator'
# Judged twice, each patch is built once; the modes keep their verdicts apart.
cp "$repo/build/mutants/black_box.tsv" "$work/black_box"
rm "$repo/build/mutants/builds"
run --both
ends_with 1
[ "$(grep -c -- '--target grass-sim$' "$repo/build/mutants/builds")" -eq $((4 + 1)) ] ||
  fail "$(cat "$repo/build/mutants/builds")"
says '2 of 4 found by the simulator within 20 seeds'
says '; survived: 007'
says 'black box: 3 of 4 found by the simulator'
grep -A1 -E '^007-client +SURVIVED' "$work/out" | grep -qE '^  as a black box +killed +7 ' || fail "$(cat "$work/out")"
cmp -s <(cut -f 1-3,5 "$repo/build/mutants/black_box.tsv") <(cut -f 1-3,5 "$work/black_box") ||
  fail "$(cat "$repo/build/mutants/black_box.tsv")"
[ "$(cat "$repo/core/a.cc" "$repo/build/mutants/tree/core/a.cc" | sort -u)" = sound ] || fail 'a bug is left'
cp "$repo/build/mutants/black_box.tsv" "$work/black_box"
run --both --resume
ends_with 1
cmp -s "$repo/build/mutants/black_box.tsv" "$work/black_box" || fail 'other verdicts with --both --resume'
rm "$repo/tests/mutants/007-client.patch"

# What breaks the harness is not found by it, and what the simulator says instead is told: the first seed that
# fails judges. As a black box the bug has a verdict of its own.
bounds 2 2
plant 007 no-build
plant 009 dies
plant 011 no-end
plant 013 harness-checks
plant 015 ended
plant 017 killed
plant 019 no-tests
plant 021 tests-die
plant 023 dies-inside
plant 025 checks-itself
plant 027 dies-later
plant 029 ended-later
run --both --resume
ends_with 1
# row NAME VERDICT SEED REASON
row() { grep -qE "^$1 +$2 +$3 +[0-9]+s +$4\$" "$work/out" || fail "no row '$*' in: $(cat "$work/out")"; }
row 007-no-build NO-BUILD - 'a.cc:1: error: no'
row 009-dies NO-RUN 7 'no checker: the process died of: Segmentation fault'
row 011-no-end NO-RUN 7 'no checker: it did not end within 120 s of processor time'
row 013-harness-checks NO-RUN 7 'a check of the simulator itself failed: sim/network.cc:1'
row 015-ended NO-RUN - 'the sweep of the seeds 1..20 did not end within 1800 s'
row 017-killed NO-RUN - 'the sweep ended with exit code 137 and no violation'
row 019-no-tests NO-RUN - 'the tests do not build'
row 021-tests-die NO-RUN - 'core_test ended with exit code 139 outside of its tests'
row 023-dies-inside NO-RUN 7 'no checker: the process ended with 3'
grep -A1 '^023' "$work/out" | grep -qE '^  as a black box +SURVIVED ' || fail "$(cat "$work/out")"
grep -A1 '^007' "$work/out" | grep -qE '^  as a black box +NO-BUILD ' || fail "$(cat "$work/out")"
says '5 of 15 found by the simulator within 20 seeds (3 by log matching, 1 by GRASS_CHECK, 1 by recovery), 1 more by'
says '; not run: 007 009 011 013 015 017 019 021 023'
says "5 of 15 of the ledger's rows (odd numbers) found by the simulator; not found: 005 007 009 011 013"
says 'black box: 5 of 15 found by the simulator'
says '; not run: 007 009 011 013 015 017'
# Nor is it kept as if it were a verdict.
! grep -qP '\tNO-' "$repo"/build/mutants/rows/* || fail 'a row without a verdict is kept'
rm "$repo"/tests/mutants/0{07,09,11,13,15,17,19,21,23,25,27,29}-*.patch
# In a tree of which the simulator dies no bug is looked for.
echo dies >"$repo/core/a.cc"
run
ends_with 1
says 'BROKEN'
echo sound >"$repo/core/a.cc"

# Shards add up; the same one twice, or one of another run, does not.
for shard in 1 2; do
  run --shard $shard/2
  cp "$verdicts" "$work/shard$shard"
done
total "$work/shard1" "$work/shard2"
ends_with 0
says '2 of 3 found'
total "$work/shard1" "$work/shard1"
ends_with 2
sed '1s/20$/21/' "$work/shard2" >"$work/other"
total "$work/shard1" "$work/other"
ends_with 2
says 'another kind of run'
total "$work/path/cmake"
ends_with 2
says 'not a file of verdicts'
