#!/usr/bin/env bash
# Builds grassdb and runs a cluster of three nodes on this machine.
#
#   bash start_cluster.sh           build what has changed, start the nodes that do not run
#   bash start_cluster.sh stop      stop the nodes that this script has started
#   bash start_cluster.sh status    show them
#
# The data (distdb_*) and the logs (node1.log ...) are kept in this directory; a later start goes on
# with them.
#
# In the environment, for tests:
#   GRASSDB_PORTS="N N N"     the nodes' ports, instead of 50051 50052 50053. The same at every call
#   GRASSDB_BUILD_DIR=FOLDER  run the programs in FOLDER/bin as they are; install and build nothing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# As the kernel names it, for pid_of: the way here may lead over symbolic links.
repository=$(pwd -P)
readonly repository
# shellcheck source=tests/packages.sh
. tests/packages.sh

readonly nodes=(1 2 3)
read -ra ports <<<"${GRASSDB_PORTS:-50051 50052 50053}"
readonly state=.grassdb
readonly leader_wait_seconds=30
readonly stop_wait_seconds=10

die() {
  echo "start_cluster.sh: $*" >&2
  exit 1
}

port_of() { echo "${ports[$1 - 1]}"; }

check_ports() {
  local port
  [ ${#ports[@]} -eq ${#nodes[@]} ] || die "GRASSDB_PORTS '${ports[*]}': expected ${#nodes[@]} ports"
  for port in "${ports[@]}"; do
    if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then
      die "GRASSDB_PORTS '${ports[*]}': $port is no port"
    fi
  done
}

cluster_list() {
  local node list=
  for node in "${nodes[@]}"; do list+="${list:+,}node$node=127.0.0.1:$(port_of "$node")"; done
  echo "$list"
}

peer_list() {
  local node list=
  for node in "${nodes[@]}"; do list+="${list:+,}127.0.0.1:$(port_of "$node")"; done
  echo "$list"
}

# Prints the process id of the node, if it runs. A recorded id may be another process's by now: it
# counts only if that is a grassdb with this node's name, started in this directory.
pid_of() {
  local pid arguments
  [ -r "$state/node$1.pid" ] || return 1
  pid=$(<"$state/node$1.pid")
  [[ $pid =~ ^[0-9]+$ ]] || return 1
  [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$repository" ] || return 1
  mapfile -d '' -t arguments <"/proc/$pid/cmdline" 2>/dev/null || return 1
  [[ ${arguments[0]:-} == *grassdb && " ${arguments[*]} " == *" --id node$1 "* ]] || return 1
  echo "$pid"
}

# Whether somebody listens on the port, from the kernel's tables: works without any tool.
port_is_taken() {
  local hex
  hex=$(printf '%04X' "$1")
  awk -v port="$hex" '$4 == "0A" { split($2, a, ":"); if (a[2] == port) found = 1 }
    END { exit !found }' < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
}

# Shows the newest of ninja's lines ("[12/99] ...") in place, on a terminal; else nothing.
show_progress() {
  if [ -t 1 ]; then
    awk '/^\[/ { printf "\r  %-70.70s", $0; fflush() } END { printf "\r%72s\r", "" }'
  else
    cat >/dev/null
  fi
}

link_programs() {
  local program
  for program in grassdb grass-cli grass-sim; do ln -sfn "$1/bin/$program" "$program"; done
}

build() {
  if [ -n "${GRASSDB_BUILD_DIR:-}" ]; then
    [ -x "$GRASSDB_BUILD_DIR/bin/grassdb" ] || die "GRASSDB_BUILD_DIR: no $GRASSDB_BUILD_DIR/bin/grassdb"
    link_programs "$GRASSDB_BUILD_DIR"
    return
  fi
  install_packages "${BUILD_PACKAGES[@]}" || exit 1
  local log=$state/build.log options=()
  echo "Building (the first time takes some minutes; details in $log)"
  # The tests need more packages; where they have been configured already, they stay part of the
  # build.
  grep -qs '^GRASSDB_TESTS:[A-Z]*=ON$' build/release/CMakeCache.txt || options=(-DGRASSDB_TESTS=OFF)
  if ! cmake --preset release "${options[@]}" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "configuring failed; the last lines of $log are above"
  fi
  if ! cmake --build --preset release --target grassdb grass-cli grass-sim 2>&1 |
    tee -a "$log" | show_progress; then
    tail -n 30 "$log" >&2
    die "the build failed; the last lines of $log are above"
  fi
  link_programs build/release
}

start_node() {
  local node=$1
  # In a session of its own, so that this terminal's Ctrl-C and hang-up do not reach it; without the
  # lock of this script, which would otherwise last as long as the node.
  setsid ./grassdb --id "node$node" --cluster "$(cluster_list)" --data-dir . \
    </dev/null >>"node$node.log" 2>&1 9>&- &
  echo $! >"$state/node$node.pid"
}

# Waits until a node says that it leads and serves; leaves the table of all nodes in $state/status.
wait_for_leader() {
  local deadline=$((SECONDS + leader_wait_seconds)) node
  while [ $SECONDS -lt $deadline ]; do
    if ./grass-cli --peers "$(peer_list)" --deadline 1s status >"$state/status" 2>/dev/null; then
      return 0
    fi
    for node in "${nodes[@]}"; do
      if ! kill -0 "$(<"$state/node$node.pid")" 2>/dev/null; then
        tail -n 3 "node$node.log" >&2
        die "node$node has stopped; the last lines of node$node.log are above (bash start_cluster.sh stop ends the others)"
      fi
    done
    sleep 0.2
  done
  die "no leader after $leader_wait_seconds s; see node1.log, node2.log and node3.log"
}

# Waits until one of the nodes may fail: until then a node that has just got its data directory has
# no vote. That takes a moment, or as long as it takes to send it all data.
wait_for_votes() {
  local deadline=$((SECONDS + leader_wait_seconds))
  until grep -q '^Fault tolerance: writes go on' "$state/status"; do
    if [ $SECONDS -ge $deadline ]; then
      echo "The cluster serves, but not all of its nodes have caught up yet:"
      cat "$state/status"
      return
    fi
    sleep 0.2
    wait_for_leader
  done
}

start() {
  local node missing=() running=()
  for node in "${nodes[@]}"; do
    if pid_of "$node" >/dev/null; then
      running+=("$node")
    else
      missing+=("$node")
      if port_is_taken "$(port_of "$node")"; then
        die "port $(port_of "$node"), which node$node needs, is in use by another process"
      fi
    fi
  done
  build
  for node in "${missing[@]}"; do start_node "$node"; done
  [ ${#running[@]} -eq 0 ] || echo "Already running: ${running[*]/#/node}"
  [ ${#missing[@]} -eq 0 ] || echo "Started: ${missing[*]/#/node}"
  wait_for_leader
  wait_for_votes
  local leader
  leader=$(awk '$3 == "leader" { print $2 " at " $1 ", term " $4 }' "$state/status")
  # grass-cli knows the usual ports by itself.
  local peers=
  [ "${ports[*]}" = '50051 50052 50053' ] || peers="--peers $(peer_list) "
  cat <<TEXT
The cluster serves. Leader: $leader

Next:
  ./grass-cli ${peers}set mykey myvalue
  ./grass-cli ${peers}get mykey
  ./grass-cli ${peers}status
  grep "Won election" node*.log
  bash start_cluster.sh stop
TEXT
}

stop() {
  local node pid stopped=() pids=() deadline
  for node in "${nodes[@]}"; do
    if pid=$(pid_of "$node"); then
      kill -TERM "$pid" 2>/dev/null || true
      pids+=("$node")
    else
      rm -f "$state/node$node.pid"
    fi
  done
  deadline=$((SECONDS + stop_wait_seconds))
  for node in "${pids[@]}"; do
    while pid=$(pid_of "$node") && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
    if pid=$(pid_of "$node"); then
      echo "node$node (process $pid) does not stop; killing it. No data is lost by that." >&2
      kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$state/node$node.pid"
    stopped+=("node$node")
  done
  if [ ${#stopped[@]} -eq 0 ]; then echo "No node was running."; else echo "Stopped: ${stopped[*]}"; fi
}

status() {
  local node pid any=
  for node in "${nodes[@]}"; do
    if pid=$(pid_of "$node"); then
      echo "node$node: process $pid, port $(port_of "$node"), log node$node.log"
      any=yes
    else
      echo "node$node: not running"
    fi
  done
  [ -n "$any" ] || return 1
  echo
  ./grass-cli --peers "$(peer_list)" --deadline 2s status
}

# One at a time: two starts would start every node twice.
lock() {
  mkdir -p "$state" 2>/dev/null || die "cannot write in $repository"
  exec 9>"$state/lock"
  flock -n 9 || die "another start_cluster.sh is at work here"
}

check_ports
case ${1:-start} in
  start)
    lock
    start
    ;;
  stop)
    lock
    stop
    ;;
  status) status ;;
  *)
    echo "usage: bash start_cluster.sh [start|stop|status]" >&2
    exit 2
    ;;
esac
