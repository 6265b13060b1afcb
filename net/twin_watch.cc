#include "net/twin_watch.h"

#include <utility>

namespace grassdb::net {
namespace {

// Longer than messages of a process that has ended arrive after those of the next one.
constexpr Duration kTakingTurns = std::chrono::seconds(2);
// A data directory that was put back to an older state returns once; two processes go on.
constexpr std::uint64_t kReturnsMin = 2;
constexpr Duration kTellInterval = std::chrono::minutes(1);

}  // namespace

std::optional<TwinWatch::Twins> TwinWatch::Heard(Instant now, NodeId from, Incarnation incarnation,
                                                 const Source& source) {
  Seen& seen = seen_[from];
  if (seen.current.incarnation == incarnation) return std::nullopt;
  const bool returns = seen.former.incarnation == incarnation;
  std::swap(seen.current, seen.former);
  seen.current = {.incarnation = incarnation, .source = source()};
  if (!returns) {
    seen.replaced_at = now;
    seen.returns = 0;
    return std::nullopt;
  }
  ++seen.returns;
  if (seen.returns < kReturnsMin || now - seen.replaced_at < kTakingTurns) return std::nullopt;
  if (seen.told_at != Instant::min() && now - seen.told_at < kTellInterval) return std::nullopt;
  seen.told_at = now;
  return Twins{.one = seen.current, .other = seen.former};
}

}  // namespace grassdb::net
