#!/usr/bin/env bash
# From a bug to a page: the commands of "Reading a failure" in sim/README.md, word for word but for the
# seed, by a grass-sim with a planted bug. Then one with the same bug and other plans by the same seeds is
# shown the same files, and the sound one. And what the READMEs show to be done with grass_sim_planted.
#   reading_a_failure_test.sh PLANTED_GRASS_SIM GRASS_SIM FOLDER_OF_THE_SOURCE REDRAWN_GRASS_SIM
set -euo pipefail
planted=$(realpath "$1") sound=$(realpath "$2") source=$(realpath "$3") redrawn=$(realpath "$4")
readme=$source/sim/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/path"
ln -s "$planted" "$work/path/grass-sim"
PATH=$work/path:$PATH
cd "$work"
fail() { echo "$*" >&2; exit 1; }
says() { grep -qF -- "$1" out || fail "'$command' does not say '$1': $(tail -40 out)"; }
# run CODE COMMAND...: leaves what it prints in `out`.
run() {
  local expected=$1 code=0
  shift
  command=$*
  "$@" >out 2>&1 || code=$?
  [ "$code" -eq "$expected" ] || fail "'$command' ended with $code, not $expected: $(tail -40 out)"
}
# The value of a number or a text in a failure's file, without its quotes.
value() { sed -n "s/^ *\"$2\": *\"\\{0,1\\}\\([^\",]*\\)\"\\{0,1\\},\\{0,1\\}\$/\\1/p" "$1" | head -1; }

mapfile -t commands < <(sed -n '/^## Reading a failure/,/^## A long sweep/s/^    \(grass-sim .*\)/\1/p' "$readme")
[ "$(printf '%s\n' "${commands[@]}" | cut -d ' ' -f 2 | paste -sd ' ')" = \
  'sweep replay replay shrink replay explain' ] || fail "other commands in $readme: ${commands[*]}"

# nth N: the N-th command of the README, about the seed that failed.
nth() {
  local words
  read -r -a words <<<"${commands[$1]//failure-17/failure-$seed}"
  run 1 "${words[@]}"
}

seed=17
nth 0
files=(failures/grass-sim-failure-*.json)
[ "${#files[@]} ${files[0]}" != '1 failures/grass-sim-failure-*.json' ] || fail 'no file of the failure'
[ ${#files[@]} -eq 1 ] || fail "expected one failure's file, got: ${files[*]}"
failure=${files[0]}
seed=${failure//[!0-9]/}
[ "$(tail -2 out)" = "replay with: grass-sim replay $failure
repeat with: grass-sim run --seed $seed" ] || fail "another end: $(tail -2 out)"
says 'VIOLATION of durable before promised at sim/checkers/promises.cc:'
says "repeat with: grass-sim run --seed $seed"
violation=$(grep -m1 '^VIOLATION of ' out)
[ "$(value "$failure" rule)" = 'durable before promised' ] || fail "$(head -60 "$failure")"
event=$(value "$failure" event)

nth 1
says "$violation"
says "seed $seed, "
says "event $event"
says "fingerprint: $(value "$failure" fingerprint)"
says 'the same run as in the file'
nth 2
says 'the same run as in the file'

nth 3
says "$violation"
says 'repeat with: grass-sim replay small.json --trace all'
[ "$(value small.json event)" -lt "$event" ] || fail "no fewer events: $(value small.json event), not $event"
[ "$(value small.json rule)" = "$(value "$failure" rule)" ] || fail "$(head -60 small.json)"
nth 4
says "$violation"
says "fingerprint: $(value small.json fingerprint)"
says 'the same run as in the file'

nth 5
says "$violation"
says 'report.html: '
grep -qF 'durable before promised' report.html || fail 'the page does not name the rule'
grep -qF '</html>' report.html || fail 'the page has no end'
! grep -qE '(src|href)="https?:' report.html || fail 'the page needs a network'

# Of several seeds that fail the first is named; in another directory, and in none.
run 1 grass-sim sweep --seeds "$seed..$((seed + 60))" --failures deep/
left=(deep/*)
[ ${#left[@]} -gt 1 ] || fail "only one file in deep/: $(tail -5 out)"
says "replay with: grass-sim replay deep/grass-sim-failure-$seed.json   # $((${#left[@]} - 1)) more beside it"
mkdir none
cd none
run 1 grass-sim sweep --seeds "$seed" --no-failures
[ "$(ls)" = out ] || fail "something is left: $(ls)"
! grep -q '^replay with: ' out || fail "$(cat out)"
cd ..

# A file has its configuration: it is the same run where the seed draws another one.
"$planted" run --seed "$seed" --verbose >drawn_plan || true
"$redrawn" run --seed "$seed" --verbose >redrawn_plan || true
! diff -q <(grep '^  [a-z]*: ' drawn_plan) <(grep '^  [a-z]*: ' redrawn_plan) >out || fail "the same plan: $(cat drawn_plan)"
for file in "$failure" small.json; do
  run 1 "$redrawn" replay "$file"
  says "$violation"
  says "fingerprint: $(value "$file" fingerprint)"
  says 'the same run as in the file'
  run 1 "$redrawn" explain "$file" -o other.html
  ! grep -q 'NOT the run' out || fail "$(cat out)"
done
run 1 "$redrawn" shrink small.json --out smaller.json
[ "$(value smaller.json event)" -le "$(value small.json event)" ] || fail "more events: $(head -60 smaller.json)"
[ "$(value smaller.json drawn_by)" = "grass-sim run --seed $seed" ] || fail "$(head -60 smaller.json)"

# Without the bug there is no such failure, and both commands say so.
run 0 "$sound" replay "$failure"
says 'NOT the run of the file; this build does something else'
run 0 "$sound" replay small.json
says 'NOT the run of the file; this build does something else'
run 2 "$sound" shrink "$failure"
says 'breaks no rule in this build; nothing to shrink'

# Word for word, from the top of the tree.
for file in "$source/README.md" "$readme"; do
  mkdir -p "$work/walk/build/release/bin"
  cd "$work/walk"
  ln -s "$planted" build/release/bin/grass_sim_planted
  mapfile -t commands < <(sed -n 's/^    \(build\/release\/bin\/grass_sim_planted [^#]*\)\( *#.*\)\?$/\1/p' "$file")
  [ ${#commands[@]} -ge 4 ] || fail "no commands of grass_sim_planted in $file: ${commands[*]}"
  for walked in "${commands[@]}"; do
    run 1 bash -c "$walked"
    says 'VIOLATION of durable before promised at sim/checkers/promises.cc:'
  done
  grep -qF 'durable before promised' report.html || fail "$file: the page does not name the rule"
  cd "$work"
  rm -rf walk
done
