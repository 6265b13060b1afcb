// Loaded before the C library's, this fdatasync does not return while the file that
// GRASSDB_TEST_HANG names is there: a disk that hangs.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

extern "C" int fdatasync(int fd) {
  using Function = int (*)(int);
  static const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "fdatasync"));
  static const char* const file = std::getenv("GRASSDB_TEST_HANG");
  while (file != nullptr && access(file, F_OK) == 0) usleep(10000);
  return next(fd);
}
