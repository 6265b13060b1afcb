#!/usr/bin/env bash
# Whether each patch of a folder is one that run.sh can use: its name and head are whole, what it expects to
# be found by exists, and it applies to the tree. Nothing is built.
#
#   tests/mutants/check_patches.sh [TREE [FOLDER]]     default: this tree and this folder
#
# `Expected:` is a list of rules of the simulator, of GRASS_CHECK and of tests as Suite.Name, divided by
# commas; what stands behind a semicolon is for people. Exit code 0 all are fit, 1 one is not, 2 usage.
set -uo pipefail
tree=$(realpath "${1:-$(dirname "$0")/../..}") || exit 2
folder=$(realpath "${2:-$tree/tests/mutants}") || exit 2
shopt -s nullglob
patches=("$folder"/*.patch)
[ ${#patches[@]} -gt 0 ] || { echo "there is no patch in $folder" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What a bug can be found by, one name a line.
{
  echo GRASS_CHECK
  find "$tree/sim" \( -name '*.h' -o -name '*.cc' \) -exec cat {} + >"$work/sim"
  grep -zoP 'GRASS_(RULE|VIOLATION)\(\s*"\K[^"]+' "$work/sim" | tr '\0' '\n'
  grep -oP 'constexpr const char\* k(Rule|Promise) = "\K[^"]+' "$work/sim"
  cat "$tree"/tests/core/*.cc "$tree"/tests/store/*.cc >"$work/tests"
  grep -zoP '(TEST|TEST_F|TEST_P|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)\(\s*\w+,\s*\w+' "$work/tests" |
    tr -d '\n' | tr '\0' '\n' | sed 's/^\w*(\s*//; s/,\s*/./'
} | sort -u >"$work/finders"

bad=0
complain() {
  echo "${patch##*/}: $*" >&2
  bad=$((bad + 1))
}
declare -A named=()
for patch in "${patches[@]}"; do
  name=${patch##*/}
  [[ $name =~ ^[0-9]{3}-[a-z0-9-]+\.patch$ ]] || complain 'its name is not like 027-commit-by-counting.patch'
  number=${name%%-*}
  [ -z "${named[$number]:-}" ] || complain "has the number of ${named[$number]}"
  named[$number]=$name
  place=0
  for field in Rule Source Faults Expected; do
    place=$((place + 1))
    line=$(sed -n "${place}p" "$patch")
    [[ $line =~ ^$field:\ [^\ ] ]] || complain "line $place is not '$field: ...' but '$line'"
  done
  [ -z "$(sed -n 5p "$patch")" ] || complain 'no empty line between the head and the patch'
  expected=$(sed -n 's/^Expected: //p' "$patch" | head -1)
  while read -r finder; do
    [ -z "$finder" ] || grep -qxF -- "$finder" "$work/finders" ||
      complain "expects '$finder', which is neither a rule of sim/ nor a test of core or store"
  done < <(sed 's/;.*//; s/, */\n/g' <<<"$expected"; echo)
  if ! patch --dry-run -f -s -d "$tree" -p1 <"$patch" >"$work/log" 2>&1; then
    complain "does not apply: $(head -1 "$work/log")"
  fi
done
[ "$bad" -eq 0 ] || { echo "repeat with: tests/mutants/check_patches.sh" >&2; exit 1; }
echo "${#patches[@]} patches apply and have a whole head"
