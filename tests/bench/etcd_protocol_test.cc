// What is asked of etcd, and what is made of its answers: a server in this process stands in for
// it.
#include "bin/bench/etcd_protocol.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bin/bench/etcd.grpc.pb.h"

namespace grassdb::bench {
namespace {

namespace pb = ::etcdserverpb;
using std::chrono::milliseconds;
using std::chrono::seconds;

// One node. It has the keys that end with 1.
class FakeEtcd : public pb::KV::Service, public pb::Maintenance::Service {
 public:
  FakeEtcd(std::uint64_t member, std::uint64_t leader) : member_(member), leader_(leader) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<pb::KV::Service*>(this));
    builder.RegisterService(static_cast<pb::Maintenance::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  ~FakeEtcd() override { server_->Shutdown(); }

  std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }

  grpc::Status Status(grpc::ServerContext*, const pb::StatusRequest*,
                      pb::StatusResponse* response) override {
    response->mutable_header()->set_member_id(member_);
    response->set_leader(leader_);
    return grpc::Status::OK;
  }
  grpc::Status Put(grpc::ServerContext* context, const pb::PutRequest* request,
                   pb::PutResponse*) override {
    const std::scoped_lock lock(mutex_);
    puts.push_back(*request);
    connections.insert(context->peer());
    return answer;
  }
  grpc::Status Range(grpc::ServerContext*, const pb::RangeRequest* request,
                     pb::RangeResponse* response) override {
    const std::scoped_lock lock(mutex_);
    ranges.push_back(*request);
    response->set_count(request->key().ends_with('1') ? 1 : 0);
    return answer;
  }
  grpc::Status Txn(grpc::ServerContext*, const pb::TxnRequest* request,
                   pb::TxnResponse* response) override {
    const std::scoped_lock lock(mutex_);
    txns.push_back(*request);
    response->set_succeeded(request->compare(0).key().ends_with('1'));
    return answer;
  }

  std::vector<pb::PutRequest> puts;
  std::set<std::string> connections;  // that these came over
  std::vector<pb::RangeRequest> ranges;
  std::vector<pb::TxnRequest> txns;
  grpc::Status answer;

 private:
  std::mutex mutex_;
  std::uint64_t member_;
  std::uint64_t leader_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class EtcdProtocolTest : public testing::Test {
 protected:
  EtcdProtocolTest() {
    RpcOptions options;
    options.peers = {other_.endpoint(), leader_.endpoint()};
    options.clients = 2;
    options.deadline = seconds(20);
    auto connected = ConnectEtcd(options);
    EXPECT_TRUE(connected.ok()) << connected.status().message();
    if (connected.ok()) protocol_ = *std::move(connected);
  }

  Finish Ask(Request::Kind kind, const std::string& key, const std::string& value = {}) {
    protocol_->Begin(1, {.kind = kind, .key = key, .value = value});
    std::optional<Finish> finish = protocol_->Wait(Instant::max());
    EXPECT_TRUE(finish.has_value());
    EXPECT_EQ(finish->client, 1u);
    EXPECT_LE(finish->at, protocol_->Now());
    EXPECT_EQ(finish->answers, std::vector<std::string>{}) << "nothing is tried again";
    return *std::move(finish);
  }

  FakeEtcd other_{7, 8};
  FakeEtcd leader_{8, 8};
  std::unique_ptr<Protocol> protocol_;
};

TEST_F(EtcdProtocolTest, PutsAtTheLeader) {
  const Finish finish = Ask(Request::Kind::kPut, "key1", "a value");
  EXPECT_EQ(finish.failure, "");
  EXPECT_FALSE(finish.missing);
  ASSERT_EQ(leader_.puts.size(), 1u);
  EXPECT_EQ(leader_.puts[0].key(), "key1");
  EXPECT_EQ(leader_.puts[0].value(), "a value");
  EXPECT_TRUE(other_.puts.empty());
}

TEST_F(EtcdProtocolTest, ReadsLinearizablyUnlessItIsToBeStale) {
  EXPECT_FALSE(Ask(Request::Kind::kGet, "key1").missing);
  EXPECT_TRUE(Ask(Request::Kind::kGet, "key2").missing);
  EXPECT_TRUE(Ask(Request::Kind::kGetStale, "key3").missing);
  ASSERT_EQ(leader_.ranges.size(), 3u);
  EXPECT_EQ(leader_.ranges[0].key(), "key1");
  EXPECT_FALSE(leader_.ranges[1].serializable());
  EXPECT_TRUE(leader_.ranges[2].serializable());
}

TEST_F(EtcdProtocolTest, WritesAKeyInATransactionIfItIsThere) {
  EXPECT_FALSE(Ask(Request::Kind::kTxn, "key1", "a value").missing);
  EXPECT_TRUE(Ask(Request::Kind::kTxn, "key2", "a value").missing);
  ASSERT_EQ(leader_.txns.size(), 2u);
  const pb::TxnRequest& txn = leader_.txns[0];
  ASSERT_EQ(txn.compare_size(), 1);
  EXPECT_EQ(txn.compare(0).key(), "key1");
  EXPECT_EQ(txn.compare(0).target(), pb::Compare::VERSION);
  EXPECT_EQ(txn.compare(0).result(), pb::Compare::GREATER);
  EXPECT_EQ(txn.compare(0).version(), 0);
  ASSERT_EQ(txn.success_size(), 1);
  EXPECT_EQ(txn.success(0).put().key(), "key1");
  EXPECT_EQ(txn.success(0).put().value(), "a value");
  ASSERT_EQ(txn.failure_size(), 1);
  EXPECT_EQ(txn.failure(0).range().key(), "key1");
}

TEST_F(EtcdProtocolTest, NamesAFailureByItsCode) {
  leader_.answer = {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many requests"};
  const Finish finish = Ask(Request::Kind::kGet, "key2");
  EXPECT_EQ(finish.failure, "RESOURCE_EXHAUSTED");
  EXPECT_FALSE(finish.missing) << "nobody knows";
}

TEST_F(EtcdProtocolTest, TakesItsTimeForAFailureSoThatNobodyAsksAgainAtOnce) {
  leader_.answer = {grpc::StatusCode::UNAVAILABLE, "etcdserver: no leader"};
  for (int i = 0; i < 2; ++i) {
    const Instant begun = protocol_->Now();
    const Finish finish = Ask(Request::Kind::kPut, "key1");
    EXPECT_EQ(finish.failure, "UNAVAILABLE");
    EXPECT_GE(finish.at - begun, milliseconds(9));
  }
  leader_.answer = grpc::Status::OK;
  EXPECT_EQ(Ask(Request::Kind::kPut, "key1").failure, "") << "the failure before is forgotten";
}

TEST(EtcdProtocol, WaitsForTheDeadlineWhereNobodyIsConnected) {
  std::optional<FakeEtcd> node(std::in_place, 8, 8);
  RpcOptions options;
  options.peers = {node->endpoint()};
  options.deadline = milliseconds(500);
  const auto protocol = ConnectEtcd(options);
  ASSERT_TRUE(protocol.ok()) << protocol.status().message();
  const auto ask = [&] {
    (*protocol)->Begin(0, {.kind = Request::Kind::kPut, .key = "key", .value = "value"});
    return (*protocol)->Wait(Instant::max());
  };
  EXPECT_EQ(ask()->failure, "");
  node.reset();
  ask();  // may be the one that notices
  for (int i = 0; i < 2; ++i) {
    const Instant begun = (*protocol)->Now();
    const std::optional<Finish> finish = ask();
    ASSERT_TRUE(finish.has_value());
    EXPECT_EQ(finish->failure, "DEADLINE_EXCEEDED");
    EXPECT_GE(finish->at - begun, milliseconds(490));
  }
}

TEST(EtcdProtocol, HasTheClientsShareSoManyConnections) {
  FakeEtcd node(8, 8);
  RpcOptions options;
  options.peers = {node.endpoint()};
  options.clients = 6;
  options.deadline = seconds(20);
  for (const std::size_t channels : {std::size_t{1}, std::size_t{3}}) {
    options.channels = channels;
    node.connections.clear();
    const auto protocol = ConnectEtcd(options);
    ASSERT_TRUE(protocol.ok()) << protocol.status().message();
    for (std::size_t client = 0; client < options.clients; ++client) {
      (*protocol)->Begin(client, {.kind = Request::Kind::kPut, .key = "key", .value = "value"});
      EXPECT_EQ((*protocol)->Wait(Instant::max())->failure, "");
    }
    EXPECT_EQ(node.connections.size(), channels);
  }
}

// As etcd itself has them: a rename would measure nothing but errors.
TEST(EtcdProtocol, HasEtcdsNames) {
  EXPECT_STREQ(pb::KV::service_full_name(), "etcdserverpb.KV");
  EXPECT_STREQ(pb::Maintenance::service_full_name(), "etcdserverpb.Maintenance");
}

// As etcd itself has them: its server skips a field that it does not know, and then every read is
// linearizable and every transaction without a condition.
TEST(EtcdProtocol, HasEtcdsFieldNumbers) {
  pb::PutRequest put;
  put.set_key("k");
  put.set_value("v");
  EXPECT_EQ(put.SerializeAsString(), std::string("\x0a\x01k\x12\x01v", 6));
  pb::RangeRequest range;
  range.set_key("k");
  range.set_serializable(true);
  EXPECT_EQ(range.SerializeAsString(), std::string("\x0a\x01k\x38\x01", 5));
  pb::TxnRequest txn;
  pb::Compare* compare = txn.add_compare();
  compare->set_target(pb::Compare::VERSION);
  compare->set_result(pb::Compare::GREATER);
  compare->set_key("k");
  compare->set_version(0);
  EXPECT_EQ(compare->SerializeAsString(), std::string("\x08\x01\x1a\x01k\x20\x00", 7));
  *txn.add_success()->mutable_put() = put;
  *txn.add_failure()->mutable_range() = range;
  EXPECT_EQ(txn.SerializeAsString(), std::string("\x0a\x07\x08\x01\x1a\x01k\x20\x00", 9) +
                                         std::string("\x12\x08\x12\x06\x0a\x01k\x12\x01v", 10) +
                                         std::string("\x1a\x07\x0a\x05\x0a\x01k\x38\x01", 9));
  pb::RangeResponse found;
  ASSERT_TRUE(found.ParseFromString(std::string("\x20\x03", 2)));
  EXPECT_EQ(found.count(), 3);
  pb::TxnResponse changed;
  ASSERT_TRUE(changed.ParseFromString(std::string("\x10\x01", 2)));
  EXPECT_TRUE(changed.succeeded());
  pb::StatusResponse status;
  ASSERT_TRUE(status.ParseFromString(std::string("\x0a\x02\x10\x05\x20\x07", 6)));
  EXPECT_EQ(status.header().member_id(), 5u);
  EXPECT_EQ(status.leader(), 7u);
}

TEST(EtcdProtocol, SaysWhatEachNodeSaysWhereNoneLeads) {
  const FakeEtcd one(7, 9);
  const FakeEtcd two(8, 0);
  RpcOptions options;
  options.peers = {one.endpoint(), two.endpoint()};
  options.deadline = milliseconds(300);
  const auto connected = ConnectEtcd(options);
  ASSERT_FALSE(connected.ok());
  EXPECT_EQ(connected.status().message(),
            "--peers: no leader has answered within 0.3 s (" + one.endpoint() +
                ": does not lead; " + two.endpoint() +
                ": does not lead); see that a majority of the nodes runs, or name others");
}

}  // namespace
}  // namespace grassdb::bench
