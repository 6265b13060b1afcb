#!/usr/bin/env bash
# Where a put goes: the instructions of a whole node a put, counted by callgrind in a cluster of three,
# and the functions they are spent in. Threads, gRPC and the disk's are in it; what the kernel does is
# not. Unlike a time it comes out nearly the same on a busy machine; how many puts share a message
# depends on the machine's pace, though, so only one client's count is the same within a few percent.
#
#   bash tests/bench/put_profile.sh                     the leader, with one client; a minute or two
#   bash tests/bench/put_profile.sh --node follower --clients 64
#
#   --node WHICH       leader or follower: who runs under callgrind (leader)
#   --clients N        (1)
#   --duration TIME    of the counted puts; callgrind makes the node some fifty times slower (10s)
#   --top N            functions in the table (25)
#   --data-dir DIR     where the nodes keep their data (build/put_profile)
#   --out FILE         everything as JSON (DIR/result.json)
#
# Exit codes: 0 counted, 1 something could not be started or counted (one line says what), 2 usage. In
# the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/packages.sh
. tests/packages.sh
script=put_profile.sh
# shellcheck source=tests/bench/cluster.sh
. tests/bench/cluster.sh

node=leader
clients=1
duration=10s
top=25
data_dir=build/put_profile
out=
parse_flags --node:node --clients:clients:number --duration:duration --top:top:number \
  --data-dir:data_dir --out:out -- "$@"
[[ $node =~ ^(leader|follower)$ ]] || usage "--node '$node': expected leader or follower"

# Hands the leadership to that node if it does not lead.
# shellcheck disable=SC2317
leads() {
  [ "$(leader)" = "$1" ] && return
  "$bin/grass-cli" --peers "$peers" --deadline 15s transfer-leader "node$1" >/dev/null 2>&1 || true
  return 1
}
# puts NAME DURATION
puts() {
  start_bench "$work/$1.json" put --peers "$peers" --clients "$clients" --duration "$2" \
    --warm-up 500ms --keys 1000 --deadline 60s
  finish_bench "$work/$1.json" "$1"
}
# A new dump, of what was counted since the last one; its file is in `dump`.
dumps=0
dump() {
  dumps=$((dumps + 1))
  dump=$work/callgrind.$dumps
  callgrind_control --dump "$counted" >"$work/control.log" 2>&1 ||
    die "callgrind_control cannot reach the node: $(tail -n 1 "$work/control.log")"
  wait_for 30 "callgrind writes what it has counted" grep -q '^totals:' "$dump"
}

if ! command -v callgrind_control >/dev/null || ! command -v jq >/dev/null; then
  install_packages "${COUNT_PACKAGES[@]}" || exit 1
fi
prepare grassdb grass-cli grass-bench
# The node under callgrind is slow; nobody else may take it for dead.
node_flags=(--election-timeout 3s-6s)
choose_ports 3
node_cluster "${ports[@]}"
start_node 1
start_node 2
launch "$work/grassdb0.log" valgrind --tool=callgrind --callgrind-out-file="$work/callgrind" \
  "$bin/grassdb" --id node0 --cluster "$members" --data-dir "$work" "${node_flags[@]}"
node_pids[0]=$launched
counted=$launched
wait_for 60 "a leader" has_leader
wait_for 60 "node0 answers" bash -c "'$bin/grass-cli' --peers '${peers%%,*}' --deadline 5s status >/dev/null 2>&1"
wanted=0
[ "$node" = leader ] || wanted=1
wait_for 90 "node$wanted leads" leads "$wanted"
echo "$("$bin/grassdb" --version): three nodes, the $node under callgrind, $clients clients"
puts warm-up 1s
dump
revision=$(largest revision)
puts counted "$duration"
dump
puts=$(($(largest revision) - revision))
[ "$puts" -gt 0 ] || die "no put was counted"
# A call that has not ended yet would count for its caller.
awk '/^calls=0 / { getline; next } { print }' "$dump" >"$work/ended"
# functions INCLUSIVE: JSON of the instructions a put of each function, most first, from lines such as
# "1,234 (5.6%)  file:function(...) [object]"; a function has a line for each of its files.
functions() {
  callgrind_annotate --threshold=100 --auto=no --inclusive="$1" "$work/ended" 2>/dev/null |
    jq -nR --argjson puts "$puts" '
      [inputs | capture("^ *(?<count>[0-9,]+) \\([ 0-9.]+%\\) +[^:]*:(?<name>.*) \\[(?<object>[^\\]]*)\\]$")
        | { name, object: (.object | sub(".*/"; "")), count: (.count | gsub(","; "") | tonumber) }]
      | group_by([.name, .object])
      | map({ name: .[0].name, object: .[0].object, per_put: (map(.count) | add / $puts | round) })
      | sort_by(-.per_put)'
}
jq -n --arg node "$node" --argjson clients "$clients" --argjson puts "$puts" \
  --argjson total "$(awk '/^totals:/ { print $2 }' "$dump")" --slurpfile self <(functions no) \
  --slurpfile with_callees <(functions yes) '
  { node: $node, clients: $clients, puts: $puts, instructions_per_put: ($total / $puts | round),
    objects: ($self[0] | group_by(.object)
      | map({ name: .[0].object, per_put: (map(.per_put) | add) }) | sort_by(-.per_put)),
    functions: $self[0],
    ours_with_callees: ($with_callees[0] | map(select(.name | test("grassdb::")))), problems: [] }
  | if .functions == [] then .problems += ["callgrind_annotate has read nothing"] else . end' >"$out"
jq -r --argjson top "$top" '"\(.instructions_per_put) instructions a put, of \(.puts) puts",
  ("", "by library", (.objects[:8][] | "\(.per_put);\(.name)"),
   "", "by function", (.functions[:$top][] | "\(.per_put);\(.name[:100])"),
   "", "of grassdb, with all that it calls",
   (.ours_with_callees[:$top][] | "\(.per_put);\(.name[:100])"))' "$out" | print_columns
conclude
