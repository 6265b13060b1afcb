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
printf '2 20\n' >"$repo/tests/mutants/swarm_bound"

cat >"$work/path/cmake" <<'END'
#!/usr/bin/env bash
[ "$1" = --build ] || exit 0
folder=$2
echo "$*" >>"$folder/../../../builds"
[ "$(cat "$folder/../../core/a.cc")" != no-build ] || { echo 'a.cc:1: error: no'; exit 1; }
mkdir -p "$folder/bin"
cat >"$folder/bin/grass-sim" <<'SIM'
#!/usr/bin/env bash
bug=$(cat "$(dirname "$0")/../../../core/a.cc")
[ "${3%%..*}" -le 7 ] && [ "${3##*..}" -ge 7 ] || exit 0
case $bug in
  seen | slip) ;;
  client) [[ " $* " = *' --black-box '* ]] || exit 0 ;;
  *) exit 0 ;;
esac
rule=$([ "$bug" = slip ] && echo recovery || echo 'log matching')
printf 'VIOLATION of %s at a.cc:1\nrepeat with: grass-sim run --seed 7\n' "$rule"
exit 1
SIM
for test in core_test store_test transcript_test; do
  printf '#!/usr/bin/env bash\n[ "$(cat "$(dirname "$0")/../../../core/a.cc")" != stepped ] || {\n' >"$folder/bin/$test"
  printf 'echo "[ RUN      ] Suite.Name"; echo "[  FAILED  ] Suite.Name"; exit 1; }\n' >>"$folder/bin/$test"
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

plant 001 seen
plant 003 slip
plant 005 stepped
run
ends_with 0
says '2 of 3 found by the simulator within 20 seeds (1 by log matching, 1 by recovery), 1 more by a step test'
says 'by another rule than expected: 003'
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
run
ends_with 1
says 'the simulator must find 2 of them'
# Not if it was not asked for all, or not as often.
run 1
ends_with 0
says 'not held against the bound'

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
plant 007 no-build
run
ends_with 1
says 'NO-BUILD'
says '1 not run'
rm "$repo/tests/mutants/007-no-build.patch"

# Shards add up; the same one twice, or one of another run, does not.
for shard in 1 2; do
  run --shard $shard/2
  cp "$verdicts" "$work/shard$shard"
done
total() { code=0; bash "$repo/tests/mutants/total.sh" "$@" >"$work/out" 2>&1 || code=$?; }
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
