#include "store/text.h"

#include <algorithm>
#include <charconv>

#include "store/names.h"

namespace grassdb::store {
namespace {

// Damaged and Refusal write between these, and DamageIn reads. A payload of the status would be a
// Cord, of which one in so many looks at a clock (absl/strings/internal/cordz_info.h).
constexpr std::string_view kAtOffset = " at offset ";
constexpr std::string_view kUntouched = ". Nothing was changed. Way out: ";

}  // namespace

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
  return absl::DataLossError(std::string(name) + std::string(kAtOffset) + std::to_string(offset) +
                             " in " + path + ": " + problem);
}

absl::Status Refusal(const absl::Status& status, const std::string& node) {
  const std::string_view text(status.message().data(), status.message().size());
  if (!absl::IsDataLoss(status) || text.find(kUntouched) != std::string_view::npos) return status;
  const bool is_identity =
      text.find(FileNames(node).Identity() + std::string(kAtOffset)) != std::string_view::npos;
  return absl::DataLossError(
      std::string(text) + std::string(kUntouched) + WayOutWithout(node) +
      (is_identity ? "" : "; or go on with what is whole here, by " + std::string(kDiscarding)));
}

std::string WayOutWithout(const std::string& node) {
  return "where the other members have a leader, delete the files distdb_" + node +
         ".* and start " + node +
         " with the flags of its first start: it receives everything anew. Else put a copy of all "
         "its files back, or restore a backup";
}

std::optional<DamagedPlace> DamageIn(const absl::Status& status, const std::string& path) {
  const std::string_view text(status.message().data(), status.message().size());
  const std::size_t at = text.find(kAtOffset);
  const std::string in_path = " in " + path + ": ";
  const std::size_t in = text.find(in_path, at);
  if (!absl::IsDataLoss(status) || in == std::string_view::npos) return std::nullopt;
  const std::size_t end = std::min(text.find(kUntouched, in), text.size());
  DamagedPlace damage;
  // Behind what Annotate has put before it; no name of a file holds a space.
  const std::size_t space = text.rfind(' ', at - 1);
  const std::size_t begin = space == std::string_view::npos ? 0 : space + 1;
  damage.file = text.substr(begin, at - begin);
  const char* const digits = text.data() + at + kAtOffset.size();
  if (std::from_chars(digits, text.data() + in, damage.offset).ptr != text.data() + in) {
    return std::nullopt;
  }
  damage.problem = text.substr(in + in_path.size(), end - in - in_path.size());
  return damage;
}

absl::Status Lost(const std::string& path, const Damage& damage) {
  std::string text = "damaged data in " + path + ":";
  for (const std::string& place : damage.places) text += " " + place + ";";
  text += " lost are";
  if (damage.snapshot_lost > Index(0)) {
    text += " the state up to index " + std::to_string(damage.snapshot_lost.value()) + ",";
  }
  for (const LostRange& range : damage.lost) {
    text += " the entries " + std::to_string(range.first.value()) + ".." +
            std::to_string(range.last.value()) + ",";
  }
  text.pop_back();
  return absl::DataLossError(
      text + std::string(kUntouched) +
      "start the node in its cluster, where it repairs itself from the other members. Without what "
      "none of them has it goes on by " +
      WithoutWhatIsLost(damage));
}

std::string WithoutWhatIsLost(const Damage& damage) {
  const bool is_state = damage.snapshot_lost > Index(0);
  return std::string(kDiscarding) +
         (is_state ? " (it needs an older snapshot that is whole; else restore a backup)" : "");
}

std::string Hex(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i > 0; --i, value >>= 4) text[i - 1] = kDigits[value & 15];
  return text;
}

}  // namespace grassdb::store
