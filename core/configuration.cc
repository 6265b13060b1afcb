#include "core/configuration.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/codec.h"
#include "core/hash.h"

namespace grassdb {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMembersMax = 1024;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

}  // namespace

const char* NameOf(MemberRole role) {
  switch (role) {
    case MemberRole::kVoter:
      return "voter";
    case MemberRole::kLearner:
      return "learner";
    case MemberRole::kJoining:
      return "joining";
    case MemberRole::kLeaving:
      return "leaving";
  }
  return "unknown";
}

std::optional<std::string> MemberNameProblem(std::string_view name) {
  if (name.empty()) return "a member has an empty name";
  const std::string quoted = "the member name '" + std::string(name) + "'";
  if (name.size() > 64) return quoted + " is longer than 64 characters";
  if (!std::ranges::all_of(name, IsNameCharacter) || name.front() == '.') {
    return quoted + " may hold only letters, digits, '_', '-' and '.', and not begin with '.'";
  }
  return std::nullopt;
}

NodeId NodeIdOf(std::string_view name) {
  const std::uint64_t hash = HashBytes(name, 0x6e6f6465);
  return NodeId(hash == 0 ? 1 : hash);
}

Member MakeMember(std::string_view name, std::string_view address, MemberRole role) {
  Member member;
  member.id = NodeIdOf(name);
  member.name = std::string(name);
  member.address = std::string(address);
  member.role = role;
  return member;
}

Configuration::Configuration(std::vector<Member> members) : members_(std::move(members)) {
  std::ranges::sort(members_, {}, &Member::id);
  for (const Member& member : members_) {
    if (member.role == MemberRole::kVoter) voters_.push_back(member.id);
    if (member.outgoing) outgoing_.push_back(member.id);
  }
}

const Member* Configuration::Find(NodeId id) const {
  const auto at = std::ranges::lower_bound(members_, id, {}, &Member::id);
  return at != members_.end() && at->id == id ? &*at : nullptr;
}

bool Configuration::IsVoter(NodeId id) const {
  return std::ranges::binary_search(voters_, id) || std::ranges::binary_search(outgoing_, id);
}

Configuration Configuration::JointTo(const Configuration& target) const {
  GRASS_CHECK(!IsJoint());
  GRASS_CHECK(!target.IsJoint());
  GRASS_CHECK(!voters_.empty());
  GRASS_CHECK(!target.voters_.empty());
  std::vector<Member> joint = target.members_;
  for (Member& member : joint) member.outgoing = IsVoter(member.id);
  for (const Member& member : members_) {
    if (member.role != MemberRole::kVoter || target.Find(member.id) != nullptr) continue;
    Member leaving = member;
    leaving.role = MemberRole::kLeaving;
    leaving.outgoing = true;
    joint.push_back(std::move(leaving));
  }
  return Configuration(std::move(joint));
}

Configuration Configuration::LeaveJoint() const {
  GRASS_CHECK(IsJoint());
  std::vector<Member> members;
  for (Member member : members_) {
    if (member.role == MemberRole::kLeaving) continue;
    member.outgoing = false;
    members.push_back(std::move(member));
  }
  return Configuration(std::move(members));
}

std::optional<std::string> Configuration::Problem() const {
  if (voters_.empty()) return "a cluster needs at least one voting member";
  if (members_.size() > kMembersMax) return "a cluster has at most 1024 members";
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Member& member = members_[i];
    if (auto problem = MemberNameProblem(member.name)) return problem;
    if (member.id != NodeIdOf(member.name)) return "member '" + member.name + "' has a foreign id";
    if (member.address.empty()) return "member '" + member.name + "' has no address";
    if (member.role == MemberRole::kLeaving && !member.outgoing) {
      return "member '" + member.name + "' leaves a configuration that it is not in";
    }
    if (member.replaces != NodeId(0) &&
        (member.role != MemberRole::kJoining || Find(member.replaces) == nullptr)) {
      return "member '" + member.name +
             "' cannot replace another one: it does not join, or the "
             "other one is no member";
    }
    if (i > 0 && members_[i - 1].id == member.id) {
      if (members_[i - 1].name == member.name) {
        return "the member '" + member.name + "' is named twice";
      }
      return "the member names '" + members_[i - 1].name + "' and '" + member.name +
             "' have the same id; rename one of them";
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (members_[j].address == member.address) {
        return "the members '" + members_[j].name + "' and '" + member.name +
               "' have the same address " + member.address;
      }
    }
  }
  return std::nullopt;
}

std::string EncodeConfiguration(const Configuration& configuration) {
  std::string bytes;
  Encoder out(bytes);
  out.Put(kVersion);
  out.Put(static_cast<std::uint32_t>(configuration.members().size()));
  for (const Member& member : configuration.members()) {
    out.Put(static_cast<std::uint8_t>(member.role));
    out.Put(static_cast<std::uint8_t>(member.outgoing ? 1 : 0));
    out.Put(member.replaces);
    out.Put(member.incarnation);
    out.PutString(member.name);
    out.PutString(member.address);
  }
  return bytes;
}

std::optional<Configuration> DecodeConfiguration(std::string_view bytes) {
  Decoder in(bytes);
  if (in.Take<std::uint8_t>() != kVersion) return std::nullopt;
  const auto count = in.Take<std::uint32_t>();
  if (!in.ok() || count > kMembersMax) return std::nullopt;
  std::vector<Member> members;
  members.reserve(count);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const auto role = in.Take<std::uint8_t>();
    const auto outgoing = in.Take<std::uint8_t>();
    if (role < static_cast<std::uint8_t>(MemberRole::kVoter) ||
        role > static_cast<std::uint8_t>(MemberRole::kLeaving) || outgoing > 1) {
      return std::nullopt;
    }
    Member member;
    member.role = static_cast<MemberRole>(role);
    member.outgoing = outgoing == 1;
    member.replaces = in.Take<NodeId>();
    member.incarnation = in.Take<Incarnation>();
    member.name = in.TakeString();
    member.address = in.TakeString();
    member.id = NodeIdOf(member.name);
    members.push_back(std::move(member));
  }
  if (!in.done()) return std::nullopt;
  Configuration configuration(std::move(members));
  // Only canonical bytes are accepted: members in the order of their ids.
  if (EncodeConfiguration(configuration) != bytes) return std::nullopt;
  return configuration;
}

ClusterId ClusterIdOf(const Configuration& bootstrap, std::string_view cluster_name) {
  std::uint64_t hash = HashBytes(cluster_name, 0x636c7573746572);
  for (const Member& member : bootstrap.members()) hash = Fold(hash, member.id.value());
  return ClusterId(hash == 0 ? 1 : hash);
}

}  // namespace grassdb
