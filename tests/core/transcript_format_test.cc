// The transcripts' own machinery: what is wrong with a file is said with its line and its text, and
// a difference is shown.
#include <gtest/gtest.h>

#include "tests/core/transcript.h"

namespace grassdb {
namespace {

// What is wrong with running `text`; "" if nothing.
std::string ProblemOf(const std::string& text) {
  const auto transcript = ParseTranscript(text);
  if (!transcript.ok()) return std::string(transcript.status().message());
  const auto outcome = RunTranscript(*transcript);
  return outcome.ok() ? "" : std::string(outcome.status().message());
}

TEST(TranscriptFormat, SurvivesFormatting) {
  const std::string text =
      "# What it shows.\n"
      "nodes 3\n"
      "\n"
      "# And then.\n"
      "#\n"
      "# More.\n"
      "fire n1\n"
      "  n1 <- deadline\n"
      "    a line of it\n"
      "\n"
      "heal\n"
      "\n"
      "# The end.\n";
  const auto transcript = ParseTranscript(text);
  ASSERT_TRUE(transcript.ok());
  EXPECT_EQ(transcript->commands.size(), 3u);
  EXPECT_EQ(transcript->commands[1].line, 7u);
  EXPECT_EQ(transcript->commands[1].record.size(), 2u);
  EXPECT_EQ(FormatTranscript(*transcript), text);
}

TEST(TranscriptFormat, RefusesARecordThatFollowsNoCommand) {
  EXPECT_EQ(ProblemOf("  n1 <- deadline\n"), "1: a record that follows no command");
  EXPECT_EQ(ProblemOf("nodes 3\n\n  n1 <- deadline\n"), "3: a record that follows no command");
}

TEST(TranscriptFormat, NamesTheLineAndTheTextOfAWrongCommand) {
  EXPECT_EQ(ProblemOf("# Hm.\nelect n1\n"),
            "2: 'elect n1': a transcript begins with 'nodes', once");
  EXPECT_EQ(ProblemOf("nodes 3\n\nsing\n"), "3: 'sing': there is no command 'sing'");
  EXPECT_EQ(ProblemOf("nodes 3\nfire n4\n"), "2: 'fire n4': there is no node 'n4'");
  EXPECT_EQ(ProblemOf("nodes 3\nnodes 3\n"),
            "2: 'nodes 3': a transcript begins with 'nodes', once");
  EXPECT_EQ(ProblemOf("nodes 3\nquietly heal; sing\n"),
            "2: 'quietly heal; sing': there is no command 'sing'");
}

TEST(TranscriptFormat, RefusesWrongArguments) {
  for (const char* command : {"nodes",
                              "join",
                              "join n1",
                              "elect",
                              "elect 1",
                              "propose n1",
                              "read",
                              "deliver",
                              "deliver n1",
                              "deliver n1->n2",
                              "deliver n1->n1",
                              "repeat n1->n2",
                              "delay n1->n2",
                              "drop all",
                              "cut n1-n2",
                              "isolate",
                              "heal n1",
                              "skip 1s",
                              "skip ms",
                              "advance",
                              "disk n1 eat",
                              "disk n1 finish one",
                              "disk n1 finish",
                              "restart n9",
                              "compact",
                              "snapshot n1->n2",
                              "change n1 add",
                              "change n1 add n4 n5",
                              "change n1 replace n1 n4",
                              "change n1 swap n2",
                              "transfer n1 n2 n3",
                              "append n1->n2",
                              "append n1->n2 term=1 prev=0",
                              "show n7",
                              "quietly"}) {
    const std::string problem = ProblemOf(std::string("nodes 3\n") + command + "\n");
    EXPECT_EQ(problem.find(std::string("2: '") + command + "': "), 0u)
        << command << " gives: " << problem;
  }
}

TEST(TranscriptFormat, ShowsTheFirstCommandThatDiffersLineByLine) {
  const auto expected = ParseTranscript("nodes 3\n\nfire n1\n  a\n  b\n  c\n\nheal\n  d\n");
  const auto actual = ParseTranscript("nodes 3\n\nfire n1\n  a\n  x\n  c\n\nheal\n");
  ASSERT_TRUE(expected.ok());
  ASSERT_TRUE(actual.ok());
  EXPECT_EQ(FirstDifference(*expected, *actual), "3: fire n1\n    a\n  - b\n  + x\n    c\n");
  EXPECT_EQ(FirstDifference(*expected, *expected), "");
}

TEST(TranscriptFormat, TheSameCommandsGiveTheSameRecord) {
  const auto transcript = ParseTranscript("nodes 3\n\nelect n1\n\nadvance 2000ms\n");
  ASSERT_TRUE(transcript.ok());
  const auto first = RunTranscript(*transcript);
  const auto second = RunTranscript(*transcript);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(FormatTranscript(*first), FormatTranscript(*second));
  EXPECT_FALSE(first->commands[1].record.empty());
}

}  // namespace
}  // namespace grassdb
