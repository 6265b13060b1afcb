// A golden transcript: a text file of commands (transcript_runner.h), each followed by the indented
// record of what it caused; comments say what the scenario shows.
//
//     # Thesis 3.4: a candidate needs a majority.
//     nodes 3
//
//     fire n1
//       n1 <- deadline
//         pre-candidate | term 0 vote - | commit 0 durable 0 apply 0 last 0@0
//         ...
//
// The commands and comments are a person's; the records are the program's, which compares them byte
// by byte, or writes them anew.
#ifndef GRASSDB_TESTS_CORE_TRANSCRIPT_H_
#define GRASSDB_TESTS_CORE_TRANSCRIPT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace grassdb {

struct Transcript {
  struct Command {
    std::vector<std::string> comments;  // the lines before it; none is blank at either end
    std::string text;
    std::size_t line = 0;             // of the file, from 1
    std::vector<std::string> record;  // without the indentation of its first level
  };
  std::vector<Command> commands;
  std::vector<std::string> closing;  // comments after the last command
};

// InvalidArgument: "N: what is wrong", N being the line.
absl::StatusOr<Transcript> ParseTranscript(std::string_view text);

// The file's bytes. Parsing them gives the transcript again.
std::string FormatTranscript(const Transcript& transcript);

// The same commands with what they cause now. InvalidArgument: "N: 'command': what is wrong".
absl::StatusOr<Transcript> RunTranscript(Transcript transcript);

// For people: "N: command" of the first one whose records differ, and their lines, "-" for those
// only in `expected` and "+" for those only in `actual`. Empty if none differs.
std::string FirstDifference(const Transcript& expected, const Transcript& actual);

}  // namespace grassdb

#endif  // GRASSDB_TESTS_CORE_TRANSCRIPT_H_
