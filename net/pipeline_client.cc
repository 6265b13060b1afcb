#include "net/pipeline_client.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <chrono>

#include "core/check.h"
#include "core/hash.h"
#include "net/completion.h"
#include "net/dial.h"
#include "net/event_loop.h"
#include "net/next_before.h"
#include "net/stubs.h"
#include "proto/client_convert.h"

namespace grassdb::net {
namespace {

// An attempt that has run out of time is noticed up to so much later. Looking at every slot at
// every turn would cost more than the operations.
constexpr Duration kLookInterval = std::chrono::milliseconds(20);
// A message is sent when it has grown to this.
constexpr std::size_t kBatchBytes = std::size_t{256} << 10;
constexpr int kBatchOperations = 1024;  // the server takes PipelineService::kBatchMax

// An operation's id on the wire: a late answer to an attempt that was given up names that attempt.
constexpr int kAttemptBits = 40;
constexpr std::uint64_t kAttemptMask = (std::uint64_t{1} << kAttemptBits) - 1;

}  // namespace

// One stream to one node: opened when there is something to send, and again after a loss.
class PipelineClient::Stream {
 public:
  Stream(PipelineClient* owner, const std::string& endpoint) : owner_(*owner) {
    grpc::ChannelArguments arguments = ClientArguments();
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = wire::Database::NewStub(Dial(endpoint, arguments));
    endpoint_ = endpoint;
  }

  void Add(std::uint64_t id, const ClientRequest& request) {
    wire::PipelineOperation& operation = *batch_.add_operations();
    operation.set_id(id);
    ToWire(request, &operation);
    batch_bytes_ += operation.ByteSizeLong();
    if (batch_bytes_ >= kBatchBytes || batch_.operations_size() >= kBatchOperations) Flush();
  }

  // Sends what is gathered, unless a message is on its way: then it goes with that one's end.
  void Flush() {
    if (batch_.operations_size() == 0) return;
    if (call_ == nullptr) Open();
    if (call_->state != State::kOpen || call_->writing) return;
    call_->writing = true;
    for (const wire::PipelineOperation& operation : batch_.operations()) {
      owner_.slots_[operation.id() >> kAttemptBits].sent = true;
    }
    call_->stream->Write(batch_, written_.tag());
    batch_.Clear();
    batch_bytes_ = 0;
  }

  void Cancel() {
    if (call_ == nullptr) return;
    call_->context.TryCancel();
    Lose();
  }
  bool idle() const { return call_ == nullptr; }

 private:
  enum class State { kOpening, kOpen, kClosing };
  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncReaderWriter<wire::PipelineRequest, wire::PipelineResponse>>
        stream;
    State state = State::kOpening;
    bool writing = false;
    bool reading = false;
    bool finishing = false;
    bool finished = false;
    wire::PipelineResponse response;
    grpc::Status status;
  };

  void Open() {
    call_ = std::make_unique<Call>();
    call_->stream = stub_->PrepareAsyncPipeline(&call_->context, &owner_.queue_);
    call_->stream->StartCall(opened_.tag());
  }

  void OnOpened(bool ok) {
    if (!ok || call_->state == State::kClosing) {
      call_->state = State::kOpen;  // so that Lose begins to end it
      return Lose();
    }
    call_->state = State::kOpen;
    Read();
    Flush();
  }

  void Read() {
    call_->reading = true;
    call_->stream->Read(&call_->response, read_.tag());
  }

  void OnRead(bool ok) {
    call_->reading = false;
    if (!ok || call_->state == State::kClosing) {
      Lose();
      return MaybeRelease();
    }
    for (wire::PipelineAnswer& answer : *call_->response.mutable_answers()) {
      const std::uint64_t id = answer.id();
      absl::StatusOr<Reply> reply = ReplyFrom(std::move(answer));
      if (!reply.ok() || (id >> kAttemptBits) >= owner_.slots_.size()) return Cancel();
      owner_.OnReply(id >> kAttemptBits, AttemptId(id & kAttemptMask), *std::move(reply));
    }
    if (call_->state == State::kOpen) Read();
  }

  void OnWritten(bool ok) {
    call_->writing = false;
    if (!ok) Lose();
    if (call_->state == State::kOpen) {
      Flush();
    } else {
      MaybeRelease();
    }
  }

  // Asks for the status; OnFinished does the rest.
  void Lose() {
    if (call_->state == State::kClosing && call_->finishing) return;
    const bool opening = call_->state == State::kOpening;
    call_->state = State::kClosing;
    if (opening) return;  // OnOpened is still to come
    call_->finishing = true;
    call_->stream->Finish(&call_->status, done_.tag());
  }

  void OnFinished(bool) {
    call_->finished = true;
    MaybeRelease();
  }

  void MaybeRelease() {
    if (!call_->finished || call_->writing || call_->reading) return;
    const std::string error =
        call_->status.ok() ? "the node ended the stream" : call_->status.error_message();
    call_.reset();
    batch_.Clear();
    batch_bytes_ = 0;
    owner_.OnLost(this, endpoint_ + ": " + error);
  }

  PipelineClient& owner_;
  std::string endpoint_;
  std::unique_ptr<wire::Database::Stub> stub_;
  std::unique_ptr<Call> call_;
  wire::PipelineRequest batch_;
  std::size_t batch_bytes_ = 0;

  Forward<Stream, &Stream::OnOpened> opened_{this};
  Forward<Stream, &Stream::OnWritten> written_{this};
  Forward<Stream, &Stream::OnRead> read_{this};
  Forward<Stream, &Stream::OnFinished> done_{this};
};

PipelineClient::PipelineClient(const ClientOptions& options, std::size_t slots, std::size_t streams)
    : streams_per_node_(streams) {
  GRASS_CHECK(slots > 0);
  GRASS_CHECK(streams > 0);
  ClientOptions each = options;
  for (std::size_t i = 0; i < slots; ++i) {
    each.seed = KeyedRandom(options.seed, i);
    slots_.emplace_back(each);
  }
}

PipelineClient::~PipelineClient() {
  for (Slot& slot : slots_) slot.stream = nullptr;
  pausing_.clear();
  for (const auto& [key, stream] : streams_) stream->Cancel();
  while (!std::ranges::all_of(streams_, [](const auto& each) { return each.second->idle(); })) {
    void* tag = nullptr;
    bool ok = false;
    GRASS_CHECK(queue_.Next(&tag, &ok));
    static_cast<Completion*>(tag)->OnComplete(ok);
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void PipelineClient::Begin(std::size_t slot, Operation operation) {
  GRASS_CHECK_LT(slot, slots_.size());
  std::visit([&](auto& each) { slots_[slot].client.Begin(SteadyNow(), std::move(each)); },
             operation);
  Advance(slot);
}

// Does what the slot's client wants next: its operation has ended, or an attempt, or a pause.
void PipelineClient::Advance(std::size_t slot) {
  Slot& at = slots_[slot];
  if (at.client.outcome().has_value()) {
    ended_.push_back(
        {.slot = slot, .outcome = *at.client.outcome(), .answers = std::move(at.answers)});
    at.answers.clear();
    return;
  }
  const Instant now = SteadyNow();
  if (const std::optional<Attempt> attempt = at.client.Next(now)) {
    at.attempt = attempt->id;
    at.sent = false;
    at.stream = &StreamTo(slot, attempt->endpoint);
    if (look_at_ == Instant::max()) look_at_ = now + kLookInterval;
    at.stream->Add(std::uint64_t{slot} << kAttemptBits | (attempt->id.value() & kAttemptMask),
                   attempt->request);
    return;
  }
  pausing_.emplace(at.client.NextDeadline(), slot);
}

PipelineClient::Stream& PipelineClient::StreamTo(std::size_t slot, const std::string& endpoint) {
  std::unique_ptr<Stream>& stream = streams_[{endpoint, slot % streams_per_node_}];
  if (stream == nullptr) stream = std::make_unique<Stream>(this, endpoint);
  return *stream;
}

void PipelineClient::OnReply(std::size_t slot, AttemptId attempt, Reply reply) {
  Slot& at = slots_[slot];
  if (at.stream == nullptr || at.attempt != attempt) return;  // to an attempt that was given up
  at.stream = nullptr;
  if (reply.code != ReplyCode::kOk) at.answers.push_back(WireNameOf(reply.code));
  at.client.OnReply(SteadyNow(), attempt, std::move(reply));
  Advance(slot);
}

void PipelineClient::OnLost(Stream* stream, const std::string& error) {
  const Instant now = SteadyNow();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    Slot& at = slots_[slot];
    if (at.stream != stream) continue;
    at.stream = nullptr;
    at.answers.emplace_back("connection lost");
    at.client.OnLost(now, at.attempt, at.sent ? Loss::kMaybeSent : Loss::kNeverSent, error);
    Advance(slot);
  }
}

void PipelineClient::RunDue(Instant now) {
  while (!pausing_.empty() && pausing_.begin()->first <= now) {
    const std::size_t slot = pausing_.begin()->second;
    pausing_.erase(pausing_.begin());
    slots_[slot].client.OnDeadline(now);
    Advance(slot);
  }
  if (now < look_at_) return;
  look_at_ = Instant::max();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    Slot& at = slots_[slot];
    if (at.stream == nullptr) continue;
    look_at_ = now + kLookInterval;
    if (at.client.NextDeadline() > now) continue;
    at.stream = nullptr;
    at.answers.emplace_back("no answer in time");
    at.client.OnDeadline(now);
    Advance(slot);
  }
}

Instant PipelineClient::NextDue() const {
  return pausing_.empty() ? look_at_ : std::min(look_at_, pausing_.begin()->first);
}

std::optional<PipelineClient::Ended> PipelineClient::Wait(Instant until) {
  while (true) {
    if (!ended_.empty()) {
      Ended ended = std::move(ended_.front());
      ended_.pop_front();
      return ended;
    }
    for (const auto& [key, stream] : streams_) stream->Flush();
    void* tag = nullptr;
    bool ok = false;
    // `until` is kept exactly. What is due for the slots has time, and waiting exactly costs more.
    const Instant due = NextDue();
    const bool coarse = due < until && until - due > kQueueRounding;
    const auto status = coarse ? queue_.AsyncNext(&tag, &ok, ToTimespec(due))
                               : NextBefore(queue_, std::min(until, due), &tag, &ok);
    GRASS_CHECK(status != grpc::CompletionQueue::SHUTDOWN);
    if (status == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<Completion*>(tag)->OnComplete(ok);
    }
    const Instant now = SteadyNow();
    RunDue(now);
    if (ended_.empty() && now >= until) return std::nullopt;
  }
}

}  // namespace grassdb::net
