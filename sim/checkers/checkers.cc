#include "sim/checkers/checkers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/check.h"
#include "sim/checkers/damage_noticed.h"
#include "sim/checkers/forgetting.h"
#include "sim/checkers/recovery.h"
#include "sim/checkers/repair_fill.h"
#include "sim/checkers/told.h"
#include "sim/violation.h"
#include "store/lost.h"

namespace grassdb::sim {
namespace {

// So many entries below what any log needs are remembered: disks reach back further than the logs
// in memory, and late messages further than both.
constexpr std::uint64_t kEntriesKept = 2048;
constexpr std::uint64_t kReleasedAtATime = 256;
// No log or disk holds more than so many entries back, however old it is: that of a removed member
// may never be used again. No log of those who go on is as long (DrawStore).
constexpr std::uint64_t kHeldBackMax = 8192;

// `count` indexes below, or 0.
Index Below(Index index, std::uint64_t count) {
  return index.value() > count ? index - count : Index();
}

// How often, in applied indexes, the answers that a node keeps are counted.
constexpr std::uint64_t kAnswersCounted = 32;

}  // namespace

Checkers::Checkers(const std::vector<NodeId>& nodes, const NodeOptions& options,
                   std::size_t entry_bytes_max, bool on, bool specified)
    : on_(on),
      specified_(specified),
      disks_(nodes.size()),
      losses_(nodes.size()),
      wiped_(nodes.size()),
      standings_(nodes.size()),
      shown_(nodes.size()),
      logs_(static_cast<std::uint32_t>(nodes.size())),
      commits_(static_cast<std::uint32_t>(nodes.size())),
      states_(static_cast<std::uint32_t>(nodes.size())),
      progress_(static_cast<std::uint32_t>(nodes.size())),
      memberships_(static_cast<std::uint32_t>(nodes.size())),
      cuts_(static_cast<std::uint32_t>(nodes.size())),
      ids_(nodes),
      resources_(options, entry_bytes_max),
      specification_(nodes),
      reference_(options.store) {
  for (std::uint32_t i = 0; i < nodes.size(); ++i) host_of_[nodes[i]] = i;
  image_of_ = [this](NodeId id) -> const DurableImage* {
    const auto found = host_of_.find(id);
    return found == host_of_.end() ? nullptr : &disks_[found->second].image;
  };
  losses_of_ = [this](NodeId id) {
    const auto found = host_of_.find(id);
    return found == host_of_.end() ? 0 : losses_[found->second];
  };
}

// Where the entry of a snapshot is lost, nobody knows which it was: what follows is kept.
void Checkers::LearnOfSnapshot(const SnapshotMeta& meta, DiskState* disk) {
  for (const LostRange& range : disk->lost) {
    if (meta.index >= range.first && meta.index < range.last) {
      disk->image.Learn(meta.index, meta.term);
    }
  }
}

// A crash has left the snapshot that was being installed in force.
void Checkers::NoteInstalled(const RecoveredState& state, DiskState* disk) {
  const auto* persist = disk->running ? std::get_if<Persist>(&*disk->running) : nullptr;
  if (persist == nullptr || state.snapshot != persist->install) return;
  if (persist->install.has_value()) LearnOfSnapshot(*persist->install, disk);
}

void Checkers::OnSend(std::uint32_t host, const Raft& raft, const Message& message) {
  if (!on_) return;
  Promises::CheckMessage(*Told(told::kPromise, &message), disks_[host].image);
  NoteAbsence(message);
  const auto* repair = std::get_if<RepairResponse>(&message.body);
  if (repair != nullptr && repair->verdict == RepairVerdict::kAbsent) {
    const bool is_known =
        !disks_[host].image.forgot_knowingly() || raft.standing() == Standing::kProven;
    Forgetting::CheckAbsence(host, repair->first, Told(told::kKnowsAbsence, is_known));
  }
  ObserveStep(host, raft, told::kServerAtSend);
  if (specified_) specification_.OnSend(host, *Told(told::kSent, &message));
}

void Checkers::NoteAbsence(const Message& message) {
  const auto* answer = std::get_if<RepairResponse>(&message.body);
  if (answer == nullptr || answer->verdict != RepairVerdict::kAbsent) return;
  const auto to = host_of_.find(message.to);
  if (to != host_of_.end()) cuts_.OnAbsent(to->second, message.from, message.term, answer->first);
}

// In force for the entry of this index on the host's disk; nullopt if that is not known any more.
std::optional<Configuration> Checkers::ConfigurationBefore(std::uint32_t host, Index index) const {
  const DurableImage& image = disks_[host].image;
  for (Index at = index - 1; at > Index(0); at = at - 1) {
    const Term term = at <= image.snapshot() ? commits_.TermAt(at) : image.TermAt(at);
    const Entry* entry = logs_.Find(at, term);
    if (entry == nullptr) return std::nullopt;
    if (entry->type != EntryType::kConfiguration) continue;
    return DecodeConfiguration(entry->payload.view());
  }
  return std::nullopt;
}

void Checkers::CheckRepairCut(std::uint32_t host, Index first) const {
  const DurableImage& image = disks_[host].image;
  if (first <= image.snapshot() || first > image.last() || image.TermAt(first) == Term()) return;
  for (const Index at : {first - 1, first}) {
    if (at > commits_.last() || at <= image.snapshot()) continue;
    if (commits_.TermAt(at) != image.TermAt(at)) return;
  }
  const auto configuration = ConfigurationBefore(host, first);
  if (!configuration.has_value()) return;
  const Term promised = cuts_.PromisedBy(host);
  const auto leader = elections_.LeaderOf(promised);
  const bool may_lack = leader.has_value() && image.TermAt(first) < promised;
  cuts_.CheckCut(host, Told(told::kRepairCut, first), *configuration,
                 may_lack ? ids_[*leader] : NodeId());
}

void Checkers::ObserveStep(std::uint32_t host, const Raft& raft,
                           const Testimony<ServerView>& testimony) {
  if (!specified_ || specification_.HasSeen(host, raft)) return;
  specification_.Observe(host, Told(testimony, ViewOf(raft)));
}

void Checkers::CheckRepairFill(std::uint32_t host, const MendLog& mend) const {
  const DurableImage& image = disks_[host].image;
  const auto place = [&](Index index, Term term) {
    const bool committed = index <= commits_.last();
    return RepairFill::Place{.lost = image.TermAt(index),
                             .committed = committed ? commits_.TermAt(index) : Term(),
                             .was = logs_.Find(index, term)};
  };
  for (const Entry& entry : mend.fill) {
    const Entry* filled = Told(told::kFilled, &entry);
    RepairFill::CheckEntry(host, *filled, place(filled->index, filled->term));
  }
  if (mend.previous_term == Term()) return;
  const Index before = mend.fill.front().index - 1;
  const Term learnt = Told(told::kTermLearnt, mend.previous_term);
  RepairFill::CheckTerm(host, before, learnt, place(before, learnt));
}

void Checkers::OnDurableJobBegins(std::uint32_t host, const DiskJob& job) {
  GRASS_CHECK(!disks_[host].running.has_value());
  const auto* mend = std::get_if<MendLog>(&job);
  if (on_ && mend != nullptr && !mend->fill.empty()) CheckRepairFill(host, *mend);
  disks_[host].running = job;
}

// To everybody else it is as one that has lost its disk, from then on.
void Checkers::NoteRenewal(std::uint32_t host, Incarnation before) {
  if (disks_[host].image.incarnation() != before) ++losses_[host];
}

// Nothing of it has been done, and a crash must not show any.
void Checkers::OnDurableJobRefused(std::uint32_t host) {
  GRASS_CHECK(disks_[host].running.has_value());
  disks_[host].running.reset();
}

void Checkers::OnDurableJobDone(std::uint32_t host) {
  DiskState& disk = disks_[host];
  GRASS_CHECK(disk.running.has_value());
  const Index held = std::min(disk.image.last(), commits_.last());
  const bool committed = disk.image.Holds(held, commits_.TermAt(held));
  const Incarnation before = disk.image.incarnation();
  const bool was_founder = disk.image.hard_state().founder;
  if (const auto* persist = std::get_if<Persist>(&*disk.running)) {
    if (persist->install.has_value()) LearnOfSnapshot(*persist->install, &disk);
    disk.image.Apply(*persist);
  } else if (const auto* mend = std::get_if<MendLog>(&*disk.running)) {
    if (on_ && mend->fill.empty()) CheckRepairCut(host, mend->cut_from);
    disk.image.Apply(*mend);
    if (!mend->fill.empty()) {
      store::LostEntries lost(std::move(disk.lost));
      lost.Fill({.index = mend->fill.front().index - 1, .term = mend->previous_term},
                mend->fill.back().index);
      disk.lost = lost.ranges();
    }
  } else {
    disk.image.Apply(std::get<PublishSnapshot>(*disk.running));
  }
  disk.running.reset();
  NoteRenewal(host, before);
  const bool is_founder = Told(told::kIsFounder, disk.image.hard_state().founder);
  if (on_ && wiped_[host] && !was_founder && is_founder) {
    Forgetting::CheckBirth(host, commits_.last());
  }
  const bool holds = Told(told::kHoldsCommitted, disk.image.Holds(held, commits_.TermAt(held)));
  GRASS_RULE("committed for ever", !committed || holds,
             NodeName(host) + " durably cut the committed entry of index " + Decimal(held.value()));
}

void Checkers::OnSendInRepair(std::uint32_t host, const Message& message) {
  if (!on_) return;
  Promises::CheckRepair(*Told(told::kPromiseInRepair, &message), disks_[host].image);
  NoteAbsence(message);
  if (specified_) specification_.OnSendInRepair(host, *Told(told::kSentInRepair, &message));
}

void Checkers::OnDamaged(std::uint32_t host, const RecoveredState& state, DamageMet met) {
  DiskState& disk = disks_[host];
  NoteInstalled(state, &disk);
  const RecoveredState whole = Recovery::Completed(disk.image, disk.running, state);
  if (on_) {
    Recovery::CheckLoss(host, Told(told::kMetByLoss, met));
    Recovery::Check(host, disk.image, disk.running, *Told(told::kRecoveredWithLoss, &whole), met);
    resources_.ObserveStart(host, *Told(told::kDamagedInMemory, &state));
  }
  const Incarnation before = disk.image.incarnation();
  disk.image = DurableImage::Of(whole, disk.image, disk.running);
  NoteRenewal(host, before);
  disk.running.reset();
  disk.lost = state.damage.lost;
  cuts_.Begin(host, state.hard_state.term);
}

void Checkers::OnWiped(std::uint32_t host) {
  ++losses_[host];
  wiped_[host] = true;
  cuts_.Forget(host);
  DurableImage before = std::exchange(disks_[host].image, DurableImage());
  disks_[host].image.BeginForgetting(std::move(before));
  disks_[host].running.reset();
  disks_[host].rolled_back = false;
}

void Checkers::OnRolledBack(std::uint32_t host, DiskState state) {
  ++losses_[host];
  DiskState before = std::exchange(disks_[host], std::move(state));
  disks_[host].image.BeginForgetting(std::move(before.image));
  disks_[host].rolled_back = true;
}

void Checkers::OnRollBackKnown(std::uint32_t host) {
  disks_[host].rolled_back = false;
}

void Checkers::OnRecovered(std::uint32_t host, const RecoveredState& state, DamageMet met) {
  DiskState& disk = disks_[host];
  NoteInstalled(state, &disk);
  if (on_) {
    Recovery::Check(host, disk.image, disk.running, *Told(told::kRecovered, &state), met);
    MembershipRules::CheckRecovered(host, *Told(told::kRecoveredMembers, &state), logs_);
    resources_.ObserveStart(host, *Told(told::kRecoveredInMemory, &state));
  }
  if (on_ && met == DamageMet::kYes) {
    DamageNoticed::CheckRecovered(host, *Told(told::kRecoveredFromDamage, &state), logs_);
  }
  DurableImage recovered = DurableImage::Of(state);
  recovered.ForgetAs(disk.image);
  const Incarnation before = std::exchange(disk.image, std::move(recovered)).incarnation();
  NoteRenewal(host, before);
  disk.running.reset();
  disk.lost.clear();
  logs_.Forget(host);
  commits_.Forget(host);
  states_.Forget(host);
  memberships_.Forget(host);
  if (specified_) specification_.Begin(host, state);
  shown_[host] = Index();
  standings_[host] = {};
  progress_.Begin(host, state.hard_state.term, state.hard_state.voted_for);
}

void Checkers::AfterStep(std::uint32_t host, std::uint64_t life, const Node& node) {
  const Raft& raft = node.raft();
  if (!on_) {
    seen_commit_ = std::max(seen_commit_, raft.commit_index());
    return;
  }
  const Log& log = raft.log();
  progress_.Observe(host, Told(told::kStanding, {raft.term(), raft.voted_for(), raft.commit_index(),
                                                 node.applied_index()}));
  if (raft.standing() == Standing::kProven && !disks_[host].rolled_back) {
    disks_[host].image.EndForgetting();
  }
  const LogMatching::Change change = logs_.Observe(host, *Told(told::kLog, &log));
  const LeaderAppendOnly::Standing standing{raft.role(), raft.term()};
  LeaderAppendOnly::Observe(host, standings_[host], standing, Told(told::kLogChange, change));
  standings_[host] = standing;
  memberships_.Observe(host, raft);
  if (standing.role == Role::kLeader) {
    if (elections_.ObserveLeader(host, Told(told::kLifeOfLeader, life), standing.term)) {
      commits_.ObserveNewLeader(host, standing.term, *Told(told::kLogOfNewLeader, &log));
      Promises::CheckVotes(Told(told::kTermWon, standing.term), raft.id(), raft.configuration(),
                           image_of_);
    }
    Promises::CheckMatch(standing.term, log, *Told(told::kFollowers, raft.followers()), image_of_);
    progress_.ObserveMatch(host,
                           {.term = standing.term,
                            .followers = Told(told::kFollowersOverTime, raft.followers()),
                            .configuration = &raft.configuration(),
                            .configured = raft.configuration_index()},
                           losses_of_);
  }
  if (commits_.ObserveCommit(host, standing.role, Told(told::kTermOfCommit, standing.term),
                             Told(told::kCommit, raft.commit_index()), log)) {
    CheckCommitQuorum(raft);
    FeedReference();
    ReleasePast();
  }
  ObserveStep(host, raft, told::kServerAfterStep);
  const bool all_applied = node.loaded() && node.applied_index() == log.last_index();
  const bool all_committed = node.may_read_back() && raft.commit_index() == log.last_index() &&
                             raft.durable_index() == log.last_index();
  const bool settled = !node.failed() && (all_applied || all_committed);
  resources_.Observe(
      host,
      Told(told::kHeld, {.requests_waiting = node.requests_waiting(),
                         .sessions = node.store().sessions(),
                         .settled_log_bytes = settled ? std::optional(log.bytes()) : std::nullopt,
                         .load = raft.load(),
                         .followers = raft.followers()}));
  if (node.applied_index() != shown_[host] && node.loaded()) ObserveState(host, node);
}

// In the batch of inputs that moved the commit index the leader may have appended another
// configuration behind it, and counted with that or with the one before.
void Checkers::CheckCommitQuorum(const Raft& raft) const {
  const Index last = commits_.last();
  const Term term = Told(told::kCommittedByQuorum, commits_.TermAt(last));
  if (Promises::RestsOnQuorum(last, term, raft.configuration(), image_of_)) return;
  Promises::CheckQuorum(last, term, raft.ConfigurationAt(last).first, image_of_);
}

void Checkers::FeedReference() {
  while (reference_.applied() < commits_.last()) {
    const Index next = reference_.applied() + 1;
    const Entry* entry = logs_.Find(next, commits_.TermAt(next));
    GRASS_CHECK(entry != nullptr);
    if (entry->type == EntryType::kConfiguration) {
      ++configurations_committed_;
      Promises::CheckQuorum(next, Told(told::kConfigurationCommitted, entry->term),
                            *DecodeConfiguration(entry->payload.view()), image_of_);
    }
    reference_.Apply(*Told(told::kCommittedEntry, entry));
  }
}

void Checkers::ObserveState(std::uint32_t host, const Node& node) {
  const Index applied = node.applied_index();
  if (shown_[host] == Index() || applied.value() % kAnswersCounted == 0) {
    resources_.ObserveAnswers(host, Told(told::kAnswersKept, node.store().CountAnswers()));
  }
  shown_[host] = applied;
  states_.Observe(host, applied, Told(told::kDigest, node.store().digest()), node.raft().log(),
                  commits_);
  reference_.Check(host, applied,
                   Told(told::kStoreShown, {node.store().revision().value(), node.store().size(),
                                            node.store().sessions()}));
}

// Below the lowest log and disk, if that is not too far back. Who has neither holds nothing back:
// it will be sent what others have. What is on a disk that is further back is remembered as long as
// it is there, but not compared with what others had at those places.
void Checkers::ReleasePast() {
  if (commits_.last() - released_ < kReleasedAtATime) return;
  released_ = commits_.last();
  Index lowest = commits_.last();
  for (std::uint32_t host = 0; host < disks_.size(); ++host) {
    const DurableImage& image = disks_[host].image;
    if (image.last() == Index()) continue;
    lowest = std::min({lowest, image.snapshot(), logs_.BaseOf(host).value_or(lowest)});
  }
  lowest = std::max(lowest, Below(commits_.last(), kHeldBackMax));
  const Index below = Below(lowest, kEntriesKept);
  if (below == Index()) return;
  for (DiskState& disk : disks_) {
    const Index own = Below(disk.image.snapshot(), kEntriesKept);
    disk.image.ReleaseBelow(below, std::min(below, own));
  }
  logs_.ReleaseBelow(below);
  commits_.ReleaseBelow(below);
  states_.ReleaseBelow(below);
  specification_.ReleaseBelow(below);
  reference_.ReleaseBelow(below);
}

std::size_t Checkers::Bytes() const {
  std::size_t bytes = elections_.Bytes() + logs_.Bytes() + commits_.Bytes() + states_.Bytes() +
                      specification_.Bytes() + reference_.Bytes();
  for (const DiskState& disk : disks_) bytes += disk.image.Bytes();
  return bytes;
}

void Checkers::CheckCopy(std::uint32_t host, Index index, const KvStore& copy) const {
  if (!on_) return;
  reference_.Check(host, index,
                   Told(told::kCopyShown, {copy.revision().value(), copy.size(), copy.sessions()}));
  states_.CheckCopy(host, index, Told(told::kDigestOfCopy, copy.digest()));
}

void Checkers::AtEnd(std::uint32_t host, const Node& node) const {
  if (!on_) return;
  const Index applied = Told(told::kAppliedAtEnd, node.applied_index());
  GRASS_RULE("convergence", applied == reference_.applied(),
             NodeName(host) + " has not applied everything that is committed");
  reference_.CheckAll(host, *Told(told::kStoreAtEnd, &node.store()));
}

}  // namespace grassdb::sim
