#!/usr/bin/env bash
# What compare_etcd.sh does when it cannot do its work: it refuses in one line, and it leaves no
# process and no data behind when it is ended. An etcd that only sleeps stands in for the real one.
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
children() { ps -o pid= --ppid "$1" | tr -d ' '; }
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
echo "ok"
