// DurableImage: what must be on the disk of one node, from the jobs its disk has completed. The
// yardstick of the checkers about durability; no rule of its own but that a committed entry, once
// durable on a node, is never cut there.
#ifndef GRASSDB_SIM_CHECKERS_DURABLE_IMAGE_H_
#define GRASSDB_SIM_CHECKERS_DURABLE_IMAGE_H_

#include <algorithm>
#include <optional>
#include <vector>

#include "core/disk.h"
#include "core/entry.h"
#include "core/types.h"
#include "sim/checkers/by_index.h"

namespace grassdb::sim {

class DurableImage {
 public:
  const HardState& hard_state() const { return hard_state_; }
  // By which the others know this disk, as recovered or written last; 0: not yet.
  Incarnation incarnation() const { return incarnation_; }
  Index last() const { return last_; }
  Index snapshot() const { return snapshot_; }
  // It could not be read the last time, and may be read again.
  bool MayComeBack(Index snapshot) const {
    return snapshot > snapshot_ && std::ranges::find(unreadable_, snapshot) != unreadable_.end();
  }

  // The entry (index, term), or a snapshot that stands for it, is durable.
  bool Holds(Index index, Term term) const {
    if (index <= snapshot_) return index < snapshot_ || terms_.At(index) == term;
    return index <= last_ && terms_.At(index) == term;
  }
  // index <= last(); 0 where it is not known: behind a snapshot only.
  Term TermAt(Index index) const { return terms_.At(index); }

  // This disk has taken the place of `before`, on which rests what its node promised earlier...
  void BeginForgetting(DurableImage before);
  // ...until the others know of it: from then on it is a disk like any.
  void EndForgetting() { forgotten_.clear(); }
  bool forgot() const { return !forgotten_.empty(); }
  // As well, and its node goes by a name of its own: it knows that it is another one.
  bool forgot_knowingly() const {
    return forgot() && std::ranges::none_of(forgotten_, [this](const DurableImage& before) {
             return before.incarnation_ == incarnation_;
           });
  }
  // Has taken the place of the same ones as `that`.
  void ForgetAs(const DurableImage& that) { forgotten_ = that.forgotten_; }
  // Whether the test holds for the disk, or for one that it has taken the place of: what is said to
  // rest on the node's disk may rest on that one.
  template <class Test>
  bool AnyEver(Test test) const {
    return test(*this) || std::ranges::any_of(forgotten_, test);
  }

  void Apply(const Persist& persist);
  void Apply(const PublishSnapshot& publish);
  void Apply(const MendLog& mend);
  // What was durable at `index`, where nobody can tell any more, is taken to have been of `term`.
  void Learn(Index index, Term term) { terms_.Set(index, term); }
  // Terms below `own` are not asked for any more, nor those below `index` of a disk that this one
  // has taken the place of.
  void ReleaseBelow(Index index, Index own);
  std::size_t Bytes() const;
  // As a storage has just recovered it.
  static DurableImage Of(const RecoveredState& state);
  // As a storage has just recovered it, and of `before` what it says is lost. Nothing stands in for
  // that yet, and so it may come back: what could not be read now may be read the next time. So may
  // the snapshot of `unfinished`, the job that was at the disk.
  static DurableImage Of(const RecoveredState& damaged, const DurableImage& before,
                         const std::optional<DiskJob>& unfinished);

 private:
  void Install(const SnapshotMeta& meta);
  void SetSnapshot(Index snapshot);
  void Append(Index index, Term term);

  HardState hard_state_;
  Incarnation incarnation_;
  Index snapshot_;
  std::vector<Index> unreadable_;  // snapshots whose files may still be there
  Index last_;
  ByIndex<Term> terms_;
  std::vector<DurableImage> forgotten_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_DURABLE_IMAGE_H_
