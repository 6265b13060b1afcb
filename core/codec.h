// A small explicit little-endian codec for everything whose bytes must be canonical: log payloads,
// state snapshots, hashes. (Protobuf's bytes are not canonical; it is for the wire only.)
//
// Layout: fixed-width little-endian integers; byte strings as a u32 length and the bytes.
#ifndef GRASSDB_CORE_CODEC_H_
#define GRASSDB_CORE_CODEC_H_

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/check.h"

namespace grassdb {

static_assert(std::endian::native == std::endian::little, "the codec copies integers as they are");

// Appends to a string that the caller owns.
class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  template <std::unsigned_integral T>
  void Put(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    out_.append(bytes, sizeof(T));
  }
  template <class Id>
  requires requires(Id id) { id.value(); }
  void Put(Id id) { Put(id.value()); }
  void PutString(std::string_view text) {
    GRASS_CHECK_LE(text.size(), std::size_t{UINT32_MAX});
    Put(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }

 private:
  std::string& out_;
};

// Reads what Encoder wrote. After the first field that does not fit, ok() is false for good and
// every read gives zero or empty: check ok() once at the end. Never reads outside `in`, never
// allocates.
class Decoder {
 public:
  explicit Decoder(std::string_view in) : rest_(in) {}

  template <std::unsigned_integral T>
  T Take() {
    T value{};
    if (rest_.size() < sizeof(T)) {
      Fail();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  template <class Id>
  requires requires(Id id) { id.value(); }
  Id Take() { return Id(Take<std::uint64_t>()); }
  // The view points into the input.
  std::string_view TakeString() {
    const auto size = Take<std::uint32_t>();
    if (rest_.size() < size) {
      Fail();
      return {};
    }
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }

  bool ok() const { return ok_; }
  // True when all went well and nothing is left: a decoder that ignores a tail hides corruption.
  bool done() const { return ok_ && rest_.empty(); }
  std::size_t remaining() const { return rest_.size(); }

 private:
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_CODEC_H_
