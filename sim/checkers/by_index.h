// ByIndex: what the checkers remember of each log index, from some index on. What lies below is let
// go of, so that a run of any length needs bounded memory; what was never set, or is gone, is T().
#ifndef GRASSDB_SIM_CHECKERS_BY_INDEX_H_
#define GRASSDB_SIM_CHECKERS_BY_INDEX_H_

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/types.h"

namespace grassdb::sim {

template <class T>
class ByIndex {
 public:
  // Valid until the next change.
  const T& At(Index index) const {
    const std::uint64_t at = index.value();
    return at >= begin_ && at - begin_ < values_.size() ? values_[at - begin_] : nothing_;
  }
  void Set(Index index, T value) { Slot(index) = std::move(value); }
  T& Slot(Index index) {
    const std::uint64_t at = index.value();
    if (values_.empty()) begin_ = at;
    if (at < begin_) {
      values_.insert(values_.begin(), begin_ - at, T());
      begin_ = at;
    }
    if (at - begin_ >= values_.size()) values_.resize(at - begin_ + 1);
    return values_[at - begin_];
  }
  // Where a log begins: as Set. If that is far ahead, behind a snapshot, what was known goes: the
  // gap would be remembered for nothing.
  void SetBase(Index index, T value) {
    if (index > end()) values_.clear();
    Set(index, std::move(value));
  }
  // The first index that is held, and the one behind the last; equal if nothing is.
  Index begin() const { return Index(begin_); }
  Index end() const { return Index(begin_ + values_.size()); }
  // Nothing is known from `index` on.
  void CutFrom(Index index) {
    if (index <= begin()) return values_.clear();
    if (index < end()) values_.resize(index.value() - begin_);
  }
  // Nothing below `index` is asked for any more. Frees memory now and then, and keeps the last one.
  void ReleaseBelow(Index index) {
    if (values_.empty() || index <= begin()) return;
    const std::uint64_t gone = std::min<std::uint64_t>(index.value() - begin_, values_.size() - 1);
    values_.erase(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(gone));
    begin_ += gone;
    if (values_.capacity() > 2 * values_.size() + 64) values_.shrink_to_fit();
  }
  std::size_t Bytes() const { return values_.capacity() * sizeof(T); }

 private:
  inline static const T nothing_{};

  std::uint64_t begin_ = 0;
  std::vector<T> values_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_BY_INDEX_H_
