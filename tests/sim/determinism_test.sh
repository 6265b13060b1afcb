#!/usr/bin/env bash
# tests/determinism.sh, on a build that decides something differently from some seed on: it finds the seed and
# the event. Another program that is this one with a single rate changed stands for such a build.
#   determinism_test.sh GRASS_SIM SOURCE_FOLDER
set -euo pipefail
sim=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
mkdir "$work/profiles"
cp "$source/sim/profiles/lease.json" "$work/profiles"
compare() {
  bash "$source/tests/determinism.sh" --seeds 4 --profiles "$work/profiles" --reference "$sim" --other "$1" \
    >"$work/out" 2>&1
}

compare "$sim" || fail "a build differs from itself: $(cat "$work/out")"
grep -q ' same$' "$work/out" || fail "$(cat "$work/out")"

# Too few places are no success either, and are named.
code=0
bash "$source/tests/determinism.sh" --seeds 4 --places 100 --profiles "$work/profiles" --reference "$sim" \
  --other "$sim" >"$work/out" 2>&1 || code=$?
[ "$code" -eq 1 ] || fail "expected exit code 1 for places that were not reached, got $code: $(cat "$work/out")"
grep -q '^places reached [0-9]* of [0-9]*; not: ' "$work/out" || fail "names no place: $(cat "$work/out")"

# Differs in seed 3, and so in every sweep that has it.
cat >"$work/other" <<END
#!/usr/bin/env bash
case " \$* " in
  *' --seeds 1..4 '* | *' --seeds 3..4 '* | *' --seeds 3..3 '* | *' --seed 3 '*) set -- "\$@" --set drop_ppm=300000 ;;
esac
exec "$sim" "\$@"
END
chmod +x "$work/other"
code=0
compare "$work/other" || code=$?
[ "$code" -eq 1 ] || fail "expected exit code 1 for a difference, got $code: $(cat "$work/out")"
grep -q 'DIFFERS: fingerprint: ' "$work/out" || fail "does not say that it differs: $(cat "$work/out")"
grep -q '^the first event that differs is #[1-9]' "$work/out" || fail "names no event: $(cat "$work/out")"
[[ $(tail -1 "$work/out") == *' diverge '*'--seed 3' ]] || fail "does not name seed 3: $(cat "$work/out")"

# Differs in seed 2 of one profile only.
cat >"$work/other" <<END
#!/usr/bin/env bash
case " \$* " in
  *lease.json*' --seeds 1..4 '* | *lease.json*' --seeds 1..2 '* | *lease.json*' --seed 2 '*) set -- "\$@" --set drop_ppm=300000 ;;
esac
exec "$sim" "\$@"
END
code=0
compare "$work/other" || code=$?
[ "$code" -eq 1 ] || fail "expected exit code 1 for a difference with a profile, got $code: $(cat "$work/out")"
grep -qF "DIFFERS with $work/profiles/lease.json: " "$work/out" || fail "names no profile: $(cat "$work/out")"
[[ $(tail -1 "$work/out") == *' diverge '*"--profile $work/profiles/lease.json --seed 2" ]] ||
  fail "does not name seed 2: $(cat "$work/out")"
