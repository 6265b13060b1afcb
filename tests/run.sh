#!/usr/bin/env bash
# Installs what is missing, builds and runs all tests.
#
#   bash tests/run.sh            Release
#   bash tests/run.sh dev        with AddressSanitizer and UndefinedBehaviorSanitizer, by clang
#   bash tests/run.sh PRESET -- CTEST-ARGUMENTS...
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/packages.sh
. tests/packages.sh
preset=release
if [ $# -gt 0 ] && [ "$1" != -- ]; then
  preset=$1
  shift
fi
[ "${1:-}" = -- ] && shift
install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${BENCH_PACKAGES[@]}"
case $preset in dev | clang) install_packages "${CLANG_PACKAGES[@]}" ;; esac
# With another compiler than a folder was made by, CMake forgets what else the preset says: begun anew.
cache=build/$preset/CMakeCache.txt
compiler=$(cmake --preset "$preset" -N 2>/dev/null | sed -n 's/^ *CMAKE_CXX_COMPILER="\(.*\)"$/\1/p')
if [ -n "$compiler" ] && [ -e "$cache" ] &&
  ! grep -q "^CMAKE_CXX_COMPILER:[A-Z]*=\(.*/\)\?${compiler//+/[+]}\$" "$cache"; then
  rm -r "build/$preset"
fi
log=$(mktemp)
cmake --preset "$preset" -DGRASSDB_TESTS=ON >"$log" 2>&1 || {
  cat "$log"
  rm -f "$log"
  exit 1
}
rm -f "$log"
cmake --build --preset "$preset"
jobs=$(nproc)
if ! ctest --preset "$preset" -j "$jobs" "$@"; then
  echo "To repeat only what failed: bash tests/run.sh $preset -- --rerun-failed"
  exit 1
fi
