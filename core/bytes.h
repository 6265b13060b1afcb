// Bytes: an immutable, reference-counted run of bytes. One command is encoded into one of these and
// is then shared, never copied, by the log, the write-ahead log and the messages to every follower.
#ifndef GRASSDB_CORE_BYTES_H_
#define GRASSDB_CORE_BYTES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace grassdb {

// Copying costs one counter. Thread-safe in the way of std::shared_ptr: distinct Bytes may share
// their content across threads; one Bytes object may not be changed and read at once.
class Bytes {
 public:
  Bytes() = default;
  // Copies `content`.
  explicit Bytes(std::string_view content);

  // Makes `size` bytes and lets `fill(char*)` write all of them once, before anybody else can see
  // them.
  template <class Fill>
  static Bytes Build(std::size_t size, Fill fill) {
    Bytes result;
    if (size > 0) {
      result.block_ = Allocate(size);
      fill(result.block_->data());
    }
    return result;
  }

  Bytes(const Bytes& other) : block_(other.block_) { Retain(); }
  Bytes(Bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Bytes& operator=(const Bytes& other) {
    Bytes copy(other);
    std::swap(block_, copy.block_);
    return *this;
  }
  Bytes& operator=(Bytes&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Bytes() { Release(); }

  std::size_t size() const { return block_ == nullptr ? 0 : block_->size; }
  bool empty() const { return block_ == nullptr; }
  // Valid as long as some Bytes shares this content.
  std::string_view view() const {
    return block_ == nullptr ? std::string_view() : std::string_view(block_->data(), block_->size);
  }

  friend bool operator==(const Bytes& a, const Bytes& b) {
    return a.block_ == b.block_ || a.view() == b.view();
  }

 private:
  // The content follows the header in the same allocation.
  struct Block {
    std::atomic<std::uint32_t> references;
    std::size_t size;
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };

  static Block* Allocate(std::size_t size);
  static void Free(Block* block);

  void Retain() {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void Release() {
    if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      Free(block_);
    }
  }

  Block* block_ = nullptr;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_BYTES_H_
