#include "sim/schedule.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "sim/report/failure_file.h"
#include "sim/run.h"
#include "sim/sites.h"
#include "sim/strict_json.h"
#include "tests/property.h"
#include "tests/sanitized.h"

namespace grassdb::sim {
namespace {

Schedule Seed(std::uint64_t seed) {
  Schedule schedule;
  schedule.run.seed = seed;
  schedule.run.seconds = 3;
  return schedule;
}

RunResult RunNoting(const Schedule& schedule, std::vector<Decision>* decisions) {
  return RunSchedule(schedule, {.sink = nullptr, .window = {}, .decisions = decisions});
}

// What is wrong with a schedule, or nothing.
std::string ErrorOf(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  std::string error;
  ReadSchedule(StrictObject(json, "file", &error));
  return error;
}

Schedule Read(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  std::string error;
  Schedule schedule = ReadSchedule(StrictObject(json, "file", &error));
  EXPECT_EQ(error, "");
  return schedule;
}

TEST(Schedule, WithoutEditsIsTheSeed) {
  EXPECT_EQ(RunSchedule(Seed(7)).fingerprint, RunSeed(Seed(7).run).fingerprint);
}

// Seeds that between them take every kind of decision.
TEST(Schedule, IsTheSameRunWhenAllThatHappenedIsKept) {
  std::set<Choice> seen;
  for (std::uint64_t seed = 1; seed <= SomeOf(60); ++seed) {
    Schedule schedule = Seed(seed);
    std::vector<Decision> decisions;
    const RunResult free = RunNoting(schedule, &decisions);
    for (const Decision& decision : decisions) seen.insert(decision.choice);
    std::ranges::sort(decisions);
    EXPECT_EQ(std::ranges::adjacent_find(decisions), decisions.end()) << "a name for two decisions";
    schedule.only = decisions;
    std::vector<Decision> again;
    const RunResult kept = RunNoting(schedule, &again);
    EXPECT_EQ(free.fingerprint, kept.fingerprint) << seed;
    EXPECT_EQ(free.counters.events, kept.counters.events);
  }
  if (kSanitized) return;
  for (const Choice choice :
       {Choice::kFault, Choice::kOperation, Choice::kReconnect, Choice::kLoss, Choice::kCopy,
        Choice::kStraggle, Choice::kCopyLate, Choice::kPacketLoss, Choice::kPacketLate,
        Choice::kIoLate, Choice::kCrashLoss, Choice::kHealRestart, Choice::kOldMail,
        Choice::kRarePath, Choice::kCorrupt, Choice::kPacketCorrupt, Choice::kPulse,
        Choice::kStandingDeaths, Choice::kCoreDeath}) {
    EXPECT_TRUE(seen.contains(choice)) << NameOf(choice);
  }
}

TEST(Schedule, HasNoFaultAndNoOperationWhenNothingIsKept) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Schedule schedule = Seed(seed);
    schedule.only.emplace();
    std::vector<Decision> decisions;
    const RunResult result = RunNoting(schedule, &decisions);
    EXPECT_TRUE(result.ok()) << result.report;
    EXPECT_TRUE(decisions.empty());
    EXPECT_EQ(result.counters.crashes, 0u);
    EXPECT_EQ(result.counters.partitions, 0u);
    EXPECT_EQ(result.counters.messages_repeated, 0u);
    EXPECT_EQ(result.counters.io_failures, 0u);
    EXPECT_EQ(result.counters.chunks_damaged, 0u);
    EXPECT_EQ(result.counters.connections_broken, 0u);
  }
}

// The decision itself is keyed: without one fault the others begin when they began.
TEST(Schedule, LeavesTheOtherFaultsAsTheyWere) {
  for (std::uint64_t seed = 1; seed <= SomeOf(20); ++seed) {
    Schedule schedule = Seed(seed);
    const auto faults = [&schedule] {
      std::vector<Decision> decisions;
      RunNoting(schedule, &decisions);
      std::erase_if(decisions, [](const Decision& d) { return d.choice != Choice::kFault; });
      return decisions;
    };
    const std::vector<Decision> all = faults();
    if (all.empty()) continue;
    std::vector<Decision> rest = all;
    rest.erase(rest.begin());
    schedule.only = rest;
    std::ranges::sort(*schedule.only);
    const std::vector<Decision> left = faults();
    // The step that goes beyond the faults' time may begin one, if nothing else comes before it.
    if (left.size() + 1 == rest.size()) rest.pop_back();
    EXPECT_EQ(left, rest) << seed;
  }
}

TEST(Schedule, EditsThePlan) {
  Schedule schedule = Seed(1);
  for (const auto& [name, edit] : AllEdits()) {
    for (const std::uint64_t value : {edit.min, edit.max}) {
      // Reads under a lease keep the clocks from jumping.
      schedule.run.edits = {{"lease_ppm", 0}};
      schedule.run.edits[name] = value;
      const Plan plan = PlanOf(schedule);
      EXPECT_EQ(ValueOf(plan, name), value) << name;
      EXPECT_EQ(WhyNot(plan), std::nullopt) << name << "=" << value;
    }
  }
  schedule.run.edits = {{"nodes", 2}};
  EXPECT_EQ(PlanOf(schedule).voters, 2u) << "no more voters than machines";
  EXPECT_EQ(PlanOf(schedule).learners, 0u);
}

RC_GTEST_PROP(Schedule, IsReadAsItWasWritten, ()) {
  Schedule schedule;
  schedule.run.seed = *rc::gen::arbitrary<std::uint64_t>();
  if (*rc::gen::arbitrary<bool>()) schedule.run.nodes = *rc::gen::inRange(1u, 8u);
  if (*rc::gen::arbitrary<bool>()) schedule.run.steps = 1 + *rc::gen::arbitrary<std::uint32_t>();
  if (*rc::gen::arbitrary<bool>()) schedule.run.seconds = *rc::gen::inRange(1u, 1000u);
  for (const auto& [name, edit] : AllEdits()) {
    if (*rc::gen::arbitrary<bool>())
      schedule.run.edits[name] = edit.min + (edit.max - edit.min) / 3;
  }
  if (*rc::gen::arbitrary<bool>()) {
    std::set<Decision> decisions;
    for (std::uint32_t i = 0; i < 20; ++i) {
      Decision one;
      one.choice = static_cast<Choice>(*rc::gen::inRange<std::uint32_t>(0, kChoices));
      const bool about =
          one.choice != Choice::kHealRestart && one.choice != Choice::kStandingDeaths;
      if (about) one.about[0] = *rc::gen::inRange<std::uint32_t>(0, kFaultKinds);
      if ((one.choice >= Choice::kLoss && one.choice <= Choice::kPacketLate) ||
          (one.choice >= Choice::kCorrupt && one.choice <= Choice::kPulse)) {
        one.about[1] = *rc::gen::arbitrary<std::uint32_t>();
      }
      if ((one.choice >= Choice::kLoss && one.choice <= Choice::kDamage) ||
          one.choice == Choice::kCorrupt) {
        one.about[2] = i;
      }
      if (one.choice == Choice::kRarePath) {
        const auto site = *rc::gen::inRange<std::size_t>(0, AllSites().size());
        one.about = {KeyOfSite(AllSites()[site]->name), i, 0};
      }
      one.number = *rc::gen::arbitrary<std::uint64_t>();
      if (one.choice == Choice::kOperation) one.not_before = i;
      decisions.insert(one);
    }
    schedule.only.emplace(decisions.begin(), decisions.end());
  }
  const Schedule read = Read(ToJson(schedule).dump());
  RC_ASSERT(ToJson(read) == ToJson(schedule));
  RC_ASSERT(read.only == schedule.only);
  RC_ASSERT(read.run.edits == schedule.run.edits);
}

TEST(Schedule, IsReadStrictlyWithTheFieldInTheError) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "file: expected an object"},
      {"{}", "file: seed: is missing"},
      {R"({"seed":-1})", "file: seed: expected a whole number from 0 to 18446744073709551615"},
      {R"({"seed":1.5})", "file: seed: expected"},
      {R"({"seed":"1"})", "file: seed: expected"},
      {R"({"seed":1,"sed":2})", "file: sed: is unknown here"},
      {R"({"seed":1,"nodes":8})", "file: nodes: expected a whole number from 1 to 7"},
      {R"({"seed":1,"edits":{"clients":0}})", "file: edits: clients: expected"},
      {R"({"seed":1,"edits":{"client":1}})", "file: edits: client: is unknown here"},
      {R"({"seed":1,"only":{"fault":[]}})", "file: only: fault: is unknown here"},
      {R"({"seed":1,"only":{"faults":[["fire",1]]}})", "file: only: faults: '[\"fire\",1]'"},
      {R"({"seed":1,"only":{"faults":[["crash"]]}})", "file: only: faults: '[\"crash\"]'"},
      {R"({"seed":1,"only":{"rare_paths":[["no such",1,1]]}})", "file: only: rare_paths: '"},
      {R"({"seed":1,"only":{"operations":[[4294967296,1,0]]}})", "file: only: operations: "},
      {R"({"seed":1,"only":{"operations":[[0,1,0],[0,1,5]]}})",
       "operations: names a decision twice"},
  };
  for (const auto& [text, problem] : cases) {
    EXPECT_NE(ErrorOf(text).find(problem), std::string::npos) << text << "\n" << ErrorOf(text);
  }
}

// --- The file of a failure ---

// A rule of the test's own, broken by the third crash: the trace tells it, and it may stop the run.
RunObserver ThirdCrashIsAViolation() {
  RunObserver observer;
  observer.sink = [crashes = 0](std::string_view line) mutable {
    if (line.find("CRASH") != std::string_view::npos && ++crashes == 3) {
      throw Violation{"no third crash", "tests/sim/schedule_test.cc:1", std::string(line)};
    }
  };
  return observer;
}

Schedule Crashing() {
  for (std::uint64_t seed = 1;; ++seed) {
    if (!RunSchedule(Seed(seed), ThirdCrashIsAViolation()).ok()) return Seed(seed);
  }
}

TEST(FailureFile, ReplaysToTheSameViolationAndFingerprint) {
  const Schedule schedule = Crashing();
  const FailureFile written = FailureOf(schedule, RunSchedule(schedule, ThirdCrashIsAViolation()));
  const absl::StatusOr<FailureFile> read = ParseFailure(TextOf(written), "f.json");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(TextOf(*read), TextOf(written));
  EXPECT_EQ(read->violation.rule, "no third crash");
  EXPECT_GT(read->event, 0u);
  EXPECT_GT(read->trace.size(), Recorder::kShown);
  EXPECT_LE(read->trace.size(), Recorder::kKept);
  EXPECT_FALSE(read->plan.empty());
  const RunResult again = RunSchedule(read->schedule, ThirdCrashIsAViolation());
  EXPECT_EQ(Difference(*read, again), "");
}

TEST(FailureFile, TellsWhenTheBuildDoesSomethingElse) {
  const Schedule schedule = Crashing();
  const FailureFile file = FailureOf(schedule, RunSchedule(schedule, ThirdCrashIsAViolation()));
  const std::string difference = Difference(file, RunSchedule(schedule));
  EXPECT_NE(difference.find("rule: no rule is broken"), std::string::npos) << difference;
  EXPECT_NE(difference.find("in the file: no third crash"), std::string::npos) << difference;
  FailureFile other = file;
  other.fingerprint[0] = other.fingerprint[0] == '0' ? '1' : '0';
  const RunResult again = RunSchedule(schedule, ThirdCrashIsAViolation());
  EXPECT_NE(Difference(other, again).find("fingerprint: "), std::string::npos);
}

TEST(FailureFile, IsReadStrictly) {
  const Schedule schedule = Crashing();
  const FailureFile file = FailureOf(schedule, RunSchedule(schedule, ThirdCrashIsAViolation()));
  const nlohmann::json good = nlohmann::json::parse(TextOf(file));
  const auto error = [](const nlohmann::json& json) {
    return std::string(ParseFailure(json.dump(), "f.json").status().message());
  };
  EXPECT_EQ(error(good), "");
  nlohmann::json bad = good;
  bad["version"] = 4;
  EXPECT_EQ(error(bad), "'f.json': version: this grass-sim reads versions 1 to 3 only");
  bad = good;
  bad["format"] = "x";
  EXPECT_NE(error(bad).find("'f.json': format: "), std::string::npos);
  bad = good;
  bad["violation"]["extra"] = 1;
  EXPECT_EQ(error(bad), "'f.json': violation: extra: is unknown here");
  bad = good;
  bad["schedule"]["seed"] = "1";
  EXPECT_NE(error(bad).find("'f.json': schedule: seed: "), std::string::npos);
  EXPECT_NE(ParseFailure("{", "f.json").status().message().find("is not JSON"), std::string::npos);
}

TEST(Trace, ShowsTheLinesOfItsWindowOnly) {
  Schedule schedule = Seed(7);
  schedule.run.nodes = 3;
  RunObserver observer;
  std::string shown;
  observer.sink = [&shown](std::string_view line) { shown.append(line) += '\n'; };
  observer.window.from = TrueTime() + std::chrono::seconds(1);
  observer.window.until = TrueTime() + std::chrono::seconds(2);
  RunSchedule(schedule, observer);
  EXPECT_NE(shown.find("    1."), std::string::npos);
  EXPECT_EQ(shown.find("    0."), std::string::npos);
  EXPECT_EQ(shown.find("    3."), std::string::npos);
  EXPECT_NE(shown.find("AppendEntries"), std::string::npos);
  shown.clear();
  observer.window = {.from = {}, .until = kNever, .events_only = true};
  RunSchedule(schedule, observer);
  EXPECT_EQ(shown.find("AppendEntries"), std::string::npos);
  EXPECT_NE(shown.find("boots"), std::string::npos);
}

// --- What the command line says of the plan ---

TEST(Profile, AnEditIsANameAndAValueInItsRange) {
  std::map<std::string, std::uint64_t> edits;
  EXPECT_EQ(AddEdit("fault_wipe=0", &edits), std::nullopt);
  EXPECT_EQ(AddEdit("drop_ppm=1000000", &edits), std::nullopt);
  EXPECT_EQ(edits,
            (std::map<std::string, std::uint64_t>{{"drop_ppm", 1'000'000}, {"fault_wipe", 0}}));
  EXPECT_EQ(AddEdit("fault_wipe=2", &edits), "'fault_wipe=2': expected a whole number from 0 to 1");
  for (const char* bad :
       {"drop_ppm", "drop_ppm=", "drop_ppm=-1", "drop_ppm=1x", "wipe=0", "=1", ""}) {
    EXPECT_NE(AddEdit(bad, &edits), std::nullopt) << bad;
  }
  EXPECT_EQ(edits.size(), 2U);
}

TEST(Profile, ANameThatIsNotThereIsAnsweredByThoseLikeIt) {
  Edits edits;
  EXPECT_EQ(AddEdit("delay_min=3", &edits),
            "'delay_min' is not the name of a value; like it: delay_min_ns; x=1 lists all");
  const std::string wipe = AddEdit("wipe=0", &edits).value_or("");
  for (const char* name : {"fault_wipe,", "fault_wipe_gap_ns", "fault_wipe_length_max_ns"}) {
    EXPECT_NE(wipe.find(name), std::string::npos) << wipe;
  }
  EXPECT_EQ(wipe.find("drop_ppm"), std::string::npos) << wipe;
  // Too many have the word of the first, and those of the second; none has one of the third.
  for (const auto& [slip, meant] :
       std::map<std::string, std::string>{{"fault_crsh", "fault_crash"},
                                          {"fault_parttion_gap_ns", "fault_partition_gap_ns"},
                                          {"cleints", "clients"}}) {
    EXPECT_EQ(AddEdit(slip + "=1", &edits),
              "'" + slip + "' is not the name of a value; like it: " + meant + "; x=1 lists all");
  }
  // Nothing is like the first, and far too many are like the second: all are named.
  for (const char* other : {"x=1", "fault=1", "=1"}) {
    const std::string all = AddEdit(other, &edits).value_or("");
    EXPECT_NE(all.find("drop_ppm, "), std::string::npos) << all;
    EXPECT_NE(all.find("fault_wipe, "), std::string::npos) << all;
  }
  EXPECT_EQ(AddEdit("drop_ppm", &edits), "'drop_ppm' has no value; expected drop_ppm=NUMBER");
}

TEST(Profile, SaysNothingOverWhatIsSaidAlready) {
  std::map<std::string, std::uint64_t> edits = {{"drop_ppm", 7}};
  EXPECT_EQ(AddProfile(R"({"about": "x", "drop_ppm": 1, "fault_clog": 0})", "p", &edits),
            std::nullopt);
  EXPECT_EQ(edits, (std::map<std::string, std::uint64_t>{{"drop_ppm", 7}, {"fault_clog", 0}}));
}

TEST(Profile, IsReadStrictly) {
  std::map<std::string, std::uint64_t> edits;
  EXPECT_EQ(AddProfile("{", "p", &edits), "'p': is not JSON; expected a profile");
  for (const char* bad : {R"({"drop": 1})", R"({"drop_ppm": -1})", R"({"drop_ppm": "1"})",
                          R"({"fault_clog": 2})", R"({"about": 1})", "[]"}) {
    EXPECT_NE(AddProfile(bad, "p", &edits), std::nullopt) << bad;
  }
  EXPECT_TRUE(edits.empty());
}

TEST(Profile, SwitchesOffAndOnWhatItNames) {
  RunOptions options;
  for (options.seed = 1; options.seed <= 20; ++options.seed) {
    options.edits = {
        {"fault_crash", 0}, {"fault_clog", 1}, {"drop_ppm", 123}, {"transfer_weight", 0}};
    const Plan plan = PlanOf(options);
    EXPECT_FALSE(plan.faults[static_cast<std::size_t>(FaultKind::kCrash)].on);
    EXPECT_TRUE(plan.faults[static_cast<std::size_t>(FaultKind::kClog)].on);
    EXPECT_EQ(plan.network.drop, 123u);
    EXPECT_EQ(plan.workload.transfer, 0u);
    EXPECT_EQ(plan.faults[static_cast<std::size_t>(FaultKind::kPartition)].on,
              DrawPlan(options).faults[static_cast<std::size_t>(FaultKind::kPartition)].on)
        << "everything else is as the seed draws it";
  }
}

TEST(Profile, ReadsUnderALeaseKeepTheClocksToTheBound) {
  RunOptions options;
  options.seed = 3;
  options.edits = {{"lease_ppm", 1'000'000}, {"drift_ppm_max", 400'000}, {"fault_clock_jump", 1}};
  const Plan plan = PlanOf(options);
  EXPECT_EQ(plan.clock.drift_ppm_max, plan.node.raft.lease_drift_percent_max * 10'000 / 2);
  EXPECT_FALSE(plan.faults[static_cast<std::size_t>(FaultKind::kClockJump)].on);
}

TEST(Profile, IsInTheCommandThatRepeatsARun) {
  RunOptions options;
  options.seed = 4;
  options.edits = {{"fault_wipe", 0}, {"drop_ppm", 5}};
  EXPECT_EQ(CommandFor(options), "grass-sim run --seed 4 --set drop_ppm=5 --set fault_wipe=0");
}

}  // namespace
}  // namespace grassdb::sim
