// Database/Pipeline: batches of operations over one stream, raw and through the client library.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "net/event_loop.h"
#include "net/pipeline_client.h"
#include "net/pipeline_service.h"
#include "tests/cluster/cluster.h"

namespace grassdb {
namespace {

constexpr Seconds kDeadline(30);

// One stream of a raw client.
class RawPipeline {
 public:
  explicit RawPipeline(const std::string& address)
      : stub_(wire::Database::NewStub(ChannelTo(address))) {
    context_.set_deadline(std::chrono::system_clock::now() + kDeadline);
    stream_ = stub_->Pipeline(&context_);
  }
  ~RawPipeline() { context_.TryCancel(); }

  wire::PipelineOperation& Add(std::uint64_t id) {
    wire::PipelineOperation& operation = *batch_.add_operations();
    operation.set_id(id);
    return operation;
  }
  wire::SetRequest& AddSet(std::uint64_t id, const std::string& key, const std::string& value) {
    wire::SetRequest& set = *Add(id).mutable_set();
    set.set_key(key);
    set.set_value(value);
    return set;
  }
  // What was added, as one message.
  bool Send() {
    const bool sent = stream_->Write(batch_);
    batch_.Clear();
    return sent;
  }
  void HalfClose() { stream_->WritesDone(); }
  // The answers until there are so many, by id; fewer if the stream ends.
  std::map<std::uint64_t, wire::PipelineAnswer> Read(std::size_t count) {
    std::map<std::uint64_t, wire::PipelineAnswer> answers;
    wire::PipelineResponse response;
    while (answers.size() < count && stream_->Read(&response)) {
      for (const wire::PipelineAnswer& answer : response.answers()) {
        EXPECT_TRUE(answers.emplace(answer.id(), answer).second) << "answered twice";
      }
    }
    return answers;
  }
  // After the last answer.
  grpc::Status End() {
    wire::PipelineResponse response;
    EXPECT_FALSE(stream_->Read(&response));
    return stream_->Finish();
  }

 private:
  std::unique_ptr<wire::Database::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<wire::PipelineRequest, wire::PipelineResponse>> stream_;
  wire::PipelineRequest batch_;
};

TEST(Pipeline, AnswersEachOperationByItsIdAndCarriesWritesOutInTheirOrder) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  RawPipeline pipeline(cluster.address(leader));
  pipeline.AddSet(7, "k", "first");
  pipeline.AddSet(3, "k", "second");
  wire::TransactRequest& transact = *pipeline.Add(5).mutable_transact();
  wire::Operation& read = *transact.add_success();
  read.set_kind(wire::Operation::GET);
  read.set_key("k");
  pipeline.Add(1).mutable_open_session();
  ASSERT_TRUE(pipeline.Send());
  auto answers = pipeline.Read(4);
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_TRUE(answers[7].set().success());
  EXPECT_TRUE(answers[3].set().success());
  EXPECT_LT(answers[7].set().revision(), answers[3].set().revision());
  ASSERT_EQ(answers[5].transact().results_size(), 1);
  EXPECT_EQ(answers[5].transact().results(0).value(), "second");
  EXPECT_GT(answers[1].open_session().session(), 0u);

  // What breaks a rule is refused by itself.
  pipeline.AddSet(11, "", "of no key");
  pipeline.Add(12);
  pipeline.Add(13).mutable_get()->set_key("k");
  pipeline.AddSet(14, "other", "v").set_sequence(1);
  pipeline.AddSet(15, "other", "v");
  ASSERT_TRUE(pipeline.Send());
  answers = pipeline.Read(5);
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[11].error().code(), wire::INVALID);
  EXPECT_NE(answers[11].error().error().find("the key is empty"), std::string::npos);
  EXPECT_EQ(answers[12].error().error(), "operation: of id 12 asks for nothing");
  EXPECT_EQ(answers[13].get().value(), "second");
  EXPECT_NE(answers[14].error().error().find("sequence is 1"), std::string::npos);
  EXPECT_TRUE(answers[15].set().success());

  pipeline.AddSet(20, "last", "v");
  ASSERT_TRUE(pipeline.Send());
  pipeline.HalfClose();
  EXPECT_TRUE(pipeline.Read(1)[20].set().success()) << "what is under way is answered";
  EXPECT_TRUE(pipeline.End().ok());
}

TEST(Pipeline, ARepeatedWriteOfASessionIsAppliedOnceAlsoOnAnotherStream) {
  Cluster cluster(1);
  cluster.StartAndElect();
  std::uint64_t session = 0;
  std::uint64_t revision = 0;
  for (int stream = 0; stream < 2; ++stream) {
    RawPipeline pipeline(cluster.address(0));
    if (stream == 0) {
      pipeline.Add(1).mutable_open_session();
      ASSERT_TRUE(pipeline.Send());
      session = pipeline.Read(1)[1].open_session().session();
    }
    wire::SetRequest& set = pipeline.AddSet(2, "k", "v");
    set.set_session(session);
    set.set_sequence(1);
    ASSERT_TRUE(pipeline.Send());
    const wire::PipelineAnswer answer = pipeline.Read(1)[2];
    ASSERT_TRUE(answer.set().success()) << answer.DebugString();
    if (stream == 0) revision = answer.set().revision();
    EXPECT_EQ(answer.set().revision(), revision);
  }
}

TEST(Pipeline, GoesOnWhenItsNodeIsTheLeaderNoMoreAndNamesTheNext) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  RawPipeline pipeline(cluster.address(leader));
  pipeline.AddSet(1, "k", "v");
  ASSERT_TRUE(pipeline.Send());
  ASSERT_TRUE(pipeline.Read(1)[1].set().success());
  const int next = (leader + 1) % 3;
  ASSERT_EQ(cluster.Client().TransferLeadership(cluster.name(next)).code, Outcome::Code::kOk);
  wire::PipelineAnswer answer;
  std::uint64_t id = 2;
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    pipeline.AddSet(id, "k", "w");
    if (!pipeline.Send()) return false;
    answer = pipeline.Read(1)[id++];
    return answer.set().code() == wire::NOT_LEADER && !answer.set().leader_id().empty();
  }));
  EXPECT_EQ(answer.set().leader_id(), cluster.name(next));
  EXPECT_EQ(answer.set().leader_address(), cluster.address(next));
  pipeline.Add(id).mutable_get()->set_key("k");
  ASSERT_TRUE(pipeline.Send());
  EXPECT_TRUE(pipeline.Read(1)[id].get().found()) << "every node answers reads";
}

TEST(Pipeline, AMessageThatIsTooMuchOrNoneEndsTheStream) {
  Cluster cluster(1);
  cluster.StartAndElect();
  RawPipeline pipeline(cluster.address(0));
  for (std::size_t i = 0; i <= net::PipelineService::kBatchMax; ++i) pipeline.AddSet(i, "k", "v");
  pipeline.Send();
  const grpc::Status status = pipeline.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "operations: 4097 of them; at most 4096 go into one message");
  const auto after = cluster.Status(0);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->keys(), 0u);
}

// A file that makes a node's disk hang while it is there.
class HangingNode {
 public:
  HangingNode(Cluster& cluster, std::vector<std::string> flags)
      : cluster_(cluster), file_(cluster.directory() + "/hang") {
    std::vector<std::string> command = Cluster::WithHangingDisk(cluster.Command(0), file_);
    command.insert(command.end(), flags.begin(), flags.end());
    cluster.Start(0, command);
    cluster.Leader();
  }
  void Hang() const { std::ofstream(file_) << "now"; }
  void Recover() const { std::filesystem::remove(file_); }
  // Of its log, on the disk or not.
  std::uint64_t last_index() const {
    const auto status = cluster_.Status(0);
    return status.has_value() ? status->last_index() : 0;
  }

 private:
  Cluster& cluster_;
  std::string file_;
};

TEST(Pipeline, WritesBeyondTheBacklogAreRefusedOneByOneAndTheOthersAreCarriedOut) {
  Cluster cluster(1);
  const HangingNode node(cluster, {"--write-backlog", "64KiB"});
  RawPipeline pipeline(cluster.address(0));
  node.Hang();
  const std::string value(std::size_t{16} << 10, 'v');
  for (std::uint64_t id = 0; id < 40; ++id) pipeline.AddSet(id, "k" + std::to_string(id), value);
  ASSERT_TRUE(pipeline.Send());
  auto answers = pipeline.Read(1);
  for (const auto& [id, answer] : answers) {
    EXPECT_EQ(answer.set().code(), wire::OVERLOADED) << "while the disk hangs nothing can be done";
  }
  node.Recover();
  answers.merge(pipeline.Read(40 - answers.size()));
  std::uint64_t done = 0;
  for (const auto& [id, answer] : answers) {
    if (answer.set().code() == wire::OK) ++done;
    EXPECT_TRUE(answer.set().code() == wire::OK || answer.set().code() == wire::OVERLOADED)
        << answer.DebugString();
  }
  EXPECT_GE(done, 4u);
  EXPECT_LT(done, 40u);
  const auto status = cluster.Status(0);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->keys(), done);
}

TEST(Pipeline, ANodeReadsNoFurtherThanItCanHold) {
  constexpr std::uint64_t kMessages = 20;
  constexpr std::uint64_t kEach = 1000;
  Cluster cluster(1);
  const HangingNode node(cluster, {});
  const std::uint64_t before = node.last_index();
  RawPipeline pipeline(cluster.address(0));
  node.Hang();
  std::thread writer([&] {
    for (std::uint64_t message = 0; message < kMessages; ++message) {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const std::uint64_t id = message * kEach + i;
        pipeline.AddSet(id, "k" + std::to_string(id), std::string(100, 'v'));
      }
      EXPECT_TRUE(pipeline.Send());
    }
  });
  constexpr std::uint64_t kHeld = net::PipelineService::kUnderWayMax;
  // The rest gathers behind the write that hangs, up to 256 KiB.
  EXPECT_TRUE(WaitFor(kDeadline, [&] { return node.last_index() >= before + kHeld / 4; }));
  for (int i = 0; i < 20; ++i) EXPECT_LT(node.last_index(), before + kHeld + kEach);
  node.Recover();
  EXPECT_EQ(pipeline.Read(kMessages * kEach).size(), kMessages * kEach);
  writer.join();
}

TEST(Pipeline, ANodeThatStopsSaysOfEachOperationWhatIsKnown) {
  Cluster cluster(1);
  const HangingNode node(cluster, {});
  const std::uint64_t before = node.last_index();
  RawPipeline pipeline(cluster.address(0));
  node.Hang();
  pipeline.AddSet(1, "k", "v");
  ASSERT_TRUE(pipeline.Send());
  // What has not come to the node by its end has no answer, only the stream's status.
  ASSERT_TRUE(WaitFor(kDeadline, [&] { return node.last_index() > before; }));
  cluster.process(0).Signal(SIGTERM);
  const wire::PipelineAnswer answer = pipeline.Read(1)[1];
  EXPECT_EQ(answer.set().code(), wire::OUTCOME_UNKNOWN) << answer.DebugString();
  EXPECT_EQ(pipeline.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  node.Recover();
  EXPECT_EQ(cluster.process(0).Wait(Cluster::kPatience), 0);
}

ClientOptions OptionsFor(const Cluster& cluster) {
  ClientOptions options;
  options.endpoints = cluster.addresses();
  options.deadline = kDeadline;
  return options;
}

// Each slot counts one key up, by compare-and-set: a write that was applied twice, or lost, would
// make the next one fail.
TEST(PipelineClient, WritesOnceThroughTheDeathOfTheLeader) {
  constexpr std::size_t kSlots = 64;
  constexpr int kCounts = 40;
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  net::PipelineClient client(OptionsFor(cluster), kSlots, 2);
  std::vector<int> counts(kSlots, 0);
  const auto begin = [&](std::size_t slot) {
    const int count = counts[slot];
    client.Begin(slot, CompareAndSetTransaction(
                           "k" + std::to_string(slot),
                           count == 0 ? std::nullopt : std::optional(std::to_string(count)),
                           std::to_string(count + 1)));
  };
  for (std::size_t slot = 0; slot < kSlots; ++slot) begin(slot);
  std::size_t open = kSlots;
  std::size_t ended = 0;
  std::map<std::string, int> answers;
  while (open > 0) {
    const auto end = client.Wait(net::SteadyNow() + 2 * kDeadline);
    ASSERT_TRUE(end.has_value());
    ASSERT_EQ(end->outcome.code, Outcome::Code::kOk) << end->outcome.error;
    ASSERT_TRUE(end->outcome.reply.command.succeeded) << "slot " << end->slot;
    for (const std::string& answer : end->answers) ++answers[answer];
    if (++ended == kSlots * kCounts / 3) cluster.Kill(leader);
    if (++counts[end->slot] < kCounts) {
      begin(end->slot);
    } else {
      --open;
    }
  }
  EXPECT_GE(answers["connection lost"], 1) << "the leader's death";
  net::DatabaseClient reader = cluster.Client();
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    EXPECT_EQ(reader.Get("k" + std::to_string(slot), ReadMode::kLinearizable).reply.value,
              std::to_string(kCounts));
  }
}

TEST(PipelineClient, ReadsAndPutsAndEndsInTimeWhereNobodyAnswers) {
  Cluster cluster(3);
  cluster.StartAndElect();
  {
    net::PipelineClient client(OptionsFor(cluster), 2);
    client.Begin(0, PutTransaction("k", "v"));
    auto ended = client.Wait(net::SteadyNow() + kDeadline);
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->outcome.code, Outcome::Code::kOk) << ended->outcome.error;
    EXPECT_FALSE(client.Wait(net::SteadyNow()).has_value()) << "nothing is under way";
    client.Begin(1, GetRequest{.mode = ReadMode::kLinearizable, .key = "k"});
    ended = client.Wait(net::SteadyNow() + kDeadline);
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->slot, 1u);
    EXPECT_EQ(ended->outcome.reply.value, "v");
  }
  for (int i = 0; i < 3; ++i) cluster.Kill(i);
  ClientOptions options = OptionsFor(cluster);
  options.deadline = std::chrono::milliseconds(300);
  net::PipelineClient client(options, 1);
  client.Begin(0, PutTransaction("k", "v"));
  const auto ended = client.Wait(net::SteadyNow() + kDeadline);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->outcome.code, Outcome::Code::kUnreachable) << "it was never sent";
  ASSERT_FALSE(ended->answers.empty());
  EXPECT_EQ(ended->answers.front(), "connection lost");
}

}  // namespace
}  // namespace grassdb
