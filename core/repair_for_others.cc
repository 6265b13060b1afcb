// What a node in repair gives to others that repair themselves. Of the log it reads it from the
// disk.
#include <span>
#include <utility>

#include "core/probe.h"
#include "core/repair.h"
#include "core/repair_answer.h"

namespace grassdb {
namespace {

// More than a cluster has members.
constexpr std::size_t kAskingMax = 64;

}  // namespace

class Repair::View final : public LogView {
 public:
  // `read`: entries from the disk, from one index on without a gap.
  View(const Repair& repair, std::span<const Entry> read) : repair_(repair), read_(read) {}

  Index base_index() const override { return repair_.log_.terms.base().index; }
  Index last_index() const override { return repair_.log_.last().index; }
  Index commit_index() const override {
    return repair_.snapshot_.has_value() ? repair_.snapshot_->index : base_index();
  }
  Standing standing() const override { return repair_.OwnStanding(); }
  bool HasSnapshotFor(Index index) const override {
    return repair_.snapshot_.has_value() && repair_.snapshot_->index >= index;
  }
  std::optional<Term> TermAt(Index index) const override { return repair_.TermAt(index); }
  bool IsWhole(Index index) const override {
    return index > base_index() && index <= last_index() && !repair_.IsLost(index);
  }
  const Entry* Find(Index index) const override {
    if (read_.empty() || index < read_.front().index || index > read_.back().index) return nullptr;
    return IsWhole(index) ? &read_[index - read_.front().index] : nullptr;
  }

 private:
  const Repair& repair_;
  const std::span<const Entry> read_;
};

void Repair::OnRequest(const Message& message, const RepairRequest& request) {
  if (request.ask == RepairAsk::kSnapshot) {
    if (!snapshot_.has_value() || snapshot_->index < request.first) return;
    if (reads_) return LetWait(message);
    reads_ = true;
    environment_.disk->Submit(
        ReadOfChunk(message.from, request, *snapshot_, options_.snapshot_chunk_bytes));
    return;
  }
  if (request.first == Index(0) || request.last < request.first) return;
  if (request.ask == RepairAsk::kProof && message.term > hard_state_.term && !HearsLeader()) {
    // It is asked again, and answers then.
    if (!busy_) GoToNextTerm(message.term);
    return;
  }
  const View view(*this, {});
  const Index first = FirstGiven(view, request);
  if (first > Index(0)) return ReadToAnswer(message, request, first);
  Send(message.from, AnswerRepair(view, request, options_.raft.append_bytes_max));
}

// One is read for at a time. Of each that asks meanwhile the newest request waits.
void Repair::LetWait(const Message& message) {
  std::erase_if(asking_, [&](const Message& other) { return other.from == message.from; });
  if (asking_.size() < kAskingMax) asking_.push_back(message);
}

void Repair::AnswerNext() {
  reads_ = false;
  while (!reads_ && !asking_.empty()) {
    const Message message = std::move(asking_.front());
    asking_.pop_front();
    OnRequest(message, std::get<RepairRequest>(message.body));
  }
}

void Repair::ReadToAnswer(const Message& message, const RepairRequest& request, Index first) {
  if (reads_) return LetWait(message);
  reads_ = true;
  answers_ = message;
  ReadEntries read{.reader = message.from,
                   .purpose = ReadFor::kRepair,
                   .first = first,
                   .last = first,
                   .term = *TermAt(first),
                   .count_max = options_.raft.append_entries_max,
                   .bytes_max = options_.raft.append_bytes_max};
  const auto goes_on = [&](Index next) {
    return next <= request.last && next - first < read.count_max && !IsLost(next) &&
           TermAt(next) == read.term;
  };
  while (goes_on(read.last + 1)) read.last = read.last + 1;
  environment_.disk->Submit(std::move(read));
}

void Repair::OnDone(const EntriesRead& done) {
  if (done_) return;
  if (done.status.ok() && done.entries.empty()) return environment_.disk->Submit(done.wanted);
  if (!done.status.ok()) GRASS_PROBE("repair: what is asked for cannot be read");
  if (done.status.ok()) GRASS_PROBE("repair: answers from the disk");
  const Message message = *std::exchange(answers_, std::nullopt);
  Send(message.from, AnswerRepair(View(*this, done.entries), std::get<RepairRequest>(message.body),
                                  options_.raft.append_bytes_max));
  AnswerNext();
}

void Repair::OnDone(const SnapshotRead& done) {
  if (done.status.ok()) Send(done.reader, AnswerWithChunk(*snapshot_, done));
  AnswerNext();
}

}  // namespace grassdb
