// The plan as data: every value has a name, the names are the plan, and the file of a failure has
// them all, so that its run does not depend on what a program draws.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "sim/edits.h"
#include "sim/report/failure_file.h"
#include "sim/run.h"
#include "sim/schedule.h"

namespace grassdb::sim {
namespace {

constexpr std::uint64_t kSeeds = 200;

RunOptions OptionsOf(std::uint64_t seed) {
  RunOptions options;
  options.seed = seed;
  return options;
}

// With few of its seconds, so that many can be run.
Schedule Short(std::uint64_t seed) {
  Schedule schedule;
  schedule.run.seed = seed;
  schedule.run.seconds = 2;
  return schedule;
}

// What is described, without the line that names the seed.
std::string WordsOf(const Plan& plan) {
  const std::string text = Describe(plan);
  return text.substr(text.find('\n'));
}

Fingerprint FingerprintOf(const Plan& plan) {
  return RunPlan(plan, nullptr, "").fingerprint;
}

// It does not compile when a field is added: it needs a row in edits.cc, or a reason in this list.
TEST(Configuration, HasARowForEveryFieldOfAPlan) {
  const Plan plan;
  // Not the seed, `only` and `tape`, which steer the decisions of a run, and not the two that no
  // schedule may ask for.
  [[maybe_unused]] const auto& [seed, together, nodes, voters, learners, fault_phase, fault_steps,
                                node, timeout_percent_min, storage, network, disk, clock, workload,
                                faults, core_first, standing_partition, leader_hangs, wire,
                                old_format, rare_path, power_loss, processing, process_start, atlas,
                                strangers_forget, white_box, history_part, end_with_faults,
                                specification, judge_history, only, tape] = plan;
  [[maybe_unused]] const auto& [delay_min, delay_spread, order, drop, duplicate, straggle,
                                straggle_max, damage, corrupt, reset_seen] = plan.network;
  [[maybe_unused]] const auto& [read, write, sync_min, sync_spread, per_kib, disk_straggle,
                                disk_straggle_max, write_failure, sync_failure, damages, telling,
                                misread, read_failure] = plan.disk;
  [[maybe_unused]] const auto& [drift, jump_max, offset_max] = plan.clock;
  [[maybe_unused]] const auto& [on, gap, length_min, length_max] = plan.faults[0];
  [[maybe_unused]] const auto& [clients, keys, think_max, value_bytes_max, deadline, attempt, get,
                                put, erase, cas, take_snapshot, transfer, change, transaction, slip,
                                stale, lease, hoard, reconnect] = plan.workload;
  // Not the seed and the identity of a replica, which is its host's.
  [[maybe_unused]] const auto& [id, raft_seed, timeout_min, timeout_max, heartbeat, entries_max,
                                append_bytes, inflight, inflight_bytes, append_delay, unapplied,
                                reads, lease_drift, stall] = plan.node.raft;
  [[maybe_unused]] const auto& [idle_max, sessions_max, answers_max, answer_bytes] =
      plan.node.store;
  [[maybe_unused]] const auto& [raft, store, snapshot_log, kept, log_memory, chunk, retry, rate,
                                mark_idle, patience, scrub_rate, scrub_pause, space_min, space_max,
                                waiting] = plan.node;
  // Not the format, which each life of a node draws, what to do about damage, and how much of the
  // log a start holds, which is what the node holds.
  [[maybe_unused]] const auto& [segment, reserve, recycled, sync_bytes, block, compression, format,
                                on_damage, start_memory] = plan.storage;
  constexpr std::size_t kSingle = 21 + 10 + 12 + 3 + 19 + 12 + 4 + 13 + 6;
  EXPECT_EQ(AllEdits().size(), kSingle + 4 * kFaultKinds + kDamageKinds);
}

TEST(Configuration, OfADrawnPlanIsWithinTheRanges) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RunOptions options = OptionsOf(seed);
    if (seed % 3 == 0) options.steps = seed;
    if (seed % 4 == 0) options.edits["together"] = seed / 4 % kTogethers;
    const Plan plan = PlanOf(options);
    for (const auto& [name, value] : ConfigurationOf(plan)) {
      const Edit& edit = AllEdits().at(name);
      EXPECT_GE(value, edit.min) << name << " of seed " << seed;
      EXPECT_LE(value, edit.max) << name << " of seed " << seed;
    }
    EXPECT_EQ(WhyNot(plan), std::nullopt) << seed;
  }
}

TEST(Configuration, SettingANameToWhatIsDrawnChangesNothing) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Edits drawn = ConfigurationOf(PlanOf(OptionsOf(seed)));
    for (const auto& [name, value] : drawn) {
      RunOptions options = OptionsOf(seed);
      options.edits[name] = value;
      EXPECT_EQ(ConfigurationOf(PlanOf(options)), drawn) << name << " of seed " << seed;
    }
  }
}

TEST(Configuration, SetsOneValueAtATime) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Plan drawn = PlanOf(OptionsOf(seed));
    const Edits before = ConfigurationOf(drawn);
    for (const auto& [name, edit] : AllEdits()) {
      Plan plan = drawn;
      edit.set(edit.get(plan) == edit.min ? edit.max : edit.min, &plan);
      Edits after = ConfigurationOf(plan);
      EXPECT_NE(after.at(name), before.at(name)) << name;
      after[name] = before.at(name);
      EXPECT_EQ(after, before) << name << " is the place of another name as well";
    }
  }
}

// Nothing of a plan is left over that has no name.
TEST(Configuration, IsTheWholePlan) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Plan one = PlanOf(Short(seed));
    Plan other = PlanOf(OptionsOf(seed + kSeeds));
    for (const auto& [name, value] : ConfigurationOf(one))
      EditNamed(name, value).set(value, &other);
    EXPECT_EQ(WordsOf(other), WordsOf(one)) << seed;
    EXPECT_EQ(WordsOf(PlanWith(ConfigurationOf(one), seed)), WordsOf(one)) << seed;
    if (seed > 12) continue;
    // The seed goes on to key what happens.
    EXPECT_NE(FingerprintOf(other), FingerprintOf(one)) << seed;
    other.seed = seed;
    EXPECT_EQ(FingerprintOf(other), FingerprintOf(one)) << seed;
    EXPECT_EQ(FingerprintOf(PlanWith(ConfigurationOf(one), seed)), FingerprintOf(one)) << seed;
  }
}

TEST(Configuration, IsTakenAsItIs) {
  Schedule schedule;
  schedule.run.seed = 3;
  Plan plan = PlanOf(OptionsOf(3));
  // `together` alone would put more in its place, and the sizes would be cut.
  plan.together = Together::kPartingsRot;
  plan.voters = plan.nodes = 1;
  plan.learners = 0;
  schedule.configuration = ConfigurationOf(plan);
  EXPECT_EQ(ConfigurationOf(PlanOf(schedule)), *schedule.configuration);
  schedule.run.edits = {{"clients", 7}};
  Edits set = *schedule.configuration;
  set["clients"] = 7;
  EXPECT_EQ(ConfigurationOf(PlanOf(schedule)), set) << "edits are set on top of it";
}

// "`--set NAME=0` turns off what is named": all names in the table of faults are known, and those
// that are not limits may be 0.
TEST(Configuration, HasTheNamesOfTheTableOfFaults) {
  std::ifstream readme(GRASSDB_SIM_DIR "/README.md");
  std::string line;
  while (std::getline(readme, line) && line != "## The faults, one by one") continue;
  const std::regex name("`([a-z_]+)(=[0-9]+)?`");
  std::size_t names = 0;
  while (std::getline(readme, line) && !line.starts_with("## ")) {
    const std::size_t second = line.find(" | ");
    if (!line.starts_with("| ") || second == std::string::npos) continue;
    const std::string cell = line.substr(second + 3, line.find(" | ", second + 3) - second - 3);
    for (std::sregex_iterator at(cell.begin(), cell.end(), name), end; at != end; ++at) {
      const auto edit = AllEdits().find(at->str(1));
      ASSERT_NE(edit, AllEdits().end()) << at->str(1) << " in: " << line;
      const bool limit = edit->first.ends_with("_max") || edit->first.ends_with("_bytes");
      EXPECT_TRUE(limit || edit->second.min == 0) << edit->first;
      ++names;
    }
  }
  EXPECT_GT(names, 60u);
}

// --- In the file of a failure ---

RunResult Broken(const Schedule& schedule) {
  RunResult result = RunSchedule(schedule);
  result.violation = Violation{"rule", "a.cc:1", "text"};
  return result;
}

nlohmann::json FileOf(const Schedule& schedule) {
  return nlohmann::json::parse(TextOf(FailureOf(schedule, Broken(schedule))));
}

FailureFile Read(const nlohmann::json& json) {
  const absl::StatusOr<FailureFile> read = ParseFailure(json.dump(), "f.json");
  EXPECT_TRUE(read.ok()) << read.status();
  return read.ok() ? *read : FailureFile();
}

std::string ErrorOf(const nlohmann::json& json) {
  return std::string(ParseFailure(json.dump(), "f.json").status().message());
}

TEST(FailureFile, HasEveryValueOfTheConfiguration) {
  Schedule schedule = Short(5);
  schedule.run.edits = {{"clients", 2}, {"fault_wipe", 0}};
  const nlohmann::json json = FileOf(schedule);
  EXPECT_EQ(json["configuration"].get<Edits>(), ConfigurationOf(PlanOf(schedule)));
  EXPECT_EQ(json["schedule"], nlohmann::json({{"seed", 5}}));
  EXPECT_EQ(json["drawn_by"],
            "grass-sim run --seed 5 --seconds 2 --set clients=2 --set fault_wipe=0");
  EXPECT_EQ(TextOf(Read(json)), TextOf(FailureOf(schedule, Broken(schedule))));
}

// A program that draws otherwise comes to another plan by the seed of a file. The same is a file
// with a configuration that no draw of this program comes to by the seed of the file.
TEST(FailureFile, RunsItsConfigurationWhateverIsDrawn) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    nlohmann::json json = FileOf(Short(seed));
    const Plan drawn_elsewhere = PlanOf(Short(seed + 1000));
    json["configuration"] = ConfigurationOf(drawn_elsewhere);
    const FailureFile file = Read(json);
    const Plan plan = PlanOf(file.schedule);
    EXPECT_EQ(plan.seed, seed);
    EXPECT_EQ(WordsOf(plan), WordsOf(drawn_elsewhere));
    EXPECT_NE(WordsOf(plan), WordsOf(PlanOf(Short(seed))));
    Plan wanted = drawn_elsewhere;
    wanted.seed = seed;
    EXPECT_EQ(RunSchedule(file.schedule).fingerprint, FingerprintOf(wanted)) << seed;
    // And back, which is the run of the file.
    json["configuration"] = ConfigurationOf(PlanOf(Short(seed)));
    EXPECT_EQ(RunSchedule(Read(json).schedule).fingerprint.Hex(), json["fingerprint"]) << seed;
  }
}

TEST(FailureFile, OfAConfigurationThatNoClusterCanHaveIsRefused) {
  const nlohmann::json good = FileOf(Short(5));
  nlohmann::json bad = good;
  bad["configuration"]["voters"] = 7;
  bad["configuration"]["nodes"] = 3;
  EXPECT_EQ(ErrorOf(bad), "'f.json': configuration: voters and learners are more than nodes");
  bad = good;
  bad["configuration"]["fault_clog_length_min_ns"] = 1'000'000'000'000'000;
  EXPECT_EQ(ErrorOf(bad),
            "'f.json': configuration: fault_clog_length_min_ns is above fault_clog_length_max_ns");
  bad = good;
  bad["configuration"]["heartbeat_interval_ns"] = bad["configuration"]["election_timeout_min_ns"];
  EXPECT_NE(ErrorOf(bad).find("'f.json': configuration: the smallest election timeout"),
            std::string::npos);
  bad = good;
  bad["configuration"]["lease_ppm"] = 1;
  bad["configuration"]["fault_clock_jump"] = 1;
  EXPECT_NE(ErrorOf(bad).find("'f.json': configuration: with lease_ppm"), std::string::npos);
  bad = good;
  bad["configuration"]["clients"] = 0;
  EXPECT_EQ(ErrorOf(bad), "'f.json': configuration: clients: expected a whole number from 1 to 12");
  bad = good;
  bad["configuration"]["client"] = 1;
  EXPECT_EQ(ErrorOf(bad), "'f.json': configuration: client: is unknown here");
  bad = good;
  bad.erase("configuration");
  EXPECT_EQ(ErrorOf(bad), "'f.json': configuration: is missing");
  bad = good;
  bad["schedule"]["edits"] = {{"voters", 7}, {"nodes", 3}};
  EXPECT_NE(ErrorOf(bad).find("'f.json': schedule: edits: voters=7 contradicts nodes=3"),
            std::string::npos)
      << ErrorOf(bad);
  bad = good;
  bad["schedule"]["nodes"] = 3;
  EXPECT_EQ(ErrorOf(bad), "'f.json': schedule: nodes: is unknown here");
}

// A kind of fault that came later does not come in its run.
TEST(FailureFile, WithoutANameHasItAsInAPlanThatNobodyHasDrawn) {
  nlohmann::json json = FileOf(Short(5));
  json["configuration"].erase("fault_stop");
  json["configuration"].erase("clock_offset_max_ns");
  const Plan plan = PlanOf(Read(json).schedule);
  EXPECT_FALSE(plan.faults[static_cast<std::size_t>(FaultKind::kStop)].on);
  EXPECT_EQ(plan.clock.offset_max, std::chrono::hours(1));
}

// As grass-sim has written them before there were configurations.
nlohmann::json Former(std::uint64_t version) {
  return {
      {"format", "grass-sim failure"},
      {"version", version},
      {"build", "another"},
      {"violation",
       {{"rule", "rule"}, {"where", "a.cc:1"}, {"text", "text"}, {"virtual_ns", 1}, {"event", 1}}},
      {"fingerprint", "4179a37fc28e6c3e27d627ae160d88e8"},
      {"plan", {"plan of seed 7"}},
      {"trace", {"a line"}},
      {"schedule", {{"seed", 7}, {"seconds", 2}, {"edits", {{"clients", 1}, {"together", 2}}}}}};
}

TEST(FailureFile, OfAFormerVersionIsReadAsItWasMeant) {
  RunOptions options = OptionsOf(7);
  options.seconds = 2;
  options.edits = {{"clients", 1}, {"together", 2}};
  const FailureFile second = Read(Former(2));
  EXPECT_FALSE(second.schedule.configuration.has_value()) << "its plan is drawn";
  EXPECT_EQ(Describe(PlanOf(second.schedule)), Describe(PlanOf(options)));
  EXPECT_EQ(PlanOf(second.schedule).workload.clients, 1u);
  EXPECT_EQ(second.drawn_by, CommandFor(options));
  // Its edits counted in the order of their names: `together` came after the clients.
  EXPECT_EQ(PlanOf(Read(Former(1)).schedule).workload.clients, 12u);
  nlohmann::json mixed = Former(2);
  mixed["configuration"] = nlohmann::json::object();
  EXPECT_EQ(ErrorOf(mixed), "'f.json': configuration: is unknown here");
}

}  // namespace
}  // namespace grassdb::sim
