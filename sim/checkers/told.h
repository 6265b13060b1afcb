// What the checkers are told in a running simulation: one variable for each thing that one of them
// is told at one place. tests/sim/lies_test.cc has a lie about each.
#ifndef GRASSDB_SIM_CHECKERS_TOLD_H_
#define GRASSDB_SIM_CHECKERS_TOLD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/api.h"
#include "core/configuration.h"
#include "core/disk.h"
#include "core/entry.h"
#include "core/kv_store.h"
#include "core/log.h"
#include "core/message.h"
#include "core/progress.h"
#include "core/types.h"
#include "sim/checkers/catch_up.h"
#include "sim/checkers/log_matching.h"
#include "sim/checkers/misaddressed.h"
#include "sim/checkers/progress_rules.h"
#include "sim/checkers/read_rounds.h"
#include "sim/checkers/reference_store.h"
#include "sim/checkers/resource_bounds.h"
#include "sim/checkers/specification.h"
#include "sim/damage.h"
#include "sim/history.h"
#include "sim/testimony.h"
#include "sim/true_time.h"

namespace grassdb {
struct NodeStatus;
struct RepairStatus;
}  // namespace grassdb

namespace grassdb::sim::told {

// --- After a step of a node ---
inline constexpr Testimony<ProgressRules::Standing> kStanding{"standing"};
inline constexpr Testimony<const Log*> kLog{"log"};
inline constexpr Testimony<LogMatching::Change> kLogChange{"log change"};
inline constexpr Testimony<bool> kConfigurationIsInLog{"configuration is in log"};
inline constexpr Testimony<Index> kConfigurationsAfter{"configurations after"};
inline constexpr Testimony<Index> kConfigurationBefore{"configuration before"};
inline constexpr Testimony<Term> kCommittedBeforeChange{"committed before change"};
inline constexpr Testimony<const Configuration*> kChangedFrom{"changed from"};
inline constexpr Testimony<std::uint64_t> kLifeOfLeader{"life of leader"};
inline constexpr Testimony<const Log*> kLogOfNewLeader{"log of new leader"};
inline constexpr Testimony<Term> kTermWon{"term won"};
inline constexpr Testimony<const std::vector<Progress>*> kFollowers{"followers"};
inline constexpr Testimony<const std::vector<Progress>*> kFollowersOverTime{"followers over time"};
inline constexpr Testimony<Index> kCommit{"commit"};
inline constexpr Testimony<Term> kTermOfCommit{"term of commit"};
inline constexpr Testimony<Term> kCommittedByQuorum{"committed by quorum"};
inline constexpr Testimony<Term> kConfigurationCommitted{"configuration committed"};
inline constexpr Testimony<const Entry*> kCommittedEntry{"committed entry"};
inline constexpr Testimony<ServerView> kServerAfterStep{"server after step"};
inline constexpr Testimony<ResourceBounds::Held> kHeld{"held"};
inline constexpr Testimony<KvStore::KeptAnswers> kAnswersKept{"answers kept"};
inline constexpr Testimony<std::uint64_t> kDigest{"digest"};
inline constexpr Testimony<ReferenceStore::Shown> kStoreShown{"store shown"};

// --- Of messages ---
inline constexpr Testimony<const Message*> kPromise{"promise"};
inline constexpr Testimony<ServerView> kServerAtSend{"server at send"};
inline constexpr Testimony<const Message*> kSent{"sent"};
inline constexpr Testimony<const Message*> kPromiseInRepair{"promise in repair"};
inline constexpr Testimony<const Message*> kSentInRepair{"sent in repair"};
inline constexpr Testimony<bool> kReadsItself{"reads itself"};
inline constexpr Testimony<absl::Status> kMessageTaken{"message taken"};
inline constexpr Testimony<bool> kMessageIsTheSame{"message is the same"};
inline constexpr Testimony<absl::Status> kRequestTaken{"request taken"};
inline constexpr Testimony<bool> kRequestIsTheSame{"request is the same"};
inline constexpr Testimony<absl::Status> kReplyTaken{"reply taken"};
inline constexpr Testimony<bool> kReplyIsTheSame{"reply is the same"};
inline constexpr Testimony<bool> kDamagedIsAMessage{"damaged is a message"};

// --- Of disks ---
inline constexpr Testimony<bool> kHoldsCommitted{"holds committed"};
inline constexpr Testimony<const RecoveredState*> kRecovered{"recovered"};
inline constexpr Testimony<const RecoveredState*> kRecoveredMembers{"recovered members"};
inline constexpr Testimony<const RecoveredState*> kRecoveredInMemory{"recovered in memory"};
inline constexpr Testimony<const RecoveredState*> kDamagedInMemory{"of a damaged log in memory"};
inline constexpr Testimony<const RecoveredState*> kRecoveredFromDamage{"recovered from damage"};
inline constexpr Testimony<DamageMet> kMetByLoss{"met by loss"};
inline constexpr Testimony<const RecoveredState*> kRecoveredWithLoss{"recovered with loss"};
inline constexpr Testimony<absl::Status> kOpening{"opening"};
inline constexpr Testimony<absl::Status> kRefusal{"refusal"};
inline constexpr Testimony<absl::Status> kJobOnDamage{"job on damage"};
inline constexpr Testimony<absl::Status> kRepairFailure{"repair failure"};
inline constexpr Testimony<const RecoveredState*> kRecoveredBesideOffline{
    "recovered beside offline"};
inline constexpr Testimony<std::string> kProblemOffline{"problem offline"};
inline constexpr Testimony<bool> kStateOffline{"state offline"};

// --- Of leadership and membership ---
inline constexpr Testimony<bool> kHoldsLease{"holds lease"};
inline constexpr Testimony<bool> kHasForgotten{"has forgotten"};
inline constexpr Testimony<std::uint32_t> kDenials{"denials"};

inline constexpr Testimony<const Configuration*> kDisksBefore{"disks before"};
inline constexpr Testimony<bool> kIsFounder{"is founder"};

// --- Of what a node does about what it hears ---
inline constexpr Testimony<const RequestVoteResponse*> kAnswerToCampaign{"answer to campaign"};
inline constexpr Testimony<const Message*> kAnswerToCandidate{"answer to candidate"};
inline constexpr Testimony<Misaddressed::Known> kKnownAfterMessage{"known after message"};
inline constexpr Testimony<CatchUp::Leading> kCatchingUp{"catching up"};
inline constexpr Testimony<ReadRounds::Leading> kRounds{"rounds"};
inline constexpr Testimony<std::size_t> kGathered{"gathered"};
inline constexpr Testimony<Index> kLastToSend{"last to send"};
inline constexpr Testimony<Duration> kTimeoutOfVoter{"timeout of voter"};
inline constexpr Testimony<bool> kIsDefended{"is defended"};
inline constexpr Testimony<Duration> kPatience{"patience"};
inline constexpr Testimony<bool> kGoesByAnotherName{"goes by another name"};
inline constexpr Testimony<bool> kKnowsAbsence{"knows absence"};
inline constexpr Testimony<Index> kRepairCut{"repair cut"};
inline constexpr Testimony<bool> kInstalls{"installs"};
inline constexpr Testimony<bool> kInstallsAndAsks{"installs and asks"};
inline constexpr Testimony<bool> kLiveLogIsDamaged{"live log is damaged"};
inline constexpr Testimony<Index> kLogBegins{"log begins"};
inline constexpr Testimony<std::optional<std::string>> kOpenAndGone{"open and gone"};
inline constexpr Testimony<bool> kMustMend{"must mend"};
inline constexpr Testimony<std::vector<NodeId>> kKnownWithoutSnapshot{"known without snapshot"};
inline constexpr Testimony<const Entry*> kFilled{"filled"};
inline constexpr Testimony<Term> kTermLearnt{"term learnt"};

// --- Of clients and operators ---
inline constexpr Testimony<bool> kRequestIsOpen{"request is open"};
inline constexpr Testimony<bool> kSlipTaken{"slip taken"};
inline constexpr Testimony<const std::string*> kKey{"key"};
inline constexpr Testimony<const std::string*> kValue{"value"};
inline constexpr Testimony<std::size_t> kResultsOfPut{"results of put"};
inline constexpr Testimony<std::size_t> kResultsOfDelete{"results of delete"};
inline constexpr Testimony<std::size_t> kResultsOfSwap{"results of swap"};
inline constexpr Testimony<std::size_t> kResultsOfTransaction{"results of transaction"};
inline constexpr Testimony<bool> kSwapReads{"swap reads"};
inline constexpr Testimony<std::uint64_t> kOwnRead{"own read"};
inline constexpr Testimony<const BackupPiece*> kPieceOfCopy{"piece of copy"};
inline constexpr Testimony<std::uint64_t> kAcknowledgedBeforeCopy{"acknowledged before copy"};
inline constexpr Testimony<ReferenceStore::Shown> kCopyShown{"copy shown"};
inline constexpr Testimony<std::uint64_t> kDigestOfCopy{"digest of copy"};
inline constexpr Testimony<NodeStatus> kStatus{"status"};
inline constexpr Testimony<std::string> kStatusShown{"status shown"};
inline constexpr Testimony<RepairStatus> kRepairStatus{"repair status"};
inline constexpr Testimony<Instant> kStopBy{"stop by"};

// --- Of the end of a run ---
inline constexpr Testimony<TrueTime> kDeadline{"deadline"};
inline constexpr Testimony<bool> kAnswered{"answered"};
inline constexpr Testimony<Index> kAppliedAtEnd{"applied at end"};
inline constexpr Testimony<const KvStore*> kStoreAtEnd{"store at end"};
inline constexpr Testimony<bool> kNewestHoldsCommitted{"newest holds committed"};
inline constexpr Testimony<const Configuration*> kConfigurationOfCore{"configuration of core"};
inline constexpr Testimony<std::uint64_t> kDigestInCore{"digest in core"};
inline constexpr Testimony<std::vector<HistoryOperation>> kWitnessed{"witnessed"};
inline constexpr Testimony<std::vector<HistoryOperation>> kHistory{"history"};

}  // namespace grassdb::sim::told

#endif  // GRASSDB_SIM_CHECKERS_TOLD_H_
