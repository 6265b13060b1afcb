#include "core/log.h"

#include <deque>

#include "tests/property.h"

namespace grassdb {
namespace {

Entry MakeEntry(std::uint64_t index, std::uint64_t term, std::size_t size = 1) {
  return Entry{.index = Index(index),
               .term = Term(term),
               .type = EntryType::kCommand,
               .payload = Bytes(std::string(size, 'x'))};
}

Log MakeLog(std::uint64_t base, std::uint64_t base_term, const std::vector<std::uint64_t>& terms) {
  std::vector<Entry> entries;
  for (const std::uint64_t term : terms) {
    entries.push_back(MakeEntry(base + entries.size() + 1, term));
  }
  return Log(Index(base), Term(base_term), std::move(entries));
}

TEST(Log, KnowsTheTermOfItsBaseAndNothingBeforeIt) {
  const Log log = MakeLog(5, 2, {3, 3});
  EXPECT_EQ(log.TermAt(Index(5)), Term(2));
  EXPECT_EQ(log.TermAt(Index(6)), Term(3));
  EXPECT_FALSE(log.TermAt(Index(4)).has_value());
  EXPECT_FALSE(log.TermAt(Index(8)).has_value());
  EXPECT_EQ(log.last_index(), Index(7));
}

TEST(Log, AnEmptyLogBehindASnapshotStillHasALastTerm) {
  const Log log = MakeLog(9, 4, {});
  EXPECT_EQ(log.last_index(), Index(9));
  EXPECT_EQ(log.last_term(), Term(4));
}

TEST(Log, ComparesByTermFirstAndThenByLength) {
  const Log log = MakeLog(0, 0, {1, 2, 2});
  EXPECT_TRUE(log.IsUpToDate(Index(3), Term(2)));
  EXPECT_TRUE(log.IsUpToDate(Index(1), Term(3)));
  EXPECT_FALSE(log.IsUpToDate(Index(9), Term(1)));
  EXPECT_FALSE(log.IsUpToDate(Index(2), Term(2)));
}

TEST(Log, ASliceHasAtLeastOneEntryHoweverLarge) {
  Log log;
  log.Append(MakeEntry(1, 1, 5000));
  log.Append(MakeEntry(2, 1, 10));
  EXPECT_EQ(log.Slice(Index(1), 100, 100).size(), 1u);
  EXPECT_EQ(log.Slice(Index(1), 100, 10000).size(), 2u);
  EXPECT_EQ(log.Slice(Index(1), 1, 10000).size(), 1u);
  EXPECT_TRUE(log.Slice(Index(3), 100, 10000).empty());
}

TEST(Log, SharesPayloadsWithItsSlices) {
  Log log;
  log.Append(MakeEntry(1, 1, 100));
  EXPECT_EQ(log.Slice(Index(1), 1, 1)[0].payload.view().data(),
            log.At(Index(1)).payload.view().data());
}

TEST(Log, ForgetsEvictedEntriesButNotTheirTerms) {
  Log log = MakeLog(0, 0, {1, 1, 2, 2, 3});
  log.EvictThrough(Index(3));
  EXPECT_EQ(log.evicted_through(), Index(3));
  EXPECT_TRUE(log.IsEvicted(Index(1)));
  EXPECT_FALSE(log.IsEvicted(Index(4)));
  EXPECT_EQ(log.base_index(), Index(0));
  EXPECT_EQ(log.TermAt(Index(3)), Term(2));
  EXPECT_EQ(log.bytes(), 2 * CostOf(log.At(Index(4))));
  EXPECT_DEATH((void)log.At(Index(3)), "");
  EXPECT_DEATH((void)log.Slice(Index(3), 1, 1), "");
  log.TruncateFrom(Index(4));
  EXPECT_EQ(log.last_index(), Index(3));
  log.ReleaseThrough(Index(2));
  EXPECT_EQ(log.base_term(), Term(1));
  EXPECT_EQ(log.bytes(), 0u);
  log.Append(MakeEntry(4, 5));
  EXPECT_EQ(log.At(Index(4)).term, Term(5));
}

TEST(Log, CutsEvictedEntriesToo) {
  Log log = MakeLog(0, 0, {1, 1, 2, 2, 3, 3});
  const std::size_t cost = CostOf(log.At(Index(1)));
  log.EvictThrough(Index(2));
  log.EvictThrough(Index(5));
  log.TruncateFrom(Index(4));
  EXPECT_EQ(log.last_index(), Index(3));
  EXPECT_EQ(log.last_term(), Term(2));
  EXPECT_EQ(log.evicted_through(), Index(3));
  EXPECT_EQ(log.bytes(), 0u);
  EXPECT_EQ(log.EvictedBytesBehind(Index(2)), 3 * cost) << "as coarsely as it knows";
  EXPECT_EQ(log.EvictedBytesBehind(Index(3)), 0u);
  log.Append(MakeEntry(4, 5));
  EXPECT_EQ(log.At(Index(4)).term, Term(5));
  log.TruncateFrom(Index(1));
  EXPECT_EQ(log.last_index(), Index(0));
  EXPECT_EQ(log.EvictedBytesBehind(Index(0)), 0u);
}

// As a start finds it, of which not all was to be held in memory.
TEST(Log, BeginsWithEntriesThatAreOnTheDiskOnly) {
  const LogPosition base{.index = Index(5), .term = Term(2)};
  EvictedEntries evicted;
  EXPECT_TRUE(evicted.empty());
  const std::size_t cost = CostOf(MakeEntry(6, 3));
  for (std::uint64_t index = 6; index <= 8; ++index) evicted.Add(base, MakeEntry(index, 3));
  evicted.evictions.Add(Index(8), 3 * cost);
  const Log log(base, evicted, {MakeEntry(9, 3), MakeEntry(10, 4)});
  EXPECT_EQ(log.base_index(), Index(5));
  EXPECT_EQ(log.evicted_through(), Index(8));
  EXPECT_EQ(log.TermAt(Index(5)), Term(2));
  EXPECT_EQ(log.TermAt(Index(7)), Term(3));
  EXPECT_EQ(log.At(Index(9)).term, Term(3));
  EXPECT_EQ(log.last_index(), Index(10));
  EXPECT_EQ(log.bytes(), 2 * cost);
  EXPECT_EQ(log.NewestBytes(Index(10), 4 * cost), Index(8));
  EXPECT_EQ(log.NewestBytes(Index(10), 5 * cost), Index(5));
}

TEST(Log, EvictedEntriesOfAStartKeepTheirConfigurations) {
  Entry configuration = MakeEntry(2, 1, 10);
  configuration.type = EntryType::kConfiguration;
  EvictedEntries evicted;
  evicted.Add(LogPosition(), MakeEntry(1, 1));
  evicted.Add(LogPosition(), configuration);
  evicted.Add(LogPosition(), MakeEntry(3, 2));
  evicted.evictions.Add(Index(3), 100);
  EXPECT_EQ(evicted.configurations, std::vector<Entry>{configuration});
  evicted.CutBehind(Index(2));
  EXPECT_EQ(evicted.last(), (LogPosition{.index = Index(2), .term = Term(1)}));
  EXPECT_EQ(evicted.configurations.size(), 1u);
  evicted.CutBehind(Index(1));
  EXPECT_TRUE(evicted.configurations.empty());
  EXPECT_EQ(evicted.evictions.BytesBehind(Index(0)), 100u);
  evicted.CutBehind(Index(0));
  EXPECT_TRUE(evicted.empty());
  EXPECT_EQ(evicted.evictions.BytesBehind(Index(0)), 0u);
}

TEST(Log, KnowsWhichEntriesAreBeyondTheMemoryForIt) {
  Log log = MakeLog(0, 0, std::vector<std::uint64_t>(10, 1));
  const std::size_t cost = CostOf(log.At(Index(1)));
  EXPECT_EQ(log.OldestBeyond(10 * cost), Index(0));
  EXPECT_EQ(log.OldestBeyond(10 * cost - 1), Index(1));
  EXPECT_EQ(log.OldestBeyond(3 * cost), Index(7));
  EXPECT_EQ(log.OldestBeyond(0), Index(10));
  log.EvictThrough(Index(6));
  EXPECT_EQ(log.OldestBeyond(10 * cost), Index(6));
  EXPECT_EQ(log.OldestBeyond(3 * cost), Index(7));
}

// Also of what it has evicted, as coarsely as it has.
TEST(Log, KnowsHowFarBackTheNewestBytesReach) {
  Log log = MakeLog(0, 0, std::vector<std::uint64_t>(10, 1));
  const std::size_t cost = CostOf(log.At(Index(1)));
  EXPECT_EQ(log.NewestBytes(Index(10), 3 * cost), Index(7));
  EXPECT_EQ(log.NewestBytes(Index(8), 3 * cost), Index(5));
  EXPECT_EQ(log.NewestBytes(Index(10), 100 * cost), Index(0));
  EXPECT_EQ(log.NewestBytes(Index(10), 0), Index(10));
  log.EvictThrough(Index(4));
  log.EvictThrough(Index(6));
  EXPECT_EQ(log.NewestBytes(Index(10), 3 * cost), Index(7));
  EXPECT_EQ(log.NewestBytes(Index(10), 5 * cost), Index(6));
  EXPECT_EQ(log.NewestBytes(Index(10), 6 * cost), Index(4));
  EXPECT_EQ(log.NewestBytes(Index(10), 9 * cost), Index(4));
  EXPECT_EQ(log.NewestBytes(Index(10), 10 * cost), Index(0));
  EXPECT_EQ(log.NewestBytes(Index(4), 3 * cost), Index(4)) << "behind it is another eviction";
  EXPECT_EQ(log.NewestBytes(Index(4), 4 * cost), Index(0));
  log.ReleaseThrough(Index(4));
  EXPECT_EQ(log.NewestBytes(Index(10), 100 * cost), Index(4));
  EXPECT_EQ(log.NewestBytes(Index(3), 100 * cost), Index(3)) << "all of it is released";
}

// Random appends, cuts, evictions and releases against a plain model.
RC_GTEST_PROP(Log, BehavesAsAPlainListOfTerms, ()) {
  Log log;
  std::uint64_t base = 0;
  std::uint64_t base_term = 0;
  std::uint64_t evicted = 0;
  std::deque<std::uint64_t> model;
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
  for (const int step : steps) {
    const std::uint64_t last_term = model.empty() ? base_term : model.back();
    if (step < 60 || model.empty()) {
      const std::uint64_t term = std::max<std::uint64_t>(1, last_term + (step % 5 == 0 ? 1 : 0));
      log.Append(MakeEntry(base + model.size() + 1, term, static_cast<std::size_t>(step)));
      model.push_back(term);
    } else if (step < 75) {
      const auto keep = static_cast<std::size_t>(step) % model.size();
      log.TruncateFrom(Index(base + keep + 1));
      model.resize(keep);
      evicted = std::min(evicted, base + keep);
    } else if (step < 85) {
      evicted = std::max(evicted, base + static_cast<std::size_t>(step) % (model.size() + 1));
      log.EvictThrough(Index(evicted));
    } else {
      const auto release = static_cast<std::size_t>(step) % (model.size() + 1);
      if (release == 0) continue;
      base_term = model[release - 1];
      base += release;
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(release));
      log.ReleaseThrough(Index(base));
    }
    evicted = std::max(evicted, base);
    RC_ASSERT(log.evicted_through() == Index(evicted));
    RC_ASSERT(log.base_index() == Index(base));
    RC_ASSERT(log.last_index() == Index(base + model.size()));
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < model.size(); ++i) {
      const Index index(base + i + 1);
      RC_ASSERT(log.TermAt(index) == Term(model[i]));
      if (index > Index(evicted)) bytes += CostOf(log.At(index));
      std::size_t first = i;
      while (first > 0 && model[first - 1] == model[i]) --first;
      RC_ASSERT(log.FirstIndexOfTermAt(index) == Index(base + first + 1));
      std::uint64_t last = base;
      for (std::size_t j = 0; j <= i; ++j) {
        if (model[j] <= model[i]) last = base + j + 1;
      }
      RC_ASSERT(log.LastIndexWithTermAtMost(index, Term(model[i])) == Index(last));
    }
    RC_ASSERT(log.bytes() == bytes);
  }
}

}  // namespace
}  // namespace grassdb
