#!/usr/bin/env bash
# Runs the fuzz targets, each for so many seconds from its kept corpus on, as many at once as there are
# cores. Fails with the command that repeats what was found.
#
#   tests/fuzz.sh [--seconds N] [--keep] [TARGET...]      default: 60 seconds each, every target
#
# --keep puts inputs that reach new code into fuzz/corpus, as few and as short as will do.
set -euo pipefail
cd "$(dirname "$0")/.."
usage='usage: tests/fuzz.sh [--seconds N] [--keep] [TARGET...]'
seconds=60
keep=0
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:-}; shift $(($# < 2 ? 1 : 2)) ;;
    --keep) keep=1; shift ;;
    -*) echo "unknown flag '$1'; $usage" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done
case $seconds in '' | *[!0-9]* | 0) echo "--seconds: '$seconds' is not a positive number" >&2; exit 2 ;; esac
mapfile -t all < <(sed -n 's/^grassdb_fuzz(\([a-z_]*\) .*/\1/p' fuzz/CMakeLists.txt)
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
for target in "${targets[@]}"; do
  [[ " ${all[*]} " == *" $target "* ]] || {
    echo "no fuzz target '$target'; there are: ${all[*]}" >&2
    exit 2
  }
done

mkdir -p build
{ cmake --preset fuzz && cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}"; } \
  >build/fuzz.log 2>&1 || {
  tail -n 40 build/fuzz.log >&2
  exit 1
}
work=build/fuzz
mkdir -p "$work/found" "$work/log"

# fuzz TARGET: its line, and 1 if something was found.
fuzz() {
  local target=$1 corpus=fuzz/corpus/$1 found=$work/found/$1 log=$work/log/$1 runs code=0
  mkdir -p "$found"
  local inputs=("$found") limits=()
  [ ! -d "$corpus" ] || inputs+=("$corpus")
  # Bytes on a disk must not be able to ask for much: a lost range takes its place in memory.
  [[ $target != store_* ]] || limits+=(-malloc_limit_mb=256)
  "$work/bin/fuzz_$target" "${limits[@]}" -seed=1 -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/$target-" "${inputs[@]}" >"$log" 2>&1 || code=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-16s %12s runs, %s\n' "$target" "${runs:-?}" \
    "$(sed -n 's/.*\(cov: [0-9]* ft: [0-9]*\).*/\1/p' "$log" | tail -n 1)"
  [ "$code" -eq 0 ] && return
  tail -n 60 "$log" >&2
  echo "repeat with: $work/bin/fuzz_$target $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)" >&2
  return 1
}
export -f fuzz
export work seconds
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I '{}' bash -c 'fuzz {}'

if [ "$keep" -eq 1 ]; then
  for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    "$work/bin/fuzz_$target" -merge=1 "fuzz/corpus/$target" "$work/found/$target" >>"$work/log/$target" 2>&1
    echo "fuzz/corpus/$target: $(find "fuzz/corpus/$target" -type f | wc -l) inputs"
  done
fi
echo "fuzzed: ${targets[*]}"
