#include "bin/number_flag.h"

#include <charconv>

namespace grassdb {

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

std::string ProblemOf(const CLI::ParseError& error) {
  const std::string text = error.what();
  constexpr std::string_view kTwice = ": At Most 1 required but received ";
  const std::size_t at = text.find(kTwice);
  if (at == std::string::npos) return text;
  return text.substr(0, at) + " is there " + text.substr(at + kTwice.size()) +
         " times; give it once";
}

}  // namespace grassdb
