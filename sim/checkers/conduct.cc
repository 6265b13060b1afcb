#include "sim/checkers/conduct.h"

#include "sim/checkers/forgetting.h"
#include "sim/checkers/idle_voters.h"
#include "sim/checkers/told.h"

namespace grassdb::sim {

void Conduct::Begin(std::uint32_t host, Instant now, Term term) {
  defence_.Begin(host, now, term);
  noticed_[host] = {};
  campaigns_.End(host);
  catch_up_.Forget(host);
  held_writes_.Forget(host);
  addressees_.Forget(host);
  known_damage_.Forget(host);
}

void Conduct::OnTakes(std::uint32_t host, Instant now, const Raft& raft, const Message& message) {
  if (Misaddressed::IsMisaddressed(message, raft.incarnation())) {
    misaddressed_.OnTakes(host, message, raft.incarnation(), Misaddressed::Of(raft));
  }
  if (const auto* request = std::get_if<RequestVoteRequest>(&message.body)) {
    if (request->ballot == Ballot::kVote) asked_[host] = request->reason;
    addressees_.OnRequest(host, message, *request);
  } else if (const auto* append = std::get_if<AppendEntriesRequest>(&message.body)) {
    if (message.term >= raft.term()) defence_.OnHears(host, now);
    if (append->forgot != Incarnation(0)) noticed_[host] = {message.term, append->forgot};
  } else if (const auto* answered = std::get_if<AppendEntriesResponse>(&message.body)) {
    if (message.term == raft.term()) {
      rounds_.OnAnswer(host, message.term, message.from, answered->read_round);
    }
  } else if (const auto* answer = std::get_if<RequestVoteResponse>(&message.body)) {
    // What is for another life of its disk, or comes from another one of the voter's than is on
    // record, counts for nothing; nor does a vote of another term.
    const Member* voter = raft.configuration().Find(message.from);
    const bool for_it =
        message.to_incarnation == Incarnation(0) || message.to_incarnation == raft.incarnation();
    const bool on_record = voter == nullptr || voter->incarnation == Incarnation(0) ||
                           voter->incarnation == message.incarnation;
    if (!for_it || !on_record) return;
    if (answer->ballot == Ballot::kVote && message.term != raft.term()) return;
    campaigns_.OnAnswer(host, message.from, *Told(told::kAnswerToCampaign, answer));
  }
}

void Conduct::OnTook(std::uint32_t host, const Raft& raft) {
  if (!misaddressed_.Awaits(host)) return;
  misaddressed_.OnTook(host, Told(told::kKnownAfterMessage, Misaddressed::Of(raft)));
}

void Conduct::OnSend(std::uint32_t host, const Message& message) {
  if (const auto* request = std::get_if<RequestVoteRequest>(&message.body)) {
    campaigns_.OnAsk(host, *request);
  } else if (const auto* answer = std::get_if<RequestVoteResponse>(&message.body)) {
    addressees_.CheckAnswer(host, *Told(told::kAnswerToCandidate, &message), *answer);
  }
}

void Conduct::OnEvent(std::uint32_t host, Instant now, const Raft& raft, const Event& event) {
  if (event.kind == EventKind::kStartedPreVote) {
    campaigns_.Begin(host, Ballot::kPreVote, raft.term() + 1);
  } else if (event.kind == EventKind::kStartedElection) {
    campaigns_.Begin(host, Ballot::kVote, raft.term());
  } else if (event.kind == EventKind::kGrantedVote && asked_[host] != CampaignReason::kTransfer) {
    defence_.CheckVote(host, now, Told(told::kTimeoutOfVoter, raft.options().election_timeout_min));
  } else if (event.kind == EventKind::kDamageFound && event.b == 0) {
    known_damage_.OnFound(host, Index(event.a));
  } else if (event.kind == EventKind::kDamageMended) {
    known_damage_.OnMended(host, Index(event.a));
  }
}

void Conduct::AfterStep(std::uint32_t host, Instant now, const Node& node) {
  if (node.failed()) return;
  const Raft& raft = node.raft();
  const Notice notice = std::exchange(noticed_[host], {});
  if (notice.forgot != Incarnation(0) && notice.term == raft.term()) {
    Forgetting::CheckKnows(host,
                           Told(told::kGoesByAnotherName, notice.forgot != raft.incarnation()));
  }
  if (known_damage_.IsWaiting(host)) {
    known_damage_.Check(host, Told(told::kMustMend, node.must_mend()));
  }
  held_writes_.Observe(host, now, raft.transfer_target());
  const Role role = raft.role();
  if (role == Role::kLeader) return ObserveLeader(host, now, node);
  catch_up_.Forget(host);
  if (role == Role::kFollower) return;
  const Ballot ballot = role == Role::kPreCandidate ? Ballot::kPreVote : Ballot::kVote;
  campaigns_.CheckUndecided(host, raft.id(), ballot, raft.configuration());
}

void Conduct::ObserveLeader(std::uint32_t host, Instant now, const Node& node) {
  const Raft& raft = node.raft();
  const std::vector<Progress>& followers = *raft.followers();
  catch_up_.Observe(host, Told(told::kCatchingUp, {.now = now,
                                                   .timeout = raft.options().election_timeout_min,
                                                   .term = raft.term(),
                                                   .last = raft.log().last_index(),
                                                   .configuration = &raft.configuration(),
                                                   .configured = raft.configuration_index(),
                                                   .followers = &followers}));
  const Raft::Rounds rounds = raft.rounds();
  const auto before = [&raft] {
    const Index index = raft.configuration_index();
    const bool known =
        index > Index(0) && (!raft.snapshot().has_value() || index > raft.snapshot()->index);
    return known ? raft.ConfigurationAt(index - 1).first : raft.configuration();
  };
  rounds_.Observe(
      host,
      Told(told::kRounds, {.term = raft.term(),
                           .self = raft.id(),
                           .started = rounds.started,
                           .confirmed = rounds.confirmed,
                           .followers = &followers,
                           .configuration = &raft.configuration(),
                           .before = before,
                           .counts = [&raft](const Progress& each) { return raft.Counts(each); }}));
  if (raft.transfer_target() == NodeId(0)) {
    IdleVoters::Check(host, {.now = now,
                             .append_delay = raft.options().append_delay,
                             .commands_gathered = Told(told::kGathered, node.commands_gathered()),
                             .last = Told(told::kLastToSend, raft.log().last_index()),
                             .evicted = raft.log().evicted_through(),
                             .followers = &followers,
                             .configuration = &raft.configuration()});
  }
}

}  // namespace grassdb::sim
