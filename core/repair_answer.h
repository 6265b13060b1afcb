// What a log has to say to a node that has lost part of its own (core/repair.h). The same for a
// running node and for one that repairs itself.
#ifndef GRASSDB_CORE_REPAIR_ANSWER_H_
#define GRASSDB_CORE_REPAIR_ANSWER_H_

#include <algorithm>
#include <cstddef>
#include <optional>

#include "core/chunk.h"
#include "core/entry.h"
#include "core/message.h"
#include "core/probe.h"
#include "core/types.h"

namespace grassdb {

// `log` gives: base_index(), last_index(), commit_index(), standing(); TermAt(Index), nullopt if
// outside or not known; and Find(Index), null if the entry is outside or lost.
template <class LogView>
class RepairAnswerer {
 public:
  // At most so many bytes of entries, but one entry at least.
  RepairAnswerer(const LogView& log, std::size_t bytes_max) : log_(log), bytes_max_(bytes_max) {}

  RepairResponse Answer(const RepairRequest& request) const {
    RepairResponse answer;
    answer.first = request.first;
    answer.last = request.last;
    answer.last_term = request.last_term;
    answer.verdict = Judge(request, answer);
    answer.checksum = ChecksumOf(answer);
    return answer;
  }

 private:
  RepairVerdict Judge(const RepairRequest& request, RepairResponse& answer) const {
    const Index first = request.first;
    if (first <= log_.base_index()) return RepairVerdict::kReleased;
    const Index held = LastOfTerm(request);
    if (held >= first && Take(first, held, answer)) return RepairVerdict::kHeld;
    const Index committed = std::min(request.last, log_.commit_index());
    if (committed >= first && Take(first, committed, answer)) return RepairVerdict::kCommitted;
    return IsAbsent(request) ? RepairVerdict::kAbsent : RepairVerdict::kUnknown;
  }

  // The last entry of the range that has its last term: it is of the same leader as the lost one,
  // whose log up to there was the same. 0: there is none.
  Index LastOfTerm(const RepairRequest& request) const {
    Index index = std::min(request.last, log_.last_index());
    for (; index >= request.first; index = index - 1) {
      const std::optional<Term> term = log_.TermAt(index);
      if (term == request.last_term) return index;
      if (term.has_value() && *term < request.last_term) break;
    }
    return Index();
  }

  bool Take(Index first, Index through, RepairResponse& answer) const {
    const std::optional<Term> previous = log_.TermAt(first - 1);
    if (!previous.has_value()) return false;
    std::size_t bytes = 0;
    for (Index index = first; index <= through; ++index) {
      const Entry* entry = log_.Find(index);
      if (entry == nullptr) break;
      bytes += CostOf(*entry);
      if (bytes > bytes_max_ && !answer.entries.empty()) break;
      answer.entries.push_back(*entry);
      if (GRASS_BUGGIFY("repair: a single entry")) break;
    }
    answer.previous_term = *previous;
    return !answer.entries.empty();
  }

  bool IsAbsent(const RepairRequest& request) const {
    if (log_.standing() != Standing::kProven) return false;
    if (request.first > log_.last_index()) return true;
    const std::optional<Term> term = log_.TermAt(request.first);
    return term.has_value() && (*term < request.previous_term || *term > request.last_term);
  }

  const LogView& log_;
  const std::size_t bytes_max_;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_REPAIR_ANSWER_H_
