#!/usr/bin/env bash
# The table of the goals: measures everything that goals.json has a goal for, by the scripts beside this
# one, and prints goal, what was measured (median, least, most), etcd's, their ratio, and whether the
# goal is reached, with the machine, the date and the commit. Everything goes to one JSON file.
#
#   bash tests/bench/goals.sh                  all parts, on a quiet machine: half an hour
#   bash tests/bench/goals.sh --short          the same in two minutes, to try it: its figures say little
#   bash tests/bench/goals.sh --only failover  that part anew, the others as they were measured
#   bash tests/bench/goals.sh --show --markdown >table.md     what was measured, for a README
#
#   --only "PART ..."  of three-nodes, single-node (compare_etcd.sh), restart (restart.sh), failover
#                      (failover.sh), replication (grass-bench micro)
#   --anew             measure all parts again. Without it one that these very programs have been through
#                      is not repeated, so that a run that broke off goes on
#   --show             measure nothing; print what there is
#   --short            few short runs, and busy machines count; in DIR/short
#   --keep-disturbed   count runs with other load on the machine too
#   --markdown         the table as Markdown, on stdout; all else goes to stderr. Only of parts that were all
#                      measured, whole and at one commit
#   --goals FILE       instead of tests/bench/goals.json
#   --data-dir DIR     for the data and for each part's result (build/goals); on a disk
#   --out FILE         the JSON file (DIR/result.json)
#
# A part that cannot be measured does not keep the others from it. Exit codes: 0 all that was asked for
# is measured, reached or not; 1 a part is not, or something could not be started (the last lines say
# which, and how to repeat it); 2 usage.
#
# In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin as they are.
set -euo pipefail
# A part ends its nodes itself, which may take it as long as its own patience.
stop_wait_seconds=30
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

readonly all_parts=(three-nodes single-node restart failover replication)
only=
anew=
show=
short=
keep_disturbed=
markdown=
goals=tests/bench/goals.json
data_dir=build/goals
out=

check_parts() {
  local part
  for part in $2; do
    [[ " ${all_parts[*]} " = *" $part "* ]] ||
      usage "$1 '$part': expected one or several of ${all_parts[*]}"
  done
  [[ $2 = *[!\ ]* ]] || usage "$1 '$2': expected one or several of ${all_parts[*]}"
}

parse_flags --only:only:check_parts --anew:anew:- --show:show:- --short:short:- \
  --keep-disturbed:keep_disturbed:- --markdown:markdown:- --goals:goals:goals_file:path \
  --data-dir:data_dir::path --out:out:result_file:path -- "$@"
[ -z "$show" ] || [ -z "$only$anew" ] || usage "--show measures nothing: leave out --only and --anew"
[ -z "$short" ] || [ -z "$markdown" ] || usage "--markdown: the figures of --short say little: leave out one"
# Nothing short takes the place of what was measured whole.
[ -z "$short" ] || data_dir=$data_dir/short
mode=${keep_disturbed:+keep-disturbed}
[ -z "$short" ] || mode=short
readonly mode

# The machine, as one line of JSON.
machine() {
  local cpu system virtual=false
  cpu=$(awk -F': *' '/^model name/ { print $2; exit }' /proc/cpuinfo)
  system=$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME:-}") || system=
  ! grep -q '^flags.* hypervisor' /proc/cpuinfo || virtual=true
  jq -n --arg cpu "${cpu:-$(uname -m)}" --argjson cores "$(nproc)" --argjson virtual "$virtual" \
    --argjson memory "$(awk '/^MemTotal/ { print $2 / 1048576 }' /proc/meminfo)" \
    --arg system "$system" --arg kernel "$(uname -r)" --arg filesystem "$(filesystem_of "$data_dir")" \
    '{ cpu: $cpu, cores: $cores, virtual: $virtual, memory_gib: ($memory | . * 10 | round / 10),
       system: $system, kernel: $kernel, filesystem: $filesystem }'
}
# The commit that the tree is at, if it is one.
commit() {
  local changes=
  [ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || changes=", changed"
  echo "$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)$changes"
}

# --- Parts ---

# replication FILE: runs of grass-bench micro, whose median counts.
replication() {
  local run runs=5 time=2s
  if [ -n "$short" ]; then runs=2 time=50ms; fi
  watch_machine
  for ((run = 1; run <= runs; ++run)); do
    for case in replication/raft/64 replication/nodes/64; do
      "$bin/grass-bench" micro --filter "$case" --min-time "$time" --data-dir "$data_dir" -w json || return
    done
  done >"$1.runs" || return
  jq -s --argjson other "$(other_load)" '{ runs: ., other_load: $other }' "$1.runs" >"$1"
  rm -f "$1.runs"
  jq -r '[.runs[].benchmarks[]] | group_by(.name)[]
    | "\(.[0].name): \(map(.items_per_second | round | tostring) | join(", ")) a second"' "$1"
}

# command_of PART FILE: an array `command` that measures it.
command_of() {
  local compare=(bash tests/bench/compare_etcd.sh --goals "$goals")
  if [ -n "$short" ]; then
    compare+=(--runs 1 --duration 500ms --keep-disturbed)
  elif [ -n "$keep_disturbed" ]; then
    compare+=(--keep-disturbed)
  fi
  case $1 in
    three-nodes) command=("${compare[@]}" --nodes 3) ;;
    single-node) command=("${compare[@]}" --nodes 1) ;;
    restart)
      command=(bash tests/bench/restart.sh)
      [ -z "$short" ] || command+=(--keys 20000 --runs 1)
      ;;
    failover)
      command=(bash tests/bench/failover.sh)
      [ -z "$short" ] || command+=(--rounds 1)
      ;;
    replication)
      command=(replication "$2")
      return
      ;;
  esac
  command+=(--data-dir "$data_dir/$1" --out "$2")
}

# is_measured PART: by these programs, as long, and with no other load on the machine if none may be.
is_measured() {
  jq -e --arg programs "$programs" --arg mode "$mode" \
    '.programs == $programs and .whole and ($mode != "" or .result.other_load.disturbed != true)
     and (.mode == $mode or ($mode == "keep-disturbed" and .mode == ""))' "$data_dir/$1.json" >/dev/null 2>&1
}

# measure PART: leaves its result in $data_dir/PART.json, or its name in `failed`.
measure() {
  local part=$1 result=$data_dir/$1.part code=0 began=$SECONDS
  say "measuring $part"
  command_of "$part" "$result"
  GRASSDB_RESULT_NAME=$data_dir/$part.json "${command[@]}" </dev/null >&2 &
  launched_all+=("$!")
  wait "$!" || code=$?
  launched_all=()
  # What compare_etcd.sh has of a machine that was busy counts for the table, and not as measured.
  if jq -e 'type == "object"' "$result" >/dev/null 2>&1; then
    jq --arg part "$part" --arg date "$(date -u +%FT%TZ)" --arg commit "$commit" --arg mode "$mode" \
      --arg programs "$programs" --argjson seconds $((SECONDS - began)) --argjson code "$code" \
      --arg grassdb "$grassdb_version" --argjson machine "$(machine)" \
      '{ part: $part, date: $date, commit: $commit, grassdb: $grassdb, machine: $machine,
         programs: $programs, mode: $mode,
         seconds: $seconds, whole: ($code == 0), result: . }' "$result" >"$result.whole"
    mv "$result.whole" "$data_dir/$part.json"
  fi
  rm -f "$result"
  [ "$code" -eq 0 ] || failed+=("$part")
}

# --- The table ---

# Everything as one JSON document. What the heading says is of the parts, whenever they were measured, and
# only where there is none of now.
summarise() {
  local part files=()
  for part in "${all_parts[@]}"; do
    [ ! -r "$data_dir/$part.json" ] || files+=("$data_dir/$part.json")
  done
  cat /dev/null "${files[@]}" | jq -s -L tests/bench --slurpfile goals "$goals" \
    --argjson machine "$(machine)" --arg date "$(date -u +%FT%TZ)" --arg commit "$commit" \
    --arg grassdb "$grassdb_version" --arg failed "${failed[*]}" 'include "goals";
    def distinct(f; $now): [.[] | f // empty] | if . == [] then [$now] else unique end;
    (map({ key: .part, value: . }) | from_entries) as $parts
    | { dates: distinct(.date; $date), commits: distinct(.commit; $commit),
        grassdb: (distinct(.grassdb; $grassdb) | join(" and ")),
        machine: (distinct(.machine; $machine) | if length == 1 then .[0] else $machine end),
        etcd: ([$parts[].result.etcd | strings] | first // null), goals: $goals[0], parts: $parts,
        failed: ($failed | split(" ")) }
    | . + { table: rows }' >"$out"
}

# Figures that say little, or are not all there, or not of the same programs, are not for a README.
check_markdown() {
  local missing little broken commits
  missing=$(jq -r --arg all "${all_parts[*]}" '.parts as $parts
    | [$all | split(" ")[] | select($parts[.] == null)] | join(" ")' "$out")
  little=$(jq -r '[.parts[] | select(.mode == "short") | .part] | join(" ")' "$out")
  broken=$(jq -r '[.parts[] | select(.whole | not) | .part] | join(" ")' "$out")
  commits=$(jq -r '.commits | select(length > 1) | join(" and ")' "$out")
  [ -z "$missing" ] || die "--markdown: not measured: $missing; measure it: bash tests/bench/goals.sh --only '$missing'"
  [ -z "$little" ] ||
    die "--markdown: measured with --short, which says little: $little; measure without it: bash tests/bench/goals.sh --only '$little'"
  [ -z "$broken" ] ||
    die "--markdown: not measured as often as asked for: $broken; measure it again: bash tests/bench/goals.sh --only '$broken'"
  [ -z "$commits" ] ||
    die "--markdown: the parts are of several commits ($commits); measure them at one: bash tests/bench/goals.sh --anew"
}
print_heading() {
  jq -r '.machine as $machine | "\(.grassdb), commit \(.commits | join(" and "))\(
    if .etcd then ", beside \(.etcd)" else "" end), on \(.dates | map(.[:10]) | unique | join(", ")): \(
    $machine.cores) cores (\($machine.cpu)\(if $machine.virtual then ", virtual" else "" end)), \(
    $machine.memory_gib | round) GiB, \($machine.system), Linux \($machine.kernel), data on \(
    $machine.filesystem); medians, with the least and the most.\(
    [.parts[] | select(.mode == "keep-disturbed" or .result.other_load.disturbed) | .part]
      | if . == [] then "" else " With other load on the machine: \(join(", "))." end)"' "$out"
}
print_table() {
  jq -r -L tests/bench 'include "goals"; .table | table_lines' "$out" |
    if [ -n "$markdown" ]; then print_markdown; else print_columns; fi
}
# Where each part comes from, what is not reached, and where that is to be seen.
print_notes() {
  jq -r -L tests/bench --arg commit "$commit" 'include "goals";
    (.parts[] | "\(.part): measured \(.date)\(if .commit != $commit then ", commit \(.commit)" else "" end), \(
       .seconds) s\(if .mode == "short" then ", short: its figures say little" else "" end)\(
       if .whole then "" else ", not whole" end)\(
       [.result.cases[]? | .grassdb, .etcd | .disturbed] | add // 0
         | if . > 0 then ", \(.) runs with other load on the machine" else "" end)\(
       if .result.other_load.disturbed then ", with other load on the machine; the next call repeats it" else "" end)"),
    (.table | missed_lines),
    (.table | map(select(.goal != null)) | "\(map(select(.reached)) | length) of \(length) goals are reached, \(
       map(select(.grassdb == null)) | length) not measured\(
       if any(.reached == false) then "; net/README.md says what stands in the way of the others" else "" end)")' "$out"
}

# What they say is no part of the table.
build_programs grassdb grass-cli grass-bench >&2
install_packages "${BENCH_PACKAGES[@]}" >&2 || exit 1
# The parts take the programs that were built.
export GRASSDB_BUILD_DIR=${GRASSDB_BUILD_DIR:-$PWD/build/release}
mkdir -p "$data_dir" || die "cannot make $data_dir"
trap_exits
work=$(mktemp -d "$(realpath "$data_dir")/run.XXXXXX")
measured=yes  # nothing in `work` is worth to be kept
begin_result
grassdb_version=$("$bin/grassdb" --version)
programs=$(cat "$bin/grassdb" "$bin/grass-cli" "$bin/grass-bench" | sha256sum)
programs=${programs%% *}
commit=$(commit)
failed=()
for part in ${only:-${all_parts[*]}}; do
  if [ -n "$show" ]; then break; fi
  if [ -z "$only$anew" ] && is_measured "$part"; then
    say "$part is measured already; --anew repeats it"
  else
    measure "$part"
  fi
done
summarise
[ -z "$markdown" ] || check_markdown
keep_result
if [ -n "$markdown" ]; then exec 3>&2; else exec 3>&1; fi
print_heading
echo
print_table
{
  echo
  print_notes
  echo "Everything: $destination"
} >&3
[ ${#failed[@]} -eq 0 ] || {
  say "not measured, or not as often as asked for: ${failed[*]} (what it said is above)"
  echo "To repeat: $(command_again)" >&2
  exit 1
}
