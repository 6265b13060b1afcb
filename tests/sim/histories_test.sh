#!/usr/bin/env bash
# grass-sim check-history, on recorded histories whose verdicts are known, in both formats: each verdict with
# its exit code, and in less than a second of processor time.
#   histories_test.sh GRASS_SIM FOLDER
set -euo pipefail
sim=$1 folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; echo "repeat with: $sim check-history $folder/${file:-}" >&2; exit 1; }
check() {
  code=0
  (ulimit -t 1; exec "$sim" check-history "$1") >"$work/out" 2>&1 || code=$?
}
count=0
while IFS=$'\t' read -r file verdict; do
  case $verdict in
    linearizable) wanted=0 line='linearizable: ' ;;
    not-linearizable) wanted=1 line='not linearizable: ' ;;
    *) fail "VERDICTS.tsv says '$verdict' of $file" ;;
  esac
  check "$folder/$file"
  [ "$code" -eq "$wanted" ] ||
    fail "$file: expected exit code $wanted ($verdict), got $code (above 128: no verdict within a second): $(cat "$work/out")"
  [[ $(head -1 "$work/out") == "$line"* ]] || fail "$file: expected '$line', got: $(cat "$work/out")"
  count=$((count + 1))
done <"$folder/VERDICTS.tsv"
[ "$count" -ge 12 ] || fail "only $count histories"
file=VERDICTS.tsv
check "$folder/$file"
[ "$code" -eq 2 ] || fail "what is no history must end with 2, ended with $code: $(cat "$work/out")"
