// Every sendmsg of gRPC, where it is linked from its archives (--wrap, net/CMakeLists.txt).
#include <sys/socket.h>

#include "net/window_updates.h"

extern "C" {

ssize_t __real_sendmsg(int fd, const msghdr* packet, int flags);  // NOLINT: the linker's name

ssize_t __wrap_sendmsg(int fd, const msghdr* packet, int flags) {  // NOLINT: the linker's name
  return grassdb::net::HeldCreditOfProcess().Send(fd, packet, flags, &__real_sendmsg);
}
}
