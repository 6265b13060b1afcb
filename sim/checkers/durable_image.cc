#include "sim/checkers/durable_image.h"

#include "core/check.h"

namespace grassdb::sim {

void DurableImage::Install(const SnapshotMeta& meta) {
  const std::uint64_t at = meta.index.value();
  const bool keeps_suffix = meta.index <= last_ && terms_[at] == meta.term;
  if (!keeps_suffix) {
    terms_.assign(at + 1, Term());
    last_ = meta.index;
  }
  terms_[at] = meta.term;
  SetSnapshot(meta.index);
}

void DurableImage::SetSnapshot(Index snapshot) {
  if (snapshot < snapshot_) unreadable_.push_back(snapshot_);
  snapshot_ = snapshot;
}

void DurableImage::Append(const Entry& entry) {
  const std::uint64_t at = entry.index.value();
  if (terms_.size() <= at) terms_.resize(at + 1);
  terms_[at] = entry.term;
  last_ = entry.index;
}

void DurableImage::Apply(const Persist& persist) {
  if (persist.hard_state.has_value()) hard_state_ = *persist.hard_state;
  if (persist.install.has_value()) Install(*persist.install);
  if (persist.entries.empty()) return;
  GRASS_CHECK_LE(persist.entries.front().index, last_ + 1);
  for (const Entry& entry : persist.entries) Append(entry);
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
  for (const Entry& entry : mend.fill) terms_[entry.index.value()] = entry.term;
}

DurableImage DurableImage::Of(const RecoveredState& state) {
  DurableImage image;
  image.hard_state_ = state.hard_state;
  image.last_ = state.base_index;
  image.terms_.resize(state.base_index.value() + 1);
  image.terms_[state.base_index.value()] = state.base_term;
  for (const Entry& entry : state.entries) image.Append(entry);
  if (state.snapshot.has_value()) {
    image.snapshot_ = state.snapshot->index;
    GRASS_CHECK_LE(image.snapshot_, image.last_);
    GRASS_CHECK_EQ(image.terms_[image.snapshot_.value()], state.snapshot->term);
  }
  return image;
}

DurableImage DurableImage::Of(const RecoveredState& damaged, const DurableImage& before,
                              const std::optional<DiskJob>& unfinished) {
  DurableImage image = Of(damaged);
  const std::uint64_t below =
      std::min<std::uint64_t>(damaged.base_index.value(), before.terms_.size());
  std::copy_n(before.terms_.begin(), below, image.terms_.begin());
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
  if (before.forgot_) image.BeginForgetting();
  return image;
}

}  // namespace grassdb::sim
