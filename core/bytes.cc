#include "core/bytes.h"

#include <cstring>
#include <new>

namespace grassdb {

Bytes::Bytes(std::string_view content) {
  if (content.empty()) return;
  block_ = Allocate(content.size());
  std::memcpy(block_->data(), content.data(), content.size());
}

Bytes::Block* Bytes::Allocate(std::size_t size) {
  void* memory = ::operator new(sizeof(Block) + size);
  return new (memory) Block{1, size};
}

void Bytes::Free(Block* block) {
  block->~Block();
  ::operator delete(block);
}

}  // namespace grassdb
