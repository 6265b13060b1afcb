// grass-sim explore: every state within bounds, and the replay of a schedule that one has led to.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/explore/explorer.h"
#include "sim/explore/replay.h"

namespace grassdb::sim_main {
namespace {

namespace explore = sim::explore;

struct Flags {
  explore::ExploreOptions options;
  bool pre_votes = false;
  bool instant_disk = false;
  bool no_symmetry = false;
  bool no_reduction = false;
  bool skip_drops = false;
  std::uint64_t memory_mib = 4096;
  std::optional<std::uint64_t> minutes;
  std::string out;
  std::string replay;
};

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

unsigned long long Number(std::uint64_t value) {
  return value;
}

// Set by SIGINT and SIGTERM: the search ends with what there is.
volatile std::sig_atomic_t interrupted = 0;

void EndSoon(int) {
  interrupted = 1;
}

// The line that a person who waits looks at; nothing where nobody does.
class ProgressLine {
 public:
  ProgressLine() : on_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (on_) std::fputs("\r\033[K", stderr);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(const explore::Progress& progress, double seconds) const {
    if (!on_) return;
    std::fprintf(stderr, "\r\033[Kdepth %u, %llu states, %.0f a second, %llu left here, %llu MiB",
                 progress.depth, Number(progress.distinct),
                 static_cast<double>(progress.distinct) / std::max(seconds, 0.001),
                 Number(progress.layer_left), Number(progress.bytes >> 20));
    std::fflush(stderr);
  }

 private:
  bool on_;
};

int Complain(const std::string& problem) {
  std::fprintf(stderr, "grass-sim: %s\n", problem.c_str());
  return kExitUsage;
}

int Replay(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  if (in) content << in.rdbuf();
  if (!in) return Complain("--replay '" + path + "': cannot be read; name a file that --out wrote");
  explore::ScheduleFile file;
  if (const auto problem = explore::ParseFile(content.str(), &file)) {
    return Complain("--replay '" + path + "': " + *problem);
  }
  const explore::ReplayResult result = explore::Replay(file.bounds, file.steps);
  if (result.problem.has_value()) {
    return Complain("--replay '" + path + "': " + *result.problem);
  }
  Print(result.text);
  if (!result.violation.has_value()) {
    std::printf("%llu steps: no rule was broken\n", Number(result.steps));
    return kExitOk;
  }
  Print("VIOLATION of " + result.violation->rule + " at " + result.violation->where + "\n  " +
        result.violation->text + "\n");
  Print("repeat with: grass-sim explore --replay " + path + "\n");
  return kExitViolation;
}

std::string CommandFor(const Flags& flags) {
  std::string command = "grass-sim explore " + explore::FlagsOf(flags.options.bounds);
  if (flags.skip_drops) command += " --skip-drops";
  if (flags.no_symmetry) command += " --no-symmetry";
  if (flags.no_reduction) command += " --no-reduction";
  return command;
}

// The schedule, run again and told step by step.
int ReportViolation(const Flags& flags, const explore::ExploreResult& result) {
  const std::string heading = "VIOLATION of " + result.violation->rule + " at " +
                              result.violation->where + "\n  " + result.violation->text + "\n";
  const explore::ReplayResult replay = explore::Replay(flags.options.bounds, result.schedule);
  Print(replay.text);
  Print(heading);
  const bool same = replay.violation.has_value() &&
                    replay.violation->rule == result.violation->rule &&
                    replay.steps == result.schedule.size();
  if (!same) Print("but the replay of this schedule does not show it: a fault of the explorer\n");
  std::string repeat = CommandFor(flags);
  if (!flags.out.empty()) {
    std::ofstream out(flags.out, std::ios::binary);
    out << explore::FileOf(flags.options.bounds, result.schedule, heading);
    out.close();
    if (out) {
      repeat = "grass-sim explore --replay " + flags.out;
    } else {
      std::fprintf(stderr, "grass-sim: --out '%s': cannot be written\n", flags.out.c_str());
    }
  }
  std::printf("shortest schedule: %llu steps\n", Number(result.schedule.size()));
  Print("repeat with: " + repeat + "\n");
  return kExitViolation;
}

void Summarize(const Flags& flags, const explore::ExploreResult& result, double seconds) {
  const double rate = static_cast<double>(result.distinct) / std::max(seconds, 1e-9);
  if (result.not_reduced.has_value()) {
    Print("not reduced: " + *result.not_reduced + "\n");
  }
  std::printf("states: %llu distinct, %llu of them final\n", Number(result.distinct),
              Number(result.final));
  std::printf("transitions: %llu, made of %llu steps of %llu replicas with %llu messages\n",
              Number(result.transitions), Number(result.steps), Number(result.replicas),
              Number(result.messages));
  std::printf("depth: %u\n", result.depth);
  const bool all = result.ending == explore::Ending::kExhausted;
  if (all) {
    Print("covered: every state within the bounds\n");
  } else {
    std::printf("covered: every state of up to %u steps", result.depth);
    if (result.deeper > 0) {
      std::printf("; of %u steps, %llu states, those behind %.1f %% of them", result.depth + 1,
                  Number(result.deeper),
                  100.0 * static_cast<double>(result.expanded) /
                      static_cast<double>(std::max<std::uint64_t>(result.at_depth, 1)));
    }
    Print("\n");
  }
  std::printf("time: %.2f s, %.0f states/s, %llu MiB\n", seconds, rate, Number(result.bytes >> 20));
  switch (result.ending) {
    case explore::Ending::kExhausted:
      Print("exhausted: yes\n");
      break;
    case explore::Ending::kViolation:
      Print("exhausted: no, a rule was broken\n");
      break;
    case explore::Ending::kDepth:
      std::printf("exhausted: no, there are states deeper than --depth %u\n",
                  flags.options.depth_max);
      break;
    case explore::Ending::kMemory:
      std::printf("exhausted: no, the next states do not fit into --memory %llu (MiB)\n",
                  Number(flags.memory_mib));
      break;
    case explore::Ending::kStates:
      std::printf("exhausted: no, there are more than --states %llu\n",
                  Number(flags.options.states_max));
      break;
    case explore::Ending::kEnough:
      Print(interrupted != 0 ? "exhausted: no, it was interrupted\n"
                             : "exhausted: no, the --minutes are over\n");
      break;
  }
  Print("final fingerprint: " + explore::HexOf(result.final_fingerprint) + "\n");
  Print("fingerprint: " + explore::HexOf(result.fingerprint) + "\n");
}

// A schedule has the bounds of its own search.
void RefuseBesideReplay(const CLI::App& command) {
  if (command.count("--replay") == 0) return;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || option->get_name() == "--replay") continue;
    throw CLI::ValidationError("explore: " + option->get_name() +
                               " goes with a search; the file of --replay has its own bounds");
  }
}

int RunExplore(Flags flags) {
  if (!flags.replay.empty()) return Replay(flags.replay);
  if (!flags.out.empty()) {
    if (const auto problem = CannotWrite(flags.out)) return Complain("explore: --out: " + *problem);
  }
  explore::ExploreOptions& options = flags.options;
  if (options.bounds.reads > 0 && options.bounds.heartbeats > 0) {
    return Complain("explore: --reads " + std::to_string(options.bounds.reads) +
                    " and --heartbeats " + std::to_string(options.bounds.heartbeats) +
                    ": one of them only; when a follower was heard last would matter");
  }
  options.bytes_max = static_cast<std::size_t>(flags.memory_mib) << 20;
  if (flags.pre_votes) {
    options.bounds.pre_votes = explore::PreVotes::kExplored;
    if (options.bounds.timeouts == 0) options.bounds.timeouts = 2;
  }
  if (flags.instant_disk) options.bounds.disk = explore::DiskSpeed::kInstant;
  if (flags.no_symmetry) options.symmetry = explore::Symmetry::kOff;
  if (flags.no_reduction) options.reduction = explore::Reduction::kOff;
  if (flags.skip_drops) options.losses = explore::Losses::kSkipped;
  const auto begin = std::chrono::steady_clock::now();
  options.enough = [&flags, begin] {
    return interrupted != 0 ||
           (flags.minutes && SecondsSince(begin) >= 60.0 * static_cast<double>(*flags.minutes));
  };
  std::signal(SIGINT, EndSoon);
  std::signal(SIGTERM, EndSoon);
  explore::ExploreResult result;
  {
    const ProgressLine line;
    options.on_progress = [&line, begin](const explore::Progress& progress) {
      line.Show(progress, SecondsSince(begin));
    };
    result = explore::Explore(options);
  }
  Summarize(flags, result, SecondsSince(begin));
  if (result.violation.has_value()) return ReportViolation(flags, result);
  return result.ending == explore::Ending::kEnough && interrupted != 0 ? kExitInterrupted : kExitOk;
}

}  // namespace

void AddExplore(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand(
      "explore", "Visits every state of a small cluster within bounds, breadth first");
  const auto flags = std::make_shared<Flags>();
  explore::ExploreOptions& options = flags->options;
  explore::Bounds& bounds = options.bounds;
  const auto add = [&](const std::string& flag, std::uint32_t* value, NumberRange range,
                       const std::string& help) {
    AddNumber(command, flag, value, range, help)->default_str(std::to_string(*value));
  };
  add("--nodes", &bounds.nodes, {1, explore::kNodesMax}, "Nodes of the cluster");
  add("--terms", &bounds.terms, {1, explore::kTermsMax}, "Nobody campaigns for a higher term");
  add("--entries", &bounds.entries, {0, explore::kEntriesMax}, "Commands that are proposed");
  add("--crashes", &bounds.crashes, {0, explore::kFaultsMax}, "Crashes with a restart");
  add("--drops", &bounds.drops, {0, explore::kFaultsMax}, "Messages lost");
  add("--duplicates", &bounds.duplicates, {0, explore::kFaultsMax}, "Messages that arrive twice");
  add("--heartbeats", &bounds.heartbeats, {0, explore::kFaultsMax}, "Heartbeats of leaders");
  command->add_flag("--instant-disk", flags->instant_disk,
                    "Every write is durable at once: fewer states, and no write is lost");
  command->add_flag("--pre-votes", flags->pre_votes,
                    "Every pre-vote is a message; without, a campaign has its pre-votes");
  add("--timeouts", &bounds.timeouts, {0, explore::kFaultsMax},
      "Election timeouts; 0: as --terms allows, and 2 with --pre-votes");
  add("--append-max", &bounds.append_max, {0, explore::kEntriesMax},
      "Entries in one message; 0: as in production");
  add("--reads", &bounds.reads, {0, explore::kReadsMax},
      "Linearizable reads that leaders are asked for");
  AddNumber(command, "--depth", &options.depth_max, {1, UINT32_MAX - 1}, "No more steps than this");
  AddNumber(command, "--memory", &flags->memory_mib, {64, 1u << 20}, "MiB to stay below, about")
      ->default_str("4096");
  AddNumber(command, "--states", &options.states_max, {1, UINT64_MAX}, "No more states than this");
  AddNumber(command, "--minutes", &flags->minutes, {1, 1'000'000}, "Ends after so much real time");
  command->add_flag("--skip-drops", flags->skip_drops,
                    "Leaves losses out: no rule can tell a lost message from a late one");
  command->add_flag("--no-symmetry", flags->no_symmetry,
                    "Takes states for different that differ in the nodes' names only");
  command->add_flag("--no-reduction", flags->no_reduction,
                    "Keeps messages in the network that nothing can come of any more");
  command->add_option("--out", flags->out, "A file for the schedule that breaks a rule");
  command->add_option("--replay", flags->replay, "Runs the schedule in this file again, no other");
  command->parse_complete_callback([command] { RefuseBesideReplay(*command); });
  command->callback([flags, exit_code] { *exit_code = RunExplore(*flags); });
}

}  // namespace grassdb::sim_main
