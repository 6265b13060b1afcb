#!/usr/bin/env bash
# Adds up what run.sh has found, of one run or of the shards of one, and holds it against the bound.
#
#   tests/mutants/total.sh VERDICTS.tsv...
#
# A bug that only a step test finds is no success of the simulator: both are counted apart, and if every
# patch was run with so many seeds as the bound is for, the simulator must find as many as `swarm_bound` says.
# Exit code 0 if so and no bug survives both, 1 if not, 2 if a file is none of run.sh's.
set -uo pipefail
folder=${PATCHES:-$(dirname "$0")}
[ $# -gt 0 ] || { echo "usage: $0 VERDICTS.tsv..." >&2; exit 2; }
read -r bound bound_seeds < <(grep -v '^#' "$folder/swarm_bound")
mode='' seeds='' swarm=0 other=0 tests=0 total=0 bad=0 survivors='' unexpected=''
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
    total=$((total + 1))
    case $verdict in
      killed | killed\?)
        swarm=$((swarm + 1))
        by[$found]=$((${by[$found]:-0} + 1))
        [ "$verdict" = killed ] || { other=$((other + 1)); unexpected+=" ${name%%-*}"; } ;;
      test) tests=$((tests + 1)) ;;
      SURVIVED) survivors+=" ${name%%-*}" ;;
      *) bad=$((bad + 1)) ;;
    esac
  done < <(tail -n +2 "$file")
done

sum="$swarm of $total found by the simulator within $seeds seeds"
[ "$mode" = white-box ] || sum="black box: $sum"
rules=$(for rule in "${!by[@]}"; do echo "${by[$rule]} by $rule"; done | sort -k1,1nr -k2 | paste -sd, | sed 's/,/, /g')
[ -z "$rules" ] || sum+=" ($rules)"
[ "$mode" != white-box ] || sum+=", $tests more by a step test"
[ "$other" -eq 0 ] || sum+="; by another rule than expected:$unexpected"
[ -z "$survivors" ] || sum+="; survived:$survivors"
[ "$bad" -eq 0 ] || sum+="; $bad not run"
echo "$sum"
[ "$bad" -eq 0 ] || exit 1
[ "$mode" = white-box ] || exit 0
[ -z "$survivors" ] || exit 1
patches=$(find "$folder" -name '[0-9]*.patch' | wc -l)
if [ "$total" -lt "$patches" ] || [ "$seeds" -lt "$bound_seeds" ]; then
  echo "not held against the bound, which is for all $patches patches and $bound_seeds seeds"
elif [ "$swarm" -lt "$bound" ]; then
  echo "the simulator must find $bound of them (tests/mutants/swarm_bound)"
  exit 1
fi
