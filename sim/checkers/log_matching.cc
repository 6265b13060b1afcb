#include "sim/checkers/log_matching.h"

#include <algorithm>
#include <string>

#include "sim/violation.h"

namespace grassdb::sim {

LogMatching::Change LogMatching::Observe(std::uint32_t node, const Log& log) {
  Seen& seen = seen_[node];
  const Index last = log.last_index();
  const Index base = log.base_index();
  if (seen.last == last && seen.terms.size() > last.value() &&
      seen.terms[last.value()] == log.last_term()) {
    return {};
  }
  if (seen.terms.size() <= last.value()) seen.terms.resize(last.value() + 1);
  Change change;
  Index common = std::min(seen.last, last);
  while (common > base && seen.terms[common.value()] != log.TermAt(common)) common = common - 1;
  change.cut = common < seen.last && common >= base;
  if (common < base) common = base;  // the log begins anew behind a snapshot
  seen.terms[base.value()] = log.base_term();
  Term previous = *log.TermAt(common);
  for (Index index = common + 1; index <= last; ++index) {
    const Entry& entry = log.At(index);
    Add(node, entry, previous);
    seen.terms[index.value()] = entry.term;
    previous = entry.term;
  }
  if (common < last) change.first_new = common + 1;
  seen.last = last;
  return change;
}

void LogMatching::Add(std::uint32_t node, const Entry& entry, Term previous) {
  const std::uint64_t at = entry.index.value();
  if (first_.size() <= at) first_.resize(at + 1);
  Record* record = &first_[at];
  if (record->entry.index == Index()) {
    *record = {entry, previous};
    return;
  }
  if (record->entry.term != entry.term) {
    const auto [found, inserted] =
        others_.try_emplace({entry.index, entry.term}, Record{entry, previous});
    if (inserted) return;
    record = &found->second;
  }
  const std::string which = "entry (index " + Decimal(at) + ", term " +
                            Decimal(entry.term.value()) + ") of n" + Decimal(node + 1);
  GRASS_RULE("log matching", record->entry == entry,
             which + " differs from the one another log holds");
  GRASS_RULE("log matching", record->previous == previous,
             which + " follows term " + Decimal(previous.value()) + ", elsewhere it follows term " +
                 Decimal(record->previous.value()));
}

const Entry* LogMatching::Find(Index index, Term term) const {
  if (index.value() < first_.size() && first_[index.value()].entry.index == index &&
      first_[index.value()].entry.term == term) {
    return &first_[index.value()].entry;
  }
  const auto found = others_.find({index, term});
  return found == others_.end() ? nullptr : &found->second.entry;
}

}  // namespace grassdb::sim
