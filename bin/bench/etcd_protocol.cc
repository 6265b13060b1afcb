#include "bin/bench/etcd_protocol.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "bin/bench/etcd.grpc.pb.h"
#include "net/event_loop.h"
#include "net/reply_status.h"

namespace grassdb::bench {
namespace {

namespace pb = ::etcdserverpb;

// However late it is, each node is asked for so long.
constexpr Duration kPatienceMin = std::chrono::milliseconds(100);
// What a failure takes at least. Else a client that is refused at once asks again at once, as no
// client does: the generator burns a core, and its failures are most of the latencies.
constexpr Duration kFailureMin = std::chrono::milliseconds(10);

class EtcdClient final : public RpcClient {
 public:
  EtcdClient(std::size_t number, Duration deadline, grpc::CompletionQueue* queue,
             std::shared_ptr<pb::KV::Stub> stub)
      : RpcClient(number), deadline_(deadline), queue_(queue), stub_(std::move(stub)) {}

  void Begin(const Request& request) override {
    context_.emplace();
    context_->set_deadline(After(deadline_));
    // Where nobody is connected it waits for its deadline, as grassdb's client does.
    context_->set_wait_for_ready(true);
    begun_ = net::SteadyNow();
    failed_ = false;
    switch (request.kind) {
      case Request::Kind::kPut:
        return Put(request);
      case Request::Kind::kGet:
      case Request::Kind::kGetStale:
        return Get(request);
      case Request::Kind::kTxn:
        return Transact(request);
    }
  }

  std::optional<Finish> OnEvent() override {
    if (const Duration left = begun_ + kFailureMin - net::SteadyNow();
        !status_.ok() && !failed_ && left > Duration::zero()) {
      failed_ = true;
      alarm_.Set(queue_, After(left), tag());
      return std::nullopt;
    }
    Finish finish;
    if (status_.ok()) {
      finish.missing = std::visit([](const auto& call) { return Missing(call.response); }, call_);
    } else {
      finish.failure =
          absl::StatusCodeToString(static_cast<absl::StatusCode>(status_.error_code()));
    }
    return finish;
  }

 private:
  static bool Missing(const pb::PutResponse&) { return false; }
  static bool Missing(const pb::RangeResponse& response) { return response.count() == 0; }
  static bool Missing(const pb::TxnResponse& response) { return !response.succeeded(); }

  void Put(const Request& request) {
    pb::PutRequest put;
    put.set_key(request.key);
    put.set_value(request.value);
    auto& call = call_.emplace<Call<pb::PutResponse>>();
    call.reader = stub_->AsyncPut(&*context_, put, queue_);
    call.reader->Finish(&call.response, &status_, tag());
  }

  void Get(const Request& request) {
    pb::RangeRequest range;
    range.set_key(request.key);
    range.set_serializable(request.kind == Request::Kind::kGetStale);
    auto& call = call_.emplace<Call<pb::RangeResponse>>();
    call.reader = stub_->AsyncRange(&*context_, range, queue_);
    call.reader->Finish(&call.response, &status_, tag());
  }

  void Transact(const Request& request) {
    pb::TxnRequest txn;
    pb::Compare* compare = txn.add_compare();
    compare->set_target(pb::Compare::VERSION);
    compare->set_result(pb::Compare::GREATER);
    compare->set_key(request.key);
    compare->set_version(0);
    pb::PutRequest* put = txn.add_success()->mutable_put();
    put->set_key(request.key);
    put->set_value(request.value);
    txn.add_failure()->mutable_range()->set_key(request.key);
    auto& call = call_.emplace<Call<pb::TxnResponse>>();
    call.reader = stub_->AsyncTxn(&*context_, txn, queue_);
    call.reader->Finish(&call.response, &status_, tag());
  }

  Duration deadline_;
  grpc::CompletionQueue* queue_;
  std::shared_ptr<pb::KV::Stub> stub_;
  std::optional<grpc::ClientContext> context_;
  grpc::Status status_;
  Instant begun_{};
  bool failed_ = false;  // and `alarm_` puts the event on the queue
  grpc::Alarm alarm_;
  std::variant<Call<pb::PutResponse>, Call<pb::RangeResponse>, Call<pb::TxnResponse>> call_;
};

// What one node says: its own address if it leads, empty if it does not, or why it cannot be asked.
absl::StatusOr<std::string> LeaderIfIt(const std::string& peer, Duration patience) {
  const auto stub = pb::Maintenance::NewStub(DialApart(peer));
  grpc::ClientContext context;
  context.set_deadline(After(patience));
  pb::StatusResponse response;
  const grpc::Status status = stub->Status(&context, pb::StatusRequest(), &response);
  if (!status.ok()) return absl::UnavailableError(net::WhyNoAnswer(status));
  const bool leads = response.leader() != 0 && response.leader() == response.header().member_id();
  return leads ? peer : "";
}

// The leader's address, or what each node says.
absl::StatusOr<std::string> LeaderAmong(const std::vector<std::string>& peers, Duration patience) {
  const Instant deadline = net::SteadyNow() + patience;
  std::string text;
  for (const std::string& peer : peers) {
    const Duration left = std::max<Duration>(deadline - net::SteadyNow(), kPatienceMin);
    const absl::StatusOr<std::string> leader = LeaderIfIt(peer, left);
    if (leader.ok() && !leader->empty()) return *leader;
    text += (text.empty() ? "" : "; ") + peer + ": " +
            (leader.ok() ? "does not lead" : std::string(leader.status().message()));
  }
  return absl::UnavailableError(text);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Protocol>> ConnectEtcd(const RpcOptions& options) {
  const absl::StatusOr<std::string> leader = AwaitLeader(
      options.deadline, [&](Duration patience) { return LeaderAmong(options.peers, patience); });
  if (!leader.ok()) return leader.status();
  auto protocol = std::make_unique<RpcProtocol>();
  std::vector<std::shared_ptr<pb::KV::Stub>> connections;
  for (std::size_t i = 0; i < options.channels; ++i) {
    connections.push_back(pb::KV::NewStub(DialApart(*leader)));
  }
  for (std::size_t i = 0; i < options.clients; ++i) {
    protocol->Add(std::make_unique<EtcdClient>(i, options.deadline, protocol->queue(),
                                               connections[i % connections.size()]));
  }
  return protocol;
}

}  // namespace grassdb::bench
