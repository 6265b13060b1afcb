#include "sim/status.h"

#include <string>

#include "proto/client_convert.h"
#include "sim/checkers/told.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

constexpr const char* kRule = "status";

}  // namespace

std::string BytesShown(const NodeStatus& status, const std::string& name) {
  wire::StatusResponse sent;
  Identity self;
  self.node_name = name;
  ToWire(status, self, &sent);
  return sent.SerializeAsString();
}

void CheckShown(const NodeStatus& status, const std::string& name, const std::string& bytes) {
  wire::StatusResponse shown;
  GRASS_RULE(kRule, shown.ParseFromString(bytes), "what is shown of " + name + " cannot be read");
  GRASS_RULE(kRule,
             shown.role() == NameOf(status.role) && shown.term() == status.term.value() &&
                 shown.commit_index() == status.commit_index.value() &&
                 shown.digest() == status.digest && shown.id() == name &&
                 static_cast<std::size_t>(shown.followers_size()) == status.followers.size(),
             "what is shown of " + name + " is not what it says");
}

void CheckNodeStatus(const NodeStatus& status, const Node& node, const std::string& name) {
  const Raft& raft = node.raft();
  const bool leads = status.role == Role::kLeader;
  GRASS_RULE(kRule,
             status.role == raft.role() && status.term == raft.term() &&
                 status.commit_index == raft.commit_index() &&
                 status.digest == node.store().digest() &&
                 status.revision == node.store().revision(),
             name + " says of itself what it is not");
  GRASS_RULE(
      kRule,
      status.applied_index <= status.commit_index && status.commit_index <= status.last_index &&
          status.durable_index <= status.last_index && status.first_index <= status.memory_index &&
          status.memory_index <= status.last_index + 1,
      name + " says that its commit index is " + Decimal(status.commit_index.value()) +
          " of a log up to " + Decimal(status.last_index.value()));
  GRASS_RULE(kRule, leads || (status.followers.empty() && status.failures_tolerated == 0),
             name + " does not lead, and tells of followers");
  GRASS_RULE(kRule, !leads || status.leader == status.id, name + " leads, and follows another");
  GRASS_RULE(kRule, 2 * status.failures_tolerated <= status.configuration.voters().size(),
             name + " says that half of the voters can fail");
  for (const NodeStatus::Follower& follower : status.followers) {
    GRASS_RULE(kRule,
               follower.match < follower.next &&
                   follower.lag == status.last_index - follower.match &&
                   follower.snapshot_index <= status.snapshot_index,
               name + " contradicts itself about a follower");
  }
}

void CheckRepairStatus(const RepairStatus& status, const Repair& repair, const std::string& name) {
  GRASS_RULE(kRule, repair.done() || status.lost.has_value() || status.snapshot_wanted > Index(),
             name + " mends its disk, and lacks nothing");
  GRASS_RULE(kRule,
             status.snapshot_index == Index() || status.snapshot_index >= status.snapshot_wanted,
             name + " receives an older snapshot than it needs");
  GRASS_RULE(kRule, status.without_it.size() <= status.asked.size() + 1,
             name + " was answered by more than it has asked");
}

void CheckStatus(const Host& host) {
  const std::string name = NodeName(host.number());
  if (host.up() && !host.node()->failed()) {
    const NodeStatus status = Told(told::kStatus, host.node()->Status());
    CheckNodeStatus(status, *host.node(), name);
    CheckShown(status, name, Told(told::kStatusShown, BytesShown(status, name)));
  }
  if (host.mending() && !host.repair()->failed()) {
    CheckRepairStatus(Told(told::kRepairStatus, host.repair()->Status()), *host.repair(), name);
  }
}

}  // namespace grassdb::sim
