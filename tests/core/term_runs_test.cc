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

}  // namespace
}  // namespace grassdb
