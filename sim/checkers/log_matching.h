// Log matching (thesis 3.5, figure 3.2): if two logs contain an entry with the same index and term,
// the logs are identical in all entries up to and including it.
//
// Held by induction: every entry that appears in any log, under its (index, term), must always have
// the same type and payload and the same term before it. Also keeps what every entry was, for the
// checkers that ask later, until no log holds it any more.
#ifndef GRASSDB_SIM_CHECKERS_LOG_MATCHING_H_
#define GRASSDB_SIM_CHECKERS_LOG_MATCHING_H_

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/entry.h"
#include "core/log.h"
#include "sim/checkers/by_index.h"

namespace grassdb::sim {

class LogMatching {
 public:
  explicit LogMatching(std::uint32_t nodes) : seen_(nodes) {}

  // How a node's log has changed since it was observed last.
  struct Change {
    bool cut = false;  // entries seen before are gone or replaced
    Index first_new;   // 0: nothing is new
  };
  // Looks at what is new in the log of `node` only.
  Change Observe(std::uint32_t node, const Log& log);
  // The node has lost its memory.
  void Forget(std::uint32_t node) { seen_[node] = Seen(); }

  // `entry` follows an entry of term `previous` in some log.
  void Add(std::uint32_t node, const Entry& entry, Term previous);
  // Null if no log ever held it, or it is let go of.
  const Entry* Find(Index index, Term term) const;

  // Where the log of `node` began when it was observed last; nullopt if it was empty or is lost.
  std::optional<Index> BaseOf(std::uint32_t node) const {
    const Seen& seen = seen_[node];
    return seen.last > Index() ? std::optional(seen.base) : std::nullopt;
  }
  // What lies below is not compared any more.
  void ReleaseBelow(Index index);
  std::size_t Bytes() const;

 private:
  struct Record {
    Entry entry;
    Term previous;
  };
  struct Seen {
    Index base;
    Index last;
    ByIndex<Term> terms;
  };

  std::vector<Seen> seen_;
  ByIndex<Record> first_;  // the first entry seen there
  Index released_;         // nothing is known below
  std::map<std::pair<Index, Term>, Record> others_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_LOG_MATCHING_H_
