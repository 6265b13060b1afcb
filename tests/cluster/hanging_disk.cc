// Loaded before the C library's, this fdatasync does not return while the file that
// GRASSDB_TEST_HANG names is there: a disk that hangs. While one of that name with ".fail" behind
// it is there, it fails, as a disk does that has lost what was written.
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

extern "C" int fdatasync(int fd) {
  using Function = int (*)(int);
  static const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "fdatasync"));
  static const char* const file = std::getenv("GRASSDB_TEST_HANG");
  if (file == nullptr) return next(fd);
  while (access(file, F_OK) == 0) usleep(10000);
  static const std::string fails = std::string(file) + ".fail";
  if (access(fails.c_str(), F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  return next(fd);
}
