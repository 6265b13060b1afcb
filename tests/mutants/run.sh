#!/usr/bin/env bash
# Plants each bug of this folder into a copy of the tree, and sweeps the simulator over it until it is
# found; if it is not, runs the step-level tests and the golden transcripts over it. Prints a table;
# fails if a patch does not apply or does not build, if a sweep ends without a verdict, or if a bug
# survives both.
#
#   tests/mutants/run.sh [--seeds N] [--jobs N] [--shard I/N] [--resume] [--black-box] [NUMBER...]
#
# default: 1000 seeds, every patch.
#
# --black-box: without the checkers that look into the nodes and without the tests; what is found is found
# by what clients see, by the bounds after the faults, and by the code's own checks. Survivors are no failure.
# --shard I/N: every N-th of the patches, from the I-th on.
# --resume: rows that an earlier run has left in build/mutants/rows are printed as they are, if nothing has
# changed since: the sources, the patch, the number of seeds, the mode. Each row is left there when it is known.
#
# One run at a time in a tree. The last line is the sum; exit code 0 all killed (black box: all run), 1 not, 2
# usage.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seeds=1000
jobs=$(nproc)
shard=1/1
resume=
sweep_flags=()
while [[ ${1:-} == --* ]]; do
  case $1 in
    --black-box) sweep_flags=(--black-box); shift; continue ;;
    --resume) resume=1; shift; continue ;;
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
for number in "${wanted[@]}"; do
  case $number in
    '' | *[!0-9]*) echo "'$number' is not the number of a patch, as in 27 or 027" >&2; exit 2 ;;
  esac
  ls tests/mutants/"$(printf %03d "$((10#$number))")"-*.patch >/dev/null 2>&1 ||
    { echo "there is no patch $number in tests/mutants" >&2; exit 2; }
done
root=$PWD
work=$root/build/mutants
tree=$work/tree
bin=$tree/build/release/bin
mkdir -p "$tree" "$work/rows"
exec 8>"$work/lock"
flock -n 8 || { echo "another run is at work in $work; wait for it, or run in another copy" >&2; exit 1; }

# A copy of the sources, with its build folder kept from the last time. Files that have not changed keep
# their times, so that only what a patch touches is built.
rsync -a --checksum --no-times --delete --exclude /build --exclude /tests/mutants CMakeLists.txt \
  CMakePresets.json bin core fuzz net proto sim store tests "$tree/" || exit 1
# Of the sources, the patch and what is asked: the name under which a row is kept.
sources=$(cd "$tree" && find . -path ./build -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
key_of() {
  { echo "$sources $seeds ${sweep_flags[*]}"; [ $# -eq 0 ] || cat "$1"; } | sha256sum | cut -c 1-32
}
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
sound=$work/rows/$(key_of)
if [ -n "$resume" ] && [ -e "$sound" ]; then
  cat "$sound"
else
  targets=(grass-sim)
  [ ${#sweep_flags[@]} -gt 0 ] || targets+=(core_test transcript_test store_test)
  build "${targets[@]}" || { tail -20 "$work/build.log"; exit 1; }
  began=$SECONDS
  found=$(find_by_seed)
  [ -n "$found" ] || found=$(find_by_test)
  if [ -n "$found" ]; then
    row 'the tree itself' BROKEN "${found%% *}" $((SECONDS - began))s "${found#* }"
    exit 1
  fi
  row 'the tree itself' sound - $((SECONDS - began))s - | tee "$sound"
fi

# Whether the patch is one of those asked for, and of this shard.
place=0
is_wanted() {
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

killed=0 total=0 bad=0 survivors=
declare -A by=()
# Adds a row, as it was printed, to the sums.
count() {
  local name verdict found
  read -r name verdict _ _ found <<<"$1"
  total=$((total + 1))
  case $verdict in
    killed)
      killed=$((killed + 1))
      # A test's name says one thing, a checker's many.
      [[ $found != *.* ]] || found='a test'
      by[$found]=$((${by[$found]:-0} + 1)) ;;
    SURVIVED) survivors+=" ${name%%-*}" ;;
    *) bad=$((bad + 1)) ;;
  esac
}
for patch in "$root"/tests/mutants/[0-9]*.patch; do
  name=$(basename "$patch" .patch)
  is_wanted "$name" || continue
  kept=$work/rows/$(key_of "$patch")
  if [ -n "$resume" ] && [ -e "$kept" ]; then
    cat "$kept"
    count "$(cat "$kept")"
    continue
  fi
  began=$SECONDS
  # What it touches, as it was: the sources may change while this runs.
  rm -rf "$work/before"
  sed -n 's|^+++ b/||p' "$patch" | while read -r file; do
    mkdir -p "$work/before/$(dirname "$file")"
    cp "$tree/$file" "$work/before/$file"
  done
  if ! patch -d "$tree" -p1 --no-backup-if-mismatch <"$patch" >"$work/patch.log" 2>&1; then
    line=$(row "$name" NO-PATCH - - 'it does not apply')
  elif ! build grass-sim; then
    line=$(row "$name" NO-BUILD - - "$(grep -m1 'error:' "$work/build.log")")
  else
    found=$(find_by_seed)
    test=
    [ -n "$found" ] || test=$(find_by_test)
    if [[ $found == '? exit code'* ]]; then
      line=$(row "$name" NO-RUN - $((SECONDS - began))s "the sweep ended with ${found#* } and no violation")
    elif [ -n "$found$test" ]; then
      line=$(row "$name" killed "${found:+${found%% *}}${test:+-}" $((SECONDS - began))s "${found#* }$test")
    else
      line=$(row "$name" SURVIVED - $((SECONDS - began))s "expected: $(sed -n 's/^Expected: //p' "$patch")")
    fi
  fi
  # Back to the tree's own text, whatever the patch left.
  cp -r "$work/before/." "$tree/"
  rm -f "$tree"/*/*.rej
  echo "$line"
  count "$line"
  # What did not run says nothing about the bug.
  case $line in *' NO-'*) ;; *) echo "$line" >"$kept" ;; esac
done

# The sum: how many, by what, and who is left.
sum="$killed of $total killed within $seeds seeds"
[ ${#sweep_flags[@]} -eq 0 ] || sum="black box: $sum"
[ "$shard" = 1/1 ] || sum="shard $shard: $sum"
for checker in "${!by[@]}"; do echo "${by[$checker]} by $checker"; done | sort -rn >"$work/by"
[ ! -s "$work/by" ] || sum+=": $(paste -sd, "$work/by" | sed 's/,/, /g')"
[ -z "$survivors" ] || sum+="; survived:$survivors"
[ "$bad" -eq 0 ] || sum+="; $bad not run"
echo "$sum"
[ "$bad" -eq 0 ] && { [ "$killed" -eq "$total" ] || [ ${#sweep_flags[@]} -gt 0 ]; }
