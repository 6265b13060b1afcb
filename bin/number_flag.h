// Flags with a whole number, and what is said of flags that CLI11 refuses.
#ifndef GRASSDB_BIN_NUMBER_FLAG_H_
#define GRASSDB_BIN_NUMBER_FLAG_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace grassdb {

struct NumberRange {
  std::uint64_t min = 0;
  std::uint64_t max = UINT64_MAX;
};

// Decimal digits and nothing else.
std::optional<std::uint64_t> ParseNumber(std::string_view text);

// What is wrong with a command line. CLI11's own words for a flag that is there twice are "At Most
// 1 required but received 2".
std::string ProblemOf(const CLI::ParseError& error);

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
CLI::Option* AddNumber(CLI::App* command, const std::string& flag, Value* value, NumberRange range,
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

}  // namespace grassdb

#endif  // GRASSDB_BIN_NUMBER_FLAG_H_
