// The small rules about what nodes say to clients, to each other and to their operators: each is
// shown something that breaks it, and the nearest thing that does not.
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "sim/checkers/client_answers.h"
#include "sim/checkers/forgetting.h"
#include "sim/checkers/full_disk.h"
#include "sim/checkers/lease.h"
#include "sim/checkers/offline_rules.h"
#include "sim/checkers/recovery.h"
#include "sim/checkers/shutdown.h"
#include "sim/checkers/wire_rules.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

TEST(ClientAnswers, SeesWhatNobodyWrote) {
  EXPECT_EQ(ClientAnswers::NumberOfKey("k12"), 12u);
  EXPECT_EQ(ClientAnswers::NumberOfValue("v7001..."), 7001u);
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::NumberOfKey("j12"); }), "client");
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::NumberOfValue(""); }), "client");
}

TEST(ClientAnswers, SeesARequestThatIsAnsweredTwice) {
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckRequest(0, true); }), "");
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckRequest(0, false); }), "client");
}

TEST(ClientAnswers, SeesASlipThatIsTaken) {
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckSlip(false); }), "");
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckSlip(true); }), "client");
}

TEST(ClientAnswers, SeesAWriteThatDoesNotSayWhatItGave) {
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckResults(3, 3); }), "");
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckResults(3, 2); }), "client");
}

TEST(ClientAnswers, SeesACompareAndSetThatReadsSomethingElse) {
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckSwap(true, true); }), "");
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckSwap(false, true); }), "client");
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckSwap(true, false); }), "client");
}

TEST(ClientAnswers, SeesATransactionThatReadsItsOwnWriteAtAnotherRevision) {
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckOwnRead(true, 7, 7); }), "");
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckOwnRead(false, 6, 7); }), "");
  EXPECT_EQ(RuleBrokenBy([] { ClientAnswers::CheckOwnRead(true, 6, 7); }), "client");
}

TEST(LeaseRule, SeesAnElectionUnderAnothersLease) {
  const auto rule = [](std::uint64_t other_term, bool holds) {
    return RuleBrokenBy([&] { Lease::CheckElection(0, Term(3), 1, Term(other_term), holds); });
  };
  EXPECT_EQ(rule(2, false), "");
  EXPECT_EQ(rule(4, true), "");
  EXPECT_EQ(rule(2, true), "one leader under a lease");
}

TEST(Forgetting, SeesWhoIsNotBelievedAndWhoIsNotNoticed) {
  EXPECT_EQ(RuleBrokenBy([] { Forgetting::CheckBelieved(0, 1, true); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Forgetting::CheckBelieved(0, 1, false); }),
            "who remembers is believed");
  const auto rule = [](std::uint32_t denials) {
    return RuleBrokenBy([&] { Forgetting::CheckNoticed(0, 1, denials, Index(9)); });
  };
  EXPECT_EQ(rule(Forgetting::kDenialsMax - 1), "");
  EXPECT_EQ(rule(Forgetting::kDenialsMax), "who forgets is noticed");
}

TEST(ShutdownRule, SeesANodeThatDoesNotStop) {
  const Instant deadline{std::chrono::seconds(5)};
  EXPECT_EQ(RuleBrokenBy([&] { Shutdown::CheckTime(0, deadline - Duration(1), deadline); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { Shutdown::CheckTime(0, deadline, deadline); }), "stop");
}

TEST(RecoveryRule, SeesADiskThatIsRefusedForNoReason) {
  using Directory = Recovery::Directory;
  const auto rule = [](const absl::Status& status, Directory directory) {
    return RuleBrokenBy([&] { Recovery::CheckOpening(0, status, directory); });
  };
  const absl::Status refused = absl::DataLossError("a record is damaged");
  const absl::Status full = absl::ResourceExhaustedError("no room");
  EXPECT_EQ(rule(absl::InternalError("EIO"), Directory::kOld), "");
  EXPECT_EQ(rule(full, Directory::kNew), "");
  EXPECT_EQ(rule(refused, Directory::kOld), "recovery");
  EXPECT_EQ(rule(full, Directory::kOld), "recovery");
  EXPECT_TRUE(Recovery::NeedsNoDamage(full, Directory::kNew)) << "whatever else was met";
  EXPECT_FALSE(Recovery::NeedsNoDamage(full, Directory::kOld));
  EXPECT_FALSE(Recovery::NeedsNoDamage(refused, Directory::kNew));
}

TEST(FullDiskRule, SeesARepairThatDoesNotWaitForRoom) {
  const auto rule = [](const absl::Status& failure) {
    return RuleBrokenBy([&] { FullDisk::CheckRepairFailure(0, failure); });
  };
  EXPECT_EQ(rule(absl::InternalError("EIO")), "");
  EXPECT_EQ(rule(absl::ResourceExhaustedError("no room")), "full disk");
}

TEST(WireRules, SeeWhatDoesNotArriveAsItWas) {
  EXPECT_EQ(RuleBrokenBy([] { WireRules::CheckReadsItself(true, "a vote"); }), "");
  EXPECT_EQ(RuleBrokenBy([] { WireRules::CheckReadsItself(false, "a vote"); }), "wire");
  EXPECT_EQ(RuleBrokenBy([] { WireRules::CheckTaken(absl::OkStatus(), "a vote"); }), "");
  EXPECT_EQ(RuleBrokenBy([] { WireRules::CheckTaken(absl::DataLossError("x"), "a vote"); }),
            "wire");
  EXPECT_EQ(RuleBrokenBy([] { WireRules::CheckSame(true, "a vote"); }), "");
  EXPECT_EQ(RuleBrokenBy([] { WireRules::CheckSame(false, "a vote"); }), "wire");
  EXPECT_EQ(RuleBrokenBy([] { WireRules::CheckDamaged(true, "a vote"); }), "");
  EXPECT_EQ(RuleBrokenBy([] { WireRules::CheckDamaged(false, "a vote"); }), "wire");
}

TEST(OfflineRules, SeeACopyThatIsNotWhatTheDiskIs) {
  EXPECT_EQ(RuleBrokenBy([] { OfflineRules::CheckCopy("the disk of n1 ", ""); }), "");
  EXPECT_EQ(RuleBrokenBy([] { OfflineRules::CheckCopy("the disk of n1 ", "keeps a file"); }),
            "offline");
  const auto rule = [](bool said, bool whole) {
    return RuleBrokenBy(
        [&] { OfflineRules::CheckWhole("the disk of n1 ", said, whole, absl::OkStatus()); });
  };
  EXPECT_EQ(rule(true, true), "");
  EXPECT_EQ(rule(true, false), "offline");
  const auto state = [](bool has, bool whole) {
    return RuleBrokenBy(
        [&] { OfflineRules::CheckState("the disk of n1 ", has, whole, absl::OkStatus()); });
  };
  EXPECT_EQ(state(true, true), "");
  EXPECT_EQ(state(false, true), "offline");
}

}  // namespace
}  // namespace grassdb::sim
