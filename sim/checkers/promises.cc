#include "sim/checkers/promises.h"

#include <optional>
#include <string>
#include <variant>

#include "sim/checkers/member_name.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

constexpr const char* kPromise = "durable before promised";

std::string Sent(const Message& message) {
  return std::string(NameOf(message.body)) + " of term " + Decimal(message.term.value()) + " by " +
         MemberName(message.from);
}

// The sender's vote in the message's term is durable and was for `candidate`.
void CheckVote(const Message& message, NodeId candidate, const DurableImage& image) {
  const HardState& durable = image.hard_state();
  GRASS_RULE(kPromise, durable.term == message.term && durable.voted_for == candidate,
             Sent(message) + " rests on a vote for " + MemberName(candidate) +
                 "; durable are term " + Decimal(durable.term.value()) + " and a vote for " +
                 MemberName(durable.voted_for));
}

void CheckTerm(const Message& message, const DurableImage& image) {
  GRASS_RULE(
      kPromise, image.hard_state().term >= message.term,
      Sent(message) + ", but the durable term is " + Decimal(image.hard_state().term.value()));
}

void CheckHeld(const Message& message, Index match, const DurableImage& image) {
  CheckTerm(message, image);
  GRASS_RULE(kPromise, match <= image.last() || match <= image.snapshot(),
             Sent(message) + " acknowledges index " + Decimal(match.value()) +
                 "; durable are entries up to " + Decimal(image.last().value()));
}

// What is said to be absent is so for ever, as far as an older leader could change it; that of the
// answer's own term may be on its way. A snapshot that stands for the entry does not contradict
// that: it may have come a moment ago, and stand for another entry.
void CheckAbsent(const Message& message, const RepairResponse& answer, const DurableImage& image) {
  CheckTerm(message, image);
  const bool is_last = answer.first == answer.last && answer.last_term < message.term;
  const bool is_there =
      answer.first <= image.last() && image.TermAt(answer.first) == answer.last_term;
  GRASS_RULE(kPromise, !is_last || !is_there,
             Sent(message) + " says that it lacks the entry of index " +
                 Decimal(answer.first.value()) + ", which is durable there");
}

}  // namespace

void Promises::CheckMessage(const Message& message, const DurableImage& image) {
  if (const auto* request = std::get_if<RequestVoteRequest>(&message.body)) {
    if (request->ballot == Ballot::kVote) CheckVote(message, message.from, image);
  } else if (const auto* vote = std::get_if<RequestVoteResponse>(&message.body)) {
    if (vote->ballot == Ballot::kVote && vote->granted) CheckVote(message, message.to, image);
  } else if (std::holds_alternative<AppendEntriesRequest>(message.body) ||
             std::holds_alternative<InstallSnapshotRequest>(message.body) ||
             std::holds_alternative<TimeoutNow>(message.body)) {
    CheckVote(message, message.from, image);
  } else if (const auto* append = std::get_if<AppendEntriesResponse>(&message.body)) {
    if (append->result == AppendResult::kMatched) CheckHeld(message, append->match_index, image);
  } else if (const auto* install = std::get_if<InstallSnapshotResponse>(&message.body)) {
    if (install->installed) CheckHeld(message, install->match_index, image);
  } else if (const auto* repair = std::get_if<RepairResponse>(&message.body)) {
    if (repair->verdict == RepairVerdict::kAbsent) CheckAbsent(message, *repair, image);
  }
}

void Promises::CheckRepair(const Message& message, const DurableImage& image) {
  GRASS_RULE("who repairs itself promises nothing",
             std::holds_alternative<RepairRequest>(message.body) ||
                 std::holds_alternative<RepairResponse>(message.body),
             Sent(message) + " comes from a node in repair");
  CheckMessage(message, image);
}

void Promises::CheckMatch(Term term, const Log& log, const std::vector<Progress>& followers,
                          const ImageOf& image_of) {
  for (const Progress& follower : followers) {
    const DurableImage* image = image_of(follower.id);
    if (image == nullptr) continue;
    const bool knows =
        follower.incarnation != Incarnation() && follower.incarnation == image->incarnation();
    const bool held = image->AnyEver([&](const DurableImage& disk) {
      // To a leader that has heard of the present disk those before it are no excuse.
      if (knows && disk.incarnation() != follower.incarnation) return false;
      // A follower that has gone on to a later term owes nothing to this leader any more.
      if (disk.hard_state().term > term || follower.match <= disk.snapshot()) return true;
      // Of an entry that is lost behind a snapshot that is lost too the image may not know the
      // term.
      return follower.match <= disk.last() &&
             (follower.match < log.base_index() || disk.TermAt(follower.match) == Term(0) ||
              log.TermAt(follower.match) == disk.TermAt(follower.match));
    });
    GRASS_RULE("match rests on disk", held,
               "a leader of term " + Decimal(term.value()) + " believes that " +
                   MemberName(follower.id) + " matches its log up to " +
                   Decimal(follower.match.value()) + "; durable there are entries up to " +
                   Decimal(image->last().value()));
  }
}

void Promises::CheckVotes(Term term, NodeId leader, const Configuration& configuration,
                          const ImageOf& image_of) {
  const Tally tally = configuration.Count([&](NodeId voter) -> std::optional<bool> {
    const DurableImage* image = image_of(voter);
    if (image == nullptr) return false;
    return image->AnyEver([&](const DurableImage& disk) {
      const HardState& state = disk.hard_state();
      return state.term > term || (state.term == term && state.voted_for == leader);
    });
  });
  GRASS_RULE("leadership rests on votes", tally == Tally::kWon,
             MemberName(leader) + " leads term " + Decimal(term.value()) +
                 " without the votes of a quorum");
}

void Promises::CheckQuorum(Index index, Term term, const Configuration& configuration,
                           const ImageOf& image_of) {
  GRASS_RULE("commit rests on a quorum", RestsOnQuorum(index, term, configuration, image_of),
             "entry (index " + Decimal(index.value()) + ", term " + Decimal(term.value()) +
                 ") is called committed, but is not durable on a quorum of the " +
                 (configuration.IsJoint() ? "joint " : "") + "configuration with " +
                 Decimal(configuration.voters().size()) + " voters");
}

bool Promises::RestsOnQuorum(Index index, Term term, const Configuration& configuration,
                             const ImageOf& image_of) {
  return configuration.Count([&](NodeId voter) -> std::optional<bool> {
    const DurableImage* image = image_of(voter);
    return image != nullptr &&
           image->AnyEver([&](const DurableImage& disk) { return disk.Holds(index, term); });
  }) == Tally::kWon;
}

}  // namespace grassdb::sim
