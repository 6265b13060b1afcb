#include "store/compression.h"

#include <zstd.h>

#include "core/check.h"

namespace grassdb::store {
namespace {

// The fastest of the regular levels: the disk thread that compresses has the log to write as well.
constexpr int kLevel = 1;

// A block that does not lose at least one byte in eight is left as it is.
constexpr std::size_t WorthBelow(std::size_t bytes) {
  return bytes - bytes / 8;
}

}  // namespace

Compressor::Compressor() : context_(ZSTD_createCCtx()) {
  GRASS_CHECK(context_ != nullptr);
}

Compressor::~Compressor() {
  ZSTD_freeCCtx(context_);
}

std::string_view Compressor::Compress(std::string_view bytes) {
  // With no more room than a result that is worth it needs, zstd gives up as soon as it is none.
  out_.resize(WorthBelow(bytes.size()));
  const std::size_t size =
      ZSTD_compressCCtx(context_, out_.data(), out_.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(size) != 0 || size >= bytes.size()) return {};
  return std::string_view(out_).substr(0, size);
}

Decompressor::Decompressor() : context_(ZSTD_createDCtx()) {
  GRASS_CHECK(context_ != nullptr);
}

Decompressor::~Decompressor() {
  ZSTD_freeDCtx(context_);
}

bool Decompressor::Decompress(std::string_view bytes, std::size_t size, std::string* out) {
  out->resize(size);
  return ZSTD_decompressDCtx(context_, out->data(), size, bytes.data(), bytes.size()) == size;
}

}  // namespace grassdb::store
