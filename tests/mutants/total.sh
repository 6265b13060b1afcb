#!/usr/bin/env bash
# Adds up what run.sh has found, of one run or of the shards of one, and holds it against the bounds.
#
#   tests/mutants/total.sh VERDICTS.tsv...
#
# A bug that only a step test finds is no success of the simulator: both are counted apart. The ledger's rows, the
# patches with an odd number, have a sum of their own. If all patches, or all of the ledger, were run with so many
# seeds as the bound for them is for, the simulator must find as many as `swarm_bound` says.
# Exit code 0 if so, all were run and no bug survives both, 1 if not, 2 if a file is none of run.sh's.
set -uo pipefail
folder=$(dirname "$0")
[ $# -gt 0 ] || { echo "usage: $0 VERDICTS.tsv..." >&2; exit 2; }
mode='' seeds='' swarm=0 other=0 tests=0 total=0 bad='' survivors='' unexpected='' ledger=0 ledger_swarm=0 missed=''
declare -A by=() seen=()
for file in "$@"; do
  IFS=$'\t' read -r magic file_mode file_seeds <"$file" 2>/dev/null || magic=
  [ "$magic" = '# mutants 1' ] || { echo "'$file' is not a file of verdicts that run.sh writes" >&2; exit 2; }
  if [ "${mode:=$file_mode}" != "$file_mode" ] || [ "${seeds:=$file_seeds}" != "$file_seeds" ]; then
    echo "'$file' is of another kind of run than '$1': $file_mode with $file_seeds seeds" >&2
    exit 2
  fi
  while IFS=$'\t' read -r name verdict _ _ found _; do
    [ -z "${seen[$name]:-}" ] || { echo "'$file' has $name, which '${seen[$name]}' has too" >&2; exit 2; }
    seen[$name]=$file
    number=${name%%-*} killed=0
    total=$((total + 1))
    case $verdict in
      killed | killed\?)
        killed=1
        by[$found]=$((${by[$found]:-0} + 1))
        [ "$verdict" = killed ] || { other=$((other + 1)); unexpected+=" $number"; } ;;
      test) tests=$((tests + 1)) ;;
      SURVIVED) survivors+=" $number" ;;
      *) bad+=" $number" ;;
    esac
    swarm=$((swarm + killed))
    if [[ $number == *[13579] ]]; then
      ledger=$((ledger + 1)) ledger_swarm=$((ledger_swarm + killed))
      [ "$killed" -eq 1 ] || missed+=" $number"
    fi
  done < <(tail -n +2 "$file")
done

# hold BOUND FOUND RUN PATTERN: what was found of those that were run, of the patches that PATTERN names.
hold() {
  local bound bound_seeds patches
  read -r _ bound bound_seeds < <(grep -xE "$1 [0-9]+ [0-9]+" "$folder/swarm_bound") ||
    { echo "$folder/swarm_bound has no line '$1 NUMBER SEEDS'" >&2; exit 2; }
  patches=$(find "$folder" -name "$4" | wc -l)
  if [ "$3" -lt "$patches" ] || [ "$seeds" -lt "$bound_seeds" ]; then
    echo "not held against the bound '$1', which is for $patches patches and $bound_seeds seeds"
  elif [ "$2" -lt "$bound" ]; then
    echo "the simulator must find $bound of them (tests/mutants/swarm_bound, '$1')"
    code=1
  fi
}

code=0
box=
[ "$mode" = white-box ] || box='black box: '
sum="$box$swarm of $total found by the simulator within $seeds seeds"
rules=$(for rule in "${!by[@]}"; do echo "${by[$rule]} by $rule"; done | sort -k1,1nr -k2 | paste -sd, | sed 's/,/, /g')
[ -z "$rules" ] || sum+=" ($rules)"
[ "$mode" != white-box ] || sum+=", $tests more by a step test"
[ "$other" -eq 0 ] || sum+="; by another rule than expected:$unexpected"
[ -z "$survivors" ] || sum+="; survived:$survivors"
[ -z "$bad" ] || sum+="; not run:$bad"
echo "$sum"
[ -z "$bad" ] || code=1
if [ "$mode" = white-box ]; then
  [ -z "$survivors" ] || code=1
  hold all "$swarm" "$total" '[0-9]*.patch'
fi
[ "$ledger" -gt 0 ] || exit "$code"
sum="$box$ledger_swarm of $ledger of the ledger's rows (odd numbers) found by the simulator"
echo "$sum${missed:+; not found:$missed}"
[ "$mode" != white-box ] || hold ledger "$ledger_swarm" "$ledger" '[0-9][0-9][13579]-*.patch'
exit "$code"
