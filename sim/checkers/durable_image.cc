#include "sim/checkers/durable_image.h"

#include <utility>

#include "core/check.h"

namespace grassdb::sim {

void DurableImage::Install(const SnapshotMeta& meta) {
  const bool keeps_suffix = meta.index <= last_ && terms_.At(meta.index) == meta.term;
  if (!keeps_suffix) {
    terms_ = {};
    last_ = meta.index;
  }
  terms_.Set(meta.index, meta.term);
  SetSnapshot(meta.index);
}

void DurableImage::SetSnapshot(Index snapshot) {
  if (snapshot < snapshot_) unreadable_.push_back(snapshot_);
  snapshot_ = snapshot;
}

void DurableImage::Append(Index index, Term term) {
  terms_.Set(index, term);
  last_ = index;
}

void DurableImage::Apply(const Persist& persist) {
  if (persist.hard_state.has_value()) {
    hard_state_ = *persist.hard_state;
    if (hard_state_.renewed != Incarnation(0)) incarnation_ = hard_state_.renewed;
  }
  if (persist.install.has_value()) Install(*persist.install);
  if (persist.entries.empty()) return;
  GRASS_CHECK_LE(persist.entries.front().index, last_ + 1);
  for (const Entry& entry : persist.entries) Append(entry.index, entry.term);
}

void DurableImage::Apply(const PublishSnapshot& publish) {
  if (publish.meta.index <= snapshot_) return;
  GRASS_CHECK_LE(publish.meta.index, last_);
  SetSnapshot(publish.meta.index);
}

void DurableImage::Apply(const MendLog& mend) {
  if (mend.fill.empty()) {
    GRASS_CHECK_GT(mend.cut_from, snapshot_);
    last_ = mend.cut_from - 1;
    return;
  }
  GRASS_CHECK_LE(mend.fill.back().index, last_);
  if (mend.previous_term > Term(0)) Learn(mend.fill.front().index - 1, mend.previous_term);
  for (const Entry& entry : mend.fill) terms_.Set(entry.index, entry.term);
}

DurableImage DurableImage::Of(const RecoveredState& state) {
  DurableImage image;
  image.hard_state_ = state.hard_state;
  image.incarnation_ = IncarnationOf(state.identity, state.hard_state);
  image.last_ = state.base_index;
  image.terms_.Set(state.base_index, state.base_term);
  for (Index index = state.base_index + 1; index <= state.last().index; ++index) {
    image.Append(index, state.TermAt(index));
  }
  if (state.snapshot.has_value()) {
    image.snapshot_ = state.snapshot->index;
    GRASS_CHECK_LE(image.snapshot_, image.last_);
    GRASS_CHECK_EQ(image.terms_.At(image.snapshot_), state.snapshot->term);
  }
  return image;
}

DurableImage DurableImage::Of(const RecoveredState& damaged, const DurableImage& before,
                              const std::optional<DiskJob>& unfinished) {
  DurableImage image = Of(damaged);
  const Index end = std::min(damaged.base_index, before.terms_.end());
  for (Index at = before.terms_.begin(); at < end; ++at) {
    image.terms_.Set(at, before.terms_.At(at));
  }
  // A snapshot is lost together with entries that it did not stand for.
  if (image.snapshot_ == damaged.base_index && damaged.base_index > before.snapshot_) {
    image.snapshot_ = before.snapshot_;
  }
  const Index snapshot = image.snapshot_;
  image.unreadable_ = before.unreadable_;
  image.snapshot_ = before.snapshot_;
  image.SetSnapshot(snapshot);
  if (damaged.damage.snapshot_lost > Index(0)) image.unreadable_.push_back(before.snapshot_);
  const auto* publish = unfinished ? std::get_if<PublishSnapshot>(&*unfinished) : nullptr;
  const auto* persist = unfinished ? std::get_if<Persist>(&*unfinished) : nullptr;
  if (publish != nullptr) image.unreadable_.push_back(publish->meta.index);
  if (persist != nullptr && persist->install.has_value()) {
    image.unreadable_.push_back(persist->install->index);
  }
  image.ForgetAs(before);
  return image;
}

void DurableImage::BeginForgetting(DurableImage before) {
  forgotten_ = std::move(before.forgotten_);
  before.forgotten_.clear();
  forgotten_.push_back(std::move(before));
}

void DurableImage::ReleaseBelow(Index index, Index own) {
  terms_.ReleaseBelow(own);
  for (DurableImage& before : forgotten_) before.ReleaseBelow(index, index);
}

std::size_t DurableImage::Bytes() const {
  std::size_t bytes = terms_.Bytes() + unreadable_.capacity() * sizeof(Index);
  for (const DurableImage& before : forgotten_) bytes += sizeof before + before.Bytes();
  return bytes;
}

}  // namespace grassdb::sim
