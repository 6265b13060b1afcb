// What is refused: a good message with one field spoilt.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/command.h"
#include "proto/convert.h"
#include "proto/messages.h"

namespace grassdb {
namespace {

namespace raft = wire::raft;

constexpr ClusterId kCluster{0xfeed};

template <class Wire>
std::string Header(Wire& wire, std::uint64_t term) {
  wire.mutable_header()->set_cluster(kCluster.value());
  wire.mutable_header()->set_from(1);
  wire.mutable_header()->set_to(2);
  wire.mutable_header()->set_term(term);
  wire.mutable_header()->set_incarnation(4);
  return wire.SerializeAsString();
}

std::string ErrorOf(MessageKind kind, const std::string& bytes) {
  const auto decoded = DecodeMessage(kind, bytes, kCluster);
  EXPECT_FALSE(decoded.ok());
  EXPECT_TRUE(absl::IsInvalidArgument(decoded.status())) << decoded.status();
  return std::string(decoded.status().message());
}

TEST(PeerMessages, AnEntryThatIsCutOrTooLongDoesNotParse) {
  raft::AppendEntriesRequest wire;
  wire.add_entries()->set_term(1);
  std::string bytes = wire.SerializeAsString();
  ASSERT_EQ(bytes, std::string("\x32\x02\x08\x01", 4));
  for (const std::string& bad :
       {std::string("\x32\x03\x08\x01", 4), std::string("\x32\x01\x08\x01", 4),
        std::string("\x32\x02\x1a\x01", 4), std::string("\x32\x04\x08\x01\x1a\x7f", 6)}) {
    EXPECT_EQ(ErrorOf(MessageKind::kAppendEntriesRequest, bad),
              "AppendEntriesRequest: " + std::to_string(bad.size()) + " bytes that do not parse");
  }
}

std::string VoteErrorAfter(const std::function<void(raft::RequestVoteRequest&)>& spoil) {
  raft::RequestVoteRequest wire;
  wire.set_ballot(raft::VOTE);
  wire.set_campaign_term(3);
  Header(wire, 3);
  spoil(wire);
  return ErrorOf(MessageKind::kRequestVoteRequest, wire.SerializeAsString());
}

TEST(PeerMessages, RefuseAnUnknownBallot) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.set_ballot(static_cast<raft::Ballot>(7)); }),
            "RequestVoteRequest.ballot: 7 is not a ballot");
}

TEST(PeerMessages, RefuseABallotThatIsMissing) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.clear_ballot(); }),
            "RequestVoteRequest.ballot: 0 is not a ballot");
}

TEST(PeerMessages, RefuseASenderOrReceiverOfNobody) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.mutable_header()->set_from(0); }),
            "RequestVoteRequest.header.from: 0 is not a valid value");
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.mutable_header()->set_to(0); }),
            "RequestVoteRequest.header.to: 0 is not a valid value");
}

TEST(PeerMessages, RefuseAMessageToItsOwnSender) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.mutable_header()->set_to(1); }),
            "RequestVoteRequest.header.from: 1 is also the receiver");
}

TEST(PeerMessages, RefuseASenderWithoutAnIncarnation) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.mutable_header()->set_incarnation(0); }),
            "RequestVoteRequest.header.incarnation: 0 is not a valid value");
}

TEST(PeerMessages, RefuseAnAnswerWithoutAResultOrAStanding) {
  raft::AppendEntriesResponse wire;
  wire.set_standing(raft::PROVEN);
  EXPECT_EQ(ErrorOf(MessageKind::kAppendEntriesResponse, Header(wire, 3)),
            "AppendEntriesResponse.result: 0 is not a result");
  wire.set_result(raft::MATCHED);
  wire.set_standing(raft::STANDING_UNSPECIFIED);
  EXPECT_EQ(ErrorOf(MessageKind::kAppendEntriesResponse, Header(wire, 3)),
            "AppendEntriesResponse.standing: 0 is not a standing");
}

TEST(PeerMessages, RefuseAnAnswerThatPromisesMoreThanTimeHas) {
  raft::AppendEntriesResponse wire;
  wire.set_standing(raft::PROVEN);
  wire.set_result(raft::MATCHED);
  wire.set_defends(UINT64_MAX);
  EXPECT_EQ(ErrorOf(MessageKind::kAppendEntriesResponse, Header(wire, 3)),
            "AppendEntriesResponse.defends: 18446744073709551615 is longer than any election "
            "timeout");
}

TEST(PeerMessages, RefuseARestThatBeginsWithWhatWasAskedForFirst) {
  raft::RepairResponse wire;
  wire.set_verdict(raft::REST);
  wire.set_first(7);
  wire.set_rest_first(7);
  EXPECT_EQ(ErrorOf(MessageKind::kRepairResponse, Header(wire, 3)),
            "RepairResponse.rest_first: 7 is not behind first");
  wire.set_rest_first(UINT64_MAX);
  EXPECT_EQ(ErrorOf(MessageKind::kRepairResponse, Header(wire, 3)),
            "RepairResponse.rest_first: 18446744073709551615 is not an index any log reaches");
}

TEST(PeerMessages, RefuseACampaignForTermZero) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.set_campaign_term(0); }),
            "RequestVoteRequest.campaign_term: 0 is not a valid value");
}

TEST(PeerMessages, RefuseALogWithATermButNoEntry) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.set_last_log_term(2); }),
            "RequestVoteRequest.last_log_term: 2 does not fit last_log_index");
}

std::string AppendErrorAfter(const std::function<void(raft::AppendEntriesRequest&)>& spoil) {
  raft::AppendEntriesRequest wire;
  wire.set_prev_log_index(4);
  wire.set_prev_log_term(2);
  raft::LogEntry& entry = *wire.add_entries();
  entry.set_term(3);
  entry.set_type(2);
  entry.set_payload(std::string(EncodeCommand(Command()).view()));
  Header(wire, 3);
  spoil(wire);
  return ErrorOf(MessageKind::kAppendEntriesRequest, wire.SerializeAsString());
}

std::string ChunkErrorAfter(const std::function<void(raft::InstallSnapshotRequest&)>& spoil) {
  raft::InstallSnapshotRequest wire;
  wire.mutable_meta()->set_index(5);
  wire.mutable_meta()->set_term(2);
  wire.mutable_meta()->set_configuration(
      EncodeConfiguration(Configuration({MakeMember("a", "a:1")})));
  Header(wire, 3);
  spoil(wire);
  return ErrorOf(MessageKind::kInstallSnapshotRequest, wire.SerializeAsString());
}

TEST(PeerMessages, RefuseAnUnknownEntryType) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_type(9); }),
            "AppendEntriesRequest.entries.type: 9 is not an entry type");
}

TEST(PeerMessages, RefuseEntriesWhoseTermsFall) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_term(1); }),
            "AppendEntriesRequest.entries.term: 1 is below the term of the entry before it");
}

TEST(PeerMessages, RefuseEntriesAboveTheLeadersTerm) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_term(4); }),
            "AppendEntriesRequest.entries.term: 4 is above the term of the leader");
}

TEST(PeerMessages, RefuseAConfigurationEntryThatDoesNotDecode) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_type(3); }),
            "AppendEntriesRequest.entries.payload: does not decode as a configuration");
}

// Bytes that decode are not yet a configuration that a cluster can have.
TEST(PeerMessages, RefuseAConfigurationThatNoClusterHas) {
  const std::string rule = "is a configuration that no cluster has: ";
  const Member voter = MakeMember("a", "h:1");
  const auto error = [](std::vector<Member> members) {
    const std::string bytes = EncodeConfiguration(Configuration(std::move(members)));
    const std::string of_entry = AppendErrorAfter([&](auto& wire) {
      wire.mutable_entries(0)->set_type(3);
      wire.mutable_entries(0)->set_payload(bytes);
    });
    const std::string of_snapshot =
        ChunkErrorAfter([&](auto& wire) { wire.mutable_meta()->set_configuration(bytes); });
    const std::string entry_field = "AppendEntriesRequest.entries.payload: ";
    const std::string snapshot_field = "InstallSnapshotRequest.meta.configuration: ";
    EXPECT_EQ(of_entry.find(entry_field), 0u) << of_entry;
    EXPECT_EQ(of_snapshot.find(snapshot_field), 0u) << of_snapshot;
    EXPECT_EQ(of_entry.substr(entry_field.size()), of_snapshot.substr(snapshot_field.size()));
    return of_entry.substr(entry_field.size());
  };
  EXPECT_EQ(error({}), rule + "a cluster needs at least one voting member");
  EXPECT_EQ(error({MakeMember("a", "h:1", MemberRole::kLearner)}),
            rule + "a cluster needs at least one voting member");
  EXPECT_EQ(error({voter, MakeMember("b", "h:1")}).find(rule + "the members "), 0u);
  EXPECT_EQ(error({voter, MakeMember("b", "")}), rule + "member 'b' has no address");
  EXPECT_EQ(error({voter, MakeMember("b", "h:2", MemberRole::kLeaving)}),
            rule + "member 'b' leaves a configuration that it is not in");
  EXPECT_EQ(error({voter, MakeMember("../b", "h:2")}).find(rule), 0u);
}

TEST(PeerMessages, NameTheFirstFieldThatIsWrong) {
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) {
              wire.mutable_meta()->set_index(0);
              wire.mutable_meta()->set_configuration("?");
            }),
            "InstallSnapshotRequest.meta.index: 0 is not a valid value");
}

TEST(PeerMessages, RefuseANoopWithAPayload) {
  EXPECT_EQ(
      AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_type(1); }),
      "AppendEntriesRequest.entries.payload: " + std::to_string(EncodeCommand(Command()).size()) +
          " bytes in an entry that carries none");
}

TEST(PeerMessages, RefuseACommandThatDoesNotDecode) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_payload("command"); }),
            "AppendEntriesRequest.entries.payload: does not decode as a command");
}

// It would be the highest for ever: no later one could be campaigned for.
TEST(PeerMessages, RefuseATermThatWouldOverflow) {
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  EXPECT_NE(AppendErrorAfter([=](auto& wire) {
              wire.mutable_header()->set_term(last);
            }).find("AppendEntriesRequest.header.term"),
            std::string::npos);
  EXPECT_NE(VoteErrorAfter([=](auto& wire) {
              wire.set_campaign_term(last);
            }).find("RequestVoteRequest.campaign_term"),
            std::string::npos);
}

TEST(PeerMessages, RefuseAnIndexThatWouldOverflow) {
  EXPECT_NE(AppendErrorAfter([](auto& wire) {
              wire.set_prev_log_index(std::numeric_limits<std::uint64_t>::max());
            }).find("AppendEntriesRequest.prev_log_index"),
            std::string::npos);
}

TEST(PeerMessages, RefuseASnapshotWithoutAConfiguration) {
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) { wire.mutable_meta()->set_configuration("?"); }),
            "InstallSnapshotRequest.meta.configuration: does not decode as a configuration");
}

TEST(PeerMessages, RefuseASnapshotAtIndexZeroOrOfALaterTerm) {
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) { wire.mutable_meta()->set_index(0); }),
            "InstallSnapshotRequest.meta.index: 0 is not a valid value");
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) { wire.mutable_meta()->set_term(4); }),
            "InstallSnapshotRequest.meta.term: 4 is above the term of the leader");
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) { wire.mutable_meta()->set_configuration_index(6); }),
            "InstallSnapshotRequest.meta.configuration_index: 6 is above meta.index");
}

TEST(PeerMessages, RefuseAReadWithoutANumber) {
  raft::ReadIndexRequest wire;
  EXPECT_EQ(ErrorOf(MessageKind::kReadIndexRequest, Header(wire, 1)),
            "ReadIndexRequest.read: 0 is not a valid value");
}

TEST(PeerMessages, RefuseBytesThatDoNotParse) {
  EXPECT_EQ(ErrorOf(MessageKind::kTimeoutNow, "\xff\xff\xff"),
            "TimeoutNowRequest: 3 bytes that do not parse");
}

}  // namespace
}  // namespace grassdb
