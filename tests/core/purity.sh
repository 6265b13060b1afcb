#!/usr/bin/env bash
# Fails if a static library names what pure code has no use for: clocks, threads, locks, files,
# sockets, the environment, random devices, output, and of abseil anything but its errors. (abseil's
# B-trees are all header and name nothing; its hash tables order their elements at random.)
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

# Debian's abseil has a namespace with its version in between: absl::debian3::Status.
allowed='absl::([a-z0-9_]+::)?((Status|StatusOr|BadStatusOrAccess|status_internal|internal_statusor)\b'
allowed+='|OkStatus\(|Is[A-Za-z]+\(absl::([a-z0-9_]+::)?Status const&\)|[A-Za-z]+Error\('
allowed+='|operator<<\(|raw_logging_internal::|base_internal::ThrowStd)'

forbidden='(clock|clock_gettime|clock_getres|clock_nanosleep|gettimeofday|nanosleep|usleep|sleep|time'
forbidden+='|times|ftime|localtime|localtime_r|gmtime|gmtime_r|mktime|timer_create|setitimer|alarm'
forbidden+='|std::chrono::(_V2::)?(system|steady|high_resolution)_clock::now'
forbidden+='|pthread_create|pthread_(mutex|rwlock|cond)_[a-z]+|sem_[a-z]+|fork|vfork|system'
forbidden+='|std::thread|std::jthread|std::this_thread|std::mutex|std::condition_variable'
forbidden+='|open|open64|openat|openat64|creat|fopen|fopen64|fdopen|freopen|fclose|fread|fgets|getline'
forbidden+='|read|readv|pread|pread64|mmap|mmap64|write|writev|pwrite|pwrite64|pwritev|fsync|fdatasync'
forbidden+='|sync|rename|renameat|unlink|remove|mkdir|opendir|stat|fstat|lstat|ioctl|poll|select'
forbidden+='|socket|connect|bind|listen|accept|accept4|send|sendto|recv|recvfrom|sendmsg|recvmsg'
forbidden+='|getaddrinfo|gethostname|uname|getpid|gettid|syscall|getenv|secure_getenv|setenv|putenv'
forbidden+='|std::random_device|getrandom|getentropy|rand|rand_r|srand|random|srandom|drand48|lrand48'
forbidden+='|std::basic_[io]?fstream|std::basic_filebuf|std::filesystem'
forbidden+='|v?[fd]?w?printf|__v?[fd]?w?printf_chk|putw?char|f?put[cs]|_IO_putc|fwrite|fflush|perror'
forbidden+='|syslog|std::w?(cout|cerr|clog|cin)|std::__ostream_insert|stdin|stdout|stderr|absl::.*|AbslInternal.*)'

# nm's lines, each with its member in front: "check.cc.o fprintf". A failed check says so on stderr
# before it ends the process, and that is the only output there is.
found=$(printf '%s\n' "$symbols" |
  awk '/:$/ { member = substr($0, 1, length($0) - 1); next }
    $1 ~ /^[UwWvV]$/ { sub(/^ *[UwWvV] /, ""); sub(/@.*/, ""); print member " " $0 }' |
  grep -E "^[^ ]+ $forbidden([^A-Za-z0-9_]|\$)" | grep -vE "^[^ ]+ $allowed" |
  grep -vE '^check\.cc\.o (fprintf|__fprintf_chk|stderr)$' | sort -u)
if [ "$want" = impure ]; then
  [ -n "$found" ] && exit 0
  echo "$library names nothing that is forbidden: the purity check cannot fail"
  exit 1
fi
if [ -n "$found" ]; then
  echo "$library must be pure, but it names:"
  printf '  %s\n' "$found"
  exit 1
fi
