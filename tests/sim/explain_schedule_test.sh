#!/usr/bin/env bash
# grass-sim explain, given a schedule of grass-sim explore.
#   explain_schedule_test.sh GRASS_SIM SCHEDULE
set -euo pipefail
sim=$1 schedule=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
"$sim" explain "$schedule" -o "$work/page.html" >"$work/out" || fail "$(cat "$work/out")"
grep -q '^every rule held$' "$work/out" || fail "no verdict: $(cat "$work/out")"
grep -q 'page.html: [1-9][0-9]* messages, [1-9][0-9]* points; open it in a browser$' "$work/out" ||
  fail "$(cat "$work/out")"
grep -q '12  crash n3 keeping 0' "$work/page.html" || fail 'the page does not tell the steps'

# refuses WHAT ARGUMENT...
refuses() {
  local what=$1 code=0
  shift
  "$sim" explain "$@" -o "$work/none.html" >"$work/out" 2>&1 || code=$?
  [ "$code" -eq 2 ] || fail "expected exit code 2 for '$*', got $code: $(cat "$work/out")"
  grep -qF -- "$what" "$work/out" || fail "expected '$what', got: $(cat "$work/out")"
  [ ! -e "$work/none.html" ] || fail "'$*' left a page"
}
refuses 'give no other flag than -o' "$schedule" --seconds 3
refuses 'give no other flag than -o' "$schedule" --from 1
sed 's/^timeout n1/timeout n9/' "$schedule" >"$work/other.txt"
refuses "step 1, 'timeout n9': no node is called 'n9'" "$work/other.txt"
sed 's/^bounds: /bound: /' "$schedule" >"$work/other.txt"
refuses "second line does not begin with 'bounds: '" "$work/other.txt"
