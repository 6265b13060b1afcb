#!/usr/bin/env bash
# What goals.sh makes of what its parts have measured: which rows there are and which goals are reached,
# what is kept and what is measured again, and that a part which breaks keeps no other from its turn.
# Scripts and programs that say what this test says stand in for the real ones.
#
#   goals_test.sh
set -euo pipefail
repository=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d)
pid=
# shellcheck disable=SC2317
finish() {
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
fail() {
  echo "FAILED: $*" >&2
  cat "$work/out" "$work/err" >&2 || true
  exit 1
}

mkdir -p "$work/tests/bench" "$work/bin" "$work/answers" "$work/elsewhere"
cp "$repository/tests/packages.sh" "$work/tests/"
cp "$repository"/tests/bench/{goals.sh,goals.jq,cluster.sh} "$work/tests/bench/"
# Whatever else this machine does is no part of the test.
echo 'machine_ticks() { echo "0 0 0 0 0"; }' >>"$work/tests/bench/cluster.sh"
cat >"$work/tests/bench/goals.json" <<'TEXT'
{ "3": { "put:1": { "ratio": 2.5, "p50_ms": 0.5 },
         "put:64": { "ratio": 4, "p99_ms": 5, "p99_ratio": 0.25, "servers_cpu_us": 50 },
         "stream:4096": { "ratio": 16, "ops": 150000 } },
  "1": { "put:1": { "ratio": 1.6 } },
  "restart": { "bytes_a_key_when_written": 380, "bytes_a_key": 380, "ready_ms": 1000 },
  "failover": { "median_ms": 500 },
  "replication": { "replication/raft/64": 2300000 } }
TEXT
# Each notes its arguments, writes its answer to --out, and ends with the code that is there for it.
cat >"$work/tests/bench/part" <<'TEXT'
#!/usr/bin/env bash
name=${0##*/} answers=$(dirname "$0")/../../answers out=
echo "$name $* result $GRASSDB_RESULT_NAME" >>"$answers/calls"
name=${name%.sh}
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2 ;;
    --nodes) name=$name-$2 ;;
  esac
  shift
done
[ ! -e "$answers/$name.hangs" ] || exec sleep 300
[ ! -e "$answers/$name.json" ] || cp "$answers/$name.json" "$out"
exit "$(cat "$answers/$name.code" 2>/dev/null || echo 0)"
TEXT
for name in compare_etcd restart failover; do
  cp "$work/tests/bench/part" "$work/tests/bench/$name.sh"
done
printf '#!/bin/sh\necho "grassdb 9.9"\n' >"$work/bin/grassdb"
printf '#!/bin/sh\n' >"$work/bin/grass-cli"
cat >"$work/bin/grass-bench" <<'TEXT'
#!/bin/sh
echo "grass-bench $*" >>"${0%/*}/../answers/calls"
case $3 in
  replication/raft/64) echo '{ "benchmarks": [ { "name": "replication/raft/64", "items_per_second": 4100000 } ] }' ;;
  *) echo "{ \"benchmarks\": [ { \"name\": \"$3\", \"items_per_second\": 700000 } ] }" ;;
esac
TEXT
chmod +x "$work"/bin/*

# store OPS P50-US P99-US CPU-US: with a least and a most beside each.
store() {
  echo "{ \"disturbed\": 0, \"spread\": {
    \"ops_per_second\": { \"median\": $1, \"min\": $(($1 - 10)), \"max\": $(($1 + 20)) },
    \"p50_us\": { \"median\": $2, \"min\": $2, \"max\": $2 },
    \"p99_us\": { \"median\": $3, \"min\": $3, \"max\": $3 },
    \"servers_cpu_us_per_op\": { \"median\": $4, \"min\": $4, \"max\": $4 } } }"
}
# one CASE GRASSDB ETCD
one() { echo "{ \"case\": \"$1\", \"grassdb\": $2, \"etcd\": $3 }"; }
cat >"$work/answers/compare_etcd-3.json" <<TEXT
{ "etcd": "etcd 3.4.23", "cases": [
  $(one put:1 "$(store 2600 400 900 700)" "$(store 1000 990 2700 1400)"),
  $(one put:64 "$(store 30000 2000 4500 51)" "$(store 10000 6000 17000 170)"),
  $(one txn:64 "$(store 20000 3000 7000 60)" "$(store 4000 14000 46000 450)"),
  $(one stream:4096 "$(store 170000 24000 39000 7)" "$(store 10000 20000 42000 122)") ] }
TEXT
echo "{ \"cases\": [ $(one put:1 "$(store 3200 300 600 194)" "$(store 2000 420 860 356)") ] }" \
  >"$work/answers/compare_etcd-1.json"
cat >"$work/answers/restart.json" <<'TEXT'
{ "keys": 1000000, "value_size": 256, "etcd": null, "grassdb": { "bytes_a_key_when_written": 400, "restarts": [
  { "ready_ms": 1200, "bytes_a_key": 376 }, { "ready_ms": 800, "bytes_a_key": 375 },
  { "ready_ms": 1001, "bytes_a_key": 376 } ] } }
TEXT
echo '{ "rounds": [ { "failover_ms": 411.4 }, { "failover_ms": 308.1 }, { "failover_ms": 501.1 } ] }' \
  >"$work/answers/failover.json"

# goals CODE ARGUMENTS...: from another folder than the repository.
goals() {
  local expected=$1 code=0
  shift
  : >"$work/answers/calls"
  (cd "$work/elsewhere" && GRASSDB_BUILD_DIR=../ bash "$work/tests/bench/goals.sh" --data-dir data "$@") \
    >"$work/out" 2>"$work/err" || code=$?
  [ "$code" -eq "$expected" ] || fail "'$*': exit code $code instead of $expected"
}
row() { grep -qE -- "^${1// | / {2,\}}\$" "$work/out" || fail "no row '$1'"; }
says() { grep -qE -- "$2" "$work/$1" || fail "no '$2' on std$1"; }
silent() { ! grep -qE -- "$2" "$work/$1" || fail "'$2' on std$1"; }
calls() { [ "$(wc -l <"$work/answers/calls")" -eq "$1" ] || fail "not $1 calls: $(<"$work/answers/calls")"; }
called() { grep -qE -- "$1" "$work/answers/calls" || fail "no call '$1': $(<"$work/answers/calls")"; }
shows() {
  jq -e "$1" "$work/elsewhere/data/result.json" >/dev/null ||
    fail "not so: $1 in $(jq -c .table "$work/elsewhere/data/result.json")"
}

goals 1 --show --markdown
says err "^goals.sh: --markdown: not measured: three-nodes single-node restart failover replication; measure it: bash "
goals 0 --show
silent out 'stands in the way'
row 'put, 1 client | ops/s | at least 2.5x | - | - | - | not measured'
row 'restart, a million keys | ms to the first answer | at most 1000 | - | - | - | not measured'
says out '^0 of 14 goals are reached, 14 not measured'
calls 0

goals 0
says out '^grassdb 9.9, commit .*, beside etcd 3.4.23, on 20..-..-..: [0-9]+ cores? \(.*data on '
row 'put, 1 client | ops/s | at least 2.5x | 2600 \(2590 to 2620\) | 1000 \(990 to 1020\) | 2.6 | yes'
row 'put, 1 client | p50 ms | at most 0.5 | 0.4 | 0.99 | 0.4 | yes'
row 'put, 64 clients | ops/s | at least 4x | 30000 \(.*\) | 10000 \(.*\) | 3 | no'
row 'put, 64 clients | p99 ms | at most 5 | 4.5 | 17 | 0.26 | yes'
row 'put, 64 clients | p99 ms | at most 0.25x | 4.5 | 17 | 0.26 | no'
row "put, 64 clients | servers' CPU us/op | at most 50 | 51 | 170 | 0.3 | no"
row 'txn, 64 clients | ops/s | - | 20000 .* | 4000 .* | 5 | -'
row 'stream, 4096 clients \(etcd: put, 256\) | ops/s | at least 150000 | 170000 .* | 17 | yes'
row 'single node: put, 1 client | ops/s | at least 1.6x | 3200 .* | 2000 .* | 1.6 | yes'
row 'memory when written, 1000000 keys of 256 bytes | bytes a key | at most 380 | 400 | - | - | no'
row 'memory after a restart, 1000000 keys of 256 bytes | bytes a key | at most 380 | 376 \(375 to 376\) | - | - | yes'
row 'restart, 1000000 keys of 256 bytes | ms to the first answer | at most 1000 | 1001 \(800 to 1200\) | - | - | no'
row 'kill -9 of the leader to the next put | ms | at most 500 | 411 \(308 to 501\) | - | - | yes'
row 'three Rafts in memory on one core, window 64 | entries/s | at least 2300000 | 4100000 | - | - | yes'
row 'three whole nodes in memory on one core, window 64 | puts/s | - | 700000 | - | - | -'
says out "^not reached: put, 64 clients: ops/s 3x of etcd's instead of at least 4x; where it goes: bash tests/bench/put_profile.sh --workload put --clients 64\$"
says out '^not reached: restart, 1000000 keys of 256 bytes: ms to the first answer 1001 instead of at most 1000$'
says out '^9 of 14 goals are reached, 0 not measured'
calls 14
called '^compare_etcd.sh .*--nodes 3 .*--data-dir .*/elsewhere/data/three-nodes '
called '^compare_etcd.sh .*--nodes 1 '
shows '.table | length == 16 and (map(select(.reached)) | length == 9)'
# Each row of a cluster says where its instructions go.
shows '[.table[] | select(.part == "three-nodes" or .part == "single-node") | .profile] | all(strings)'
shows 'any(.table[]; .profile == "bash tests/bench/put_profile.sh --nodes 1 --workload put --clients 1")'
# As many puts of a stream as callgrind is fast enough for.
shows '[.table[] | select(.what | startswith("stream, 4096")) | .profile] | unique ==
  ["bash tests/bench/put_profile.sh --workload stream --clients 256"]'
shows '.machine.cores > 0 and .grassdb == "grassdb 9.9" and .parts.failover.result.rounds[0].failover_ms == 411.4'

# What these programs have been through is not repeated, unless it is asked for.
goals 0
calls 0
says err 'restart is measured already; --anew repeats it'
says out '^9 of 14 goals are reached'
echo '{ "rounds": [ { "failover_ms": 600 } ] }' >"$work/answers/failover.json"
goals 0 --only failover
calls 1
row 'kill -9 of the leader to the next put | ms | at most 500 | 600 | - | - | no'
says out '^8 of 14 goals are reached'
goals 0 --anew
calls 14
echo '# another build' >>"$work/bin/grassdb"
goals 0
calls 14
cp "$work/elsewhere/data/result.json" "$work/whole.json"
goals 0 --short
calls 8
called '^restart.sh .* --data-dir .*/data/short/restart .* result .*/data/short/restart.json$'
jq -e '.parts | length == 5' "$work/elsewhere/data/short/result.json" >/dev/null || fail "no folder of short parts"
cmp -s "$work/whole.json" "$work/elsewhere/data/result.json" || fail "a short run writes over the whole one"
called '^compare_etcd.sh .*--runs 1 --duration 500ms --keep-disturbed'
called '^restart.sh --keys 20000 --runs 1'
says out 'failover: measured .*, short: its figures say little'
goals 0
calls 0
silent out 'short: its figures'

# What was measured beside other load is no measurement without; the other way round it is.
goals 0 --keep-disturbed
calls 0
goals 0 --keep-disturbed --anew
calls 14
head -n 1 "$work/out" | grep -q 'With other load on the machine: .*failover' || fail "other load is not said"
goals 0
calls 14
silent out 'With other load'

# So is a part that says of itself that the machine was busy: named above the table, and measured again.
jq '.other_load = { other_cores: 0.5, steal_percent: 0, disturbed: true }' "$work/answers/failover.json" >"$work/answers/busy"
mv "$work/answers/failover.json" "$work/answers/quiet"
mv "$work/answers/busy" "$work/answers/failover.json"
goals 0 --only failover
head -n 1 "$work/out" | grep -q 'With other load on the machine: failover' || fail "other load is not said"
says out '^failover: measured .*, with other load on the machine; the next call repeats it'
mv "$work/answers/quiet" "$work/answers/failover.json"
goals 0
called '^failover.sh '
silent out 'With other load'

# As Markdown there is nothing but the heading and the table.
goals 0 --show --markdown
calls 0
[ "$(head -n 1 "$work/out" | cut -d, -f1)" = "grassdb 9.9" ] || fail "no heading"
[ "$(sed -n 3,4p "$work/out")" = '| what | measured | goal | grassdb | etcd | ratio | reached |
|---|---|---|---|---|---|---|' ] || fail "no head of a table"
[ "$(tail -n +3 "$work/out" | grep -cv '^| .* |$')" -eq 1 ] || fail "something else than the table"

# The date, the commit and the program are those of the parts, whenever they are shown.
as_if() { # PART FILTER
  jq "$2" "$work/elsewhere/data/$1.json" >"$work/part.json"
  cp "$work/part.json" "$work/elsewhere/data/$1.json"
}
for part in three-nodes single-node restart failover replication; do
  as_if "$part" '.date = "2025-01-02T03:04:05Z" | .commit = "abc123" | .grassdb = "grassdb 8.1"'
done
goals 0 --show --markdown
head -n 1 "$work/out" | grep -q '^grassdb 8.1, commit abc123, beside etcd 3.4.23, on 2025-01-02: ' ||
  fail "the heading is of today: $(head -n 1 "$work/out")"
as_if restart '.date = "2025-01-05T03:04:05Z" | .commit = "def456"'
goals 0 --show
head -n 1 "$work/out" | grep -q ', commit abc123 and def456, .*, on 2025-01-02, 2025-01-05: ' ||
  fail "two commits, two days: $(head -n 1 "$work/out")"
goals 1 --show --markdown
says err '^goals.sh: --markdown: the parts are of several commits .abc123 and def456.; measure them at one: bash .* --anew$'
[ ! -s "$work/out" ] || fail "a table of several commits"
as_if restart '.commit = "abc123" | .whole = false'
goals 1 --show --markdown
says err "^goals.sh: --markdown: not measured as often as asked for: restart; measure it again: bash .* --only 'restart'"
as_if restart '.mode = "short"'
goals 1 --show --markdown
says err "^goals.sh: --markdown: measured with --short, which says little: restart; measure without it: bash .* --only 'restart'"
[ ! -s "$work/out" ] || fail "a table of short runs"
goals 2 --short --markdown
says err '^goals.sh: --markdown: the figures of --short say little: leave out one'

# A part that breaks: the others have their turn, and the next run makes up for it.
rm "$work/elsewhere/data/"*.json "$work/answers/restart.json"
echo 1 >"$work/answers/restart.code"
echo 1 >"$work/answers/compare_etcd-3.code"
goals 1
calls 14
says err '^goals.sh: not measured, or not as often as asked for: three-nodes restart '
tail -n 1 "$work/err" | grep -qE '^To repeat: cd .* && GRASSDB_BUILD_DIR=.* bash tests/bench/goals.sh --data-dir /' ||
  fail "the last line does not repeat it"
row 'restart, a million keys | ms to the first answer | at most 1000 | - | - | - | not measured'
row 'put, 1 client | p50 ms | at most 0.5 | 0.4 | 0.99 | 0.4 | yes'
says out '^three-nodes: measured .*, not whole'
rm "$work"/answers/*.code
echo '{ "keys": 7, "value_size": 256, "etcd": null, "grassdb": { "bytes_a_key_when_written": 380, "restarts": [ { "ready_ms": 3, "bytes_a_key": 4 } ] } }' \
  >"$work/answers/restart.json"
goals 0
calls 2
row 'memory when written, 7 keys of 256 bytes | bytes a key | at most 380 | 380 | - | - | yes'
row 'restart, 7 keys of 256 bytes | ms to the first answer | at most 1000 | 3 | - | - | yes'
silent out 'not whole'

# README's table has each goal of goals.json, and calls reached what its own figures say is; net/README.md names
# what stands in the way of each other case.
jq -nr -L "$repository/tests/bench" --slurpfile goals "$repository/tests/bench/goals.json" 'include "goals";
  { goals: $goals[0], parts: { restart: { result: { keys: 1000000, value_size: 256, grassdb: null, etcd: null } } } }
  | rows[] | select(.goal != null) | "| \(.what) | \(.quantity) | \(goal_text) |"' >"$work/goal_rows"
[ "$(wc -l <"$work/goal_rows")" -gt 20 ] || fail "no rows of goals.json"
while read -r line; do
  grep -qF -- "$line" "$repository/README.md" || fail "README.md has no row '$line'"
done <"$work/goal_rows"
grep -F -f "$work/goal_rows" "$repository/README.md" | awk -F' *[|] *' '
  { goal = $4; sub(/^at (least|most) /, "", goal)
    is = goal ~ /x$/ ? $7 : $5
    reached = (goal ~ /x$/ ? is + 0.005 : is) + 0
    if ($4 ~ /^at most/) reached = is + 0 <= goal + 0; else reached = reached >= goal + 0
    if ($8 != (reached ? "yes" : "no")) print $2 ", " $3 ": " is " and " $4 " is called " $8 }' >"$work/out"
[ ! -s "$work/out" ] || fail "README.md contradicts itself"
sed -n '/^## What stands in the way/,/^## Channel/p' "$repository/net/README.md" >"$work/reasons"
grep -F -f "$work/goal_rows" "$repository/README.md" | awk -F' *[|] *' '$8 == "no" { print $2 }' | sort -u |
  while read -r missed; do
    name=$missed
    [[ $name = memory* || $name = restart* ]] && name=${name%%,*}
    grep -qF -- "- **${name%% (*}**" "$work/reasons" || fail "net/README.md does not say what stands in the way of '$missed'"
  done
# And in a row of its table each ratio of throughput that is missed: what the goal needs and what it takes follow from
# README's figures, of the same run, and the parts add up to their own.
awk -F' *[|] *' '
  function within(a, b, share) { return a - b <= share * b && b - a <= share * b }
  # Seven parts and their sum, each rounded to a tenth.
  function adds_up(sum, all) { return sum - all <= 0.4 && all - sum <= 0.4 }
  # Other tables there have fewer columns.
  FNR == NR && NF < 14 { next }
  FNR == NR { needs[$2] = $3; takes[$2] = $4; whole[$2] = $5; parts[$2] = $6 + $7 + $8 + $9 + $10 + $11 + $12; next }
  $3 == "ops/s" && $4 ~ /x$/ && $8 == "no" {
    name = $2; sub(/ \(etcd.*/, "", name); goal = $4; gsub(/[^0-9.]/, "", goal); ++rows
    if (!within(needs[name], 2e6 / (goal * ($6 + 0)), 0.03)) print name ": the goal needs " needs[name] ", and not " 2e6 / (goal * ($6 + 0))
    if (!within(takes[name], 2e6 / ($5 + 0), 0.03)) print name ": it takes " takes[name] ", and not " 2e6 / ($5 + 0)
    if (!adds_up(parts[name], whole[name])) print name ": the parts are " parts[name] " of " whole[name] }
  END { if (!rows) print "no rows" }' <(grep '^| ' "$work/reasons") <(grep -F -f "$work/goal_rows" "$repository/README.md") >"$work/out"
[ ! -s "$work/out" ] || fail "net/README.md has figures of another run than README.md"
reached=$(grep -F -f "$work/goal_rows" "$repository/README.md" | grep -c '| yes |$')
grep -qF "$reached of $(wc -l <"$work/goal_rows") goals are reached" "$repository/README.md" ||
  fail "README.md says another number than $reached of $(wc -l <"$work/goal_rows")"
grep -qE '^Under load, measured on [0-9-]{10} at commit [0-9a-f]{12} ' "$repository/README.md" ||
  fail "README.md does not say when and at which commit the figures under load were measured"
for script in soak connections flood value_sizes; do
  grep -q "^| .bash tests/bench/$script.sh. |" "$repository/README.md" || fail "README.md has no row of $script.sh"
done

goals 2 --only nothing
says err "^goals.sh: --only 'nothing': expected one or several of three-nodes single-node restart failover replication "
goals 2 --show --anew
goals 2 --goals none.json
says err "^goals.sh: --goals 'none.json': no such file"
# refused_goals TEXT PROBLEM: a file of goals with that text.
refused_goals() {
  echo "$1" >"$work/elsewhere/goals.json"
  goals 2 --goals goals.json
  says err "^goals.sh: --goals 'goals.json': $2.*, as tests/bench/goals.json has them"
  calls 0
}
refused_goals '{ "3": { "put:1": { "p95_ms": 3 } } }' '3 put:1: unknown goal "p95_ms": expected ratio, ops, p50_ms, '
refused_goals '{ "1": { "put:1": { "p99_ms": "3" } } }' '1 put:1: p99_ms "3": expected a number above 0'
refused_goals '{ "restart": { "ready_ms": 0 } }' 'restart: ready_ms 0: expected a number above 0'
refused_goals '{ "failover": { "p99_ms": 3 } }' 'failover: unknown goal "p99_ms": expected median_ms'
refused_goals '{ "2": {} }' 'unknown part "2": expected 3, 1, restart, failover, replication'
refused_goals '{ "3": { "put": {} } }' '3: unknown case "put": expected WORKLOAD:CLIENTS'
refused_goals '{ "3": 4 }' '3: expected an object with cases'
refused_goals '[]' 'expected JSON with goals'
refused_goals 'text' 'expected JSON with goals'
goals 2 --out ''
says err "^goals.sh: --out '': expected a path"

# Whoever ends it ends the part.
touch "$work/answers/failover.hangs"
GRASSDB_BUILD_DIR=$work bash "$work/tests/bench/goals.sh" --only failover --data-dir "$work/elsewhere/data" \
  >"$work/out" 2>"$work/err" &
pid=$!
deadline=$((SECONDS + 60))
: >"$work/answers/calls"
until [ -s "$work/answers/calls" ]; do
  [ $SECONDS -lt $deadline ] || fail "the part is not called"
  sleep 0.1
done
part=
until [ -n "$part" ]; do
  read -ra children < <(cat "/proc/$pid"/task/*/children) || true
  for child in "${children[@]}"; do
    [ "$(tr '\0' ' ' <"/proc/$child/cmdline" 2>/dev/null)" != 'sleep 300 ' ] || part=$child
  done
  [ $SECONDS -lt $deadline ] || fail "the part does not run"
done
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
pid=
[ "$code" -eq 143 ] || fail "exit code $code after SIGTERM"
! kill -0 "$part" 2>/dev/null || fail "the part is left"
echo "ok"
