#include "net/log.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace grassdb::net {
namespace {

Member Voter(const std::string& name) {
  return MakeMember(name, name + ":1");
}

std::string LineOf(LogFormat format, const std::string& message) {
  ::testing::internal::CaptureStderr();
  StartLogging("node1", format, LogLevel::kInfo);
  SetLogContext(Term(2), Role::kLeader);
  spdlog::info(message);
  spdlog::debug("not this one");
  StopLogging();
  return ::testing::internal::GetCapturedStderr();
}

TEST(Log, SaysWhoWonAnElection) {
  const Event event{.kind = EventKind::kWonElection, .peer = NodeIdOf("node1"), .a = 2, .b = 3};
  EXPECT_EQ(TextOf(Term(2), event, Configuration({Voter("node1")})),
            "Won election for term 2 with 2 of 3 votes");
}

TEST(Log, CountsOneVoteAsOne) {
  Event event{.kind = EventKind::kStartedElection, .peer = NodeIdOf("node1"), .a = 1, .b = 0};
  EXPECT_EQ(TextOf(Term(2), event, Configuration()), "Started election for term 2; 1 vote needed");
  event.a = 2;
  EXPECT_EQ(TextOf(Term(2), event, Configuration()), "Started election for term 2; 2 votes needed");
}

TEST(Log, NamesPeers) {
  const Event event{.kind = EventKind::kFollowingLeader, .peer = NodeIdOf("node2")};
  EXPECT_EQ(TextOf(Term(5), event, Configuration({Voter("node1"), Voter("node2")})),
            "Following leader node2 in term 5");
}

TEST(Log, TellsTheMembersAndWhoOfThemDoesNotVote) {
  Member joining = MakeMember("node2", "h:2", MemberRole::kJoining);
  const Configuration members({Voter("node1"), joining});
  Event event{.kind = EventKind::kChangedMembership, .peer = NodeId(), .a = 7, .b = 0};
  const std::string text = TextOf(Term(5), event, members);
  EXPECT_NE(text.find("node1"), std::string::npos) << text;
  EXPECT_NE(text.find("node2 (joining)"), std::string::npos) << text;
  EXPECT_NE(text.find("by log entry 7"), std::string::npos) << text;
  event.b = 1;
  EXPECT_EQ(TextOf(Term(5), event, members), text + ", on the way to a new set of voters");
}

TEST(Log, NamesAPeerThatItDoesNotKnowYetByItsId) {
  const Event event{.kind = EventKind::kFollowingLeader, .peer = NodeId(0xabc)};
  EXPECT_EQ(TextOf(Term(5), event, Configuration()),
            "Following leader node 0000000000000abc in term 5");
}

// A sentence for a person, not the name of the enumerator.
TEST(Log, HasWordsForEveryEvent) {
  for (int kind = 1; kind <= static_cast<int>(EventKind::kRenewed); ++kind) {
    const Event event{.kind = static_cast<EventKind>(kind), .peer = NodeIdOf("node1")};
    const std::string text = TextOf(Term(5), event, Configuration({Voter("node1")}));
    EXPECT_NE(text, NameOf(event.kind));
    EXPECT_NE(text.find(' '), std::string::npos) << text;
  }
  EXPECT_EQ(LevelOf(EventKind::kDiskStalled), LogLevel::kWarn);
}

TEST(Log, TextLinesCarryNodeTermAndRole) {
  const std::string line = LineOf(LogFormat::kText, "Won election for term 2 with 2 of 3 votes");
  EXPECT_NE(line.find(" term=2 role=leader [node1] Won election for term 2 with 2 of 3 votes\n"),
            std::string::npos)
      << line;
}

TEST(Log, JsonLinesAreValidWhateverTheMessage) {
  const std::string line = LineOf(LogFormat::kJson, "a \"quoted\" \n \xff byte");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["node"], "node1");
  EXPECT_EQ(json["term"], 2);
  EXPECT_EQ(json["role"], "leader");
  EXPECT_EQ(json["level"], "info");
}

}  // namespace
}  // namespace grassdb::net
