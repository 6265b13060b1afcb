// Client: finds the leader, retries with backoff inside a deadline, and keeps every write
// exactly-once through its retries. Deterministic, without I/O: grass-cli and the simulator run
// this class.
//
// One operation at a time. The owner calls Begin, then sends what comes out of Next() and reports
// what became of it, until outcome() is there:
//
//     client.Begin(now, operation);
//     while (!client.outcome()) {
//       if (auto attempt = client.Next(now)) send attempt->request to attempt->endpoint;
//       wait for its reply (OnReply), its loss (OnLost), or client.NextDeadline() (OnDeadline);
//     }
//
// An attempt that was given up on may still be answered; a late answer to it is ignored.
#ifndef GRASSDB_CORE_CLIENT_H_
#define GRASSDB_CORE_CLIENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/api.h"
#include "core/command.h"
#include "core/types.h"

namespace grassdb {

struct ClientOptions {
  std::vector<std::string> endpoints;  // host:port, at least one
  // For one operation, from Begin to its outcome.
  Duration deadline = std::chrono::seconds(5);
  // For one attempt; then the next endpoint is tried.
  Duration attempt_timeout = std::chrono::seconds(1);
  // After each endpoint has failed once, wait between these, doubling each round, with jitter.
  Duration backoff_min = std::chrono::milliseconds(20);
  Duration backoff_max = std::chrono::milliseconds(500);
  std::uint64_t seed = 0;
};

// What one attempt is about; the owner hands it back with the reply.
using AttemptId = Tagged<struct AttemptIdTag>;

struct Attempt {
  AttemptId id;
  std::string endpoint;
  ClientRequest request;
  Duration timeout;  // the transport may use it as its own deadline
};

// How an attempt was lost.
enum class Loss : std::uint8_t {
  kNeverSent = 1,  // for certain: the connection was refused
  kMaybeSent = 2,
};

struct Outcome {
  enum class Code : std::uint8_t {
    kOk = 1,
    kRefused = 2,      // the request can never succeed; `error` says why
    kUnreachable = 3,  // nothing happened: no leader with a quorum was found in time
    kUnknown = 4,      // the write may or may not take effect, now or later
    kDiskFull = 5,     // nothing happened: there is no room for it; `error` says where
  };
  Code code = Code::kOk;
  std::string error;  // kUnreachable and kUnknown at the deadline: of each endpoint the newest
  Reply reply;        // kOk
};

// Closes the session that the client's writes have opened, if there is one, so that it takes up no
// place until it expires. Has the time of one attempt: nobody needs the outcome, and whatever it
// is, the next write opens a new session.
struct CloseSession {};

using ClientOperation =
    std::variant<Transaction, GetRequest, TakeSnapshotRequest, TransferLeadershipRequest,
                 ChangeMembershipRequest, CloseSession>;

class Client {
 public:
  explicit Client(const ClientOptions& options);

  // No operation is under way, or the last one has its outcome. Without a session CloseSession has
  // its outcome at once.
  void Begin(Instant now, ClientOperation operation);
  // What to send now, if anything. Each attempt comes out once.
  std::optional<Attempt> Next(Instant now);
  void OnReply(Instant now, AttemptId id, Reply reply);
  void OnLost(Instant now, AttemptId id, Loss loss, const std::string& error);
  void OnDeadline(Instant now);
  // When OnDeadline or Next has something to do; Instant::max() when there is no operation.
  Instant NextDeadline() const;

  const std::optional<Outcome>& outcome() const { return outcome_; }

 private:
  enum class From : std::uint8_t { kNode, kTransport };
  struct Failure {
    std::string endpoint;
    std::string error;
    From from;
  };

  // Needs a session.
  bool IsWrite() const { return std::holds_alternative<Transaction>(operation_); }
  bool IsClose() const { return std::holds_alternative<CloseSession>(operation_); }
  // A lost attempt of it leaves a question behind.
  bool HasEffect() const {
    return IsWrite() || IsClose() || std::holds_alternative<ChangeMembershipRequest>(operation_);
  }
  ClientRequest MakeRequest();
  void OnSessionReply(Instant now, const Reply& reply);
  void OnOperationReply(Instant now, Reply reply);
  void OnSessionUnknown(Instant now);
  void TryLeader(Instant now, const Reply& reply);
  void TryNextEndpoint(Instant now);
  void TurnToNextEndpoint();
  // Mostly the same endpoint, after a pause that counts as a round.
  void TryLater(Instant now);
  void Backoff(Instant now);
  void Settle(Outcome::Code code, std::string error, Reply reply = {});
  void GiveUp();
  // What the endpoint of the last attempt has to say; takes the place of what it said before.
  void Note(From from, const std::string& error);
  // The newest error of every endpoint, for a person. What a node says comes first: it knows more
  // than a connection that failed.
  std::string Errors() const;

  ClientOptions options_;
  std::size_t endpoint_ = 0;    // the one to try next; stays with a leader that answers
  std::size_t round_ = 0;       // the last one tried in its turn, and not because a node said so
  std::size_t failures_ = 0;    // of this operation
  std::size_t redirects_ = 0;   // followed since the last failure
  std::size_t waits_ = 0;       // for overloaded nodes, of this operation
  std::uint64_t backoffs_ = 0;  // keys the jitter

  SessionId session_;  // 0: none open
  Sequence sequence_;  // of the newest write in it
  ClientOperation operation_;
  bool sequenced_ = false;   // the operation has its number in this session
  bool unresolved_ = false;  // an attempt that was given up on may have reached a leader
  Instant deadline_ = Instant::max();
  Instant send_at_ = Instant::max();           // of the attempt waiting to be sent
  Instant attempt_deadline_ = Instant::max();  // of the attempt in flight
  AttemptId last_attempt_;
  bool in_flight_ = false;
  bool opens_session_ = false;   // the attempt in flight only opens a session
  std::vector<Failure> errors_;  // of this operation, one for each endpoint, the newest first
  std::optional<Outcome> outcome_ = Outcome{};
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_CLIENT_H_
