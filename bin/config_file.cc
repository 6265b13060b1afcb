#include "bin/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"

namespace grassdb {
namespace {

// A file of options has some hundred bytes; this is something else.
constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;

constexpr std::string_view kSpace = " \t\r";

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool IsName(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

// A value between quotation marks: `text` begins with the first one. Between double ones, a
// backslash goes before a mark and before a backslash; between single ones, it is a character like
// others.
absl::StatusOr<std::string> ParseQuoted(std::string_view text) {
  const char mark = text.front();
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == mark) {
      const std::string_view rest = Trimmed(text.substr(i + 1));
      if (rest.empty() || rest.front() == '#') return value;
      return absl::InvalidArgumentError("there is more behind the closing quotation mark");
    }
    if (mark == '"' && text[i] == '\\') {
      if (i + 1 == text.size() || (text[i + 1] != '"' && text[i + 1] != '\\')) {
        return absl::InvalidArgumentError(
            "between double quotation marks, a backslash is written \\\\");
      }
      ++i;
    }
    value += text[i];
  }
  return absl::InvalidArgumentError("the closing quotation mark is missing");
}

absl::StatusOr<std::string> ParseValue(std::string_view text) {
  if (text.starts_with('"') || text.starts_with('\'')) return ParseQuoted(text);
  // A comment begins behind a space: a bare value may have the mark inside.
  const std::size_t comment = text.starts_with('#') ? 0 : text.find(" #");
  const std::string_view bare = Trimmed(text.substr(0, comment));
  if (bare.empty()) return absl::InvalidArgumentError("has no value; an empty one is \"\"");
  if (bare.find_first_of("\"'") != std::string_view::npos) {
    return absl::InvalidArgumentError("a quotation mark inside of a value that does not begin so");
  }
  return std::string(bare);
}

}  // namespace

absl::StatusOr<std::vector<ConfigLine>> ParseConfig(std::string_view text) {
  std::vector<ConfigLine> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = Trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    const std::string_view name = Trimmed(line.substr(0, equals));
    if (equals == std::string_view::npos || !IsName(name)) {
      return absl::InvalidArgumentError(fmt::format(
          "line {}: expected name = value, as in data-dir = \"/var/lib/grassdb\"", number));
    }
    absl::StatusOr<std::string> value = ParseValue(Trimmed(line.substr(equals + 1)));
    if (!value.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("line {}: {}: {}", number, name, std::string(value.status().message())));
    }
    const auto earlier = std::ranges::find(lines, name, &ConfigLine::name);
    if (earlier != lines.end()) {
      return absl::InvalidArgumentError(
          fmt::format("line {}: {} stands already in line {}", number, name, earlier->number));
    }
    lines.push_back({.number = number, .name = std::string(name), .value = *std::move(value)});
  }
  return lines;
}

absl::StatusOr<std::vector<ConfigLine>> ReadConfigFile(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(path + " is a directory");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.eof() && !file.good()) {
    return absl::InvalidArgumentError(path + " cannot be read");
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) {
    return absl::InvalidArgumentError(path + " is too large for a file of options");
  }
  absl::StatusOr<std::vector<ConfigLine>> lines = ParseConfig(text);
  if (!lines.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{} {}", path, std::string(lines.status().message())));
  }
  return lines;
}

}  // namespace grassdb
