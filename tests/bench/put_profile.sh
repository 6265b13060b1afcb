#!/usr/bin/env bash
# Where a put goes: the instructions of a whole node a put, or another operation, counted by callgrind in
# a cluster of three or at a single node, and the functions they are spent in. Threads, gRPC and the disk's
# are in it; what the kernel does is not. How many operations share a message and a heartbeat depends on
# the machine's pace, so a whole count is only the same on an equally quiet machine. What is done for each
# operation by itself, its "parts", is the same within a few percent on any.
#
#   bash tests/bench/put_profile.sh                     the leader, with one client; a minute or two
#   bash tests/bench/put_profile.sh --node follower --clients 64
#   bash tests/bench/put_profile.sh --nodes 1 --clients 256
#   bash tests/bench/put_profile.sh --check             fails above the committed baseline
#   bash tests/bench/put_profile.sh --clients 16 --check-parts
#
#   --nodes N          3, or 1: a single node, which leads (3)
#   --node WHICH       leader or follower: who runs under callgrind (leader); a follower is
#                      sent each write at once (--append-delay 0)
#   --workload W       put, get, get-stale, mixed, txn or stream (put)
#   --clients N        (1); of a stream no more than some hundred: callgrind is too slow for thousands
#   --duration TIME    of what is counted; callgrind makes the node some fifty times slower (10s)
#   --top N            functions in the table (25)
#   --check            exit code 1 if an operation takes more than 10 % above put_profile.json
#   --check-parts      the same of taking a request, of applying it and of answering it, each by itself
#   --update           write the counts to put_profile.json; commit it with the reason
#   --baseline FILE    instead of tests/bench/put_profile.json
#   --data-dir DIR     where the nodes keep their data (build/put_profile)
#   --out FILE         everything as JSON (DIR/result.json)
#
# Exit codes: 0 counted, 1 something could not be started or counted, an operation failed or had to be tried
# again, too few were done to say anything, or one takes too many (one line says what), 2 usage. In the environment: GRASSDB_BUILD_DIR=FOLDER runs the programs in FOLDER/bin.
set -euo pipefail
# shellcheck source=tests/bench/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

readonly percent_allowed=10
# Of each wait: callgrind on a machine that is busy is slow indeed.
readonly patience=300
nodes=3
node=leader
workload=put
clients=1
duration=10s
top=25
checking=
checking_parts=
update=
baseline=tests/bench/put_profile.json
data_dir=build/put_profile
out=
# shellcheck disable=SC2317
check_node() { [[ $2 =~ ^(leader|follower)$ ]] || usage "$1 '$2': expected leader or follower"; }
parse_flags --nodes:nodes:nodes_number --node:node:check_node --workload:workload:workload_name \
  --clients:clients:clients_number --duration:duration:time_span --top:top:number \
  --check:checking:- --check-parts:checking_parts:- --update:update:- \
  --baseline:baseline::path --data-dir:data_dir::path --out:out:result_file:path -- "$@"
if ! command -v callgrind_control >/dev/null || ! command -v jq >/dev/null; then
  install_packages "${COUNT_PACKAGES[@]}" || exit 1
fi
[ "$nodes" -eq 3 ] || [ "$node" = leader ] || usage "--node follower: a single node has none; leave out --nodes 1"
name="$node $workload $clients"
[ "$nodes" -eq 3 ] || name="single $workload $clients"
readonly name
if [ -n "$checking$checking_parts" ]; then
  [ -z "$update" ] || usage "--check and --update: give one of them"
  [ -r "$baseline" ] || usage "--baseline '$baseline': no such file; --update writes it"
  [ -z "$checking" ] || jq -e --arg name "$name" '.[$name] | numbers' "$baseline" >/dev/null ||
    usage "--check: $baseline has nothing of '$name'; --update adds it"
  [ -z "$checking_parts" ] || jq -e --arg name "$name" '.parts[$name] | objects' "$baseline" >/dev/null ||
    usage "--check-parts: $baseline has nothing of '$name'; --update adds it"
fi

# Hands the leadership to that node if it does not lead.
# shellcheck disable=SC2317
leads() {
  [ "$(leader)" = "$1" ] && return
  "$bin/grass-cli" --peers "$peers" --deadline 15s transfer-leader "node$1" >/dev/null 2>&1 || true
  return 1
}
# operations NAME DURATION MORE-FLAGS...
operations() {
  start_bench "$work/$1.json" "$workload" --peers "$peers" --clients "$clients" --duration "$2" \
    --warm-up 500ms --keys 1000 --deadline 60s "${@:3}"
  finish_bench "$work/$1.json" "$1"
}
# A new dump, of what was counted since the last one; its file is in `dump`.
dumps=0
dump() {
  dumps=$((dumps + 1))
  dump=$work/callgrind.$dumps
  callgrind_control --dump "$counted" >"$work/control.log" 2>&1 ||
    die "callgrind_control cannot reach the node: $(tail -n 1 "$work/control.log")"
  wait_for "$patience" "callgrind writes what it has counted" grep -q '^totals:' "$dump"
}

prepare grassdb grass-cli grass-bench
# The node under callgrind is slow; nobody else may take it for dead.
node_flags=(--election-timeout 3s-6s)
# Of a follower that is not sent every write at once it would be a matter of luck how many share a message.
[ "$node" = leader ] || node_flags+=(--append-delay 0)
choose_ports "$nodes"
node_cluster "${ports[@]}"
for ((other = 1; other < nodes; ++other)); do start_node "$other"; done
launch "$work/grassdb0.log" valgrind --tool=callgrind --callgrind-out-file="$work/callgrind" \
  "$bin/grassdb" --id node0 --cluster "$members" --data-dir "$work" "${node_flags[@]}"
node_pids[0]=$launched
counted=$launched
wait_for "$patience" "a leader" has_leader
wait_for "$patience" "node0 answers" bash -c "'$bin/grass-cli' --peers '${peers%%,*}' --deadline 5s status >/dev/null 2>&1"
wanted=0
[ "$node" = leader ] || wanted=1
wait_for "$patience" "node$wanted leads" leads "$wanted"
echo "$("$bin/grassdb" --version): nodes: $nodes, the $node under callgrind, $workload, clients: $clients"
operations warm-up 1s
dump
operations counted "$duration" --no-fill
dump
problem=$(profile_problem "$work/counted.json" "$clients")
if [ -n "$problem" ]; then
  measured=yes
  say "$problem"
  echo "To repeat: $(command_again)" >&2
  exit 1
fi
operations=$(jq .all_completed "$work/counted.json")
# A call that has not ended yet would count for its caller.
awk '/^calls=0 / { getline; next } { print }' "$dump" >"$work/ended"
# functions INCLUSIVE: JSON of the instructions an operation of each function, most first, from lines such
# as "1,234 (5.6%)  file:function(...) [object]"; a function has a line for each of its files.
functions() {
  callgrind_annotate --threshold=100 --auto=no --inclusive="$1" "$work/ended" 2>/dev/null |
    jq -nR --argjson operations "$operations" '
      [inputs | capture("^ *(?<count>[0-9,]+) \\([ 0-9.]+%\\) +[^:]*:(?<name>.*) \\[(?<object>[^\\]]*)\\]$")
        | { name, object: (.object | sub(".*/"; "")), count: (.count | gsub(","; "") | tonumber) }]
      | group_by([.name, .object])
      | map({ name: .[0].name, object: .[0].object,
              per_operation: (map(.count) | add / $operations | round) })
      | sort_by(-.per_operation)'
}
before=null parts_before=null
[ -z "$checking" ] || before=$(jq --arg name "$name" '.[$name]' "$baseline")
[ -z "$checking_parts" ] || parts_before=$(jq --arg name "$name" '.parts[$name]' "$baseline")
jq -n --arg node "$node" --arg workload "$workload" --arg name "$name" --argjson before "$before" \
  --argjson percent "$percent_allowed" --argjson parts_before "$parts_before" --argjson nodes "$nodes" \
  --argjson clients "$clients" --argjson operations "$operations" \
  --argjson total "$(awk '/^totals:/ { print $2 }' "$dump")" --slurpfile self <(functions no) \
  --slurpfile with_callees <(functions yes) '
  # Of the function, or of the dearest of several with such a name.
  def part($pattern): map(select(.name | test($pattern)) | .per_operation) | max;
  def above($what; $now; $before): select($now * 100 > $before * (100 + $percent))
    | "\($what)\($now) instructions an operation (\($name)), more than \($percent) % above the baseline, \(
        $before); if that is meant: --update instead of --check, and commit it with the reason";
  { nodes: $nodes, node: $node, workload: $workload, clients: $clients, operations: $operations,
    instructions: ($total / $operations | round),
    objects: ($self[0] | group_by(.object)
      | map({ name: .[0].object, per_operation: (map(.per_operation) | add) }) | sort_by(-.per_operation)),
    functions: $self[0],
    ours_with_callees: ($with_callees[0] | map(select(.name | test("grassdb::")))) }
  | .parts = (.ours_with_callees | {
      "ClientService::Answer": part("^grassdb::net::ClientService::Answer\\("),
      "UnaryCall::OnComplete": part("ClientService::UnaryCall<.*>::OnComplete\\("),
      "KvStore::Apply": part("^grassdb::KvStore::Apply\\(") } | map_values(numbers))
  # The whole in pieces that do not overlap. An acknowledgement that completes a quorum has all that waits for it
  # applied and answered inside of Node::OnMessage; so that is not what reading it costs.
  | .split = (.ours_with_callees | def sum($pattern): [.[] | select(.name | test($pattern)) | .per_operation] | add // 0;
      def most($pattern): part($pattern) // 0;
      { "answers (ClientService::Answer)": most("^grassdb::net::ClientService::Answer\\("),
        "takes requests (UnaryCall::OnComplete)": sum("^grassdb::net::ClientService::UnaryCall<[^>]*>::OnComplete\\("),
        "applies (KvStore::Apply)": most("^grassdb::KvStore::Apply\\("),
        "sends to peers (PeerTransport::Send)": most("^grassdb::net::PeerTransport::Send\\("),
        "reads and decodes what peers send (PeerStream::OnRead without Node::OnMessage)":
          (most("^grassdb::net::PeerStream::OnRead\\(") as $read
            | if $read == 0 then 0 else $read - most("^grassdb::Node::OnMessage\\(") end),
        "writes the log (DiskThread::Run)": most("^grassdb::net::DiskThread::Run\\(") })
  | .split += { "all else: gRPC, the node, Raft": (.instructions - (.split | add)) }
  # A stale read is answered while the request is taken, and the operations of a stream are no calls.
  | if $workload == "get-stale" or $workload == "stream" then .split = null else . end
  | .problems = [
      (select(.functions == []) | "callgrind_annotate has read nothing"),
      (if $before == null then empty else above(""; .instructions; $before) end),
      (.parts as $parts | $parts_before // {} | to_entries[]
        | if $parts[.key] == null then
            "\(.key) is called nowhere (\($name)): if it has another name now, put_profile.sh is to know it"
          else above("\(.key): "; $parts[.key]; .value) end)
    ]' >"$out"
jq -r --argjson top "$top" '"\(.instructions) instructions an operation, of \(.operations)",
  ("", "by library", (.objects[:8][] | "\(.per_operation);\(.name)"),
   "", "by function", (.functions[:$top][] | "\(.per_operation);\(.name[:100])"),
   (if .split then "", "in pieces that add up", (.split | to_entries[] | "\(.value);\(.key)") else empty end),
   "", "of grassdb, with all that it calls",
   (.ours_with_callees[:$top][] | "\(.per_operation);\(.name[:100])"))' "$out" | print_columns
jq -r '"Parts: \(.parts | to_entries | map("\(.key) \(.value)") | join(", "))"' "$out"
[ -z "$checking" ] || echo "Baseline: $before"
[ -z "$checking_parts" ] ||
  echo "Baseline: $(jq -nr --argjson parts "$parts_before" '$parts | to_entries | map("\(.key) \(.value)") | join(", ")')"
if [ -n "$update" ]; then
  if [ -s "$baseline" ]; then cat "$baseline"; else echo '{}'; fi |
    jq --arg name "$name" --slurpfile now "$out" \
      '.[$name] = $now[0].instructions | .parts[$name] = $now[0].parts' >"$work/baseline"
  cp "$work/baseline" "$baseline"
  echo "Written to $baseline"
fi
conclude
