#!/usr/bin/env bash
# What compare_etcd.sh does when it cannot do its work: it refuses in one line, and it leaves no
# process and no data behind when it is ended. And which runs it counts, and what it makes of them. An etcd
# that only sleeps stands in for the real one, and for the counting a grass-bench that says what it is told.
#
#   compare_etcd_test.sh BUILD_DIR
set -euo pipefail
build=$(realpath "$1")
repository=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d)
script_pid=
# shellcheck disable=SC2317
finish() {
  [ -z "$script_pid" ] || kill -KILL "$script_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Out of the repository, where no etcd was ever fetched.
mkdir -p "$work/tests/bench" "$work/tools" "$work/with_etcd"
cp "$repository/tests/packages.sh" "$work/tests/"
cp "$repository"/tests/bench/{compare_etcd.sh,cluster.sh,goals.jq,goals.json} "$work/tests/bench/"
for tool in bash dirname mkdir cat realpath tail; do ln -s "$(command -v $tool)" "$work/tools/$tool"; done
compare() { GRASSDB_BUILD_DIR=$build bash "$work/tests/bench/compare_etcd.sh" "$@"; }

# refused CODE TEXT ARGUMENTS...: that code, and one line on stderr with that text.
refused() {
  local code=0 expected=$1 text=$2
  shift 2
  compare "$@" >"$work/out" 2>"$work/err" || code=$?
  [ "$code" -eq "$expected" ] || fail "$*: exit code $code instead of $expected: $(<"$work/err")"
  [ "$(wc -l <"$work/err")" -eq 1 ] || fail "$*: more than a line: $(<"$work/err")"
  grep -qF -- "$text" "$work/err" || fail "$*: no '$text' in: $(<"$work/err")"
}
refused 2 "unknown argument '--fast'" --fast
refused 2 "--runs '0': expected a number" --runs 0
refused 2 "--runs needs a value" --runs
refused 2 "--nodes '2': expected 1 or 3" --nodes 2
refused 2 "--goals 'none.json': no such file" --goals none.json
echo 'no JSON' >"$work/goals.txt"
refused 2 "--goals '$work/goals.txt': expected JSON with goals" --goals "$work/goals.txt"
refused 2 "--duration 'abc': expected a time above 0, as in 300ms, 1.5s or 2m" --duration abc
refused 2 "--out '': expected a path" --out ""
refused 2 "--cases 'scan:3': expected WORKLOAD:CLIENTS" --cases "put:1 scan:3"
refused 2 "--cases 'put:20000': expected WORKLOAD:CLIENTS, with up to 10000 clients" --cases put:20000
refused 2 "--cases '': expected WORKLOAD:CLIENTS" --cases ""
echo '{ "3": { "put:1": { "p95_ms": 3 } } }' >"$work/goals.json"
refused 2 "--goals '$work/goals.json': 3 put:1: unknown goal \"p95_ms\"" --goals "$work/goals.json"
echo '{ "failover": { "median_ms": 3 } }' >"$work/goals.json"
refused 2 "--goals '$work/goals.json': expected JSON with goals for 1 or 3 nodes" --goals "$work/goals.json"
refused 2 "--out '/proc/x' cannot be written: no file can be made in /proc" --out /proc/x
refused 2 "--out '/none/x' cannot be written: there is no folder /none" --out /none/x
refused 2 "--out '$work' cannot be written: it is a folder" --out "$work"
# What the user names counts from where the user is.
mkdir "$work/elsewhere"
echo '{ "3": {} }' >"$work/elsewhere/goals.json"
(cd "$work/elsewhere" && compare --goals goals.json --nodes 4) >"$work/out" 2>"$work/err" && fail "was taken"
grep -qF -- "--nodes '4'" "$work/err" || fail "--goals goals.json is not found where the user is: $(<"$work/err")"
refused_without_apt=$(
  set +e
  PATH=$work/tools GRASSDB_BUILD_DIR=$build "$work/tools/bash" "$work/tests/bench/compare_etcd.sh" \
    2>&1
  echo "code $?"
)
[ "$refused_without_apt" = "compare_etcd.sh: etcd cannot be installed: there is no apt-get; put an etcd 3.4 or newer on the PATH
code 1" ] || fail "without apt-get: $refused_without_apt"

cat >"$work/with_etcd/etcd" <<'TEXT'
#!/usr/bin/env bash
if [ "$1" = --version ]; then echo "etcd Version: 0"; else exec sleep 300; fi
TEXT
chmod +x "$work/with_etcd/etcd"
PATH=$work/with_etcd:$PATH compare --quick >"$work/out" 2>"$work/err" &
script_pid=$!
# One a line.
children() { cat "/proc/$1"/task/*/children 2>/dev/null | tr -s ' ' '\n'; }
# The function's shell, or the script itself where the shell has stepped aside for it.
running() {
  local pid
  for pid in $script_pid $(children $script_pid); do
    if [ "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)" = \
      "bash $work/tests/bench/compare_etcd.sh --quick " ]; then echo "$pid"; fi
  done
}
deadline=$((SECONDS + 60))
script=
until [ -n "$script" ] && [ "$(children "$script" | wc -l)" -ge 7 ]; do
  [ $SECONDS -lt $deadline ] || fail "three nodes each and the load do not run: $(<"$work/err")"
  kill -0 "$script_pid" 2>/dev/null || fail "has ended: $(<"$work/err")"
  script=$(running | tail -n 1)
  sleep 0.1
done
mapfile -t started < <(children "$script")
[ -n "$(ls -d "$work"/build/compare/run.*)" ] || fail "no data"
kill -TERM "$script"
code=0
wait "$script_pid" || code=$?
script_pid=
[ "$code" -eq 143 ] || fail "exit code $code after SIGTERM"
for pid in "${started[@]}"; do
  ! kill -0 "$pid" 2>/dev/null || fail "process $pid is left: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
done
! ls -d "$work"/build/compare/run.* 2>/dev/null || fail "data is left"

# --- Which runs count ---

mkdir -p "$work/fake/bin" "$work/told"
# shellcheck disable=SC2016
printf '#!/bin/sh\nif [ "$1" = --version ]; then echo "grassdb 9.9"; else exec sleep 300; fi\n' >"$work/fake/bin/grassdb"
# Of each store, case and run the next line of what it is told: operations a second, how many were completed,
# failed and found no key, whether it was disturbed, p50 in us, and CPU in us an operation. The last line
# again when there is no further one.
cat >"$work/fake/bin/grass-bench" <<'TEXT'
#!/usr/bin/env bash
told=${0%/*}/../../told workload=$1 store= clients=
while [ $# -gt 0 ]; do
  case $1 in
    --protocol) store=$2 ;;
    --clients) clients=$2 ;;
    --server-pids) pids=$2 ;;
  esac
  shift
done
lines=$told/$store-$workload-$clients
[ -e "$lines" ] || lines=$told/warm
[ ! -e "$told/kills-$store" ] || { kill -KILL "${pids%%,*}"; sleep 0.3; }
read -r ops completed failed missing disturbed p50 cpu <"$lines"
[ "$(wc -l <"$lines")" -eq 1 ] || sed -i 1d "$lines"
echo "{ \"protocol\": \"$store\", \"workload\": \"$workload\", \"clients\": $clients,
  \"ops_per_second\": $ops, \"completed\": $completed, \"failed\": $failed, \"missing\": $missing,
  \"disturbed\": $disturbed, \"other_cores\": $([ "$disturbed" = null ] && echo null || echo 0.1),
  \"latency_us\": { \"p50\": $p50, \"p99\": $((p50 * 2)), \"p99.9\": $((p50 * 3)) },
  \"servers_user_us_per_op\": $cpu, \"servers_system_us_per_op\": 1, \"client_cpu_us_per_op\": 5,
  \"servers_rss_mib\": 40, \"timeline\": [] }"
[ "$failed" -eq 0 ] || exit 1
TEXT
chmod +x "$work"/fake/bin/*
echo '1 1 0 0 false 1 1' >"$work/told/warm"
# told STORE WORKLOAD CLIENTS LINE...
told() { printf '%s\n' "${@:4}" >"$work/told/$1-$2-$3"; }
result=$work/result.json
# counted CODE ARGUMENTS...: the cases that were told; its JSON is in $result.
counted() {
  local code=0 expected=$1
  shift
  PATH=$work/with_etcd:$PATH GRASSDB_BUILD_DIR=$work/fake bash "$work/tests/bench/compare_etcd.sh" \
    --goals "$work/goals.json" --out "$result" "$@" >"$work/out" 2>"$work/err" || code=$?
  [ "$code" -eq "$expected" ] || fail "$*: exit code $code instead of $expected: $(<"$work/err")"
}
shows() { jq -e "$1" "$result" >/dev/null || fail "not so: $1 in $(jq -c 'del(.all_runs)' "$result")"; }
says() { grep -qE -- "$2" "$work/$1" || fail "no '$2' on std$1: $(<"$work/$1")"; }
echo '{ "3": { "put:1": { "ratio": 2, "p50_ms": 0.5 }, "txn:4": { "servers_cpu_us": 10 } } }' >"$work/goals.json"

# Medians of three good runs each, of the rate and not of how many were completed; a run that was disturbed,
# one with a failed operation, one with an operation that found no key and one of which nobody knows are
# made again, and say nothing.
told grassdb put 1 '3000 9 0 0 false 400 20' '9000 9 0 0 true 1 1' '9000 9 1 0 false 1 1' \
  '1000 999 0 0 false 600 40' '2500 5 0 0 false 410 22' '9000 9 0 0 false 1 1'
told etcd put 1 '1000 9 0 0 false 900 100' '9000 9 0 3 false 1 1' '9000 9 0 0 null 1 1' \
  '1100 9 0 0 false 800 100' '900 9 0 0 false 1000 100' '9000 9 0 0 false 1 1'
counted 0 --runs 3 --cases put:1
shows '.cases | length == 1'
shows '.cases[0].grassdb | .ops_per_second == 2500 and .runs == 3 and .dropped == 2 and .failed == 0'
shows '.cases[0].grassdb | .spread.ops_per_second == { median: 2500, min: 1000, max: 3000 }'
shows '.cases[0].grassdb | .p50_us == 410 and .p99_us == 820 and .servers_cpu_us_per_op == 23'
shows '.cases[0].etcd | .ops_per_second == 1000 and .runs == 3 and .dropped == 2'
shows '.cases[0].ratios | .ops_per_second == 2.5 and .p50 == 410 / 900'
shows '.cases[0].goals | map(.reached) == [true, true]'
shows '.all_runs | length == 10'
says out 'put 1, run 2: etcd 9000 ops/s, .* .3 found no key.$'
says out 'put 1, run 3: etcd 9000 ops/s, unknown cores of other load$'
says out '^4 runs were dropped'
says out "^All runs: $result\$"

# So many of them that there are too few: said, and with what there is. What is short of keys counts nowhere.
told grassdb txn 4 '3000 9 0 0 false 400 20'
told etcd txn 4 '1000 9 0 750 false 900 100'
GRASSDB_RESULT_NAME=/elsewhere/part.json counted 1 --runs 2 --cases txn:4 --keep-disturbed
says err 'fewer than 2 good runs of each store for txn 4'
says out '^All runs: /elsewhere/part.json$'
shows '.cases[0] | .etcd.runs == 0 and .etcd.dropped == 4 and .ratios.ops_per_second == null'
shows '.cases[0].goals | map(.reached) == [false]'

# Disturbed ones count if that is asked for, and are told.
told grassdb put 1 '3000 9 0 0 true 400 20'
told etcd put 1 '1000 9 0 0 null 900 100'
counted 1 --runs 1 --cases put:1
counted 0 --runs 1 --cases put:1 --keep-disturbed
shows '.cases[0].grassdb | .runs == 1 and .disturbed == 1'
says out '^1 runs had other load'

# A node that ends ends it, by name; and what was measured before is still there.
cp "$result" "$work/before.json"
for store in grassdb etcd; do
  touch "$work/told/kills-$store"
  counted 1 --runs 1 --cases put:1
  [ "$store" = grassdb ] && name=node0 || name='node0 of etcd'
  says err "^compare_etcd.sh: $name has ended: "
  cmp -s "$result" "$work/before.json" || fail "the result of before is lost"
  rm "$work/told/kills-$store"
done
[ -z "$(find "$work" -maxdepth 1 -name 'result.json.*')" ] || fail "half a result is left"
echo "ok"
