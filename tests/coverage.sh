#!/usr/bin/env bash
# Same code: how many of the lines of core and store, the client's logic among them, the simulator runs.
# Production runs the very same ones; only the adapters (gRPC, POSIX files) are not in the simulator.
#
#   tests/coverage.sh [--seeds N] [--minimum PERCENT] [--html FOLDER]      default: 200 seeds, 90 percent
#
# Prints lines run by file, those that were not, and the sum. Exit code: 0 at least the minimum, 1 less, 2
# usage.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=200 minimum=90 html=
while [ $# -gt 0 ]; do
  case $1 in
    --seeds) seeds=${2:-} ;;
    --minimum) minimum=${2:-} ;;
    --html) html=${2:-} ;;
    *) echo "unknown argument '$1'; usage: tests/coverage.sh [--seeds N] [--minimum PERCENT] [--html FOLDER]" >&2; exit 2 ;;
  esac
  [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
  shift 2
done
for number in "$seeds" "$minimum"; do
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
  '-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1 --coverage' -DCMAKE_EXE_LINKER_FLAGS=--coverage &&
  cmake --build "$folder" --target grass-sim; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  exit 1
fi
find "$folder" -name '*.gcda' -delete
# One process a seed: the workers of a sweep end without writing down what they ran.
for ((seed = 1; seed <= seeds; ++seed)); do
  "$folder/bin/grass-sim" run --seed "$seed" >"$log" || { cat "$log"; exit 1; }
done
report=(gcovr --root . --object-directory "$folder" --filter core/ --filter store/ --exclude store/posix.cc
  --exclude-unreachable-branches --exclude-throw-branches "$folder")
[ -z "$html" ] || { mkdir -p "$html" && "${report[@]}" --html-details "$html/index.html" >"$log" 2>&1; }
"${report[@]}" --fail-under-line "$minimum" || {
  echo "less than $minimum % of the lines: bash tests/coverage.sh --seeds $seeds --minimum $minimum"
  exit 1
}
