// grass-sim compare: do two builds run the same seeds the same way?
#include <cstdio>
#include <memory>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/report/failure_file.h"
#include "sim/report/sweep_report.h"

namespace grassdb::sim_main {
namespace {

absl::StatusOr<std::string> Compare(const std::string& a, const std::string& b) {
  const absl::StatusOr<std::string> text_a = sim::ReadFile(a);
  if (!text_a.ok()) return text_a.status();
  const absl::StatusOr<std::string> text_b = sim::ReadFile(b);
  if (!text_b.ok()) return text_b.status();
  return sim::CompareFingerprints(*text_a, a, *text_b, b);
}

}  // namespace

void AddCompare(CLI::App* app, int* exit_code) {
  CLI::App* command =
      app->add_subcommand("compare", "Names the first seed that two fingerprint files differ in");
  const auto files = std::make_shared<std::pair<std::string, std::string>>();
  command->add_option("A", files->first, "Written by sweep --fingerprints")->required();
  command->add_option("B", files->second, "Another one")->required();
  command->callback([files, exit_code] {
    const absl::StatusOr<std::string> difference = Compare(files->first, files->second);
    if (!difference.ok()) {
      std::fprintf(stderr, "grass-sim: compare: %s\n",
                   std::string(difference.status().message()).c_str());
      *exit_code = kExitUsage;
      return;
    }
    Print(difference->empty() ? "the same seeds, the same fingerprints\n" : *difference);
    *exit_code = difference->empty() ? kExitOk : kExitViolation;
  });
}

}  // namespace grassdb::sim_main
