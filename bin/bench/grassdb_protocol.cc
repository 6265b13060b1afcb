#include "bin/bench/grassdb_protocol.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/check.h"
#include "core/client.h"
#include "core/hash.h"
#include "net/database_client.h"
#include "net/event_loop.h"
#include "net/pipeline_client.h"
#include "net/reply_status.h"
#include "net/stubs.h"
#include "proto/client_convert.h"

namespace grassdb::bench {
namespace {

// What kind of failure it is; empty if it is none.
std::string FailureOf(const Outcome& outcome) {
  switch (outcome.code) {
    case Outcome::Code::kOk:
      return {};
    case Outcome::Code::kRefused:
      return "refused";
    case Outcome::Code::kDiskFull:
      return "disk full";
    case Outcome::Code::kUnreachable:
      return "unreachable";
    case Outcome::Code::kUnknown:
      return "outcome unknown";
  }
  return "?";
}

// One for each connection, shared by the clients that use it.
class Stubs {
 public:
  wire::Database::Stub& To(const std::string& endpoint) {
    std::unique_ptr<wire::Database::Stub>& stub = stubs_[endpoint];
    if (stub == nullptr) stub = wire::Database::NewStub(DialApart(endpoint));
    return *stub;
  }

 private:
  std::map<std::string, std::unique_ptr<wire::Database::Stub>> stubs_;
};

ClientOperation OperationOf(const Request& request) {
  switch (request.kind) {
    case Request::Kind::kPut:
      return PutTransaction(request.key, request.value);
    case Request::Kind::kGet:
      return GetRequest{.mode = ReadMode::kLinearizable, .key = request.key};
    case Request::Kind::kGetStale:
      return GetRequest{.mode = ReadMode::kStale, .key = request.key};
    case Request::Kind::kTxn:
      break;
  }
  Transaction transaction;
  transaction.compares = {{.target = Compare::Target::kVersion,
                           .relation = Compare::Relation::kGreater,
                           .key = request.key,
                           .value = {},
                           .number = 0}};
  transaction.success = {
      {.kind = Operation::Kind::kPut, .key = request.key, .value = request.value}};
  transaction.failure = {{.kind = Operation::Kind::kGet, .key = request.key, .value = {}}};
  return transaction;
}

class GrassdbClient final : public RpcClient {
 public:
  GrassdbClient(std::size_t number, const ClientOptions& options, grpc::CompletionQueue* queue,
                std::shared_ptr<Stubs> stubs)
      : RpcClient(number), client_(options), queue_(queue), stubs_(std::move(stubs)) {}

  void Begin(const Request& request) override {
    kind_ = request.kind;
    answers_.clear();
    client_.Begin(net::SteadyNow(), OperationOf(request));
    const bool sent = !Go().has_value();
    GRASS_CHECK(sent);
  }

  std::optional<Finish> OnEvent() override {
    if (!std::holds_alternative<std::monostate>(call_)) {
      std::visit([this](auto& call) { Take(call); }, call_);
      call_.emplace<std::monostate>();
    } else {
      client_.OnDeadline(net::SteadyNow());
    }
    return Go();
  }

 private:
  // The next thing that the client wants: its operation has ended, or a call, or a pause.
  std::optional<Finish> Go() {
    if (client_.outcome().has_value()) return End(*client_.outcome());
    if (const std::optional<Attempt> attempt = client_.Next(net::SteadyNow())) {
      attempt_ = attempt->id;
      context_.emplace();
      context_->set_deadline(After(attempt->timeout));
      wire::Database::Stub& stub = stubs_->To(attempt->endpoint);
      std::visit([&](const auto& request) { Send(stub, request); }, attempt->request);
      return std::nullopt;
    }
    const Duration pause = client_.NextDeadline() - net::SteadyNow();
    alarm_.Set(queue_, After(std::max(pause, Duration::zero())), tag());
    return std::nullopt;
  }

  void Send(wire::Database::Stub& stub, const OpenSessionRequest& request) {
    auto& call = call_.emplace<Call<wire::OpenSessionResponse>>();
    call.reader = stub.AsyncOpenSession(&*context_, ToWire(request), queue_);
    call.reader->Finish(&call.response, &status_, tag());
  }
  void Send(wire::Database::Stub& stub, const TransactionRequest& request) {
    if (const std::optional<wire::SetRequest> set = SetOf(request)) {
      auto& call = call_.emplace<Call<wire::SetResponse>>();
      call.reader = stub.AsyncSet(&*context_, *set, queue_);
      call.reader->Finish(&call.response, &status_, tag());
      return;
    }
    auto& call = call_.emplace<Call<wire::TransactResponse>>();
    call.reader = stub.AsyncTransact(&*context_, ToWire(request), queue_);
    call.reader->Finish(&call.response, &status_, tag());
  }
  void Send(wire::Database::Stub& stub, const GetRequest& request) {
    auto& call = call_.emplace<Call<wire::GetResponse>>();
    call.reader = stub.AsyncGet(&*context_, ToWire(request), queue_);
    call.reader->Finish(&call.response, &status_, tag());
  }
  template <class Other>
  void Send(wire::Database::Stub&, const Other&) {
    GRASS_CHECK_MSG(false, "a request that no workload makes");
  }

  template <class Response>
  void Take(Call<Response>& call) {
    if (status_.ok()) {
      absl::StatusOr<Reply> reply = ReplyFrom(std::move(call.response));
      if (reply.ok()) return TakeReply(*std::move(reply));
      return Lose("not an answer of grassdb", std::string(reply.status().message()));
    }
    if (std::optional<Reply> reply =
            net::ReplyFromStatus(status_, context_->GetServerTrailingMetadata())) {
      return TakeReply(*std::move(reply));
    }
    const bool late = status_.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    Lose(late ? "no answer in time" : "connection lost", status_.error_message());
  }
  void Take(std::monostate&) {}

  void TakeReply(Reply reply) {
    if (reply.code != ReplyCode::kOk) answers_.push_back(WireNameOf(reply.code));
    client_.OnReply(net::SteadyNow(), attempt_, std::move(reply));
  }

  // Nothing is known of a call that failed, not even that it was never sent.
  void Lose(const std::string& kind, const std::string& error) {
    answers_.push_back(kind);
    client_.OnLost(net::SteadyNow(), attempt_, Loss::kMaybeSent, error);
  }

  Finish End(const Outcome& outcome) {
    Finish finish;
    finish.answers = std::move(answers_);
    finish.failure = FailureOf(outcome);
    finish.missing = finish.failure.empty() && Missing(outcome.reply);
    return finish;
  }

  bool Missing(const Reply& reply) const {
    switch (kind_) {
      case Request::Kind::kPut:
        return false;
      case Request::Kind::kTxn:
        return !reply.command.succeeded;
      case Request::Kind::kGet:
      case Request::Kind::kGetStale:
        return !reply.found;
    }
    return false;
  }

  Client client_;
  grpc::CompletionQueue* queue_;
  std::shared_ptr<Stubs> stubs_;
  Request::Kind kind_ = Request::Kind::kPut;
  AttemptId attempt_;
  std::vector<std::string> answers_;
  // Of the call under way; no call: the alarm is set.
  std::optional<grpc::ClientContext> context_;
  grpc::Status status_;
  std::variant<std::monostate, Call<wire::OpenSessionResponse>, Call<wire::SetResponse>,
               Call<wire::TransactResponse>, Call<wire::GetResponse>>
      call_;
  grpc::Alarm alarm_;
};

// All clients over a stream a connection, each with a slot of its own. What is begun between two
// waits travels together.
class StreamProtocol final : public Protocol {
 public:
  StreamProtocol(const ClientOptions& options, const RpcOptions& rpc)
      : client_(options, rpc.clients, rpc.channels) {}

  std::size_t clients() const override { return client_.slots(); }
  Instant Now() const override { return net::SteadyNow(); }
  void Begin(std::size_t client, const Request& request) override {
    GRASS_CHECK(request.kind == Request::Kind::kPut);
    client_.Begin(client, PutTransaction(request.key, request.value));
  }
  std::optional<Finish> Wait(Instant until) override {
    auto ended = client_.Wait(until);
    if (!ended.has_value()) return std::nullopt;
    Finish finish;
    finish.client = ended->slot;
    finish.at = Now();
    finish.failure = FailureOf(ended->outcome);
    finish.answers = std::move(ended->answers);
    return finish;
  }

 private:
  net::PipelineClient client_;
};

// The leader's address, or what each node says.
absl::StatusOr<std::string> LeaderAmong(const std::vector<std::string>& peers, Duration patience) {
  const auto reports = net::AskWholeCluster(peers, patience);
  if (const net::NodeReport* leader = net::FindLeader(reports)) return leader->endpoint;
  std::string text;
  for (const net::NodeReport& report : reports) {
    text += (text.empty() ? "" : "; ") + report.endpoint + ": " +
            (report.status.has_value() ? "knows no leader" : report.error);
  }
  return absl::UnavailableError(text);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Protocol>> ConnectGrassdb(const RpcOptions& options) {
  const absl::StatusOr<std::string> leader = AwaitLeader(
      options.deadline, [&](Duration patience) { return LeaderAmong(options.peers, patience); });
  if (!leader.ok()) return leader.status();
  ClientOptions client_options;
  client_options.endpoints = {*leader};
  for (const std::string& peer : options.peers) {
    if (peer != *leader) client_options.endpoints.push_back(peer);
  }
  client_options.deadline = options.deadline;
  client_options.seed = options.seed;
  if (options.stream) return std::make_unique<StreamProtocol>(client_options, options);
  auto protocol = std::make_unique<RpcProtocol>();
  std::vector<std::shared_ptr<Stubs>> connections;
  for (std::size_t i = 0; i < options.channels; ++i) {
    connections.push_back(std::make_shared<Stubs>());
  }
  for (std::size_t i = 0; i < options.clients; ++i) {
    client_options.seed = KeyedRandom(options.seed, i);
    protocol->Add(std::make_unique<GrassdbClient>(i, client_options, protocol->queue(),
                                                  connections[i % connections.size()]));
  }
  return protocol;
}

}  // namespace grassdb::bench
