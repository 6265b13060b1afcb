// A key, its value and the revisions of both, in one block of memory: the bytes stand behind the
// numbers. A state of small keys is little else than such blocks.
#ifndef GRASSDB_CORE_KEY_VALUE_H_
#define GRASSDB_CORE_KEY_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "core/types.h"

namespace grassdb {

struct KeyRevisions {
  Revision create_revision;
  Revision mod_revision;
  std::uint64_t version = 0;  // number of puts since the key was created

  friend bool operator==(const KeyRevisions&, const KeyRevisions&) = default;
};

// Only a KeyValuePtr makes one, and stays its owner.
class KeyValue : public KeyRevisions {
 public:
  // Far more than a client may give a key or a value (core/limits.h).
  static constexpr std::size_t kKeySizeMax = (std::size_t{1} << 24) - 1;
  static constexpr std::size_t kValueSizeMax = (std::size_t{1} << 32) - 1;

  KeyValue(const KeyValue&) = delete;
  KeyValue& operator=(const KeyValue&) = delete;

  // Valid until the value is overwritten or the block freed.
  std::string_view key() const { return {bytes(), key_size_}; }
  std::string_view value() const { return {bytes() + key_size_, value_size_}; }

  // Gives the key another value in the same block. False, and nothing is changed, if that is too
  // small for it, or twice as large as one for it would be: what a state takes is about what it
  // holds, not what it has held. `value` is no part of this block.
  bool Overwrite(std::string_view value, const KeyRevisions& revisions);

  // Not the sized one: the block is larger than this class.
  static void operator delete(void* block) { ::operator delete(block); }

 private:
  friend class KeyValuePtr;

  KeyValue(std::string_view key, std::string_view value, const KeyRevisions& revisions);

  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  char* bytes() { return reinterpret_cast<char*>(this + 1); }

  std::uint64_t key_size_ : 24;
  std::uint64_t spare_steps_ : 8;  // by which the block is larger than what it holds needs
  std::uint64_t value_size_ : 32;
};

// Owns a KeyValue, or nothing. A copy owns a copy.
class KeyValuePtr {
 public:
  KeyValuePtr() = default;
  KeyValuePtr(std::string_view key, std::string_view value, const KeyRevisions& revisions);
  explicit KeyValuePtr(const KeyValue& original)
      : KeyValuePtr(original.key(), original.value(), original) {}
  KeyValuePtr(const KeyValuePtr& other) {
    if (other) *this = KeyValuePtr(*other);
  }
  KeyValuePtr(KeyValuePtr&&) noexcept = default;
  KeyValuePtr& operator=(const KeyValuePtr& other) { return *this = KeyValuePtr(other); }
  KeyValuePtr& operator=(KeyValuePtr&&) noexcept = default;
  ~KeyValuePtr() = default;

  explicit operator bool() const { return block_ != nullptr; }
  KeyValue* get() const { return block_.get(); }
  const KeyValue& operator*() const { return *block_; }
  const KeyValue* operator->() const { return block_.get(); }

 private:
  std::unique_ptr<KeyValue> block_;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_KEY_VALUE_H_
