#include "sim/checkers/specification.h"

#include <algorithm>

#include "core/check.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

constexpr const char* kRule = "specification";

std::string Text(Index index) {
  return Decimal(index.value());
}

std::string Text(Term term) {
  return Decimal(term.value());
}

}  // namespace

ServerView ViewOf(const Raft& raft) {
  return {.term = raft.term(),
          .voted_for = raft.voted_for(),
          .role = raft.role(),
          .log = &raft.log(),
          .commit = raft.commit_index(),
          .durable = raft.durable_index(),
          .configuration = &raft.configuration(),
          .configuration_at = [&raft](Index index) { return raft.ConfigurationAt(index).first; }};
}

Specification::Specification(const std::vector<NodeId>& servers)
    : ids_(servers), servers_(servers.size()) {
  committed_.Set(Index(), Term());
  for (Server& server : servers_) server.terms.Set(Index(), Term());
}

void Specification::Begin(std::uint32_t server, const RecoveredState& state) {
  Server begun;
  begun.term = state.hard_state.term;
  begun.voted_for = state.hard_state.voted_for;
  begun.commit = state.snapshot.has_value() ? state.snapshot->index : Index();
  begun.base = state.base_index;
  begun.terms.Set(state.base_index, state.base_term);
  for (Index index = state.base_index + 1; index <= state.last().index; ++index) {
    begun.terms.Set(index, state.TermAt(index));
  }
  begun.last = begun.terms.end() - 1;
  servers_[server] = std::move(begun);
  newest_ = std::max(newest_, state.hard_state.term);
}

void Specification::Observe(std::uint32_t server, const ServerView& now) {
  Server& before = servers_[server];
  const bool leads = now.role == Role::kLeader;
  const bool same_log =
      before.last == now.log->last_index() && before.terms.At(before.last) == now.log->last_term();
  if (before.term == now.term && before.voted_for == now.voted_for && before.leads == leads &&
      before.commit == now.commit && same_log) {
    return;
  }
  const Index common = same_log ? before.last : CommonEnd(before, *now.log);
  CheckTerm(server, now);
  CheckVote(server, now, common);
  if (leads) CheckLead(server, now);
  if (!same_log) {
    if (IsReplaced(before, *now.log)) {
      CheckInstalled(server, now);
    } else if (common < before.last) {
      CheckCut(server, now, common + 1);
    }
    for (Index at = std::max(common, now.log->base_index()) + 1; at <= now.log->last_index();
         ++at) {
      CheckNew(server, now, now.log->At(at));
    }
  }
  TakeLog(server, now, common);
  if (now.commit != before.commit) {
    CheckCommit(server, now);
    TakeCommit(server, now);
  }
  before.term = now.term;
  before.voted_for = now.voted_for;
  before.leads = leads;
}

// --- A step ---

void Specification::CheckTerm(std::uint32_t server, const ServerView& now) {
  const Server& before = servers_[server];
  GRASS_RULE(
      kRule, now.term >= before.term,
      NodeName(server) + " goes back from term " + Text(before.term) + " to " + Text(now.term));
  if (now.term <= newest_) return;
  GRASS_RULE(kRule, now.term == newest_ + 1 && now.voted_for == ids_[server],
             NodeName(server) + " is in term " + Text(now.term) + ", which no candidate has begun");
  newest_ = now.term;
}

// `common` stands for the shortest log that the server may have had when it voted.
void Specification::CheckVote(std::uint32_t server, const ServerView& now, Index common) const {
  const Server& before = servers_[server];
  if (now.term == before.term && now.voted_for == before.voted_for) return;
  GRASS_RULE(kRule, now.term > before.term || before.voted_for == NodeId(),
             NodeName(server) + " votes twice in term " + Text(now.term));
  if (now.voted_for == NodeId() || now.voted_for == ids_[server]) return;
  if (IsForgotten(now.term)) return;
  const auto candidate = candidates_.find({now.term, now.voted_for});
  GRASS_RULE(kRule, candidate != candidates_.end(),
             NodeName(server) + " votes in term " + Text(now.term) + " for who has not asked");
  const LogEnd& asked = candidate->second;
  const Term least = before.terms.At(common);
  GRASS_RULE(kRule, asked.term > least || (asked.term == least && asked.index >= common),
             NodeName(server) + " votes in term " + Text(now.term) + " for a log that ends with (" +
                 Text(asked.index) + ", " + Text(asked.term) + "), its own has (" + Text(common) +
                 ", " + Text(least) + ")");
}

void Specification::CheckLead(std::uint32_t server, const ServerView& now) {
  const Server& before = servers_[server];
  if (before.leads && before.term == now.term) return;
  const NodeId self = ids_[server];
  const Tally votes = now.configuration->Count([&](NodeId voter) -> std::optional<bool> {
    if (voter == self) return now.voted_for == self;
    const auto vote = votes_.find({now.term, voter});
    return vote == votes_.end() ? std::nullopt : std::optional<bool>(vote->second == self);
  });
  GRASS_RULE(kRule, votes == Tally::kWon,
             NodeName(server) + " leads term " + Text(now.term) + " without the votes of a quorum");
  ForgetTerms();
  const auto [known, inserted] = leaderships_.try_emplace(now.term);
  GRASS_RULE(kRule, inserted,
             NodeName(server) + " leads term " + Text(now.term) + ", which n" +
                 Decimal(known->second.server + 1) + " has led");
  Leadership& leadership = known->second;
  leadership.server = server;
  leadership.first = leadership.end = before.commit + 1;
  for (; leadership.end <= before.last; ++leadership.end) {
    leadership.terms.Set(leadership.end, before.terms.At(leadership.end));
  }
}

void Specification::CheckInstalled(std::uint32_t server, const ServerView& now) const {
  const Index index = now.log->base_index();
  const Term term = now.log->base_term();
  GRASS_RULE(kRule, IsOffered(now.term, index, term),
             NodeName(server) + " has a snapshot of (" + Text(index) + ", " + Text(term) +
                 "), which no leader up to term " + Text(now.term) + " has sent");
}

// Thesis 3.5: only an entry that differs from the leader's is deleted, with all that follow it.
void Specification::CheckCut(std::uint32_t server, const ServerView& now, Index first) const {
  const Server& before = servers_[server];
  const bool leads_on = before.leads && before.term == now.term && now.role == Role::kLeader;
  GRASS_RULE(kRule, !leads_on,
             NodeName(server) + ", leader of term " + Text(now.term) +
                 ", cuts its own log at index " + Text(first));
  const bool conflict = AnyLeader(server, now.term, [&](Term, const Leadership& leadership) {
    if (leadership.server == server) return false;
    for (Index at = first; at > before.commit; at = at - 1) {
      const std::optional<Term> wanted = TermIn(leadership, at);
      if (wanted.has_value() && *wanted != before.terms.At(at)) return true;
    }
    return false;
  });
  GRASS_RULE(kRule, conflict,
             NodeName(server) + " cuts its log at index " + Text(first) + " of " +
                 Text(before.last) +
                 ", and no leader that it has followed has another entry there");
}

void Specification::CheckNew(std::uint32_t server, const ServerView& now,
                             const Entry& entry) const {
  const auto own = leaderships_.find(entry.term);
  if (own != leaderships_.end() && own->second.server == server && entry.term <= now.term &&
      entry.term >= servers_[server].term) {
    return;  // its own
  }
  const bool taken = AnyLeader(server, now.term, [&](Term, const Leadership& leadership) {
    return leadership.server != server && MayHold(leadership, entry.index, entry.term);
  });
  GRASS_RULE(kRule, taken,
             NodeName(server) + " has an entry (" + Text(entry.index) + ", " + Text(entry.term) +
                 ") that no leader it has followed has had");
}

void Specification::CheckCommit(std::uint32_t server, const ServerView& now) const {
  GRASS_RULE(kRule, now.commit > servers_[server].commit,
             NodeName(server) + " takes back that index " + Text(servers_[server].commit) +
                 " is committed");
  const std::optional<Term> term = now.log->TermAt(now.commit);
  GRASS_RULE(
      kRule, term.has_value(),
      NodeName(server) + " calls index " + Text(now.commit) + " committed and has no such entry");
  const bool may = AnyLeader(server, now.term, [&](Term led, const Leadership& leadership) {
    if (leadership.server == server)
      return led == *term && MayCommit(leadership, led, now, ids_[server]);
    return now.commit <= leadership.told && MayHold(leadership, now.commit, *term);
  });
  const bool told = now.role != Role::kLeader && told_in_repair_.contains(now.commit) &&
                    IsCommitted(now.commit, *term);
  GRASS_RULE(kRule, may || told || IsOffered(now.term, now.commit, *term),
             NodeName(server) + " calls (" + Text(now.commit) + ", " + Text(*term) +
                 ") committed in term " + Text(now.term) +
                 "; no quorum has acknowledged that to it, and no leader has told it");
}

// With the configuration in force, or the one of the entry: a batch may have appended another.
bool Specification::MayCommit(const Leadership& leadership, Term, const ServerView& now,
                              NodeId leader) const {
  const auto reaches = [&](const Configuration& configuration) {
    return configuration.QuorumValue<Index>([&](NodeId voter) {
      if (voter == leader) return now.durable;
      const auto known = leadership.acknowledged.find(voter);
      return known == leadership.acknowledged.end() ? Index() : known->second;
    }) >= now.commit;
  };
  return reaches(*now.configuration) || reaches(now.configuration_at(now.commit));
}

// --- A message ---

void Specification::OnSendInRepair(std::uint32_t server, const Message& message) {
  GRASS_RULE(
      kRule, message.term <= newest_ + 1,
      NodeName(server) + " begins term " + Text(message.term) + " behind term " + Text(newest_));
  newest_ = std::max(newest_, message.term);
  const auto* ask = std::get_if<RepairRequest>(&message.body);
  if (ask == nullptr || ask->ask != RepairAsk::kSnapshot || ask->last == Index()) return;
  GRASS_RULE(kRule, IsCommitted(ask->last, ask->last_term),
             NodeName(server) + " says in repair that (" + Text(ask->last) + ", " +
                 Text(ask->last_term) + ") is committed");
  told_in_repair_.insert(ask->last);
}

void Specification::OnSend(std::uint32_t server, const Message& message) {
  const Term term = message.term;
  if (const auto* ask = std::get_if<RequestVoteRequest>(&message.body)) {
    if (ask->ballot == Ballot::kVote) CheckCandidate(server, message, *ask);
  } else if (const auto* vote = std::get_if<RequestVoteResponse>(&message.body)) {
    if (vote->ballot != Ballot::kVote || !vote->granted) return;
    GRASS_RULE(
        kRule, servers_[server].term == term && servers_[server].voted_for == message.to,
        NodeName(server) + " tells of a vote in term " + Text(term) + " that it has not given");
    votes_[{term, ids_[server]}] = message.to;
  } else if (const auto* append = std::get_if<AppendEntriesRequest>(&message.body)) {
    CheckAppend(server, term, *append);
  } else if (const auto* appended = std::get_if<AppendEntriesResponse>(&message.body)) {
    if (appended->result == AppendResult::kMatched) {
      CheckAcknowledgement(server, term, appended->match_index);
    }
  } else if (const auto* chunk = std::get_if<InstallSnapshotRequest>(&message.body)) {
    CheckSnapshot(server, term, *chunk);
  } else if (const auto* installed = std::get_if<InstallSnapshotResponse>(&message.body)) {
    if (installed->installed) CheckAcknowledgement(server, term, installed->match_index);
  } else if (std::holds_alternative<TimeoutNow>(message.body)) {
    LedBy(server, term, "TimeoutNow");
  }
}

void Specification::CheckCandidate(std::uint32_t server, const Message& message,
                                   const RequestVoteRequest& request) {
  const Server& self = servers_[server];
  GRASS_RULE(kRule, self.term == message.term && self.voted_for == ids_[server],
             NodeName(server) + " asks for votes in term " + Text(message.term) +
                 " and is no candidate in it");
  candidates_[{message.term, ids_[server]}] = {request.last_log_index, request.last_log_term};
}

void Specification::CheckAppend(std::uint32_t server, Term term,
                                const AppendEntriesRequest& request) {
  Leadership& leadership = LedBy(server, term, "entries");
  const auto what = [&] {
    return NodeName(server) + ", leader of term " + Text(term) + ", sends ";
  };
  GRASS_RULE(kRule, MayHold(leadership, request.prev_log_index, request.prev_log_term),
             what() + "entries after (" + Text(request.prev_log_index) + ", " +
                 Text(request.prev_log_term) + "), which is not in its log");
  for (const Entry& entry : request.entries) {
    GRASS_RULE(kRule, MayHold(leadership, entry.index, entry.term),
               what() + "the entry (" + Text(entry.index) + ", " + Text(entry.term) +
                   "), which is not in its log");
  }
  GRASS_RULE(kRule, request.leader_commit <= servers_[server].commit,
             what() + "that index " + Text(request.leader_commit) + " is committed");
  leadership.told = std::max(leadership.told, request.leader_commit);
}

void Specification::CheckSnapshot(std::uint32_t server, Term term,
                                  const InstallSnapshotRequest& chunk) {
  Leadership& leadership = LedBy(server, term, "a snapshot");
  const SnapshotMeta& meta = chunk.meta;
  GRASS_RULE(kRule, meta.index <= servers_[server].commit,
             NodeName(server) + " sends a snapshot of what is not committed");
  GRASS_RULE(kRule, MayHold(leadership, meta.index, meta.term),
             NodeName(server) + " sends a snapshot of (" + Text(meta.index) + ", " +
                 Text(meta.term) + "), which is not in its log");
  leadership.told = std::max(leadership.told, meta.index);
  const auto [sent, inserted] = snapshots_.try_emplace(meta.index, Sent{meta.term, term});
  if (!inserted) sent->second.led = std::min(sent->second.led, term);
}

void Specification::CheckAcknowledgement(std::uint32_t server, Term term, Index match) {
  const Server& self = servers_[server];
  const auto led = leaderships_.find(term);
  GRASS_RULE(kRule, led != leaderships_.end() && led->second.server != server,
             NodeName(server) + " acknowledges entries to a leader of term " + Text(term) +
                 ", which has none");
  Leadership& leadership = led->second;
  const Term held = self.terms.At(match);
  const bool agrees = match <= self.last && (held == Term() || MayHold(leadership, match, held));
  GRASS_RULE(kRule, agrees,
             NodeName(server) + " acknowledges index " + Text(match) + " in term " + Text(term) +
                 ", where its log is not its leader's");
  Index& known = leadership.acknowledged[ids_[server]];
  known = std::max(known, match);
}

// --- What is known ---

bool Specification::IsReplaced(const Server& before, const Log& log) {
  const Index base = log.base_index();
  if (base > before.last) return true;
  const Term known = before.terms.At(base);
  return known != Term() && known != log.base_term();
}

Index Specification::CommonEnd(const Server& before, const Log& log) const {
  if (IsReplaced(before, log)) return Index();
  Index common = std::min(before.last, log.last_index());
  while (common > log.base_index() && before.terms.At(common) != log.TermAt(common)) {
    common = common - 1;
  }
  return common;
}

void Specification::TakeLog(std::uint32_t server, const ServerView& now, Index common) {
  Server& self = servers_[server];
  const Log& log = *now.log;
  const Index from = std::max(common, log.base_index());
  self.base = log.base_index();
  if (self.last != log.last_index() || common != self.last) {
    // What a snapshot has taken the place of is not known any more.
    self.terms.CutFrom(common + 1);
    self.terms.SetBase(log.base_index(), log.base_term());
    for (Index at = from + 1; at <= log.last_index(); ++at) {
      self.terms.Set(at, *log.TermAt(at));
    }
    self.last = log.last_index();
  }
  const bool leads = now.role == Role::kLeader;
  if (!leads && !self.leads) return;
  // Who has stepped down may have appended before, in the same step.
  const Term led = leads ? now.term : self.term;
  Leadership& leadership = leaderships_.at(led);
  for (; leadership.end <= self.last; ++leadership.end) {
    const Term term = self.terms.At(leadership.end);
    if (!leads && term != led) return;
    leadership.terms.Set(leadership.end, term);
  }
}

void Specification::TakeCommit(std::uint32_t server, const ServerView& now) {
  Server& self = servers_[server];
  self.commit = now.commit;
  for (Index at = committed_.end(); at <= now.commit; ++at) committed_.Set(at, self.terms.At(at));
}

void Specification::ForgetTerms() {
  if (newest_.value() <= kTermsKept) return;
  const Term oldest(newest_.value() - kTermsKept);
  if (oldest.value() < forgotten_.value() + kTermsKept / 4) return;  // not for each
  forgotten_ = oldest;
  const auto is_left = [this](Term term) {
    return term < forgotten_ && std::ranges::find(servers_, term, &Server::term) == servers_.end();
  };
  std::erase_if(leaderships_, [&](const auto& led) { return is_left(led.first); });
  std::erase_if(candidates_, [&](const auto& asked) { return is_left(asked.first.first); });
  std::erase_if(votes_, [&](const auto& vote) { return is_left(vote.first.first); });
}

void Specification::ReleaseBelow(Index index) {
  committed_.ReleaseBelow(index);
  std::erase_if(snapshots_, [this](const auto& sent) { return sent.first < committed_.begin(); });
  told_in_repair_.erase(told_in_repair_.begin(), told_in_repair_.lower_bound(committed_.begin()));
  for (Server& server : servers_) server.terms.ReleaseBelow(std::min(index, server.base));
  for (auto& [term, leadership] : leaderships_) leadership.terms.ReleaseBelow(index);
}

std::size_t Specification::Bytes() const {
  std::size_t bytes = committed_.Bytes() + candidates_.size() * sizeof(*candidates_.begin()) +
                      votes_.size() * sizeof(*votes_.begin()) +
                      snapshots_.size() * sizeof(*snapshots_.begin()) +
                      told_in_repair_.size() * sizeof(Index);
  for (const Server& server : servers_) bytes += server.terms.Bytes();
  for (const auto& [term, leadership] : leaderships_) {
    bytes += sizeof leadership + leadership.terms.Bytes() +
             leadership.acknowledged.size() * sizeof(*leadership.acknowledged.begin());
  }
  return bytes;
}

Specification::Leadership& Specification::LedBy(std::uint32_t server, Term term, const char* what) {
  const auto led = leaderships_.find(term);
  GRASS_RULE(
      kRule, led != leaderships_.end() && led->second.server == server,
      NodeName(server) + " sends " + what + " in term " + Text(term) + ", which it does not lead");
  return led->second;
}

bool Specification::AnyLeader(std::uint32_t server, Term until, const LeaderTest& test) const {
  const Term from = servers_[server].term;
  for (auto at = leaderships_.upper_bound(until); at != leaderships_.begin();) {
    --at;
    if (at->first < from) break;
    if (test(at->first, at->second)) return true;
  }
  return IsForgotten(from);
}

std::optional<Term> Specification::TermIn(const Leadership& leadership, Index index) const {
  if (index < leadership.first) return committed_.At(index);
  if (index >= leadership.end) return std::nullopt;
  return leadership.terms.At(index);
}

bool Specification::MayHold(const Leadership& leadership, Index index, Term term) const {
  if (index == Index()) return true;
  const std::optional<Term> held = TermIn(leadership, index);
  return held.has_value() && (*held == Term() || *held == term);
}

bool Specification::IsCommitted(Index index, Term term) const {
  if (index < committed_.begin()) return true;
  const Term known = committed_.At(index);
  return index < committed_.end() && (known == Term() || known == term);
}

bool Specification::IsOffered(Term until, Index index, Term term) const {
  if (index < committed_.begin()) return true;
  const auto sent = snapshots_.find(index);
  return sent != snapshots_.end() && sent->second.term == term && sent->second.led <= until;
}

}  // namespace grassdb::sim
