// The gRPC interface as other clients meet it: raw calls, limits, health, reflection.
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "proto/health.pb.h"
#include "proto/reflection.pb.h"
#include "tests/cluster/cluster.h"

namespace grassdb {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

// One call of a method that we have no stub for. Each operation is waited for.
class RawCall {
 public:
  RawCall(const std::string& address, const std::string& path) : stub_(ChannelTo(address)) {
    context_.set_deadline(std::chrono::system_clock::now() + Seconds(30));
    stream_ = stub_.PrepareCall(&context_, path, &queue_);
    stream_->StartCall(this);
    EXPECT_TRUE(Next());
  }
  ~RawCall() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  template <class Request>
  void Write(const Request& request) {
    stream_->Write(BufferOf(request.SerializeAsString()), this);
    EXPECT_TRUE(Next());
  }
  // False if the call has ended meanwhile.
  bool TryWrite(const grpc::ByteBuffer& message) {
    stream_->Write(message, this);
    return Next();
  }
  void WritesDone() {
    stream_->WritesDone(this);
    Next();
  }
  template <class Response>
  bool Read(Response* response) {
    grpc::ByteBuffer buffer;
    stream_->Read(&buffer, this);
    if (!Next()) return false;
    grpc::Slice slice;
    EXPECT_TRUE(buffer.DumpToSingleSlice(&slice).ok());
    return response->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  }
  grpc::Status Finish() {
    grpc::Status status;
    stream_->Finish(&status, this);
    Next();
    return status;
  }
  void Cancel() { context_.TryCancel(); }

 private:
  bool Next() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

TEST(Protocol, AWriteSentToAFollowerNamesTheLeader) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const int follower = (leader + 1) % 3;
  const auto stub = wire::Database::NewStub(ChannelTo(cluster.address(follower)));
  wire::SetRequest request;
  request.set_key("k");
  request.set_value("v");
  wire::SetResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub->Set(&context, request, &response).ok());
  EXPECT_FALSE(response.success());
  EXPECT_EQ(response.code(), wire::NOT_LEADER);
  EXPECT_EQ(response.leader_id(), cluster.name(leader));
  EXPECT_EQ(response.leader_address(), cluster.address(leader));
  EXPECT_NE(response.error().find(cluster.address(leader)), std::string::npos) << response.error();
}

TEST(Protocol, AReadIsAnsweredByEveryNode) {
  Cluster cluster(3);
  cluster.StartAndElect();
  ASSERT_EQ(cluster.Client().Set("k", "v").code, Outcome::Code::kOk);
  for (int i = 0; i < 3; ++i) {
    const auto stub = wire::Database::NewStub(ChannelTo(cluster.address(i)));
    wire::GetRequest request;
    request.set_key("k");
    wire::GetResponse response;
    grpc::ClientContext context;
    const grpc::Status status = stub->Get(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.value(), "v");
  }
}

TEST(Protocol, AReadWithoutAQuorumIsRefusedInWordsAndTrailers) {
  Cluster cluster(3);
  cluster.Start(0);
  const auto stub = wire::Database::NewStub(ChannelTo(cluster.address(0)));
  wire::GetRequest request;
  request.set_key("k");
  wire::GetResponse response;
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + Seconds(30));
  const grpc::Status status = stub->Get(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(status.error_message().empty());
  EXPECT_EQ(context.GetServerTrailingMetadata().count("grassdb-code"), 1u);
}

TEST(Protocol, AnyBytesAreKeysAndValues) {
  Cluster cluster(3);
  cluster.StartAndElect();
  net::DatabaseClient client = cluster.Client();
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  const std::string large(std::size_t{1} << 20, '\0');
  const std::string long_key(4096, '\xff');
  for (const auto& [key, value] : {std::pair(bytes, bytes), {long_key, large}, {"empty", ""}}) {
    ASSERT_EQ(client.Set(key, value).code, Outcome::Code::kOk);
    const Outcome got = client.Get(key, ReadMode::kLinearizable);
    ASSERT_EQ(got.code, Outcome::Code::kOk);
    EXPECT_TRUE(got.reply.found);
    EXPECT_TRUE(got.reply.value == value);
  }
}

TEST(Protocol, ABrokenLimitIsNamedWithBothFigures) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const auto stub = wire::Database::NewStub(ChannelTo(cluster.address(0)));
  const auto set = [&](const std::string& key, const std::string& value) {
    wire::SetRequest request;
    request.set_key(key);
    request.set_value(value);
    wire::SetResponse response;
    grpc::ClientContext context;
    return stub->Set(&context, request, &response);
  };
  const grpc::Status value = set("k", std::string((std::size_t{1} << 20) + 1, 'v'));
  EXPECT_EQ(value.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(value.error_message().find("the value is 1048577 bytes"), std::string::npos);
  EXPECT_NE(value.error_message().find("1048576"), std::string::npos);
  EXPECT_EQ(set("", "v").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(set(std::string(4097, 'k'), "v").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  // Also when gRPC would have words of its own for it: by default it takes 4 MiB.
  for (const std::size_t size :
       {std::size_t{5} << 20, std::size_t{20} << 20, std::size_t{100} << 20}) {
    const grpc::Status huge = set("k", std::string(size, 'v'));
    EXPECT_EQ(huge.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << huge.error_message();
    EXPECT_NE(huge.error_message().find("the value is " + std::to_string(size) + " bytes"),
              std::string::npos)
        << huge.error_message();
    EXPECT_NE(huge.error_message().find("1048576"), std::string::npos);
  }
}

TEST(Protocol, ACompressedRequestIsUnderstood) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const auto stub = wire::Database::NewStub(ChannelTo(cluster.address(0)));
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    wire::SetRequest set;
    set.set_key("k");
    set.set_value(std::string(10000, static_cast<char>('a' + algorithm)));
    wire::SetResponse done;
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    const grpc::Status status = stub->Set(&context, set, &done);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(cluster.Cli({"get", "k"}).out, set.value() + "\n");
  }
}

// gRPC holds a message before it looks at how long it is.
TEST(Protocol, AMessageOfAnyLengthTakesBoundedMemory) {
  Cluster cluster(1);
  const int node = cluster.StartAndElect();
  const std::vector<grpc::Slice> slices(2000, grpc::Slice(std::string(std::size_t{1} << 20, 'v')));
  RawCall call(cluster.address(node), "/grassdb.Database/Set");
  call.TryWrite(grpc::ByteBuffer(slices.data(), slices.size()));
  EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  const std::size_t peak = cluster.process(node).MemoryPeak();
  EXPECT_GT(peak, 0u);
  EXPECT_LT(peak, std::size_t{1200} << 20) << "of 2000 MiB";
  EXPECT_EQ(cluster.Cli({"set", "k", "v"}).out, "OK\n");
}

// The exactly-once that clients build on: the same number in the same session, sent twice.
TEST(Protocol, ARepeatedWriteOfASessionIsAppliedOnce) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const auto stub = wire::Database::NewStub(ChannelTo(cluster.address(0)));
  wire::OpenSessionResponse session;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->OpenSession(&context, wire::OpenSessionRequest(), &session).ok());
    ASSERT_EQ(session.code(), wire::OK);
  }
  wire::SetRequest request;
  request.set_key("k");
  request.set_value("v");
  request.set_session(session.session());
  request.set_sequence(1);
  wire::SetResponse first;
  wire::SetResponse second;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->Set(&context, request, &first).ok());
  }
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->Set(&context, request, &second).ok());
  }
  EXPECT_TRUE(first.success());
  EXPECT_TRUE(second.success());
  EXPECT_EQ(first.revision(), second.revision());
}

TEST(Protocol, AMalformedRequestIsRefusedByFieldAndValue) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const auto stub = wire::Database::NewStub(ChannelTo(cluster.address(0)));
  wire::TransactRequest request;
  request.add_success()->set_key("k");
  wire::TransactResponse response;
  grpc::ClientContext context;
  const grpc::Status status = stub->Transact(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "success[0].kind: 0 is not an operation");
}

TEST(Protocol, AMethodThatIsNotThereIsUnimplemented) {
  Cluster cluster(1);
  cluster.StartAndElect();
  RawCall call(cluster.address(0), "/grassdb.Database/Frobnicate");
  EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST(Protocol, AMessageOfAnotherClusterEndsItsStream) {
  Cluster cluster(1);
  cluster.StartAndElect();
  RawCall call(cluster.address(0), "/grassdb.raft.Raft/RequestVote");
  wire::raft::RequestVoteRequest request;
  request.mutable_header()->set_cluster(0xabc);
  request.mutable_header()->set_from(1);
  request.mutable_header()->set_to(2);
  request.mutable_header()->set_term(1000);
  request.set_ballot(wire::raft::VOTE);
  request.set_campaign_term(1000);
  call.Write(request);
  wire::raft::RequestVoteResponse response;
  EXPECT_FALSE(call.Read(&response));
  const grpc::Status status = call.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_NE(status.error_message().find("belongs to cluster 0000000000000abc"), std::string::npos)
      << status.error_message();
  const auto after = cluster.Status(0);
  ASSERT_TRUE(after.has_value());
  EXPECT_LT(after->term(), 1000u);
}

TEST(Protocol, HealthFollowsWhetherTheNodeServes) {
  Cluster cluster(3);
  cluster.Start(0);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return cluster.Status(0).has_value(); }));
  RawCall watch(cluster.address(0), "/grpc.health.v1.Health/Watch");
  watch.Write(HealthCheckRequest());
  watch.WritesDone();
  HealthCheckResponse health;
  ASSERT_TRUE(watch.Read(&health));
  EXPECT_EQ(health.status(), HealthCheckResponse::NOT_SERVING) << "one of three has no leader";
  cluster.Start(1);
  ASSERT_TRUE(watch.Read(&health)) << "a change is told";
  EXPECT_EQ(health.status(), HealthCheckResponse::SERVING);
  watch.Cancel();
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::CANCELLED);

  RawCall check(cluster.address(0), "/grpc.health.v1.Health/Check");
  HealthCheckRequest request;
  request.set_service("grassdb.Database");
  check.Write(request);
  check.WritesDone();
  ASSERT_TRUE(check.Read(&health));
  EXPECT_EQ(health.status(), HealthCheckResponse::SERVING);
  EXPECT_TRUE(check.Finish().ok());

  RawCall unknown(cluster.address(0), "/grpc.health.v1.Health/Check");
  request.set_service("nobody");
  unknown.Write(request);
  EXPECT_EQ(unknown.Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(Protocol, ReflectionTellsTheServicesAndTheirFiles) {
  Cluster cluster(1);
  cluster.StartAndElect();
  RawCall call(cluster.address(0),
               "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  ServerReflectionRequest request;
  request.set_list_services("*");
  call.Write(request);
  ServerReflectionResponse response;
  ASSERT_TRUE(call.Read(&response));
  std::vector<std::string> services;
  for (const auto& service : response.list_services_response().service()) {
    services.push_back(service.name());
  }
  for (const char* wanted :
       {"grassdb.Database", "grassdb.Admin", "grassdb.raft.Raft", "grpc.health.v1.Health"}) {
    EXPECT_EQ(std::ranges::count(services, wanted), 1) << wanted;
  }
  for (const std::string& service : services) {
    request.set_file_containing_symbol(service);
    call.Write(request);
    ASSERT_TRUE(call.Read(&response));
    EXPECT_GE(response.file_descriptor_response().file_descriptor_proto_size(), 1) << service;
  }
  request.set_file_containing_symbol("no.such.Thing");
  call.Write(request);
  ASSERT_TRUE(call.Read(&response));
  EXPECT_EQ(response.error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  call.WritesDone();
  EXPECT_TRUE(call.Finish().ok());
}

}  // namespace
}  // namespace grassdb
