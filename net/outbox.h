// Outbox: the messages that wait to be written to one stream.
#ifndef GRASSDB_NET_OUTBOX_H_
#define GRASSDB_NET_OUTBOX_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <deque>
#include <string>
#include <utility>

namespace grassdb::net {

// Bounded: a receiver that does not keep up makes it lose messages, not memory. The newest one is
// dropped, so that what is sent stays in the order of the log; Raft sends the rest again.
class Outbox {
 public:
  struct Limits {
    std::size_t messages_max = 256;
    std::size_t bytes_max = std::size_t{16} << 20;
  };

  Outbox() : Outbox(Limits()) {}
  explicit Outbox(const Limits& limits) : limits_(limits) {}

  // False if the message was dropped.
  bool Push(std::string message);
  // The next one to write. Not empty.
  grpc::ByteBuffer Pop();
  bool empty() const { return queue_.empty(); }
  std::size_t size() const { return queue_.size(); }
  std::size_t bytes() const { return bytes_; }
  void Clear();

 private:
  Limits limits_;
  std::deque<std::string> queue_;
  std::size_t bytes_ = 0;
};

// The content of a received message; `storage` holds it if it had to be put together.
std::string_view ViewOf(const grpc::ByteBuffer& buffer, grpc::Slice* storage);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_OUTBOX_H_
