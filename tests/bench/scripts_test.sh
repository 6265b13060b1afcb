#!/usr/bin/env bash
# The measuring scripts, each for some seconds: they measure, a bound that cannot be kept makes them fail
# with that one problem and the command that repeats it, and nothing is left behind.
#
#   scripts_test.sh BUILD_DIR
set -euo pipefail
build=$(realpath "$1")
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
# shellcheck source=tests/bench/cluster.sh
. "$here/cluster.sh"
trap_exits
work=$(mktemp -d)
echo "$work/data" >"$work/pattern"
fail() {
  echo "FAILED: $*" >&2
  tail -n 20 "$work/stdout" "$work/stderr" >&2 || true
  exit 1
}

# run CODE SCRIPT ARGUMENTS...: its JSON is in $work/out.json.
run() {
  local expected=$1 code=0 script=$2 left
  shift 2
  GRASSDB_BUILD_DIR=$build bash "$here/$script" "$@" --data-dir "$work/data" --out "$work/out.json" \
    >"$work/stdout" 2>"$work/stderr" || code=$?
  [ "$code" -eq "$expected" ] || fail "$script $*: exit code $code instead of $expected"
  # The pattern is in a file, so that grep does not find itself.
  left=$(grep -lF -f "$work/pattern" /proc/[0-9]*/cmdline 2>/dev/null || true)
  [ -z "$left" ] || fail "$script: left is $left: $(tr '\0' ' ' <"${left%%$'\n'*}")"
  ! ls -d "$work"/data/run.* 2>/dev/null || fail "$script: data is left"
}
# shows FILTER: of the last run's JSON.
shows() { jq -e "$1" "$work/out.json" >/dev/null || fail "not so: $1 in $(jq -c . "$work/out.json")"; }
# Whether the holder has its three connections; starts one if there is none.
holder=
idle_connects() {
  if [ -z "$holder" ] || ! kill -0 "$holder" 2>/dev/null; then
    [ $SECONDS -lt "$deadline" ] || fail "no connection: $(<"$work/idle.log")"
    : >"$work/idle.log"
    launch "$work/idle.log" "$build/bin/idle_connections" "$endpoint" 3
    holder=$launched
  fi
  grep -q '^open 3$' "$work/idle.log"
}
# tells_other_load: the last run, for a program and for a person.
tells_other_load() {
  shows '.other_load | .other_cores >= 0 and .steal_percent >= 0 and (.disturbed | type == "boolean")'
  grep -qE '^Machine: [0-9.]+ cores of other load, [0-9.]+ % stolen' "$work/stdout" || fail "other load is not said"
}
# refused PROBLEM: the last run has found that and nothing else.
refused() {
  shows ".problems | length == 1"
  shows ".problems[0] | test(\"$1\")"
  grep -qE -- "$1" "$work/stderr" || fail "'$1' is not said"
  tail -n 1 "$work/stderr" | grep -q '^To repeat: .*bash tests/bench/' || fail "no command that repeats it"
}

run 1 failover.sh --rounds 2 --max-median 0.1
refused 'the median, .* ms, is above --max-median 0.1'
shows '.rounds | length == 2 and all(.[]; .failover_ms > 1 and .failed == 0)'
shows '.median_ms - (.rounds | map(.failover_ms) | add / 2) | fabs < 0.1'
shows 'all(.rounds[]; .longest_pause_ms - .failover_ms | fabs < 50)'
shows '[.rounds[].killed] | all(test("^node[012]$"))'
tells_other_load

run 1 soak.sh --short --minutes 0.25 --quiet-seconds 1 --max-ratio 0.001 --max-growth 100000 --max-elections 9
refused 'p99 is .* times the quiet one, more than 0.001'
shows '.restarts >= 1 and .snapshots >= 1 and .soak.failed == 0'
shows '.memory | length == 3 and (map(select(.restarted)) | length == 1)'
shows 'all(.memory[] | select(.restarted | not); .first_mib > 1 and .last_mib > 1 and .samples > 3)'
shows '.rss_kib | length >= 6'
shows '.not_judged == []'
tells_other_load
# So short a run says nothing of itself, whatever it has measured.
run 0 soak.sh --short --minutes 0.15 --quiet-seconds 1
shows '.not_judged == ["p99", "memory", "elections"] and (.p99_ratio | numbers) and (.memory | length == 3)'
grep -qxF 'Not judged: p99 and memory and elections. That takes 3 minutes of load, and for p99 10 quiet seconds, or a bound: --max-ratio and --max-growth and --max-elections' \
  "$work/stdout" || fail "what is not judged is not said"

# What else the machine does: a loop of its own is no other load, also when it has ended.
own_ticks() { machine_ticks | cut -d' ' -f5; }
before=$(own_ticks)
timeout 0.5 bash -c 'while :; do :; done' || true
hz=$(getconf CLK_TCK)
[ $(($(own_ticks) - before)) -ge $((hz / 10)) ] || fail "what a script has started is other load"
# other_is FILTER OURS STOLEN: in ten seconds of two cores of which one was busy, in hundredths of a second.
other_is() (
  ticks_before='100.5 1000 5 9000 700'
  local now="110.5 $((1000 + 10 * hz)) $((5 + $3 * hz / 100)) $((9000 + 20 * hz)) $((700 + $2 * hz / 100))"
  machine_ticks() { echo "$now"; }
  other=$(other_load)
  jq -e "$1" <<<"$other" >/dev/null || fail "other load: $other, and not $1"
)
other_is '(.other_cores - 0.2 | fabs < 0.001) and .steal_percent == 0 and (.disturbed | not)' 800 0
other_is '.disturbed' 600 0
other_is '.other_cores == 0 and .steal_percent == 10 and .disturbed' 1000 200

# Memory that grows, that jumps once at the end, that only varies, that grows by little, and that of a node
# whose every life ends with more.
for ((i = 0; i < 90; ++i)); do
  life=$((i / 10))
  echo "$i $((100000 + i * 1000)) $((i < 89 ? 100000 : 200000)) $((100000 + i % 10 * 4000))" \
    "$((10000 + i * 50)) $((i % 10 < 2 ? 0 : 20000 + life * 3000 + i % 10 * 5000))"
done >"$work/samples"
# says_of COLUMN PERCENT: of a node, whether it grows.
says_of() { memory_of "$work/samples" "$1" | growth node "$2" | jq .grows; }
[ "$(says_of 2 40)" = true ] || fail "growth of 46 % is none above 40"
[ "$(says_of 2 50)" = false ] || fail "growth of 46 % is one above 50"
[ "$(says_of 3 10)" = false ] || fail "one high sample is growth"
[ "$(says_of 4 10)" = false ] || fail "what varies grows"
[ "$(says_of 5 10)" = false ] || fail "3 MiB are growth"
[ "$(lives_of "$work/samples" 6 | head -n 1)" = "19 68000" ] || fail "the first life counts, or not its end"
[ "$(lives_of "$work/samples" 6 | growth node 10 | jq -c '[.samples, .grows]')" = '[7,true]' ] ||
  fail "what grows from life to life does not"
[ "$(lives_of "$work/samples" 2 | growth node 10 | jq -c '[.samples, .grows]')" = '[0,null]' ] ||
  fail "no samples are growth, or none"
growth node 10 <<<$'10 100\n20 200\n30 600' | jq -e '.first_mib * 1024 - 50 | fabs < 0.01' >/dev/null ||
  fail "not the line of least squares"

run 1 restart.sh --keys 2000 --runs 2 --without-etcd --max-ready 0.1
refused 'the first answer took .* ms, more than --max-ready 0.1'
shows '.grassdb.restarts | length == 2 and all(.[]; .ready_ms > 0 and .cpu_ms >= 0)'
tells_other_load
shows '.etcd == null and .keys == 2000 and (.grassdb.bytes_a_key_when_written | numbers)'
run 1 restart.sh --keys 2000 --runs 1 --without-etcd --max-bytes 1
refused 'a key takes .* bytes, more than --max-bytes 1'

echo '{ "follower put 4": 100, "leader put 1": 7 }' >"$work/baseline.json"
run 1 put_profile.sh --node follower --clients 4 --duration 1s --check --baseline "$work/baseline.json"
refused 'instructions an operation .follower put 4., more than 10 % above the baseline, 100;'
shows '.node == "follower" and .operations > 10 and .instructions > 10000'
shows ".instructions - (.objects | map(.per_operation) | add) | fabs < 1000"
shows '[.functions[].name] | any(test("grassdb::KvStore::Apply"))'
shows '.ours_with_callees[0].per_operation <= .instructions'
shows '.instructions - (.split | add) | fabs < 0.001'
run 0 put_profile.sh --workload get --duration 1s --update --baseline "$work/baseline.json"
shows '.workload == "get" and .operations > 10'
shows '.split | .["answers (ClientService::Answer)"] > 1000 and .["takes requests (UnaryCall::OnComplete)"] > 1000'
shows '.split | to_entries | any(.key | startswith("reads and decodes")) and all(.value >= 0)'
shows '.instructions - (.split | add) | fabs < 0.001'
jq -e --slurpfile now "$work/out.json" \
  '. == { "follower put 4": 100, "leader put 1": 7, "leader get 1": $now[0].instructions,
          parts: { "leader get 1": $now[0].parts } }' \
  "$work/baseline.json" >/dev/null || fail "not added to the baseline: $(<"$work/baseline.json")"
# Each part by itself, and one that has another name now.
jq '.parts["leader get 1"] |= { "ClientService::Answer", "UnaryCall::OnComplete": 7, "KvStore::Find": 9 }' \
  "$work/baseline.json" >"$work/parts.json"
run 1 put_profile.sh --workload get --duration 1s --check-parts --baseline "$work/parts.json"
shows '.problems | length == 2'
shows '.problems[0] | test("^UnaryCall::OnComplete: [0-9]+ instructions an operation .leader get 1., more than 10 % above the baseline, 7;")'
shows '.problems[1] | test("^KvStore::Find is called nowhere .leader get 1.: ")'
run 0 put_profile.sh --nodes 1 --duration 1s --baseline "$work/baseline.json" --update
shows '.nodes == 1 and (.parts | keys == ["ClientService::Answer", "KvStore::Apply", "UnaryCall::OnComplete"])'
jq -e '.["single put 1"] > 0 and .parts["single put 1"]' "$work/baseline.json" >/dev/null || fail "no single node"
run 2 put_profile.sh --nodes 1 --node follower
grep -qF -- "--node follower: a single node has none" "$work/stderr" || fail "a follower of a single node"
run 2 put_profile.sh --check-parts --baseline "$work/baseline.json"
grep -qF -- "--check-parts: $work/baseline.json has nothing of 'leader put 1'; --update adds it" "$work/stderr" ||
  fail "unknown parts"
run 2 put_profile.sh --check --clients 2 --baseline "$work/baseline.json"
grep -qF "has nothing of 'leader put 2'; --update adds it" "$work/stderr" || fail "an unknown baseline"

run 0 put_profile.sh --workload stream --clients 64 --duration 1s
shows '.workload == "stream" and .operations >= 128 and .instructions > 1000'
# So many that mostly each is answered once. Where more are done, that is a profile of enough of them.
mv "$work/out.json" "$work/before.json"
if (run 1 put_profile.sh --workload get-stale --clients 4000 --duration 1ms) >"$work/not_refused" 2>&1; then
  grep -qE '^put_profile.sh: ([0-9]+ operations by 4000 clients are too few to say|operations were tried again)' \
    "$work/stderr" || fail "too few operations are a profile"
  tail -n 1 "$work/stderr" | grep -q '^To repeat: .*bash tests/bench/put_profile.sh --workload get-stale ' ||
    fail "no command that repeats it"
  [ ! -s "$work/stdout" ] || [ "$(wc -l <"$work/stdout")" -eq 1 ] || fail "a table of too few operations"
  [ ! -e "$work/out.json" ] || fail "too few operations are a result"
else
  grep -q 'exit code 0 instead of 1' "$work/not_refused" || fail "$(<"$work/not_refused")"
  shows '.operations >= 8000'
fi
# profile_says PROBLEM CLIENTS REPORT: what makes no profile.
profile_says() {
  local problem
  problem=$(profile_problem <(echo "$3") "$2")
  [[ $problem = "$1" || (-n "$1" && $problem = "$1"*) ]] || fail "'$problem' instead of '$1' of $3"
}
profile_says '' 64 '{ "all_completed": 128, "failed": 0, "retried_after": { "OVERLOADED": 0 } }'
profile_says '127 operations by 64 clients are too few' 64 \
  '{ "all_completed": 127, "failed": 0, "retried_after": {} }'
profile_says '1 operations failed; ' 1 '{ "all_completed": 99, "failed": 1, "retried_after": {} }'
profile_says 'operations were tried again (3 connection lost, 2 no answer in time); ' 1 \
  '{ "all_completed": 99, "failed": 0, "retried_after": { "connection lost": 3, "no answer in time": 2 } }'

run 0 budget.sh --cases 'put:8 get:4' --duration 500ms
shows '[.cases[] | [.case, .failed]] == [["put:8", 0], ["get:4", 0]]'
shows 'all(.cases[].us; .client > 0 and .leader > 0 and .leader_disk > 0 and .followers > 0 and .idle >= 0)'
shows 'all(.cases[].us; .all - (del(.all) | add) | fabs < 0.001)'
shows '.cases[0].us.followers_disk > .cases[1].us.followers_disk'
shows 'all(.cases[]; (.other_load.disturbed | type == "boolean") and (.log_writes | length == 3 and (map(select(.leads)) | length == 1)))'
shows '.cases[0] | .log_writes | all(.[]; .count > 10 and .p50_us > 0 and .p99_us >= .p50_us)'
# The rows of net/README.md: what it needs and takes is of goals.sh, the parts are of this run. Only what is missed.
echo '{ "parts": { "three-nodes": { "result": { "cases": [
  { "case": "put:4", "workload": "put", "clients": 4, "grassdb": { "ops_per_second": 2000 },
    "etcd": { "ops_per_second": 1000 }, "goals": [ { "of": "ratio", "goal": 4, "reached": false } ] },
  { "case": "get:4", "workload": "get", "clients": 4, "grassdb": { "ops_per_second": 2000 },
    "etcd": { "ops_per_second": 1000 }, "goals": [ { "of": "ratio", "goal": 1, "reached": true } ] } ] } } } }' >"$work/goals.json"
run 0 budget.sh --markdown --goals-result "$work/goals.json" --duration 300ms
shows '[.cases[].case] == ["put:4", "get-stale:4"]'
needs=$(($(nproc) * 250)).0 takes=$(($(nproc) * 500)).0
[ "$(sed -n '3,$p' "$work/stdout" | cut -d'|' -f2-4)" = " put, 4 clients | $needs | $takes " ] || fail "not the rows"
awk -F' *[|] *' 'NR == 3 { sum = $6 + $7 + $8 + $9 + $10 + $11 + $12 - $5; exit !(NF == 14 && sum < 0.5 && sum > -0.5 && $13 > 0) }' \
  "$work/stdout" || fail "the parts do not add up: $(<"$work/stdout")"
run 2 budget.sh --markdown --nodes 1 --goals-result "$work/goals.json"
grep -qF "expected what goals.sh writes, with single-node measured" "$work/stderr" || fail "rows without figures"
run 0 budget.sh --nodes 1 --cases put:1 --duration 300ms
shows '.nodes == 1 and .cases[0].us.followers == 0 and .cases[0].us.leader > 0'

run 1 value_sizes.sh --sizes 1048576 --duration 1us --keys 1
shows '.problems | length == 2 and all(.[]; test("^(put|get) with values of 1048576 bytes: none ended within .* s; give a longer --duration$"))'
run 0 value_sizes.sh --sizes '1024 1048576' --duration 3s --keys 8
shows '[.runs[] | [.workload, .value_bytes, .failed]] ==
  [["put", 1024, 0], ["get", 1024, 0], ["put", 1048576, 0], ["get", 1048576, 0]]'
shows 'all(.runs[]; .completed > 0)'
tells_other_load

# What shows the connections says when it cannot, or does not any more.
idle() { "$build/bin/idle_connections" "$@" >"$work/stdout" 2>"$work/stderr"; }
code=0
idle 127.0.0.1 5 || code=$?
[ "$code" -eq 2 ] || fail "no port is no usage error"
choose_ports 1
endpoint=127.0.0.1:${ports[0]}
code=0
idle "$endpoint" 5 || code=$?
[ "$code" -eq 1 ] || fail "exit code $code where nobody listens"
grep -q '^idle_connections: connection 1: Connection refused$' "$work/stderr" || fail "no reason"
launch "$work/node.log" "$build/bin/grassdb" --id node1 --cluster "node1=$endpoint" --data-dir "$work"
node=$launched
deadline=$((SECONDS + 60))
until idle_connects; do sleep 0.1; done
end KILL "$node"
until grep -q '^lost 1: ' "$work/idle.log"; do
  [ $SECONDS -lt "$deadline" ] || fail "a connection that is lost is not said"
  sleep 0.1
done
end TERM "$holder"

run 1 connections.sh --connections 30 --duration 500ms --max-kib 9999 --max-ratio 0.001
refused 'p50 of the puts beside them is [0-9.]+ times the one before, more than 0.001'
run 1 connections.sh --connections 300 --duration 500ms --max-kib 0.001 --max-ratio 99
refused 'a connection takes .* KiB, more than 0.001'
shows '.kib_per_connection > 0.1 and .puts.beside.completed > 0'
tells_other_load

# A busy machine may well hold a heartbeat up.
run 0 flood.sh --clients 500 --value-size 65536 --write-backlog 1MiB --duration 1s --max-elections 9 --max-ratio 99
shows '.elections | numbers'
shows '.flood.retried_after.OVERLOADED > 0 and .after.completed > 0'
tells_other_load
run 1 flood.sh --workload stream --clients 500 --value-size 65536 --write-backlog 1MiB --duration 1s --max-elections 9 --max-ratio 0.001
shows '.flood.retried_after.OVERLOADED > 0 and .after.completed > 0'
refused 'p50 afterwards is [0-9.]+ times the one before, more than 0.001'
run 1 flood.sh --clients 20 --value-size 100 --duration 500ms --max-elections 9 --max-ratio 99
refused 'nothing was answered with OVERLOADED'

# What cannot be is refused before anything is built or started, with the flag, the value and what is
# expected; and a file is named from where the user is.
refuses() { # SCRIPT FLAG VALUE EXPECTED
  run 2 "$1.sh" "$2" "$3"
  [ "$(<"$work/stderr")" = "$1.sh: $2 '$3': expected $4 (the beginning of tests/bench/$1.sh has the usage)" ] ||
    fail "$1.sh $2 $3: $(<"$work/stderr")"
}
readonly a_time='a time above 0, as in 300ms, 1.5s or 2m'
readonly a_size='a number of bytes above 0, as in 65536, 64MiB or 1GiB'
refuses compare_etcd --duration abc "$a_time"
refuses put_profile --duration 5 "$a_time"
refuses value_sizes --duration 0s "$a_time"
refuses connections --duration -1s "$a_time"
refuses flood --duration 1h "$a_time"
refuses flood --write-backlog much "$a_size"
refuses flood --max-elections -1 'a number from 0 on'
refuses flood --workload puts 'put, get, get-stale, mixed, txn or stream'
refuses flood --clients 10001 'a number of clients from 1 to 10000'
refuses flood --value-size 1048577 'bytes of a value, from 0 to 1048576'
refuses soak --snapshot-log-size 64Mi "$a_size"
refuses soak --workload puts 'put, get, get-stale, mixed, txn or stream'
refuses failover --rate 0 'operations a second, from 1 to 10000000'
refuses failover --election-timeout 300ms 'two times, the first below the second, as in 300ms-600ms'
refuses failover --election-timeout 600ms-300ms 'two times, the first below the second, as in 300ms-600ms'
refuses failover --election-timeout 300ms-0.3s 'two times, the first below the second, as in 300ms-600ms'
refuses failover --election-timeout 1.2.3s-4s 'two times, the first below the second, as in 300ms-600ms'
refuses value_sizes --sizes '' "bytes of values, as in '1024 65536'"
refuses put_profile --node both 'leader or follower'
refuses put_profile --nodes 2 '1 or 3'
refuses budget --nodes 2 '1 or 3'
refuses budget --cases put "WORKLOAD:CLIENTS, with up to 10000 clients, as in 'put:1 get:64'"
refuses budget --cases '' "WORKLOAD:CLIENTS, as in 'put:1 get:64'"
# checked CHECK EXIT-CODE VALUE...: what the scripts share.
checked() {
  local value code
  for value in "${@:3}"; do
    code=0
    ("$1" --flag "$value") 2>/dev/null || code=$?
    [ "$code" -eq "$2" ] || fail "$1 '$value': $code instead of $2"
  done
}
checked time_span 0 1us 300ms 1.5s 2m 0.1s
checked time_span 2 '' abc 5 0s 0.0s -1s 1h '1s 2s' s 1e3s
checked size 0 1 65536 1B 64KiB 1.5MiB 1GiB
checked size 2 '' 0 0KiB much 64Mi 1TB -1 1kb
checked time_range 0 300ms-600ms 900us-1ms 0.5s-1m 1.5s-1.6s
checked time_range 2 '' 300ms 300ms- -300ms 300ms-600ms-900ms 1s-999ms 0s-1s
checked value_bytes 0 0 1 256 1048576
checked value_bytes 2 '' 1048577 -1 big 007 1KiB
checked clients_number 0 1 64 10000
checked clients_number 2 '' 0 -1 many 10001 1.5
checked rate_number 0 1 10000000
checked rate_number 2 '' 0 -1 10000001 fast
checked workload_name 0 put get get-stale mixed txn stream
checked workload_name 2 '' puts micro PUT
mkdir -p "$work/elsewhere"
(cd "$work/elsewhere" && GRASSDB_BUILD_DIR=$build bash "$here/value_sizes.sh" --sizes 100 --duration 200ms \
  --keys 4 --data-dir data --out named.json) >"$work/stdout" 2>"$work/stderr" || fail "from elsewhere"
jq -e '.runs | length == 2' "$work/elsewhere/named.json" >/dev/null || fail "--out is not where the user is"
[ -d "$work/elsewhere/data" ] || fail "--data-dir is not where the user is"

# Whatever the scripts and their tests call that not every Debian has is installed by them.
readonly installed=" ${BENCH_PACKAGES[*]} ${COUNT_PACKAGES[*]} ${TEST_PACKAGES[*]} "
for tool in curl jq wget nc ss lsof bc python3 ps pgrep pkill top free vmstat gdb; do
  ! callers=$(grep -lE "(^|[|(;&{\`] *|^ +|\b(do|then|exec|if|while|until|!) +)$tool " "$here"/*.sh) ||
    [[ $installed = *" $tool "* ]] || fail "$tool is called and in no list of packages.sh: $callers"
done

for script in failover restart soak value_sizes connections flood budget put_profile; do
  run 2 "$script.sh" --speed 3
  grep -qF "$script.sh: unknown argument '--speed'" "$work/stderr" || fail "$script.sh: no usage"
done
measured=yes
echo "ok"
