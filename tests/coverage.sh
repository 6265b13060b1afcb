#!/usr/bin/env bash
# Same code: how many of the lines of core and store, the client's logic among them, the simulator runs.
# Production runs the very same ones.
#
#   tests/coverage.sh [--seeds N] [--minimum PERCENT] [--jobs N] [--html FOLDER]
#
# default: 120 seeds, 95 percent, 2 jobs.
#
# The seeds are run as they are drawn, as many again with the profile of disks, and every second one with the
# profile of rot; every eighth with its trace as text, which is where the names of things are. Once the states
# of a small cluster are explored.
#
# Left out is what cannot be in the simulator: store/posix.cc, real files; core/latency.h, measured with a real
# clock by who runs the disk; core/check.*, what happens when a check of the code has failed, which ends the run.
#
# Prints lines run by file, those that were not, and the sum. Exit code: 0 at least the minimum, 1 less, 2
# usage.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=120 minimum=95 jobs=2 html=
while [ $# -gt 0 ]; do
  case $1 in
    --seeds) seeds=${2:-} ;;
    --minimum) minimum=${2:-} ;;
    --jobs) jobs=${2:-} ;;
    --html) html=${2:-} ;;
    *)
      echo "unknown argument '$1'; usage: tests/coverage.sh [--seeds N] [--minimum PERCENT] [--jobs N] [--html FOLDER]" >&2
      exit 2 ;;
  esac
  [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
  shift 2
done
for number in "$seeds" "$minimum" "$jobs"; do
  case $number in '' | *[!0-9]* | 0) echo "'$number' is not a positive number" >&2; exit 2 ;; esac
done
# shellcheck source=tests/packages.sh
. tests/packages.sh
install_packages "${BUILD_PACKAGES[@]}" gcovr
folder=build/coverage-sim
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A folder of its own: what the tests run must not count.
if ! { cmake -S . -B "$folder" -G Ninja -DGRASSDB_NET=OFF -DGRASSDB_TESTS=OFF -DCMAKE_BUILD_TYPE=Debug \
  '-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1 --coverage' -DCMAKE_EXE_LINKER_FLAGS=--coverage &&
  cmake --build "$folder" --target grass-sim; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  exit 1
fi
find "$folder" -name '*.gcda' -delete
# One process a seed: the workers of a sweep end without writing down what they ran.
commands() {
  local seed
  for ((seed = 1; seed <= seeds; ++seed)); do
    echo "run --seed $seed$([ $((seed % 8)) -ne 0 ] || echo ' --trace')"
    echo "run --seed $seed --profile sim/profiles/disk.json"
    [ $((seed % 2)) -ne 0 ] || echo "run --seed $seed --profile sim/profiles/rot.json"
  done
  echo 'explore --terms 1 --entries 1 --crashes 1'
}
# shellcheck disable=SC2016  # the inner shell's own
commands | xargs -P "$jobs" -d '\n' -n 1 bash -c '
  out=$("$0" $1 2>&1) || { echo "$out" | tail -n 40; exit 255; }' "$folder/bin/grass-sim" >"$log" || {
  cat "$log"
  exit 1
}
report=(gcovr --root . --object-directory "$folder" --filter core/ --filter store/ --exclude store/posix.cc
  --exclude core/check.cc --exclude core/check.h --exclude core/latency.h --exclude-unreachable-branches
  --exclude-throw-branches "$folder/core" "$folder/store")
[ -z "$html" ] || { mkdir -p "$html" && "${report[@]}" --html-details "$html/index.html" >"$log" 2>&1; }
"${report[@]}" --fail-under-line "$minimum" || {
  echo "less than $minimum % of the lines: bash tests/coverage.sh --seeds $seeds --minimum $minimum"
  exit 1
}
