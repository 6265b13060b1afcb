#include "sim/wire.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "sim/run.h"
#include "sim/schedule.h"
#include "sim/violation.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

const ClusterId kCluster{7};

Wire MakeWire() {
  return {kCluster, {"n1", "n2"}, WireRule::kChecked};
}

Message MessageOf(MessageBody body) {
  Message message;
  message.from = NodeIdOf("n1");
  message.to = NodeIdOf("n2");
  message.term = Term(3);
  message.incarnation = Incarnation(5);
  message.body = std::move(body);
  return message;
}

AppendEntriesRequest AppendOfOne() {
  AppendEntriesRequest append;
  append.prev_log_index = Index(4);
  append.prev_log_term = Term(2);
  append.leader_commit = Index(4);
  Command command;
  command.transaction = PutTransaction("k1", "v1");
  append.entries = {{Index(5), Term(3), EntryType::kCommand, EncodeCommand(command)}};
  return append;
}

std::string RuleBrokenBy(const Wire& wire, const Message& message) {
  return grassdb::sim::RuleBrokenBy([&] { wire.Carry(message); });
}

TEST(Wire, CarriesMessagesAsTheyAre) {
  const Message message = MessageOf(AppendOfOne());
  EXPECT_EQ(MakeWire().Carry(message), message);
}

TEST(Wire, SeesAMessageThatItsReceiverRefuses) {
  AppendEntriesRequest append = AppendOfOne();
  append.entries[0].term = Term(9);  // above its leader's
  EXPECT_EQ(RuleBrokenBy(MakeWire(), MessageOf(append)), "wire");
}

TEST(Wire, SeesAFieldThatIsLost) {
  // On the wire an entry's index follows from its place, so that this one cannot arrive.
  AppendEntriesRequest append = AppendOfOne();
  append.entries[0].index = Index(6);
  EXPECT_EQ(RuleBrokenBy(MakeWire(), MessageOf(append)), "wire");
  const Wire unchecked(kCluster, {}, WireRule::kNotChecked);
  EXPECT_EQ(RuleBrokenBy(unchecked, MessageOf(append)), "") << "a black box does not look";
}

TEST(Wire, CarriesRequestsAndTheirReplies) {
  const Wire wire = MakeWire();
  TransactionRequest write;
  write.session = SessionId(3);
  write.sequence = Sequence(2);
  write.acknowledged = Sequence(1);
  write.transaction = CompareAndSetTransaction("k1", "v1", "v2");
  for (const ClientRequest& request :
       {ClientRequest(write), ClientRequest(GetRequest{ReadMode::kLease, "k1"}),
        ClientRequest(OpenSessionRequest{}), ClientRequest(CloseSessionRequest{SessionId(3)}),
        ClientRequest(TransferLeadershipRequest{}),
        ClientRequest(TransferLeadershipRequest{NodeIdOf("n2")})}) {
    const auto received = wire.Carry(request);
    ASSERT_TRUE(received.ok());
    EXPECT_EQ(*received, request);
  }
  Reply reply;
  reply.command.revision = Revision(9);
  reply.command.operations = {{true, "v1", Revision(8)}};
  EXPECT_EQ(wire.Carry(1, reply).command, reply.command);
  reply = {};
  reply.code = ReplyCode::kNotLeader;
  reply.leader_name = "n2";
  reply.leader_address = "n2:1";
  EXPECT_EQ(wire.Carry(1, reply).leader, NodeIdOf("n2"));
}

TEST(Wire, RefusesAnOperatorsSlipAsAServerDoes) {
  ChangeMembershipRequest slip;
  slip.changes.push_back({MemberChange::Kind::kReplace, "n1", "n1:1", "n1"});
  EXPECT_FALSE(MakeWire().Carry(ClientRequest(slip)).ok());
  TransactionRequest unnumbered;
  unnumbered.session = SessionId(3);
  EXPECT_THROW((void)MakeWire().Carry(ClientRequest(unnumbered)), Violation)
      << "no client of ours asks so";
}

TEST(Wire, ReadsWhateverBecameOfAMessage) {
  const Message message = MessageOf(AppendOfOne());
  for (std::uint64_t random = 1; random <= 2000; ++random) {
    MakeWire().ReadDamaged(message, random);
  }
}

TEST(Wire, LeavesTheRunAsItIs) {
  RunOptions options;
  options.seconds = 4;
  // Without an operator's slips, which are refused at different places.
  options.edits = {{"wire", 0}, {"member_weight", 0}, {"corrupt_ppm", 0}};
  for (options.seed = 1; options.seed <= 5; ++options.seed) {
    options.edits["wire"] = 0;
    const RunResult without = RunSeed(options);
    options.edits["wire"] = 1;
    const RunResult with = RunSeed(options);
    EXPECT_TRUE(with.ok()) << with.report;
    EXPECT_EQ(with.fingerprint, without.fingerprint) << "seed " << options.seed;
  }
}

}  // namespace
}  // namespace grassdb::sim
