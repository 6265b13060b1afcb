#include "store/replay.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/check.h"

namespace grassdb::store {

std::optional<std::string> Replay::Apply(const SegmentHeader& header) {
  if (!begun_) {
    begun_ = true;
    base_ = header.previous;
    hard_state_ = header.hard_state;
  }
  if (header.previous != last()) {
    return "the segment was begun behind " + ToText(header.previous) +
           ", but the log before it ends at " + ToText(last());
  }
  if (header.hard_state != hard_state_) {
    return "the segment's header restates another term or vote than the log before it holds";
  }
  if (header.snapshot.index.value() > 0) marks_.push_back(header.snapshot);
  return std::nullopt;
}

std::optional<std::string> Replay::Apply(Batch& batch) {
  GRASS_CHECK(begun_);
  if (batch.hard_state.has_value()) {
    if (batch.hard_state->term < hard_state_.term) return "the term goes back";
    hard_state_ = *batch.hard_state;
  }
  if (batch.install.has_value()) {
    if (auto problem = Install(*batch.install)) return problem;
  }
  if (batch.entries.empty()) return std::nullopt;
  return Append(batch);
}

std::optional<std::string> Replay::Install(const InstallMark& install) {
  marks_.push_back(install.snapshot);
  const bool holds = TermAt(install.snapshot.index) == install.snapshot.term;
  if (install.suffix == SuffixRule::kKeep) {
    if (holds) return std::nullopt;
    // Below the base nothing is known, and nothing below it survives anyway: the log reaches
    // further than the snapshot, so it is as the record says.
    if (install.snapshot.index < base_.index) return std::nullopt;
    return "the log was kept behind a snapshot of " + ToText(install.snapshot) +
           ", which it does not hold";
  }
  entries_.clear();
  base_ = install.snapshot;
  return std::nullopt;
}

std::optional<std::string> Replay::Append(Batch& batch) {
  const Index first = batch.entries.front().index;
  const LogPosition joint = {.index = first - 1, .term = batch.previous_term};
  if (joint.index > last().index) {
    return "entries from index " + std::to_string(first.value()) + " on, but the log ends at " +
           ToText(last());
  }
  if (joint.index < base_.index) {
    // The batch cuts the log below what is left of it: the segments that held the entries between
    // are released. What it cut away would have been at or below a snapshot of another branch.
    entries_.clear();
    base_ = joint;
  } else if (TermAt(joint.index) != joint.term) {
    return "entries that join behind " + ToText(joint) + ", which the log does not hold";
  }
  entries_.resize(static_cast<std::size_t>(joint.index - base_.index));
  std::move(batch.entries.begin(), batch.entries.end(), std::back_inserter(entries_));
  return std::nullopt;
}

LogPosition Replay::last() const {
  if (entries_.empty()) return base_;
  return {.index = entries_.back().index, .term = entries_.back().term};
}

std::optional<Term> Replay::TermAt(Index index) const {
  if (index == base_.index) return base_.term;
  if (index < base_.index || index > last().index) return std::nullopt;
  return entries_[static_cast<std::size_t>(index - base_.index) - 1].term;
}

bool Replay::IsMarked(const LogPosition& snapshot) const {
  return std::find(marks_.begin(), marks_.end(), snapshot) != marks_.end();
}

}  // namespace grassdb::store
