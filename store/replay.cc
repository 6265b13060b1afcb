#include "store/replay.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/check.h"
#include "core/probe.h"

namespace grassdb::store {
namespace {

// Each lost one may take a place in memory, some 40 bytes: what makes no sense must not take all of
// it. More than the smallest entries of a segment of 64 MiB.
constexpr std::uint64_t kLostMax = std::uint64_t{1} << 21;

}  // namespace

void Replay::Lose(LostRecords what, RecordSequence first) {
  if (what == LostRecords::kHeader) {
    // Behind other segments it says nothing that they do not.
    only_header_ = !begun_ && !gap_.has_value();
    if (begun_) return;
  } else {
    only_header_ = false;
  }
  if (!gap_.has_value()) gap_ = first;
  knows_hard_state_ = false;
}

// --- Over a gap ---

std::optional<std::string> Replay::Bridge(const LogState& now, RecordSequence sequence) {
  if (!gap_.has_value()) return std::nullopt;
  const RecordSequence gap = *std::exchange(gap_, std::nullopt);
  if (!begun_) {
    begun_ = true;
    base_ = only_header_ ? now.last : now.snapshot;
  } else if (now.cut >= gap) {
    GRASS_PROBE("replay: damaged records may have cut the log");
    if (Holds(now.last)) {
      CutBehind(now.last);
    } else {
      KeepOnly(now.snapshot);
    }
  }
  NoteSnapshot(now.snapshot);
  hard_state_ = now.hard_state;
  knows_hard_state_ = true;
  cut_ = now.cut == kCutUnknown ? sequence : now.cut;
  return LoseUpTo(now.last);
}

std::optional<std::string> Replay::BridgeTo(const LogPosition& joint) {
  if (!gap_.has_value()) return std::nullopt;
  gap_.reset();
  if (!begun_) {
    // What the lost batches before it held is behind the snapshot, or lost (JudgeBase).
    begun_ = true;
    guesses_base_ = !only_header_;
    base_ = joint;
  }
  if (joint.index < base_.index) return std::nullopt;  // Append begins anew behind it
  if (Holds(joint)) {
    CutBehind(joint);
  } else {
    KeepOnly(marks_.empty() ? LogPosition() : marks_.back());
  }
  return LoseUpTo(joint);
}

// What is behind a snapshot may have been cut away and written anew by the damaged records, and the
// base too, where it is behind it: that is as of the beginning of its segment.
void Replay::KeepOnly(const LogPosition& snapshot) {
  if (snapshot.index > base_.index && Holds(snapshot)) return CutBehind(snapshot);
  Reset(snapshot);
}

std::optional<std::string> Replay::LoseUpTo(const LogPosition& end) {
  if (end == last()) return std::nullopt;
  if (end.index <= last().index || end.term < last().term) {
    return "the log had come to " + ToText(end) + ", which does not go on from " + ToText(last());
  }
  if (end.index - last().index > kLostMax) {
    return std::to_string(end.index - last().index) + " entries are missing before " + ToText(end) +
           ", and more than " + std::to_string(kLostMax) + " at once are in no log";
  }
  GRASS_PROBE("replay: entries are lost");
  const LostRange range{.first = last().index + 1, .last = end.index, .last_term = end.term};
  lost_.Add(range);
  for (Index index = range.first; index <= range.last; ++index) {
    Entry entry;
    entry.index = index;
    if (index == range.last) entry.term = end.term;
    Put(std::move(entry));
    EvictOldest();
  }
  return std::nullopt;
}

std::optional<std::string> Replay::LoseBeginning(const LogPosition& snapshot) {
  const LogPosition end = std::exchange(base_, snapshot);
  const EvictedEntries evicted = std::exchange(evicted_, {});
  std::deque<Entry> rest = std::exchange(entries_, {});
  bytes_ = 0;
  const LostEntries lost = std::exchange(lost_, {});
  if (auto problem = LoseUpTo(end)) return problem;
  for (const LostRange& range : lost.ranges()) lost_.Add(range);
  // What fills them below is on the disk only as well.
  if (!evicted.empty() || (IsBounded() && !fills_below_.empty())) EvictDownTo(0);
  if (!evicted.empty()) evicted_.Join(evicted);
  for (Entry& entry : rest) Put(std::move(entry));
  for (Batch& fill : std::exchange(fills_below_, {})) {
    if (const auto problem = Fill(fill)) return problem;
  }
  EvictOldest();
  return std::nullopt;
}

void Replay::CoverLost(const LogPosition& snapshot) {
  if (lost_.empty() || lost_.ranges().front().first > snapshot.index) return;
  GRASS_PROBE("replay: a snapshot stands for lost entries");
  evicted_.ForgetThrough(snapshot);
  for (; !entries_.empty() && entries_.front().index <= snapshot.index; entries_.pop_front()) {
    bytes_ -= CostOf(entries_.front());
  }
  lost_.ForgetThrough(snapshot.index);
  base_ = snapshot;
}

std::optional<std::string> Replay::EndWith(const LogState& state, RecordSequence sequence) {
  return Bridge(state, sequence);
}

std::optional<std::string> Replay::Problem() const {
  if (gap_.has_value() || !begun_) return "nothing behind the damage says where the log ended";
  if (!knows_hard_state_) return "nothing behind the damage says what this node had voted for";
  return std::nullopt;
}

// --- Records ---

std::optional<std::string> Replay::Apply(const SegmentHeader& header, RecordSequence sequence) {
  const LogState& before = header.before;
  if (!begun_ && !gap_.has_value()) {
    begun_ = true;
    base_ = before.last;
    hard_state_ = before.hard_state;
    cut_ = before.cut == kCutUnknown ? sequence : before.cut;
  }
  if (auto problem = Bridge(before, sequence)) return problem;
  if (before.last != last()) {
    return "the segment was begun behind " + ToText(before.last) +
           ", but the log before it ends at " + ToText(last());
  }
  if (!std::exchange(knows_hard_state_, true)) {
    // Batches of format 1, which have told where the log is, have not told this.
    GRASS_PROBE("replay: only a header says what was voted for");
    hard_state_ = before.hard_state;
  }
  if (before.hard_state != hard_state_) {
    return "the segment's header restates another term or vote than the log before it holds";
  }
  NoteSnapshot(before.snapshot);
  return std::nullopt;
}

void Replay::NoteSnapshot(const LogPosition& current) {
  const bool is_known = !marks_.empty() && marks_.back() == current;
  if (current.index > Index(0) && !is_known) marks_.push_back(current);
}

std::optional<std::string> Replay::Apply(const Seal& seal, RecordSequence sequence) {
  if (seal.before.has_value()) {
    if (auto problem = Bridge(*seal.before, sequence)) return problem;
    NoteSnapshot(seal.before->snapshot);
  } else if (auto problem = BridgeTo(seal.last)) {
    return problem;
  }
  if (seal.last != last()) {
    return "a seal for a log that ends at " + ToText(seal.last) + ", but it ends at " +
           ToText(last());
  }
  return std::nullopt;
}

std::optional<std::string> Replay::Apply(Batch& batch, RecordSequence sequence) {
  if (payloads_ == Payloads::kDropped) {
    for (Entry& entry : batch.entries) entry.payload = Bytes();
  }
  if (!batch.members.empty() && (members_.empty() || members_.back() != batch.members)) {
    members_.push_back(std::move(batch.members));
  }
  if (batch.before.has_value()) {
    if (auto problem = Bridge(*batch.before, sequence)) return problem;
    if (batch.before->last != last()) {
      return "a batch for a log that ends at " + ToText(batch.before->last) + ", but it ends at " +
             ToText(last());
    }
    NoteSnapshot(batch.before->snapshot);
  } else if (batch.first > Index(0)) {
    if (auto problem = BridgeTo({.index = batch.first - 1, .term = batch.previous_term})) {
      return problem;
    }
  }
  if (batch.hard_state.has_value()) {
    if (batch.hard_state->term < hard_state_.term) return "the term goes back";
    hard_state_ = *batch.hard_state;
    knows_hard_state_ = true;
  }
  // Of format 1, and of no use for where the log is.
  if (gap_.has_value()) return std::nullopt;
  if (batch.install.has_value()) {
    if (auto problem = Install(*batch.install, sequence)) return problem;
  }
  if (batch.first == Index(0)) return std::nullopt;
  return batch.kind == BatchKind::kFill ? Fill(batch) : Append(batch, sequence);
}

std::optional<std::string> Replay::Install(const InstallMark& install, RecordSequence sequence) {
  marks_.push_back(install.snapshot);
  if (install.suffix == SuffixRule::kKeep) {
    // Of a lost entry the record knew no more than is known now.
    if (Holds(install.snapshot) || lost_.IsUnknown(install.snapshot.index)) return std::nullopt;
    // Below the base nothing is known, and nothing below it survives anyway: the log reaches
    // further than the snapshot, so it is as the record says.
    if (install.snapshot.index < base_.index) return std::nullopt;
    return "the log was kept behind a snapshot of " + ToText(install.snapshot) +
           ", which it does not hold";
  }
  cut_ = sequence;
  Reset(install.snapshot);
  return std::nullopt;
}

std::optional<std::string> Replay::Append(Batch& batch, RecordSequence sequence) {
  const LogPosition joint = {.index = batch.first - 1, .term = batch.previous_term};
  if (joint.index > last().index) {
    return "entries from index " + std::to_string(batch.first.value()) +
           " on, but the log ends at " + ToText(last());
  }
  if (joint.index < last().index || batch.kind == BatchKind::kCut) cut_ = sequence;
  if (joint.index < base_.index) {
    // The batch cuts the log below what is left of it: the segments that held the entries between
    // are released. What it cut away would have been at or below a snapshot of another branch.
    Reset(joint);
  } else if (!Holds(joint) && !lost_.IsUnknown(joint.index)) {
    return "entries that join behind " + ToText(joint) + ", which the log does not hold";
  }
  CutBehind(joint);
  for (Entry& entry : batch.entries) Put(std::move(entry));
  EvictOldest();
  return std::nullopt;
}

std::optional<std::string> Replay::Fill(Batch& batch) {
  const LogPosition joint = {.index = batch.first - 1, .term = batch.previous_term};
  const Index end = batch.entries.back().index;
  if (end > last().index) return "entries to fill the log with reach beyond its end";
  if (batch.first <= base_.index) KeepBelow(batch);
  if (end <= base_.index) return std::nullopt;
  for (Entry& entry : batch.entries) {
    if (entry.index <= base_.index) continue;
    // What was lost then may be legible now.
    if (!lost_.IsUnknown(entry.index) && !Holds({.index = entry.index, .term = entry.term})) {
      return "entries to fill the log with have other terms than it holds";
    }
    if (lost_.Find(entry.index) == nullptr) continue;
    if (entry.index <= before_entries().index) {
      GRASS_PROBE("replay: what has been evicted is filled");
      evicted_.Fill(entry);
      continue;
    }
    Entry& filled = At(entry.index);
    bytes_ += CostOf(entry) - CostOf(filled);
    filled = std::move(entry);
  }
  if (joint.index > base_.index && lost_.IsUnknown(joint.index)) SetTerm(joint.index, joint.term);
  lost_.Fill(joint, end);
  EvictOldest();
  return std::nullopt;
}

void Replay::KeepBelow(const Batch& fill) {
  Batch& kept = fills_below_.emplace_back(fill);
  if (!IsBounded()) return;
  for (Entry& entry : kept.entries) {
    if (entry.type != EntryType::kConfiguration) entry.payload = Bytes();
  }
}

void Replay::SetTerm(Index index, Term term) {
  if (index <= before_entries().index) {
    evicted_.terms.Set(index, term);
  } else {
    At(index).term = term;
  }
}

void Replay::Put(Entry entry) {
  bytes_ += CostOf(entry);
  entries_.push_back(std::move(entry));
}

// Some at a time: what was evicted together is all that is known of how many bytes it has.
void Replay::EvictOldest() {
  if (bytes_ <= memory_bytes_ || bytes_ - memory_bytes_ <= memory_bytes_ / 8) return;
  EvictDownTo(memory_bytes_);
}

void Replay::EvictDownTo(std::size_t bytes) {
  if (bytes_ <= bytes) return;
  std::size_t evicted = 0;
  while (bytes_ - evicted > bytes) {
    evicted += CostOf(entries_.front());
    evicted_.Add(base_, entries_.front());
    entries_.pop_front();
  }
  bytes_ -= evicted;
  evicted_.evictions.Add(evicted_.last().index, evicted);
}

std::vector<Entry> Replay::TakeEntries() {
  std::vector<Entry> taken(std::move_iterator(entries_.begin()),
                           std::move_iterator(entries_.end()));
  entries_.clear();
  bytes_ = 0;
  return taken;
}

void Replay::Reset(const LogPosition& base) {
  evicted_.Clear();
  entries_.clear();
  bytes_ = 0;
  lost_.Clear();
  base_ = base;
  for (Batch& fill : fills_below_) {
    std::erase_if(fill.entries, [&](const Entry& entry) { return entry.index > base.index; });
  }
  std::erase_if(fills_below_, [](const Batch& fill) { return fill.entries.empty(); });
}

void Replay::CutBehind(const LogPosition& end) {
  for (; !entries_.empty() && entries_.back().index > end.index; entries_.pop_back()) {
    bytes_ -= CostOf(entries_.back());
  }
  evicted_.CutBehind(end.index);
  lost_.CutBehind(end);
  if (end.index > base_.index) SetTerm(end.index, end.term);
}

LogState Replay::state() const {
  return {.last = last(),
          .snapshot = marks_.empty() ? LogPosition() : marks_.back(),
          .hard_state = hard_state_,
          .cut = cut_};
}

LogPosition Replay::last() const {
  if (entries_.empty()) return before_entries();
  return {.index = entries_.back().index, .term = entries_.back().term};
}

std::optional<Term> Replay::TermAt(Index index) const {
  if (index == base_.index) return base_.term;
  if (index < base_.index || index > last().index || lost_.IsUnknown(index)) return std::nullopt;
  const Index before = before_entries().index;
  if (index <= before) return evicted_.terms.TermAt(index);
  return entries_[static_cast<std::size_t>(index - before) - 1].term;
}

bool Replay::IsMarked(const LogPosition& snapshot) const {
  return std::find(marks_.begin(), marks_.end(), snapshot) != marks_.end();
}

}  // namespace grassdb::store
