// PipelineClient: many operations under way at once, over a stream to each node that is asked
// (grassdb.Database/Pipeline). It has a number of slots, and each is a core/client.h: one operation
// at a time, in a session of its own, with its redirects, its retries and its deadline. So whatever
// is written through it is written once, over broken streams and changes of the leader too.
//
// Single-threaded; the owner begins operations and waits for their ends:
//
//     for (std::size_t slot = 0; slot < client.slots(); ++slot) client.Begin(slot, operation);
//     while (auto ended = client.Wait(deadline)) client.Begin(ended->slot, another);
//
// What is begun between two calls of Wait travels in one message.
#ifndef GRASSDB_NET_PIPELINE_CLIENT_H_
#define GRASSDB_NET_PIPELINE_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/client.h"
#include "core/types.h"

namespace grassdb::net {

class PipelineClient {
 public:
  using Operation = std::variant<Transaction, GetRequest>;
  struct Ended {
    std::size_t slot = 0;
    Outcome outcome;
    // The answers after which it was tried again, or that it failed with, by kind ("NOT_LEADER").
    std::vector<std::string> answers;
  };

  // The slots are divided among so many streams to each node. A slot's seed follows from
  // options.seed.
  PipelineClient(const ClientOptions& options, std::size_t slots, std::size_t streams = 1);
  // Gives up what is under way.
  ~PipelineClient();

  std::size_t slots() const { return slots_.size(); }
  // The slot has no operation under way. A put through a pipeline does not tell whether the key was
  // there before: the outcome's reply has no operations.
  void Begin(std::size_t slot, Operation operation);
  // The next operation that ends; nullopt if none has by `until`. Every operation ends within the
  // deadline of the options, with a failure if need be.
  std::optional<Ended> Wait(Instant until);

 private:
  class Stream;
  struct Slot {
    explicit Slot(const ClientOptions& options) : client(options) {}
    Client client;
    Stream* stream = nullptr;  // that the attempt under way was given to; null: there is none
    AttemptId attempt;
    bool sent = false;  // the attempt has left, perhaps
    std::vector<std::string> answers;
  };

  void Advance(std::size_t slot);
  void OnReply(std::size_t slot, AttemptId attempt, Reply reply);
  void OnLost(Stream* stream, const std::string& error);
  void RunDue(Instant now);
  Instant NextDue() const;
  Stream& StreamTo(std::size_t slot, const std::string& endpoint);

  std::vector<Slot> slots_;
  std::size_t streams_per_node_;
  grpc::CompletionQueue queue_;
  std::map<std::pair<std::string, std::size_t>, std::unique_ptr<Stream>> streams_;
  std::set<std::pair<Instant, std::size_t>> pausing_;  // slots between two attempts
  Instant look_at_ = Instant::max();  // when to look for attempts that take too long
  std::deque<Ended> ended_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_PIPELINE_CLIENT_H_
