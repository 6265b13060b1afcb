// grass-sim diverge: the first event in which two builds of grass-sim differ on one seed. Both
// should be one run; if they are not, something in core, store or sim is decided by the compiler,
// by memory or by the world.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/run.h"

namespace grassdb::sim_main {
namespace {

struct Flags {
  sim::RunOptions run;
  std::string other;
};

struct Beginning {
  std::uint64_t events = 0;
  std::string fingerprint;
  std::string newest_line;

  bool operator==(const Beginning& that) const {
    return events == that.events && fingerprint == that.fingerprint;
  }
};

std::string LastLine(const std::string& lines) {
  if (lines.empty()) return "(no line of the trace yet)";
  const std::size_t end = lines.size() - 1;
  const std::size_t before = lines.rfind('\n', end - 1);
  return lines.substr(before == std::string::npos ? 0 : before + 1, end - before - 1);
}

Beginning Ours(const sim::RunOptions& run, std::uint64_t events) {
  const sim::Prefix prefix = sim::RunPrefix(run, events);
  return {prefix.events, prefix.fingerprint.Hex(), LastLine(prefix.newest_lines)};
}

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

// nullopt, and a line on stderr, if the other program is none or is too old.
std::optional<Beginning> Theirs(const Flags& flags, std::uint64_t events) {
  const std::string command = Quoted(flags.other) + " prefix" + sim::FlagsFor(flags.run) +
                              " --events " + std::to_string(events);
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  char chunk[4096];
  while (pipe != nullptr && std::fgets(chunk, sizeof chunk, pipe) != nullptr) output += chunk;
  const int status = pipe == nullptr ? -1 : pclose(pipe);
  const std::size_t count = output.rfind("events: ");
  const std::size_t print = output.rfind("fingerprint: ");
  if (status != 0 || count == std::string::npos || print == std::string::npos) {
    std::fprintf(stderr, "grass-sim: '%s' is no grass-sim that can be compared: it failed on: %s\n",
                 flags.other.c_str(), command.c_str());
    return std::nullopt;
  }
  const std::string number = output.substr(count + 8, output.find('\n', count) - count - 8);
  return Beginning{ParseNumber(number).value_or(0), output.substr(print + 13, 32),
                   LastLine(output.substr(0, count))};
}

// Fingerprints roll: once two runs differ they differ for good, so the first difference is found by
// bisection over how many events are run.
int Diverge(const Flags& flags) {
  const auto ours = Ours(flags.run, UINT64_MAX);
  const auto theirs = Theirs(flags, UINT64_MAX);
  if (!theirs.has_value()) return kExitUsage;
  if (ours == *theirs) {
    Print("the same run of " + std::to_string(ours.events) +
          " events\nfingerprint: " + ours.fingerprint + "\n");
    return kExitOk;
  }
  std::uint64_t same = 0;
  std::uint64_t differ = std::max(ours.events, theirs->events);
  while (differ - same > 1) {
    const std::uint64_t middle = same + (differ - same) / 2;
    const auto their_beginning = Theirs(flags, middle);
    if (!their_beginning.has_value()) return kExitUsage;
    (Ours(flags.run, middle) == *their_beginning ? same : differ) = middle;
  }
  const auto their_beginning = Theirs(flags, differ);
  if (!their_beginning.has_value()) return kExitUsage;
  Print("the first event that differs is #" + std::to_string(differ) +
        "; the newest lines after it\n" + "  here:  " + Ours(flags.run, differ).newest_line +
        "\n  there: " + their_beginning->newest_line + "\n");
  Print("look around it with: grass-sim prefix" + sim::FlagsFor(flags.run) + " --events " +
        std::to_string(differ) + "\n");
  return kExitViolation;
}

}  // namespace

void AddDiverge(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand(
      "diverge", "Finds the first event in which another build of grass-sim differs on a seed");
  const auto flags = std::make_shared<Flags>();
  command->add_option("other", flags->other, "The other grass-sim")->required();
  AddNumber(command, "--seed", &flags->run.seed, {}, "The seed")->required();
  AddRunFlags(command, &flags->run);
  command->callback([flags, exit_code] { *exit_code = Diverge(*flags); });
}

}  // namespace grassdb::sim_main
