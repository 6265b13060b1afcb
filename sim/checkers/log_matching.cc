#include "sim/checkers/log_matching.h"

#include <algorithm>
#include <string>

#include "sim/violation.h"

namespace grassdb::sim {

LogMatching::Change LogMatching::Observe(std::uint32_t node, const Log& log) {
  Seen& seen = seen_[node];
  const Index last = log.last_index();
  const Index base = log.base_index();
  seen.base = base;
  if (seen.last == last && last < seen.terms.end() && seen.terms.At(last) == log.last_term()) {
    return {};
  }
  Change change;
  Index common = std::min(seen.last, last);
  while (common > base && seen.terms.At(common) != log.TermAt(common)) common = common - 1;
  change.cut = common < seen.last && common >= base;
  if (common < base) common = base;  // the log begins anew behind a snapshot
  seen.terms.SetBase(base, log.base_term());
  Term previous = *log.TermAt(common);
  for (Index index = common + 1; index <= last; ++index) {
    const Term term = *log.TermAt(index);
    // Of a log that is longer than memory reaches at its node's start there are the terms.
    const Entry* known = log.IsEvicted(index) ? Find(index, term) : &log.At(index);
    if (known != nullptr) Add(node, *known, previous);
    seen.terms.Set(index, term);
    previous = term;
  }
  if (common < last) change.first_new = common + 1;
  seen.last = last;
  return change;
}

void LogMatching::Add(std::uint32_t node, const Entry& entry, Term previous) {
  // A late message, or a disk that was down for long, may bring it back.
  if (entry.index < released_) return;
  Record* record = &first_.Slot(entry.index);
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
  const std::string which = "entry (index " + Decimal(entry.index.value()) + ", term " +
                            Decimal(entry.term.value()) + ") of n" + Decimal(node + 1);
  GRASS_RULE("log matching", record->entry == entry,
             which + " differs from the one another log holds");
  GRASS_RULE("log matching", record->previous == previous,
             which + " follows term " + Decimal(previous.value()) + ", elsewhere it follows term " +
                 Decimal(record->previous.value()));
}

const Entry* LogMatching::Find(Index index, Term term) const {
  const Record& first = first_.At(index);
  if (first.entry.index == index && first.entry.term == term) return &first.entry;
  const auto found = others_.find({index, term});
  return found == others_.end() ? nullptr : &found->second.entry;
}

void LogMatching::ReleaseBelow(Index index) {
  released_ = std::max(released_, index);
  first_.ReleaseBelow(index);
  others_.erase(others_.begin(), others_.lower_bound({index, Term()}));
  for (Seen& seen : seen_) seen.terms.ReleaseBelow(std::min(index, seen.base));
}

std::size_t LogMatching::Bytes() const {
  std::size_t bytes = first_.Bytes() + others_.size() * sizeof(*others_.begin());
  for (Index index = first_.begin(); index < first_.end(); ++index) {
    bytes += first_.At(index).entry.payload.size();
  }
  for (const auto& [which, record] : others_) bytes += record.entry.payload.size();
  for (const Seen& seen : seen_) bytes += seen.terms.Bytes();
  return bytes;
}

}  // namespace grassdb::sim
