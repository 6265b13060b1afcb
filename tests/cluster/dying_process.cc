// Loaded before the C library's, these count the calls that change names or make something durable,
// and end the process before the one whose number GRASSDB_TEST_DIES_AT says, as kill -9 would.
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace {

constexpr int kAsIfKilled = 137;

void Count() {
  static const char* const at = std::getenv("GRASSDB_TEST_DIES_AT");
  static long left = at == nullptr ? 0 : std::strtol(at, nullptr, 10);
  if (left > 0 && --left == 0) _exit(kAsIfKilled);
}

template <class Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int fdatasync(int fd) {
  static const auto next = Next<int (*)(int)>("fdatasync");
  Count();
  return next(fd);
}

int fsync(int fd) {
  static const auto next = Next<int (*)(int)>("fsync");
  Count();
  return next(fd);
}

int rename(const char* from, const char* to) noexcept {
  static const auto next = Next<int (*)(const char*, const char*)>("rename");
  Count();
  return next(from, to);
}

int renameat(int from_fd, const char* from, int to_fd, const char* to) noexcept {
  static const auto next = Next<int (*)(int, const char*, int, const char*)>("renameat");
  Count();
  return next(from_fd, from, to_fd, to);
}

int unlinkat(int fd, const char* name, int flags) noexcept {
  static const auto next = Next<int (*)(int, const char*, int)>("unlinkat");
  Count();
  return next(fd, name, flags);
}

int mkdir(const char* path, mode_t mode) noexcept {
  static const auto next = Next<int (*)(const char*, mode_t)>("mkdir");
  Count();
  return next(path, mode);
}
}
