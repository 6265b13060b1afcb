#include "sim/recorder.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <variant>

#include "core/disk.h"
#include "core/event.h"
#include "core/message.h"
#include "sim/plan.h"
#include "sim/text.h"
#include "sim/violation.h"
#include "store/names.h"

namespace grassdb::sim {
namespace {

// As std::variant's index of MessageBody, then PacketKind.
const char* MessageName(std::uint64_t kind) {
  constexpr std::array<const char*, 14> kNames = {"RequestVote",     "RequestVoteAnswer",
                                                  "AppendEntries",   "AppendEntriesAnswer",
                                                  "InstallSnapshot", "InstallSnapshotAnswer",
                                                  "TimeoutNow",      "ReadIndex",
                                                  "ReadIndexAnswer", "Repair",
                                                  "RepairAnswer",    "request",
                                                  "reply",           "connection reset"};
  static_assert(kPacketRequest == std::variant_size_v<MessageBody>);
  return kind < kNames.size() ? kNames[kind] : "?";
}

std::string AppendAnswerText(std::uint64_t result, std::uint64_t index) {
  switch (static_cast<AppendResult>(result)) {
    case AppendResult::kMatched:
      return " matched " + Decimal(index);
    case AppendResult::kConflict:
      return " conflict at " + Decimal(index);
    case AppendResult::kStaleTerm:
      break;
  }
  return " stale term";
}

std::string DeliveredText(const TraceLine& line) {
  std::string text =
      "<- n" + Decimal(line.b + 1) + " " + MessageName(line.a) + " term " + Decimal(line.c);
  switch (line.a) {
    case 0:
      return text + " last (" + Decimal(line.d) + ", " + Decimal(line.e) + ")";
    case 1:
      return text + (line.d != 0 ? " granted" : " denied") + " for term " + Decimal(line.e);
    case 2:
      return text + " after " + Decimal(line.d) + ", " + Decimal(line.e) + " entries";
    case 3:
      return text + AppendAnswerText(line.d, line.e);
    case 4:
    case 5:
      return text + " snapshot " + Decimal(line.d) + " offset " + Decimal(line.e);
    default:
      return text + (line.d != 0 ? " index " + Decimal(line.d) : "");
  }
}

const char* JobName(std::uint64_t kind) {
  // In the order of DiskDone.
  constexpr std::array<const char*, std::variant_size_v<DiskDone>> kNames = {
      "persist", "stage", "publish", "read", "restock", "scrub", "mend", "mark", "read entries"};
  return kind < kNames.size() ? kNames[kind] : "?";
}

const char* OperationName(std::uint64_t operation) {
  constexpr std::array<const char*, 12> kNames = {
      "?",         "get",           "put",           "delete",
      "cas",       "take snapshot", "transfer",      "change membership",
      "stale get", "slip",          "close session", "transaction"};
  return operation < kNames.size() ? kNames[operation] : "?";
}

const char* OutcomeName(std::uint64_t outcome) {
  constexpr std::array<const char*, 6> kNames = {"?",           "ok",      "refused",
                                                 "unreachable", "unknown", "disk full"};
  return outcome < kNames.size() ? kNames[outcome] : "?";
}

const char* FileName(std::uint64_t kind) {
  switch (static_cast<store::FileKind>(kind)) {
    case store::FileKind::kIdentity:
      return "the identity";
    case store::FileKind::kLive:
      return "the live log";
    case store::FileKind::kNext:
      return "the next segment";
    case store::FileKind::kSealed:
      return "sealed segment ";
    case store::FileKind::kSnapshot:
      return "snapshot ";
    case store::FileKind::kTaken:
      return "a snapshot being taken";
    case store::FileKind::kReceived:
      return "a snapshot being received";
    default:
      return "a file";
  }
}

std::string DamageText(const TraceLine& line) {
  std::string text = std::string("DAMAGE: ") + NameOf(static_cast<DamageKind>(line.a)) + " at " +
                     Decimal(line.d) + ".." + Decimal(line.e) + " of " + FileName(line.b);
  return line.c != 0 ? text + Decimal(line.c) : text;
}

// Of one bit each: " n1 n3".
std::string HostNames(std::uint64_t hosts) {
  std::string text;
  for (std::uint32_t host = 0; host < 64; ++host) {
    if ((hosts >> host & 1) != 0) text += " " + NodeName(host);
  }
  return text;
}

std::string Body(const TraceLine& line) {
  switch (line.kind) {
    case LineKind::kDelivered:
      return DeliveredText(line);
    case LineKind::kLost:
      return std::string("lost ") + MessageName(line.a) + " to n" + Decimal(line.b + 1) + " term " +
             Decimal(line.c);
    case LineKind::kRaftEvent:
      return std::string(NameOf(static_cast<EventKind>(line.a))) + " term " + Decimal(line.c) +
             (line.b != 0 ? " peer n" + Decimal(line.b) : "") + " (" + Decimal(line.d) + ", " +
             Decimal(line.e) + ")";
    case LineKind::kCrashed:
      return line.a != 0 ? "CRASH, power lost" : "CRASH, process killed";
    case LineKind::kBooted:
      return "boots, life " + Decimal(line.a);
    case LineKind::kStarted:
      return "starts, life " + Decimal(line.a) + " term " + Decimal(line.b) + " last index " +
             Decimal(line.c) + " snapshot " + Decimal(line.d);
    case LineKind::kFaultBegan:
      return std::string("fault ") + NameOf(static_cast<FaultKind>(line.a)) + " #" +
             Decimal(line.b) + " begins" + (line.c != 0 ? ":" : "") + HostNames(line.c);
    case LineKind::kFaultEnded:
      return std::string("fault ") + NameOf(static_cast<FaultKind>(line.a)) + " #" +
             Decimal(line.b) + " ends";
    case LineKind::kDiskFinished:
      return std::string("disk: ") + JobName(line.a) + " " + Decimal(line.b) +
             (line.c != 0 ? " done" : " FAILED");
    case LineKind::kNodeFailed:
      return "stops: its disk failed";
    case LineKind::kClientInvoked:
      return std::string(OperationName(line.a)) + " k" + Decimal(line.b) + " v" + Decimal(line.c);
    case LineKind::kClientReturned:
      return std::string("returns ") + OutcomeName(line.a) + " v" + Decimal(line.b);
    case LineKind::kHealed:
      return "all faults end";
    case LineKind::kCoreHealed:
      return "all faults end for" + HostNames(line.a) + " only";
    case LineKind::kWiped:
      return "loses its disk";
    case LineKind::kRolledBack:
      return "has an earlier state of its disk";
    case LineKind::kMending:
      return "mends its disk: " + Decimal(line.a) + " lost ranges" +
             (line.b != 0 ? ", and the snapshot that index " + Decimal(line.b) + " needs" : "");
    case LineKind::kOpenFailed:
      return "recovery failed: the disk failed";
    case LineKind::kDamaged:
      return DamageText(line);
    case LineKind::kDamageMet:
      return line.a != 0 ? "meets damage in recovery" : "meets damage";
    case LineKind::kRefused:
      return "refuses its disk: it is damaged (time " + Decimal(line.a) + ")";
    case LineKind::kGivenUp:
      return "stays down: its disk is damaged";
    case LineKind::kSent:
      return MessageName(line.a) + (line.c != 0 ? " term " + Decimal(line.c) : "");
    case LineKind::kTaken:
      return "taken";
    case LineKind::kCut:
      return "cut";
    case LineKind::kMended:
      return "mended";
    case LineKind::kClogged:
      return "clogged";
  }
  return "?";
}

}  // namespace

std::string Fingerprint::Hex() const {
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(high_),
                static_cast<unsigned long long>(low_));
  return text.data();
}

Counters& Counters::operator+=(const Counters& other) {
  events += other.events;
  simulated_ns += other.simulated_ns;
  messages_sent += other.messages_sent;
  messages_delivered += other.messages_delivered;
  messages_lost += other.messages_lost;
  messages_repeated += other.messages_repeated;
  ios += other.ios;
  io_failures += other.io_failures;
  saved_from_syncs += other.saved_from_syncs;
  crashes += other.crashes;
  wipes += other.wipes;
  roll_backs += other.roll_backs;
  damages += other.damages;
  misreads += other.misreads;
  read_failures += other.read_failures;
  refusals += other.refusals;
  refused_identity += other.refused_identity;
  refused_log += other.refused_log;
  refused_read += other.refused_read;
  given_up += other.given_up;
  copies += other.copies;
  stops += other.stops;
  stops_led += other.stops_led;
  handed_over += other.handed_over;
  repairs += other.repairs;
  repairs_joined += other.repairs_joined;
  partitions += other.partitions;
  other_faults += other.other_faults;
  elections_won += other.elections_won;
  entries_committed += other.entries_committed;
  snapshots_taken += other.snapshots_taken;
  memberships_committed += other.memberships_committed;
  checker_bytes = std::max(checker_bytes, other.checker_bytes);
  standing_partitions += other.standing_partitions;
  hung_leaders += other.hung_leaders;
  cores += other.cores;
  hard_cores += other.hard_cores;
  snapshots_installed += other.snapshots_installed;
  snapshots_resumed += other.snapshots_resumed;
  chunks_damaged += other.chunks_damaged;
  chunks_refused += other.chunks_refused;
  connections_broken += other.connections_broken;
  operations_ok += other.operations_ok;
  operations_unknown += other.operations_unknown;
  operations_failed += other.operations_failed;
  searched += other.searched;
  return *this;
}

bool IsOfCluster(LineKind kind) {
  return kind == LineKind::kFaultBegan || kind == LineKind::kFaultEnded ||
         kind == LineKind::kHealed || kind == LineKind::kCoreHealed;
}

std::string TextOf(const TraceLine& line) {
  std::array<char, 64> head{};
  const std::uint64_t at = Nanoseconds(line.at);
  const bool client =
      line.kind == LineKind::kClientInvoked || line.kind == LineKind::kClientReturned;
  std::snprintf(head.data(), head.size(), "%5llu.%09llu #%-8llu ",
                static_cast<unsigned long long>(at / 1'000'000'000),
                static_cast<unsigned long long>(at % 1'000'000'000),
                static_cast<unsigned long long>(line.event));
  std::string text(head.data());
  if (IsOfCluster(line.kind)) {
    text += "--";
  } else if (client) {
    text += 'c';
    text += Decimal(std::uint64_t{line.node} + 1);
  } else {
    text += NodeName(line.node);
  }
  return text + " " + Body(line);
}

std::string WordsOf(const TraceLine& line) {
  return Body(line);
}

const char* NameOfMessage(std::uint64_t kind) {
  return MessageName(kind);
}

void Recorder::Stop() const {
  // No rule: somebody has asked for it.
  ThrowViolation(kStopped, __FILE__, __LINE__,
                 "after " + Decimal(counters.events) + " events, as asked");
}

std::string Recorder::NewestLines(std::uint64_t most) const {
  std::string text;
  const std::uint64_t shown = std::min({lines_, kKept, most});
  const std::uint64_t first = lines_ - shown;
  for (std::uint64_t i = first; i < lines_; ++i) text += TextOf(ring_[i % kKept]) + "\n";
  return text;
}

}  // namespace grassdb::sim
