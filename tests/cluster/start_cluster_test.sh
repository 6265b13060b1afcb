#!/usr/bin/env bash
# start_cluster.sh as a user meets it, on a copy in a directory of its own, with the programs of a
# build folder and on ports of its own: a cluster of the developer's is left alone.
#
#   start_cluster_test.sh BUILD-FOLDER
set -uo pipefail
build=$(cd "${1:?usage: start_cluster_test.sh BUILD-FOLDER}" && pwd -P) || exit 2
source=$(cd "$(dirname "$0")/../.." && pwd -P) || exit 2
work=$(mktemp -d) || exit 2
readonly build source work here=$work/here
failures=0
output=

# Of the copy's nodes, whoever holds a pid file: a process started in the copy.
end_nodes() {
  local file pid
  for file in "$here"/.grassdb/*.pid; do
    [ -r "$file" ] || continue
    pid=$(<"$file")
    [ "$(readlink "/proc/$pid/cwd")" = "$here" ] && kill -KILL "$pid"
  done
}

stranger=
cleanup() {
  end_nodes 2>/dev/null
  [ -z "$stranger" ] || kill "$stranger" 2>/dev/null
  if [ "$failures" -eq 0 ]; then rm -rf "$work"; else echo "Logs and data are kept in $work"; fi
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail() {
  echo "FAILED: $*"
  printf '%s\n' "$output" | sed 's/^/  | /'
  failures=$((failures + 1))
}

# run CODE [PATH] ACTION: calls the script, by another path if one is given; its output is in $output.
run() {
  local wanted=$1 path=$here code
  shift
  if [[ ${1:-} == /* ]]; then
    path=$1
    shift
  fi
  output=$(cd / && timeout 100 bash "$path/start_cluster.sh" "$@" 2>&1)
  code=$?
  [ $code -eq "$wanted" ] || fail "start_cluster.sh $*: exit code $code, wanted $wanted"
}

prints() { [[ $output == *"$1"* ]] || fail "not printed: $1"; }
does_not_print() { [[ $output != *"$1"* ]] || fail "printed: $1"; }
pid_of() { cat "$here/.grassdb/node$1.pid"; }

is_taken() {
  awk -v port="$(printf '%04X' "$1")" '{ split($2, a, ":"); if (a[2] == port) found = 1 }
    END { exit !found }' < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
}

# Three free ports between those of the other tests and those the system gives away.
choose_ports() {
  local port=$((30000 + $$ % 900 * 3)) tries
  for ((tries = 0; tries < 900; ++tries)); do
    if ! is_taken $port && ! is_taken $((port + 1)) && ! is_taken $((port + 2)); then
      ports=("$port" $((port + 1)) $((port + 2)))
      return
    fi
    port=$((30000 + (port + 3 - 30000) % 2700))
  done
  echo "no free ports"
  exit 1
}

choose_ports
export GRASSDB_PORTS="${ports[*]}" GRASSDB_BUILD_DIR=$build
peers=127.0.0.1:${ports[0]},127.0.0.1:${ports[1]},127.0.0.1:${ports[2]}
cli() { timeout 60 "$here/grass-cli" --peers "$peers" --deadline 30s "$@"; }

mkdir -p "$here/tests"
cp "$source/start_cluster.sh" "$here"
cp "$source/tests/packages.sh" "$here/tests"
ln -s "$here" "$work/link"

run 2 nonsense
prints usage
run 1 status
prints "node1: not running"
run 0 stop
prints "No node was running"

# A stranger has the port of node2.
"$build/bin/grassdb" --id stranger --cluster "stranger=127.0.0.1:${ports[1]}" \
  --data-dir "$work/stranger" 2>/dev/null &
stranger=$!
for ((i = 0; i < 300; ++i)); do
  is_taken "${ports[1]}" && break
  sleep 0.1
done
run 1
prints "port ${ports[1]}, which node2 needs, is in use by another process"
[ "$(wc -l <<<"$output")" -eq 1 ] || fail "more than one line"
if compgen -G "$here/distdb_*" || compgen -G "$here/.grassdb/*.pid" || compgen -G "$here/*.log"; then
  fail "something is left behind"
fi
kill "$stranger"
wait "$stranger" 2>/dev/null
stranger=

run 0
prints "Started: node1 node2 node3"
prints "The cluster serves. Leader: node"
prints "./grass-cli --peers $peers set mykey myvalue"
[ "$(cli set key value)" = OK ] || fail "set"
run 0 status
for node in 1 2 3; do prints "node$node: process $(pid_of $node), port ${ports[node - 1]}"; done
run 0
prints "Already running: node1 node2 node3"
does_not_print Started

# A node that was killed is the only one to be started again.
first=$(pid_of 1) third=$(pid_of 3)
kill -KILL "$(pid_of 2)"
for ((i = 0; i < 300; ++i)); do
  is_taken "${ports[1]}" || break
  sleep 0.1
done
run 0
prints "Already running: node1 node3"
prints "Started: node2"
[ "$(pid_of 1) $(pid_of 3)" = "$first $third" ] || fail "node1 or node3 was started anew"

# By another path, they are the same nodes.
run 0 "$work/link" status
does_not_print "not running"
run 0 "$work/link" start
prints "Already running: node1 node2 node3"
run 0 "$work/link" stop
prints "Stopped: node1 node2 node3"
[ ! -e "/proc/$first/cwd" ] || fail "node1 still runs"  # one that nobody has waited for has none
run 1 status
prints "node3: not running"

# A process id that is another process's by now, and one that is nobody's, are no nodes.
echo $$ >"$here/.grassdb/node1.pid"
echo 4194305 >"$here/.grassdb/node2.pid"
echo nonsense >"$here/.grassdb/node3.pid"
run 0 "$work/link" start
prints "Started: node1 node2 node3"
[ "$(cli get key)" = value ] || fail "the data did not survive"
run 0 stop
prints "Stopped: node1 node2 node3"

GRASSDB_PORTS="1 2" run 1 status
prints "expected 3 ports"
GRASSDB_PORTS="1 2 x" run 1
prints "x is no port"
GRASSDB_BUILD_DIR=$work/nothing run 1
prints "GRASSDB_BUILD_DIR"
[ "$failures" -eq 0 ]
