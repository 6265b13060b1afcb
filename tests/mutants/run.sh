#!/usr/bin/env bash
# Plants each bug of this folder into a copy of the tree, and sweeps the simulator over it until it is
# found. Prints a table; fails if a patch does not apply or does not build, or if a bug survives.
#
#   tests/mutants/run.sh [--seeds N] [NUMBER...]      default: 1000 seeds, every patch
set -uo pipefail
cd "$(dirname "$0")/../.."
seeds=1000
if [ "${1:-}" = --seeds ]; then
  seeds=${2:?--seeds needs a number}
  shift 2
fi
case $seeds in '' | *[!0-9]* | 0) echo "--seeds: '$seeds' is not a positive number" >&2; exit 2 ;; esac
wanted=("$@")
root=$PWD
work=$root/build/mutants
tree=$work/tree
jobs=$(nproc)
mkdir -p "$tree"

# A copy of the sources, with its build folder kept from the last time. Files that have not changed keep
# their times, so that only what a patch touches is built.
rsync -a --checksum --no-times --delete --exclude /build CMakeLists.txt CMakePresets.json bin core fuzz \
  net proto sim store "$tree/" || exit 1
build() { cmake --build "$tree/build/release" --target grass-sim >"$work/build.log" 2>&1; }
cmake -S "$tree" -B "$tree/build/release" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRASSDB_NET=OFF \
  -DGRASSDB_TESTS=OFF -DGRASSDB_WERROR=OFF >"$work/configure.log" 2>&1 || {
  cat "$work/configure.log"
  exit 1
}
build || { tail -20 "$work/build.log"; exit 1; }

# Sweeps in growing blocks and stops behind the first that fails. Prints "seed checker", or nothing.
find_failure() {
  local from=1 to=20 out=$work/sweep.log
  while [ "$from" -le "$seeds" ]; do
    [ "$to" -gt "$seeds" ] && to=$seeds
    if ! timeout 600 "$tree/build/release/bin/grass-sim" sweep --seeds "$from..$to" --jobs "$jobs" \
      >"$out" 2>&1; then
      local seed checker
      checker=$(sed -n 's/^VIOLATION of \(.*\) at .*/\1/p' "$out" | head -1)
      seed=$(sed -n 's/^repeat with: .*--seed \([0-9]*\).*/\1/p' "$out" | head -1)
      echo "${seed:-?} ${checker:-no checker: see $out}"
      return
    fi
    from=$((to + 1))
    to=$((to * 4))
  done
}

printf '%-36s %-9s %-6s %-5s %s\n' mutant verdict seed time 'found by'
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
    printf '%-36s %s\n' "$name" 'DOES NOT APPLY'
    bad=$((bad + 1))
  elif ! build; then
    printf '%-36s %s\n' "$name" 'DOES NOT BUILD'
    bad=$((bad + 1))
  else
    found=$(find_failure)
    if [ -n "$found" ]; then
      killed=$((killed + 1))
      printf '%-36s %-9s %-6s %-5s %s\n' "$name" killed "${found%% *}" $((SECONDS - began))s "${found#* }"
    else
      printf '%-36s %-9s %-6s %-5s %s\n' "$name" SURVIVED - $((SECONDS - began))s "expected: $(sed -n 's/^Expected: //p' "$patch")"
    fi
  fi
  # Back to the tree's own text, whatever the patch left.
  cp -r "$work/before/." "$tree/"
  rm -f "$tree"/*/*.rej
done
echo "$killed of $total killed within $seeds seeds"
[ "$bad" -eq 0 ] && [ "$killed" -eq "$total" ]
