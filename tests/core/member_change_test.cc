// Changes of the membership (thesis 4): what a request leads to, and why it is refused.
#include "core/member_change.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "tests/property.h"

namespace grassdb {
namespace {

using Kind = MemberChange::Kind;

MemberChange Change(Kind kind, const std::string& name, const std::string& address = "",
                    const std::string& replaced = "") {
  return MemberChange{.kind = kind, .name = name, .address = address, .replaced = replaced};
}

// n1, n2, n3 vote; n4 is a learner; n5 is to replace n3.
Configuration Cluster() {
  Member joining = MakeMember("n5", "h:5", MemberRole::kJoining);
  joining.replaces = NodeIdOf("n3");
  return Configuration({MakeMember("n1", "h:1"), MakeMember("n2", "h:2"), MakeMember("n3", "h:3"),
                        MakeMember("n4", "h:4", MemberRole::kLearner), joining});
}

std::string Refusal(const std::vector<MemberChange>& changes) {
  const auto changed = ChangedConfiguration(Cluster(), changes);
  if (changed.ok()) return "not refused";
  EXPECT_EQ(changed.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(changed.status().message());
}

Configuration Changed(const std::vector<MemberChange>& changes) {
  const auto changed = ChangedConfiguration(Cluster(), changes);
  EXPECT_TRUE(changed.ok()) << changed.status();
  return changed.value_or(Configuration());
}

// "n1=voter n4=learner n5=joining/n3", by name.
std::string TextOf(const Configuration& configuration) {
  std::set<std::string> members;
  for (const Member& member : configuration.members()) {
    std::string text = member.name + "=" + NameOf(member.role);
    if (member.replaces != NodeId(0)) {
      const Member* replaced = configuration.Find(member.replaces);
      text += "/" + (replaced == nullptr ? "nobody" : replaced->name);
    }
    members.insert(std::move(text));
  }
  std::string text;
  for (const std::string& member : members) text += (text.empty() ? "" : " ") + member;
  return text;
}

TEST(MemberChange, RefusesARequestThatAsksNothing) {
  EXPECT_EQ(Refusal({}), "no change of the membership is asked");
}

TEST(MemberChange, RefusesMoreThanALimitOfChangesAtOnce) {
  std::vector<MemberChange> changes(kMemberChangesMax, Change(Kind::kAdd, "n1", "h:1"));
  EXPECT_EQ(Changed(changes), Cluster());
  changes.push_back(changes.front());
  EXPECT_EQ(Refusal(changes), "more than 64 changes in one request");
}

TEST(MemberChange, RefusesAKindThatItDoesNotKnow) {
  EXPECT_EQ(Refusal({Change(static_cast<Kind>(99), "n1")}), "a change of an unknown kind");
}

TEST(MemberChange, RefusesToChangeAMemberThatIsNotThere) {
  for (const Kind kind : {Kind::kRemove, Kind::kPromote, Kind::kDemote, Kind::kMove}) {
    EXPECT_EQ(Refusal({Change(kind, "n9", "h:9")}), "'n9' is not a member of the cluster");
  }
  EXPECT_EQ(Refusal({Change(Kind::kReplace, "n6", "h:6", "n9")}),
            "'n9' is not a member of the cluster");
}

TEST(MemberChange, RefusesToAddAMemberAtAnotherAddress) {
  EXPECT_EQ(Refusal({Change(Kind::kAdd, "n1", "h:9")}), "'n1' is a member already, at h:1");
  EXPECT_EQ(Refusal({Change(Kind::kAddLearner, "n4", "h:9")}), "'n4' is a member already, at h:4");
  EXPECT_EQ(Refusal({Change(Kind::kReplace, "n4", "h:9", "n1")}),
            "'n4' is a member already, at h:4");
}

TEST(MemberChange, RefusesToAddWhoIsAMemberOfAnotherKind) {
  EXPECT_EQ(Refusal({Change(Kind::kAddLearner, "n1", "h:1")}),
            "'n1' is a voter member already; demote it to make it a learner");
  EXPECT_EQ(Refusal({Change(Kind::kAddLearner, "n5", "h:5")}),
            "'n5' is a joining member already; demote it to make it a learner");
  EXPECT_EQ(Refusal({Change(Kind::kAdd, "n4", "h:4")}),
            "'n4' is a learner member already; promote it to make it a voter");
}

TEST(MemberChange, RefusesToReplaceWhoDoesNotVote) {
  EXPECT_EQ(Refusal({Change(Kind::kReplace, "n6", "h:6", "n4")}),
            "'n4' is not a voter but a learner; remove it and add the other");
}

TEST(MemberChange, RefusesToReplaceByAVoter) {
  EXPECT_EQ(Refusal({Change(Kind::kReplace, "n2", "h:2", "n1")}), "'n2' is a voter already");
  EXPECT_EQ(Refusal({Change(Kind::kReplace, "n1", "h:1", "n1")}), "'n1' is a voter already");
}

TEST(MemberChange, RefusesWhatCannotBeAClustersConfiguration) {
  EXPECT_EQ(Refusal({Change(Kind::kRemove, "n1"), Change(Kind::kRemove, "n2"),
                     Change(Kind::kDemote, "n3")}),
            "a cluster needs at least one voting member");
  EXPECT_EQ(Refusal({Change(Kind::kAdd, "n6", "h:1")}).find("the members "), 0u);
  EXPECT_NE(Refusal({Change(Kind::kMove, "n4", "h:1")}).find("the same address h:1"),
            std::string::npos);
  EXPECT_EQ(Refusal({Change(Kind::kAdd, "n6", "")}), "member 'n6' has no address");
  EXPECT_NE(Refusal({Change(Kind::kAdd, "a b", "h:6")}).find("'a b' may hold only"),
            std::string::npos);
}

TEST(MemberChange, AddsALearnerThatIsToBecomeAVoter) {
  EXPECT_EQ(TextOf(Changed({Change(Kind::kAdd, "n6", "h:6")})),
            "n1=voter n2=voter n3=voter n4=learner n5=joining/n3 n6=joining");
}

TEST(MemberChange, ARepeatedRequestChangesNothing) {
  EXPECT_EQ(Changed({Change(Kind::kAdd, "n1", "h:1")}), Cluster());
  EXPECT_EQ(Changed({Change(Kind::kAdd, "n5", "h:5")}), Cluster());
  EXPECT_EQ(Changed({Change(Kind::kAddLearner, "n4", "h:4")}), Cluster());
  EXPECT_EQ(Changed({Change(Kind::kPromote, "n1")}), Cluster());
  EXPECT_EQ(Changed({Change(Kind::kDemote, "n4")}), Cluster());
  EXPECT_EQ(Changed({Change(Kind::kReplace, "n5", "h:5", "n3")}), Cluster());
  // Done long ago: the one has gone and the other votes.
  EXPECT_EQ(Changed({Change(Kind::kReplace, "n1", "h:1", "n9")}), Cluster());
}

TEST(MemberChange, WhoIsReplacedLeavesWhenTheOtherBecomesAVoter) {
  EXPECT_EQ(TextOf(Changed({Change(Kind::kPromote, "n5")})),
            "n1=voter n2=voter n4=learner n5=voter");
}

TEST(MemberChange, ADemotedReplacementReplacesNobody) {
  EXPECT_EQ(TextOf(Changed({Change(Kind::kDemote, "n5")})),
            "n1=voter n2=voter n3=voter n4=learner n5=learner");
}

TEST(MemberChange, WhoIsRemovedNeedNotBeReplacedAnyMore) {
  EXPECT_EQ(TextOf(Changed({Change(Kind::kRemove, "n3")})),
            "n1=voter n2=voter n4=learner n5=joining");
}

TEST(MemberChange, ALearnerCanReplaceAVoter) {
  EXPECT_EQ(TextOf(Changed({Change(Kind::kReplace, "n4", "h:4", "n1")})),
            "n1=voter n2=voter n3=voter n4=joining/n1 n5=joining/n3");
}

TEST(MemberChange, AMemberMovesToAnAddressThatIsFree) {
  const Configuration changed = Changed({Change(Kind::kMove, "n1", "h:9")});
  EXPECT_EQ(changed.Find(NodeIdOf("n1"))->address, "h:9");
  // Two swap: only the outcome counts.
  const Configuration swapped =
      Changed({Change(Kind::kMove, "n1", "h:2"), Change(Kind::kMove, "n2", "h:1")});
  EXPECT_EQ(swapped.Find(NodeIdOf("n1"))->address, "h:2");
}

// --- Against a model ---

// The membership as a person would note it down: a line for each name.
struct Line {
  MemberRole role = MemberRole::kVoter;
  std::string address;
  std::string replaces;

  friend bool operator==(const Line&, const Line&) = default;
};
using Model = std::map<std::string, Line>;

Model ModelOf(const Configuration& configuration) {
  Model model;
  for (const Member& member : configuration.members()) {
    const Member* replaced = configuration.Find(member.replaces);
    model[member.name] = Line{.role = member.role,
                              .address = member.address,
                              .replaces = replaced == nullptr ? "" : replaced->name};
  }
  return model;
}

Configuration ConfigurationOf(const Model& model) {
  std::vector<Member> members;
  for (const auto& [name, line] : model) {
    Member member = MakeMember(name, line.address, line.role);
    if (!line.replaces.empty()) member.replaces = NodeIdOf(line.replaces);
    members.push_back(std::move(member));
  }
  return Configuration(std::move(members));
}

void Strike(Model& model, const std::string& name) {
  model.erase(name);
  for (auto& [other, line] : model) {
    if (line.replaces == name) line.replaces.clear();
  }
}

// False: refused.
bool ApplyAdd(Model& model, const MemberChange& change, MemberRole role) {
  const auto known = model.find(change.name);
  if (known == model.end()) {
    model[change.name] = Line{.role = role, .address = change.address, .replaces = ""};
    return true;
  }
  if (known->second.address != change.address) return false;
  const bool joined = role == MemberRole::kJoining && known->second.role == MemberRole::kVoter;
  return joined || known->second.role == role;
}

bool ApplyReplace(Model& model, const MemberChange& change) {
  const bool votes = model.contains(change.name) && model[change.name].role == MemberRole::kVoter;
  if (!model.contains(change.replaced)) return votes;
  if (votes || model[change.replaced].role != MemberRole::kVoter) return false;
  const auto known = model.find(change.name);
  const bool here = known == model.end() ? ApplyAdd(model, change, MemberRole::kJoining)
                                         : known->second.address == change.address;
  if (!here) return false;
  model[change.name].role = MemberRole::kJoining;
  model[change.name].replaces = change.replaced;
  return true;
}

bool Apply(Model& model, const MemberChange& change) {
  if (change.kind == Kind::kAdd) return ApplyAdd(model, change, MemberRole::kJoining);
  if (change.kind == Kind::kAddLearner) return ApplyAdd(model, change, MemberRole::kLearner);
  if (change.kind == Kind::kReplace) return ApplyReplace(model, change);
  if (!model.contains(change.name)) return false;
  Line& line = model[change.name];
  if (change.kind == Kind::kMove) {
    line.address = change.address;
  } else if (change.kind == Kind::kRemove) {
    Strike(model, change.name);
  } else if (change.kind == Kind::kDemote) {
    line.role = MemberRole::kLearner;
    line.replaces.clear();
  } else {
    const std::string leaves = std::exchange(line.replaces, "");
    line.role = MemberRole::kVoter;
    if (!leaves.empty()) Strike(model, leaves);
  }
  return true;
}

// Somebody votes, and no address is taken twice.
bool IsSound(const Model& model) {
  std::set<std::string> addresses;
  bool votes = false;
  for (const auto& [name, line] : model) {
    if (!addresses.insert(line.address).second) return false;
    votes = votes || line.role == MemberRole::kVoter;
  }
  return votes;
}

std::string AnyName() {
  return "n" + std::to_string(*rc::gen::inRange(1, 7));
}

// One of the member's own, or another one's.
std::string AnyAddress(const std::string& name) {
  return *rc::gen::inRange(0, 4) == 0 ? "h:" + std::to_string(*rc::gen::inRange(1, 9))
                                      : "h:" + name.substr(1);
}

Configuration AnyConfiguration() {
  Model model;
  for (int i = 1; i <= 6; ++i) {
    const int role = *rc::gen::inRange(0, 6);
    if (role > 3) continue;
    const std::string number = std::to_string(i);
    model["n" + number] = Line{.role = role < 2    ? MemberRole::kVoter
                                       : role == 2 ? MemberRole::kLearner
                                                   : MemberRole::kJoining,
                               .address = "h:" + number,
                               .replaces = ""};
  }
  model["n1"] = Line{.role = MemberRole::kVoter, .address = "h:1", .replaces = ""};
  return ConfigurationOf(model);
}

MemberChange AnyChange() {
  MemberChange change;
  change.kind = static_cast<Kind>(*rc::gen::inRange(1, 8));
  change.name = AnyName();
  change.address = AnyAddress(change.name);
  if (change.kind == Kind::kReplace) change.replaced = AnyName();
  return change;
}

// Two that are to replace the same one are left out here: only the first of them to become a voter
// does.
bool OneForOne(const Model& model) {
  std::set<std::string> replaced;
  for (const auto& [name, line] : model) {
    if (!line.replaces.empty() && !replaced.insert(line.replaces).second) return false;
  }
  return true;
}

// A random request; what the model says of it, nullopt if it is refused.
struct Request {
  std::vector<MemberChange> changes;
  std::optional<Model> outcome;
};

Request AnyRequest(const Configuration& from) {
  Request request;
  Model model = ModelOf(from);
  bool refused = false;
  const int count = *rc::gen::inRange(1, 5);
  for (int i = 0; i < count; ++i) {
    request.changes.push_back(AnyChange());
    if (!refused) refused = !Apply(model, request.changes.back());
    RC_PRE(refused || OneForOne(model));
  }
  if (!refused && IsSound(model)) request.outcome = std::move(model);
  return request;
}

void CheckTransition(const Configuration& from, const Configuration& to) {
  RC_ASSERT(!to.Problem().has_value());
  RC_ASSERT(!to.IsJoint());
  RC_ASSERT(!to.voters().empty());
  const Configuration joint = from.JointTo(to);
  RC_ASSERT(joint.IsJoint());
  RC_ASSERT(joint.outgoing() == from.voters());
  RC_ASSERT(joint.voters() == to.voters());
  RC_ASSERT(joint.LeaveJoint() == to);
  for (const Configuration& configuration : {from, joint, to}) {
    const auto decoded = DecodeConfiguration(EncodeConfiguration(configuration));
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == configuration);
    RC_ASSERT(decoded->outgoing() == configuration.outgoing());
  }
}

RC_GTEST_PROP(MemberChange, LeadsToWhatAModelLeadsTo, ()) {
  const Configuration from = AnyConfiguration();
  const Request request = AnyRequest(from);
  const auto to = ChangedConfiguration(from, request.changes);
  RC_TAG(to.ok() ? "changed" : "refused");
  RC_ASSERT(to.ok() == request.outcome.has_value());
  if (!to.ok()) return;
  RC_ASSERT(ModelOf(*to) == *request.outcome);
  CheckTransition(from, *to);
}

RC_GTEST_PROP(MemberChange, AnySequenceOfChangesKeepsAVoterAndTheModel, ()) {
  Configuration configuration = AnyConfiguration();
  const int steps = *rc::gen::inRange(1, 12);
  for (int i = 0; i < steps; ++i) {
    const Request request = AnyRequest(configuration);
    const auto to = ChangedConfiguration(configuration, request.changes);
    RC_ASSERT(to.ok() == request.outcome.has_value());
    if (!to.ok()) continue;
    RC_ASSERT(ModelOf(*to) == *request.outcome);
    CheckTransition(configuration, *to);
    configuration = *to;
  }
}

}  // namespace
}  // namespace grassdb
