#include "net/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <grpc/support/log.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/disk.h"
#include "proto/convert.h"

namespace grassdb::net {
namespace {

// Shared by the event loop, which sets it, and whoever logs. Lines of other threads may carry the
// term of a moment ago.
struct Context {
  std::atomic<std::uint64_t> term{0};
  std::atomic<Role> role{Role::kFollower};
};
Context g_context;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string TimeOf(const spdlog::details::log_msg& message) {
  const auto since = message.time.time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(message.time)), millis);
}

std::string_view ViewOf(spdlog::string_view_t text) {
  return {text.data(), text.size()};
}

void Append(std::string_view line, spdlog::memory_buf_t& out) {
  out.append(line.data(), line.data() + line.size());
}

class TextFormatter final : public spdlog::formatter {
 public:
  explicit TextFormatter(std::string node) : node_(std::move(node)) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    Append(fmt::format("{} {:<7} term={} role={} [{}] {}\n", TimeOf(message),
                       ViewOf(spdlog::level::to_string_view(message.level)), g_context.term.load(),
                       NameOf(g_context.role.load()), node_, ViewOf(message.payload)),
           out);
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<TextFormatter>(node_);
  }

 private:
  std::string node_;
};

class JsonFormatter final : public spdlog::formatter {
 public:
  explicit JsonFormatter(std::string node) : node_(std::move(node)) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    nlohmann::ordered_json line;
    line["time"] = TimeOf(message);
    line["level"] = std::string(ViewOf(spdlog::level::to_string_view(message.level)));
    line["node"] = node_;
    line["term"] = g_context.term.load();
    line["role"] = NameOf(g_context.role.load());
    line["message"] = std::string(ViewOf(message.payload));
    // A message may quote bytes that are no UTF-8; the line stays valid JSON.
    Append(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), out);
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>(node_);
  }

 private:
  std::string node_;
};

void LogGrpc(gpr_log_func_args* arguments) {
  // gRPC's errors are mostly refused connections and lost transports, which this server reports
  // itself where they matter.
  const auto level =
      arguments->severity == GPR_LOG_SEVERITY_ERROR ? spdlog::level::warn : spdlog::level::debug;
  spdlog::log(level, "gRPC: {}", arguments->message);
}

void DropGrpc(gpr_log_func_args*) {}

void LogCheckFailure(const CheckFailure& failure) {
  spdlog::critical(
      "Broken invariant at {}:{}: {}{}{}. The process stops to protect the data; "
      "please report this line",
      failure.file, failure.line, failure.condition, failure.values.empty() ? "" : " with ",
      failure.values);
  spdlog::default_logger_raw()->flush();
}

std::string NameIn(const Configuration& configuration, NodeId id) {
  const Member* member = configuration.Find(id);
  // A node that has just joined hears its leader before it knows the members.
  return member == nullptr ? "node " + HexOf(id.value()) : member->name;
}

// "1 vote", "2 votes"
std::string VotesOf(std::uint64_t count) {
  return fmt::format("{} vote{}", count, count == 1 ? "" : "s");
}

// "node1, node2, node3 (learner)"
std::string MembersOf(const Configuration& configuration) {
  std::string text;
  for (const Member& member : configuration.members()) {
    text += (text.empty() ? "" : ", ") + member.name;
    if (member.role != MemberRole::kVoter) text += fmt::format(" ({})", NameOf(member.role));
  }
  return text.empty() ? "nobody" : text;
}

}  // namespace

void StartLogging(const std::string& node, LogFormat format, LogLevel level) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("grassdb", std::move(sink));
  if (format == LogFormat::kJson) {
    logger->set_formatter(std::make_unique<JsonFormatter>(node));
  } else {
    logger->set_formatter(std::make_unique<TextFormatter>(node));
  }
  logger->set_level(ToSpdlog(level));
  logger->flush_on(spdlog::level::trace);  // a line a second at most, and each may be the last
  spdlog::set_default_logger(std::move(logger));
  gpr_set_log_function(&LogGrpc);
  SetCheckFailureHandler(&LogCheckFailure);
}

void SetLogContext(Term term, Role role) {
  g_context.term.store(term.value(), std::memory_order_relaxed);
  g_context.role.store(role, std::memory_order_relaxed);
}

void StopLogging() {
  spdlog::default_logger_raw()->flush();
  gpr_set_log_function(&DropGrpc);
}

void SilenceGrpc() {
  gpr_set_log_function(&DropGrpc);
}

std::string TextOf(Term term, const Event& event, const Configuration& configuration) {
  const std::uint64_t number = term.value();
  const std::string peer = NameIn(configuration, event.peer);
  switch (event.kind) {
    case EventKind::kBecameFollower:
      return fmt::format("Became follower in term {}", number);
    case EventKind::kStartedPreVote:
      return fmt::format("Asking whether an election for term {} could be won; {} needed",
                         number + 1, VotesOf(event.a));
    case EventKind::kStartedElection:
      return fmt::format("Started election for term {}; {} needed", number, VotesOf(event.a));
    case EventKind::kWonElection:
      return fmt::format("Won election for term {} with {} of {} votes", number, event.a, event.b);
    case EventKind::kLostPreVote:
      return fmt::format("No election: a quorum would not vote for this node in term {}",
                         number + 1);
    case EventKind::kLostElection:
      return fmt::format("Lost election for term {}", number);
    case EventKind::kSteppedDown:
      return fmt::format("Stepped down in term {}: no quorum was heard for an election timeout",
                         number);
    case EventKind::kGrantedVote:
      return fmt::format("Voted for {} in term {}", peer, number);
    case EventKind::kTruncatedLog:
      return fmt::format("Cut log entries {} to {}, which term {} replaces", event.a, event.b,
                         number);
    case EventKind::kSnapshotNeeded:
      return fmt::format("Sending snapshot {} to {}, which is behind the log", event.a, peer);
    case EventKind::kSnapshotInstalled:
      return fmt::format("Installed snapshot {} from the leader", event.a);
    case EventKind::kSnapshotTaken:
      return fmt::format("Took snapshot {}", event.a);
    case EventKind::kTransferStarted:
      return fmt::format("Handing leadership to {}", peer);
    case EventKind::kTransferAbandoned:
      return fmt::format("Gave up handing leadership to {}", peer);
    case EventKind::kStateRestored:
      return fmt::format("Loaded the snapshot; the state is at log index {}", event.a);
    case EventKind::kFollowingLeader:
      return fmt::format("Following leader {} in term {}", peer, number);
    case EventKind::kChangedMembership:
      return fmt::format("The members are {}, by log entry {}{}", MembersOf(configuration), event.a,
                         event.b == 0 ? "" : ", on the way to a new set of voters");
    case EventKind::kLeftCluster:
      return fmt::format("Left the lead in term {}: this node is no voter any more", number);
    case EventKind::kChunkRefused:
      return fmt::format(
          "Refused a damaged chunk of snapshot {} from {} at offset {}; it will be sent again",
          event.a, peer, event.b);
    case EventKind::kSnapshotResumed:
      return fmt::format("Going on with snapshot {} from {} at byte {}, where the last life ended",
                         event.a, peer, event.b);
    case EventKind::kDiskStalled:
      return "The disk makes no progress; looking for another node to lead";
    case EventKind::kMemberForgot:
      return fmt::format(
          "{} has lost its disk, or a part of it: it has no say until it has been admitted anew, "
          "as a learner first",
          peer);
    case EventKind::kRenewed:
      return fmt::format(
          "This node's disk is in an earlier state than it has been in, says {}, who leads. It has "
          "no say until it has been admitted anew, as a learner first, which happens by itself; "
          "its incarnation is {} from now on",
          peer, HexOf(event.a));
    case EventKind::kNewDisk:
      return fmt::format(
          "{} has another disk than the one on record, so its vote does not count. Where no leader "
          "is elected for that: start the other members; a leader admits {} anew by itself",
          peer, peer);
    case EventKind::kRemoved:
      return fmt::format(
          "This node was removed from the cluster while it was away, by log entry {}, says {}. Way "
          "out: stop it; to have it back, delete its distdb_ files, start it with --join, and add "
          "it with `grass-cli member add`",
          event.a, peer);
    case EventKind::kDiskSpace:
      return event.a == static_cast<std::uint64_t>(DiskSpace::kAmple)
                 ? std::string("The disk has room again; writes are taken as before")
             : event.a == static_cast<std::uint64_t>(DiskSpace::kFull)
                 ? std::string(
                       "The disk is full: nothing that adds data is taken before there is room. "
                       "Reads, deletes and changes of the members go on, in a reserve")
                 : std::string(
                       "The disk is full and the reserve nearly used up: no write is taken");
    case EventKind::kDamageFound:
      if (event.b == 1) {
        return "Damage on the disk was found, and the file was written anew out of memory. Check "
               "the disk";
      }
      return fmt::format(
          "Damage on the disk was found while everything is in memory; a snapshot at index {} or "
          "above takes its place. Check the disk",
          event.a);
    case EventKind::kDamageMended:
      return fmt::format("The damage is mended: snapshot {} and the log behind it are whole",
                         event.a);
    case EventKind::kFullLeader:
      return fmt::format("Handing leadership to {}, whose disk has room", peer);
    case EventKind::kEntriesLost:
      return fmt::format(
          "The log entries {} to {} are lost. This node takes no part until it has them back from "
          "the other members",
          event.a, event.b);
    case EventKind::kSnapshotLost:
      return fmt::format(
          "The state up to log entry {} is lost. This node takes no part until it has it back from "
          "the other members",
          event.a);
    case EventKind::kRepairWaits:
      return fmt::format(
          "Nobody has given back log entries {} to {} yet, and they may have been committed; this "
          "node takes no part, and keeps asking",
          event.a, event.b);
    case EventKind::kRepaired:
      return fmt::format("Repaired {} log entries, {} to {}, from {}", event.b - event.a + 1,
                         event.a, event.b, peer);
    case EventKind::kRepairedBySnapshot:
      return fmt::format("Repaired by snapshot {} of {}", event.a, peer);
    case EventKind::kRepairCut:
      return fmt::format(
          "Cut the log from entry {} on: by what {} and perhaps others have said, what was lost "
          "there was never committed",
          event.a, peer);
  }
  return NameOf(event.kind);
}

LogLevel LevelOf(EventKind kind) {
  switch (kind) {
    case EventKind::kStartedPreVote:
    case EventKind::kLostPreVote:
    case EventKind::kBecameFollower:
      return LogLevel::kDebug;
    case EventKind::kSteppedDown:
    case EventKind::kDiskStalled:
    case EventKind::kMemberForgot:
    case EventKind::kRenewed:
    case EventKind::kNewDisk:
    case EventKind::kRemoved:
    case EventKind::kDiskSpace:
    case EventKind::kFullLeader:
    case EventKind::kDamageFound:
    case EventKind::kDamageMended:
    case EventKind::kEntriesLost:
    case EventKind::kSnapshotLost:
    case EventKind::kRepairWaits:
    case EventKind::kRepairCut:
      return LogLevel::kWarn;
    default:
      return LogLevel::kInfo;
  }
}

}  // namespace grassdb::net
