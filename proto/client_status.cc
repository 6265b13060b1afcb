// Of proto/client_convert.h: what operators are told of a node.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "proto/client_convert.h"
#include "proto/convert.h"

namespace grassdb {
namespace {

std::string NameIn(const Configuration& configuration, NodeId id) {
  const Member* member = configuration.Find(id);
  return member == nullptr ? std::string() : member->name;
}

void PutFollower(const NodeStatus::Follower& follower, const Configuration& configuration,
                 wire::FollowerStatus* wire) {
  wire->set_id(NameIn(configuration, follower.id));
  // One that has just been removed.
  if (wire->id().empty()) wire->set_id(HexOf(follower.id.value()));
  wire->set_state(NameOf(follower.state));
  wire->set_counts(follower.counts);
  wire->set_disk_full(follower.disk_full);
  wire->set_match(follower.match.value());
  wire->set_next(follower.next.value());
  wire->set_lag(follower.lag);
  const auto silent = std::chrono::duration_cast<std::chrono::milliseconds>(follower.silent);
  wire->set_silent_ms(static_cast<std::uint64_t>(std::max<std::int64_t>(0, silent.count())));
  wire->set_snapshot_index(follower.snapshot_index.value());
  wire->set_snapshot_offset(follower.snapshot_offset);
}

void PutMember(const Member& member, const Configuration& configuration, wire::MemberStatus* wire) {
  wire->set_id(member.name);
  wire->set_address(member.address);
  wire->set_voter(member.role == MemberRole::kVoter);
  wire->set_role(NameOf(member.role));
  wire->set_outgoing(member.outgoing);
  wire->set_replaces(NameIn(configuration, member.replaces));
}

std::uint64_t MicrosecondsOf(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

void FillLatency(const LatencyHistogram& latency, wire::DiskLatency* wire) {
  wire->set_count(latency.count());
  wire->set_p50_us(MicrosecondsOf(latency.Quantile(500)));
  wire->set_p99_us(MicrosecondsOf(latency.Quantile(990)));
  wire->set_max_us(MicrosecondsOf(latency.max()));
}

}  // namespace

void ToWire(const NodeStatus& status, const Identity& self, wire::StatusResponse* response) {
  const Configuration& configuration = status.configuration;
  response->set_id(self.node_name);
  response->set_cluster(self.cluster_name);
  response->set_cluster_id(self.cluster.value());
  response->set_role(NameOf(status.role));
  response->set_term(status.term.value());
  if (const Member* leader = configuration.Find(status.leader)) {
    response->set_leader_id(leader->name);
    response->set_leader_address(leader->address);
  }
  response->set_commit_index(status.commit_index.value());
  response->set_applied_index(status.applied_index.value());
  response->set_durable_index(status.durable_index.value());
  response->set_last_index(status.last_index.value());
  response->set_first_index(status.first_index.value());
  response->set_memory_index(status.memory_index.value());
  response->set_snapshot_index(status.snapshot_index.value());
  response->set_revision(status.revision.value());
  response->set_keys(status.keys);
  response->set_sessions(status.sessions);
  response->set_digest(status.digest);
  response->set_serving(status.serving);
  for (const NodeStatus::Follower& follower : status.followers) {
    PutFollower(follower, configuration, response->add_followers());
  }
  for (const Member& member : configuration.members()) {
    PutMember(member, configuration, response->add_members());
  }
  response->set_configuration_index(status.configuration_index.value());
  response->set_changing_membership(status.changing_membership);
  response->set_transfer_target_id(NameIn(configuration, status.transfer_target));
  response->set_receiving_index(status.receiving_index.value());
  response->set_receiving_offset(status.receiving_offset);
  response->set_failures_tolerated(status.failures_tolerated);
  response->set_disk_space(NameOf(status.space.space));
  response->set_disk_problem(status.space.problem);
  FillLatency(status.disk_latency.log_writes, response->mutable_log_writes());
  FillLatency(status.disk_latency.reads, response->mutable_disk_reads());
  response->set_disk_under_way_us(MicrosecondsOf(status.disk_latency.under_way));
  wire::ScrubStatus* const scrub = response->mutable_scrub();
  scrub->set_bytes(status.scrub.bytes);
  scrub->set_passes(status.scrub.passes);
  scrub->set_found(status.scrub.found);
  scrub->set_mended(status.scrub.mended);
  scrub->set_newest(status.scrub.newest);
  response->set_repairing(status.repairing);
}

}  // namespace grassdb
