#!/usr/bin/env bash
# Fails if a static library names a clock, thread, file, socket, environment or random-device symbol.
#
#   purity.sh LIBRARY           must name none
#   purity.sh --impure LIBRARY  must name at least one: shows that the check can fail
set -u
want=pure
if [ "${1:-}" = --impure ]; then
  want=impure
  shift
fi
library=${1:?usage: purity.sh [--impure] LIBRARY}
symbols=$(nm -C --undefined-only "$library") || exit 2
forbidden='\b(clock_gettime|gettimeofday|clock_nanosleep|nanosleep|usleep|time|localtime|gmtime'
forbidden+='|std::chrono::_V2::(system|steady)_clock::now|std::chrono::(system|steady)_clock::now'
forbidden+='|pthread_create|std::thread|std::this_thread|std::mutex|pthread_mutex_lock'
forbidden+='|std::condition_variable|open|open64|openat|openat64|creat|fopen|fopen64|read|pread|pread64'
forbidden+='|write|pwrite|pwrite64|pwritev|fsync|fdatasync|rename|unlink|stat|socket|connect|bind|listen'
forbidden+='|accept|send|recv|sendmsg|recvmsg|getenv|secure_getenv|setenv|std::random_device'
forbidden+='|getrandom|getentropy|rand|srand|random|std::basic_[io]?fstream|std::filesystem)\b'
found=$(printf '%s\n' "$symbols" | sed -n 's/^ *[Uw] //p' | grep -vE '^(grassdb::|absl::)' |
  grep -E "^$forbidden" | sort -u)
if [ "$want" = impure ]; then
  [ -n "$found" ] && exit 0
  echo "$library names no clock, thread, file or socket: the purity check cannot fail"
  exit 1
fi
if [ -n "$found" ]; then
  echo "$library must be pure, but it names:"
  printf '  %s\n' "$found"
  exit 1
fi
