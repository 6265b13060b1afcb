#include "core/term_runs.h"

#include <vector>

#include "core/hash.h"
#include "tests/property.h"

namespace grassdb {
namespace {

RC_GTEST_PROP(TermRuns, AnswerAsAListOfTermsWould, (const std::vector<std::uint64_t>& ops)) {
  TermRuns runs;
  std::vector<Term> terms = {Term(0)};  // of the entries from `base` on, with the base's own
  Index base(0);
  for (const std::uint64_t op : ops) {
    const std::uint64_t pick = Mix(op);
    const Index last = base + (terms.size() - 1);
    if (op % 4 < 2) {
      terms.push_back(terms.back() + pick % 2);
      runs.Append(terms.back());
    } else if (op % 4 == 2) {
      const Index first = base + 1 + pick % terms.size();
      runs.CutFrom(first);
      terms.resize(first - base);
    } else {
      const std::uint64_t by = pick % terms.size();
      runs.ForgetThrough(base + by);
      terms.erase(terms.begin(), terms.begin() + static_cast<std::ptrdiff_t>(by));
      base = base + by;
    }
    RC_ASSERT(runs.last().index == base + (terms.size() - 1));
    RC_ASSERT(runs.last().term == terms.back());
    for (std::size_t i = 0; i < terms.size(); ++i) {
      RC_ASSERT(runs.TermAt(base + i) == terms[i]);
      if (i == 0) continue;
      std::size_t first = i;
      while (first > 1 && terms[first - 1] == terms[i]) --first;
      RC_ASSERT(runs.FirstOfRunAt(base + i) == base + first);
      const Term wanted = terms[pick % terms.size()];
      std::size_t end = i;
      while (end > 0 && terms[end] > wanted) --end;
      RC_ASSERT(runs.LastWithTermAtMost(base + i, wanted) == base + end);
    }
    RC_ASSERT(!runs.TermAt(runs.last().index + 1).has_value());
    if (base > Index(0)) RC_ASSERT(!runs.TermAt(base - 1).has_value());
    RC_ASSERT(last >= base);
  }
}

// Terms that fall, too: of lost entries.
RC_GTEST_PROP(TermRuns, KnowWhatIsSetInTheirMiddle, (const std::vector<std::uint64_t>& ops)) {
  TermRuns runs;
  runs.ResetTo({.index = Index(7), .term = Term(1)});
  std::vector<Term> terms;
  for (const std::uint64_t op : ops) {
    const std::uint64_t pick = Mix(op);
    if (terms.empty() || op % 3 == 0) {
      terms.emplace_back(pick % 3);
      runs.Append(terms.back());
    } else {
      const std::size_t at = pick % terms.size();
      terms[at] = Term(pick / 7 % 3);
      runs.Set(Index(8 + at), terms[at]);
    }
    RC_ASSERT(runs.last() == (LogPosition{.index = Index(7 + terms.size()), .term = terms.back()}));
    for (std::size_t i = 0; i < terms.size(); ++i) {
      RC_ASSERT(runs.TermAt(Index(8 + i)) == terms[i]);
      std::size_t first = i;
      while (first > 0 && terms[first - 1] == terms[i]) --first;
      RC_ASSERT(runs.FirstOfRunAt(Index(8 + i)) == Index(8 + first));
    }
  }
}

}  // namespace
}  // namespace grassdb
