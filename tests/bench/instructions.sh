#!/usr/bin/env bash
# Counts the instructions of one operation of each micro benchmark of grass-bench, and of one event of
# each workload of `grass-sim bench`, with callgrind, and compares them with the committed baseline. What
# takes time on a busy machine takes no more instructions there, so this can fail a change where a
# stopwatch cannot.
#
#   bash tests/bench/instructions.sh             compare; about a minute
#   bash tests/bench/instructions.sh --update    write the baseline anew; commit it with the reason
#
#   --filter TEXT     only benchmarks of grass-bench with this in their name (grass-bench micro --filter),
#                     or those of grass-sim: sim
#   --baseline FILE   instead of tests/bench/instructions.json
#   --out FILE        write what was counted there too, as JSON
#
# The counts are of a Release build with the compiler and libraries of Debian 12. Only what is inside
# of CountedRun (bin/bench/micro.cc) and CountedSimulation (bin/sim_bench.cc) counts, after a warm-up:
# neither the start of the program nor what is done once. What is more than 3 % away from its baseline, in either direction, has a line of its own, so
# that drift is seen ("moved: NAME 100 -> 104 (+4 %)"). Exit codes: 0 none has more than 10 % above its
# baseline, 1 one has, or is in one of counts and baseline only, or nothing could be counted; 2 usage.
#
# In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin as they are.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

readonly percent_allowed=10
readonly percent_noticed=3
# As callgrind names them; --dump-after knows no wildcards.
readonly counted_run='grassdb::bench::CountedRun(grassdb::bench::MicroBenchmark&, unsigned long)'
readonly counted_simulation='grassdb::sim_main::CountedSimulation(grassdb::sim::Plan const&, std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > const&)'
baseline=tests/bench/instructions.json
filter=
out=
update=

parse_flags --update:update:- --filter:filter --baseline:baseline::path --out:out:result_file:path -- "$@"
[ -z "$update" ] || [ -z "$filter" ] ||
  usage "--update with --filter: a baseline has every benchmark"
[ -n "$update" ] || [ -r "$baseline" ] ||
  usage "--baseline '$baseline': no such file; --update writes it"

# count FUNCTION PROGRAM ARGUMENTS...: prints "NAME INSTRUCTIONS OPERATIONS" of each. Callgrind begins a new file
# whenever the counted function has ended, so the files are in the order of the program's lines.
count() {
  local function=$1 name operations number=0 instructions code=0
  shift
  # The environment lies on the stack and decides what is aligned how.
  env -i PATH="$PATH" LC_ALL=C valgrind --tool=callgrind \
    --callgrind-out-file="$work/out" --toggle-collect="$function" \
    --dump-after="$function" "$@" </dev/null >"$work/names" 2>"$work/valgrind.log" &
  launched_all+=($!)
  wait $! || code=$?
  [ "$code" -eq 0 ] || die "counting failed with exit code $code: $(tail -n 1 "$work/valgrind.log")"
  while read -r name operations; do
    number=$((number + 1))
    [ -r "$work/out.$number" ] || die "callgrind has written nothing about $name"
    instructions=$(awk '/^totals:/ { print $2 }' "$work/out.$number")
    [ "${instructions:-0}" -gt 0 ] || die "callgrind has counted nothing of $name"
    echo "$name $instructions $operations"
  done <"$work/names"
  rm -f "$work"/out.*
}

# What was counted, as a JSON object of instructions an operation.
as_json() {
  jq -nR '[inputs | split(" ") | { key: .[0], value: ((.[1] | tonumber) / (.[2] | tonumber) | . * 10
    | round / 10) }] | from_entries' <"$1"
}

readonly define_signed='def signed: . * 10 | round / 10 | if . > 0 then "+\(.)" else tostring end;'
# moved COUNTED: a line for each that is not where it was.
moved() {
  jq -rn --slurpfile now "$1" --slurpfile before "$baseline" --argjson noticed "$percent_noticed" "$define_signed"'
    $before[0] | to_entries[] | .value as $was | $now[0][.key] as $is
    | select($is != null and ($is * 100 > $was * (100 + $noticed) or $is * 100 < $was * (100 - $noticed)))
    | "moved: \(.key) \($was) -> \($is) (\(($is / $was - 1) * 100 | signed) %)"'
}

# compare COUNTED: lines for a person; 1 if anything is wrong.
compare() {
  jq -rn --slurpfile now "$1" --slurpfile before "$baseline" --arg filter "$filter" \
    --argjson allowed "$percent_allowed" "$define_signed"'
    $now[0] as $now | ($before[0] | with_entries(select(.key | if $filter == "sim" then startswith("sim/")
        elif $filter == "" then true else contains($filter) and (startswith("sim/") | not) end))) as $before
    | ["operation", "instructions", "baseline", "change", ""],
      ( [$before, $now | keys_unsorted[]] | reduce .[] as $name ([]; if index([$name]) then .
          else . + [$name] end) | .[] as $name
        | [ $name, ($now[$name] // "-" | tostring), ($before[$name] // "-" | tostring) ]
          + ( if $now[$name] == null then ["-", "FAILED: no longer there"]
              elif $before[$name] == null then ["-", "FAILED: not in the baseline"]
              else (($now[$name] / $before[$name] - 1) * 100) as $change
                | [ "\($change | signed) %",
                    if $now[$name] * 100 > $before[$name] * (100 + $allowed) then "FAILED: more than \($allowed) % above the baseline"
                    elif $change < -$allowed then "less: the baseline could be renewed"
                    else "" end ] end ) )
    | join(";")' | print_columns >"$work/table"
  cat "$work/table"
  moved "$1"
  ! grep -q FAILED "$work/table"
}

build_programs grass-bench grass-sim
if ! command -v valgrind >/dev/null || ! command -v jq >/dev/null; then
  install_packages "${COUNT_PACKAGES[@]}" || exit 1
fi
trap_exits
# Its length is on the stack too.
work=$(mktemp -d "${TMPDIR:-/tmp}/grassdb-count.XXXXXXXX")
measured=yes  # nothing in `work` is worth to be kept
mkdir "$work/data"
: >"$work/counts"
[ "$filter" = sim ] ||
  count "$counted_run" "$bin/grass-bench" micro --count --data-dir "$work/data" --filter "$filter" >>"$work/counts"
[ -n "${filter#sim}" ] ||
  count "$counted_simulation" "$bin/grass-sim" bench --count --seconds 100 >>"$work/counts"
as_json "$work/counts" >"$work/now.json"
if [ -n "$out" ]; then
  destination=$out out=$work/now.json
  keep_result
fi
if [ -n "$update" ]; then
  cp "$work/now.json" "$baseline"
  echo "$(wc -l <"$work/counts") counts written to $baseline"
  exit 0
fi
if ! compare "$work/now.json"; then
  echo "$script: instructions an operation are not as in $baseline. If that is meant:" \
    "bash tests/bench/instructions.sh --update, and commit it with the reason" >&2
  echo "To repeat: $(command_again)" >&2
  exit 1
fi
