#include "sim/sites.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/run.h"
#include "sim/sweep.h"

namespace grassdb::sim {
namespace {

constexpr PerMillion kAlways = 1'000'000;

RunOptions Seconds(std::uint64_t seed, std::uint64_t rare_path_ppm) {
  RunOptions options;
  options.seed = seed;
  options.seconds = 2;
  options.edits["rare_path_ppm"] = rare_path_ppm;
  return options;
}

bool IsRarePath(std::size_t site) {
  return AllSites()[site]->kind == Site::Kind::kBuggify;
}

std::vector<std::size_t> RarePaths() {
  std::vector<std::size_t> paths;
  for (std::size_t i = 0; i < AllSites().size(); ++i) {
    if (IsRarePath(i)) paths.push_back(i);
  }
  return paths;
}

// Which rare paths a seed opens.
std::set<std::size_t> Open(std::uint64_t seed) {
  Recorder recorder;
  Sites sites(Keyed(seed), kAlways, &recorder);
  std::set<std::size_t> open;
  for (const std::size_t path : RarePaths()) {
    if (sites.Fires(path)) open.insert(path);
  }
  return open;
}

TEST(Sites, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  std::set<std::uint32_t> keys;
  for (const SiteEntry site : AllSites()) {
    EXPECT_TRUE(names.insert(site->name).second) << site->name << " is there twice";
    EXPECT_TRUE(keys.insert(KeyOfSite(site->name)).second) << site->name;
    EXPECT_STREQ(NameOfSite(KeyOfSite(site->name)), site->name);
  }
  EXPECT_GT(RarePaths().size(), 20u);
  EXPECT_GT(names.size(), RarePaths().size() + 50);
  EXPECT_EQ(NameOfSite(KeyOfSite("nowhere")), nullptr);
}

TEST(Sites, AQuarterOfTheRarePathsIsOpenAndAnotherOneInEachSeed) {
  std::size_t open = 0;
  std::map<std::size_t, int> seeds;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    for (const std::size_t path : Open(seed)) {
      ++open;
      ++seeds[path];
    }
    EXPECT_EQ(Open(seed), Open(seed));
  }
  const double share = static_cast<double>(open) / static_cast<double>(400 * RarePaths().size());
  EXPECT_NEAR(share, 0.25, 0.02);
  for (const std::size_t path : RarePaths()) EXPECT_NEAR(seeds[path], 100, 45);
}

TEST(Sites, FireAsOftenAsThePlanSays) {
  Recorder recorder;
  std::uint64_t seed = 1;
  while (Open(seed).empty()) ++seed;
  const std::size_t path = *Open(seed).begin();
  Sites sites(Keyed(seed), 100'000, &recorder);
  int fired = 0;
  for (std::uint32_t pass = 0; pass < 10'000; ++pass) {
    sites.BeginEvent(pass % 5);
    if (sites.Fires(path)) ++fired;
  }
  EXPECT_NEAR(fired, 1000, 150);
  EXPECT_EQ(recorder.reached[path], 1);
  sites.Stop();
  for (int pass = 0; pass < 1000; ++pass) EXPECT_FALSE(sites.Fires(path));
}

TEST(Sites, DecideByThePassesOfOneNodeAlone) {
  std::uint64_t seed = 1;
  while (Open(seed).empty()) ++seed;
  const std::size_t path = *Open(seed).begin();
  const auto decisions = [&](bool another_passes_too) {
    Recorder recorder;
    Sites sites(Keyed(seed), 300'000, &recorder);
    std::vector<bool> fired;
    for (int pass = 0; pass < 200; ++pass) {
      if (another_passes_too) {
        sites.BeginEvent(2);
        sites.Fires(path);
      }
      sites.BeginEvent(1);
      fired.push_back(sites.Fires(path));
    }
    return fired;
  };
  EXPECT_EQ(decisions(false), decisions(true));
}

TEST(Sites, WhatIsLeftOutOfAScheduleDoesNotFire) {
  std::uint64_t seed = 1;
  while (Open(seed).empty()) ++seed;
  const std::size_t path = *Open(seed).begin();
  Recorder recorder;
  std::vector<Decision> noted;
  recorder.choices.Use(nullptr, &noted);
  Sites sites(Keyed(seed), kAlways, &recorder);
  sites.BeginEvent(3);
  EXPECT_TRUE(sites.Fires(path));
  EXPECT_TRUE(sites.Fires(path));
  ASSERT_EQ(noted.size(), 2u);
  EXPECT_EQ(noted[1].about[0], KeyOfSite(AllSites()[path]->name));
  EXPECT_EQ(noted[1].about[1], 3u);
  EXPECT_EQ(noted[1].number, 2u);
  const std::vector<Decision> second = {noted[1]};
  recorder.choices.Use(&second, nullptr);
  Sites again(Keyed(seed), kAlways, &recorder);
  again.BeginEvent(3);
  EXPECT_EQ(recorder.reached[path], 0);
  EXPECT_FALSE(again.Fires(path));
  EXPECT_TRUE(again.Fires(path));
}

TEST(Sites, AreWatchedInARunOnly) {
  EXPECT_EQ(SiteWatch::Exchange(nullptr), nullptr);
  const RunResult result = RunSeed(Seconds(4, 0));
  EXPECT_EQ(result.reached.size(), AllSites().size());
  EXPECT_EQ(SiteWatch::Exchange(nullptr), nullptr);
}

TEST(Sites, RarePathsAreTakenIfThePlanSaysSoAndProbesReachedEitherWay) {
  std::uint64_t taken = 0;
  std::uint64_t probes = 0;  // a cluster of one may come by none
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const RunResult without = RunSeed(Seconds(seed, 0));
    const RunResult with = RunSeed(Seconds(seed, 250'000));
    EXPECT_TRUE(without.ok()) << without.report;
    EXPECT_TRUE(with.ok()) << with.report;
    for (std::size_t i = 0; i < AllSites().size(); ++i) {
      if (IsRarePath(i)) {
        EXPECT_EQ(without.reached[i], 0) << AllSites()[i]->name;
        taken += with.reached[i];
      } else {
        probes += without.reached[i];
      }
    }
  }
  EXPECT_GT(probes, 10u);
  EXPECT_GT(taken, 10u);
}

TEST(SiteTally, CountsSeedsAndNamesWhatNoneReached) {
  SiteTally tally;
  EXPECT_EQ(tally.Unreached().size(), AllSites().size());
  std::vector<std::uint8_t> reached(AllSites().size(), 1);
  reached[2] = 0;
  tally.Add(reached);
  tally.Add({});
  reached[3] = 0;
  tally.Add(reached);
  EXPECT_EQ(tally.Unreached(), std::vector<std::string>{AllSites()[2]->name});
  for (const SiteTally::Row& row : tally.Rows()) {
    const std::uint64_t seeds = row.name == AllSites()[2]->name   ? 0
                                : row.name == AllSites()[3]->name ? 1
                                                                  : 2;
    EXPECT_EQ(row.seeds, seeds) << row.name << " at " << row.where;
  }
}

TEST(SiteTally, IsTheSameWithAnyNumberOfWorkers) {
  SweepOptions options;
  options.last = 6;
  options.run.seconds = 1;
  const SweepResult one = Sweep(options, nullptr);
  options.jobs = 3;
  const SweepResult three = Sweep(options, nullptr);
  ASSERT_EQ(one.sites.Rows().size(), three.sites.Rows().size());
  std::uint64_t reached = 0;
  for (std::size_t i = 0; i < one.sites.Rows().size(); ++i) {
    EXPECT_EQ(one.sites.Rows()[i].seeds, three.sites.Rows()[i].seeds);
    reached += one.sites.Rows()[i].seeds;
  }
  EXPECT_GT(reached, 20u);
}

}  // namespace
}  // namespace grassdb::sim
