#include "net/client_service.h"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/check.h"
#include "net/completion.h"
#include "net/reply_status.h"
#include "net/server_options.h"
#include "proto/client_convert.h"

namespace grassdb::net {
namespace {

// Calls of each method that wait for a request; whenever one has got its own, another is armed.
// With its assertions on, as in Debian, gRPC looks for each operation that ends among all that are
// under way: with hundreds armed that was a tenth of what a call costs.
constexpr std::size_t kArmed = 4;
// Calls of each method that are kept for later requests.
constexpr std::size_t kIdleMax = 1024;

// An address that nobody can be reached at is refused before it gets into the log.
absl::Status CheckAddresses(const ClientRequest& request) {
  const auto* change = std::get_if<ChangeMembershipRequest>(&request);
  if (change == nullptr) return absl::OkStatus();
  for (std::size_t i = 0; i < change->changes.size(); ++i) {
    const std::string& address = change->changes[i].address;
    if (address.empty()) continue;
    if (const auto parsed = ParsePeerAddress(address); !parsed.ok()) {
      return absl::InvalidArgumentError("changes[" + std::to_string(i) +
                                        "].address: " + std::string(parsed.status().message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

// A call as ClientService knows it, whatever its method.
class ClientService::Call : public Completion {
 public:
  Call() = default;
  virtual ~Call() = default;
  virtual void Answer(Reply reply) = 0;
  // Answers in the node's place, if the node has the call.
  virtual void Abandon() = 0;
};

#define GRASS_METHOD(name, service, shape_of_response)                                           \
  struct ClientService::name##Method {                                                           \
    using Request = wire::name##Request;                                                         \
    using Response = wire::name##Response;                                                       \
    static constexpr ResponseShape kShape = shape_of_response;                                   \
    static void Request_(ClientService& owner, grpc::ServerContext* context, Request* request,   \
                         grpc::ServerAsyncResponseWriter<Response>* responder, void* tag) {      \
      owner.service.Request##name(context, request, responder, owner.queue_, owner.queue_, tag); \
    }                                                                                            \
  }

GRASS_METHOD(Get, database_, ResponseShape::kHasNoCode);
GRASS_METHOD(Set, database_, ResponseShape::kHasCode);
GRASS_METHOD(Transact, database_, ResponseShape::kHasCode);
GRASS_METHOD(OpenSession, database_, ResponseShape::kHasCode);
GRASS_METHOD(CloseSession, database_, ResponseShape::kHasCode);
GRASS_METHOD(TakeSnapshot, database_, ResponseShape::kHasNoCode);
GRASS_METHOD(TransferLeadership, admin_, ResponseShape::kHasCode);
GRASS_METHOD(ChangeMembership, admin_, ResponseShape::kHasCode);
GRASS_METHOD(Status, admin_, ResponseShape::kHasNoCode);
#undef GRASS_METHOD

struct ClientService::Pools : Pool<GetMethod>,
                              Pool<SetMethod>,
                              Pool<TransactMethod>,
                              Pool<OpenSessionMethod>,
                              Pool<CloseSessionMethod>,
                              Pool<TakeSnapshotMethod>,
                              Pool<TransferLeadershipMethod>,
                              Pool<ChangeMembershipMethod>,
                              Pool<StatusMethod> {};

// A pooled call: armed (waits for a request), working (the node has it), finishing (the answer is
// on its way), idle, and armed again.
template <class Method>
class ClientService::UnaryCall final : public Call {
 public:
  using Request = typename Method::Request;
  using Response = typename Method::Response;

  explicit UnaryCall(ClientService* owner) : owner_(*owner) {}

  void Arm(RequestId id) {
    id_ = id;
    state_ = State::kArmed;
    // A context and a responder serve one call only; they are made anew in the same memory.
    context_.emplace();
    responder_.emplace(&*context_);
    request_.Clear();
    Method::Request_(owner_, &*context_, &request_, &*responder_, tag());
  }

  void OnComplete(bool ok) override {
    if (state_ == State::kFinishing) return Recycle();
    GRASS_CHECK(state_ == State::kArmed);
    if (!ok) return owner_.Unregister(id_);  // the server shuts down; destroys this
    state_ = State::kWorking;
    if (owner_.stopping_) return Abandon();
    Handle();
    owner_.ArmOne<Method>();
  }

  void Answer(Reply reply) override {
    GRASS_CHECK(state_ == State::kWorking);
    const grpc::Status status = StatusOf(reply, Method::kShape);
    if (!status.ok()) {
      for (const auto& [key, value] : TrailersOf(reply)) context_->AddTrailingMetadata(key, value);
      return Finish(status);
    }
    response_.Clear();
    // The node's status is no reply of the node: Handle puts it.
    if constexpr (!std::is_same_v<Method, StatusMethod>) ToWire(std::move(reply), &response_);
    Finish(status);
  }

  void Abandon() override {
    if (state_ != State::kWorking) return;
    Reply reply;
    // A response with a code is that of a request that changes something.
    const bool may_have_happened = Method::kShape == ResponseShape::kHasCode;
    reply.code = may_have_happened ? ReplyCode::kOutcomeUnknown : ReplyCode::kUnavailable;
    reply.error = may_have_happened
                      ? "the node stopped; whether the request took effect is not known"
                      : "the node has stopped";
    Answer(std::move(reply));
  }

 private:
  enum class State { kArmed, kWorking, kFinishing, kIdle };

  void Handle() {
    if constexpr (std::is_same_v<Method, StatusMethod>) {
      response_.Clear();
      NodeStatus status = owner_.backend_.status();
      status.configuration = owner_.addresses_.Resolve(status.configuration);
      ToWire(status, owner_.self_, &response_);
      for (wire::MemberStatus& member : *response_.mutable_members()) {
        const std::string_view problem = owner_.backend_.problem_with(NodeIdOf(member.id()));
        member.set_problem(problem.data(), problem.size());
      }
      Finish(grpc::Status::OK);
    } else {
      absl::StatusOr<ClientRequest> request = FromWire(std::move(request_));
      absl::Status status = request.status();
      if (status.ok()) status = CheckAddresses(*request);
      if (!status.ok()) return Finish(StatusOf(status));
      owner_.backend_.submit(id_, *std::move(request));
    }
  }

  void Finish(const grpc::Status& status) {
    state_ = State::kFinishing;
    if (status.ok()) {
      responder_->Finish(response_, status, tag());
    } else {
      responder_->FinishWithError(status, tag());
    }
  }

  void Recycle() {
    std::vector<RequestId>& idle = static_cast<Pool<Method>&>(*owner_.pools_).idle;
    if (owner_.stopping_ || idle.size() >= kIdleMax) {
      owner_.Unregister(id_);  // destroys this
    } else {
      // With the context goes gRPC's call, which is 12 KiB.
      responder_.reset();
      context_.reset();
      state_ = State::kIdle;
      idle.push_back(id_);
    }
  }

  ClientService& owner_;
  RequestId id_;
  State state_ = State::kArmed;
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncResponseWriter<Response>> responder_;
  Request request_;
  Response response_;
};

// A client that copies the state: one call at a time is armed, and serves once.
class ClientService::BackupCall final : public Call {
 public:
  explicit BackupCall(ClientService* owner) : owner_(*owner), writer_(&context_) {}

  void Arm(RequestId id) {
    id_ = id;
    owner_.admin_.RequestBackup(&context_, &request_, &writer_, owner_.queue_, owner_.queue_,
                                tag());
  }

  void OnComplete(bool ok) override {
    switch (std::exchange(state_, State::kWorking)) {
      case State::kArmed:
        if (!ok) return owner_.Unregister(id_);  // the server shuts down; destroys this
        if (!owner_.stopping_) owner_.ArmBackup();
        break;
      case State::kWriting:
        // The client has gone, or has it all.
        if (!ok || chunk_.last()) return Finish(grpc::Status::OK);
        break;
      case State::kWorking:
        GRASS_CHECK_MSG(false, "nothing was asked of gRPC");
        break;
      case State::kFinishing:
        return owner_.Unregister(id_);  // destroys this
    }
    if (owner_.stopping_) return Abandon();
    owner_.backend_.backup(id_, next_);
  }

  void Answer(Reply reply) override {
    GRASS_CHECK(state_ == State::kWorking);
    grpc::Status status = StatusOf(reply, ResponseShape::kHasNoCode);
    if (!status.ok()) {
      const bool begun = next_.snapshot != Index(0);
      if (begun && reply.code == ReplyCode::kUnavailable) {
        status = grpc::Status(grpc::StatusCode::ABORTED, status.error_message());
      }
      for (const auto& [key, value] : TrailersOf(reply)) context_.AddTrailingMetadata(key, value);
      return Finish(status);
    }
    const BackupPiece& piece = *reply.backup;
    chunk_.Clear();
    ToWire(piece, owner_.self_, &chunk_);
    next_ = {.snapshot = piece.snapshot.index, .offset = piece.offset + piece.data.size()};
    state_ = State::kWriting;
    writer_.Write(chunk_, tag());
  }

  void Abandon() override {
    if (state_ != State::kWorking) return;
    Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the node has stopped"));
  }

 private:
  enum class State { kArmed, kWorking, kWriting, kFinishing };

  void Finish(const grpc::Status& status) {
    state_ = State::kFinishing;
    writer_.Finish(status, tag());
  }

  ClientService& owner_;
  RequestId id_;
  State state_ = State::kArmed;
  grpc::ServerContext context_;
  wire::BackupRequest request_;
  grpc::ServerAsyncWriter<wire::BackupChunk> writer_;
  BackupRequest next_;
  wire::BackupChunk chunk_;
};

ClientService::ClientService() : pools_(std::make_unique<Pools>()) {}

ClientService::~ClientService() = default;

template <class Method>
void ClientService::ArmOne() {
  std::vector<RequestId>& idle = static_cast<Pool<Method>&>(*pools_).idle;
  if (idle.empty()) {
    auto* const call = new UnaryCall<Method>(this);
    return call->Arm(Register(call));
  }
  const RequestId id = idle.back();
  idle.pop_back();
  static_cast<UnaryCall<Method>&>(*calls_[id.value() - 1]).Arm(id);
}

template <class Method>
void ClientService::Arm(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) ArmOne<Method>();
}

void ClientService::ArmBackup() {
  auto* const call = new BackupCall(this);
  call->Arm(Register(call));
}

void ClientService::Start(grpc::ServerCompletionQueue* queue, Identity self, AddressBook addresses,
                          Backend backend) {
  queue_ = queue;
  self_ = std::move(self);
  addresses_ = std::move(addresses);
  backend_ = std::move(backend);
  pipeline_.Start({.submit = backend_.submit, .resolve = [this](Reply& reply) { Resolve(reply); }});
  Arm<GetMethod>(kArmed);
  Arm<SetMethod>(kArmed);
  Arm<TransactMethod>(kArmed);
  Arm<OpenSessionMethod>(kArmed);
  Arm<CloseSessionMethod>(kArmed);
  Arm<TakeSnapshotMethod>(1);
  Arm<TransferLeadershipMethod>(1);
  Arm<ChangeMembershipMethod>(1);
  Arm<StatusMethod>(1);
  ArmBackup();
}

RequestId ClientService::Register(Call* call) {
  if (free_.empty()) {
    free_.push_back(calls_.size());
    calls_.emplace_back();
  }
  const std::size_t at = free_.back();
  free_.pop_back();
  calls_[at].reset(call);
  return RequestId(at + 1);
}

void ClientService::Unregister(RequestId id) {
  const std::size_t at = id.value() - 1;
  free_.push_back(at);
  calls_[at].reset();
}

void ClientService::Resolve(Reply& reply) const {
  const std::string& address = addresses_.Resolve(reply.leader, reply.leader_address);
  if (address == reply.leader_address) return;
  const std::size_t at = reply.error.find(reply.leader_address);
  if (!reply.leader_address.empty() && at != std::string::npos) {
    reply.error.replace(at, reply.leader_address.size(), address);
  }
  reply.leader_address = address;
}

void ClientService::Stop() {
  stopping_ = true;
  for (const std::unique_ptr<Call>& call : calls_) {
    if (call != nullptr) call->Abandon();
  }
  pipeline_.Stop();
}

void ClientService::Answer(RequestId request, Reply reply) {
  if (PipelineService::Owns(request)) return pipeline_.Answer(request, std::move(reply));
  if (stopping_) return;
  const std::size_t at = request.value() - 1;
  GRASS_CHECK_LT(at, calls_.size());
  GRASS_CHECK(calls_[at] != nullptr);
  Resolve(reply);
  calls_[at]->Answer(std::move(reply));
}

}  // namespace grassdb::net
