#include "sim/configuration_trail.h"

#include <algorithm>
#include <optional>

#include "core/check.h"

namespace grassdb::sim {
namespace {

// What a configuration says of a disk; nothing if it does not name one.
std::optional<bool> Names(const Configuration& configuration, NodeId node,
                          Incarnation incarnation) {
  const Member* member = configuration.Find(node);
  if (member == nullptr || member->incarnation == Incarnation(0)) return std::nullopt;
  return member->incarnation == incarnation;
}

}  // namespace

void ConfigurationTrail::Note(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (entry.type != EntryType::kConfiguration || entry.index <= committed_) continue;
    auto configuration = DecodeConfiguration(entry.payload.view());
    GRASS_CHECK(configuration.has_value());
    open_.insert_or_assign({entry.index, entry.term}, *std::move(configuration));
  }
}

void ConfigurationTrail::Advance(const Raft& raft) {
  committed_ = raft.commit_index();
  committed_term_ = raft.log().TermAt(committed_).value();
  if (raft.configuration_index() == settled_.back().index) return;
  auto [configuration, index] = raft.ConfigurationAt(committed_);
  if (index > settled_.back().index) {
    settled_.push_back(
        {index, raft.log().TermAt(index).value_or(Term()), std::move(configuration)});
    if (settled_.size() > kSettledMax) settled_.erase(settled_.begin());
  }
  while (!open_.empty() && open_.begin()->first.first <= committed_) open_.erase(open_.begin());
}

std::vector<Configuration> ConfigurationTrail::InForce() const {
  std::vector<Configuration> result{settled_.back().configuration};
  for (const auto& [place, configuration] : open_) {
    if (place.first > committed_) result.push_back(configuration);
  }
  return result;
}

bool ConfigurationTrail::IsProven(NodeId node, Incarnation incarnation,
                                  const DurableImage& disk) const {
  for (auto open = open_.rbegin(); open != open_.rend(); ++open) {
    const auto& [index, term] = open->first;
    if (index <= committed_ || !disk.Holds(index, term)) continue;
    if (const auto named = Names(open->second, node, incarnation)) return *named;
  }
  for (auto settled = settled_.rbegin(); settled != settled_.rend(); ++settled) {
    if (settled->term == Term() || !disk.Holds(settled->index, settled->term)) continue;
    if (const auto named = Names(settled->configuration, node, incarnation)) return *named;
  }
  return disk.hard_state().founder;
}

}  // namespace grassdb::sim
