// The members of a cluster and the arithmetic of their quorums (thesis 4; joint consensus 4.3).
//
// A configuration lives in the log as an entry of its own, takes effect when appended and rolls
// back with truncation. It carries each member's name and address, so that a node can be reached by
// whoever knows the log.
#ifndef GRASSDB_CORE_CONFIGURATION_H_
#define GRASSDB_CORE_CONFIGURATION_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/quorum.h"
#include "core/types.h"

namespace grassdb {

enum class MemberRole : std::uint8_t {
  kVoter = 1,    // in every quorum
  kLearner = 2,  // receives the log, counts in no quorum
  kJoining = 3,  // a learner that becomes a voter by itself once it has caught up (thesis 4.2.1)
  kLeaving = 4,  // only in a joint configuration: votes in its old half and is not in its new one
};

const char* NameOf(MemberRole role);

struct Member {
  NodeId id;
  std::string name;     // 1..64 of [A-Za-z0-9_.-]; id == NodeIdOf(name)
  std::string address;  // host:port
  MemberRole role = MemberRole::kVoter;
  // Only in a joint configuration: a voter of its old half. `role` is that of the new half.
  bool outgoing = false;
  // kJoining: the voter that leaves when this one becomes a voter; 0: none.
  NodeId replaces;
  // The data directory that the member was admitted with (core/standing.cc). 0: not recorded yet.
  Incarnation incarnation{};

  friend bool operator==(const Member&, const Member&) = default;
};

// Why nobody can be called that, in words for a person; nullopt if a member can. A name is part of
// the names of files and of lists with commas, and must be safe in both.
std::optional<std::string> MemberNameProblem(std::string_view name);

// With the id that the name gives.
Member MakeMember(std::string_view name, std::string_view address,
                  MemberRole role = MemberRole::kVoter);

// The id of a member is the hash of its name, so that a cluster can be described by names alone.
// Never 0. Two names of one cluster that collide are refused by Configuration::Problem.
NodeId NodeIdOf(std::string_view name);

// Sorted by id, each id once. Value type.
//
// A joint configuration (thesis 4.3) is two in one: between a change of the voters and its end,
// elections and commitment need a majority of the old voters and a majority of the new ones.
class Configuration {
 public:
  Configuration() = default;
  explicit Configuration(std::vector<Member> members);

  const std::vector<Member>& members() const { return members_; }
  const Member* Find(NodeId id) const;
  bool empty() const { return members_.empty(); }
  bool IsJoint() const { return !outgoing_.empty(); }
  // In either half.
  bool IsVoter(NodeId id) const;
  // Ids, ascending. Of a joint configuration, the new half.
  const std::vector<NodeId>& voters() const { return voters_; }
  std::size_t majority() const { return MajorityOf(voters_); }
  // The old half of a joint configuration; else empty.
  const std::vector<NodeId>& outgoing() const { return outgoing_; }

  // Counts a vote; both halves of a joint configuration must be won. `answer(NodeId)` gives
  // std::optional<bool>: granted, denied, or not yet known. A configuration without voters has
  // always won: it asks nobody.
  template <class Answer>
  Tally Count(Answer answer) const {
    const Tally incoming = CountVotes(voters_, answer);
    const Tally outgoing = CountVotes(outgoing_, answer);
    if (incoming == Tally::kLost || outgoing == Tally::kLost) return Tally::kLost;
    return incoming == Tally::kWon && outgoing == Tally::kWon ? Tally::kWon : Tally::kPending;
  }

  // How many of those that `counts(NodeId)` holds for may fail, whichever they are, before there is
  // no quorum.
  template <class Counts>
  std::size_t Spare(Counts counts) const {
    const std::size_t incoming = SpareOfMajority(voters_, counts).value_or(0);
    return std::min(incoming, SpareOfMajority(outgoing_, counts).value_or(incoming));
  }

  // The largest value that a majority of voters has reached (of both halves of a joint
  // configuration), with `reached(NodeId)` giving each voter's. `Value` is ordered; a configuration
  // without voters gives Value's default.
  template <class Value, class Reached>
  Value QuorumValue(Reached reached) const {
    const Value incoming = ReachedByMajority<Value>(voters_, reached).value_or(Value{});
    if (outgoing_.empty()) return incoming;
    return std::min(incoming, *ReachedByMajority<Value>(outgoing_, reached));
  }

  // The joint configuration that leads from this one, which is not joint, to `target`.
  Configuration JointTo(const Configuration& target) const;
  // What a joint configuration leads to.
  Configuration LeaveJoint() const;

  // Why this cannot be a cluster's configuration, in words for a person; nullopt if it can.
  std::optional<std::string> Problem() const;

  friend bool operator==(const Configuration& a, const Configuration& b) {
    return a.members_ == b.members_;
  }

 private:
  std::vector<Member> members_;
  std::vector<NodeId> voters_;
  std::vector<NodeId> outgoing_;
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
