// What the commands of grass-sim have in common: exit codes, and the flags that shape a run.
#ifndef GRASSDB_BIN_SIM_FLAGS_H_
#define GRASSDB_BIN_SIM_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bin/number_flag.h"
#include "core/types.h"
#include "sim/plan.h"
#include "sim/report/failure_file.h"

namespace grassdb::sim_main {

inline constexpr int kExitOk = 0;
inline constexpr int kExitViolation = 1;
inline constexpr int kExitUsage = 2;
// As a shell has it for a program that SIGINT has ended; nothing has failed until then.
inline constexpr int kExitInterrupted = 130;

// On standard output, as it is.
void Print(std::string_view text);

// Why a file cannot be written there, for a person; asked before the work that is to go into it. It
// leaves none behind.
std::optional<std::string> CannotWrite(const std::string& path);

// Whether flags shape the run.
bool IsShaped(const sim::RunOptions& run);

// --nodes, --steps, --seconds, --set, --profile, --performance and --lite.
void AddRunFlags(CLI::App* command, sim::RunOptions* run);

// --from or --until: a moment of the simulation.
struct Moment {
  Duration at{};
  std::string text;  // as it was typed
};
void AddMoment(CLI::App* command, const std::string& flag, std::optional<Moment>* moment,
               const std::string& help);

// What is wrong with a span from `from` until `until`, for a person.
std::optional<std::string> SpanProblem(const std::optional<Moment>& from,
                                       const std::optional<Moment>& until);

// What replay and shrink are about: a file, or a seed with its flags, and not both. Returns what is
// wrong, for a person.
std::optional<std::string> LoadSchedule(const std::string& file,
                                        const std::optional<std::uint64_t>& seed,
                                        const sim::RunOptions& run, sim::Schedule* schedule,
                                        std::optional<sim::FailureFile>* failure);

}  // namespace grassdb::sim_main

#endif  // GRASSDB_BIN_SIM_FLAGS_H_
