// Keeps gRPC's flow control from waking peers for nothing.
//
// gRPC acknowledges every message of a stream whose reader waits with WINDOW_UPDATE frames in a
// packet of their own, however large the window is (net/README.md). Between peers that is half of
// all packets, and each wakes the receiver for credit that nobody is short of. So a packet of
// nothing but a little credit is given to the kernel with MSG_MORE: it leaves together with the
// next one on its connection, an append or its answer, or by the kernel's timer (200 ms).
//
// No data waits, and nobody waits for credit: what is held back of a window is bounded, and far
// below what is left of it.
#ifndef GRASSDB_NET_WINDOW_UPDATES_H_
#define GRASSDB_NET_WINDOW_UPDATES_H_

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace grassdb::net {

// How much credit a packet of HTTP/2 gives if it consists of WINDOW_UPDATE frames: the most of any
// of them, which are of different windows. 0: it has something else.
std::uint32_t CreditOf(const msghdr& packet);

// What is held back on each connection. The sends of one connection are not concurrent.
class HeldCredit {
 public:
  // A quarter of HTTP/2's initial window, which is the smallest that a node announces.
  static constexpr std::uint32_t kMax = 16 * 1024;

  // Sends the packet by `send`, which is sendmsg(2) or as that: with MSG_MORE if it may wait.
  ssize_t Send(int fd, const msghdr* packet, int flags,
               ssize_t (*send)(int fd, const msghdr* packet, int flags));
  // How many packets have been held back.
  std::uint64_t packets() const { return packets_.load(std::memory_order_relaxed); }

 private:
  // Of connections with larger numbers nothing is held back.
  static constexpr std::size_t kConnections = 4096;

  std::array<std::atomic<std::uint32_t>, kConnections> held_{};
  std::atomic<std::uint64_t> packets_ = 0;
};

// Of this process: of all packets of gRPC, where that is linked from its archives.
HeldCredit& HeldCreditOfProcess();

}  // namespace grassdb::net

#endif  // GRASSDB_NET_WINDOW_UPDATES_H_
