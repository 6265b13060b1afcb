#!/usr/bin/env bash
# One seed is one run, whatever built it and wherever it runs: sweeps the simulator in several builds and
# surroundings, as it is and with each profile (at most 20 seeds), and compares the fingerprints. Where one
# differs, finds the seed and the first event.
#
#   tests/determinism.sh [--seeds N] [--builds NAME,...] [--places PERCENT]   default: 200 seeds, all builds but dev
#   tests/determinism.sh [--seeds N] [--reference PROGRAM] --other PROGRAM
#
# The second compares two grass-sim that are there, and builds nothing. With --places it fails also if the seeds
# reach less than this part of the places that the code marks (sim/README.md, "A long sweep"): then a fault is
# off that should be on. --profiles FOLDER has others than those of sim/profiles.
#
# Builds: g++ -O3 (the release build, which must be there); dev, the build of that preset, clang -O1 with
# sanitizers; clang, with -O3 and uninitialised variables set to a pattern, as one build tells what two would; O0,
# g++ without optimisation; zero and pattern, g++ with uninitialised variables set to that. Surroundings, of the
# release build: a second time, without address space randomisation, with another filling of freed memory, with the
# trace on. libc++ is missing: Debian's absl is built against libstdc++.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=200
builds=clang,O0,zero,pattern
reference=build/release/bin/grass-sim
other=
places=0
profiles=sim/profiles
while [ $# -gt 0 ]; do
  case $1 in
    --seeds) seeds=${2:-} ;;
    --builds) builds=${2:-} ;;
    --places) places=${2:-} ;;
    --reference) reference=${2:-} ;;
    --other) other=${2:-} ;;
    --profiles) profiles=${2:-} ;;
    *)
      echo "unknown argument '$1'; usage: tests/determinism.sh [--seeds N] [--builds NAME,...]" \
        "[--places PERCENT] [--reference PROGRAM] [--other PROGRAM] [--profiles FOLDER]" >&2
      exit 2 ;;
  esac
  shift $(($# < 2 ? 1 : 2))
done
case $places in '' | *[!0-9]*) echo "--places: '$places' is not a number" >&2; exit 2 ;; esac
case $seeds in '' | *[!0-9]* | 0) echo "--seeds: '$seeds' is not a positive number" >&2; exit 2 ;; esac
[ -x "$reference" ] || { echo "$reference is missing: bash tests/run.sh release builds it" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# build NAME CMAKE-ARGUMENT...: grass-sim alone, in build/determinism/NAME.
build() {
  local folder=build/determinism/$1
  shift
  { cmake -S . -B "$folder" -G Ninja -DGRASSDB_NET=OFF -DGRASSDB_TESTS=OFF "$@" &&
    cmake --build "$folder" --target grass-sim; } >"$work/build" 2>&1 || {
    tail -n 40 "$work/build" >&2
    exit 1
  }
}

# The fingerprint that a command prints; empty if it is not just one.
fingerprint() {
  local found
  found=$("$@" | grep -o '^fingerprint: [0-9a-f]\{32\}$') || true
  [ "$(wc -l <<<"$found")" -eq 1 ] && echo "$found"
}

# What is swept: "" as it is, or with a profile of that file.
what=('' "$profiles"/*.json)
[ -e "${what[1]}" ] || { echo "--profiles: '$profiles' has no profile" >&2; exit 2; }
declare -A expected
use() {
  flags=() last_seed=$seeds
  [ -n "$1" ] || return 0
  flags=(--profile "$1")
  [ "$seeds" -le 20 ] || last_seed=20
}

# differs FIRST LAST COMMAND...: whether the sweep of these seeds differs from the reference's.
differs() {
  local range="$1..$2"
  shift 2
  [ "$(fingerprint "$reference" sweep --no-failures "${flags[@]}" --seeds "$range" --jobs 2)" != \
    "$(fingerprint "$@" sweep --no-failures "${flags[@]}" --seeds "$range" --jobs 2)" ]
}

# explain PROGRAM PREFIX...: the first seed that differs, by bisection, and the first event of it.
explain() {
  local first=1 last=$last_seed middle
  while [ "$first" -lt "$last" ]; do
    middle=$(((first + last) / 2))
    if differs "$first" "$middle" "$@"; then last=$middle; else first=$((middle + 1)); fi
  done
  printf '#!/bin/sh\nexec %s "$@"\n' "$*" >"$work/other"
  chmod +x "$work/other"
  "$reference" diverge "$work/other" "${flags[@]}" --seed "$first" || true
  echo "$reference diverge '$*' ${flags[*]} --seed $first"
}

# same NAME PROGRAM...: compares its sweeps with the reference's.
same() {
  local name=$1 found profile
  shift
  for profile in "${what[@]}"; do
    use "$profile"
    found=$(fingerprint "$@" sweep --no-failures "${flags[@]}" --seeds "1..$last_seed" --jobs 2)
    [ "$found" != "${expected[_$profile]}" ] || continue
    printf '%-40s DIFFERS%s: %s\n' "$name" "${profile:+ with $profile}" "${found:-no fingerprint}"
    failed=1
    explain "$@"
    return
  done
  printf '%-40s same\n' "$name"
}

for profile in "${what[@]}"; do
  use "$profile"
  swept=$("$reference" sweep --no-failures "${flags[@]}" --seeds "1..$last_seed" --jobs 2) || true
  [ -n "$profile" ] || first=$swept
  expected[_$profile]=$(fingerprint cat <<<"$swept")
  [ -n "${expected[_$profile]}" ] || {
    echo "the reference printed no fingerprint: $reference sweep ${flags[*]} --seeds 1..$last_seed" >&2
    exit 1
  }
  printf '%-40s %s\n' "g++ -O3,${profile:+ $(basename "$profile"),} seeds 1..$last_seed" "${expected[_$profile]}"
done
read -r reached marked < <(sed -n 's/^places reached \([0-9]*\) of \([0-9]*\).*/\1 \2/p' <<<"$first")
if [ $((reached * 100)) -lt $((marked * places)) ]; then
  echo "only $reached of $marked places of the code were reached, less than $places %:"
  awk '/^places reached/ { on = 1; print; next } !/^ / { on = 0 } on' <<<"$first"
  failed=1
fi
if [ -n "$other" ]; then
  [ -x "$other" ] || { echo "--other: '$other' is no program" >&2; exit 2; }
  same "$other" "$other"
  exit "$failed"
fi
same "the same, once more" "$reference"
same "without address space randomisation" setarch -R "$(realpath "$reference")"
same "freed memory filled" env MALLOC_PERTURB_=165 "$(realpath "$reference")"

for seed in 1 2 3 4 5 6 7 8 9 10; do
  if [ "$(fingerprint "$reference" run --seed "$seed")" != "$(fingerprint "$reference" run --seed "$seed" --trace)" ]; then
    echo "seed $seed differs with --trace: $reference run --seed $seed --trace"
    failed=1
  fi
done
[ "$failed" -ne 0 ] || printf '%-40s same\n' "with the trace on, seeds 1..10"

for name in ${builds//,/ }; do
  program=build/determinism/$name/bin/grass-sim
  case $name in
    dev)
      program=build/dev/bin/grass-sim
      { cmake --preset dev && cmake --build --preset dev --target grass-sim; } >"$work/build" 2>&1 || {
        tail -n 40 "$work/build" >&2
        exit 1
      } ;;
    clang)
      build clang -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++ \
        -DCMAKE_CXX_FLAGS=-ftrivial-auto-var-init=pattern ;;
    O0) build O0 -DCMAKE_BUILD_TYPE=Debug '-DCMAKE_CXX_FLAGS_DEBUG=-O0' ;;
    # g++ 12 takes its own filling for a use of something uninitialised, and warns.
    zero | pattern)
      build "$name" -DCMAKE_BUILD_TYPE=Release -DGRASSDB_WERROR=OFF \
        "-DCMAKE_CXX_FLAGS=-ftrivial-auto-var-init=$name" ;;
    *) echo "--builds: '$name' is none of dev, clang, O0, zero, pattern" >&2; exit 2 ;;
  esac
  same "build $name" "$program"
done
if [ "$failed" -eq 0 ]; then
  echo "all runs of seeds 1..$seeds are the same, and those with the profiles"
else
  echo "repeat with: bash tests/determinism.sh --seeds $seeds --builds '$builds' --places $places" \
    "--profiles $profiles"
fi
exit "$failed"
