#include "store/text.h"

#include "absl/strings/cord.h"
#include "core/codec.h"

namespace grassdb::store {
namespace {

constexpr char kDamagePayload[] = "grassdb/damage";

}  // namespace

absl::Status Annotate(const absl::Status& status, const std::string& context) {
  absl::Status annotated(
      status.code(),
      context + ": " + std::string(status.message().data(), status.message().size()));
  if (auto damage = status.GetPayload(kDamagePayload)) {
    annotated.SetPayload(kDamagePayload, *std::move(damage));
  }
  return annotated;
}

absl::Status Final(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? absl::InternalError(status.message()) : status;
}

absl::Status Damaged(const std::string& path, std::string_view name, std::uint64_t offset,
                     const std::string& problem) {
  absl::Status status = absl::DataLossError(
      std::string(name) + " at offset " + std::to_string(offset) + " in " + path + ": " + problem +
      ". Nothing was changed. Way out: restore this node's files from a copy of the whole set, or "
      "remove the node from the cluster, delete its distdb_ files and add it again, so that it "
      "gets its state from the other members.");
  std::string payload;
  Encoder encoder(payload);
  encoder.PutString(name);
  encoder.Put(offset);
  encoder.PutString(problem);
  status.SetPayload(kDamagePayload, absl::Cord(payload));
  return status;
}

std::optional<DamagedPlace> DamageIn(const absl::Status& status) {
  const auto payload = status.GetPayload(kDamagePayload);
  if (!payload.has_value()) return std::nullopt;
  const std::string bytes(*payload);
  Decoder decoder(bytes);
  DamagedPlace damage;
  damage.file = decoder.TakeString();
  damage.offset = decoder.Take<std::uint64_t>();
  damage.problem = decoder.TakeString();
  if (!decoder.done()) return std::nullopt;
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
      text +
      ". Nothing was changed. Way out: start the node in its cluster, where it repairs itself from "
      "the other members.");
}

std::string Hex(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i > 0; --i, value >>= 4) text[i - 1] = kDigits[value & 15];
  return text;
}

}  // namespace grassdb::store
