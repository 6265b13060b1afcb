// PeerStream: the client's end of one Raft RPC to one peer. Opens its call when there is something
// to send, keeps it open, and opens it again, with a pause in between, after it was lost.
#ifndef GRASSDB_NET_PEER_STREAM_H_
#define GRASSDB_NET_PEER_STREAM_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/types.h"
#include "net/completion.h"
#include "net/outbox.h"
#include "net/raft_rpc.h"

namespace grassdb::net {

class PeerStream {
 public:
  // What a stream tells the transport. Both outlive it.
  struct Events {
    // A message came back. An error refuses the stream's peer: the call is cancelled.
    std::function<absl::Status(RaftRpc, std::string_view)> on_message;
    // The call was lost or refused.
    std::function<void(RaftRpc, const grpc::Status&)> on_lost;
  };

  PeerStream(RaftRpc rpc, std::shared_ptr<grpc::Channel> channel, grpc::CompletionQueue* queue,
             const Events* events);
  // idle().
  ~PeerStream();

  // Sends the message, or drops it: while the stream pauses after a loss, and when too much waits.
  void Send(Instant now, std::string message);
  // No call from now on; the one under way is cancelled.
  void Close();
  // Sends what waits, and then no more; the peer ends the call when it has it all.
  void Drain();
  // No operation is under way, so that the stream may be destroyed.
  bool idle() const { return call_ == nullptr; }

 private:
  enum class State { kOpening, kOpen, kClosing };
  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
    State state = State::kOpening;
    bool writing = false;
    bool reading = false;
    bool finishing = false;
    bool half_closing = false;  // the end of our side is being told
    bool cancelled = false;     // by us; then the status says nothing
    bool got_message = false;
    grpc::ByteBuffer received;
    grpc::Status status;
  };

  void Open();
  void OnOpened(bool ok);
  void OnWritten(bool ok);
  void OnRead(bool ok);
  void OnHalfClosed(bool ok);
  void OnFinished(bool ok);
  void Write();
  void HalfClose();
  void Read();
  // The call has ended, or has broken: asks for its status; OnFinished does the rest. Does not
  // cancel it, for that would put CANCELLED in the place of what the peer has said.
  void Lose();
  // Ends the call from our side.
  void Cancel();
  void MaybeRelease();

  const RaftRpc rpc_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue* const queue_;
  const Events* const events_;

  Outbox outbox_;
  std::unique_ptr<Call> call_;
  bool closed_ = false;    // by Close or Drain
  bool finished_ = false;  // of call_: the status is there
  Duration pause_;         // before the next call, if this one is lost
  Instant retry_at_ = Instant::min();

  Forward<PeerStream, &PeerStream::OnOpened> opened_{this};
  Forward<PeerStream, &PeerStream::OnWritten> written_{this};
  Forward<PeerStream, &PeerStream::OnRead> read_{this};
  Forward<PeerStream, &PeerStream::OnHalfClosed> half_closed_{this};
  Forward<PeerStream, &PeerStream::OnFinished> done_{this};
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_PEER_STREAM_H_
