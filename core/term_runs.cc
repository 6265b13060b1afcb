#include "core/term_runs.h"

#include <algorithm>

#include "core/check.h"

namespace grassdb {

void TermRuns::ResetTo(LogPosition base) {
  base_ = base;
  last_ = base.index;
  runs_.clear();
}

void TermRuns::Set(Index index, Term term) {
  const auto at = RunAt(index);
  if (at->term == term) return;
  const Index last = last_;
  std::vector<Run> behind;
  if (index < last) {
    const auto next = RunAt(index + 1);
    behind.push_back({.first = index + 1, .term = next->term});
    behind.insert(behind.end(), next + 1, runs_.cend());
  }
  CutFrom(index);
  Append(term);
  for (const Run& run : behind) {
    if (runs_.back().term != run.term) runs_.push_back(run);
  }
  last_ = last;
}

void TermRuns::CutFrom(Index first) {
  GRASS_CHECK_GT(first, base_.index);
  GRASS_CHECK_LE(first, last_ + 1);
  last_ = first - 1;
  while (!runs_.empty() && runs_.back().first > last_) runs_.pop_back();
}

void TermRuns::ForgetThrough(Index index) {
  const std::optional<Term> term = TermAt(index);
  GRASS_CHECK(term.has_value());
  base_ = {.index = index, .term = *term};
  const auto behind = std::find_if(runs_.begin(), runs_.end(),
                                   [index](const Run& run) { return run.first > index; });
  // The run that holds `index` goes on behind it, unless `index` was its last entry.
  const Index next = index + 1;
  const bool run_goes_on = next <= last_ && (behind == runs_.end() || behind->first > next);
  runs_.erase(runs_.begin(), behind);
  if (run_goes_on) runs_.insert(runs_.begin(), {.first = next, .term = *term});
}

std::vector<TermRuns::Run>::const_iterator TermRuns::RunAt(Index index) const {
  GRASS_CHECK_GT(index, base_.index);
  GRASS_CHECK_LE(index, last_);
  // Nearly always it is the newest one that is asked for.
  if (runs_.back().first <= index) return runs_.end() - 1;
  const auto behind = std::upper_bound(runs_.begin(), runs_.end(), index,
                                       [](Index at, const Run& run) { return at < run.first; });
  GRASS_CHECK(behind != runs_.begin());
  return behind - 1;
}

std::optional<Term> TermRuns::TermAt(Index index) const {
  if (index == base_.index) return base_.term;
  if (index < base_.index || index > last_) return std::nullopt;
  return RunAt(index)->term;
}

Index TermRuns::FirstOfRunAt(Index index) const {
  return RunAt(index)->first;
}

Index TermRuns::LastWithTermAtMost(Index at_most, Term term) const {
  if (at_most <= base_.index) return base_.index;
  const auto above =
      std::upper_bound(runs_.begin(), runs_.end(), term,
                       [](Term wanted, const Run& run) { return wanted < run.term; });
  const Index end = above == runs_.end() ? last_ : above->first - 1;
  return std::min(at_most, end);
}

}  // namespace grassdb
