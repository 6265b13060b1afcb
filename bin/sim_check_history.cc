// grass-sim check-history: is what was recorded of a store linearizable?
#include <cstdio>
#include <memory>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/history_file.h"
#include "sim/report/failure_file.h"
#include "sim/text.h"

namespace grassdb::sim_main {
namespace {

absl::StatusOr<sim::HistoryVerdict> Check(const std::string& file) {
  const absl::StatusOr<std::string> text = sim::ReadFile(file);
  if (!text.ok()) return text.status();
  return sim::CheckHistory(*text, file);
}

}  // namespace

void AddCheckHistory(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand(
      "check-history",
      "Says whether a recorded history is linearizable: exit code 0 it is, 1 it is "
      "not, 2 it cannot be read");
  const auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "Events, one a line: EDN maps, or a log of jepsen.util")
      ->required();
  command->callback([file, exit_code] {
    const absl::StatusOr<sim::HistoryVerdict> verdict = Check(*file);
    if (!verdict.ok()) {
      std::fprintf(stderr, "grass-sim: check-history: %s\n",
                   std::string(verdict.status().message()).c_str());
      *exit_code = kExitUsage;
      return;
    }
    const std::string size = sim::Decimal(verdict->operations) + " operations on " +
                             sim::Decimal(verdict->keys) + (verdict->keys == 1 ? " key" : " keys");
    if (verdict->linearizable) {
      Print("linearizable: " + size + "\n");
      return;
    }
    Print("not linearizable: " + size + "\n" + verdict->text + "\n");
    *exit_code = kExitViolation;
  });
}

}  // namespace grassdb::sim_main
