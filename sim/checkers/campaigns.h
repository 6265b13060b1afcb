// A won election is taken (thesis 3.4, 9.6): who has been granted the pre-votes of a quorum begins
// the election, and who has been given the votes of one leads, as soon as its own is durable. Of
// several answers of one voter the first counts. Else a cluster may be without a leader for as long
// as nobody else can win.
#ifndef GRASSDB_SIM_CHECKERS_CAMPAIGNS_H_
#define GRASSDB_SIM_CHECKERS_CAMPAIGNS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/configuration.h"
#include "core/message.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Campaigns {
 public:
  explicit Campaigns(std::uint32_t nodes) : campaigns_(nodes) {}

  // `node` begins one; what was said before is not for it.
  void Begin(std::uint32_t node, Ballot ballot, Term campaign_term) {
    campaigns_[node] = Campaign{ballot, campaign_term, ballot == Ballot::kPreVote, {}};
  }
  // It campaigns no more.
  void End(std::uint32_t node) { campaigns_[node].reset(); }
  // It asks for votes: its own is durable.
  void OnAsk(std::uint32_t node, const RequestVoteRequest& request) {
    auto& campaign = campaigns_[node];
    if (!campaign.has_value() || request.ballot != campaign->ballot) return;
    if (request.campaign_term == campaign->term) campaign->own_counts = true;
  }
  // It is handed this, of a disk whose word counts.
  void OnAnswer(std::uint32_t node, NodeId voter, const RequestVoteResponse& answer) {
    auto& campaign = campaigns_[node];
    if (!campaign.has_value() || answer.ballot != campaign->ballot) return;
    if (answer.campaign_term == campaign->term) campaign->answers.emplace(voter, answer.granted);
  }
  // After a step it is still about a campaign of this ballot.
  void CheckUndecided(std::uint32_t node, NodeId self, Ballot ballot,
                      const Configuration& configuration) const {
    const auto& campaign = campaigns_[node];
    if (!campaign.has_value() || campaign->ballot != ballot || campaign->answers.empty()) return;
    if (!campaign->own_counts) return;
    const Tally tally = configuration.Count([&](NodeId voter) -> std::optional<bool> {
      if (voter == self) return true;
      const auto answer = campaign->answers.find(voter);
      return answer == campaign->answers.end() ? std::nullopt : std::optional(answer->second);
    });
    GRASS_RULE("a won election is taken", tally != Tally::kWon,
               NodeName(node) + " has the " + (ballot == Ballot::kPreVote ? "pre-votes" : "votes") +
                   " of a quorum for term " + Decimal(campaign->term.value()) +
                   ", and does nothing with them");
  }

 private:
  struct Campaign {
    Ballot ballot = Ballot::kPreVote;
    Term term;
    bool own_counts = false;
    std::map<NodeId, bool> answers;
  };

  std::vector<std::optional<Campaign>> campaigns_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_CAMPAIGNS_H_
