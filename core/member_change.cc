#include "core/member_change.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "core/check.h"

namespace grassdb {
namespace {

// Applies one change after the other to a list of members.
class Changer {
 public:
  explicit Changer(std::vector<Member> members) : members_(std::move(members)) {}

  absl::Status Apply(const MemberChange& change) {
    switch (change.kind) {
      case MemberChange::Kind::kAdd:
        return Add(change, MemberRole::kJoining);
      case MemberChange::Kind::kAddLearner:
        return Add(change, MemberRole::kLearner);
      case MemberChange::Kind::kReplace:
        return Replace(change);
      case MemberChange::Kind::kRemove:
        return Remove(change);
      case MemberChange::Kind::kPromote:
        return SetRole(change, MemberRole::kVoter);
      case MemberChange::Kind::kDemote:
        return SetRole(change, MemberRole::kLearner);
      case MemberChange::Kind::kMove:
        return Move(change);
    }
    return absl::InvalidArgumentError("a change of an unknown kind");
  }

  std::vector<Member> Finish() && { return std::move(members_); }

 private:
  Member* Find(const std::string& name) {
    const auto at = std::ranges::find(members_, name, &Member::name);
    return at == members_.end() ? nullptr : &*at;
  }

  static absl::Status Missing(const std::string& name) {
    return absl::InvalidArgumentError("'" + name + "' is not a member of the cluster");
  }

  static absl::Status CheckAddress(const Member& known, const MemberChange& change) {
    if (known.address == change.address) return absl::OkStatus();
    return absl::InvalidArgumentError("'" + known.name + "' is a member already, at " +
                                      known.address);
  }

  absl::Status Add(const MemberChange& change, MemberRole role) {
    if (const Member* known = Find(change.name)) {
      if (absl::Status elsewhere = CheckAddress(*known, change); !elsewhere.ok()) return elsewhere;
      // A member that has joined is what the request wanted.
      const bool joined = role == MemberRole::kJoining && known->role == MemberRole::kVoter;
      if (known->role == role || joined) return absl::OkStatus();
      const bool learns = known->role == MemberRole::kLearner;
      return absl::InvalidArgumentError(
          "'" + change.name + "' is a " + NameOf(known->role) + " member already; " +
          (learns ? "promote it to make it a voter" : "demote it to make it a learner"));
    }
    members_.push_back(MakeMember(change.name, change.address, role));
    return absl::OkStatus();
  }

  absl::Status Replace(const MemberChange& change) {
    const Member* replaced = Find(change.replaced);
    const Member* joined = Find(change.name);
    // Done already: the one has gone and the other votes.
    if (replaced == nullptr && joined != nullptr && joined->role == MemberRole::kVoter) {
      return absl::OkStatus();
    }
    if (replaced == nullptr) return Missing(change.replaced);
    if (replaced->role != MemberRole::kVoter) {
      return absl::InvalidArgumentError("'" + change.replaced + "' is not a voter but a " +
                                        NameOf(replaced->role) + "; remove it and add the other");
    }
    const NodeId leaves = replaced->id;
    if (joined != nullptr && joined->role == MemberRole::kVoter) {
      return absl::InvalidArgumentError("'" + change.name + "' is a voter already");
    }
    const absl::Status here =
        joined == nullptr ? Add(change, MemberRole::kJoining) : CheckAddress(*joined, change);
    if (!here.ok()) return here;
    Member* member = Find(change.name);
    member->role = MemberRole::kJoining;
    member->replaces = leaves;
    return absl::OkStatus();
  }

  absl::Status Remove(const MemberChange& change) {
    const Member* member = Find(change.name);
    if (member == nullptr) return Missing(change.name);
    Erase(member->id);
    return absl::OkStatus();
  }

  absl::Status SetRole(const MemberChange& change, MemberRole role) {
    Member* member = Find(change.name);
    if (member == nullptr) return Missing(change.name);
    const NodeId leaves = role == MemberRole::kVoter ? member->replaces : NodeId();
    member->role = role;
    member->replaces = NodeId();
    if (leaves != NodeId(0)) Erase(leaves);
    return absl::OkStatus();
  }

  // Nobody replaces any more who is not there.
  void Erase(NodeId id) {
    std::erase_if(members_, [id](const Member& member) { return member.id == id; });
    for (Member& member : members_) {
      if (member.replaces == id) member.replaces = NodeId();
    }
  }

  absl::Status Move(const MemberChange& change) {
    Member* member = Find(change.name);
    if (member == nullptr) return Missing(change.name);
    member->address = change.address;
    return absl::OkStatus();
  }

  std::vector<Member> members_;
};

}  // namespace

absl::StatusOr<Configuration> ChangedConfiguration(const Configuration& from,
                                                   const std::vector<MemberChange>& changes) {
  GRASS_CHECK(!from.IsJoint());
  if (changes.empty()) return absl::InvalidArgumentError("no change of the membership is asked");
  if (changes.size() > kMemberChangesMax) {
    return absl::InvalidArgumentError("more than " + std::to_string(kMemberChangesMax) +
                                      " changes in one request");
  }
  Changer changer(from.members());
  for (const MemberChange& change : changes) {
    if (absl::Status applied = changer.Apply(change); !applied.ok()) return applied;
  }
  std::vector<Member> members = std::move(changer).Finish();
  for (Member& member : members) {
    // Removed and added again in one request: a voter that goes on counting, by the disk it has.
    const Member* before = from.Find(member.id);
    if (before != nullptr) member.incarnation = before->incarnation;
  }
  Configuration to(std::move(members));
  if (auto problem = to.Problem()) return absl::InvalidArgumentError(*problem);
  return to;
}

}  // namespace grassdb
