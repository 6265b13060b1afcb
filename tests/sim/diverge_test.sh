#!/usr/bin/env bash
# grass-sim diverge, on a build that is the same and on one that is not: another program that is this
# one with a single rate changed stands for a build that decides something differently.
#   diverge_test.sh GRASS_SIM
set -euo pipefail
sim=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }

# What shapes a run is passed on: with some of it left out, a build would differ from itself.
shape=(--seed 5 --nodes 3 --set fault_wipe=1 --set clients=2 --lite --seconds 2)
"$sim" diverge "$sim" "${shape[@]}" >"$work/same" || fail "a build differs from itself: $(cat "$work/same")"
grep -q '^the same run of [1-9][0-9]* events$' "$work/same" || fail "expected the same run: $(cat "$work/same")"

cat >"$work/o'ther" <<END
#!/usr/bin/env bash
exec "$sim" "\$@" --set drop_ppm=300000
END
chmod +x "$work/o'ther"
code=0
"$sim" diverge "$work/o'ther" "${shape[@]}" >"$work/found" || code=$?
[ "$code" -eq 1 ] || fail "expected exit code 1 for a difference, got $code: $(cat "$work/found")"
event=$(sed -n 's/^the first event that differs is #\([1-9][0-9]*\);.*/\1/p' "$work/found")
[ -n "$event" ] || fail "names no event: $(cat "$work/found")"

# It is the first one: up to the event before it both are the same run, and with it they are not.
up_to() { "$1" prefix "${shape[@]}" --events "$2" | tail -2; }
[ "$(up_to "$sim" $((event - 1)))" = "$(up_to "$work/o'ther" $((event - 1)))" ] ||
  fail "the runs differ before event $event"
[ "$(up_to "$sim" "$event")" != "$(up_to "$work/o'ther" "$event")" ] ||
  fail "the runs do not differ at event $event"

# The command that it ends with runs, and shows what was at this event here.
look=$(sed -n 's/^look around it with: grass-sim //p' "$work/found")
here=$(sed -n 's/^  here:  *//p' "$work/found")
eval "\"\$sim\" $look" >"$work/look"
grep -qF -- "$here" "$work/look" || fail "'$look' does not show '$here'"
