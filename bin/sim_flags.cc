#include "bin/sim_flags.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "bin/quantity.h"
#include "sim/schedule.h"

namespace grassdb::sim_main {

namespace {

// What the two flags stand for, as profiles.
constexpr std::string_view kLite = R"({
  "fault_crash": 0, "fault_crash_all": 0, "fault_partition": 0, "fault_clog": 0, "fault_pause": 0,
  "fault_slow_node": 0, "fault_slow_disk": 0, "fault_client_cut": 0, "fault_clock_jump": 0,
  "fault_wipe": 0, "fault_roll_back": 0, "fault_crash_at_io": 0, "fault_clock_stop": 0,
  "fault_clock_strobe": 0, "fault_crash_storm": 0, "fault_swizzle": 0, "fault_flap": 0, "fault_stop": 0,
  "fault_full_disk": 0, "fault_damage": 0, "misread_ppm": 0, "read_failure_ppm": 0,
  "fault_hang_disk": 0, "rare_path_ppm": 0, "corrupt_ppm": 0,
  "drop_ppm": 0, "duplicate_ppm": 0, "straggle_ppm": 0, "damage_ppm": 0, "disk_straggle_ppm": 0,
  "write_failure_ppm": 0, "sync_failure_ppm": 0, "drift_ppm_max": 0, "standing_partition": 0,
  "core_first": 0, "leader_hangs": 0})";
constexpr std::string_view kPerformance = R"({
  "nodes": 3, "voters": 3, "learners": 0, "clients": 12, "keys": 24, "reconnect_ppm": 0,
  "snapshot_weight": 0,
  "transfer_weight": 0, "member_weight": 0})";

void Take(const std::optional<std::string>& problem, const std::string& flag) {
  if (problem.has_value()) throw CLI::ValidationError(flag + " " + *problem);
}

void TakeProfile(std::string_view text, const std::string& name, const std::string& flag,
                 sim::RunOptions* run) {
  std::map<std::string, std::uint64_t> edits;
  Take(sim::AddProfile(text, name, &edits), flag);
  sim::AddFarther(edits, run);
}

// In this order, so that the nearer to the user wins.
void AddPlanFlags(CLI::App* command, sim::RunOptions* run) {
  command
      ->add_option_function<std::vector<std::string>>(
          "--set",
          [run](const std::vector<std::string>& edits) {
            for (const std::string& edit : edits) Take(sim::AddEdit(edit, &run->edits), "--set");
          },
          "NAME=VALUE instead of what the seed draws, e.g. fault_wipe=0; may be repeated")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  command
      ->add_option_function<std::string>(
          "--profile",
          [run](const std::string& file) {
            const absl::StatusOr<std::string> text = sim::ReadFile(file);
            if (!text.ok()) {
              throw CLI::ValidationError("--profile " + std::string(text.status().message()));
            }
            TakeProfile(*text, file, "--profile", run);
          },
          "A JSON file of such names and values (sim/profiles/)")
      ->type_name("FILE");
  command->add_flag_callback(
      "--performance",
      [run] {
        TakeProfile(kPerformance, "--performance", "--performance", run);
        TakeProfile(kLite, "--lite", "--performance", run);
      },
      "Three nodes under load and no faults");
  command->add_flag_callback(
      "--black-box",
      [run] {
        sim::AddFarther({{"white_box", 0}}, run);
      },
      "Judge by what clients see and by the code's own checks only");
  command->add_flag_callback(
      "--lite", [run] { TakeProfile(kLite, "--lite", "--lite", run); },
      "No faults: of nodes, network, disks or clocks");
}

}  // namespace

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

std::optional<std::string> CannotWrite(const std::string& path) {
  const bool is_there = access(path.c_str(), F_OK) == 0;
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return "cannot write '" + path + "': " + std::strerror(errno);
  close(file);
  if (!is_there) unlink(path.c_str());
  return std::nullopt;
}

bool IsShaped(const sim::RunOptions& run) {
  return run.nodes || run.steps || run.seconds || !run.edits.empty();
}

void AddRunFlags(CLI::App* command, sim::RunOptions* run) {
  AddNumber(command, "--nodes", &run->nodes, {1, 7},
            "Voters that the cluster is born with; drawn if not given");
  AddNumber(command, "--steps", &run->steps, {.min = 1},
            "Faults end after so many events; with --seconds, whichever comes first");
  AddNumber(command, "--seconds", &run->seconds, {1, 1'000'000},
            "Faults end after so many simulated seconds; drawn without either flag");
  AddPlanFlags(command, run);
  // When all of them are known.
  command->parse_complete_callback([run] {
    if (const auto problem = sim::Contradiction(*run)) throw CLI::ValidationError(*problem);
  });
}

void AddMoment(CLI::App* command, const std::string& flag, std::optional<Moment>* moment,
               const std::string& help) {
  command
      ->add_option_function<std::string>(
          flag,
          [flag, moment](const std::string& text) {
            const absl::StatusOr<Duration> at = ParseMoment(text);
            if (!at.ok()) {
              throw CLI::ValidationError(flag + " " + std::string(at.status().message()));
            }
            *moment = Moment{*at, text};
          },
          help)
      ->type_name("TIME");
}

std::optional<std::string> SpanProblem(const std::optional<Moment>& from,
                                       const std::optional<Moment>& until) {
  if (!from || !until || from->at <= until->at) return std::nullopt;
  return "--until " + until->text + " lies before --from " + from->text;
}

std::optional<std::string> LoadSchedule(const std::string& file,
                                        const std::optional<std::uint64_t>& seed,
                                        const sim::RunOptions& run, sim::Schedule* schedule,
                                        std::optional<sim::FailureFile>* failure) {
  if (file.empty() != seed.has_value()) return "give either a FILE or --seed N";
  if (seed.has_value()) {
    schedule->run = run;
    schedule->run.seed = *seed;
    return std::nullopt;
  }
  if (IsShaped(run)) {
    return "flags that shape a run go with --seed; '" + file + "' has its own shape";
  }
  const absl::StatusOr<std::string> text = sim::ReadFile(file);
  if (!text.ok()) return std::string(text.status().message());
  absl::StatusOr<sim::FailureFile> parsed = sim::ParseFailure(*text, file);
  if (!parsed.ok()) return std::string(parsed.status().message());
  *schedule = parsed->schedule;
  *failure = *std::move(parsed);
  return std::nullopt;
}

}  // namespace grassdb::sim_main
