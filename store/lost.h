// Which entries of a log are lost: ranges that damaged records leave, and that later records fill,
// cut, or make unneeded.
#ifndef GRASSDB_STORE_LOST_H_
#define GRASSDB_STORE_LOST_H_

#include <optional>
#include <vector>

#include "core/disk.h"
#include "core/types.h"
#include "store/payload.h"

namespace grassdb::store {

class LostEntries {
 public:
  LostEntries() = default;
  explicit LostEntries(std::vector<LostRange> ranges) : ranges_(std::move(ranges)) {}

  const std::vector<LostRange>& ranges() const { return ranges_; }
  bool empty() const { return ranges_.empty(); }
  void Clear() { ranges_.clear(); }

  // The range that holds `index`; null if it is not lost.
  const LostRange* Find(Index index) const;
  // Lost, and of no known term.
  bool IsUnknown(Index index) const;
  // `range` lies behind all others.
  void Add(const LostRange& range);
  // The log ends with `last` from now on.
  void CutBehind(const LogPosition& last);
  // Nothing at or before `through` is asked for any longer.
  void ForgetThrough(Index through);
  // The entries (joint.index, last] are there again. If the joint itself is lost, its term is known
  // from now on.
  void Fill(const LogPosition& joint, Index last);

 private:
  std::vector<LostRange> ranges_;  // ascending, apart
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_LOST_H_
