#include "store/names.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace grassdb::store {
namespace {

constexpr std::string_view kPrefix = "distdb_";
constexpr std::size_t kDigits = 20;  // of the largest 64-bit number

std::string Padded(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kDigits - digits.size(), '0') + digits;
}

std::optional<std::uint64_t> ParsePadded(std::string_view text) {
  std::uint64_t number = 0;
  if (text.size() != kDigits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

constexpr std::array<std::pair<std::string_view, FileKind>, 12> kPlain = {{
    {"id", FileKind::kIdentity},
    {"id.tmp", FileKind::kIdentityStaging},
    {"lock", FileKind::kLock},
    {"wal", FileKind::kLive},
    {"next", FileKind::kNext},
    {"mark", FileKind::kMark},
    {"spare", FileKind::kSpare},
    {"reserve", FileKind::kReserve},
    {"taken.tmp", FileKind::kTaken},
    {"received.tmp", FileKind::kReceived},
    {"replacing", FileKind::kReplacing},
    {"placing", FileKind::kPlacing},
}};

constexpr std::array<std::pair<std::string_view, FileKind>, 3> kNumbered = {{
    {".seg", FileKind::kSealed},
    {".free", FileKind::kFree},
    {".snap", FileKind::kSnapshot},
}};

}  // namespace

FileNames::FileNames(std::string_view node_name)
    : prefix_(std::string(kPrefix) + std::string(node_name) + ".") {}

std::string FileNames::node() const {
  return prefix_.substr(kPrefix.size(), prefix_.size() - kPrefix.size() - 1);
}

std::string FileNames::Sealed(SegmentNumber number) const {
  return prefix_ + Padded(number.value()) + ".seg";
}

std::string FileNames::Free(SegmentNumber number) const {
  return prefix_ + Padded(number.value()) + ".free";
}

std::string FileNames::Snapshot(Index index) const {
  return prefix_ + Padded(index.value()) + ".snap";
}

ParsedName FileNames::Parse(std::string_view name) const {
  if (!name.starts_with(prefix_)) return {};
  const std::string_view rest = name.substr(prefix_.size());
  for (const auto& [text, kind] : kPlain) {
    if (rest == text) return {.kind = kind};
  }
  for (const auto& [suffix, kind] : kNumbered) {
    if (!rest.ends_with(suffix)) continue;
    const auto number = ParsePadded(rest.substr(0, rest.size() - suffix.size()));
    if (number.has_value()) return {.kind = kind, .number = *number};
  }
  return {};
}

}  // namespace grassdb::store
