// The steps that only a damaged or a full disk makes necessary: mending the log, sealing one that
// is damaged, going on with the reserve and filling it again. A crash within every single operation
// of them, with every subset of what is unsynced then (crash_points_test.cc has the others).
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/hash.h"
#include "tests/sanitized.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

using Content = std::map<std::string, std::string>;

constexpr char kLive[] = "distdb_a.wal";
constexpr char kReserve[] = "distdb_a.reserve";
constexpr char kIdentity[] = "distdb_a.id";

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

// What is wrong with what a crash has left, in words.
using Judge = std::function<std::string(const Content&, const std::vector<Model>& allowed,
                                        std::uint64_t seed)>;

// With sanitizers only every seventh subset, begun with another one at each operation.
constexpr std::size_t kSubsetsApart = kSanitized ? 7 : 1;

// Returns at how many operations.
std::uint64_t CrashEverywhere(const Content& content, const std::string& where, const Steps& steps,
                              const Judge& judge = ProblemOf) {
  for (std::uint64_t point = 1;; ++point) {
    CrashDirectory directory(content);
    const std::vector<Model> allowed = steps(directory, point);
    if (!directory.stopped() || ::testing::Test::HasFailure()) return point - 1;
    const std::size_t unsynced = directory.Unsynced();
    EXPECT_LE(unsynced, 20u) << where << ", operation " << point;
    const std::vector<std::uint64_t> subsets = SubsetsOf(unsynced);
    for (std::size_t i = point % kSubsetsApart; i < subsets.size(); i += kSubsetsApart) {
      const std::uint64_t subset = subsets[i];
      EXPECT_EQ(judge(directory.AfterPowerLoss(subset), allowed, point * 1000 + subset), "")
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
          MendLog mend;
          mend.cut_from = from;
          if (!opened.ok()) return std::vector<Model>{damaged.model};
          const auto status = std::get<MendDone>(opened->storage->Execute(mend)).status;
          return status.ok() ? std::vector<Model>{cut} : std::vector<Model>{damaged.model, cut};
        });
    ASSERT_FALSE(HasFailure());
    EXPECT_GT(points, 3u);
  }
}

// Where the first batch of the live log begins.
std::size_t FirstBatch(const CrashDirectory& directory) {
  return static_cast<std::size_t>(ReadRecordClaim(directory.Content().at(kLive)).frame_bytes);
}

// Whether the first batch of the live log is the last one too: damaged, it would look like a torn
// write.
bool IsShort(const CrashDirectory& directory) {
  const std::string live = directory.Content().at(kLive);
  const std::size_t first = FirstBatch(directory);
  const std::uint64_t end =
      first + ReadRecordClaim(std::string_view(live).substr(first)).frame_bytes;
  return live.find_last_not_of('\0') < end + kRecordHeaderBytes;
}

// What a scrub finds in the live log is sealed, a snapshot is taken, and what it stands for goes.
TEST(StorageCrashSteps, RecoversFromEveryPointOfSealingADamagedLog) {
  std::uint64_t sealed = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const std::uint64_t points = CrashEverywhere(
        {}, "seed " + std::to_string(seed), [&](CrashDirectory& directory, std::uint64_t point) {
          History history(directory);
          std::string problem = history.Open();
          for (std::uint64_t i = 0; problem.empty() && (i < 6 || IsShort(directory)); ++i) {
            problem = history.Step(KeyedRandom(seed, i) / 16 * 16 + 7);
          }
          directory.Flip(kLive, FirstBatch(directory) + 40);
          directory.FailAt(point, Fault::kStop);
          std::string damage;
          for (int i = 0; i < 50 && problem.empty() && !history.down() && damage.empty(); ++i) {
            problem = history.Scrub(&damage);
          }
          EXPECT_FALSE(damage.empty() && !history.down()) << "seed " << seed;
          const auto segments = CountOf(directory.Content(), ".seg");
          for (std::uint64_t i = 0; i < 3 && problem.empty() && !history.down(); ++i) {
            problem = history.Step(KeyedRandom(seed, 100 + i) / 16 * 16 + (i == 1 ? 0 : 8));
          }
          EXPECT_EQ(problem, "");
          if (!directory.stopped() && segments > 0) ++sealed;
          return history.allowed();
        });
    ASSERT_FALSE(HasFailure());
    EXPECT_GT(points, 20u);
  }
  EXPECT_EQ(sealed, 3u);
}

// Scrubs until something is found, or the directory is stopped.
std::string ScrubUntilFound(History& history, std::string* damage) {
  std::string problem;
  for (int i = 0; i < 50 && problem.empty() && !history.down() && damage->empty(); ++i) {
    problem = history.Scrub(damage);
  }
  return problem;
}

// Until the new one has its name the damaged one is there, which a start refuses; the rest is
// whole.
TEST(StorageCrashSteps, LeavesTheDamagedOrAWholeIdentityAtEveryPointOfWritingItAnew) {
  std::string whole;
  std::string damaged;
  std::uint64_t refused = 0;
  const std::uint64_t points = CrashEverywhere(
      {}, "identity",
      [&](CrashDirectory& directory, std::uint64_t point) {
        History history(directory);
        std::string problem = history.Open();
        for (std::uint64_t i = 0; i < 4 && problem.empty(); ++i) {
          problem = history.Step(KeyedRandom(3, i) / 16 * 16 + 8);
        }
        whole = directory.Content().at(kIdentity);
        directory.Flip(kIdentity, 40);
        damaged = directory.Content().at(kIdentity);
        directory.FailAt(point, Fault::kStop);
        std::string damage;
        if (problem.empty()) problem = ScrubUntilFound(history, &damage);
        EXPECT_EQ(problem, "");
        EXPECT_TRUE(directory.stopped() || directory.Content().at(kIdentity) == whole);
        return history.allowed();
      },
      [&](const Content& files, const std::vector<Model>& allowed, std::uint64_t seed) {
        if (!files.contains(kIdentity)) return std::string("there is no identity");
        if (files.at(kIdentity) != damaged) return ProblemOf(files, allowed, seed);
        ++refused;
        CrashDirectory directory(files);
        const auto opened = Storage::Open(directory, Reporting(), TestIdentity());
        if (opened.ok()) return std::string("a damaged identity is taken");
        if (!IsRefusal(opened.status().ToString())) return opened.status().ToString();
        Content mended = files;
        mended[kIdentity] = whole;
        return ProblemOf(mended, allowed, seed);
      });
  EXPECT_GE(points, 4u);
  EXPECT_GT(refused, 0u);
}

TEST(StorageCrashSteps, RecoversFromEveryPointOfMarkingWhatIsDurable) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const std::uint64_t points = CrashEverywhere(
        {}, "seed " + std::to_string(seed), [&](CrashDirectory& directory, std::uint64_t point) {
          History history(directory);
          std::string problem = history.Open();
          directory.FailAt(point, Fault::kStop);
          for (std::uint64_t i = 0; i < 8 && problem.empty() && !history.down(); ++i) {
            problem = history.Step(KeyedRandom(seed, i));
            if (problem.empty() && !history.down()) problem = history.Mark();
          }
          EXPECT_EQ(problem, "");
          return history.allowed();
        });
    ASSERT_FALSE(HasFailure());
    EXPECT_GT(points, 30u);
  }
}

// A snapshot that a scrub has found damaged, and nothing new has come since.
TEST(StorageCrashSteps, RecoversFromEveryPointOfReplacingADamagedSnapshotByOneOfItsIndex) {
  const std::uint64_t points =
      CrashEverywhere({}, "snapshot", [&](CrashDirectory& directory, std::uint64_t point) {
        History history(directory);
        std::string problem = history.Open();
        for (std::uint64_t i = 0; i < 8 && problem.empty(); ++i) {
          problem = history.Step(KeyedRandom(9, i) / 16 * 16 + (i == 5 ? 0 : 8));
        }
        EXPECT_EQ(problem, "");
        const Model model = history.model();
        for (const auto& [name, bytes] : directory.Content()) {
          if (name.ends_with(".snap")) directory.Flip(name, bytes.size() / 2);
        }
        std::string damage;
        EXPECT_EQ(ScrubUntilFound(history, &damage), "");
        EXPECT_NE(damage, "");
        directory.FailAt(point, Fault::kStop);
        StageSnapshot stage;
        stage.meta = *model.snapshot;
        stage.last = true;
        stage.data = Bytes(model.stream);
        Storage& storage = history.storage();
        if (std::get<StageDone>(storage.Execute(stage)).status.ok()) {
          const PublishSnapshot publish{
              .meta = stage.meta, .release_through = stage.meta.index, .mends = true};
          const auto done = std::get<PublishDone>(storage.Execute(publish));
          EXPECT_EQ(done.status.ok(), !directory.stopped());
        }
        // Where the log reaches back to its beginning, nobody needs the damaged one.
        Model without = model;
        without.snapshot.reset();
        return std::vector<Model>{without, model};
      });
  EXPECT_GT(points, 4u);
}

// The disk is full: the reserve becomes the live log, for what takes nothing more; there is room
// again, and the reserve is filled, with zeros or by a released segment.
class FullDisk {
 public:
  FullDisk(CrashDirectory& directory, NoRoom told)
      : directory_(directory), told_(told), history_(directory) {}

  std::vector<Model> Run(std::uint64_t point) {
    problem_ = history_.Open();
    for (std::uint64_t i = 0; i < 5; ++i) Step(i, 8);
    directory_.FailAt(point, Fault::kStop);
    UseUp();
    directory_.LimitRoom(UINT64_MAX);
    RestockAll();
    Step(50, 8);
    UseUp();
    directory_.LimitRoom(UINT64_MAX);
    for (std::uint64_t i = 0; i < 3; ++i) Step(60 + i, 0);  // snapshots, which release segments
    RestockAll();
    Step(70, 8);
    EXPECT_EQ(problem_, "");
    return history_.allowed();
  }
  // Of a run without a crash.
  bool used_reserve() const { return used_; }
  bool restocked() const { return restocked_; }
  bool reused() const { return reused_; }

 private:
  bool goes_on() const { return problem_.empty() && !history_.down(); }
  bool HoldsReserve() const { return directory_.Content().contains(kReserve); }
  void Step(std::uint64_t number, std::uint64_t kind) {
    if (goes_on()) problem_ = history_.Step(KeyedRandom(5, number) / 16 * 16 + kind);
  }
  // By votes, which take whatever there is.
  void UseUp() {
    directory_.LimitRoom(0, told_);
    for (std::uint64_t i = 0; i < 60 && goes_on() && HoldsReserve(); ++i) {
      Step(100 + i, i % 3 == 0 ? 8 : 5);
    }
    used_ = used_ || (goes_on() && !HoldsReserve());
  }
  void RestockAll() {
    bool more = true;
    while (more && goes_on()) {
      const bool held = HoldsReserve();
      const std::size_t free = CountOf(directory_.Content(), ".free");
      problem_ = history_.Restock(&more);
      if (held || !goes_on() || !HoldsReserve()) continue;
      restocked_ = true;
      reused_ = reused_ || CountOf(directory_.Content(), ".free") < free;
    }
  }

  CrashDirectory& directory_;
  NoRoom told_;
  History history_;
  std::string problem_;
  bool used_ = false;
  bool restocked_ = false;
  bool reused_ = false;
};

TEST(StorageCrashSteps, RecoversFromEveryPointOfAFullDiskAndOfItsEnd) {
  for (const NoRoom told : {NoRoom::kAtTheWrite, NoRoom::kAtTheSync}) {
    bool used = false;
    bool restocked = false;
    bool reused = false;
    const std::uint64_t points =
        CrashEverywhere({}, told == NoRoom::kAtTheWrite ? "told by writes" : "told by syncs",
                        [&](CrashDirectory& directory, std::uint64_t point) {
                          FullDisk full(directory, told);
                          const std::vector<Model> allowed = full.Run(point);
                          used = used || full.used_reserve();
                          restocked = restocked || full.restocked();
                          reused = reused || full.reused();
                          return allowed;
                        });
    ASSERT_FALSE(HasFailure());
    EXPECT_GT(points, 50u);
    EXPECT_TRUE(used) << "the live log goes on in what was the reserve";
    EXPECT_TRUE(restocked);
    EXPECT_TRUE(reused) << "a released segment becomes the reserve";
  }
}

}  // namespace
}  // namespace grassdb::store
