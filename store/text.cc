#include "store/text.h"

namespace grassdb::store {

absl::Status Annotate(const absl::Status& status, const std::string& context) {
  return absl::Status(
      status.code(),
      context + ": " + std::string(status.message().data(), status.message().size()));
}

absl::Status Final(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? absl::InternalError(status.message()) : status;
}

absl::Status Damaged(const std::string& path, std::string_view name, std::uint64_t offset,
                     const std::string& problem) {
  return absl::DataLossError(
      std::string(name) + " at offset " + std::to_string(offset) + " in " + path + ": " + problem +
      ". Nothing was changed. Way out: restore this node's files from a copy of the whole set, or "
      "remove the node from the cluster, delete its distdb_ files and add it again, so that it "
      "gets its state from the other members.");
}

std::string Hex(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i > 0; --i, value >>= 4) text[i - 1] = kDigits[value & 15];
  return text;
}

}  // namespace grassdb::store
