#include "sim/fault_atlas.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "sim/run.h"
#include "sim/schedule.h"
#include "store/record.h"
#include "tests/sanitized.h"

namespace grassdb::sim {
namespace {

using store::RecordBuilder;
using store::RecordSequence;
using store::RecordType;
using store::Salt;

void AddRecord(std::uint64_t sequence, std::size_t bytes, std::string* log,
               std::uint64_t salt = 7) {
  const std::string payload(bytes, 'p');
  RecordBuilder record;
  record.Start(RecordType::kBatch);
  record.Add(payload);
  for (const std::string_view part : record.Finish(RecordSequence(sequence), Salt(salt))) {
    log->append(part);
  }
}

Extent NewestIn(const std::string& log, const char* name = "distdb_n1.wal") {
  return FaultAtlas::NewestRecord("n1", name, log);
}

TEST(FaultAtlas, KnowsTheNewestRecordOfALiveLog) {
  std::string log;
  EXPECT_TRUE(NewestIn(log).empty());
  AddRecord(1, 64, &log);
  const std::size_t first = log.size();
  AddRecord(2, 100, &log);
  const std::size_t second = log.size();
  AddRecord(1, 10, &log);              // an older one
  AddRecord(3, 10, &log, /*salt=*/8);  // of another file
  log.resize(4096);
  EXPECT_EQ(NewestIn(log).begin, first);
  EXPECT_EQ(NewestIn(log).end, second);
  EXPECT_FALSE(NewestIn(log, "distdb_n1.next").empty());
  EXPECT_TRUE(NewestIn(log, "distdb_n1.00000000000000000001.seg").empty()) << "its seal says so";
  EXPECT_TRUE(NewestIn(log, "distdb_n2.wal").empty()) << "another node's";
}

TEST(FaultAtlas, KnowsTheNewestRecordOfALogThatWasMended) {
  std::string log;
  AddRecord(1, 64, &log);
  const std::size_t first = log.size();
  AddRecord(9, 64, &log);
  EXPECT_EQ(NewestIn(log).begin, first);
}

TEST(FaultAtlas, LetsTheNewestRecordBeDamagedIfTheMarkCoversIt) {
  std::string log;
  AddRecord(1, 64, &log);
  const std::size_t first = log.size();
  AddRecord(2, 100, &log);
  const auto newest = [&log](std::uint64_t marked) {
    return FaultAtlas::NewestRecord("n1", "distdb_n1.wal", log, RecordSequence(marked));
  };
  EXPECT_EQ(newest(1).begin, first);
  EXPECT_TRUE(newest(2).empty());
}

TEST(FaultAtlas, SparesWhatTellsThatTheNewestRecordWasDurable) {
  std::string log;
  AddRecord(1, 64, &log);
  const std::size_t first = log.size();
  AddRecord(2, 100, &log);
  const std::size_t second = log.size();
  const auto spared = [&log](std::uint64_t marked = 0) {
    log.resize(4096);
    return FaultAtlas::Spared("n1", "distdb_n1.wal", log, RecordSequence(marked));
  };
  EXPECT_EQ(spared().begin, first);
  EXPECT_EQ(spared().end, second);
  EXPECT_TRUE(spared(2).empty());
  log.resize(second);
  AddRecord(3, 100, &log);
  log.resize(log.size() - 8);  // a crash has torn it
  EXPECT_EQ(spared().begin, second);
  EXPECT_EQ(spared().end, second + store::kRecordHeaderBytes);
  EXPECT_TRUE(spared(2).empty());
  for (const bool of_another_file : {false, true}) {
    log.resize(second);
    AddRecord(of_another_file ? 3 : 1, 100, &log, /*salt=*/of_another_file ? 8 : 7);
    log.resize(log.size() - 8);
    EXPECT_EQ(spared().begin, first);
  }
}

RunResult RunWith(std::uint64_t seed, std::map<std::string, std::uint64_t> edits) {
  RunOptions options;
  options.seed = seed;
  options.edits = std::move(edits);
  return RunSeed(options);
}

// Every kind of damage at once, wherever the atlas lets it happen.
std::map<std::string, std::uint64_t> EveryDamage() {
  std::map<std::string, std::uint64_t> edits = {{"fault_damage", 1}, {"misread_ppm", 20'000}};
  for (const char* kind : {"bit_flip", "zeroed", "garbled", "misdirected_write", "misdirected_read",
                           "lost_write", "unreadable", "shrunk"}) {
    edits[std::string(kind) + "_weight"] = 10;
  }
  return edits;
}

TEST(FaultAtlas, AClusterThatIsDamagedOnOneNodeAtATimeComesOutOfIt) {
  Counters sum;
  for (std::uint64_t seed = 1; seed <= SomeOf(25); ++seed) {
    auto edits = EveryDamage();
    edits["atlas"] = 1;
    const RunResult result = RunWith(seed, edits);
    ASSERT_TRUE(result.ok()) << result.report;
    sum += result.counters;
  }
  if (kSanitized) return;
  EXPECT_GT(sum.damages, 20u);
  EXPECT_GT(sum.misreads, 5u);
  EXPECT_GT(sum.refusals, 10u);
}

TEST(FaultAtlas, AClusterOfWhichEachEntrySurvivesSomewhereComesOutOfIt) {
  Counters sum;
  for (std::uint64_t seed = 1; seed <= SomeOf(25); ++seed) {
    auto edits = EveryDamage();
    edits["atlas"] = 2;
    const RunResult result = RunWith(seed, edits);
    ASSERT_TRUE(result.ok()) << result.report;
    sum += result.counters;
  }
  EXPECT_EQ(sum.given_up, 0u);
  if (kSanitized) return;
  EXPECT_GT(sum.damages, 100u);
  EXPECT_GT(sum.repairs_joined, 10u) << "several nodes at once";
}

TEST(FaultAtlas, WithoutItAClusterMayStopAndDoesNotLie) {
  Counters with;
  Counters without;
  for (std::uint64_t seed = 1; seed <= SomeOf(15); ++seed) {
    auto edits = EveryDamage();
    edits["atlas"] = 1;
    with += RunWith(seed, edits).counters;
    edits["atlas"] = 0;
    const RunResult result = RunWith(seed, edits);
    ASSERT_TRUE(result.ok()) << result.report;
    without += result.counters;
  }
  EXPECT_EQ(with.given_up, 0u);
  if (kSanitized) return;
  EXPECT_GT(without.damages, 2 * with.damages);
  EXPECT_GT(without.given_up, 5u);
}

}  // namespace
}  // namespace grassdb::sim
