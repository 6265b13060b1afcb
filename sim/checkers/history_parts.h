// What the clients saw, checked part by part, so that a run of any length needs the memory of one.
//
// A part ends when it has so many operations. It is checked by both checks (witness.h,
// linearizability.h), and all of it that was over is let go of; the next one begins with the values
// at the newest revision that anybody had been told of. To the search both ends are operations:
// each key was written before all others, and was read behind them. An operation that was under way
// is one of unknown outcome in the part that ends, and one of the next as well, unless what it did
// is in the values already. Of unknown outcome it stays for as long as the log may bring it.
//
// What gets lost: the search does not look at what came back from an operation that took effect in
// the part before that in which it returned (the witness does), and nobody at the value of a stale
// read of a revision of more than a part ago.
#ifndef GRASSDB_SIM_CHECKERS_HISTORY_PARTS_H_
#define GRASSDB_SIM_CHECKERS_HISTORY_PARTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "sim/checkers/reference_store.h"
#include "sim/checkers/search_counts.h"
#include "sim/checkers/witness.h"
#include "sim/history.h"

namespace grassdb::sim {

class HistoryParts {
 public:
  // Parts of `operations` each. `reference` is given what is committed, and is null where nobody
  // looks into the nodes: then the history is one part, as nobody knows the values at its end, and
  // only searched. Both outlive this.
  HistoryParts(std::size_t operations, History* history, ReferenceStore* reference)
      : operations_(operations), history_(history), reference_(reference) {}

  void EndPartIfLong() {
    if (history_->size() >= operations_ && reference_ != nullptr) EndPart();
  }
  // The end of the run.
  void CheckTheLast();

  // Of all parts.
  const SearchCounts& searched() const { return searched_; }

 private:
  using Values = std::map<std::uint32_t, ValueNumber>;

  void EndPart();
  void CheckWitness(const std::vector<CommittedChange>& changes) const;
  void Search(std::vector<HistoryOperation> operations);
  // That are committed and were not let go of.
  std::vector<CommittedChange> Changes() const;
  // `revision` is not below that of base_.
  Values ValuesAt(std::uint64_t revision, const std::vector<CommittedChange>& changes) const;
  // Behind writes of what the part begins with.
  std::vector<HistoryOperation> Searchable() const;
  // Reads of all keys that the operations touch, behind these.
  void ReadAtTheEnd(const Values& last, std::vector<HistoryOperation>* operations) const;

  std::size_t operations_;
  History* history_;
  ReferenceStore* reference_;
  WitnessBase base_;
  Values first_;             // at base_.told
  std::uint64_t place_ = 0;  // of what was invoked in an earlier part, the last
  SearchCounts searched_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_HISTORY_PARTS_H_
