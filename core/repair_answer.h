// What a log has to say to a node that has lost part of its own (core/repair.h). The same for a
// running node and for one that repairs itself.
#ifndef GRASSDB_CORE_REPAIR_ANSWER_H_
#define GRASSDB_CORE_REPAIR_ANSWER_H_

#include <cstddef>
#include <optional>

#include "core/disk.h"
#include "core/entry.h"
#include "core/message.h"
#include "core/types.h"

namespace grassdb {

// A log that may have lost some of its entries.
class LogView {
 public:
  virtual ~LogView() = default;
  virtual Index base_index() const = 0;
  virtual Index last_index() const = 0;
  virtual Index commit_index() const = 0;
  virtual Standing standing() const = 0;
  // Whether there is a snapshot that stands for an entry before which the log begins.
  virtual bool HasSnapshotFor(Index index) const = 0;
  // nullopt if the index is outside, or the term is not known.
  virtual std::optional<Term> TermAt(Index index) const = 0;
  // Whether the entry is inside and not lost.
  virtual bool IsWhole(Index index) const = 0;
  // Null if it is not whole, or not at hand: on the disk only.
  virtual const Entry* Find(Index index) const = 0;
};

// At most `bytes_max` bytes of entries, but one entry at least. A request for entries or a proof
// (RepairAsk) with 1 <= first <= last.
RepairResponse AnswerRepair(const LogView& log, const RepairRequest& request,
                            std::size_t bytes_max);

// The first entry that the answer would give if all that is whole were at hand; 0: it would give
// none.
Index FirstGiven(const LogView& log, const RepairRequest& request);

// The chunk of the snapshot that `request` goes on with, for `reader`, and what is answered with
// it.
ReadSnapshot ReadOfChunk(NodeId reader, const RepairRequest& request, const SnapshotMeta& snapshot,
                         std::size_t bytes_max);
RepairResponse AnswerWithChunk(const SnapshotMeta& snapshot, const SnapshotRead& read);

}  // namespace grassdb

#endif  // GRASSDB_CORE_REPAIR_ANSWER_H_
