#!/usr/bin/env bash
# What cannot be meant is refused before anything runs: exit code 2 and one line on stderr that names
# the flag, the value and the way out.
#
#   bad_flags_test.sh GRASS-SIM
set -u
program=${1:?usage: bad_flags_test.sh GRASS-SIM}
failures=0

# refuses PART... -- ARGUMENTS...: every PART is in the line.
refuses() {
  local parts=() part code error
  while [ "$1" != -- ]; do
    parts+=("$1")
    shift
  done
  shift
  error=$(timeout 20 "$program" "$@" 2>&1 >/dev/null)
  code=$?
  if [ $code -ne 2 ] || [ "$(wc -l <<<"$error")" -ne 1 ] || [ ${#error} -gt 300 ]; then
    echo "grass-sim $*: exit code $code, wanted 2 and one line: $error"
    failures=$((failures + 1))
  fi
  for part in "${parts[@]}"; do
    if [[ $error != *"$part"* ]]; then
      echo "grass-sim $*: no \"$part\" in: $error"
      failures=$((failures + 1))
    fi
  done
}

readonly too_large=18446744073709551616
for value in x -1 "$too_large" 1.5 1e3 0x10 ' 1'; do
  refuses --seed "'$value'" 18446744073709551615 -- run "--seed=$value"
  refuses --seed "'$value'" 18446744073709551615 -- bench "--seed=$value"
  refuses --steps "'$value'" 'from 1 to' -- run --seed 1 "--steps=$value"
  refuses --seconds "'$value'" 'from 1 to 1000000' -- run --seed 1 "--seconds=$value"
  refuses --jobs "'$value'" 'from 1 to 1024' -- sweep "--jobs=$value"
  refuses --nodes "'$value'" 'from 1 to 7' -- run --seed 1 "--nodes=$value"
  refuses --seeds "'1..$value'" 'A..B' -- sweep "--seeds=1..$value"
done
for value in x -1 "$too_large" 1e3 0x10 ' 1' 1.5h '1 s' 1000001 1000000001ms; do
  for flag in --from --until; do
    refuses $flag "'$value'" '1000000 s, as in 2, 1.5s or 1500ms' -- replay --seed 1 --trace all "$flag=$value"
    refuses $flag "'$value'" '1000000 s, as in 2, 1.5s or 1500ms' -- explain --seed 1 "$flag=$value"
  done
done
refuses --seed "'-1'" -- run --seed -1
refuses --seed -- run --seed=
refuses --steps "'0'" -- run --seed 1 --steps 0
refuses --seconds "'1000001'" -- run --seed 1 --seconds 1000001
refuses --jobs "'4294967297'" -- sweep --jobs 4294967297
refuses --nodes 4294967299 -- run --seed 1 --nodes 4294967299
refuses --seeds "'9..1'" 'A..B' -- sweep --seeds 9..1
refuses --set "'fault_wipe=2'" 'from 0 to 1' -- run --seed 1 --set fault_wipe=2
refuses --profile /nowhere/p -- sweep --seeds 1..2 --profile /nowhere/p
refuses --profile "'$0'" 'is not JSON' -- sweep --seeds 1..2 --profile "$0"
refuses /nowhere/h -- check-history /nowhere/h
refuses "$0, line 1" '{:process 0,' 'INFO  jepsen.util - ' -- check-history "$0"
refuses FILE -- check-history
refuses "'/bin/false'" 'no grass-sim' -- diverge /bin/false --seed 1
refuses --seeds 1000000000000 -- sweep --seeds 0..18446744073709551615
refuses --seeds 1000000000000 -- sweep --seeds 1..1000000000001
refuses --seed-seconds "'0'" 'from 1 to' -- sweep --seeds 1..2 --seed-seconds 0
for flag in --json --junit --fingerprints; do
  refuses $flag "'/nowhere/x'" 'No such file' -- sweep --seeds 1..2 $flag /nowhere/x
done
refuses --failures "'/nowhere/x'" 'No such file' --no-failures -- sweep --seeds 1..2 --failures /nowhere/x
refuses --failures "'/dev/null'" 'Not a directory' --no-failures -- sweep --seeds 1..2 --failures /dev/null
refuses --failures "'/dev/null/x'" 'Not a directory' --no-failures -- sweep --seeds 1..2 --failures /dev/null/x
refuses --failures "''" 'No such file' --no-failures -- sweep --seeds 1..2 --failures ''
refuses --failures --no-failures -- sweep --seeds 1..2 --failures /tmp --no-failures
refuses --nodes "'6'" 'from 1 to 5' -- explore --nodes 6
refuses --terms "'0'" 'from 1 to 7' -- explore --terms 0
refuses --memory "'1'" 'from 64 to' -- explore --memory 1
refuses --reads "'4'" 'from 0 to 3' -- explore --reads 4
refuses --replay "'/no/such/file'" 'that --out wrote' -- explore --replay /no/such/file
refuses --replay 'its first line is not' -- explore --replay "$0"
# What contradicts itself, and what would be taken and ignored.
refuses lease_ppm=1 fault_clock_jump=1 -- run --seed 1 --set lease_ppm=1 --set fault_clock_jump=1
refuses lease_ppm=900000 drift_ppm_max=400000 -- sweep --seeds 1..2 --set lease_ppm=900000 --set drift_ppm_max=400000
refuses voters=5 nodes=3 -- run --seed 1 --set voters=5 --set nodes=3
refuses '--nodes 5' voters=3 -- run --seed 1 --nodes 5 --set voters=3
refuses --seed -- bench --nodes 5 --set fault_crash=1 --black-box
refuses '--reads 1' '--heartbeats 2' 'one of them' -- explore --reads 1 --heartbeats 2
refuses --nodes --replay -- explore --replay /no/such/file --nodes 3
refuses '--until 2' '--from 5' -- replay --seed 1 --trace all --from 5 --until 2
refuses '--until 1999ms' '--from 2' -- replay --seed 1 --trace all --from 2 --until 1999ms
refuses '--until 1.9' '--from 1.95s' -- explain --seed 1 --from 1.95s --until 1.9 -o /dev/null
refuses '--trace all' -- replay --seed 1 --seconds 1 --from 1
refuses '--from 900' 'end of the run' -- explain --seed 7 --seconds 1 --from 900 -o /dev/null
refuses "'/nowhere/x'" 'No such file' -- shrink --seed 1 --out /nowhere/x
refuses "'/nowhere/x'" 'No such file' -- explore --out /nowhere/x
refuses --json --junit 'only one' -- sweep --seeds 1..2 --json - --junit -
# An empty file is none that cannot be read.
for command in replay explain shrink check-history 'compare /dev/null'; do
  refuses "'/dev/null'" 'it is empty' -- $command /dev/null
done
refuses "'/dev/null'" 'it is empty' -- sweep --seeds 1..2 --profile /dev/null
refuses "'fly'" 'run, sweep, replay' -- fly --seed 1
refuses 'run, sweep, replay, shrink, compare, bench' --
if [[ $("$program" --version) != grass-sim\ [0-9]* ]]; then
  echo "grass-sim --version: $("$program" --version)"
  failures=$((failures + 1))
fi
[ "$failures" -eq 0 ]
