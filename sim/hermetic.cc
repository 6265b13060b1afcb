#include "sim/hermetic.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GRASSDB_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define GRASSDB_SANITIZED 1
#endif
#endif

#ifdef GRASSDB_SANITIZED

namespace grassdb::sim {
Hermetic::Hermetic() = default;
Hermetic::~Hermetic() = default;
bool Hermetic::IsEnforced() {
  return false;
}
}  // namespace grassdb::sim

#else

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <threads.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>

namespace {

// How many Hermetic there are. One thread: no other may exist meanwhile.
int hermetic_depth = 0;

void Say(const char* text) {
  // Not stdio: whoever calls may hold its lock.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
}

void Refuse(const char* function) {
  if (hermetic_depth == 0) return;
  Say("the simulation called ");
  Say(function);
  Say("(): simulated code must get time, randomness and settings from what it is handed\n");
  std::abort();
}

// The function of this name that the program would have called.
template <class Function>
Function* Real(const char* name) {
  void* const found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) {
    Say(name);
    Say(": not in the C library\n");
    std::abort();
  }
  return reinterpret_cast<Function*>(found);
}

}  // namespace

namespace grassdb::sim {

Hermetic::Hermetic() {
  ++hermetic_depth;
}
Hermetic::~Hermetic() {
  --hermetic_depth;
}
bool Hermetic::IsEnforced() {
  return true;
}

}  // namespace grassdb::sim

// The interposed functions. Signatures and exception specifications are those of glibc.
extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  Refuse("clock_gettime");
  static auto* const real = Real<int(clockid_t, timespec*)>("clock_gettime");
  return real(clock, time);
}

int gettimeofday(timeval* __restrict time, void* __restrict zone) noexcept {
  Refuse("gettimeofday");
  static auto* const real = Real<int(timeval*, void*)>("gettimeofday");
  return real(time, zone);
}

time_t time(time_t* result) noexcept {
  Refuse("time");
  static auto* const real = Real<time_t(time_t*)>("time");
  return real(result);
}

int nanosleep(const timespec* wanted, timespec* left) {
  Refuse("nanosleep");
  static auto* const real = Real<int(const timespec*, timespec*)>("nanosleep");
  return real(wanted, left);
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* wanted, timespec* left) {
  Refuse("clock_nanosleep");
  static auto* const real =
      Real<int(clockid_t, int, const timespec*, timespec*)>("clock_nanosleep");
  return real(clock, flags, wanted, left);
}

ssize_t getrandom(void* buffer, size_t length, unsigned flags) {
  Refuse("getrandom");
  static auto* const real = Real<ssize_t(void*, size_t, unsigned)>("getrandom");
  return real(buffer, length, flags);
}

int getentropy(void* buffer, size_t length) {
  Refuse("getentropy");
  static auto* const real = Real<int(void*, size_t)>("getentropy");
  return real(buffer, length);
}

int rand() noexcept {
  Refuse("rand");
  static auto* const real = Real<int()>("rand");
  return real();
}

long random() noexcept {
  Refuse("random");
  static auto* const real = Real<long()>("random");
  return real();
}

char* getenv(const char* name) noexcept {
  Refuse("getenv");
  static auto* const real = Real<char*(const char*)>("getenv");
  return real(name);
}

char* secure_getenv(const char* name) noexcept {
  Refuse("secure_getenv");
  static auto* const real = Real<char*(const char*)>("secure_getenv");
  return real(name);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  Refuse("pthread_create");
  static auto* const real =
      Real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  return real(thread, attributes, start, argument);
}

int thrd_create(thrd_t* thread, thrd_start_t start, void* argument) {
  Refuse("thrd_create");
  static auto* const real = Real<int(thrd_t*, thrd_start_t, void*)>("thrd_create");
  return real(thread, start, argument);
}

pid_t fork() noexcept {
  Refuse("fork");
  static auto* const real = Real<pid_t()>("fork");
  return real();
}

int posix_spawn(pid_t* process, const char* path, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, char* const arguments[],
                char* const environment[]) {
  Refuse("posix_spawn");
  static auto* const real = Real<decltype(posix_spawn)>("posix_spawn");
  return real(process, path, actions, attributes, arguments, environment);
}

int posix_spawnp(pid_t* process, const char* file, const posix_spawn_file_actions_t* actions,
                 const posix_spawnattr_t* attributes, char* const arguments[],
                 char* const environment[]) {
  Refuse("posix_spawnp");
  static auto* const real = Real<decltype(posix_spawnp)>("posix_spawnp");
  return real(process, file, actions, attributes, arguments, environment);
}

int system(const char* command) {
  Refuse("system");
  static auto* const real = Real<int(const char*)>("system");
  return real(command);
}

FILE* popen(const char* command, const char* type) {
  Refuse("popen");
  static auto* const real = Real<FILE*(const char*, const char*)>("popen");
  return real(command, type);
}

// What differs from process to process and from machine to machine.
pid_t getpid() noexcept {
  Refuse("getpid");
  static auto* const real = Real<pid_t()>("getpid");
  return real();
}

int gethostname(char* name, size_t size) noexcept {
  Refuse("gethostname");
  static auto* const real = Real<int(char*, size_t)>("gethostname");
  return real(name, size);
}

int getrusage(__rusage_who_t who, struct rusage* usage) noexcept {
  Refuse("getrusage");
  static auto* const real = Real<int(__rusage_who_t, struct rusage*)>("getrusage");
  return real(who, usage);
}

clock_t times(struct tms* buffer) noexcept {
  Refuse("times");
  static auto* const real = Real<clock_t(struct tms*)>("times");
  return real(buffer);
}

int statvfs(const char* path, struct statvfs* result) noexcept {
  Refuse("statvfs");
  static auto* const real = Real<int(const char*, struct statvfs*)>("statvfs");
  return real(path, result);
}

DIR* opendir(const char* path) {
  Refuse("opendir");
  static auto* const real = Real<DIR*(const char*)>("opendir");
  return real(path);
}

unsigned sleep(unsigned seconds) {
  Refuse("sleep");
  static auto* const real = Real<unsigned(unsigned)>("sleep");
  return real(seconds);
}

int usleep(useconds_t microseconds) {
  Refuse("usleep");
  static auto* const real = Real<int(useconds_t)>("usleep");
  return real(microseconds);
}

int timespec_get(timespec* time, int base) noexcept {
  Refuse("timespec_get");
  static auto* const real = Real<int(timespec*, int)>("timespec_get");
  return real(time, base);
}

clock_t clock() noexcept {
  Refuse("clock");
  static auto* const real = Real<clock_t()>("clock");
  return real();
}

double drand48() noexcept {
  Refuse("drand48");
  static auto* const real = Real<double()>("drand48");
  return real();
}

long lrand48() noexcept {
  Refuse("lrand48");
  static auto* const real = Real<long()>("lrand48");
  return real();
}

long mrand48() noexcept {
  Refuse("mrand48");
  static auto* const real = Real<long()>("mrand48");
  return real();
}

int uname(utsname* name) noexcept {
  Refuse("uname");
  static auto* const real = Real<int(utsname*)>("uname");
  return real(name);
}

int sysinfo(struct sysinfo* machine) noexcept {
  Refuse("sysinfo");
  static auto* const real = Real<int(struct sysinfo*)>("sysinfo");
  return real(machine);
}

#if __GLIBC_PREREQ(2, 36)
std::uint32_t arc4random() noexcept {
  Refuse("arc4random");
  static auto* const real = Real<std::uint32_t()>("arc4random");
  return real();
}

void arc4random_buf(void* buffer, size_t length) noexcept {
  Refuse("arc4random_buf");
  static auto* const real = Real<void(void*, size_t)>("arc4random_buf");
  return real(buffer, length);
}

std::uint32_t arc4random_uniform(std::uint32_t bound) noexcept {
  Refuse("arc4random_uniform");
  static auto* const real = Real<std::uint32_t(std::uint32_t)>("arc4random_uniform");
  return real(bound);
}
#endif

// The mode is there only with O_CREAT or O_TMPFILE, and harmless to pass on without.
int open(const char* path, int flags, ...) {
  Refuse("open");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  static auto* const real = Real<int(const char*, int, ...)>("open");
  return real(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  Refuse("open64");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  static auto* const real = Real<int(const char*, int, ...)>("open64");
  return real(path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
  Refuse("openat");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  static auto* const real = Real<int(int, const char*, int, ...)>("openat");
  return real(directory, path, flags, mode);
}

FILE* fopen(const char* path, const char* mode) {
  Refuse("fopen");
  static auto* const real = Real<FILE*(const char*, const char*)>("fopen");
  return real(path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  Refuse("fopen64");
  static auto* const real = Real<FILE*(const char*, const char*)>("fopen64");
  return real(path, mode);
}

int socket(int domain, int type, int protocol) noexcept {
  Refuse("socket");
  static auto* const real = Real<int(int, int, int)>("socket");
  return real(domain, type, protocol);
}

}  // extern "C"

#ifdef __GLIBCXX__
// It asks the processor, which no function of the C library sees.
std::random_device::result_type std::random_device::_M_getval() {
  Refuse("std::random_device");
  std::random_device::result_type value = 0;
  if (getentropy(&value, sizeof value) != 0) std::abort();
  return value;
}
#endif

#endif  // GRASSDB_SANITIZED
