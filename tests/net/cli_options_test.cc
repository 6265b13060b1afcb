#include "bin/cli_options.h"

#include <gtest/gtest.h>

namespace grassdb {
namespace {

using Words = std::vector<std::string>;

CliOptions Parsed(const Words& words) {
  auto result = ParseCliArguments(words);
  if (const auto* exit = std::get_if<CliExit>(&result)) {
    ADD_FAILURE() << exit->text;
    return {};
  }
  return std::get<CliOptions>(result);
}

CliExit Exit(const Words& words) {
  auto result = ParseCliArguments(words);
  if (std::holds_alternative<CliOptions>(result)) {
    ADD_FAILURE() << "was taken";
    return {};
  }
  return std::get<CliExit>(result);
}

TEST(CliOptions, HaveTheThreeLocalNodesByDefault) {
  const CliOptions options = Parsed({"get", "k"});
  EXPECT_EQ(options.command, CliCommand::kGet);
  EXPECT_EQ(options.arguments, Words{"k"});
  EXPECT_EQ(options.peers, (Words{"localhost:50051", "localhost:50052", "localhost:50053"}));
  EXPECT_EQ(options.deadline, std::chrono::seconds(5));
}

TEST(CliOptions, TakePeersInEveryWayOfWritingThem) {
  const Words expected = {"host1:50051", "host2:50052"};
  const std::string list = "host1:50051,host2:50052";
  for (const Words& words :
       {Words{"-peers=" + list, "set", "foo", "bar"}, Words{"--peers=" + list, "set", "foo", "bar"},
        Words{"-peers", list, "set", "foo", "bar"}, Words{"--peers", list, "set", "foo", "bar"},
        Words{"set", "foo", "bar", "-peers=" + list}, Words{"set", "foo", "--peers", list, "bar"},
        Words{"set", "--peers=" + list, "foo", "bar"}}) {
    const CliOptions options = Parsed(words);
    EXPECT_EQ(options.peers, expected);
    EXPECT_EQ(options.arguments, (Words{"foo", "bar"}));
  }
}

TEST(CliOptions, TakeValuesThatBeginWithADash) {
  EXPECT_EQ(Parsed({"set", "k", "-5"}).arguments, (Words{"k", "-5"}));
  EXPECT_EQ(Parsed({"set", "k", "-.5"}).arguments, (Words{"k", "-.5"}));
  EXPECT_EQ(Parsed({"set", "k", "-"}).arguments, (Words{"k", "-"}));
  EXPECT_EQ(Parsed({"get", "-7"}).arguments, Words{"-7"});
  EXPECT_EQ(Parsed({"set", "--", "-k", "--peers"}).arguments, (Words{"-k", "--peers"}));
  EXPECT_EQ(Parsed({"set", "k", "--", "--stale"}).arguments, (Words{"k", "--stale"}));
  EXPECT_EQ(Parsed({"set", "-7", "-8", "-peers=h:1"}).arguments, (Words{"-7", "-8"}));
}

// Whatever the argument, and whether a flag has that name or not.
TEST(CliOptions, SayWhereArgumentsGoThatBeginWithADash) {
  for (const char* word : {"-v", "-abc", "-hello", "--typo", "---", "-w"}) {
    for (const Words& words :
         {Words{"set", "k", word}, Words{"set", "k", "v", word}, Words{"get", word}, Words{word}}) {
      EXPECT_NE(Exit(words).text.find("begins with a dash goes after --"), std::string::npos)
          << word;
    }
    EXPECT_EQ(Parsed({"set", "k", "--", word}).arguments, (Words{"k", word}));
    EXPECT_EQ(Parsed({"get", "--", word}).arguments, Words{word});
  }
}

TEST(CliOptions, LeaveTheValueToStandardInput) {
  EXPECT_EQ(Parsed({"set", "k"}).arguments, Words{"k"});
}

TEST(CliOptions, TakeAnEmptyValue) {
  EXPECT_EQ(Parsed({"set", "k", ""}).arguments, (Words{"k", ""}));
}

TEST(CliOptions, ReadTheOtherFlags) {
  EXPECT_EQ(Parsed({"get", "k"}).read, ReadMode::kLinearizable);
  EXPECT_EQ(Parsed({"get", "--stale", "k"}).read, ReadMode::kStale);
  EXPECT_EQ(Parsed({"get", "--lease", "k"}).read, ReadMode::kLease);
  EXPECT_TRUE(Parsed({"status", "-w", "json"}).json);
  EXPECT_TRUE(Parsed({"get", "-r", "k"}).raw);
  EXPECT_TRUE(Parsed({"get", "k", "--raw"}).raw);
  EXPECT_TRUE(Parsed({"status", "--write-out=json"}).json);
  EXPECT_EQ(Parsed({"-deadline", "250ms", "get", "k"}).deadline, std::chrono::milliseconds(250));
  EXPECT_EQ(Parsed({"transfer-leader"}).arguments, Words{});
  EXPECT_EQ(Parsed({"transfer-leader", "node2"}).arguments, Words{"node2"});
}

TEST(CliOptions, ReadTheChangesOfTheMembership) {
  EXPECT_EQ(Parsed({"member", "list"}).command, CliCommand::kMemberList);
  EXPECT_TRUE(Parsed({"member", "list", "-w", "json"}).json);
  const CliOptions add = Parsed({"member", "add", "n4", "h:4"});
  EXPECT_EQ(add.command, CliCommand::kMemberAdd);
  EXPECT_EQ(add.arguments, (Words{"n4", "h:4"}));
  EXPECT_FALSE(add.learner);
  EXPECT_TRUE(Parsed({"member", "add", "n4", "h:4", "--learner"}).learner);
  EXPECT_TRUE(Parsed({"--learner", "member", "add", "n4", "h:4"}).learner);
  EXPECT_EQ(Parsed({"member", "remove", "n4"}).command, CliCommand::kMemberRemove);
  EXPECT_EQ(Parsed({"member", "promote", "n4"}).command, CliCommand::kMemberPromote);
  EXPECT_EQ(Parsed({"member", "demote", "n4"}).command, CliCommand::kMemberDemote);
  const CliOptions replace = Parsed({"member", "replace", "n3", "n4", "h:4"});
  EXPECT_EQ(replace.command, CliCommand::kMemberReplace);
  EXPECT_EQ(replace.arguments, (Words{"n3", "n4", "h:4"}));
  EXPECT_EQ(Parsed({"member", "move", "n4", "h:5"}).command, CliCommand::kMemberMove);
}

TEST(CliOptions, AnEmptyValueStaysOne) {
  for (const Words& words : {Words{"--peers=", "get", "k"}, Words{"--peers", "", "get", "k"}}) {
    const CliExit exit = Exit(words);
    EXPECT_EQ(exit.code, ExitCode::kUsage);
    EXPECT_NE(exit.text.find("--peers"), std::string::npos) << exit.text;
  }
  EXPECT_NE(Exit({"--deadline=", "get", "k"}).text.find("--deadline"), std::string::npos);
}

TEST(CliOptions, AFlagWithoutItsValueIsNoArgumentThatBeginsWithADash) {
  const std::string text = Exit({"get", "k", "--peers"}).text;
  EXPECT_NE(text.find("--peers needs a value"), std::string::npos) << text;
  EXPECT_EQ(text.find("goes after --"), std::string::npos) << text;
}

TEST(CliOptions, HelpIsACommandToo) {
  EXPECT_EQ(Exit({"help"}).code, ExitCode::kOk);
  EXPECT_EQ(Exit({"help"}).text, Exit({"--help"}).text);
  EXPECT_EQ(Exit({"help", "set"}).code, ExitCode::kOk);
}

TEST(CliOptions, HelpNamesEveryCommand) {
  const std::string help = Exit({"--help"}).text;
  for (const char* command :
       {"set KEY", "get KEY", "del KEY", "status", "snapshot", "transfer-leader", "member list",
        "member add", "member remove", "member promote", "member demote", "member replace",
        "member move", "--lease", "--stale", "--learner"}) {
    EXPECT_NE(help.find(std::string("\n  ") + command), std::string::npos) << command;
  }
}

TEST(CliOptions, RefuseWrongUsageInOneLine) {
  for (const Words& words : {Words{},
                             Words{"frobnicate"},
                             Words{"set"},
                             Words{"set", "k", "v", "w"},
                             Words{"set", "k", "-v"},
                             Words{"set", "--raw", "k", "v"},
                             Words{"status", "-r"},
                             Words{"get"},
                             Words{"get", "a", "b"},
                             Words{"--frob", "get", "k"},
                             Words{"get", "-k"},
                             Words{"set", "k", "--typo"},
                             Words{"get", "k", "--peers"},
                             Words{"get", "k", "--peers="},
                             Words{"get", "k", "--peers=host"},
                             Words{"get", "k", "--peers=a:1,,b:2"},
                             Words{"get", "k", "--deadline=soon"},
                             Words{"get", "k", "--stale=yes"},
                             Words{"set", "k", "v", "--stale"},
                             Words{"get", "k", "-w", "json"},
                             Words{"status", "-w", "xml"},
                             Words{"status", "x"},
                             Words{"get", "k", "--stale", "--lease"},
                             Words{"set", "k", "v", "--lease"},
                             Words{"member"},
                             Words{"member", "frob"},
                             Words{"member", "add", "n4"},
                             Words{"member", "add", "n4", "nowhere"},
                             Words{"member", "add", "n 4", "h:4"},
                             Words{"member", "add", "n4", "0.0.0.0:4"},
                             Words{"member", "remove"},
                             Words{"member", "remove", "n4", "--learner"},
                             Words{"member", "remove", ""},
                             Words{"member", "replace", "n3", "n4"},
                             Words{"member", "replace", "n3", "n/4", "h:4"},
                             Words{"member", "move", "n3", ":4"},
                             Words{"member", "promote", "n3", "h:3"},
                             Words{"member", "list", "n3"},
                             Words{"member", "demote", "n3", "-w", "json"}}) {
    const CliExit exit = Exit(words);
    EXPECT_EQ(exit.code, ExitCode::kUsage);
    EXPECT_EQ(exit.text.find('\n'), std::string::npos) << exit.text;
    EXPECT_EQ(exit.text.find("grass-cli: "), 0u) << exit.text;
  }
}

TEST(CliOptions, HelpNamesEveryExitCode) {
  for (const char* flag : {"--help", "-help", "-h"}) {
    const CliExit exit = Exit({flag});
    EXPECT_EQ(exit.code, ExitCode::kOk);
    for (const char* line : {"\n  0  ", "\n  1  ", "\n  2  ", "\n  3  ", "\n  4  "}) {
      EXPECT_NE(exit.text.find(line), std::string::npos) << line;
    }
  }
}

}  // namespace
}  // namespace grassdb
