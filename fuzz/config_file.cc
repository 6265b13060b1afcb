// Any bytes as the file of grassdb's --config: it is refused with the line that is wrong, or every
// line that is neither blank nor a comment gives an option; what is written of them is read as the
// same.
#include "bin/config_file.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"

namespace grassdb {
namespace {

// The numbers of the lines that say something.
std::vector<std::size_t> LinesOf(std::string_view text) {
  std::vector<std::size_t> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first != std::string_view::npos && line[first] != '#') lines.push_back(number);
  }
  return lines;
}

// Between double quotation marks, where every value can stand.
std::string Written(const std::vector<ConfigLine>& lines) {
  std::string text;
  for (const ConfigLine& line : lines) {
    text += line.name + " = \"";
    for (const char c : line.value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += "\"  # again\n";
  }
  return text;
}

void Refused(std::string_view why, const std::vector<std::size_t>& lines) {
  constexpr std::string_view kLine = "line ";
  GRASS_CHECK(why.starts_with(kLine));
  std::size_t number = 0;
  const std::string_view rest = why.substr(kLine.size());
  const char* const rest_end = rest.data() + rest.size();
  const auto [end, error] = std::from_chars(rest.data(), rest_end, number);
  GRASS_CHECK(error == std::errc() && std::string_view(end, rest_end).starts_with(": "));
  GRASS_CHECK(std::ranges::find(lines, number) != lines.end());
}

void Parse(std::string_view text) {
  const std::vector<std::size_t> lines = LinesOf(text);
  const absl::StatusOr<std::vector<ConfigLine>> config = ParseConfig(text);
  if (!config.ok()) return Refused(std::string(config.status().message()), lines);
  GRASS_CHECK(std::ranges::equal(*config, lines, {}, &ConfigLine::number));
  const absl::StatusOr<std::vector<ConfigLine>> again = ParseConfig(Written(*config));
  GRASS_CHECK_MSG(again.ok(), std::string(again.status().message()));
  GRASS_CHECK(std::ranges::equal(*config, *again, {}, &ConfigLine::name, &ConfigLine::name));
  GRASS_CHECK(std::ranges::equal(*config, *again, {}, &ConfigLine::value, &ConfigLine::value));
}

}  // namespace
}  // namespace grassdb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  grassdb::Parse({reinterpret_cast<const char*>(data), size});
  return 0;
}
