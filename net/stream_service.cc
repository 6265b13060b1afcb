#include "net/stream_service.h"

#include <utility>

#include "core/check.h"
#include "net/completion.h"
#include "net/outbox.h"
#include "net/reply_status.h"

namespace grassdb::net {

// One call, from the request for it to its end. Destroys itself through the service when no
// operation is under way any more.
class StreamService::Stream final : public ServerStream {
 public:
  explicit Stream(StreamService* service) : service_(service), stream_(&context_) {
    context_.AsyncNotifyWhenDone(cancelled_.tag());
  }

  void Request() {
    service_->service_.RequestCall(&context_, &stream_, service_->queue_, service_->queue_,
                                   accepted_.tag());
  }

  bool Send(std::string message) override {
    if (closing_ || !outbox_.Push(std::move(message))) return false;
    Write();
    return true;
  }

  void End(const grpc::Status& status) override {
    if (ending_ || closing_) return;
    ending_ = true;
    end_status_ = status;
    EndIfDone();
  }

  void Resume() override {
    if (!paused_ || closing_ || ending_ || !handler_->wants_more()) return;
    paused_ = false;
    Read();
  }

  std::string peer() const override { return context_.peer(); }

 private:
  void OnAccepted(bool ok) {
    if (!ok) {  // the server shuts down; there is no call
      service_->streams_.erase(this);
      return;
    }
    service_->Accept();
    notified_ = false;
    const auto method = service_->methods_.find(context_.method());
    if (method == service_->methods_.end()) {
      Close(grpc::Status(grpc::StatusCode::UNIMPLEMENTED,
                         "grassdb has no method " + context_.method()));
      return;
    }
    outbox_ = Outbox(method->second.limits);
    handler_ = method->second.make(this);
    Read();
  }

  void Read() {
    reading_ = true;
    stream_.Read(&received_, read_.tag());
  }

  void OnRead(bool ok) {
    reading_ = false;
    if (!ok) {
      if (!closing_ && !ending_) handler_->OnHalfClose(*this);
      if (closing_) MaybeRelease();
      return;
    }
    if (closing_) return MaybeRelease();
    if (ending_) return;
    grpc::Slice storage;
    const absl::Status status = handler_->OnMessage(ViewOf(received_, &storage));
    if (!status.ok()) {
      Close(StatusOf(status));
    } else if (closing_) {
      MaybeRelease();
    } else {
      paused_ = true;
      Resume();
    }
  }

  void Write() {
    if (writing_ || closing_ || outbox_.empty()) return;
    writing_ = true;
    const grpc::ByteBuffer message = outbox_.Pop();
    grpc::WriteOptions options;
    // With more to come, let the transport gather it into one packet.
    if (!outbox_.empty()) options.set_buffer_hint();
    stream_.Write(message, options, written_.tag());
  }

  void OnWritten(bool ok) {
    writing_ = false;
    if (!ok) {
      Close(grpc::Status::CANCELLED);
    } else if (closing_) {
      Finish();
    } else {
      Write();
      Resume();
      EndIfDone();
    }
  }

  // The client has been told all.
  void EndIfDone() {
    if (ending_ && !closing_ && !writing_ && outbox_.empty()) Close(end_status_);
  }

  // The call is over, in whatever way.
  void OnDone(bool) {
    notified_ = true;
    if (!closing_) return Close(grpc::Status::CANCELLED);
    MaybeRelease();
  }

  // Sends nothing more; the call ends when the write under way has ended.
  void Close(const grpc::Status& status) {
    if (!closing_) {
      closing_ = true;
      status_ = status;
      outbox_.Clear();
    }
    Finish();
  }

  void Finish() {
    if (!writing_ && !finishing_) {
      finishing_ = true;
      stream_.Finish(status_, finished_event_.tag());
    }
    MaybeRelease();
  }

  void OnFinished(bool) {
    finished_ = true;
    MaybeRelease();
  }

  void MaybeRelease() {
    if (finished_ && notified_ && !reading_ && !writing_) {
      service_->streams_.erase(this);  // destroys this
    }
  }

  StreamService* const service_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  grpc::ByteBuffer received_;
  Outbox outbox_;
  grpc::Status status_;
  grpc::Status end_status_;
  bool reading_ = false;
  bool writing_ = false;
  bool paused_ = false;     // the handler wants no more for now
  bool ending_ = false;     // nothing more is read; ends with end_status_ when all is sent
  bool closing_ = false;    // nothing more is read or sent
  bool finishing_ = false;  // Finish has been called...
  bool finished_ = false;   // ...and has completed
  bool notified_ = true;    // OnDone has come; it comes only for a call that was accepted
  std::unique_ptr<StreamHandler> handler_;

  Forward<Stream, &Stream::OnAccepted> accepted_{this};
  Forward<Stream, &Stream::OnRead> read_{this};
  Forward<Stream, &Stream::OnWritten> written_{this};
  Forward<Stream, &Stream::OnFinished> finished_event_{this};
  Forward<Stream, &Stream::OnDone> cancelled_{this};
};

StreamService::StreamService() = default;

StreamService::~StreamService() {
  GRASS_CHECK(streams_.empty());
}

void StreamService::Add(std::string path, MakeHandler make, Outbox::Limits limits) {
  GRASS_CHECK(queue_ == nullptr);
  Method method{.make = std::move(make), .limits = limits};
  GRASS_CHECK_MSG(methods_.emplace(std::move(path), std::move(method)).second,
                  "a path added twice");
}

void StreamService::Start(grpc::ServerCompletionQueue* queue) {
  queue_ = queue;
  Accept();
}

void StreamService::Accept() {
  auto stream = std::make_unique<Stream>(this);
  Stream* const raw = stream.get();
  streams_.emplace(raw, std::move(stream));
  raw->Request();
}

}  // namespace grassdb::net
