// The commands of grass-sim, one a file. Each adds itself to `app`; the one that was typed runs at
// the end of the parse and sets `*exit_code`: 0 every rule held, 1 a rule was broken (compare: the
// files differ), 2 usage.
#ifndef GRASSDB_BIN_SIM_COMMANDS_H_
#define GRASSDB_BIN_SIM_COMMANDS_H_

#include <CLI/CLI.hpp>

namespace grassdb::sim_main {

void AddRun(CLI::App* app, int* exit_code);
void AddSweep(CLI::App* app, int* exit_code);
void AddReplay(CLI::App* app, int* exit_code);
void AddShrink(CLI::App* app, int* exit_code);
void AddCompare(CLI::App* app, int* exit_code);
void AddBench(CLI::App* app, int* exit_code);
void AddPrefix(CLI::App* app, int* exit_code);
void AddDiverge(CLI::App* app, int* exit_code);
void AddExplain(CLI::App* app, int* exit_code);
void AddExplore(CLI::App* app, int* exit_code);
void AddCheckHistory(CLI::App* app, int* exit_code);

}  // namespace grassdb::sim_main

#endif  // GRASSDB_BIN_SIM_COMMANDS_H_
