#include "sim/roll_back.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/check.h"
#include "sim/checkers/forgetting.h"
#include "sim/checkers/told.h"

namespace grassdb::sim {
void RollBack::Save(std::uint32_t host) {
  Host& saved = *(*hosts_)[host];
  saved_ = Saved{host, saved.SaveDisk(), checkers_->DiskOf(host)};
}

const Progress* RollBack::ProgressOf(std::uint32_t host, std::uint32_t leader) const {
  const Node* node = (*hosts_)[leader]->node();
  const std::vector<Progress>* followers = node == nullptr ? nullptr : node->raft().followers();
  if (followers == nullptr) return nullptr;
  const auto found = std::ranges::find((*followers), (*ids_)[host], &Progress::id);
  return found == followers->end() ? nullptr : &*found;
}

Incarnation RollBack::IncarnationOf(std::uint32_t host) const {
  return checkers_->DiskOf(host).image.incarnation();
}

bool RollBack::MayBegin(std::uint32_t host, std::uint32_t leader) const {
  GRASS_CHECK(!under_way_.has_value());
  if (!saved_.has_value() || saved_->host != host || host == leader) return false;
  if (saved_->state.image.incarnation() != IncarnationOf(host)) return false;
  if (network_->IsCut(host, leader) || network_->IsCut(leader, host)) return false;
  const Progress* follower = ProgressOf(host, leader);
  return follower != nullptr && follower->role == MemberRole::kVoter &&
         follower->state == ProgressState::kReplicate &&
         follower->match > saved_->state.image.last();
}

void RollBack::Begin(std::uint32_t host, std::uint32_t leader) {
  GRASS_CHECK(MayBegin(host, leader));
  under_way_ = UnderWay{.host = host,
                        .leader = leader,
                        .incarnation = IncarnationOf(host),
                        .term = (*hosts_)[leader]->node()->raft().term(),
                        .promised = ProgressOf(host, leader)->match,
                        .since = (*hosts_)[leader]->LocalTime()};
  (*hosts_)[host]->RestoreDisk(saved_->disk);
  checkers_->OnRolledBack(host, std::move(saved_->state));
  saved_.reset();
  ForEachCutLink([this](Place from, Place to) { network_->Cut(from, to); });
}

template <class Visit>
void RollBack::ForEachCutLink(Visit visit) const {
  for (std::uint32_t other = 0; other < hosts_->size(); ++other) {
    if (other == under_way_->host || other == under_way_->leader) continue;
    visit(other, under_way_->host);
    visit(under_way_->host, other);
  }
}

void RollBack::OnDelivered(std::uint32_t to, const Message& message) {
  if (!under_way_.has_value() || to != under_way_->leader) return;
  if (message.from != (*ids_)[under_way_->host] || message.term != under_way_->term) return;
  const auto* answer = std::get_if<AppendEntriesResponse>(&message.body);
  if (answer == nullptr || answer->result != AppendResult::kConflict) return;
  if (answer->prev_log_index > under_way_->promised) return;
  // An answer that was on its way, or is to a request that was, proves nothing to the leader.
  if (answer->sent_at < under_way_->since) return;
  ++under_way_->denials;
  if (checkers_->on() && !under_way_->noticed) {
    Forgetting::CheckNoticed(under_way_->leader, under_way_->host,
                             Told(told::kDenials, under_way_->denials), under_way_->promised);
  }
}

void RollBack::OnNoticed(std::uint32_t host) {
  if (IsOf(host)) under_way_->noticed = true;
}

bool RollBack::IsSupervised() {
  if (IncarnationOf(under_way_->host) != under_way_->incarnation) {
    checkers_->OnRollBackKnown(under_way_->host);
    GiveUp();
    return true;
  }
  const Node* leader = (*hosts_)[under_way_->leader]->node();
  if (leader == nullptr) return false;
  const Raft& raft = leader->raft();
  return raft.role() == Role::kLeader && raft.term() == under_way_->term;
}

void RollBack::GiveUp() {
  ForEachCutLink([this](Place from, Place to) { network_->Mend(from, to); });
  under_way_.reset();
}

}  // namespace grassdb::sim
