#include "net/peer_stream.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "net/event_loop.h"

namespace grassdb::net {
namespace {

// Between a loss and the next call. Short at first, because most losses are a peer's restart and an
// election may be waiting for it; the channel itself keeps a peer that is down from being connected
// to too often (PeerTransport).
constexpr Duration kPauseMin = std::chrono::milliseconds(20);
constexpr Duration kPauseMax = std::chrono::milliseconds(500);

}  // namespace

PeerStream::PeerStream(RaftRpc rpc, std::shared_ptr<grpc::Channel> channel,
                       grpc::CompletionQueue* queue, const Events* events)
    : rpc_(rpc),
      channel_(std::move(channel)),
      stub_(channel_),
      queue_(queue),
      events_(events),
      pause_(kPauseMin) {}

PeerStream::~PeerStream() {
  GRASS_CHECK(idle());
}

void PeerStream::Send(Instant now, std::string message) {
  if (closed_) return;
  if (call_ == nullptr) {
    if (now < retry_at_) return;
    Open();
  }
  if (call_->state == State::kClosing) return;
  if (outbox_.Push(std::move(message))) Write();
}

void PeerStream::Close() {
  closed_ = true;
  if (call_ != nullptr) Cancel();
}

void PeerStream::Drain() {
  closed_ = true;
  if (call_ != nullptr) Write();
}

void PeerStream::Open() {
  GRASS_CHECK(call_ == nullptr);
  GRASS_CHECK(outbox_.empty());
  call_ = std::make_unique<Call>();
  finished_ = false;
  call_->stream = stub_.PrepareCall(&call_->context, InfoOf(rpc_).path, queue_);
  call_->stream->StartCall(opened_.tag());
}

void PeerStream::OnOpened(bool ok) {
  if (call_->state == State::kOpening) call_->state = State::kOpen;
  if (!ok || call_->state == State::kClosing) {
    call_->state = State::kOpen;  // so that Lose begins to end it
    Lose();
    return;
  }
  Read();
  Write();
}

void PeerStream::Write() {
  if (call_->state != State::kOpen || call_->writing) return;
  if (outbox_.empty()) return closed_ ? HalfClose() : void();
  call_->writing = true;
  const grpc::ByteBuffer message = outbox_.Pop();
  grpc::WriteOptions options;
  // With more to come, let the transport gather it into one packet.
  if (!outbox_.empty()) options.set_buffer_hint();
  call_->stream->Write(message, options, written_.tag());
}

void PeerStream::OnWritten(bool ok) {
  call_->writing = false;
  if (!ok) Lose();
  if (call_->state == State::kOpen) {
    Write();
  } else {
    MaybeRelease();
  }
}

void PeerStream::HalfClose() {
  if (call_->half_closing) return;
  call_->half_closing = true;
  call_->stream->WritesDone(half_closed_.tag());
}

// What comes next is the end of the reading.
void PeerStream::OnHalfClosed(bool) {
  call_->half_closing = false;
  if (call_->state == State::kClosing) MaybeRelease();
}

void PeerStream::Read() {
  call_->reading = true;
  call_->stream->Read(&call_->received, read_.tag());
}

void PeerStream::OnRead(bool ok) {
  call_->reading = false;
  if (!ok || call_->state == State::kClosing) {
    Lose();
    MaybeRelease();
    return;
  }
  call_->got_message = true;
  grpc::Slice storage;
  const absl::Status status = events_->on_message(rpc_, ViewOf(call_->received, &storage));
  if (!status.ok()) {
    events_->on_lost(
        rpc_, grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, std::string(status.message())));
    Cancel();
    return;
  }
  if (call_->state == State::kOpen) Read();
}

void PeerStream::Lose() {
  if (call_->state == State::kClosing && call_->finishing) return;
  const bool opening = call_->state == State::kOpening;
  call_->state = State::kClosing;
  outbox_.Clear();
  if (opening) return;  // OnOpened is still to come; no other operation may start before it
  call_->finishing = true;
  call_->stream->Finish(&call_->status, done_.tag());
}

void PeerStream::Cancel() {
  call_->cancelled = true;
  call_->context.TryCancel();
  Lose();
}

void PeerStream::OnFinished(bool) {
  finished_ = true;
  if (!closed_ && !call_->cancelled && !call_->status.ok()) {
    events_->on_lost(rpc_, call_->status);
  }
  MaybeRelease();
}

void PeerStream::MaybeRelease() {
  if (call_ == nullptr || !finished_) return;
  if (call_->writing || call_->reading || call_->half_closing) return;
  pause_ = call_->got_message ? kPauseMin : std::min(pause_ * 2, kPauseMax);
  retry_at_ = SteadyNow() + pause_;
  call_.reset();
}

}  // namespace grassdb::net
