#include "tests/core/transcript.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "tests/core/transcript_runner.h"

namespace grassdb {
namespace {

constexpr std::string_view kIndent = "  ";

std::string At(std::size_t line) {
  return std::to_string(line) + ": ";
}

void TrimBlankEnds(std::vector<std::string>& lines) {
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  while (!lines.empty() && lines.front().empty()) lines.erase(lines.begin());
}

void AppendLines(const std::vector<std::string>& lines, std::string_view indent,
                 std::string& text) {
  for (const std::string& line : lines) {
    text += indent;
    text += line;
    text += '\n';
  }
}

// The lines of two texts, "-" only in the first, "+" only in the second: the longest common
// subsequence, so that one line more does not make all that follow differ.
std::string DiffOf(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::vector<std::size_t>> common(a.size() + 1,
                                               std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      common[i][j] =
          a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string text;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      text += "    " + a[i++] + "\n";
      ++j;
    } else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      text += "  - " + a[i++] + "\n";
    } else {
      text += "  + " + b[j++] + "\n";
    }
  }
  return text;
}

}  // namespace

absl::StatusOr<Transcript> ParseTranscript(std::string_view text) {
  Transcript transcript;
  std::vector<std::string> comments;
  std::size_t line_number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (line.empty() || line.front() == '#') {
      comments.push_back(std::move(line));
    } else if (!line.starts_with(kIndent)) {
      TrimBlankEnds(comments);
      transcript.commands.push_back({.comments = std::exchange(comments, {}),
                                     .text = std::move(line),
                                     .line = line_number,
                                     .record = {}});
    } else if (transcript.commands.empty() || !comments.empty()) {
      return absl::InvalidArgumentError(At(line_number) + "a record that follows no command");
    } else {
      transcript.commands.back().record.push_back(line.substr(kIndent.size()));
    }
  }
  TrimBlankEnds(comments);
  transcript.closing = std::move(comments);
  return transcript;
}

std::string FormatTranscript(const Transcript& transcript) {
  std::string text;
  for (const Transcript::Command& command : transcript.commands) {
    if (!text.empty()) text += '\n';
    AppendLines(command.comments, "", text);
    AppendLines({command.text}, "", text);
    AppendLines(command.record, kIndent, text);
  }
  if (!transcript.closing.empty()) text += '\n';
  AppendLines(transcript.closing, "", text);
  return text;
}

absl::StatusOr<Transcript> RunTranscript(Transcript transcript) {
  TranscriptRunner runner;
  for (Transcript::Command& command : transcript.commands) {
    absl::StatusOr<std::vector<std::string>> record = runner.Run(command.text);
    if (!record.ok()) {
      return absl::InvalidArgumentError(At(command.line) + "'" + command.text +
                                        "': " + std::string(record.status().message()));
    }
    command.record = *std::move(record);
  }
  return transcript;
}

std::string FirstDifference(const Transcript& expected, const Transcript& actual) {
  for (std::size_t i = 0; i < std::min(expected.commands.size(), actual.commands.size()); ++i) {
    const Transcript::Command& command = expected.commands[i];
    if (command.record == actual.commands[i].record) continue;
    return At(command.line) + command.text + "\n" +
           DiffOf(command.record, actual.commands[i].record);
  }
  return {};
}

}  // namespace grassdb
