// grass-sim: runs whole simulated clusters from a seed. A thin main; its commands are in sim_*.cc,
// and what they do is in sim/.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"

namespace {

namespace sim_main = grassdb::sim_main;

// CLI11 would only say that a subcommand is missing.
bool NamesACommand(const CLI::App& app, const char* first) {
  const std::string typed = first == nullptr ? "" : first;
  if (typed.starts_with("-")) return true;
  std::string known;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_name() == typed) return true;
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  const std::string problem =
      first == nullptr ? "which command? One of" : "unknown command '" + typed + "'; one of";
  std::fprintf(stderr, "grass-sim: %s %s (see grass-sim --help)\n", problem.c_str(), known.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs whole grassdb clusters in deterministic simulation");
  app.set_version_flag("--version", "grass-sim " GRASSDB_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  int exit_code = sim_main::kExitOk;
  sim_main::AddRun(&app, &exit_code);
  sim_main::AddSweep(&app, &exit_code);
  sim_main::AddReplay(&app, &exit_code);
  sim_main::AddShrink(&app, &exit_code);
  sim_main::AddCompare(&app, &exit_code);
  sim_main::AddBench(&app, &exit_code);
  sim_main::AddPrefix(&app, &exit_code);
  sim_main::AddDiverge(&app, &exit_code);
  sim_main::AddExplain(&app, &exit_code);
  sim_main::AddExplore(&app, &exit_code);
  sim_main::AddCheckHistory(&app, &exit_code);
  if (!NamesACommand(app, argc > 1 ? argv[1] : nullptr)) return sim_main::kExitUsage;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "grass-sim: %s\n", error.what());
    return sim_main::kExitUsage;
  }
  return exit_code;
}
