// The distinct types of grassdb's numbers. A term is not an index is not a node: mixing them does
// not compile, and a bare integer becomes one of them only where the code says so.
#ifndef GRASSDB_CORE_TYPES_H_
#define GRASSDB_CORE_TYPES_H_

#include <chrono>
#include <compare>
#include <cstdint>

namespace grassdb {

// An unsigned 64-bit number of one kind. Differences are plain integers, so that "how many entries"
// is not itself an index.
template <class Tag>
class Tagged {
 public:
  constexpr Tagged() = default;
  constexpr explicit Tagged(std::uint64_t value) : value_(value) {}

  constexpr std::uint64_t value() const { return value_; }

  friend constexpr auto operator<=>(Tagged, Tagged) = default;
  friend constexpr Tagged operator+(Tagged a, std::uint64_t n) { return Tagged(a.value_ + n); }
  friend constexpr Tagged operator-(Tagged a, std::uint64_t n) { return Tagged(a.value_ - n); }
  friend constexpr std::uint64_t operator-(Tagged a, Tagged b) { return a.value_ - b.value_; }
  constexpr Tagged& operator++() {
    ++value_;
    return *this;
  }

 private:
  std::uint64_t value_ = 0;
};

// Raft's term. 0 is "before the first election"; no entry but the empty prefix has term 0.
using Term = Tagged<struct TermTag>;
// Position in the replicated log. The first entry has index 1; 0 is the empty prefix.
using Index = Tagged<struct IndexTag>;
// A member. 0 is "nobody". Derived from the member's name (core/configuration.h, NodeIdOf).
using NodeId = Tagged<struct NodeIdTag>;
// The cluster a message or a data directory belongs to. 0 is never valid.
using ClusterId = Tagged<struct ClusterIdTag>;
// Number of a Persist; consecutive from 1 within one life of a replica.
using PersistId = Tagged<struct PersistIdTag>;
// Number of a read barrier, unique within one life of a replica.
using ReadId = Tagged<struct ReadIdTag>;
// Number of a round of read confirmation (thesis 6.4), unique within one leadership.
using ReadRound = Tagged<struct ReadRoundTag>;
// A client session: the log index of the command that opened it. 0 is "no session".
using SessionId = Tagged<struct SessionIdTag>;
// Number of a command within a session, from 1. 0 is "no sequence".
using Sequence = Tagged<struct SequenceTag>;
// Number of a committed change of the store, from 1. 0 is the empty store.
using Revision = Tagged<struct RevisionTag>;
// A data directory in the life of a member: a wiped one gets another, drawn at random. Two can be
// told apart, not put in order. 0: not known yet.
using Incarnation = Tagged<struct IncarnationTag>;
// Milliseconds of replicated time since the cluster was born; stamped by the leader, never falls.
using ClusterTime = std::uint64_t;
// A request as its transport knows it; the node only hands it back with the answer.
using RequestId = Tagged<struct RequestIdTag>;

using Duration = std::chrono::nanoseconds;

// The clock type of Instant. It has no now(): core is handed the time and never asks for it.
struct ReplicaClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<ReplicaClock>;
  static constexpr bool is_steady = true;
};

// Monotonic time of one process. Instants of two nodes, or of two lives of a node, cannot be
// compared.
using Instant = ReplicaClock::time_point;

}  // namespace grassdb

#endif  // GRASSDB_CORE_TYPES_H_
