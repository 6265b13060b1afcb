#include "core/repair_answer.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/chunk.h"
#include "core/probe.h"
#include "core/raft.h"

namespace grassdb {
namespace {

enum class Reach : std::uint8_t { kAtHand, kWhole };

class Answerer {
 public:
  Answerer(const LogView& log, std::size_t bytes_max, Reach reach)
      : log_(log), bytes_max_(bytes_max), reach_(reach) {}

  RepairResponse Answer(const RepairRequest& request) const {
    RepairResponse answer;
    answer.first = request.first;
    answer.last = request.last;
    answer.last_term = request.last_term;
    answer.verdict = Judge(request, answer);
    answer.checksum = ChecksumOf(answer);
    return answer;
  }

  RepairVerdict Judge(const RepairRequest& request, RepairResponse& answer) const {
    const Index first = request.first;
    if (first <= log_.base_index()) {
      const bool gives_rest = !log_.HasSnapshotFor(first) && TakeRest(request, answer);
      return gives_rest ? RepairVerdict::kRest : RepairVerdict::kReleased;
    }
    const Index held = LastOfTerm(request);
    if (held >= first && Take(first, held, answer)) return RepairVerdict::kHeld;
    const Index committed = std::min(request.last, log_.commit_index());
    if (committed >= first && Take(first, committed, answer)) return RepairVerdict::kCommitted;
    if (TakeRest(request, answer)) return RepairVerdict::kRest;
    return IsAbsent(request) ? RepairVerdict::kAbsent : RepairVerdict::kUnknown;
  }

 private:
  // The last entry of the range that has its last term: it is of the same leader as the lost one,
  // whose log up to there was the same. 0: there is none.
  Index LastOfTerm(const RepairRequest& request) const {
    Index index = std::min(request.last, log_.last_index());
    const Index first = std::max(request.first, log_.base_index() + 1);
    for (; index >= first; index = index - 1) {
      const std::optional<Term> term = log_.TermAt(index);
      if (term == request.last_term) return index;
      if (term.has_value() && *term < request.last_term) break;
    }
    return Index();
  }

  bool Take(Index first, Index through, RepairResponse& answer) const {
    const std::optional<Term> previous = log_.TermAt(first - 1);
    if (!previous.has_value()) return false;
    answer.previous_term = *previous;
    if (reach_ == Reach::kWhole) {
      if (log_.IsWhole(first)) answer.entries.emplace_back().index = first;
      return !answer.entries.empty();
    }
    std::size_t bytes = 0;
    for (Index index = first; index <= through; ++index) {
      const Entry* entry = log_.Find(index);
      if (entry == nullptr) break;
      bytes += CostOf(*entry);
      if (bytes > bytes_max_ && !answer.entries.empty()) break;
      answer.entries.push_back(*entry);
      if (GRASS_BUGGIFY("repair: a single entry")) break;
    }
    return !answer.entries.empty();
  }

  // The first whole ones behind those that this log has not either. With the term of the one before
  // them, which is that of the lost one as well, somebody else may be able to tell that it has
  // that.
  bool TakeRest(const RepairRequest& request, RepairResponse& answer) const {
    if (!request.takes_rest) return false;
    const Index held = LastOfTerm(request);
    for (Index at = std::max(request.first, log_.base_index()) + 1; at <= held; ++at) {
      if (Take(at, held, answer)) return true;
    }
    return false;
  }

  bool IsAbsent(const RepairRequest& request) const {
    if (log_.standing() != Standing::kProven) return false;
    if (request.first > log_.last_index()) return true;
    const std::optional<Term> term = log_.TermAt(request.first);
    return term.has_value() && (*term < request.previous_term || *term > request.last_term);
  }

  const LogView& log_;
  const std::size_t bytes_max_;
  const Reach reach_;
};

class RaftLogView final : public LogView {
 public:
  // `read`: evicted entries, from one index on without a gap.
  RaftLogView(const Raft& raft, std::span<const Entry> read) : raft_(raft), read_(read) {}

  Index base_index() const override { return raft_.log().base_index(); }
  Index last_index() const override { return raft_.log().last_index(); }
  Index commit_index() const override { return raft_.commit_index(); }
  Standing standing() const override { return raft_.standing(); }
  // A node that runs has one for all that it has released.
  bool HasSnapshotFor(Index) const override { return true; }
  std::optional<Term> TermAt(Index index) const override { return raft_.log().TermAt(index); }
  bool IsWhole(Index index) const override { return index > base_index() && index <= last_index(); }
  const Entry* Find(Index index) const override {
    if (!IsWhole(index)) return nullptr;
    if (!raft_.log().IsEvicted(index)) return &raft_.log().At(index);
    if (read_.empty() || index < read_.front().index || index > read_.back().index) return nullptr;
    return &read_[index - read_.front().index];
  }

 private:
  const Raft& raft_;
  const std::span<const Entry> read_;
};

}  // namespace

RepairResponse AnswerRepair(const LogView& log, const RepairRequest& request,
                            std::size_t bytes_max) {
  return Answerer(log, bytes_max, Reach::kAtHand).Answer(request);
}

Index FirstGiven(const LogView& log, const RepairRequest& request) {
  RepairResponse answer;
  Answerer(log, 0, Reach::kWhole).Judge(request, answer);
  return answer.entries.empty() ? Index() : answer.entries.front().index;
}

ReadSnapshot ReadOfChunk(NodeId reader, const RepairRequest& request, const SnapshotMeta& snapshot,
                         std::size_t bytes_max) {
  const bool goes_on =
      request.snapshot_index == snapshot.index && request.snapshot_term == snapshot.term;
  return {.index = snapshot.index,
          .offset = goes_on ? request.offset : 0,
          .size_max = static_cast<std::uint32_t>(bytes_max),
          .reader = reader,
          .purpose = ReadFor::kRepair};
}

RepairResponse AnswerWithChunk(const SnapshotMeta& snapshot, const SnapshotRead& read) {
  RepairResponse answer;
  answer.verdict = RepairVerdict::kChunk;
  answer.chunk.meta = snapshot;
  answer.chunk.offset = read.offset;
  answer.chunk.last = read.last;
  answer.chunk.data = read.data;
  answer.chunk.checksum = ChecksumOf(answer.chunk);
  answer.checksum = ChecksumOf(answer);
  return answer;
}

// Outside of the term checks: the one who asks promises nothing. Only where its term is to make an
// answer a proof is it taken over, as a candidate's is, and not against a leader (thesis 4.2.3),
// but for one that reaches who asks: it is deposed as by any follower that has gone to a later
// term.
void Raft::OnRepairRequest(const Message& message, const RepairRequest& request) {
  if (request.ask == RepairAsk::kSnapshot) return LearnCommitted(request.last, request.last_term);
  if (request.first == Index(0) || request.last < request.first) return;
  const bool leads = std::holds_alternative<LeaderState>(role_);
  const bool defends = leads ? !request.deposes : now_ < defends_until_;
  if (request.ask == RepairAsk::kProof && message.term > hard_state_.term && !defends) {
    GRASS_PROBE("repair: a term is taken over for a proof");
    if (leads) GRASS_PROBE("repair: a leader of an earlier term is deposed");
    BecomeFollower(message.term, NodeId());
  }
  if (log_.IsEvicted(request.first)) return ReadForRepair(message, request);
  SendRepair(message.from, request, {});
}

// The log that holds the entry too is the same up to there (log matching, thesis 3.5). A leader
// counts by itself.
void Raft::LearnCommitted(Index index, Term term) {
  if (std::holds_alternative<LeaderState>(role_)) return;
  if (index <= commit_index_ || log_.TermAt(index) != term) return;
  GRASS_PROBE("repair: who asks knows what was committed");
  commit_index_ = index;
  // It may have been its removal.
  if (std::holds_alternative<CandidateState>(role_) && !MayCampaign()) {
    BecomeFollower(hard_state_.term, NodeId());
  }
}

void Raft::SendRepair(NodeId to, const RepairRequest& request, std::span<const Entry> read) {
  const RaftLogView view(*this, read);
  RepairResponse answer = AnswerRepair(view, request, options_.append_bytes_max);
  // What is said to be absent must not be there after a restart either.
  Send(to, std::move(answer), std::max(term_persist_, last_persist_));
}

// One at a time: who is not answered asks again.
void Raft::ReadForRepair(const Message& message, const RepairRequest& request) {
  if (repair_waits_.has_value()) return;
  GRASS_PROBE("repair: entries are read from the disk");
  repair_waits_ = message;
  output_->entries_needed.push_back(
      EvictedFrom(request.first, request.last, options_.append_entries_max));
  output_->entries_needed.back().reader = message.from;
  output_->entries_needed.back().purpose = ReadFor::kRepair;
}

void Raft::OnReadForRepair(const EntriesRead& read) {
  GRASS_CHECK(repair_waits_.has_value());
  const Message message = *std::exchange(repair_waits_, std::nullopt);
  const auto& request = std::get<RepairRequest>(message.body);
  GRASS_CHECK_EQ(request.first, read.wanted.first);
  if (IsReplaced(read.wanted)) {
    GRASS_PROBE("repair: the entries have been cut meanwhile");
    return;
  }
  SendRepair(message.from, request, read.entries);
}

}  // namespace grassdb
