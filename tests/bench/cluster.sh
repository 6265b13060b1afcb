# shellcheck shell=bash
# What the measuring scripts share: their beginning, flags, programs, ports, processes and three nodes of grassdb
# on this machine. A script sources this, which brings it to the repository, and uses what it needs:
#
#   prepare grassdb grass-cli grass-bench; node_flags=(--election-timeout 1s-2s); start_cluster
#
# The data is in a folder of its own, $work, which goes away when the script has ended well (it sets
# `measured`) or was interrupted; else the nodes' logs stay in it. clean_up ends the processes that
# `launch` and `bench` have started, by their ids, and no others.

readonly start_wait_seconds=30
: "${stop_wait_seconds:=10}"  # for each process that is ended, before it is killed
script=${0##*/}
readonly caller=$PWD  # where the user is: files are named from there
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=tests/packages.sh
. tests/packages.sh
case ${GRASSDB_BUILD_DIR:-/} in
  /*) ;;
  *) GRASSDB_BUILD_DIR=$caller/$GRASSDB_BUILD_DIR ;;
esac

arguments=()       # of the script, with whole paths
bin=
with_tests=
work=
measured=
destination=       # where the result is to be; until then it is in `out`
half_result=       # what it is written to before
launched=          # process id of what `launch` started last
launched_all=()    # of everything that it has started and that may run
bench_pid=
node_ports=()
node_pids=()       # of each node; empty: it does not run
node_flags=()
members=
peers=
ticks_before=      # of watch_machine
other_cores_max=0.35 steal_percent_max=8  # bin/bench/report.h
etcd=              # the program
etcd_pids=()       # of each of its nodes
etcd_version=

say() { echo "$script: $*" >&2; }
die() {
  say "$*"
  exit 1
}
usage() {
  say "$* (the beginning of tests/bench/$script has the usage)"
  exit 2
}
# number FLAG VALUE: a whole number from 1 on.
number() { [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || usage "$1 '$2': expected a number from 1 on"; }
number_from_0() { [[ $2 =~ ^(0|[1-9][0-9]{0,5})$ ]] || usage "$1 '$2': expected a number from 0 on"; }
# decimal FLAG VALUE: above 0.
decimal() {
  [[ $2 =~ ^[0-9]{1,9}(\.[0-9]{1,6})?$ && $2 =~ [1-9] ]] ||
    usage "$1 '$2': expected a number above 0, as in 1.5"
}
# time_span FLAG VALUE: as grass-bench and grassdb have it.
time_span() {
  [[ $2 =~ ^[0-9]{1,9}(\.[0-9]{1,6})?(us|ms|s|m)$ && ${2%%[a-z]*} =~ [1-9] ]] ||
    usage "$1 '$2': expected a time above 0, as in 300ms, 1.5s or 2m"
}
time_range() {
  local low=${2%%-*} high=${2#*-}
  if ! (time_span "$1" "$low" && time_span "$1" "$high") 2>/dev/null ||
    [ "$(microseconds "$low")" -ge "$(microseconds "$high")" ]; then
    usage "$1 '$2': expected two times, the first below the second, as in 300ms-600ms"
  fi
}
# microseconds TIME: that time_span takes.
microseconds() {
  awk -v time="$1" 'BEGIN { unit = time; sub(/^[0-9.]+/, "", unit)
    printf "%.0f", time * (unit == "us" ? 1 : unit == "ms" ? 1e3 : unit == "s" ? 1e6 : 6e7) }'
}
size() {
  [[ $2 =~ ^[0-9]{1,9}(\.[0-9]{1,6})?(([KMG]i)?B)?$ && ${2%%[A-Z]*} =~ [1-9] ]] ||
    usage "$1 '$2': expected a number of bytes above 0, as in 65536, 64MiB or 1GiB"
}
value_bytes() {
  [[ $2 =~ ^(0|[1-9][0-9]{0,6})$ && $2 -le 1048576 ]] ||
    usage "$1 '$2': expected bytes of a value, from 0 to 1048576"
}
clients_number() {
  [[ $2 =~ ^[1-9][0-9]{0,4}$ && $2 -le 10000 ]] ||
    usage "$1 '$2': expected a number of clients from 1 to 10000"
}
rate_number() {
  [[ $2 =~ ^[1-9][0-9]{0,7}$ && $2 -le 10000000 ]] ||
    usage "$1 '$2': expected operations a second, from 1 to 10000000"
}
workload_name() {
  [[ $2 =~ ^(put|get|get-stale|mixed|txn|stream)$ ]] ||
    usage "$1 '$2': expected put, get, get-stale, mixed, txn or stream"
}
nodes_number() { [[ $2 =~ ^[13]$ ]] || usage "$1 '$2': expected 1 or 3"; }
case_list() {
  local case
  [[ $2 = *[!\ ]* ]] || usage "$1 '$2': expected WORKLOAD:CLIENTS, as in 'put:1 get:64'"
  for case in $2; do
    ([[ $case = *:* ]] && workload_name "$1" "${case%%:*}" && clients_number "$1" "${case#*:}") 2>/dev/null ||
      usage "$1 '$case': expected WORKLOAD:CLIENTS, with up to 10000 clients, as in 'put:1 get:64'"
  done
}
# result_file FLAG VALUE PATH: for what is measured; what cannot be written is said before anything is.
result_file() {
  local problem
  problem=$(why_not_written "$3")
  [ -z "$problem" ] || usage "$1 '$2' cannot be written: $problem; name a file in a folder that is there"
}
# why_not_written PATH: prints nothing if it can be. Nothing is left there.
why_not_written() {
  local folder probe
  folder=$(dirname "$1")
  if [ -d "$1" ]; then
    echo "it is a folder"
  elif [ ! -d "$folder" ]; then
    echo "there is no folder $folder"
  elif [ -e "$1" ]; then
    [ -w "$1" ] || echo "nobody may write to it"
  # As root everything looks writable, also where no file can be made.
  elif probe=$(mktemp -p "$folder" .writable.XXXXXX 2>/dev/null); then
    rm -f "$probe"
  else
    echo "no file can be made in $folder"
  fi
}
# goals_file FLAG VALUE PATH: as tests/bench/goals.json.
goals_file() {
  local problem
  [ -r "$3" ] || usage "$1 '$2': no such file"
  command -v jq >/dev/null || install_packages "${BENCH_PACKAGES[@]}" >&2 || exit 1
  problem=$(jq -r -L tests/bench 'include "goals"; goals_problem' "$3" 2>/dev/null) ||
    problem="expected JSON with goals"
  [ -z "$problem" ] || usage "$1 '$2': $problem, as tests/bench/goals.json has them"
}

# parse_flags FLAG:VARIABLE[:CHECK[:path]]... -- ARGUMENTS...: sets the variables to the flags' values,
# each after CHECK FLAG VALUE [PATH]; with - for CHECK the flag takes none and the variable is set to yes. A
# path counts from where the user is. No variable may have the name of a local one here. --help prints
# the comment at the top of the script.
parse_flags() {
  local specs=() spec flag variable check kind found value words=()
  while [ "$1" != -- ]; do
    specs+=("$1")
    shift
  done
  shift
  while [ $# -gt 0 ]; do
    if [ "$1" = --help ]; then
      awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "tests/bench/$script"
      exit 0
    fi
    found=
    for spec in "${specs[@]}"; do
      IFS=: read -r flag variable check kind <<<"$spec"
      if [ "$1" != "$flag" ]; then continue; fi
      found=yes
      if [ "$check" = - ]; then
        printf -v "$variable" yes
        break
      fi
      [ $# -ge 2 ] || usage "$1 needs a value"
      value=$2
      if [ "$kind" = path ]; then
        [ -n "$value" ] || usage "$1 '': expected a path"
        [[ $value = /* ]] || value=$caller/$value
      fi
      [ -z "$check" ] || "$check" "$flag" "$2" "$value"
      printf -v "$variable" %s "$value"
      words+=("$1")
      shift
      set -- "$value" "${@:2}"
      break
    done
    [ -n "$found" ] || usage "unknown argument '$1'"
    words+=("$1")
    shift
  done
  arguments=("${words[@]}")
}

filesystem_of() { df --output=fstype "$1" | tail -n 1; }

# Columns for a person, from lines with ; between the cells.
print_columns() {
  awk -F';' '
      { for (i = 1; i <= NF; ++i) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } }
      END { for (row = 1; row <= NR; ++row) {
              line = ""
              for (i = 1; i <= NF; ++i) line = line sprintf("%-" width[i] + 2 "s", cell[row, i])
              sub(/ +$/, "", line); print line } }'
}
# The same for a README.
print_markdown() {
  awk -F';' '
    { line = "|"
      for (i = 1; i <= NF; ++i) line = line " " $i " |"
      print line
      if (NR == 1) { gsub(/[^|]+/, "---", line); print line } }'
}

# --- Programs ---

# build_programs TARGET...: sets `bin` to the folder that has them. In the environment
# GRASSDB_BUILD_DIR=FOLDER takes FOLDER/bin as it is. A target that is part of the tests needs
# with_tests=yes.
build_programs() {
  local log program options=()
  bin=${GRASSDB_BUILD_DIR:-build/release}/bin
  if [ -z "${GRASSDB_BUILD_DIR:-}" ]; then
    install_packages "${BUILD_PACKAGES[@]}" || exit 1
    # The tests need more packages; where they have been configured already, they stay part of the
    # build.
    if [ -n "$with_tests" ]; then
      install_packages "${TEST_PACKAGES[@]}" || exit 1
      options=(-DGRASSDB_TESTS=ON)
    elif ! grep -qs '^GRASSDB_TESTS:[A-Z]*=ON$' build/release/CMakeCache.txt; then
      options=(-DGRASSDB_TESTS=OFF)
    fi
    log=$(mktemp)
    echo "Building"
    if ! { cmake --preset release "${options[@]}" &&
      cmake --build --preset release --target "$@"; } >"$log" 2>&1; then
      tail -n 20 "$log" >&2
      rm -f "$log"
      die "the build failed; its last lines are above"
    fi
    rm -f "$log"
  fi
  for program in "$@"; do
    [ -x "$bin/$program" ] || die "no $program in $bin"
  done
}

# Sets `etcd` and `etcd_version`: etcd of this system, or else Debian's, unpacked beside the build: a
# package that is installed would start a service.
get_etcd() {
  local folder=build/etcd
  etcd=$(command -v etcd || true)
  if [ -z "$etcd" ]; then
    etcd=$folder/usr/bin/etcd
    [ -x "$etcd" ] || fetch_etcd "$folder"
  fi
  # Not through head, which would end it with SIGPIPE.
  etcd_version=$("$etcd" --version)
  etcd_version=${etcd_version%%$'\n'*}
  etcd_version="etcd ${etcd_version##* }"
}
# fetch_etcd FOLDER
fetch_etcd() {
  local log
  command -v apt-get >/dev/null ||
    die "etcd cannot be installed: there is no apt-get; put an etcd 3.4 or newer on the PATH"
  echo "Fetching etcd-server"
  mkdir -p "$1"
  log=$(realpath "$1")/apt.log
  if ! (cd "$1" && { apt-get download etcd-server ||
    { apt-get update && apt-get download etcd-server; }; }) >"$log" 2>&1; then
    die "etcd cannot be installed: $(tail -n 1 "$log"); put an etcd 3.4 or newer on the PATH"
  fi
  dpkg-deb -x "$1"/etcd-server_*.deb "$1" || die "etcd-server's package cannot be unpacked"
}

# --- Processes ---

trap_exits() {
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# A new folder in DIR for the data, `work`.
make_work() {
  mkdir -p "$1" || die "cannot make $1"
  case $(filesystem_of "$1") in
    tmpfs | ramfs)
      say "note: --data-dir '$1' is in memory, where a sync costs nothing; these figures say" \
        "nothing about a disk"
      ;;
  esac
  work=$(mktemp -d "$(realpath "$1")/run.XXXXXX")
}

# prepare PROGRAM...: these; `work` in $data_dir; and `out`, a file in it, which keep_result brings to where
# `out` was to be, $data_dir/result.json if that was empty.
prepare() {
  build_programs "$@"
  install_packages "${BENCH_PACKAGES[@]}" || exit 1
  mkdir -p "$data_dir" || die "cannot make $data_dir"
  trap_exits
  make_work "$data_dir"
  begin_result
}
# Until keep_result what an earlier run has measured stays: this one may fail.
begin_result() {
  local problem
  destination=${out:-$data_dir/result.json}
  problem=$(why_not_written "$destination")
  [ -z "$problem" ] || die "$destination cannot be written: $problem"
  out=$work/everything.json
}
# In one step; what is no regular file, as /dev/stdout, is written to.
keep_result() {
  local target
  if [ -e "$destination" ] && [ ! -f "$destination" ]; then
    cat "$out" >"$destination" || die "$destination cannot be written"
    return
  fi
  target=$(realpath -m -- "$destination")
  if ! { half_result=$(mktemp "$target.XXXXXX") && cp "$out" "$half_result" &&
    chmod "$(printf %o $((0666 & ~$(umask))))" "$half_result" && mv -f "$half_result" "$target"; }; then
    die "$destination cannot be written"
  fi
  half_result=
}
# Where the result is: for goals.sh, which moves it, in the environment.
result_name() { echo "${GRASSDB_RESULT_NAME:-$destination}"; }

# conclude: keeps the result, says where it is, and ends the script: with 1 if its .problems has any.
conclude() {
  keep_result
  measured=yes
  echo "Everything: $(result_name)"
  [ "$(jq '.problems | length' "$out")" -gt 0 ] || exit 0
  say "$(jq -r '.problems | join("; ")' "$out")"
  echo "To repeat: $(command_again)" >&2
  exit 1
}
# As a shell reads it again, with the programs in use.
command_again() {
  [ "$caller" = "$PWD" ] || printf 'cd %q && ' "$PWD"
  printf '%sbash tests/bench/%s' "${GRASSDB_BUILD_DIR:+GRASSDB_BUILD_DIR=$GRASSDB_BUILD_DIR }" "$script"
  [ ${#arguments[@]} -eq 0 ] || printf ' %q' "${arguments[@]}"
}

# launch LOG COMMAND...: in the background; its id is in `launched`.
launch() {
  local log=$1
  shift
  "$@" </dev/null >>"$log" 2>&1 &
  launched=$!
  launched_all+=("$launched")
}

clean_up() {
  local code=$? pid deadline
  trap '' INT TERM HUP
  local pids=("${launched_all[@]}")
  [ -z "$bench_pid" ] || pids+=("$bench_pid")
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  deadline=$((SECONDS + stop_wait_seconds))
  for pid in "${pids[@]}"; do
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  [ -z "$half_result" ] || rm -f "$half_result"
  if [ -n "$work" ]; then
    if [ -n "$measured" ] || [ "$code" -ge 128 ]; then
      rm -rf "$work"
    else
      say "the nodes' logs are kept in $work"
    fi
  fi
  exit "$code"
}

# end SIGNAL PID: a process that `launch` has started; waits for its end.
end() {
  local pid left=()
  kill -"$1" "$2" 2>/dev/null || true
  wait "$2" 2>/dev/null || true
  for pid in "${launched_all[@]}"; do [ "$pid" = "$2" ] || left+=("$pid"); done
  launched_all=("${left[@]}")
}

# Prints so many ports nobody listens on, from the kernel's tables. Scripts that run side by side begin
# at different places.
free_ports() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v wanted="$1" -v offset=$(($$ * 16 % 9000)) '
    { split($2, a, ":"); taken[a[2]] = 1 }
    END {
      for (i = 0; wanted > 0 && i < 9000; ++i) {
        port = 21000 + (offset + i) % 9000
        if (!(sprintf("%04X", port) in taken)) { print port; --wanted }
      }
    }'
}

# choose_ports N: as an array `ports`.
choose_ports() {
  mapfile -t ports < <(free_ports "$1")
  [ ${#ports[@]} -eq "$1" ] || die "there are no free ports between 21000 and 30000"
}

# --- Three nodes ---

# node_cluster PORT...: names the nodes node0, node1, ..., in `members` and `peers`.
node_cluster() {
  local node
  node_ports=("$@")
  for node in "${!node_ports[@]}"; do
    members+="${members:+,}node$node=127.0.0.1:${node_ports[node]}"
    peers+="${peers:+,}127.0.0.1:${node_ports[node]}"
  done
}

start_node() {
  launch "$work/grassdb$1.log" "$bin/grassdb" --id "node$1" --cluster "$members" \
    --data-dir "$work" "${node_flags[@]}"
  node_pids[$1]=$launched
}

# stop_node NODE SIGNAL
stop_node() {
  end "$2" "${node_pids[$1]}"
  node_pids[$1]=
}

node_pid_list() { (IFS=, && echo "${node_pids[*]}"); }

# What the nodes say of themselves, as JSON: an array.
status() { "$bin/grass-cli" --peers "$peers" --deadline 1s status --write-out json 2>/dev/null || true; }

# leader: prints the number of the node that leads and serves; 1 if none does.
leader() {
  status | jq -er 'map(select(.role == "leader" and .serving)) | max_by(.term)
    | .id | ltrimstr("node")' 2>/dev/null
}

# Ends the script if a node, of either store, has ended by itself.
check_nodes() {
  local node
  for node in "${!node_pids[@]}"; do
    if [ -n "${node_pids[node]}" ]; then check_alive "node$node" "${node_pids[node]}" "grassdb$node.log"; fi
  done
  for node in "${!etcd_pids[@]}"; do
    check_alive "node$node of etcd" "${etcd_pids[node]}" "etcd$node.log"
  done
}
# check_alive NAME PID LOG
check_alive() { kill -0 "$2" 2>/dev/null || die "$1 has ended: $(tail -n 1 "$work/$3")"; }
# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    check_nodes
    [ $SECONDS -lt $deadline ] || die "$what: not within the time"
    sleep 0.05
  done
}
has_leader() { leader >/dev/null; }

# How many lines with this all logs have.
logged() { cat "$work"/grassdb?.log | grep -c "$1" || true; }

# has_applied NODE INDEX
has_applied() {
  status | jq -e --arg id "node$1" --argjson index "$2" \
    'any(.[]; .id == $id and .applied_index >= $index)' >/dev/null
}
# The largest of any node; 0 if none answers.
largest() { status | jq -n "[inputs[].$1 // 0] | max // 0"; }
has_revision() { [ "$(largest revision)" -ge "$1" ]; }

# catch_up NODE: waits until it has applied what was committed when this began.
catch_up() {
  local index
  wait_for "$start_wait_seconds" "a leader" has_leader
  index=$(largest commit_index)
  wait_for "$start_wait_seconds" "node$1 catches up to entry $index" has_applied "$1" "$index"
}

# Three nodes with `node_flags`, and a leader.
start_cluster() {
  local node
  choose_ports 3
  node_cluster "${ports[@]}"
  for node in 0 1 2; do start_node "$node"; done
  wait_for "$start_wait_seconds" "a leader" has_leader
}

# rss_kib PID: resident memory; 0 if there is no such process.
rss_kib() { awk '/^VmRSS/ { rss = $2 } END { print rss + 0 }' "/proc/$1/status" 2>/dev/null || echo 0; }

# Of samples, one a line: seconds, then KiB of each node, 0 where it did not run. The memory of the node
# in that column over the last two thirds of the time, as lines of seconds and KiB; at first it fills.
memory_of() { # FILE COLUMN
  awk -v column="$2" '
    { at[NR] = $1; kib[NR] = $column }
    END { for (i = 1; i <= NR; ++i)
            if (kib[i] > 0 && at[i] >= at[1] + (at[NR] - at[1]) / 3) print at[i], kib[i] }' "$1"
}
# The same of a node that is ended and started again: what it had when each of its lives ended. The
# first life is none: it was shorter.
lives_of() { # FILE COLUMN
  awk -v column="$2" '
    $column > 0 { at = $1; kib = $column }
    $column == 0 && kib > 0 { if (++lives > 1) print at, kib; kib = 0 }' "$1"
}
# growth NAME PERCENT: a JSON object of how memory has grown by such lines, as the straight line that fits
# them best (least squares): a single high or low sample says nothing. It grows if, from the first of
# them to the last, that line rises by more than PERCENT and by more than 8 MiB. With fewer than three
# there is nothing to be said.
growth() {
  jq -nR --arg node "$1" --argjson allowed "$2" '
    [inputs | split(" ") | map(tonumber)] as $all | ($all | length) as $count
    | if $count < 3 then { node: $node, samples: $count, grows: null } else
        ($all | map(.[0]) | add / $count) as $time | ($all | map(.[1]) | add / $count) as $mean
        | ($all | map(.[0] - $time | . * .) | add) as $spread
        | (if $spread == 0 then 0
           else ($all | map((.[0] - $time) * (.[1] - $mean)) | add) / $spread end) as $slope
        | ($mean + $slope * ($all[0][0] - $time)) as $first
        | ($mean + $slope * ($all[-1][0] - $time)) as $last
        | { node: $node, samples: $count, first_mib: ($first / 1024), last_mib: ($last / 1024),
            mib_per_hour: ($slope * 3600 / 1024), growth_percent: (($last / $first - 1) * 100),
            most_mib: ($all | map(.[1]) | max / 1024),
            grows: ($last - $first > 8192 and $last > $first * (1 + $allowed / 100)) } end'
}

# --- Other load ---

# Of the machine so far, in ticks: the cores' busy time, what was stolen, all time; and the time of this script with
# all that it has started, whether it runs or has ended.
machine_ticks() {
  { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v self=$$ -v at="${EPOCHREALTIME/,/.}" '
    # The name, in brackets, may hold blanks.
    { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2; spent[pid] = $12 + $13 + $14 + $15 }
    END {
      for (pid in parent) {
        for (up = pid; up != self && up in parent; ) up = parent[up]
        if (up == self) ours += spent[pid]
      }
      getline <"/proc/stat"
      busy = $2 + $3 + $4 + $7 + $8
      print at, busy, $9, busy + $9 + $5 + $6, ours + 0
    }'
}
watch_machine() { ticks_before=$(machine_ticks); }
# other_load: JSON of what else the machine did since watch_machine.
other_load() {
  jq -n --arg before "$ticks_before" --arg after "$(machine_ticks)" --argjson ticks "$(getconf CLK_TCK)" \
    --argjson cores "$other_cores_max" --argjson steal "$steal_percent_max" '
    def numbers: split(" ") | map(tonumber);
    [($after | numbers), ($before | numbers)] | transpose | map(.[0] - .[1])
    | { other_cores: (if .[0] > 0 then [(.[1] - .[4]) / $ticks / .[0], 0] | max else 0 end),
        steal_percent: (if .[3] > 0 then 100 * .[2] / .[3] else 0 end) }
    | .disturbed = (.other_cores > $cores or .steal_percent > $steal)'
}
# other_load_text JSON: a line for a person.
other_load_text() {
  jq -r --arg cores "$other_cores_max" --arg steal "$steal_percent_max" '"Machine: \(.other_cores * 100 | round / 100) cores of other load, \(.steal_percent * 10 | round / 10) % stolen\(
    if .disturbed then "; it was busy with something else (limits: \($cores) cores, \($steal) % stolen): measure again" else "" end)"' <<<"$1"
}

# --- Load ---

# start_bench OUTPUT ARGUMENTS...: grass-bench in the background, with a report as JSON.
start_bench() {
  local output=$1
  shift
  "$bin/grass-bench" "$@" --write-out json </dev/null >"$output" 2>"$work/bench.err" &
  bench_pid=$!
}

# finish_bench OUTPUT WHAT: waits for it, so that a signal is heeded at once.
finish_bench() {
  local code=0
  wait "$bench_pid" || code=$?
  bench_pid=
  # 1 with a report: some operations failed; the report counts them.
  [ "$code" -eq 0 ] || { [ "$code" -eq 1 ] && [ -s "$1" ]; } || {
    check_nodes
    die "measuring $2 failed: $(<"$work/bench.err")"
  }
}

# profile_problem REPORT CLIENTS: why what the servers did in that run of grass-bench cannot be shared out
# among its operations, in one line; nothing if it can.
profile_problem() {
  jq -r --argjson clients "$2" '
    (.retried_after | to_entries | map(select(.value > 0) | "\(.value) \(.key)") | join(", ")) as $retried
    | "no profile, so slow under callgrind: --duration longer or fewer --clients" as $way_out
    | if .failed > 0 then "\(.failed) operations failed; \($way_out)"
      elif $retried != "" then "operations were tried again (\($retried)); \($way_out)"
      elif .all_completed < 2 * $clients then
        "\(.all_completed) operations by \($clients) clients are too few to say; \($way_out)"
      else empty end' "$1"
}
