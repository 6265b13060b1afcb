// The members of a cluster and the arithmetic of their quorums (thesis 4; joint consensus 4.3).
//
// A configuration lives in the log as an entry of its own, takes effect when appended and rolls
// back with truncation. It carries each member's name and address, so that a node can be reached by
// whoever knows the log.
#ifndef GRASSDB_CORE_CONFIGURATION_H_
#define GRASSDB_CORE_CONFIGURATION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"

namespace grassdb {

enum class MemberRole : std::uint8_t {
  kVoter = 1,    // in every quorum
  kLearner = 2,  // receives the log, counts in no quorum
};

struct Member {
  NodeId id;
  std::string name;     // 1..64 of [A-Za-z0-9_.-]; id == NodeIdOf(name)
  std::string address;  // host:port
  MemberRole role = MemberRole::kVoter;

  friend bool operator==(const Member&, const Member&) = default;
};

// The id of a member is the hash of its name, so that a cluster can be described by names alone.
// Never 0. Two names of one cluster that collide are refused by Configuration::Problem.
NodeId NodeIdOf(std::string_view name);

enum class Tally : std::uint8_t { kPending, kWon, kLost };

// Sorted by id, each id once. Value type.
class Configuration {
 public:
  Configuration() = default;
  explicit Configuration(std::vector<Member> members);

  const std::vector<Member>& members() const { return members_; }
  const Member* Find(NodeId id) const;
  bool IsVoter(NodeId id) const;
  bool empty() const { return members_.empty(); }
  // Voters' ids, ascending.
  const std::vector<NodeId>& voters() const { return voters_; }
  std::size_t majority() const { return voters_.size() / 2 + 1; }

  // Counts a vote. `answer(NodeId)` gives std::optional<bool>: granted, denied, or not yet known.
  // The empty configuration has always won: it asks nobody.
  template <class Answer>
  Tally Count(Answer answer) const {
    std::size_t granted = 0;
    std::size_t denied = 0;
    for (const NodeId voter : voters_) {
      const std::optional<bool> vote = answer(voter);
      if (vote.has_value()) ++(*vote ? granted : denied);
    }
    if (voters_.empty() || granted >= majority()) return Tally::kWon;
    return voters_.size() - denied < majority() ? Tally::kLost : Tally::kPending;
  }

  // The largest value that a majority of voters has reached, with `reached(NodeId)` giving each
  // voter's. `Value` is ordered; the empty configuration gives Value's default.
  template <class Value, class Reached>
  Value QuorumValue(Reached reached) const {
    if (voters_.empty()) return Value{};
    // Selection over a handful of voters: the value v such that at least `majority` voters have
    // reached v and fewer have passed it. No allocation and no sort; clusters are small.
    Value best{};
    bool found = false;
    for (const NodeId candidate : voters_) {
      const Value value = reached(candidate);
      std::size_t count = 0;
      for (const NodeId voter : voters_) {
        if (reached(voter) >= value) ++count;
      }
      if (count >= majority() && (!found || value > best)) {
        best = value;
        found = true;
      }
    }
    return best;
  }

  // Why this cannot be a cluster's configuration, in words for a person; nullopt if it can.
  std::optional<std::string> Problem() const;

  friend bool operator==(const Configuration& a, const Configuration& b) {
    return a.members_ == b.members_;
  }

 private:
  std::vector<Member> members_;
  std::vector<NodeId> voters_;
};

// Canonical bytes, as in a configuration entry and in a snapshot's header.
std::string EncodeConfiguration(const Configuration& configuration);
// nullopt for bytes that no configuration encodes to.
std::optional<Configuration> DecodeConfiguration(std::string_view bytes);

// The identity of a cluster that is started from a list of members: the same names and the same
// `cluster_name` give the same id on every node, whatever the order and the addresses.
ClusterId ClusterIdOf(const Configuration& bootstrap, std::string_view cluster_name);

}  // namespace grassdb

#endif  // GRASSDB_CORE_CONFIGURATION_H_
