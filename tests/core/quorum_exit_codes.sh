#!/usr/bin/env bash
# quorum_scenarios says what differs and where: a check that cannot fail is a defect.
#
#     quorum_exit_codes.sh path/to/quorum_scenarios
set -euo pipefail
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# expect CODE TEXT CONTENT: running on CONTENT exits with CODE and says TEXT.
expect() {
  printf '%b' "$3" > "$dir/file.txt"
  local code=0
  "$program" "$dir/file.txt" > "$dir/out" 2>&1 || code=$?
  if [[ $code != "$1" ]] || ! grep -qF -- "$2" "$dir/out"; then
    printf 'expected exit code %s and "%s", got %s:\n' "$1" "$2" "$code"
    cat "$dir/out"
    printf 'repeat with: %s %s\n' "$0" "$program"
    exit 1
  fi
}

expect 0 '1 scenarios match' 'vote\n----\nVoteWon\n'
expect 0 '1 scenarios match' '  vote cfg=( 1 , 2 )  votes=(y,\ty)  \r\n----\r\nVoteWon\r\n'
expect 1 'file.txt:2: committed cfg=(1) idx=(3)' '\ncommitted cfg=(1) idx=(3)\n----\n4\n'
expect 1 'expected: 4' 'committed cfg=(1) idx=(3)\n----\n4\n'
expect 1 'actual:   3' 'committed cfg=(1) idx=(3)\n----\n4\n'
expect 1 'error: mismatched input' 'vote cfg=(1,2) votes=(y)\n----\nVotePending\n'
expect 0 '1 scenarios match' 'vote cfg=(1,2) votes=(y)\n----\nerror: mismatched input for 1 2\n'
expect 2 'file.txt:1: no line ----' 'vote cfg=(1) votes=(y)\nVoteWon\n'
expect 2 'file.txt:1: no expected result' 'vote cfg=(1) votes=(y)\n----\n\n'
expect 2 "unknown directive 'elect'" 'elect cfg=(1)\n----\n1\n'
expect 2 "unknown argument 'idx'" 'vote cfg=(1) idx=(1)\n----\nVoteWon\n'
expect 2 "'x' is no input of 'vote'" 'vote cfg=(1) votes=(x)\n----\nVoteWon\n'
expect 2 "'a' is not the number of a voter" 'vote cfg=(a) votes=(y)\n----\nVoteWon\n'
expect 2 'not a directive' 'vote cfg=(1 votes=(y)\n----\nVoteWon\n'

code=0
"$program" "$dir/none.txt" > /dev/null 2>&1 || code=$?
[[ $code == 2 ]]
code=0
"$program" > /dev/null 2>&1 || code=$?
[[ $code == 2 ]]
