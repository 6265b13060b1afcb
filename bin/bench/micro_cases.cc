// Every case of bench/micro.h.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "bin/bench/micro.h"
#include "bin/bench/micro_replication.h"
#include "bin/bench/workload.h"
#include "core/check.h"
#include "core/command.h"
#include "core/kv_snapshot.h"
#include "core/kv_store.h"
#include "core/log.h"
#include "core/raft.h"
#include "proto/client_convert.h"
#include "proto/convert.h"
#include "store/posix.h"
#include "store/storage.h"

namespace grassdb::bench {
namespace {

constexpr std::uint64_t kKeys = 10'000;
constexpr std::uint64_t kGroup = 64;  // entries of one write, or of one message

// A function as a benchmark; it owns what it needs.
class FunctionBenchmark final : public MicroBenchmark {
 public:
  using Function = std::function<std::uint64_t(std::uint64_t)>;
  explicit FunctionBenchmark(Function function) : function_(std::move(function)) {}
  std::uint64_t Run(std::uint64_t operations) override { return function_(operations); }

 private:
  Function function_;
};

std::unique_ptr<MicroBenchmark> Of(FunctionBenchmark::Function function) {
  return std::make_unique<FunctionBenchmark>(std::move(function));
}

RequestSource Puts() {
  return RequestSource({.workload = Workload::kPut, .keys = kKeys});
}

Command PutCommand(const RequestSource& source, std::uint64_t number) {
  Request request = source.At(number);
  Command command;
  command.transaction = PutTransaction(std::move(request.key), std::move(request.value));
  return command;
}

std::vector<Entry> EntriesFrom(Index first, std::uint64_t count, const Bytes& payload) {
  std::vector<Entry> entries;
  entries.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    entries.push_back(
        {.index = first + i, .term = Term(1), .type = EntryType::kCommand, .payload = payload});
  }
  return entries;
}

Configuration TwoVoters() {
  return Configuration({MakeMember("leader", "host:1"), MakeMember("follower", "host:2")});
}

// One of two voters, without a log.
Raft RaftOf(const char* name, Instant now) {
  RaftOptions options;
  options.id = NodeIdOf(name);
  RecoveredState nothing;
  nothing.identity.node = options.id;
  nothing.identity.incarnation = Incarnation(1);
  nothing.identity.bootstrap = TwoVoters();
  return Raft(options, nothing, now);
}

Message FromLeader(AppendEntriesRequest append) {
  return {.from = NodeIdOf("leader"),
          .to = NodeIdOf("follower"),
          .term = Term(1),
          .body = std::move(append),
          .incarnation = Incarnation(2)};
}

// So that the log does not grow for ever: seldom, and of the same entries at every time.
void ReleaseCommitted(Raft& raft, Instant now, Output* output) {
  constexpr std::size_t kLogBytesMax = std::size_t{8} << 20;
  if (raft.log().bytes() <= kLogBytesMax) return;
  const Index through = raft.commit_index() - 1;
  const auto [configuration, configuration_index] = raft.ConfigurationAt(through);
  raft.Step(now,
            Compact{.meta = {.index = through,
                             .term = *raft.log().TermAt(through),
                             .configuration = configuration,
                             .configuration_index = configuration_index},
                    .release_through = through},
            output);
}

// A follower is asked whether it still follows: the step function with as little work as there is.
std::unique_ptr<MicroBenchmark> StepHeartbeat() {
  const Instant now{std::chrono::seconds(1)};
  auto raft = std::make_shared<Raft>(RaftOf("follower", now));
  auto output = std::make_shared<Output>();
  const Message heartbeat = FromLeader({});
  raft->Step(now, heartbeat, output.get());
  raft->Step(now, Persisted{.id = output->persist->id}, output.get());
  return Of([=](std::uint64_t operations) {
    std::uint64_t answers = 0;
    for (std::uint64_t i = 0; i < operations; ++i) {
      raft->Step(now, heartbeat, output.get());
      answers += output->messages.size();
    }
    return answers;
  });
}

// A follower takes a group of entries, and acknowledges it when it is durable; the group before it
// is committed then. An operation is an entry.
std::unique_ptr<MicroBenchmark> StepAppend() {
  const Instant now{std::chrono::seconds(1)};
  auto raft = std::make_shared<Raft>(RaftOf("follower", now));
  auto output = std::make_shared<Output>();
  const Bytes payload = EncodeCommand(PutCommand(Puts(), 1));
  return Of([=](std::uint64_t operations) {
    std::uint64_t acknowledged = 0;
    for (std::uint64_t done = 0; done < operations; done += kGroup) {
      const Index last = raft->log().last_index();
      AppendEntriesRequest append;
      append.prev_log_index = last;
      append.prev_log_term = *raft->log().TermAt(last);
      append.leader_commit = last;
      append.entries = EntriesFrom(last + 1, kGroup, payload);
      raft->Step(now, FromLeader(std::move(append)), output.get());
      GRASS_CHECK_EQ(raft->commit_index(), last);
      raft->Step(now, Persisted{.id = output->persist->id}, output.get());
      for (const Message& message : output->messages) {
        const auto* answer = std::get_if<AppendEntriesResponse>(&message.body);
        GRASS_CHECK(answer != nullptr && answer->result == AppendResult::kMatched);
        acknowledged += answer->match_index - last;
      }
      ReleaseCommitted(*raft, now, output.get());
    }
    return acknowledged;
  });
}

// A leader, and the other voter as it sees it: who grants every vote and has every entry at once.
class LeaderOfTwo {
 public:
  LeaderOfTwo() {
    now_ = raft_.NextDeadline();
    Step(DeadlineReached{});
    GRASS_CHECK(raft_.role() == Role::kLeader);
  }

  // Takes a group of commands through to their commit; how many entries were committed.
  std::uint64_t Commit(const Bytes& payload) {
    const Index before = raft_.commit_index();
    Submit submit;
    submit.commands.assign(kGroup, payload);
    Step(std::move(submit));
    const std::uint64_t committed = raft_.commit_index() - before;
    ReleaseCommitted(raft_, now_, &output_);
    return committed;
  }

 private:
  // With all that follows from it.
  void Step(Input input) {
    raft_.Step(now_, std::move(input), &output_);
    std::vector<Input> next;
    for (const Message& message : output_.messages) next.emplace_back(AnswerTo(message));
    if (output_.persist.has_value()) next.emplace_back(Persisted{.id = output_.persist->id});
    for (Input& each : next) Step(std::move(each));
  }

  static Message AnswerTo(const Message& message) {
    Message answer{.from = message.to,
                   .to = message.from,
                   .term = message.term,
                   .body = {},
                   .incarnation = Incarnation(2)};
    if (const auto* vote = std::get_if<RequestVoteRequest>(&message.body)) {
      answer.body = RequestVoteResponse{
          .ballot = vote->ballot, .campaign_term = vote->campaign_term, .granted = true};
    } else {
      const auto& append = std::get<AppendEntriesRequest>(message.body);
      AppendEntriesResponse response;
      response.match_index = append.prev_log_index + append.entries.size();
      response.prev_log_index = append.prev_log_index;
      response.read_round = append.read_round;
      response.sent_at = append.sent_at;
      answer.body = response;
    }
    return answer;
  }

  Instant now_{std::chrono::seconds(1)};
  Raft raft_ = RaftOf("leader", now_);
  Output output_;
};

// A leader logs a group of commands, sends them, and commits them when both voters have them. An
// operation is an entry.
std::unique_ptr<MicroBenchmark> StepAck() {
  auto leader = std::make_shared<LeaderOfTwo>();
  const Bytes payload = EncodeCommand(PutCommand(Puts(), 1));
  return Of([=](std::uint64_t operations) {
    std::uint64_t committed = 0;
    for (std::uint64_t done = 0; done < operations; done += kGroup) {
      committed += leader->Commit(payload);
    }
    return committed;
  });
}

std::unique_ptr<MicroBenchmark> LogAppend() {
  auto log = std::make_shared<Log>();
  const Bytes payload(std::string(288, 'x'));
  return Of([=](std::uint64_t operations) {
    std::uint64_t sliced = 0;
    for (std::uint64_t done = 0; done < operations; done += kGroup) {
      const Index first = log->last_index() + 1;
      for (Entry& entry : EntriesFrom(first, kGroup, payload)) log->Append(std::move(entry));
      sliced += log->Slice(first, SIZE_MAX, SIZE_MAX).size();
      if (log->bytes() > (std::size_t{8} << 20)) log->ReleaseThrough(log->last_index() - kGroup);
    }
    return sliced;
  });
}

std::unique_ptr<MicroBenchmark> EncodeCommands() {
  const Command command = PutCommand(Puts(), 1);
  return Of([=](std::uint64_t operations) {
    std::uint64_t encoded = 0;
    for (std::uint64_t i = 0; i < operations; ++i) encoded += !EncodeCommand(command).empty();
    return encoded;
  });
}

std::unique_ptr<MicroBenchmark> DecodeCommands() {
  const Bytes bytes = EncodeCommand(PutCommand(Puts(), 1));
  return Of([=](std::uint64_t operations) {
    std::uint64_t decoded = 0;
    for (std::uint64_t i = 0; i < operations; ++i) {
      decoded += DecodeCommand(bytes.view()).has_value();
    }
    return decoded;
  });
}

Message AppendOfGroup() {
  AppendEntriesRequest append;
  append.prev_log_index = Index(1000);
  append.prev_log_term = Term(1);
  append.entries = EntriesFrom(Index(1001), kGroup, EncodeCommand(PutCommand(Puts(), 1)));
  return FromLeader(std::move(append));
}

// An operation is an entry.
std::unique_ptr<MicroBenchmark> EncodeMessages() {
  const Message message = AppendOfGroup();
  return Of([=](std::uint64_t operations) {
    std::uint64_t bytes = 0;
    for (std::uint64_t done = 0; done < operations; done += kGroup) {
      bytes += EncodeMessage(message, ClusterId(1)).size();
    }
    return bytes == 0 ? 0 : operations;
  });
}

std::unique_ptr<MicroBenchmark> DecodeMessages() {
  const std::string bytes = EncodeMessage(AppendOfGroup(), ClusterId(1));
  return Of([=](std::uint64_t operations) {
    std::uint64_t entries = 0;
    for (std::uint64_t done = 0; done < operations; done += kGroup) {
      const auto message = DecodeMessage(MessageKind::kAppendEntriesRequest, bytes, ClusterId(1));
      GRASS_CHECK(message.ok());
      entries += std::get<AppendEntriesRequest>(message->body).entries.size();
    }
    return entries;
  });
}

// What a server does with the bytes of a client's put before the node has it, and with the answer.
std::unique_ptr<MicroBenchmark> TransactCodec() {
  Request request = Puts().At(1);
  TransactionRequest put;
  put.session = SessionId(7);
  put.sequence = Sequence(1);
  put.transaction = PutTransaction(std::move(request.key), std::move(request.value));
  const std::string bytes = ToWire(put).SerializeAsString();
  return Of([=](std::uint64_t operations) {
    wire::TransactRequest wire;
    wire::TransactResponse answer;
    std::string out;
    std::uint64_t done = 0;
    for (std::uint64_t i = 0; i < operations; ++i) {
      GRASS_CHECK(wire.ParseFromString(bytes));
      done += FromWire(std::move(wire)).ok();
      Reply reply;
      reply.command.operations.resize(1);
      answer.Clear();
      ToWire(std::move(reply), &answer);
      GRASS_CHECK(answer.SerializeToString(&out));
    }
    return done;
  });
}

enum class InSession { kNo, kYes };

// From an entry's bytes to its result, as a node applies it.
std::unique_ptr<MicroBenchmark> Apply(InSession in_session) {
  auto store = std::make_shared<KvStore>();
  const RequestSource source = Puts();
  std::uint64_t index = 0;
  SessionId session;
  if (in_session == InSession::kYes) {
    Command open;
    open.kind = Command::Kind::kOpenSession;
    session = store->Apply(Index(++index), open).session;
  }
  std::vector<Bytes> entries;  // each key as often as every other, more or less
  for (std::uint64_t i = 0; i < kKeys; ++i) entries.push_back(EncodeCommand(PutCommand(source, i)));
  return Of([=, next = std::uint64_t{0}](std::uint64_t operations) mutable {
    const Revision before = store->revision();
    for (std::uint64_t i = 0; i < operations; ++i) {
      std::optional<Command> command = DecodeCommand(entries[next % kKeys].view());
      GRASS_CHECK(command.has_value());
      ++next;
      if (session != SessionId(0)) {
        command->session = session;
        command->sequence = Sequence(next);
        command->acknowledged = Sequence(next - 1);
      }
      store->Apply(Index(++index), *command);
    }
    return store->revision() - before;
  });
}

// An operation is a key.
std::unique_ptr<MicroBenchmark> WriteSnapshot() {
  auto store = std::make_shared<KvStore>();
  const RequestSource source = Puts();
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    Request fill = source.Fill(i);
    Command command;
    command.transaction = PutTransaction(std::move(fill.key), std::move(fill.value));
    store->Apply(Index(i + 1), command);
  }
  return Of([=](std::uint64_t operations) {
    constexpr std::size_t kSlice = std::size_t{256} << 10;
    std::uint64_t keys = 0;
    std::size_t bytes = 0;
    while (keys < operations) {
      KvSnapshotWriter writer = KvSnapshotWriter::Begin(*store);
      while (!writer.done()) bytes += writer.Next(*store, kSlice).size();
      keys += store->size();
    }
    GRASS_CHECK(bytes > keys);
    return keys;
  });
}

// The log's files: one record and one sync for a group. An operation is an entry. Released segments
// are used again, as in a running node.
class WriteLog final : public MicroBenchmark {
 public:
  WriteLog(std::unique_ptr<store::Directory> directory, store::Opened opened)
      : directory_(std::move(directory)), storage_(std::move(opened.storage)) {
    last_ =
        opened.state.entries.empty() ? opened.state.base_index : opened.state.entries.back().index;
    Write(Persist{.id = ++id_,
                  .hard_state = HardState{.term = Term(1), .voted_for = {}},
                  .install = {},
                  .entries = {}});
  }

  std::uint64_t Run(std::uint64_t operations) override {
    const Index before = last_;
    for (std::uint64_t done = 0; done < operations; done += kGroup) {
      Write(Persist{.id = ++id_,
                    .hard_state = {},
                    .install = {},
                    .entries = EntriesFrom(last_ + 1, kGroup, payload_)});
      last_ = last_ + kGroup;
      if (last_ - released_ >= kEntriesMax) Release();
    }
    return last_ - before;
  }

 private:
  static constexpr std::uint64_t kEntriesMax = 100'000;

  void Write(Persist persist) { Check<PersistDone>(storage_->Execute(std::move(persist))); }

  template <class Done>
  static void Check(const DiskDone& done) {
    const absl::Status& status = std::get<Done>(done).status;
    GRASS_CHECK_MSG(status.ok(), std::string(status.message()));
  }

  // As after a snapshot.
  void Release() {
    const SnapshotMeta meta{
        .index = last_, .term = Term(1), .configuration = TwoVoters(), .configuration_index = {}};
    Check<StageDone>(storage_->Execute(StageSnapshot{.source = SnapshotSource::kTaken,
                                                     .meta = meta,
                                                     .offset = 0,
                                                     .last = true,
                                                     .data = Bytes("empty")}));
    Check<PublishDone>(storage_->Execute(PublishSnapshot{.meta = meta, .release_through = last_}));
    released_ = last_;
  }

  std::unique_ptr<store::Directory> directory_;
  std::unique_ptr<store::Storage> storage_;
  const Bytes payload_ = EncodeCommand(PutCommand(Puts(), 1));
  PersistId id_;
  Index last_;
  Index released_;
};

absl::StatusOr<std::unique_ptr<MicroBenchmark>> OpenLog(const MicroOptions& options) {
  auto directory = store::OpenPosixDirectory(options.data_directory);
  if (!directory.ok()) return directory.status();
  Identity identity;
  identity.cluster = ClusterId(1);
  identity.node = NodeIdOf("micro");
  identity.node_name = "micro";
  identity.cluster_name = "micro";
  identity.bootstrap = TwoVoters();
  identity.incarnation = Incarnation(1);
  auto opened = store::Storage::Open(**directory, store::StorageOptions(), identity);
  if (!opened.ok()) return opened.status();
  return std::make_unique<WriteLog>(*std::move(directory), *std::move(opened));
}

// One that needs no directory.
MicroCase Case(std::string name, std::uint64_t batch, std::uint64_t counted,
               std::function<std::unique_ptr<MicroBenchmark>()> make) {
  return {.name = std::move(name),
          .batch = batch,
          .counted = counted,
          .make = [make = std::move(make)](const MicroOptions&) { return make(); }};
}

std::vector<MicroCase> AllCases() {
  std::vector<MicroCase> cases = {
      Case("step/heartbeat", 256, 5000, &StepHeartbeat),
      Case("step/append-64", 16 * kGroup, 100 * kGroup, &StepAppend),
      Case("step/ack-64", 16 * kGroup, 100 * kGroup, &StepAck),
      Case("log/append-64", 64 * kGroup, 200 * kGroup, &LogAppend),
      Case("command/encode", 256, 5000, &EncodeCommands),
      Case("command/decode", 256, 5000, &DecodeCommands),
      Case("message/encode-64", 16 * kGroup, 100 * kGroup, &EncodeMessages),
      Case("message/decode-64", 16 * kGroup, 100 * kGroup, &DecodeMessages),
      Case("client/transact", 256, 5000, &TransactCodec),
      Case("apply/put", kKeys, kKeys, [] { return Apply(InSession::kNo); }),
      Case("apply/put-in-session", kKeys, kKeys, [] { return Apply(InSession::kYes); }),
      Case("snapshot/write", kKeys, kKeys, &WriteSnapshot),
      {.name = "wal/write-64", .batch = 16 * kGroup, .counted = 100 * kGroup, .make = &OpenLog},
  };
  for (const std::uint64_t window : {1u, 16u, 64u, 256u}) {
    cases.push_back(Case("replication/raft/" + std::to_string(window), 64 * window, 2560,
                         [window] { return MakeRaftReplication(window); }));
  }
  for (const std::uint64_t window : {1u, 16u, 64u, 256u}) {
    cases.push_back(Case("replication/nodes/" + std::to_string(window), 64 * window, 2560,
                         [window] { return MakeNodeReplication(window); }));
  }
  return cases;
}

}  // namespace

const std::vector<MicroCase>& MicroCases() {
  static const std::vector<MicroCase> cases = AllCases();
  return cases;
}

}  // namespace grassdb::bench
