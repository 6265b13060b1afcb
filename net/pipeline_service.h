// PipelineService: grassdb.Database/Pipeline, the stream of batched operations
// (proto/grassdb.proto). What comes in goes to the node at once, one request an operation; answers
// are gathered for each stream and sent together at the end of a round of the event loop.
#ifndef GRASSDB_NET_PIPELINE_SERVICE_H_
#define GRASSDB_NET_PIPELINE_SERVICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/api.h"
#include "core/types.h"
#include "net/stream_service.h"
#include "proto/messages.h"

namespace grassdb::net {

class PipelineService {
 public:
  // Operations in one message; a message with more ends its stream.
  static constexpr std::size_t kBatchMax = 4096;
  // Operations of one stream under way; with more, no further message is read.
  static constexpr std::size_t kUnderWayMax = 4096;

  struct Backend {
    // Hands a request to the node; it is answered through Answer, from inside this call or later.
    std::function<void(RequestId, ClientRequest&&)> submit;
    // Puts the addresses of this start in the place of those of the log.
    std::function<void(Reply&)> resolve;
  };

  PipelineService() = default;
  PipelineService(const PipelineService&) = delete;
  PipelineService& operator=(const PipelineService&) = delete;
  // The streams of AddTo have ended.
  ~PipelineService();

  // Outlives the streams of `streams`. Before Start.
  void AddTo(StreamService* streams);
  void Start(Backend backend) { backend_ = std::move(backend); }

  // Whether this is the number of an operation, and not of a unary call.
  static bool Owns(RequestId request) { return (request.value() & kMark) != 0; }
  // Owns(request).
  void Answer(RequestId request, Reply reply);
  // After each round of the event loop: sends the answers of the round.
  void Flush();
  // Answers what is under way with what is known, nothing, and ends the streams.
  void Stop();

 private:
  class Stream;
  static constexpr std::uint64_t kMark = std::uint64_t{1} << 63;

  // An operation that the node has.
  struct UnderWay {
    Stream* stream = nullptr;  // null: it has gone, and the answer is for nobody
    std::uint64_t id = 0;      // the client's
    wire::PipelineOperation::OperationCase kind = wire::PipelineOperation::OPERATION_NOT_SET;
  };

  RequestId Register(const UnderWay& operation);

  Backend backend_;
  bool stopping_ = false;
  std::vector<UnderWay> under_way_;  // by RequestId without the mark
  std::vector<std::size_t> free_;
  std::vector<Stream*> streams_;
  std::vector<Stream*> with_answers_;  // that Flush has to send
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_PIPELINE_SERVICE_H_
