// Reading the disk again, a piece at a time and at a bounded pace. What is damaged there is still
// whole in memory: a snapshot of it takes the damaged file's place.
#include <algorithm>
#include <utility>

#include "core/node.h"
#include "core/probe.h"

namespace grassdb {

Instant Node::NextScrub() const {
  if (options_.scrub_bytes_per_second == 0 || scrubbing_) return Instant::max();
  return std::max(scrub_at_, VotesFirst());
}

void Node::ScrubIfDue() {
  const Instant now = environment_.clock->Now();
  const Instant due = NextScrub();
  if (now < due) {
    if (now >= scrub_at_ && due != Instant::max()) GRASS_PROBE("scrub: an election goes first");
    return;
  }
  scrubbing_ = true;
  environment_.disk->Submit(
      Scrub{.bytes_max = static_cast<std::uint32_t>(options_.snapshot_chunk_bytes)});
}

// A file's few bytes count as a whole piece: an empty disk is not asked all the time.
void Node::PutOffScrub(std::uint64_t bytes) {
  if (options_.scrub_bytes_per_second == 0) return;
  bytes = std::max<std::uint64_t>(bytes, options_.snapshot_chunk_bytes);
  constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
  const Uint128 nanoseconds =
      static_cast<Uint128>(bytes) * kNanosecondsPerSecond / options_.scrub_bytes_per_second;
  scrub_at_ = environment_.clock->Now() + Duration(static_cast<Duration::rep>(nanoseconds));
}

void Node::OnDone(const ScrubDone& done) {
  if (!done.status.ok()) return Fail(done.status);
  scrubbing_ = false;
  NoteSpace(done.space);
  PutOffScrub(done.bytes);
  scrub_.bytes += done.bytes;
  if (done.pass_done) {
    ++scrub_.passes;
    scrub_at_ = std::max(scrub_at_, environment_.clock->Now() + options_.scrub_pause);
  }
  if (done.damage.empty()) return;
  if (!done.mended) return NoteDamage(done.damage, done.mend_from);
  GRASS_PROBE("scrub: a file is written anew");
  CountDamage(done.damage);
  ++scrub_.mended;
  Tell(EventKind::kDamageFound, NodeId(), Index(), 1);
}

void Node::CountDamage(std::string what) {
  ++scrub_.found;
  scrub_.newest = std::move(what);
}

void Node::NoteDamage(std::string what, Index mend_from) {
  CountDamage(std::move(what));
  mend_from_ = std::max(mend_from_.value_or(Index()), mend_from);
  Tell(EventKind::kDamageFound, NodeId(), mend_from, 0);
}

// Entries that were evicted. What cannot be read for somebody else is mended by a snapshot, which
// whoever needs it gets, once it has been applied here.
void Node::OnDone(EntriesRead done) {
  if (done.wanted.reader == NodeId(0)) return ApplyRead(std::move(done));
  if (done.status.ok() && done.entries.empty()) {
    environment_.disk->Submit(std::move(done.wanted));
    return;
  }
  const bool released = done.wanted.first <= raft_.log().base_index();
  const bool known = mend_from_.has_value() && *mend_from_ >= done.wanted.last;
  if (!done.status.ok() && !released && !known) {
    GRASS_PROBE("entries: cannot be read");
    NoteDamage(std::string(done.status.message()), done.wanted.last);
  }
  Step(std::move(done));
}

// The state has come as far as what is damaged.
bool Node::MustMend() const {
  return mend_from_.has_value() && applied_ >= *mend_from_;
}

void Node::NoteMended(Index snapshot) {
  if (!mend_from_.has_value() || snapshot < *mend_from_) return;
  GRASS_PROBE("scrub: damage is mended");
  mend_from_.reset();
  ++scrub_.mended;
  Tell(EventKind::kDamageMended, NodeId(), snapshot, 0);
}

}  // namespace grassdb
