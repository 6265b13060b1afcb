#!/usr/bin/env bash
# Plants each bug of this folder into a copy of the tree, and sweeps the simulator over it until it is
# found; if it is not, runs the step-level tests and the golden transcripts over it. Prints a table;
# fails if a patch does not apply or does not build, if the simulator dies of it or has no end, if a bug survives
# both, or if the simulator finds fewer than it must (total.sh).
#
#   tests/mutants/run.sh [--seeds N] [--jobs N] [--shard I/N] [--resume]
#                        [--black-box | --both] [--ledger | NUMBER...]
#
# default: 1000 seeds, every patch.
#
# --ledger: the rows of the ledger of known bugs, which are the patches with an odd number.
# --black-box: without the checkers that look into the nodes and without the tests; what is found is found
# by what clients see, by the bounds after the faults, and by the code's own checks. Survivors are no failure.
# --both: each patch is built once and judged twice, with the checkers and then as a black box; its second row
# stands below its first.
# --shard I/N: every N-th of the patches, from the I-th on.
# --resume: rows that an earlier run has left in build/mutants/rows are printed as they are, if nothing has
# changed since: the sources, the patch, the number of seeds, the mode. Each row is left there when it is known.
#
# Verdicts: "killed" by the simulator; "killed?" by it, but by a rule that the patch does not name in its
# "Expected:"; "test" by a step test only; "SURVIVED". The first seed that fails judges. If it broke no rule but
# died, had no end, or failed a check of the simulator's own code, the verdict is "NO-RUN": a bug that breaks the
# harness is not found by it. So are "NO-PATCH" and "NO-BUILD" no verdicts on the bug.
# build/mutants/verdicts.tsv (black box: black_box.tsv) has them for programs: a line "# mutants 1", mode and seeds,
# then a line a patch with its name, verdict, seed, seconds, what found it, and what was expected to, divided by
# tabs.
#
# The work is done in $GRASSDB_MUTANTS_DIR, if that is set; default build/mutants.
#
# One run at a time in a tree. The last lines are the sum; exit code 0 all found (black box: all run), 1 not, 2
# usage.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seeds=1000
jobs=$(nproc)
shard=1/1
resume=
ledger=
modes=(white-box)
while [[ ${1:-} == --* ]]; do
  case $1 in
    --black-box) modes=(black-box); shift; continue ;;
    --both) modes=(white-box black-box); shift; continue ;;
    --resume) resume=1; shift; continue ;;
    --ledger) ledger=1; shift; continue ;;
    --shard)
      shard=${2:-}
      if ! [[ $shard =~ ^[1-9][0-9]*/[1-9][0-9]*$ ]] || [ "${shard%/*}" -gt "${shard#*/}" ]; then
        echo "--shard: '$shard' is not I/N with I from 1 to N, as in 2/8" >&2
        exit 2
      fi
      shift 2
      continue ;;
    --seeds) seeds=${2:-} ;;
    --jobs) jobs=${2:-} ;;
    *) echo "unknown flag $1" >&2; exit 2 ;;
  esac
  case ${2:-} in '' | *[!0-9]* | 0) echo "$1: '${2:-}' is not a positive number" >&2; exit 2 ;; esac
  shift 2
done
wanted=("$@")
[ -z "$ledger" ] || [ $# -eq 0 ] || { echo "--ledger and '$1': the ledger's rows, or patches by number" >&2; exit 2; }
for number in "${wanted[@]}"; do
  case $number in
    '' | *[!0-9]*) echo "'$number' is not the number of a patch, as in 27 or 027" >&2; exit 2 ;;
  esac
  ls tests/mutants/"$(printf %03d "$((10#$number))")"-*.patch >/dev/null 2>&1 ||
    { echo "there is no patch $number in tests/mutants" >&2; exit 2; }
done
root=$PWD
work=${GRASSDB_MUTANTS_DIR:-$root/build/mutants}
tree=$work/tree
bin=$tree/build/release/bin
mkdir -p "$tree" "$work/rows"
exec 8>"$work/lock"
flock -n 8 || { echo "another run is at work in $work; wait for it, or run in another copy" >&2; exit 1; }

# A copy of the sources, with its build folder kept from the last time. Files that have not changed keep
# their times, so that only what a patch touches is built.
rsync -a --checksum --no-times --delete --exclude /build --exclude /tests/mutants CMakeLists.txt \
  CMakePresets.json bin core fuzz net proto sim store tests "$tree/" || exit 1
# key_of MODE [PATCH]: of the sources, the patch and what is asked, the name under which a row is kept.
sources=$(cd "$tree" && find . -path ./build -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
key_of() {
  { echo "verdicts 3 $sources $seeds $1"; [ $# -eq 1 ] || { echo "${2##*/}"; cat "$2"; }; } | sha256sum | cut -c 1-32
}
verdicts_of() { [ "$1" = white-box ] && echo "$work/verdicts.tsv" || echo "$work/black_box.tsv"; }
build() { cmake --build "$tree/build/release" -j "$jobs" --target "$@" >"$work/build.log" 2>&1; }
cmake -S "$tree" -B "$tree/build/release" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRASSDB_NET=OFF \
  >"$work/configure.log" 2>&1 || {
  cat "$work/configure.log"
  exit 1
}

# find_by_seed MODE: sweeps in growing blocks and stops behind the first in which a seed fails. Sets `found` to the
# rule that the first of these seeds breaks, or `crash` to what it came to instead, and `seed`; neither if none fails.
find_by_seed() {
  local from=1 to=20 out=$work/sweep.log limit=1800 flags=(--no-failures --seed-seconds 120) code report
  seed=- found='' crash=''
  [ "$1" = white-box ] || flags+=(--black-box)
  while [ "$from" -le "$seeds" ]; do
    [ "$to" -gt "$seeds" ] && to=$seeds
    timeout "$limit" "$bin/grass-sim" sweep --seeds "$from..$to" --jobs "$jobs" "${flags[@]}" >"$out" 2>&1
    code=$?
    if [ "$code" -ne 0 ]; then
      report=$(sed -n '/^first failure:$/{n;p;q}' "$out")
      seed=$(sed -n 's/^repeat with: .*--seed \([0-9]*\).*/\1/p' "$out" | head -1)
      seed=${seed:--}
      case $report in
        'VIOLATION of GRASS_CHECK at sim/'*) crash="a check of the simulator itself failed: ${report##* at }" ;;
        'VIOLATION of '*' at '*) found=${report#VIOLATION of } found=${found% at *} ;;
        ?*) crash="no checker: $report" ;;
        *) crash="the sweep ended with exit code $code and no violation"
           [ "$code" -ne 124 ] || crash="the sweep of the seeds $from..$to did not end within $limit s" ;;
      esac
      return
    fi
    from=$((to + 1))
    to=$((to * 4))
  done
}

# find_by_test MODE: sets `found` to the first test that fails, or is under way when its program ends, or `crash` to
# why the tests say nothing; neither if all pass. No test is a black box.
find_by_test() {
  local program code
  found='' crash=''
  [ "$1" = white-box ] || return 0
  build core_test store_test transcript_test || { crash='the tests do not build'; return; }
  for program in core_test store_test transcript_test; do
    timeout 300 "$bin/$program" >"$work/test.log" 2>&1 && continue
    code=$?
    found=$(awk '/^\[ RUN/ { running = $NF } /^\[       OK/ { running = "" }
                 /^\[  FAILED  \]/ && running { exit }
                 END { print running }' "$work/test.log")
    [ -n "$found" ] || crash="$program ended with exit code $code outside of its tests"
    return
  done
}

# row NAME VERDICT SEED TIME FOUND-BY
row() { printf '%-38s %-8s %-5s %-6s %s\n' "$@"; }
row mutant verdict seed time 'found by'
# show MODE LINE: a line of the file of verdicts, as a row.
show() {
  local name verdict seed seconds found expected
  IFS=$'\t' read -r name verdict seed seconds found expected <<<"$2"
  [[ $verdict != SURVIVED && $verdict != 'killed?' ]] || found="$found; expected: $expected"
  [ "$1" = "${modes[0]}" ] || name="  as a black box"
  row "$name" "$verdict" "$seed" "${seconds}s" "$found"
}

# What is found without a bug would be found with every one of them.
for mode in "${modes[@]}"; do
  printf '# mutants 1\t%s\t%s\n' "$mode" "$seeds" >"$(verdicts_of "$mode")"
  sound=$work/rows/$(key_of "$mode")
  if [ -n "$resume" ] && [ -e "$sound" ]; then
    cat "$sound"
    continue
  fi
  targets=(grass-sim)
  [ "$mode" = black-box ] || targets+=(core_test transcript_test store_test)
  build "${targets[@]}" || { tail -20 "$work/build.log"; exit 1; }
  began=$SECONDS
  find_by_seed "$mode"
  [ -n "$found$crash" ] || find_by_test "$mode"
  if [ -n "$found$crash" ]; then
    row 'the tree itself' BROKEN "$seed" $((SECONDS - began))s "$found$crash"
    exit 1
  fi
  row 'the tree itself' sound - $((SECONDS - began))s "$mode" | tee "$sound"
done

# Whether the patch is one of those asked for, and of this shard.
place=0
is_wanted() {
  [ -z "$ledger" ] || [[ ${1%%-*} == *[13579] ]] || return 1
  if [ ${#wanted[@]} -gt 0 ]; then
    local number found=
    for number in "${wanted[@]}"; do
      [ "$((10#$number))" -ne "$((10#${1%%-*}))" ] || found=1
    done
    [ -n "$found" ] || return 1
  fi
  place=$((place + 1))
  [ $(((place - 1) % ${shard#*/} + 1)) -eq "${shard%/*}" ]
}

# Whether a list as in "Expected:" names the rule.
is_expected() {
  local name
  while read -r name; do [ "$name" != "$1" ] || return 0; done < <(sed 's/;.*//; s/, */\n/g' <<<"$2"; echo)
  return 1
}

# plant PATCH: applies and builds it. Sets `verdict` and `by` if that fails.
plant() {
  if ! patch -d "$tree" -p1 --no-backup-if-mismatch <"$1" >"$work/patch.log" 2>&1; then
    verdict=NO-PATCH by='it does not apply'
  elif ! build grass-sim; then
    verdict=NO-BUILD by=$(grep -m1 'error:' "$work/build.log")
  fi
}

# judge MODE: what finds the bug that is planted. Sets `verdict`, `seed` and `by`.
judge() {
  find_by_seed "$1"
  if [ -n "$found" ]; then
    verdict=killed by=$found
    # Whatever clients notice is what they notice; there is one rule for it.
    [ "$1" = black-box ] || is_expected "$by" "$expected" || verdict='killed?'
    return
  fi
  [ -n "$crash" ] || find_by_test "$1"
  if [ -n "$crash" ]; then
    verdict=NO-RUN by=$crash
  elif [ -n "$found" ]; then
    verdict='test' by=$found
  else
    verdict=SURVIVED by=nothing
  fi
}

for patch in "$root"/tests/mutants/[0-9]*.patch; do
  name=$(basename "$patch" .patch)
  is_wanted "$name" || continue
  expected=$(sed -n 's/^Expected: //p' "$patch" | head -1)
  planted='' unfit='' why=''
  for mode in "${modes[@]}"; do
    kept=$work/rows/$(key_of "$mode" "$patch")
    if [ -n "$resume" ] && [ -e "$kept" ]; then
      show "$mode" "$(cat "$kept")"
      cat "$kept" >>"$(verdicts_of "$mode")"
      continue
    fi
    began=$SECONDS
    seed=- by=$why verdict=$unfit
    if [ -z "$planted" ]; then
      # What it touches, as it was: the sources may change while this runs.
      rm -rf "$work/before"
      sed -n 's|^+++ b/||p' "$patch" | while read -r file; do
        mkdir -p "$work/before/$(dirname "$file")"
        cp "$tree/$file" "$work/before/$file"
      done
      planted=1
      plant "$patch"
      # In every mode.
      unfit=$verdict why=$by
    fi
    [ -n "$verdict" ] || judge "$mode"
    line=$(printf '%s\t%s\t%s\t%s\t%s\t%s' "$name" "$verdict" "$seed" $((SECONDS - began)) "$by" "$expected")
    show "$mode" "$line"
    echo "$line" >>"$(verdicts_of "$mode")"
    # What did not run says nothing about the bug.
    [[ $verdict == NO-* ]] || echo "$line" >"$kept"
  done
  # Back to the tree's own text, whatever the patch left.
  if [ -n "$planted" ]; then
    cp -r "$work/before/." "$tree/"
    rm -f "$tree"/*/*.rej
  fi
done

code=0
for mode in "${modes[@]}"; do
  [ "$shard" = 1/1 ] || echo -n "shard $shard: "
  bash "$root/tests/mutants/total.sh" "$(verdicts_of "$mode")" || code=1
done
exit "$code"
