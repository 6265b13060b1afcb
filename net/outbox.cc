#include "net/outbox.h"

#include <memory>
#include <string_view>

#include "core/check.h"

namespace grassdb::net {
namespace {

// Below this a copy is cheaper than an allocation of its own.
constexpr std::size_t kCopiedBytesMax = 1024;

// Hands the string over to gRPC without copying its content.
grpc::Slice SliceOf(std::string message) {
  if (message.size() <= kCopiedBytesMax) return grpc::Slice(message.data(), message.size());
  auto owned = std::make_unique<std::string>(std::move(message));
  std::string* raw = owned.release();
  return grpc::Slice(
      raw->data(), raw->size(), [](void* data) { delete static_cast<std::string*>(data); }, raw);
}

}  // namespace

bool Outbox::Push(std::string message) {
  if (queue_.size() >= limits_.messages_max || bytes_ + message.size() > limits_.bytes_max) {
    return false;
  }
  bytes_ += message.size();
  queue_.push_back(std::move(message));
  return true;
}

grpc::ByteBuffer Outbox::Pop() {
  GRASS_CHECK(!queue_.empty());
  bytes_ -= queue_.front().size();
  const grpc::Slice slice = SliceOf(std::move(queue_.front()));
  queue_.pop_front();
  return grpc::ByteBuffer(&slice, 1);
}

void Outbox::Clear() {
  queue_.clear();
  bytes_ = 0;
}

std::string_view ViewOf(const grpc::ByteBuffer& buffer, grpc::Slice* storage) {
  if (!buffer.TrySingleSlice(storage).ok() && !buffer.DumpToSingleSlice(storage).ok()) return {};
  return {reinterpret_cast<const char*>(storage->begin()), storage->size()};
}

}  // namespace grassdb::net
