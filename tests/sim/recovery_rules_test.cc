// What a disk gives back beside what was durable on it: checkers/recovery.h, damage_noticed.h and
// durable_image.h.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/checkers/checkers.h"
#include "sim/checkers/damage_noticed.h"
#include "sim/checkers/durable_image.h"
#include "sim/checkers/log_matching.h"
#include "sim/checkers/recovery.h"
#include "tests/sim/logs.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

RecoveredState Recovered(const std::vector<std::uint64_t>& terms, std::uint64_t term = 0) {
  RecoveredState state;
  state.hard_state.term = Term(term);
  state.entries = PersistOf(terms).entries;
  return state;
}

TEST(RecoveryChecker, SeesWhatIsMissing) {
  const DurableImage image = ImageOfTerms({1, 1}, 1);
  const auto found = [&image](const RecoveredState& state, std::optional<DiskJob> job = {}) {
    return RuleBrokenBy([&] { Recovery::Check(0, image, job, state); });
  };
  EXPECT_EQ(found(Recovered({1, 1}, 1)), "");
  EXPECT_EQ(found(Recovered({1}, 1)), "recovery");
  EXPECT_EQ(found(Recovered({1, 1}, 0)), "recovery");
  EXPECT_EQ(found(Recovered({1, 1, 1}, 1)), "recovery") << "nobody wrote the third";
  RecoveredState behind_a_snapshot = Recovered({}, 1);
  behind_a_snapshot.snapshot = MetaOf(2, 1);
  behind_a_snapshot.base_index = Index(2);
  behind_a_snapshot.base_term = Term(1);
  EXPECT_EQ(found(behind_a_snapshot), "recovery") << "nobody took one";
}

TEST(RecoveryChecker, TakesTheUnfinishedJobWhollyPartlyOrNotAtAll) {
  const DurableImage image = ImageOfTerms({1, 1}, 1);
  Persist persist = PersistOf({2, 2}, 2);
  persist.hard_state = HardState{Term(2), NodeId()};
  const auto found = [&](const RecoveredState& state) {
    return RuleBrokenBy([&] { Recovery::Check(0, image, DiskJob(persist), state); });
  };
  EXPECT_EQ(found(Recovered({1, 1}, 1)), "");
  EXPECT_EQ(found(Recovered({1, 1}, 2)), "");
  EXPECT_EQ(found(Recovered({1, 2}, 2)), "");
  EXPECT_EQ(found(Recovered({1, 2, 2}, 2)), "");
  EXPECT_EQ(found(Recovered({}, 2)), "recovery");
  EXPECT_EQ(found(Recovered({1, 3}, 2)), "recovery");
}

TEST(RecoveryChecker, TakesTheUnfinishedCutOfARepairOrNone) {
  const DurableImage image = ImageOfTerms({1, 1, 1}, 1);
  const auto found = [&](const RecoveredState& state) {
    return RuleBrokenBy([&] {
      Recovery::Check(
          0, image, DiskJob(MendLog{.fill = {}, .cut_from = Index(3), .previous_term = {}}), state);
    });
  };
  EXPECT_EQ(found(Recovered({1, 1, 1}, 1)), "");
  EXPECT_EQ(found(Recovered({1, 1}, 1)), "");
  EXPECT_EQ(found(Recovered({1}, 1)), "recovery");
  EXPECT_EQ(found(Recovered({1, 1, 2}, 1)), "recovery");
}

TEST(RecoveryChecker, LetsDamageTakeASnapshotThatTheLogStandsInFor) {
  DurableImage image = ImageOfTerms({1, 1, 2}, 2);
  PublishSnapshot publish;
  publish.meta = MetaOf(2, 1);
  image.Apply(publish);
  const auto found = [&image](const std::vector<std::uint64_t>& terms, DamageMet met) {
    return RuleBrokenBy([&] { Recovery::Check(0, image, {}, Recovered(terms, 2), met); });
  };
  EXPECT_EQ(found({1, 1, 2}, DamageMet::kYes), "");
  EXPECT_EQ(found({1, 1, 2}, DamageMet::kNo), "recovery") << "nothing was damaged";
  EXPECT_EQ(found({1, 1}, DamageMet::kYes), "recovery") << "an entry is gone";
  EXPECT_EQ(found({1, 2, 2}, DamageMet::kYes), "recovery") << "what the snapshot stood for";
}

TEST(RecoveryChecker, SeesALossWithoutDamage) {
  EXPECT_EQ(RuleBrokenBy([] { Recovery::CheckLoss(0, DamageMet::kNo); }), "recovery");
  EXPECT_EQ(RuleBrokenBy([] { Recovery::CheckLoss(0, DamageMet::kYes); }), "");
}

TEST(RecoveryChecker, LetsASnapshotComeBackThatCouldNotBeRead) {
  DurableImage image = ImageOfTerms({1, 1, 2}, 2);
  PublishSnapshot publish;
  publish.meta = MetaOf(2, 1);
  image.Apply(publish);
  RecoveredState damaged = Recovered({2}, 2);
  damaged.base_index = Index(2);
  damaged.base_term = Term(1);
  damaged.entries[0].index = Index(3);
  damaged.damage.snapshot_lost = Index(2);
  const auto found = [&image](const RecoveredState& state, DamageMet met) {
    return RuleBrokenBy(
        [&] { Recovery::Check(0, image, {}, Recovery::Completed(image, {}, state), met); });
  };
  EXPECT_EQ(found(damaged, DamageMet::kYes), "");
  image = DurableImage::Of(Recovery::Completed(image, {}, damaged), image, {});
  Persist install;
  install.install = MetaOf(3, 2);
  image.Apply(install);
  RecoveredState mended = Recovered({}, 2);
  mended.base_index = Index(3);
  mended.base_term = Term(2);
  mended.snapshot = MetaOf(3, 2);
  EXPECT_EQ(found(mended, DamageMet::kNo), "");
  RecoveredState again = damaged;
  again.damage = {};
  again.snapshot = MetaOf(2, 1);
  EXPECT_EQ(found(again, DamageMet::kNo), "recovery") << "an older one is gone for good";
}

TEST(DamageChecker, SeesDamagedBytesThatAreTakenForGoodOnes) {
  const auto job = [](const absl::Status& status) {
    return RuleBrokenBy([&] { DamageNoticed::CheckJob(0, status); });
  };
  EXPECT_EQ(job(absl::OkStatus()), "damage is noticed");
  EXPECT_EQ(job(absl::DataLossError("a checksum is wrong")), "");
  LogMatching logs(2);
  logs.Observe(1, LogOf({1, 1}));
  const auto recovered = [&logs](std::string_view payload) {
    RecoveredState state = Recovered({1});
    state.entries[0].payload = Bytes(payload);
    return RuleBrokenBy([&] { DamageNoticed::CheckRecovered(0, state, logs); });
  };
  EXPECT_EQ(recovered("x"), "");
  EXPECT_EQ(recovered("y"), "damage is noticed");
}

TEST(DurableImage, ReplacesALogThatDoesNotMatchTheSnapshotInstalled) {
  DurableImage image = ImageOfTerms({1, 1, 1}, 2);
  Persist install;
  install.install = MetaOf(2, 1);
  image.Apply(install);
  EXPECT_EQ(image.last(), Index(3));
  install.install = MetaOf(3, 2);
  image.Apply(install);
  EXPECT_EQ(image.last(), Index(3));
  EXPECT_TRUE(image.Holds(Index(3), Term(2)));
  install.install = MetaOf(9, 2);
  image.Apply(install);
  EXPECT_EQ(image.last(), Index(9));
  EXPECT_FALSE(image.Holds(Index(10), Term(2)));
}

TEST(RecoveryChecker, TakesWhatADamagedDiskSaysIsLostForThere) {
  const DurableImage image = ImageOfTerms({1, 1, 2, 2, 3}, 3);
  RecoveredState state;
  state.hard_state = image.hard_state();
  for (const std::uint64_t term : {1u, 0u, 0u, 2u, 3u}) {
    state.entries.push_back(EntryOf(state.entries.size() + 1, term));
  }
  const auto broken = [&](LostRange range) {
    state.damage.lost = {range};
    return RuleBrokenBy(
        [&] { Recovery::Check(0, image, {}, Recovery::Completed(image, {}, state)); });
  };
  EXPECT_EQ(broken({.first = Index(2), .last = Index(4), .last_term = Term(2)}), "");
  EXPECT_EQ(broken({.first = Index(3), .last = Index(4), .last_term = Term(2)}), "recovery")
      << "the second one is lost as well, and is not said to be";
  state.entries[3].term = Term(3);
  EXPECT_EQ(broken({.first = Index(2), .last = Index(4), .last_term = Term(3)}), "recovery")
      << "what is lost ended with another term";
}

// Five entries of which the disk has lost all but the last one's term.
class LostAll : public ::testing::Test {
 protected:
  LostAll() {
    Do(PersistOf({1, 1, 1, 2, 3}));
    RecoveredState state = Recovered({0, 0, 0, 0, 3});
    state.damage.lost = {{.first = Index(1), .last = Index(5), .last_term = Term(3)}};
    checkers_.OnDamaged(0, state, DamageMet::kYes);
  }
  void Do(DiskJob job) {
    checkers_.OnDurableJobBegins(0, job);
    checkers_.OnDurableJobDone(0);
  }
  const std::vector<LostRange>& lost() const { return checkers_.DiskOf(0).lost; }

  Checkers checkers_{{NodeId(1)}, NodeOptions(), 1000, true};
};

TEST_F(LostAll, IsKeptBehindASnapshotThatACrashHasLeftInForce) {
  Persist install;
  install.install = MetaOf(3, 2);
  checkers_.OnDurableJobBegins(0, DiskJob(install));
  RecoveredState state = Recovered({0, 0, 0, 0, 3});
  state.entries.erase(state.entries.begin(), state.entries.begin() + 3);
  state.base_index = Index(3);
  state.base_term = Term(2);
  state.snapshot = install.install;
  state.damage.lost = {{.first = Index(4), .last = Index(5), .last_term = Term(3)}};
  EXPECT_EQ(RuleBrokenBy([&] { checkers_.OnDamaged(0, state, DamageMet::kYes); }), "");
  state.damage.lost.front().last_term = Term(2);
  state.entries.back().term = Term(2);
  EXPECT_EQ(RuleBrokenBy([&] { checkers_.OnDamaged(0, state, DamageMet::kYes); }), "recovery");
}

TEST_F(LostAll, IsLessByWhatARepairHasFilled) {
  Do(MendLog{.fill = {EntryOf(1, 1), EntryOf(2, 1)}, .cut_from = {}, .previous_term = {}});
  EXPECT_EQ(lost(),
            (std::vector<LostRange>{{.first = Index(3), .last = Index(5), .last_term = Term(3)}}));
  Do(MendLog{.fill = {EntryOf(5, 3)}, .cut_from = {}, .previous_term = Term(2)});
  EXPECT_EQ(lost(),
            (std::vector<LostRange>{{.first = Index(3), .last = Index(4), .last_term = Term(2)}}));
}

}  // namespace
}  // namespace grassdb::sim
