// Mending a damaged log in its place, by filling what is lost or by cutting it. A crash within
// every single operation of that, with every subset of what is unsynced then (crash_points_test.cc
// has the steps of a whole log).
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/hash.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

using Content = std::map<std::string, std::string>;

std::size_t CountOf(const Content& content, std::string_view ending) {
  return static_cast<std::size_t>(std::ranges::count_if(
      content, [ending](const auto& file) { return file.first.ends_with(ending); }));
}

// The log can be gone on with, and what comes then is durable.
std::string UseProblem(CrashDirectory& directory, Model model, std::uint64_t seed) {
  if (model.snapshot.has_value()) model.released = model.snapshot->index;
  Persist persist;
  persist.id = PersistId(1);
  persist.hard_state = {.term = model.hard_state.term + 1, .voted_for = NodeId(3)};
  persist.entries.push_back({.index = model.last().index + 1,
                             .term = persist.hard_state->term,
                             .type = EntryType::kCommand,
                             .payload = BytesOf(seed, 700)});
  {
    auto opened = Storage::Open(directory, TinySegments(), TestIdentity());
    if (!opened.ok()) return "to be used: " + opened.status().ToString();
    model.Apply(persist, "");
    const auto done = std::get<PersistDone>(opened->storage->Execute(std::move(persist)));
    if (!done.status.ok()) return "in use: " + done.status.ToString();
  }
  directory.CrashNow(Crash::kPower, seed);
  auto opened = Storage::Open(directory, TinySegments(), TestIdentity());
  if (!opened.ok()) return "after use: " + opened.status().ToString();
  return Difference(opened->state, *opened->storage, model);
}

// What a crash has left, with what is lost given back by the others, is one of `allowed`.
std::string ProblemOf(const Content& files, const std::vector<Model>& allowed, std::uint64_t seed) {
  std::string problem;
  for (const Model& model : allowed) {
    CrashDirectory directory(files);
    std::uint64_t mended = 0;
    const std::string found = OpenAndMend(directory, TinySegments(), model, seed, &mended);
    if (found.empty()) return UseProblem(directory, model, seed);
    problem += (problem.empty() ? "" : "; nor: ") + found;
  }
  return problem;
}

// Goes through its steps, with the crash at the operation `point` of those that are meant; returns
// what recovery may find.
using Steps = std::function<std::vector<Model>(CrashDirectory&, std::uint64_t point)>;

// Returns at how many operations.
std::uint64_t CrashEverywhere(const Content& content, const std::string& where,
                              const Steps& steps) {
  for (std::uint64_t point = 1;; ++point) {
    CrashDirectory directory(content);
    const std::vector<Model> allowed = steps(directory, point);
    if (!directory.stopped() || ::testing::Test::HasFailure()) return point - 1;
    const std::size_t unsynced = directory.Unsynced();
    EXPECT_LE(unsynced, 20u) << where << ", operation " << point;
    for (const std::uint64_t subset : SubsetsOf(unsynced)) {
      EXPECT_EQ(ProblemOf(directory.AfterPowerLoss(subset), allowed, point * 1000 + subset), "")
          << where << ", operation " << point << ", of " << unsynced
          << " unsynced things the subset " << subset << " was left";
      if (::testing::Test::HasFailure()) return point;
    }
  }
}

StorageOptions Reporting() {
  StorageOptions options = TinySegments();
  options.on_damage = OnDamage::kReport;
  return options;
}

// A log of which some entries cannot be read any more.
struct Damaged {
  Content content;
  Model model;
  std::vector<LostRange> lost;
};

std::vector<Damaged> DamagedLogs(std::size_t count) {
  std::vector<Damaged> logs;
  for (std::uint64_t seed = 1; logs.size() < count; ++seed) {
    CrashDirectory directory;
    History history(directory);
    EXPECT_EQ(history.Open(), "");
    for (std::uint64_t i = 0; i < 14; ++i) EXPECT_EQ(history.Step(KeyedRandom(seed, i)), "");
    history.CrashNow(Crash::kProcess, 1);
    Damaged damaged{.content = directory.Content(), .model = history.model(), .lost = {}};
    std::string& bytes = std::ranges::find_if(damaged.content, [seed](const auto& file) {
                           return file.first.ends_with(seed % 3 == 0 ? ".wal" : ".seg");
                         })->second;
    if (CountOf(damaged.content, ".seg") == 0) continue;
    bytes[bytes.find_last_not_of('\0') / 2] ^= 16;
    CrashDirectory copy(damaged.content);
    const auto opened = Storage::Open(copy, Reporting(), TestIdentity());
    if (!opened.ok() || opened->state.damage.snapshot_lost > Index(0)) continue;
    damaged.lost = opened->state.damage.lost;
    if (damaged.lost.empty() || damaged.lost.front().first <= damaged.model.start.index) continue;
    logs.push_back(std::move(damaged));
  }
  return logs;
}

// One entry at a time, so that there is many a state between.
void Fill(Storage& storage, const Damaged& damaged) {
  for (const LostRange& range : damaged.lost) {
    for (Index next = range.first; next <= range.last; ++next) {
      MendLog mend;
      mend.fill.push_back(damaged.model.entries[next - damaged.model.start.index - 1]);
      if (!std::get<MendDone>(storage.Execute(std::move(mend))).status.ok()) return;
    }
  }
}

TEST(StorageCrashSteps, RecoversFromEveryPointOfMendingTheLogInPlace) {
  std::uint64_t points = 0;
  std::uint64_t rotated = 0;
  for (const Damaged& damaged : DamagedLogs(8)) {
    points += CrashEverywhere(
        damaged.content, "mending", [&](CrashDirectory& directory, std::uint64_t point) {
          directory.FailAt(point, Fault::kStop);
          auto opened = Storage::Open(directory, Reporting(), TestIdentity());
          EXPECT_EQ(opened.ok(), !directory.stopped()) << opened.status();
          if (opened.ok()) Fill(*opened->storage, damaged);
          const auto segments = CountOf(directory.Content(), ".seg");
          if (!directory.stopped() && segments > CountOf(damaged.content, ".seg")) ++rotated;
          return std::vector<Model>{damaged.model};
        });
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(points, 100u);
  EXPECT_GT(rotated, 0u) << "for want of room in the live log";
}

TEST(StorageCrashSteps, RecoversFromEveryPointOfCuttingALogWhoseEndIsLost) {
  for (const Damaged& damaged : DamagedLogs(8)) {
    const Index from = damaged.lost.front().first;
    Model cut = damaged.model;
    cut.entries.resize(from - cut.start.index - 1);
    const std::uint64_t points = CrashEverywhere(
        damaged.content, "cutting", [&](CrashDirectory& directory, std::uint64_t point) {
          directory.FailAt(point, Fault::kStop);
          auto opened = Storage::Open(directory, Reporting(), TestIdentity());
          EXPECT_EQ(opened.ok(), !directory.stopped()) << opened.status();
          const MendLog mend{.fill = {}, .cut_from = from};
          if (!opened.ok()) return std::vector<Model>{damaged.model};
          const auto status = std::get<MendDone>(opened->storage->Execute(mend)).status;
          return status.ok() ? std::vector<Model>{cut} : std::vector<Model>{damaged.model, cut};
        });
    ASSERT_FALSE(HasFailure());
    EXPECT_GT(points, 3u);
  }
}

}  // namespace
}  // namespace grassdb::store
