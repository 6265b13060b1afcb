#!/usr/bin/env bash
# Shows that purity.sh finds what it is there for: one line of impure code a time, compiled into a
# library of its own, must be found by name; pure code must not.
#
#   purity_selftest.sh COMPILER
set -u
compiler=${1:?usage: purity_selftest.sh COMPILER}
purity=$(dirname "$0")/purity.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# library HEADERS STATEMENT: compiles a function with this statement.
library() {
  rm -f "$work"/*
  {
    for header in $1; do echo "#include <$header>"; done
    echo "void Planted() { $2 }"
  } >"$work/planted.cc"
  "$compiler" -std=c++20 -O1 -c "$work/planted.cc" -o "$work/planted.o" &&
    ar rc "$work/planted.a" "$work/planted.o" || exit 2
}

found() {
  library "$2" "$3"
  local output
  if output=$("$purity" "$work/planted.a") || [[ $output != *"$1"* ]]; then
    echo "not found: $1 of: $3"
    failures=$((failures + 1))
  fi
  "$purity" --impure "$work/planted.a" >/dev/null || failures=$((failures + 1))
}

pure() {
  library "$1" "$2"
  if ! "$purity" "$work/planted.a" || "$purity" --impure "$work/planted.a" >/dev/null; then
    echo "found in pure code: $2"
    failures=$((failures + 1))
  fi
}

found Now absl/time/clock.h 'static auto t = absl::Now(); (void)t;'
found SleepFor absl/time/clock.h 'absl::SleepFor(absl::Seconds(1));'
found Mutex absl/synchronization/mutex.h 'static absl::Mutex m; m.Lock();'
found FormatTime absl/time/time.h 'static auto t = absl::FormatTime(absl::UnixEpoch()); (void)t;'
found MixingHashState absl/container/flat_hash_map.h \
  'static absl::flat_hash_map<int, int> m; m[1] = 2;'
found clock time.h 'static volatile auto t = clock(); (void)t;'
found time time.h 'static volatile auto t = time(nullptr); (void)t;'
found steady_clock chrono 'static volatile auto t = std::chrono::steady_clock::now(); (void)t;'
found fwrite stdio.h 'fwrite("x", 1, 1, stdout);'
found printf stdio.h 'printf("%d", 1);'
found fprintf stdio.h 'fprintf(stderr, "%d", 1);'
found cout iostream 'std::cout << 1;'
found getenv stdlib.h 'static const char* volatile e = getenv("x"); (void)e;'
found random_device random 'static volatile auto r = std::random_device()(); (void)r;'
found pthread_mutex_lock mutex 'static std::mutex m; m.lock();'
found write unistd.h 'static volatile auto n = write(1, "x", 1); (void)n;'

pure 'absl/status/statusor.h' 'static absl::StatusOr<int> s = absl::DataLossError("x");
  static volatile bool b = absl::IsNotFound(s.status()); (void)b; (void)s.value();'
pure 'absl/container/btree_map.h' 'static absl::btree_map<int, int> m; m[1] = 2;'
pure 'map string' 'static std::map<int, std::string> m; m[1] = std::to_string(2);'
[ "$failures" -eq 0 ]
