#!/usr/bin/env bash
# Plants bugs of this folder that are in reach of an exhaustive search into a copy of the tree, one at a
# time, and explores it. Prints a table; fails if a bug is not found, or not with as many steps as it is
# known to need, whether or not moot messages are left out (sim/explore/moot.h).
#
#   tests/mutants/explore.sh [NUMBER...]      default: all of the list below
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

# number, steps, the rule that it breaks, the bounds
list=$(cat <<'END'
001 11 --terms 1 --entries 0 --crashes 1
003 9 --terms 1 --entries 0 --crashes 1
005 9 --terms 2 --entries 0 --pre-votes --timeouts 2
007 12 --terms 2 --entries 0
009 6 --nodes 4 --terms 1 --entries 0 --duplicates 1
011 13 --terms 3 --entries 2 --instant-disk
015 11 --terms 2 --entries 0
017 10 --terms 2 --entries 0
027 11 --terms 2 --entries 0 --instant-disk --append-max 1
029 16 --terms 1 --entries 2 --duplicates 1
031 10 --terms 2 --entries 0 --instant-disk --heartbeats 1
033 12 --terms 1 --entries 2 --heartbeats 1
035 14 --terms 1 --entries 3
037 17 --terms 1 --entries 3
043 8 --terms 1 --entries 0
045 14 --terms 3 --entries 1
047 11 --terms 1 --entries 2 --instant-disk
063 6 --terms 1 --entries 0 --crashes 1
END
)

wanted=("$@")
root=$PWD
work=$root/build/mutants-explore
tree=$work/tree
mkdir -p "$tree"
rsync -a --checksum --no-times --delete --exclude /build --exclude /tests/mutants CMakeLists.txt \
  CMakePresets.json bin core fuzz net proto sim store tests "$tree/" || exit 1
# As deep below the tree and with the flags of the release build: a ccache that has compiled that one has this.
build=$tree/build/release
cmake -S "$tree" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRASSDB_NET=OFF \
  -DGRASSDB_TESTS=OFF >"$work/configure.log" 2>&1 || {
  cat "$work/configure.log"
  exit 1
}
build() { cmake --build "$build" --target grass-sim >"$work/build.log" 2>&1; }

row() { printf '%-30s %-8s %-5s %-7s %-7s %-24s %s\n' "$@"; }
row mutant verdict steps time whole rule bounds

# explore BOUNDS...: sets code, steps, rule and took.
explore() {
  local out=$work/explore.log begin
  begin=$(date +%s.%N)
  timeout 300 "$build/bin/grass-sim" explore "$@" >"$out" 2>&1
  code=$?
  took=$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1fs", b - a }')
  steps=$(sed -n 's/^shortest schedule: \([0-9]*\) steps$/\1/p' "$out")
  rule=$(sed -n 's/^VIOLATION of \(.*\) at .*/\1/p' "$out" | head -1)
}

bad=0 total=0
while read -r number expected bounds; do
  if [ ${#wanted[@]} -gt 0 ]; then
    case " ${wanted[*]} " in *" $((10#$number)) "* | *" $number "*) ;; *) continue ;; esac
  fi
  total=$((total + 1))
  patch=$(echo "$root"/tests/mutants/"$number"-*.patch)
  name=$(basename "$patch" .patch)
  if ! patch -d "$tree" -p1 --no-backup-if-mismatch <"$patch" >"$work/patch.log" 2>&1; then
    row "$name" 'NO PATCH' - - - - 'it does not apply'
    bad=$((bad + 1))
  elif ! build; then
    row "$name" 'NO BUILD' - - - - "$(grep -m1 'error:' "$work/build.log")"
    bad=$((bad + 1))
  else
    # shellcheck disable=SC2086  # the bounds are words
    explore $bounds --no-reduction
    whole=$took verdict=found
    [ "$code" -eq 1 ] && [ "$steps" = "$expected" ] || verdict="NOT AT $expected IN WHOLE"
    if [ "$verdict" = found ]; then
      # shellcheck disable=SC2086
      explore $bounds
      [ "$code" -eq 1 ] && [ "$steps" = "$expected" ] || verdict="NOT AT $expected"
    fi
    row "$name" "$verdict" "${steps:--}" "$took" "$whole" "${rule:-exit code $code}" "$bounds"
    [ "$verdict" = found ] || bad=$((bad + 1))
  fi
  sed -n 's|^+++ b/||p' "$patch" | while read -r file; do cp "$root/$file" "$tree/$file"; done
  rm -f "$tree"/*/*.rej
done <<<"$list"
[ "$total" -gt 0 ] || { echo "no such number in the list" >&2; exit 2; }
echo "$((total - bad)) of $total found"
[ "$bad" -eq 0 ]
