// What the commands of grass-sim have in common: exit codes, numbers on the command line, and the
// flags that shape a run.
#ifndef GRASSDB_BIN_SIM_FLAGS_H_
#define GRASSDB_BIN_SIM_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/plan.h"
#include "sim/report/failure_file.h"

namespace grassdb::sim_main {

inline constexpr int kExitOk = 0;
inline constexpr int kExitViolation = 1;
inline constexpr int kExitUsage = 2;

// On standard output, as it is.
void Print(std::string_view text);

struct Range {
  std::uint64_t min = 0;
  std::uint64_t max = UINT64_MAX;
};

// Decimal digits and nothing else.
std::optional<std::uint64_t> ParseNumber(std::string_view text);

// The type of the number itself, also where the flag may be left out.
template <class Value>
struct NumberIn {
  using Type = Value;
};
template <class Value>
struct NumberIn<std::optional<Value>> {
  using Type = Value;
};

// A flag with a whole number in `range`. By hand: CLI11 takes -1 and what is too large for the
// nearest number it has, without a word.
template <class Value>
CLI::Option* AddNumber(CLI::App* command, const std::string& flag, Value* value, Range range,
                       const std::string& help) {
  return command
      ->add_option_function<std::string>(
          flag,
          [flag, value, range](const std::string& text) {
            const std::optional<std::uint64_t> number = ParseNumber(text);
            if (!number.has_value() || *number < range.min || *number > range.max) {
              throw CLI::ValidationError(flag + " '" + text + "': expected a whole number from " +
                                         std::to_string(range.min) + " to " +
                                         std::to_string(range.max));
            }
            *value = static_cast<typename NumberIn<Value>::Type>(*number);
          },
          help)
      ->type_name("N");
}

// --nodes, --steps, --seconds, --set, --profile, --performance and --lite.
void AddRunFlags(CLI::App* command, sim::RunOptions* run);

// What replay and shrink are about: a file, or a seed with its flags, and not both. Returns what is
// wrong, for a person.
std::optional<std::string> LoadSchedule(const std::string& file,
                                        const std::optional<std::uint64_t>& seed,
                                        const sim::RunOptions& run, sim::Schedule* schedule,
                                        std::optional<sim::FailureFile>* failure);

}  // namespace grassdb::sim_main

#endif  // GRASSDB_BIN_SIM_FLAGS_H_
