#include "net/database_client.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include "core/check.h"
#include "net/dial.h"
#include "net/event_loop.h"
#include "net/reply_status.h"
#include "net/server_options.h"
#include "proto/client_convert.h"

namespace grassdb::net {
namespace {

using SystemTime = std::chrono::system_clock::time_point;

SystemTime After(Duration duration) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
}

// Waits until the channel has a connection; false if there is none by the deadline, or the attempt
// to make one has failed. Nothing is sent before this has succeeded, which is how a loss is known
// to be Loss::kNeverSent.
bool Connect(grpc::Channel& channel, SystemTime deadline) {
  while (true) {
    const grpc_connectivity_state state = channel.GetState(true);
    if (state == GRPC_CHANNEL_READY) return true;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
    if (!channel.WaitForStateChange(state, deadline)) return false;
  }
}

}  // namespace

DatabaseClient::DatabaseClient(const ClientOptions& options) : client_(options) {}

DatabaseClient::~DatabaseClient() = default;

Outcome DatabaseClient::Set(std::string key, std::string value) {
  return Run(PutTransaction(std::move(key), std::move(value)));
}

Outcome DatabaseClient::Delete(std::string key) {
  return Run(DeleteTransaction(std::move(key)));
}

Outcome DatabaseClient::Get(std::string key, ReadMode mode) {
  return Run(GetRequest{.mode = mode, .key = std::move(key)});
}

Outcome DatabaseClient::Transact(Transaction transaction) {
  return Run(std::move(transaction));
}

Outcome DatabaseClient::TakeSnapshot() {
  return Run(TakeSnapshotRequest{});
}

Outcome DatabaseClient::TransferLeadership(const std::string& target) {
  transfer_target_ = target;
  return Run(TransferLeadershipRequest{.target = target.empty() ? NodeId() : NodeIdOf(target)});
}

Outcome DatabaseClient::ChangeMembership(std::vector<MemberChange> changes) {
  return Run(ChangeMembershipRequest{.changes = std::move(changes)});
}

void DatabaseClient::CloseSession() {
  const Outcome::Code last = client_.outcome()->code;
  if (last == Outcome::Code::kUnreachable || last == Outcome::Code::kUnknown) return;
  Run(grassdb::CloseSession{});
}

Outcome DatabaseClient::Run(ClientOperation operation) {
  client_.Begin(SteadyNow(), std::move(operation));
  while (!client_.outcome().has_value()) {
    if (const std::optional<Attempt> attempt = client_.Next(SteadyNow())) {
      Result result = Send(*attempt);
      if (auto* reply = std::get_if<Reply>(&result)) {
        client_.OnReply(SteadyNow(), attempt->id, std::move(*reply));
      } else {
        const Lost& lost = std::get<Lost>(result);
        client_.OnLost(SteadyNow(), attempt->id, lost.loss, lost.error);
      }
      continue;
    }
    const Duration wait = client_.NextDeadline() - SteadyNow();
    if (wait > Duration::zero()) std::this_thread::sleep_for(wait);
    client_.OnDeadline(SteadyNow());
  }
  return *client_.outcome();
}

DatabaseClient::Endpoint& DatabaseClient::EndpointFor(const std::string& address) {
  Endpoint& endpoint = endpoints_[address];
  if (endpoint.channel == nullptr) {
    endpoint.channel = DialAsClient(address);
    endpoint.database = wire::Database::NewStub(endpoint.channel);
    endpoint.admin = wire::Admin::NewStub(endpoint.channel);
  }
  return endpoint;
}

DatabaseClient::Result DatabaseClient::Send(const Attempt& attempt) {
  const SystemTime deadline = After(attempt.timeout);
  Endpoint& endpoint = EndpointFor(attempt.endpoint);
  if (!Connect(*endpoint.channel, deadline)) {
    return Lost{.loss = Loss::kNeverSent, .error = "cannot connect to " + attempt.endpoint};
  }
  grpc::ClientContext context;
  context.set_deadline(deadline);
  Result result = std::visit([&](const auto& request) { return Send(endpoint, &context, request); },
                             attempt.request);
  if (auto* lost = std::get_if<Lost>(&result)) {
    lost->error = attempt.endpoint + ": " + lost->error;
  }
  return result;
}

namespace {

// The reply in a finished call, or how it was lost.
template <class Response, class Lost>
std::variant<Reply, Lost> ResultOf(const grpc::Status& status, const grpc::ClientContext& context,
                                   Response&& response) {
  if (!status.ok()) {
    if (std::optional<Reply> reply = ReplyFromStatus(status, context.GetServerTrailingMetadata())) {
      return *std::move(reply);
    }
    return Lost{.loss = Loss::kMaybeSent, .error = WhyNoAnswer(status)};
  }
  absl::StatusOr<Reply> reply = ReplyFrom(std::forward<Response>(response));
  if (reply.ok()) return *std::move(reply);
  return Lost{.loss = Loss::kMaybeSent,
              .error = "an answer that is not grassdb's: " + std::string(reply.status().message())};
}

}  // namespace

DatabaseClient::Result DatabaseClient::Send(Endpoint& to, grpc::ClientContext* context,
                                            const OpenSessionRequest& request) {
  wire::OpenSessionResponse response;
  const grpc::Status status = to.database->OpenSession(context, ToWire(request), &response);
  return ResultOf<wire::OpenSessionResponse, Lost>(status, *context, std::move(response));
}

DatabaseClient::Result DatabaseClient::Send(Endpoint& to, grpc::ClientContext* context,
                                            const CloseSessionRequest& request) {
  wire::CloseSessionResponse response;
  const grpc::Status status = to.database->CloseSession(context, ToWire(request), &response);
  return ResultOf<wire::CloseSessionResponse, Lost>(status, *context, std::move(response));
}

DatabaseClient::Result DatabaseClient::Send(Endpoint& to, grpc::ClientContext* context,
                                            const TransactionRequest& request) {
  if (const std::optional<wire::SetRequest> set = SetOf(request)) {
    wire::SetResponse response;
    const grpc::Status status = to.database->Set(context, *set, &response);
    return ResultOf<wire::SetResponse, Lost>(status, *context, std::move(response));
  }
  wire::TransactResponse response;
  const grpc::Status status = to.database->Transact(context, ToWire(request), &response);
  return ResultOf<wire::TransactResponse, Lost>(status, *context, std::move(response));
}

DatabaseClient::Result DatabaseClient::Send(Endpoint& to, grpc::ClientContext* context,
                                            const GetRequest& request) {
  wire::GetResponse response;
  const grpc::Status status = to.database->Get(context, ToWire(request), &response);
  return ResultOf<wire::GetResponse, Lost>(status, *context, std::move(response));
}

DatabaseClient::Result DatabaseClient::Send(Endpoint& to, grpc::ClientContext* context,
                                            const TakeSnapshotRequest& request) {
  wire::TakeSnapshotResponse response;
  const grpc::Status status = to.database->TakeSnapshot(context, ToWire(request), &response);
  return ResultOf<wire::TakeSnapshotResponse, Lost>(status, *context, std::move(response));
}

DatabaseClient::Result DatabaseClient::Send(Endpoint& to, grpc::ClientContext* context,
                                            const TransferLeadershipRequest&) {
  wire::TransferLeadershipResponse response;
  const grpc::Status status =
      to.admin->TransferLeadership(context, TransferTo(transfer_target_), &response);
  return ResultOf<wire::TransferLeadershipResponse, Lost>(status, *context, std::move(response));
}

DatabaseClient::Result DatabaseClient::Send(Endpoint& to, grpc::ClientContext* context,
                                            const ChangeMembershipRequest& request) {
  wire::ChangeMembershipResponse response;
  const grpc::Status status = to.admin->ChangeMembership(context, ToWire(request), &response);
  return ResultOf<wire::ChangeMembershipResponse, Lost>(status, *context, std::move(response));
}

std::vector<NodeReport> AskForStatus(const std::vector<std::string>& endpoints, Duration deadline) {
  struct Question {
    grpc::ClientContext context;
    std::unique_ptr<wire::Admin::Stub> stub;
    std::unique_ptr<grpc::ClientAsyncResponseReader<wire::StatusResponse>> reader;
    wire::StatusResponse response;
    grpc::Status status;
  };
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Question>> questions;
  const SystemTime until = After(deadline);
  for (const std::string& endpoint : endpoints) {
    auto& question = *questions.emplace_back(std::make_unique<Question>());
    question.stub = wire::Admin::NewStub(DialAsClient(endpoint));
    question.context.set_deadline(until);
    question.reader = question.stub->AsyncStatus(&question.context, wire::StatusRequest(), &queue);
    question.reader->Finish(&question.response, &question.status, &question);
  }
  for (std::size_t i = 0; i < questions.size(); ++i) {
    void* tag = nullptr;
    bool ok = false;
    GRASS_CHECK(queue.Next(&tag, &ok));
  }
  queue.Shutdown();
  std::vector<NodeReport> reports;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    NodeReport& report = reports.emplace_back();
    report.endpoint = endpoints[i];
    if (questions[i]->status.ok()) {
      report.status = std::move(questions[i]->response);
    } else {
      report.error = WhyNoAnswer(questions[i]->status);
    }
  }
  return reports;
}

namespace {

// As two ways to write one address are compared.
std::string Canonical(const std::string& endpoint) {
  const auto [host, port] = SplitEndpoint(endpoint);
  return host == "localhost" ? "127.0.0.1:" + port : endpoint;
}

}  // namespace

std::vector<NodeReport> AskWholeCluster(const std::vector<std::string>& endpoints,
                                        Duration deadline) {
  std::vector<NodeReport> reports = AskForStatus(endpoints, deadline);
  std::set<std::string> asked;  // addresses, and names, which hold no colon
  for (const NodeReport& report : reports) {
    asked.insert(Canonical(report.endpoint));
    if (report.status.has_value()) asked.insert(report.status->id());
  }
  // The leader's members, or else those of whoever has answered.
  const NodeReport* source = FindLeader(reports);
  for (const NodeReport& report : reports) {
    if (source == nullptr && report.status.has_value()) source = &report;
  }
  if (source == nullptr) return reports;
  std::vector<std::string> others;
  for (const wire::MemberStatus& member : source->status->members()) {
    if (asked.contains(member.id()) || asked.contains(Canonical(member.address()))) continue;
    others.push_back(member.address());
  }
  for (NodeReport& report : AskForStatus(others, deadline)) reports.push_back(std::move(report));
  return reports;
}

const NodeReport* FindLeader(const std::vector<NodeReport>& reports) {
  const NodeReport* leader = nullptr;
  for (const NodeReport& report : reports) {
    if (!report.status.has_value() || report.status->role() != "leader") continue;
    if (!report.status->serving()) continue;
    // One that was deposed and does not know it yet may be among them.
    if (leader == nullptr || report.status->term() > leader->status->term()) leader = &report;
  }
  return leader;
}

}  // namespace grassdb::net
