// zstd, one block at a time, each of which can be read on its own.
#ifndef GRASSDB_STORE_COMPRESSION_H_
#define GRASSDB_STORE_COMPRESSION_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace grassdb::store {

// Keeps its tables from block to block.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // `bytes` compressed, valid until the next call; empty if that saves too little to be worth the
  // reader's time.
  std::string_view Compress(std::string_view bytes);

 private:
  ZSTD_CCtx_s* context_;
  std::string out_;
};

class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // False unless `bytes` are what Compress made of exactly `size` bytes, which are in `out` then.
  // Needs no more memory than that, whatever `bytes` are.
  bool Decompress(std::string_view bytes, std::size_t size, std::string* out);

 private:
  ZSTD_DCtx_s* context_;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_COMPRESSION_H_
