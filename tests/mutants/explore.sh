#!/usr/bin/env bash
# Plants bugs of this folder that are in reach of an exhaustive search into grass-sim, one at a time, and explores
# it. Prints a table; fails if a bug is not found, or not with as many steps as it is known to need. Of the release
# build, which must be there, only what a patch changes is compiled anew, and linked in front of the archive that
# has it as it should be.
#
#   tests/mutants/explore.sh [--whole] [NUMBER...]      default: all of the list below
#
# --whole explores each once more without reduction, which must find it with the same number of steps.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

# number, steps, bounds
list=$(cat <<'END'
001 5 --terms 1 --entries 0 --crashes 1
003 4 --terms 1 --entries 0 --crashes 1
005 9 --terms 2 --entries 0 --pre-votes --timeouts 2
007 7 --terms 2 --entries 0
009 6 --nodes 4 --terms 1 --entries 0 --duplicates 1
011 13 --terms 3 --entries 2 --instant-disk
015 11 --terms 2 --entries 0
017 10 --terms 2 --entries 0
027 11 --terms 2 --entries 0 --instant-disk --append-max 1
029 14 --terms 1 --entries 2 --duplicates 1
031 10 --terms 2 --entries 0 --instant-disk --heartbeats 1
033 13 --terms 1 --entries 2 --heartbeats 1
035 14 --terms 1 --entries 3
037 17 --terms 1 --entries 3
043 8 --terms 1 --entries 0
045 14 --terms 3 --entries 1
047 11 --terms 1 --entries 2 --instant-disk
063 6 --terms 1 --entries 0 --crashes 1
091 12 --terms 2 --entries 0 --instant-disk --reads 1
093 15 --terms 2 --entries 0 --instant-disk --reads 2
094 11 --terms 2 --entries 0 --instant-disk --reads 1
END
)

whole=0
wanted=()
while [ $# -gt 0 ]; do
  case $1 in
    --whole) whole=1 ;;
    *[!0-9]* | '')
      echo "'$1' is no number of a patch; usage: tests/mutants/explore.sh [--whole] [NUMBER...]" >&2
      exit 2 ;;
    *) wanted+=("$(printf '%03d' "$((10#$1))")") ;;
  esac
  shift
done
for number in "${wanted[@]}"; do
  grep -q "^$number " <<<"$list" || { echo "no patch $number in the list of tests/mutants/explore.sh" >&2; exit 2; }
done
root=$PWD
release=$root/build/release
work=$root/build/mutants-explore
[ -x "$release/bin/grass-sim" ] || {
  echo "$release/bin/grass-sim is missing: bash tests/run.sh builds it" >&2
  exit 2
}
cmake --build "$release" --target grass-sim >/dev/null || exit 1
rm -rf "$work"

row() { printf '%-34s %-14s %-5s %-7s %-7s %-26s %s\n' "$@"; }

# last_command TARGET: what ninja runs last to make it.
last_command() { ninja -C "$release" -t commands "$1" | tail -n 1; }

# plant PATCH FOLDER: FOLDER/grass-sim with the bug. Prints why not, where it cannot.
plant() {
  local file files command objects=()
  mapfile -t files < <(sed -n 's|^+++ b/||p' "$1")
  for file in "${files[@]}"; do
    case $file in *.cc) ;; *) echo "$file is no source of its own"; return 1 ;; esac
    mkdir -p "$2/${file%/*}"
    cp "$root/$file" "$2/$file"
  done
  patch -d "$2" -p1 --no-backup-if-mismatch <"$1" >"$2/log" 2>&1 || { echo "it does not apply"; return 1; }
  for file in "${files[@]}"; do
    command=$(last_command "${file%%/*}/CMakeFiles/grassdb_${file%%/*}_simulated.dir/${file#*/}.o")
    (cd "$release" && eval "${command%% -MD *} -w -c '$2/$file' -o '$2/$file.o'") >"$2/log" 2>&1 ||
      { grep -m1 'error:' "$2/log" || tail -n 1 "$2/log"; return 1; }
    objects+=("'$2/$file.o'")
  done
  command=$(last_command grass-sim)
  [[ $command == *' -o bin/grass-sim '* ]] || { echo "it is not known how grass-sim is linked"; return 1; }
  command="${command%% -o bin/grass-sim *} ${objects[*]} -o '$2/grass-sim' ${command#* -o bin/grass-sim }"
  (cd "$release" && eval "$command") >"$2/log" 2>&1 || { tail -n 1 "$2/log"; return 1; }
}

# explore FOLDER BOUNDS...: sets code, steps, rule and took.
explore() {
  local out=$1/log begin
  begin=$(date +%s.%N)
  timeout 300 "$1/grass-sim" explore "${@:2}" >"$out" 2>&1
  code=$?
  took=$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1fs", b - a }')
  steps=$(sed -n 's/^shortest schedule: \([0-9]*\) steps$/\1/p' "$out")
  rule=$(sed -n 's/^VIOLATION of \(.*\) at .*/\1/p' "$out" | head -1)
}

# mutant 'NUMBER STEPS BOUNDS...': its row, and 1 if it was not found as it should be.
mutant() {
  local number expected bounds patch name folder why verdict=found in_whole=- code steps rule took
  read -r number expected bounds <<<"$1"
  patch=$(echo "$root"/tests/mutants/"$number"-*.patch)
  name=$(basename "$patch" .patch)
  folder=$work/$name
  mkdir -p "$folder"
  why=$(plant "$patch" "$folder") || { row "$name" 'NOT PLANTED' - - - - "$why"; return 1; }
  # shellcheck disable=SC2086  # the bounds are words
  if [ "$whole" -eq 1 ]; then
    explore "$folder" $bounds --no-reduction
    in_whole=$took
    [ "$code" -eq 1 ] && [ "$steps" = "$expected" ] || verdict="NOT $expected IN WHOLE"
  fi
  if [ "$verdict" = found ]; then
    # shellcheck disable=SC2086
    explore "$folder" $bounds
    [ "$code" -eq 1 ] && [ "$steps" = "$expected" ] || verdict="NOT AT $expected"
    # Its bug is in what the reduction rests on, which the proof of that must notice.
    [ "$number" != 007 ] || grep -q '^not reduced: ' "$folder/log" || verdict='NO PROOF'
  fi
  row "$name" "$verdict" "${steps:--}" "$took" "$in_whole" "${rule:-exit code $code}" "$bounds"
  [ "$verdict" = found ]
}
export -f row last_command plant explore mutant
export root release work whole

chosen=$list
[ ${#wanted[@]} -eq 0 ] || chosen=$(for number in "${wanted[@]}"; do grep "^$number " <<<"$list"; done)
row mutant verdict steps time whole rule bounds
count=$(wc -l <<<"$chosen")
xargs -d '\n' -P "$(nproc)" -I '{}' bash -c 'mutant "{}"' <<<"$chosen" || {
  echo "not all of $count found; repeat one with: tests/mutants/explore.sh NUMBER" >&2
  exit 1
}
echo "$count of $count found"
