#include "core/key_value.h"

#include <cstring>

#include "core/check.h"

namespace grassdb {
namespace {

// Sizes of blocks: what an allocator that takes 8 bytes of its own and hands out steps of 16 would
// make of them anyway.
constexpr std::size_t kStep = 16;
constexpr std::size_t kSpareStepsMax = 255;

std::size_t SizeFor(std::size_t key_size, std::size_t value_size) {
  const std::size_t taken = 8 + sizeof(KeyValue) + key_size + value_size;
  return (taken + kStep - 1) / kStep * kStep - 8;
}

void Copy(std::string_view from, char* to) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace

KeyValue::KeyValue(std::string_view key, std::string_view value, const KeyRevisions& revisions)
    : KeyRevisions(revisions),
      key_size_(key.size() & kKeySizeMax),
      spare_steps_(0),
      value_size_(value.size() & kValueSizeMax) {
  GRASS_CHECK_LE(key.size(), kKeySizeMax);
  GRASS_CHECK_LE(value.size(), kValueSizeMax);
  Copy(key, bytes());
  Copy(value, bytes() + key.size());
}

bool KeyValue::Overwrite(std::string_view value, const KeyRevisions& revisions) {
  const std::size_t size = SizeFor(key_size_, value_size_) + spare_steps_ * kStep;
  const std::size_t needed = SizeFor(key_size_, value.size());
  if (needed > size || needed < size / 2 || size - needed > kSpareStepsMax * kStep) return false;
  static_cast<KeyRevisions&>(*this) = revisions;
  spare_steps_ = (size - needed) / kStep & kSpareStepsMax;
  value_size_ = value.size() & kValueSizeMax;
  Copy(value, bytes() + key_size_);
  return true;
}

KeyValuePtr::KeyValuePtr(std::string_view key, std::string_view value,
                         const KeyRevisions& revisions)
    : block_(new (::operator new(SizeFor(key.size(), value.size())))
                 KeyValue(key, value, revisions)) {}

}  // namespace grassdb
