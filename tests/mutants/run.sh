#!/usr/bin/env bash
# Plants each bug of this folder into a copy of the tree, and sweeps the simulator over it until it is
# found; if it is not, runs the step-level tests and the golden transcripts over it. Prints a table;
# fails if a patch does not apply or does not build, if a sweep ends without a verdict, or if a bug
# survives both.
#
#   tests/mutants/run.sh [--seeds N] [--jobs N] [--black-box] [NUMBER...]   default: 1000 seeds, every patch
#
# --black-box: without the checkers that look into the nodes and without the tests; what is found is found
# by what clients see, by the bounds after the faults, and by the code's own checks. Survivors are no failure.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seeds=1000
jobs=$(nproc)
sweep_flags=()
while [[ ${1:-} == --* ]]; do
  case $1 in
    --black-box) sweep_flags=(--black-box); shift; continue ;;
    --seeds) seeds=${2:-} ;;
    --jobs) jobs=${2:-} ;;
    *) echo "unknown flag $1" >&2; exit 2 ;;
  esac
  case ${2:-} in '' | *[!0-9]* | 0) echo "$1: '${2:-}' is not a positive number" >&2; exit 2 ;; esac
  shift 2
done
wanted=("$@")
root=$PWD
work=$root/build/mutants
tree=$work/tree
bin=$tree/build/release/bin
mkdir -p "$tree"

# A copy of the sources, with its build folder kept from the last time. Files that have not changed keep
# their times, so that only what a patch touches is built.
rsync -a --checksum --no-times --delete --exclude /build --exclude /tests/mutants CMakeLists.txt \
  CMakePresets.json bin core fuzz net proto sim store tests "$tree/" || exit 1
build() { cmake --build "$tree/build/release" -j "$jobs" --target "$@" >"$work/build.log" 2>&1; }
cmake -S "$tree" -B "$tree/build/release" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRASSDB_NET=OFF \
  -DGRASSDB_WERROR=OFF >"$work/configure.log" 2>&1 || {
  cat "$work/configure.log"
  exit 1
}

# Sweeps in growing blocks and stops behind the first that fails. Prints "seed checker", or nothing.
find_by_seed() {
  local from=1 to=20 out=$work/sweep.log code seed checker
  while [ "$from" -le "$seeds" ]; do
    [ "$to" -gt "$seeds" ] && to=$seeds
    timeout 1800 "$bin/grass-sim" sweep --seeds "$from..$to" --jobs "$jobs" "${sweep_flags[@]}" >"$out" 2>&1
    code=$?
    if [ "$code" -ne 0 ]; then
      checker=$(sed -n 's/^VIOLATION of \(.*\) at .*/\1/p' "$out" | head -1)
      seed=$(sed -n 's/^repeat with: .*--seed \([0-9]*\).*/\1/p' "$out" | head -1)
      [ "$code" -eq 124 ] && checker='a run without an end'
      echo "${seed:-?} ${checker:-exit code $code}"
      return
    fi
    from=$((to + 1))
    to=$((to * 4))
  done
}

# The first test that fails, or is under way when the binary ends; nothing if all pass.
find_by_test() {
  local binary
  [ ${#sweep_flags[@]} -eq 0 ] || return
  build core_test store_test transcript_test || { echo 'the tests do not build'; return; }
  for binary in core_test store_test transcript_test; do
    timeout 300 "$bin/$binary" >"$work/test.log" 2>&1 && continue
    awk '/^\[ RUN/ { running = $NF } /^\[       OK/ { running = "" }
         /^\[  FAILED  \]/ && running { print running; found = 1; exit }
         END { if (!found) print running ? running : "a test" }' "$work/test.log"
    return
  done
}

# row NAME VERDICT SEED TIME FOUND-BY
row() { printf '%-38s %-8s %-5s %-6s %s\n' "$@"; }
row mutant verdict seed time 'found by'

# What is found without a bug would be found with every one of them.
build grass-sim core_test transcript_test store_test || { tail -20 "$work/build.log"; exit 1; }
began=$SECONDS
found=$(find_by_seed)
[ -n "$found" ] || found=$(find_by_test)
if [ -n "$found" ]; then
  row 'the tree itself' BROKEN "${found%% *}" $((SECONDS - began))s "${found#* }"
  exit 1
fi
row 'the tree itself' sound - $((SECONDS - began))s -

killed=0 total=0 bad=0
for patch in "$root"/tests/mutants/[0-9]*.patch; do
  name=$(basename "$patch" .patch)
  if [ ${#wanted[@]} -gt 0 ]; then
    case " ${wanted[*]} " in *" $((10#${name%%-*})) "* | *" ${name%%-*} "*) ;; *) continue ;; esac
  fi
  total=$((total + 1))
  began=$SECONDS
  # What it touches, as it was: the sources may change while this runs.
  rm -rf "$work/before"
  sed -n 's|^+++ b/||p' "$patch" | while read -r file; do
    mkdir -p "$work/before/$(dirname "$file")"
    cp "$tree/$file" "$work/before/$file"
  done
  if ! patch -d "$tree" -p1 --no-backup-if-mismatch <"$patch" >"$work/patch.log" 2>&1; then
    row "$name" 'NO PATCH' - - 'it does not apply'
    bad=$((bad + 1))
  elif ! build grass-sim; then
    row "$name" 'NO BUILD' - - "$(grep -m1 'error:' "$work/build.log")"
    bad=$((bad + 1))
  else
    found=$(find_by_seed)
    test=
    [ -n "$found" ] || test=$(find_by_test)
    if [[ $found == '? exit code'* ]]; then
      row "$name" 'NO RUN' - $((SECONDS - began))s "the sweep ended with ${found#* } and no violation"
      bad=$((bad + 1))
    elif [ -n "$found$test" ]; then
      killed=$((killed + 1))
      row "$name" killed "${found:+${found%% *}}${test:+-}" $((SECONDS - began))s "${found#* }$test"
    else
      row "$name" SURVIVED - $((SECONDS - began))s "expected: $(sed -n 's/^Expected: //p' "$patch")"
    fi
  fi
  # Back to the tree's own text, whatever the patch left.
  cp -r "$work/before/." "$tree/"
  rm -f "$tree"/*/*.rej
done
echo "$killed of $total killed within $seeds seeds"
[ "$bad" -eq 0 ] && { [ "$killed" -eq "$total" ] || [ ${#sweep_flags[@]} -gt 0 ]; }
