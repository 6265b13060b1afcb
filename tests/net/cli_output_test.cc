#include "bin/cli_output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace grassdb {
namespace {

net::NodeReport Leader() {
  net::NodeReport report;
  report.endpoint = "h:1";
  wire::StatusResponse& status = report.status.emplace();
  status.set_id("n1");
  status.set_cluster("blue");
  status.set_cluster_id(0xfeed);
  status.set_role("leader");
  status.set_serving(true);
  status.set_term(3);
  status.set_leader_id("n1");
  status.set_commit_index(10);
  status.set_applied_index(9);
  status.set_durable_index(11);
  status.set_configuration_index(8);
  status.set_changing_membership(true);
  status.set_transfer_target_id("n2");
  wire::FollowerStatus& follower = *status.add_followers();
  follower.set_id("n3");
  follower.set_state("snapshot");
  follower.set_counts(true);
  follower.set_match(4);
  follower.set_lag(7);
  follower.set_silent_ms(1250);
  follower.set_snapshot_index(6);
  follower.set_snapshot_offset(3 << 19);
  wire::MemberStatus& joining = *status.add_members();
  joining.set_id("n3");
  joining.set_address("h:3");
  joining.set_role("joining");
  joining.set_replaces("n2");
  wire::MemberStatus& voter = *status.add_members();
  voter.set_id("n1");
  voter.set_address("h:1");
  voter.set_role("voter");
  voter.set_voter(true);
  return report;
}

net::NodeReport Receiver() {
  net::NodeReport report;
  report.endpoint = "h:3";
  wire::StatusResponse& status = report.status.emplace();
  status.set_id("n3");
  status.set_role("follower");
  status.set_leader_id("n1");
  status.set_snapshot_index(2);
  status.set_receiving_index(6);
  status.set_receiving_offset(2048);
  return report;
}

net::NodeReport Silent() {
  return {.endpoint = "h:2", .status = std::nullopt, .error = "refused"};
}

TEST(CliOutput, StatusHasANodeAFollowerAndAMemberTable) {
  const CliResult result = StatusOf({Leader(), Receiver(), Silent()}, CliOptions());
  EXPECT_EQ(result.code, ExitCode::kOk);
  EXPECT_EQ(
      result.output,
      "ENDPOINT  ID  ROLE                    TERM  LEADER  COMMIT  APPLIED  DURABLE  KEYS  "
      "SNAPSHOT\n"
      "h:1       n1  leader                  3     n1      10      9        11       0     -\n"
      "h:3       n3  follower (not serving)  0     n1      0       0        0        0     2 "
      "(receiving 6: 2 KiB)\n"
      "h:2       -   unreachable             -     -       -       -        -        -     -\n"
      "\n"
      "FOLLOWER  STATE     MATCH  LAG  SILENT  SNAPSHOT\n"
      "n3        snapshot  4      7    1.2s    6 (1.5 MiB sent)\n"
      "Leadership is being handed to n2.\n"
      "Fault tolerance: none; writes stop when one more voter that is up fails.\n"
      "\n"
      "MEMBER  ADDRESS  ROLE\n"
      "n1      h:1      voter\n"
      "n3      h:3      joining, in the place of n2\n"
      "A change of the membership is under way (log entry 8).\n");
}

TEST(CliOutput, StatusSaysWhoHasNoSay) {
  net::NodeReport leader = Leader();
  leader.status->mutable_followers(0)->set_counts(false);
  const CliResult result = StatusOf({leader}, CliOptions());
  EXPECT_NE(result.output.find("n3        snapshot, has no say  4 "), std::string::npos)
      << result.output;
}

TEST(CliOutput, StatusNamesFullAndDamagedDisksAndHasTheirLatencies) {
  net::NodeReport leader = Leader();
  wire::StatusResponse& status = *leader.status;
  EXPECT_EQ(StatusOf({leader}, CliOptions()).output.find("The disk of"), std::string::npos);
  status.set_disk_space("full");
  status.set_disk_problem("writing at 7 /d/f: No space left on device");
  status.mutable_followers(0)->set_disk_full(true);
  status.mutable_scrub()->set_found(2);
  status.mutable_scrub()->set_mended(1);
  status.mutable_scrub()->set_newest("g at offset 9 in /d: wrong");
  status.mutable_log_writes()->set_count(5);
  status.mutable_log_writes()->set_p99_us(1234);
  const std::string text = StatusOf({leader}, CliOptions()).output;
  for (const char* part :
       {"The disk of n1 is full, it takes deletes but no new data: writing at 7 /d/f: No space",
        "The disk of n1 was found damaged 2 times, mended 1: g at offset 9 in /d: wrong",
        "snapshot, disk full"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  CliOptions options;
  options.json = true;
  const auto node = nlohmann::json::parse(StatusOf({leader}, options).output)[0];
  EXPECT_EQ(node["disk_space"], "full");
  EXPECT_EQ(node["log_writes"]["p99_us"], 1234);
  EXPECT_EQ(node["scrub"]["found"], 2);
  EXPECT_EQ(node["followers"][0]["disk_full"], true);
}

TEST(CliOutput, AFullDiskHasAnExitCodeOfItsOwn) {
  Outcome outcome;
  outcome.code = Outcome::Code::kDiskFull;
  outcome.error = "the disk of n1 is full";
  const CliResult result = ResultOf(outcome, Effect::kChange);
  EXPECT_EQ(static_cast<int>(result.code), 5);
  EXPECT_EQ(result.error, outcome.error);
}

TEST(CliOutput, StatusSaysHowManyVotersMayFail) {
  net::NodeReport leader = Leader();
  const auto table = [&leader] { return StatusOf({leader}, CliOptions()).output; };
  EXPECT_NE(table().find("Fault tolerance: none;"), std::string::npos) << table();
  leader.status->set_failures_tolerated(1);
  EXPECT_NE(table().find("when any 1 of the voters that are up fails.\n"), std::string::npos);
  leader.status->set_failures_tolerated(2);
  EXPECT_NE(table().find("when any 2 of the voters that are up fail.\n"), std::string::npos);
  leader.status->add_followers()->set_disk_full(true);
  EXPECT_NE(table().find("any 2 of the voters that are up and have room fail.\n"),
            std::string::npos);
  CliOptions options;
  options.json = true;
  EXPECT_EQ(nlohmann::json::parse(StatusOf({leader}, options).output)[0]["failures_tolerated"], 2);
}

TEST(CliOutput, StatusMakesUpNoNumbersOfANodeThatRepairsItsLog) {
  net::NodeReport report = Leader();
  report.status->set_role("follower");
  report.status->set_leader_id("");
  report.status->set_repairing(true);
  const std::string table = StatusOf({report}, CliOptions()).output;
  const std::size_t at = table.find("(repairing its log)");
  ASSERT_NE(at, std::string::npos) << table;
  const std::string row = table.substr(at, table.find('\n', at) - at);
  EXPECT_EQ(std::ranges::count(row, '-'), 6) << "all but the term: " << row;
}

TEST(CliOutput, StatusTellsALearnerFromAFollower) {
  for (const auto& [role, shown] : {std::pair("learner", "learner"),
                                    {"joining", "learner"},
                                    {"voter", "follower"},
                                    {"leaving", "follower"}}) {
    net::NodeReport report = Receiver();
    report.status->set_serving(true);
    wire::MemberStatus& self = *report.status->add_members();
    self.set_id("n3");
    self.set_role(role);
    const std::string table = StatusOf({report}, CliOptions()).output;
    EXPECT_NE(table.find("h:3       n3  " + std::string(shown) + " "), std::string::npos) << table;
    CliOptions options;
    options.json = true;
    const auto json = nlohmann::json::parse(StatusOf({report}, options).output);
    EXPECT_EQ(json[0]["role"], "follower");
    EXPECT_EQ(json[0]["member_role"], role);
  }
}

TEST(CliOutput, ATransferSaysWhoLeadsAndInWhichTermIfThatIsKnown) {
  Outcome outcome;
  outcome.reply.leader_name = "n1";
  EXPECT_EQ(TransferOf(outcome, {Leader()}).output, "OK, n1 leads (term 3)\n");
  EXPECT_EQ(TransferOf(outcome, {Silent()}).output, "OK, n1 leads\n");
  outcome.reply.leader_name = "n2";
  EXPECT_EQ(TransferOf(outcome, {Leader()}).output, "OK, n2 leads\n")
      << "the term of another leader";
  outcome.code = Outcome::Code::kRefused;
  EXPECT_EQ(TransferOf(outcome, {Leader()}).code, ExitCode::kError);
  EXPECT_EQ(TransferOf(outcome, {Leader()}).output, "");
}

TEST(CliOutput, StatusWithoutALeaderIsShownAndIsAFailure) {
  const CliResult result = StatusOf({Receiver(), Silent()}, CliOptions());
  EXPECT_EQ(result.code, ExitCode::kUnreachable);
  EXPECT_NE(result.output.find("MEMBER"), std::string::npos);
  EXPECT_EQ(result.output.find("FOLLOWER"), std::string::npos);
}

TEST(CliOutput, StatusInJsonHasEveryField) {
  CliOptions options;
  options.json = true;
  const auto nodes = nlohmann::json::parse(StatusOf({Leader(), Receiver()}, options).output);
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0]["cluster_id"], "000000000000feed");
  EXPECT_EQ(nodes[0]["durable_index"], 11);
  EXPECT_EQ(nodes[0]["configuration_index"], 8);
  EXPECT_EQ(nodes[0]["changing_membership"], true);
  EXPECT_EQ(nodes[0]["transfer_target_id"], "n2");
  EXPECT_EQ(nodes[0]["followers"][0]["counts"], true);
  EXPECT_EQ(nodes[0]["followers"][0]["lag"], 7);
  EXPECT_EQ(nodes[0]["followers"][0]["silent_ms"], 1250);
  EXPECT_EQ(nodes[0]["followers"][0]["snapshot_index"], 6);
  EXPECT_EQ(nodes[0]["followers"][0]["snapshot_offset"], 3 << 19);
  // By name, whatever the order in the node's answer.
  EXPECT_EQ(nodes[0]["members"][0]["id"], "n1");
  EXPECT_EQ(nodes[0]["members"][1]["role"], "joining");
  EXPECT_EQ(nodes[0]["members"][1]["replaces"], "n2");
  EXPECT_EQ(nodes[0]["members"][1]["outgoing"], false);
  EXPECT_EQ(nodes[1]["receiving_index"], 6);
  EXPECT_EQ(nodes[1]["receiving_offset"], 2048);
}

TEST(CliOutput, OnlyAWriteIsSaidToHaveChangedNothing) {
  Outcome outcome;
  outcome.code = Outcome::Code::kUnreachable;
  outcome.error = "refused";
  const CliResult write = ResultOf(outcome, Effect::kChange);
  EXPECT_EQ(write.code, ExitCode::kUnreachable);
  EXPECT_NE(write.error.find("nothing was changed: refused"), std::string::npos) << write.error;
  const CliResult read = ResultOf(outcome, Effect::kNone);
  EXPECT_EQ(read.code, ExitCode::kUnreachable);
  EXPECT_EQ(read.error.find("changed"), std::string::npos) << read.error;
  EXPECT_NE(read.error.find("refused"), std::string::npos) << read.error;
}

TEST(CliOutput, MembersAreTheLeaders) {
  EXPECT_EQ(MembersOf({Receiver(), Silent()}, CliOptions()).code, ExitCode::kUnreachable);
  EXPECT_EQ(MembersOf({Receiver(), Leader()}, CliOptions()).output,
            "MEMBER  ADDRESS  ROLE\n"
            "n1      h:1      voter\n"
            "n3      h:3      joining, in the place of n2\n"
            "A change of the membership is under way (log entry 8).\n");
  CliOptions options;
  options.json = true;
  const auto json = nlohmann::json::parse(MembersOf({Leader()}, options).output);
  EXPECT_EQ(json["leader_id"], "n1");
  EXPECT_EQ(json["configuration_index"], 8);
  EXPECT_EQ(json["members"].size(), 2u);
}

TEST(CliOutput, StatusSaysWhoDoesNotReachWhom) {
  net::NodeReport leader = Leader();
  leader.status->mutable_members(0)->set_problem("another cluster answers there");
  const std::string text = StatusOf({leader, Receiver()}, CliOptions()).output;
  const std::string line = "n1 does not reach n3 at h:3: another cluster answers there.\n";
  EXPECT_TRUE(text.ends_with(line)) << text;
  CliOptions options;
  options.json = true;
  const auto json = nlohmann::json::parse(StatusOf({leader}, options).output);
  EXPECT_EQ(json[0]["members"][0]["problem"], "");
  EXPECT_EQ(json[0]["members"][1]["problem"], "another cluster answers there");
}

}  // namespace
}  // namespace grassdb
