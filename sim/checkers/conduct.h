// What a node must do about what it has been told: the rules of the checkers below it, fed with
// what is handed to nodes and what they do then. A rule of safety says what must not happen; these
// say what must, as soon as it can.
#ifndef GRASSDB_SIM_CHECKERS_CONDUCT_H_
#define GRASSDB_SIM_CHECKERS_CONDUCT_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/message.h"
#include "core/node.h"
#include "sim/checkers/addressees.h"
#include "sim/checkers/campaigns.h"
#include "sim/checkers/catch_up.h"
#include "sim/checkers/defence.h"
#include "sim/checkers/held_writes.h"
#include "sim/checkers/known_damage.h"
#include "sim/checkers/misaddressed.h"
#include "sim/checkers/read_rounds.h"

namespace grassdb::sim {

class Conduct {
 public:
  explicit Conduct(std::uint32_t nodes)
      : noticed_(nodes),
        campaigns_(nodes),
        catch_up_(nodes),
        rounds_(nodes),
        held_writes_(nodes),
        defence_(nodes),
        asked_(nodes),
        addressees_(nodes),
        misaddressed_(nodes),
        known_damage_(nodes) {}

  // The host begins a life in this term, at `now` by its own clock, as are all times here.
  void Begin(std::uint32_t host, Instant now, Term term);
  // `message` is handed to the node of the host now; `raft` is as it is before.
  void OnTakes(std::uint32_t host, Instant now, const Raft& raft, const Message& message);
  // It has been, and `raft` is as it is behind that.
  void OnTook(std::uint32_t host, const Raft& raft);
  void OnSend(std::uint32_t host, const Message& message);
  void OnEvent(std::uint32_t host, Instant now, const Raft& raft, const Event& event);
  // The node, which is up, helps to depose nobody now.
  bool Defends(std::uint32_t host, Instant now, const Raft& raft) const {
    return defence_.Defends(host, now, raft.options().election_timeout_min);
  }
  // The node has taken a batch of inputs.
  void AfterStep(std::uint32_t host, Instant now, const Node& node);
  // A write that the node has taken as the leader is refused; who leads is not known.
  void OnRefusesHeld(std::uint32_t host, Instant now, Duration patience) const {
    held_writes_.CheckRefused(host, now, patience);
  }

 private:
  // That its disk has forgotten something, by a leader of a term.
  struct Notice {
    Term term;
    Incarnation forgot;
  };

  void ObserveLeader(std::uint32_t host, Instant now, const Node& node);

  std::vector<Notice> noticed_;  // by host, in the batch under way
  Campaigns campaigns_;
  CatchUp catch_up_;
  ReadRounds rounds_;
  HeldWrites held_writes_;
  Defence defence_;
  std::vector<CampaignReason> asked_;  // by host: of the vote it was asked for last
  Addressees addressees_;
  Misaddressed misaddressed_;
  KnownDamage known_damage_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_CONDUCT_H_
