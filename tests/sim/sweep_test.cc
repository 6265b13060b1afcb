#include "sim/sweep.h"

#include <gtest/gtest.h>
#include <sys/time.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "sim/report/failure_file.h"
#include "sim/report/shard.h"
#include "sim/report/sweep_progress.h"
#include "sim/report/sweep_report.h"

namespace grassdb::sim {
namespace {

SweepOptions Seeds(std::uint64_t first, std::uint64_t last, std::uint32_t jobs) {
  SweepOptions options;
  options.first = first;
  options.last = last;
  options.jobs = jobs;
  options.run.seconds = 1;
  return options;
}

TEST(Sweep, GivesTheSameResultWithAnyNumberOfWorkers) {
  const SweepResult one = Sweep(Seeds(1, 8, 1), nullptr);
  const SweepResult three = Sweep(Seeds(1, 8, 3), nullptr);
  EXPECT_EQ(one.fingerprint, three.fingerprint);
  EXPECT_EQ(one.counters.events, three.counters.events);
  EXPECT_EQ(Summary(Seeds(1, 8, 1), one), Summary(Seeds(1, 8, 1), three));
}

TEST(Sweep, GoesOnWhenASeedKillsItsProcess) {
  std::uint64_t done = 0;
  const SweepResult result = Sweep(
      Seeds(1, 9, 2), [&done](std::uint64_t now, std::uint64_t) { done = now; },
      [](const RunOptions& run) {
        if (run.seed == 3 || run.seed == 9) std::_Exit(9);
        RunResult fine;
        fine.seed = run.seed;
        return fine;
      });
  ASSERT_EQ(result.failed.size(), 2u);
  EXPECT_EQ(result.failed[0].seed, 3u);
  EXPECT_EQ(result.failed[1].seed, 9u);
  EXPECT_EQ(result.failed[0].rule, "process died");
  EXPECT_EQ(done, 9u);
}

TEST(Sweep, EndsAtTheGreatestSeedThereIs) {
  constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
  for (const bool last_dies : {false, true}) {
    std::uint64_t done = 0;
    const SweepOptions options = Seeds(kLast - 5, kLast, 2);
    const SweepResult result = Sweep(
        options, [&done](std::uint64_t now, std::uint64_t) { done = now; },
        [last_dies](const RunOptions& run) {
          if (last_dies && run.seed >= kLast - 1) std::_Exit(9);
          RunResult fine;
          fine.seed = run.seed;
          return fine;
        });
    EXPECT_EQ(result.seeds, 6u);
    EXPECT_EQ(done, 6u);
    EXPECT_EQ(result.failed.size(), last_dies ? 2u : 0u);
  }
}

TEST(Sweep, EndsItsSummaryWithTheCommandThatRepeatsTheFirstFailure) {
  const SweepOptions options = Seeds(4, 7, 2);
  const SweepResult result = Sweep(options, nullptr, [](const RunOptions& run) {
    RunResult broken;
    broken.seed = run.seed;
    if (run.seed >= 6) broken.violation = Violation{"log matching", "x.cc:1", "text"};
    return broken;
  });
  const std::string summary = Summary(options, result);
  EXPECT_TRUE(summary.ends_with("repeat with: grass-sim run --seed 6 --seconds 1\n")) << summary;
  EXPECT_NE(summary.find("failed, log matching: 6 7\n"), std::string::npos) << summary;
}

// Many places are unreached, many seeds fail, and every count is as long as can be.
TEST(Sweep, HasASummaryOfLinesThatFitAndNamesTheWorstFirst) {
  SweepOptions options = Seeds(1, 40, 1);
  const SweepResult swept = Sweep(options, nullptr, [](const RunOptions& run) {
    RunResult result;
    if (run.seed % 8 == 0) result.violation = Violation{"a rule", "x.cc:1", "text"};
    if (run.seed % 8 > 4) result.violation = Violation{"the worst", "x.cc:1", "text"};
    result.reached = RunSeed(run).reached;
    return result;
  });
  SweepResult result = swept;
  for (FailedSeed& failed : result.failed) failed.seed += 1'000'000'000'000;
  for (FaultTally& tally : result.by_fault) tally = {.seeds = 1'000'000, .failed = 1};
  result.by_fault[static_cast<std::size_t>(FaultKind::kStop)].failed = 2;
  result.by_fault[static_cast<std::size_t>(FaultKind::kCrash)] = {.seeds = 1, .failed = 1};
  result.by_fault[static_cast<std::size_t>(FaultKind::kWipe)].failed = 0;
  for (FaultTallies& tallies : result.by_pair) tallies.fill({.seeds = 1, .failed = 1});
  auto& with_crash = result.by_pair[static_cast<std::size_t>(FaultKind::kCrash)];
  with_crash[static_cast<std::size_t>(MixKind::kDrop)] = {.seeds = 900'000, .failed = 300'001};
  with_crash[static_cast<std::size_t>(MixKind::kLease)] = {.seeds = 10, .failed = 8};
  Counters& sum = result.counters;
  sum.damages = sum.repairs = sum.repairs_joined = sum.refusals = sum.refused_log = 123'456'789'012;
  sum.searched = {.keys = 2000, .undecided = 26, .bytes_max = 0};
  sum.messages_sent = sum.messages_lost = sum.ios = sum.stops = sum.partitions = sum.damages;
  const std::string summary = Summary(options, result, {"failures/a.json", "failures/b.json"});
  std::istringstream lines(summary);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 120u) << line;
  }
  const auto is_there = [&summary](const std::string& text) {
    EXPECT_NE(summary.find(text), std::string::npos) << text << " is not in\n" << summary;
  };
  is_there("\nmessages       sent 123456789012, lost 123456789012, repeated 0, ");
  is_there("\nlinearization  keys searched 2000, not decided 26 (1.3 %)\nplaces reached ");
  is_there(" more, all with --json\n");
  is_there("\nfailed of the seeds with crash 1/1, stop 2/1000000, ");
  is_there(" " + std::to_string(kMixKinds - 11) + " more, all with --json\n");
  is_there(
      "\nfailed of the seeds with both crash + lease 8/10, crash + drop 300001/900000, crash + ");
  is_there(" " + std::to_string(kMixKinds * (kMixKinds - 1) / 2 - 10) + " more, all with --json\n");
  EXPECT_EQ(summary.find("wipe 0/"), std::string::npos) << summary;
  EXPECT_LT(summary.find("\nfailed, the worst: "), summary.find("\nfailed, a rule: ")) << summary;
  is_there("\nreplay with: grass-sim replay failures/a.json   # 1 more beside it\nrepeat with: ");
}

// Fails, with a text that no format may take as it is, every seed that 5 divides.
RunResult FailEveryFifth(const RunOptions& run) {
  RunResult result;
  result.seed = run.seed;
  result.fingerprint.Add(run.seed);
  if (run.seed % 5 == 0) {
    result.violation = Violation{"a <rule> & \"more\"", "x.cc:1", "t\xff\x01"};
    result.report = "]]> <&> \xff\x01\n";
  }
  return result;
}

TEST(Sweep, EndsWithTheFirstFailureWhateverTheNumberOfWorkers) {
  SweepOptions options = Seeds(1, 40, 1);
  options.until_failure = true;
  const SweepResult one = Sweep(options, nullptr, FailEveryFifth);
  EXPECT_EQ(one.seeds, 5u);
  ASSERT_EQ(one.failed.size(), 1u);
  for (const std::uint32_t jobs : {2u, 3u, 7u}) {
    options.jobs = jobs;
    const SweepResult many = Sweep(options, nullptr, FailEveryFifth);
    EXPECT_EQ(JsonLines(options, one), JsonLines(options, many)) << jobs;
    EXPECT_EQ(Summary(options, one), Summary(options, many)) << jobs;
  }
}

TEST(Sweep, BeginsNoSeedOnceItIsEnough) {
  SweepOptions options = Seeds(1, 40, 2);
  options.enough = [begun = 0]() mutable { return ++begun > 3; };
  const SweepResult result = Sweep(options, nullptr, FailEveryFifth);
  EXPECT_EQ(result.seeds, 6u) << "three of each worker";
  EXPECT_EQ(result.wanted, 40u);
  EXPECT_NE(Summary(options, result).find("ended early"), std::string::npos);
}

TEST(Sweep, EndsASeedThatDoesNotEndAndGoesOn) {
  SweepOptions options = Seeds(1, 5, 2);
  options.seed_seconds = 1;
  const SweepResult result = Sweep(options, nullptr, [](const RunOptions& run) {
    volatile bool forever = run.seed == 3;
    while (forever) {
    }
    return RunResult{};
  });
  EXPECT_EQ(result.seeds, 5u);
  ASSERT_EQ(result.failed.size(), 1u);
  EXPECT_EQ(result.failed[0].seed, 3u);
  EXPECT_EQ(result.failed[0].rule, "seed without an end");
  EXPECT_EQ(result.failed[0].report,
            "it did not end within 1 s of processor time\n"
            "repeat with: grass-sim run --seed 3 --seconds 1\n");
}

// Whether the machine was stopped meanwhile, or busy with something else, says nothing of a seed.
TEST(Sweep, CountsTheProcessorTimeOfASeedOnly) {
  SweepOptions options = Seeds(1, 2, 1);
  options.seed_seconds = 50;
  const SweepResult result = Sweep(options, nullptr, [](const RunOptions&) {
    itimerval real{};
    itimerval processor{};
    getitimer(ITIMER_REAL, &real);
    getitimer(ITIMER_PROF, &processor);
    RunResult run;
    const bool only_processor =
        real.it_value.tv_sec == 0 && real.it_value.tv_usec == 0 && processor.it_value.tv_sec >= 48;
    if (!only_processor) run.violation = Violation{"counts real time", "", ""};
    return run;
  });
  EXPECT_TRUE(result.failed.empty()) << result.failed.front().rule;
}

TEST(Sweep, TellsOfEachSeedInItsOrderAndOfFailuresAsTheyAreFound) {
  for (const bool until_failure : {false, true}) {
    SweepOptions options = Seeds(1, 23, 3);
    options.until_failure = until_failure;
    std::string told;
    std::set<std::uint64_t> failed;
    options.on_run = [&told](const SeedRun& run) { told += JsonLine(run); };
    options.on_failed = [&failed](const FailedSeed& seed) {
      EXPECT_FALSE(seed.file.empty());
      failed.insert(seed.seed);
    };
    const SweepResult result = Sweep(options, nullptr, FailEveryFifth);
    EXPECT_TRUE(result.runs.empty()) << "nobody else keeps them";
    options.on_run = nullptr;
    const SweepResult kept = Sweep(options, nullptr, FailEveryFifth);
    EXPECT_EQ(told + JsonSummary(options, result), JsonLines(options, kept));
    for (const FailedSeed& seed : result.failed) EXPECT_TRUE(failed.contains(seed.seed));
    EXPECT_TRUE(until_failure || failed.size() == 4);
  }
}

TEST(Sweep, TellsOfWhatLiesBehindSeedsThatWereNotRun) {
  SweepOptions options = Seeds(1, 40, 2);
  options.enough = [begun = 0]() mutable { return ++begun > 3; };
  std::string told;
  options.on_run = [&told](const SeedRun& run) { told += JsonLine(run); };
  const SweepResult result = Sweep(options, nullptr, FailEveryFifth);
  options.on_run = nullptr;
  const SweepResult kept = Sweep(options, nullptr, FailEveryFifth);
  EXPECT_EQ(told + JsonSummary(options, result), JsonLines(options, kept));
}

TEST(Sweep, EndsWithWhatThereIsWhenItIsInterrupted) {
  SweepOptions options = Seeds(1, 1000, 2);
  std::uint64_t done = 0;
  options.interrupted = [&done] { return done >= 3; };
  const SweepResult result = Sweep(
      options, [&done](std::uint64_t now, std::uint64_t) { done = now; },
      [](const RunOptions& run) {
        volatile bool forever = run.seed > 9;
        while (forever) {
        }
        return RunResult{};
      });
  EXPECT_GE(result.seeds, 3u);
  EXPECT_LE(result.seeds, 9u);
  EXPECT_TRUE(result.failed.empty()) << "who was ended has not failed";
  EXPECT_EQ(VerdictOf(options, result), Verdict::kInterrupted);
  EXPECT_NE(Summary(options, result).find("ended early"), std::string::npos);
}

TEST(Sweep, WithoutAnEndGoesOnUntilSomethingElseEndsIt) {
  SweepOptions options = Seeds(1, kSweepSeedsMax, 2);
  options.endless = true;
  options.shard = {3, 8};
  options.until_failure = true;
  const auto runner = [](const RunOptions& run) {
    RunResult result;
    if (run.seed > 2000) result.violation = Violation{"a rule", "x.cc:1", "text"};
    return result;
  };
  const SweepResult result = Sweep(options, nullptr, runner);
  ASSERT_EQ(result.failed.size(), 1u);
  EXPECT_EQ(result.failed[0].seed, 2003u) << "the first of shard 3/8 that fails";
  EXPECT_EQ(result.seeds, 251u);
  const std::string summary = Summary(options, result);
  EXPECT_NE(summary.find("seeds from 1 on, shard 3/8: 250 passed, 1 failed\n"), std::string::npos)
      << summary;
  EXPECT_NE(JUnitXml(options, result).find("\"250 seeds from 1 on that passed\""),
            std::string::npos);
  const auto json = nlohmann::json::parse(JsonSummary(options, result));
  EXPECT_TRUE(json["summary"]["last"].is_null());
  EXPECT_TRUE(json["summary"]["wanted"].is_null());
  options.until_failure = false;
  options.enough = [begun = 0]() mutable { return ++begun > 3; };
  const SweepResult in_time = Sweep(options, nullptr, runner);
  EXPECT_EQ(in_time.seeds, 6u) << "three of each worker";
  EXPECT_EQ(VerdictOf(options, in_time), Verdict::kPassed);
  EXPECT_EQ(Summary(options, in_time).find("ended early"), std::string::npos);
}

TEST(SweepProgress, GoesByWhatEndsTheSweepFirst) {
  const std::string half = "[" + std::string(20, '=') + std::string(20, ' ') + "] ";
  SweepPace pace{.done = 100, .failed = 1, .seconds = 10, .seeds_max = {}, .seconds_max = {}};
  EXPECT_EQ(TextOf(pace), "100 seeds, 1 failed, 10.0/s, until one fails");
  pace.seconds_max = 20;
  EXPECT_EQ(TextOf(pace), half + "100 seeds, 1 failed, 10.0/s, 10 s left");
  pace.seeds_max = 1000;
  EXPECT_EQ(TextOf(pace), half + "100/1000 seeds, 1 failed, 10.0/s, 10 s left");
  pace.seconds_max = 600;
  pace.seeds_max = 200;
  EXPECT_EQ(TextOf(pace), half + "100/200 seeds, 1 failed, 10.0/s, 10 s left");
  pace.seconds_max = 5;
  EXPECT_EQ(TextOf(pace),
            "[" + std::string(40, '=') + "] 100/200 seeds, 1 failed, 10.0/s, 0 s left")
      << "the last seeds may take longer";
}

TEST(Sweep, RunsEverySeedInExactlyOneShard) {
  std::set<std::uint64_t> seeds;
  std::uint64_t count = 0;
  for (std::uint64_t index = 1; index <= 13; ++index) {
    SweepOptions options = Seeds(7, 17, 2);
    options.shard = {index, 13};
    const SweepResult result = Sweep(options, nullptr, FailEveryFifth);
    EXPECT_EQ(result.seeds, SeedCount(options));
    count += result.seeds;
    for (const SeedRun& run : result.runs) seeds.insert(run.seed);
  }
  EXPECT_EQ(count, 11u);
  EXPECT_EQ(seeds.size(), 11u);
  EXPECT_EQ(*seeds.begin(), 7u);
}

TEST(SweepReport, WritesAJsonObjectALine) {
  const SweepOptions options = Seeds(1, 7, 2);
  const SweepResult result = Sweep(options, nullptr, FailEveryFifth);
  std::istringstream in(JsonLines(options, result));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(lines.size(), 8u);
  EXPECT_EQ(lines[0]["seed"], 1);
  EXPECT_EQ(lines[0]["ok"], true);
  EXPECT_EQ(lines[4]["rule"], "a <rule> & \"more\"");
  EXPECT_EQ(lines[7]["summary"]["failed"], 1);
  EXPECT_EQ(lines[7]["summary"]["seeds"], 7);
  std::uint64_t on = 0;
  for (const FaultTally& tally : result.by_fault) on += tally.seeds;
  EXPECT_GT(on, 0u);
}

TEST(SweepReport, TellsOfEachSeedWhatItHasDrawn) {
  SweepOptions options = Seeds(1, 10, 1);
  options.run.edits = {{"drop_ppm", 1000}, {"duplicate_ppm", 0}, {"wire", 1},     {"fault_wipe", 1},
                       {"fault_crash", 0}, {"voters", 3},        {"nodes", 4},    {"learners", 1},
                       {"clients", 5},     {"together", 0},      {"lease_ppm", 0}};
  const SweepResult result = Sweep(options, nullptr, FailEveryFifth);
  const auto row = nlohmann::json::parse(JsonLine(result.runs.at(0)));
  EXPECT_EQ(row["nodes"], 4);
  EXPECT_EQ(row["voters"], 3);
  EXPECT_EQ(row["learners"], 1);
  EXPECT_EQ(row["clients"], 5);
  EXPECT_EQ(row["wire"], true);
  EXPECT_EQ(row["together"], 0);
  const auto has = [&row](const char* name) {
    return std::ranges::find(row["faults"], name) != row["faults"].end();
  };
  for (const char* on : {"drop", "wire", "wipe"}) EXPECT_TRUE(has(on)) << row["faults"];
  for (const char* off : {"duplicate", "crash", "lease"}) EXPECT_FALSE(has(off)) << row["faults"];

  const auto summary = nlohmann::json::parse(JsonSummary(options, result))["summary"];
  EXPECT_EQ(summary["set"]["drop_ppm"], 1000);
  EXPECT_EQ(summary["by_fault"]["drop"], nlohmann::json({{"seeds", 10}, {"failed", 2}}));
  EXPECT_EQ(summary["by_fault"]["lease"], nlohmann::json({{"seeds", 0}, {"failed", 0}}));
  const nlohmann::json both{{"faults", {"wipe", "drop"}}, {"seeds", 10}, {"failed", 2}};
  EXPECT_NE(std::ranges::find(summary["by_pair"], both), summary["by_pair"].end());
  for (const auto& pair : summary["by_pair"]) EXPECT_GT(pair["failed"], 0) << pair;
}

TEST(SweepReport, EscapesWhatXmlDoesNotTake) {
  const SweepOptions options = Seeds(1, 7, 1);
  const std::string xml = JUnitXml(options, Sweep(options, nullptr, FailEveryFifth));
  EXPECT_NE(xml.find("tests=\"2\" failures=\"1\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("type=\"a &lt;rule&gt; &amp; &quot;more&quot;\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("]]&gt; &lt;&amp;&gt; ??"), std::string::npos) << xml;
}

TEST(SweepReport, HasNoCaseThatPassedWhereNoSeedHas) {
  const SweepOptions options = Seeds(5, 5, 1);
  const std::string xml = JUnitXml(options, Sweep(options, nullptr, FailEveryFifth));
  EXPECT_NE(xml.find("tests=\"1\" failures=\"1\""), std::string::npos) << xml;
  EXPECT_EQ(xml.find("that passed"), std::string::npos) << xml;
}

TEST(SweepReport, GivesAFailingSeedAFileThatIsRead) {
  const SweepOptions options = Seeds(5, 5, 1);
  const SweepResult result = Sweep(options, nullptr, FailEveryFifth);
  const auto file = ParseFailure(result.failed.at(0).file, "f");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->schedule.run.seed, 5u);
  EXPECT_EQ(file->drawn_by, "grass-sim run --seed 5 --seconds 1");
  EXPECT_EQ(file->schedule.configuration->at("fault_phase_ns"), 1'000'000'000u);
}

TEST(SweepReport, ComparesFingerprintsAndNamesTheFirstSeedThatDiffers) {
  const auto compare = [](const char* a, const char* b) {
    const auto result = CompareFingerprints(a, "A", b, "B");
    return result.ok() ? *result : std::string(result.status().message());
  };
  EXPECT_EQ(compare("1 aa\n2 bb\n", "1 aa\n2 bb\n"), "");
  EXPECT_EQ(compare("1 aa\n2 bb\n3 c\n", "1 aa\n2 bc\n3 d\n"),
            "the first seed that differs: 2\n  bb in A\n  bc in B\n");
  EXPECT_EQ(compare("1 aa\n", "1 aa\n2 bb\n"),
            "the first seed that differs: 2\n  not there in A\n  bb in B\n");
  EXPECT_EQ(compare("1 aa\n", "1\n"),
            "'B' line 1: expected a seed, each once, and its fingerprint");
}

// "index/count", or the error.
std::string ShardText(const char* flag, const std::map<std::string, std::string>& variables) {
  const auto shard = ParseShard(flag, [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
  if (!shard.ok()) return std::string(shard.status().message());
  return std::to_string(shard->index) + "/" + std::to_string(shard->count);
}

TEST(Shard, IsReadFromTheFlagAndFromTheEnvironmentOnlyWhenAsked) {
  EXPECT_EQ(ShardText("2/8", {{"GRASS_SIM_SHARD", "1/3"}}), "2/8");
  EXPECT_EQ(ShardText("auto", {{"GRASS_SIM_SHARD", "1/3"}, {"CI_NODE_INDEX", "2"}}), "1/3");
  EXPECT_EQ(ShardText("auto", {{"CI_NODE_INDEX", "2"}, {"CI_NODE_TOTAL", "4"}}), "2/4");
  EXPECT_EQ(ShardText("auto", {{"CIRCLE_NODE_INDEX", "0"}, {"CIRCLE_NODE_TOTAL", "4"}}), "1/4");
  EXPECT_EQ(ShardText("auto", {{"JOB_COMPLETION_INDEX", "3"}, {"JOB_COMPLETIONS", "4"}}), "4/4");
  EXPECT_EQ(ShardText("auto", {{"SLURM_ARRAY_TASK_ID", "11"},
                               {"SLURM_ARRAY_TASK_MIN", "10"},
                               {"SLURM_ARRAY_TASK_MAX", "14"},
                               {"SLURM_ARRAY_TASK_COUNT", "5"}}),
            "2/5");
}

TEST(Shard, IsRefusedWithTheNameOfWhatIsWrong) {
  for (const char* flag : {"0/3", "4/3", "1", "1/", "a/b", "", "1/3x"}) {
    EXPECT_TRUE(ShardText(flag, {}).starts_with("--shard '")) << flag;
  }
  const auto names = [](const char* name, const std::map<std::string, std::string>& variables) {
    const std::string error = ShardText("auto", variables);
    EXPECT_TRUE(error.starts_with("--shard auto: ")) << error;
    EXPECT_NE(error.find(name), std::string::npos) << error;
  };
  names("GRASS_SIM_SHARD=i/n", {});
  names("GRASS_SIM_SHARD '3'", {{"GRASS_SIM_SHARD", "3"}});
  names("CI_NODE_TOTAL is not set; give --shard i/n instead", {{"CI_NODE_INDEX", "1"}});
  names("CI_NODE_INDEX '0'", {{"CI_NODE_INDEX", "0"}, {"CI_NODE_TOTAL", "4"}});
  names("CIRCLE_NODE_INDEX '4'", {{"CIRCLE_NODE_INDEX", "4"}, {"CIRCLE_NODE_TOTAL", "4"}});
  names(
      "JOB_COMPLETIONS is not set; Kubernetes does not set it: set it in the Job's env to its "
      "spec.completions",
      {{"JOB_COMPLETION_INDEX", "0"}});
  names("JOB_COMPLETION_INDEX 'x'", {{"JOB_COMPLETION_INDEX", "x"}, {"JOB_COMPLETIONS", "4"}});
  names("SLURM_ARRAY_TASK_COUNT '3'", {{"SLURM_ARRAY_TASK_ID", "1"},
                                       {"SLURM_ARRAY_TASK_MIN", "1"},
                                       {"SLURM_ARRAY_TASK_MAX", "9"},
                                       {"SLURM_ARRAY_TASK_COUNT", "3"}});
}

}  // namespace
}  // namespace grassdb::sim
