#!/usr/bin/env bash
# What instructions.sh makes of counts: it fails for a benchmark that takes more instructions than its
# baseline allows, and for one that is in one of the two only, and says so. A valgrind that writes what
# this test says stands in for the real one.
#
#   instructions_test.sh
set -euo pipefail
repository=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*" >&2
  cat "$work/out" "$work/err" >&2 || true
  exit 1
}

mkdir -p "$work/bin" "$work/tools" "$work/temporary"
for program in grass-bench grass-sim; do printf '#!/bin/sh\n' >"$work/bin/$program"; done
# grass-bench's last argument is the filter. "counts" has lines of name, instructions and operations, those of
# grass-sim as well; instructions of - stand for a dump that is not there.
cat >"$work/tools/valgrind" <<'TEXT'
#!/usr/bin/env bash
for argument in "$@"; do
  case $argument in --callgrind-out-file=*) out=${argument#*=} ;; esac
done
[ ! -e "${0%/*}/broken" ] || { echo "valgrind: no such tool" >&2; exit 1; }
of=micro filter=${*: -1:1} number=0
[[ "$*" != *CountedSimulation*/grass-sim* ]] || of=sim filter=
while read -r name instructions operations; do
  [[ $name == *"$filter"* ]] || continue
  [ "$of" = "$([[ $name == sim/* ]] && echo sim || echo micro)" ] || continue
  number=$((number + 1))
  [ "$instructions" = - ] || printf 'events: Ir\n\ntotals: %s\n' "$instructions" >"$out.$number"
  echo "$name $operations"
done <"${0%/*}/counts"
TEXT
chmod +x "$work"/bin/* "$work/tools/valgrind"

# counted NAME INSTRUCTIONS OPERATIONS...: what the next runs count.
counted() {
  : >"$work/tools/counts"
  while [ $# -gt 0 ]; do
    echo "$1 $2 $3" >>"$work/tools/counts"
    shift 3
  done
}
# run CODE ARGUMENTS...
run() {
  local expected=$1 code=0
  shift
  PATH=$work/tools:$PATH GRASSDB_BUILD_DIR=$work TMPDIR=$work/temporary bash "$repository/tests/bench/instructions.sh" \
    --baseline "$work/baseline.json" "$@" >"$work/out" 2>"$work/err" || code=$?
  [ "$code" -eq "$expected" ] || fail "'$*': exit code $code instead of $expected"
  [ -z "$(ls -A "$work/temporary")" ] || fail "'$*': it leaves $(ls "$work/temporary")"
}
says() { grep -qE -- "$2" "$work/$1" || fail "no '$2' on std$1"; }
silent() { ! grep -qF -- "$2" "$work/$1" || fail "'$2' on std$1"; }

counted step/one 5000 50 log/append 640 64
run 2
says err "no such file; --update writes it"
run 0 --update
says out "2 counts written to"
[ "$(jq -c . "$work/baseline.json")" = '{"step/one":100,"log/append":10}' ] || fail "the baseline"
run 0
silent out FAILED
silent out moved
[ ! -s "$work/err" ] || fail "something is wrong with what is as before"

counted step/one 5500 50 log/append 640 64
run 0
says out '^step/one +110 +100 +\+10 %$'
says out '^moved: step/one 100 -> 110 \(\+10 %\)$'
[ "$(grep -c '^moved: ' "$work/out")" -eq 1 ] || fail "what is as before has moved"
# What stays below three hundredths is no drift.
counted step/one 5150 50 log/append 627 64
run 0
silent out moved
counted step/one 5155 50 log/append 614 64
run 0
says out '^moved: step/one 100 -> 103.1 \(\+3.1 %\)$'
says out '^moved: log/append 10 -> 9.6 \(-4 %\)$'
silent out FAILED
counted step/one 5550 50 log/append 640 64
run 1
says out '^step/one +111 +100 +\+11 % +FAILED: more than 10 % above the baseline$'
says out '^moved: step/one 100 -> 111 \(\+11 %\)$'
says out '^log/append +10 +10 +0 %$'
says err "instructions.sh --update"
tail -n 1 "$work/err" | grep -qF "bash tests/bench/instructions.sh --baseline" ||
  fail "the last line does not repeat it"
run 0 --filter log
silent out step/one
silent out moved
run 1 --filter step

# Far fewer are no failure.
counted step/one 4000 50 log/append 640 64
run 0
says out '^step/one +80 +100 +-20 % +less: the baseline could be renewed$'

counted step/one 5000 50 log/append 640 64 codec/new 70 10
run 1
says out '^codec/new +7 +- +- +FAILED: not in the baseline$'
silent out moved
counted log/append 640 64
run 1
says out '^step/one +- +100 +- +FAILED: no longer there$'
silent out moved

# The simulator's, by themselves and beside the others.
counted step/one 5000 50 log/append 640 64 sim/dense 9000 3
run 0 --update
says out "3 counts written to"
run 0
says out '^sim/dense +3000 +3000 +0 %$'
run 0 --filter sim
says out '^sim/dense +3000 '
silent out step/one
counted step/one 5000 50 log/append 640 64 sim/dense 9930 3
run 1 --filter sim
says out '^sim/dense +3310 +3000 +\+10.3 % +FAILED: more than 10 % above the baseline$'
run 0 --filter e
silent out sim/dense
counted step/one 5000 50 log/append 640 64
run 0 --update

# What was not counted is no count of nothing.
counted step/one 5000 50 log/append - 64
run 1
says err "callgrind has written nothing about log/append"
counted step/one 0 50 log/append 640 64
run 1
says err "callgrind has counted nothing of step/one"
touch "$work/tools/broken"
run 1
says err "counting failed with exit code 1: valgrind: no such tool"
rm "$work/tools/broken"

counted step/one 5000 50 log/append 640 64
run 2 --update --filter log
says err "a baseline has every benchmark"
run 2 --speed
says err "unknown argument '--speed'"
counted step/one 5000 50 log/append 640 64
run 0 --out "$work/counts.json"
cmp -s "$work/counts.json" "$work/baseline.json" || fail "--out has not what was counted"
touch "$work/tools/broken"
run 2 --out /nonexistent/x
says err "^instructions.sh: --out '/nonexistent/x' cannot be written: there is no folder /nonexistent; name a file"
run 2 --out /proc/x
says err "^instructions.sh: --out '/proc/x' cannot be written: no file can be made in /proc"
run 1 --out "$work/counts.json"
cmp -s "$work/counts.json" "$work/baseline.json" || fail "what was counted before is lost"
rm "$work/tools/broken"
run 0 --help
says out "compare; about"
echo "ok"
