#include "net/window_updates.h"

#include <algorithm>
#include <cstring>

namespace grassdb::net {
namespace {

// RFC 9113, 4.1 and 6.9: length (3 bytes), type, flags, stream (4), increment (4).
constexpr std::size_t kFrameBytes = 13;
constexpr std::size_t kTypeAt = 3;
constexpr std::size_t kIncrementAt = 9;
constexpr std::uint8_t kWindowUpdate = 8;
constexpr std::size_t kFramesMax = 4;

}  // namespace

std::uint32_t CreditOf(const msghdr& packet) {
  std::array<std::uint8_t, kFrameBytes * kFramesMax> bytes;
  std::size_t size = 0;
  for (std::size_t i = 0; i < packet.msg_iovlen; ++i) {
    const iovec& piece = packet.msg_iov[i];
    if (piece.iov_len > bytes.size() - size) return 0;
    if (piece.iov_len > 0) std::memcpy(bytes.data() + size, piece.iov_base, piece.iov_len);
    size += piece.iov_len;
  }
  if (size % kFrameBytes != 0) return 0;
  std::uint32_t most = 0;
  for (std::size_t at = 0; at < size; at += kFrameBytes) {
    const std::uint8_t* const frame = bytes.data() + at;
    if (frame[kTypeAt] != kWindowUpdate) return 0;
    std::uint32_t increment = 0;
    for (std::size_t i = kIncrementAt; i < kFrameBytes; ++i) increment = increment << 8 | frame[i];
    most = std::max(most, increment);
  }
  return most;
}

ssize_t HeldCredit::Send(int fd, const msghdr* packet, int flags,
                         ssize_t (*send)(int fd, const msghdr* packet, int flags)) {
  if (fd < 0 || static_cast<std::size_t>(fd) >= kConnections) return send(fd, packet, flags);
  std::atomic<std::uint32_t>& held = held_[static_cast<std::size_t>(fd)];
  const std::uint32_t before = held.load(std::memory_order_relaxed);
  const std::uint32_t credit = CreditOf(*packet);
  const bool waits = credit > 0 && credit <= kMax - before;
  const ssize_t sent = send(fd, packet, waits ? flags | MSG_MORE : flags);
  // What is not sent comes once more. All that is held back leaves with what is not.
  if (sent > 0) held.store(waits ? before + credit : 0, std::memory_order_relaxed);
  if (sent > 0 && waits) packets_.fetch_add(1, std::memory_order_relaxed);
  return sent;
}

HeldCredit& HeldCreditOfProcess() {
  static constinit HeldCredit held;
  return held;
}

}  // namespace grassdb::net
