#include "net/pipeline_service.h"

#include <google/protobuf/arena.h>

#include <memory>
#include <string>
#include <utility>

#include "core/check.h"
#include "proto/client_convert.h"

namespace grassdb::net {
namespace {

// Answers are sent before the end of the round when so many bytes of them wait.
constexpr std::size_t kAnswerBytesGathered = std::size_t{1} << 20;
// What may wait to be read by the client, in encoded answers; and when no more is taken from it.
constexpr Outbox::Limits kUnreadMax = {.messages_max = 65536, .bytes_max = std::size_t{64} << 20};

// What an answer takes besides its value, roughly.
constexpr std::size_t kAnswerBytes = 32;

}  // namespace

class PipelineService::Stream final : public StreamHandler {
 public:
  Stream(PipelineService* service, ServerStream* stream) : service_(*service), stream_(*stream) {
    service_.streams_.push_back(this);
  }
  ~Stream() override {
    std::erase(service_.streams_, this);
    std::erase(service_.with_answers_, this);
    if (under_way_ == 0) return;
    for (UnderWay& operation : service_.under_way_) {
      if (operation.stream == this) operation.stream = nullptr;
    }
  }

  absl::Status OnMessage(std::string_view message) override {
    // One allocation for all of its operations; keys and values are moved out of it.
    google::protobuf::Arena arena;
    auto& request = *google::protobuf::Arena::CreateMessage<wire::PipelineRequest>(&arena);
    if (!request.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
      return absl::InvalidArgumentError("not a PipelineRequest");
    }
    if (static_cast<std::size_t>(request.operations_size()) > kBatchMax) {
      return absl::InvalidArgumentError("operations: " + std::to_string(request.operations_size()) +
                                        " of them; at most " + std::to_string(kBatchMax) +
                                        " go into one message");
    }
    for (wire::PipelineOperation& operation : *request.mutable_operations()) {
      Take(std::move(operation));
    }
    return absl::OkStatus();
  }

  bool wants_more() const override { return under_way_ < kUnderWayMax; }

  void OnHalfClose(ServerStream&) override {
    half_closed_ = true;
    EndIfAnswered();
  }

  void Answer(const UnderWay& operation, Reply&& reply) {
    --under_way_;
    Gather(operation.id, operation.kind, std::move(reply));
  }

  // Sends what is gathered.
  void Flush() {
    if (answers_->answers_size() > 0) {
      if (!stream_.Send(answers_->SerializeAsString())) {
        stream_.End(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                 "more answers wait than are kept; read them sooner, or ask for "
                                 "less at a time"));
      }
      arena_.Reset();
      answers_ = google::protobuf::Arena::CreateMessage<wire::PipelineResponse>(&arena_);
      answer_bytes_ = 0;
    }
    EndIfAnswered();
    stream_.Resume();
  }

  void Stop() {
    Flush();
    stream_.End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the node has stopped"));
  }

 private:
  void Take(wire::PipelineOperation&& wire) {
    const UnderWay operation{.stream = this, .id = wire.id(), .kind = wire.operation_case()};
    absl::StatusOr<ClientRequest> request = FromWire(std::move(wire));
    if (!request.ok()) {
      Reply reply;
      reply.code = ReplyCode::kInvalid;
      reply.error = std::string(request.status().message());
      return Gather(operation.id, operation.kind, std::move(reply));
    }
    ++under_way_;
    service_.backend_.submit(service_.Register(operation), *std::move(request));
  }

  void Gather(std::uint64_t id, wire::PipelineOperation::OperationCase kind, Reply&& reply) {
    if (answers_->answers_size() == 0) service_.with_answers_.push_back(this);
    answer_bytes_ += kAnswerBytes + reply.value.size() + reply.error.size();
    for (const OperationResult& result : reply.command.operations) {
      answer_bytes_ += result.value.size();
    }
    wire::PipelineAnswer& answer = *answers_->add_answers();
    answer.set_id(id);
    ToWire(std::move(reply), kind, &answer);
    if (answer_bytes_ >= kAnswerBytesGathered) {
      std::erase(service_.with_answers_, this);
      Flush();
    }
  }

  void EndIfAnswered() {
    const bool answered = under_way_ == 0 && answers_->answers_size() == 0;
    if (half_closed_ && answered) stream_.End(grpc::Status::OK);
  }

  PipelineService& service_;
  ServerStream& stream_;
  std::size_t under_way_ = 0;
  bool half_closed_ = false;
  // Of this round.
  google::protobuf::Arena arena_;
  wire::PipelineResponse* answers_ =
      google::protobuf::Arena::CreateMessage<wire::PipelineResponse>(&arena_);
  std::size_t answer_bytes_ = 0;
};

PipelineService::~PipelineService() {
  GRASS_CHECK(streams_.empty());
}

void PipelineService::AddTo(StreamService* streams) {
  streams->Add(
      "/grassdb.Database/Pipeline",
      [this](ServerStream* stream) { return std::make_unique<Stream>(this, stream); }, kUnreadMax);
}

RequestId PipelineService::Register(const UnderWay& operation) {
  if (free_.empty()) {
    free_.push_back(under_way_.size());
    under_way_.emplace_back();
  }
  const std::size_t at = free_.back();
  free_.pop_back();
  under_way_[at] = operation;
  return RequestId(kMark | at);
}

void PipelineService::Answer(RequestId request, Reply reply) {
  GRASS_CHECK(Owns(request));
  const std::size_t at = request.value() & ~kMark;
  GRASS_CHECK_LT(at, under_way_.size());
  const UnderWay operation = std::exchange(under_way_[at], UnderWay());
  free_.push_back(at);
  if (operation.stream == nullptr || stopping_) return;
  if (reply.code != ReplyCode::kOk) backend_.resolve(reply);
  operation.stream->Answer(operation, std::move(reply));
}

void PipelineService::Flush() {
  while (!with_answers_.empty()) {
    Stream* const stream = with_answers_.back();
    with_answers_.pop_back();
    stream->Flush();
  }
}

void PipelineService::Stop() {
  for (UnderWay& operation : under_way_) {
    if (operation.stream == nullptr) continue;
    Reply reply;
    const bool may_have_happened = operation.kind != wire::PipelineOperation::kGet;
    reply.code = may_have_happened ? ReplyCode::kOutcomeUnknown : ReplyCode::kUnavailable;
    reply.error = may_have_happened
                      ? "the node stopped; whether the request took effect is not known"
                      : "the node has stopped";
    const UnderWay answered = std::exchange(operation, UnderWay());
    answered.stream->Answer(answered, std::move(reply));
  }
  stopping_ = true;
  with_answers_.clear();
  for (Stream* stream : streams_) stream->Stop();
}

}  // namespace grassdb::net
