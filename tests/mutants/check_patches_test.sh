#!/usr/bin/env bash
# check_patches.sh, on patches that are fit and on each kind that is not.
set -euo pipefail
check=$(realpath "$(dirname "$0")/check_patches.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
mkdir -p "$work"/tree/{core,sim,tests/core,tests/store,tests/mutants}
tree=$work/tree
patches=$tree/tests/mutants
printf 'one\ntwo\nthree\n' >"$tree/core/a.cc"
printf '  GRASS_RULE(\n      "log matching", true, "");\n' >"$tree/sim/rule.h"
printf 'constexpr const char* kRule = "exactly once";\n' >"$tree/sim/other.cc"
printf 'TEST(Suite, Name) {}\nTEST_F(Suite,\n       OtherName) {}\n' >"$tree/tests/core/a_test.cc"
touch "$tree/tests/store/b_test.cc"

# plant NAME EXPECTED: a patch that is fit, but for what is done to it afterwards.
plant() {
  rm -f "$patches"/*
  cat >"$patches/$1" <<END
Rule: two comes second
Source: nobody
Faults: none
Expected: $2

--- a/core/a.cc
+++ b/core/a.cc
@@ -1,3 +1,3 @@
 one
-two
+four
 three
END
}
passes() { "$check" "$tree" "$patches" >"$work/out" 2>&1 || fail "refused: $(cat "$work/out")"; }
refuses() {
  ! "$check" "$tree" "$patches" >"$work/out" 2>&1 || fail "took what should be refused with: $1"
  grep -qF -- "$1" "$work/out" || fail "expected '$1', got: $(cat "$work/out")"
}
fit=001-two.patch
plant $fit 'log matching, exactly once, GRASS_CHECK, Suite.Name, Suite.OtherName; or nobody, ever'
passes
plant $fit 'log matchin'
refuses "$fit: expects 'log matchin'"
plant $fit 'log matching, Suite.Nam'
refuses "expects 'Suite.Nam'"
plant 1-two.patch GRASS_CHECK
refuses 'its name is not like'
plant $fit GRASS_CHECK
cp "$patches/$fit" "$patches/001-three.patch"
refuses 'has the number of'
for field in Rule Source Faults Expected; do
  plant $fit GRASS_CHECK
  sed -i "/^$field:/d" "$patches/$fit"
  refuses "is not '$field: ...'"
done
plant $fit GRASS_CHECK
sed -i 's/^Source: .*/Source: /' "$patches/$fit"
refuses "line 2 is not 'Source: ...'"
plant $fit GRASS_CHECK
sed -i 5d "$patches/$fit"
refuses 'no empty line'
plant $fit GRASS_CHECK
sed -i 's/^-two/-too/' "$patches/$fit"
refuses "$fit: does not apply"
[ "$(cat "$tree/core/a.cc")" = "$(printf 'one\ntwo\nthree')" ] || fail 'the tree was changed'
