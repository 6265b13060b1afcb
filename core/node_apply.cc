// What is committed becomes part of the state, in its order. What of it is not in memory is read
// from the disk; and what need not be in memory is let go of.
#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/node.h"
#include "core/probe.h"

namespace grassdb {

void Node::Apply() {
  if (!loaded()) return;
  // Behind the log's base lies a snapshot that is being installed; the state waits for it.
  while (applied_ < apply_through_ && applied_ >= raft_.log().base_index()) {
    if (raft_.log().IsEvicted(applied_ + 1)) {
      ReadToApply(applied_ + 1);
      break;
    }
    ApplyEntry(raft_.log().At(applied_ + 1));
    if (GRASS_BUGGIFY("apply: only a part for now")) break;
  }
  // Until there is any, nothing is known: a node may have waited, or loaded, for long.
  const bool is_first = time_base_ == 0 && store_.time() > 0;
  if (is_first || store_.time() > CurrentTime()) RebaseTime();
}

// The log of the last life is longer than memory reaches, or has grown so while the state was
// loaded. A piece at a time, so that nothing else waits for long.
void Node::ReadToApply(Index first) {
  if (apply_read_.has_value()) return;
  const Log& log = raft_.log();
  ReadEntries read;
  read.first = first;
  read.term = *log.TermAt(first);
  read.last =
      log.LastIndexWithTermAtMost(std::min(apply_through_, log.evicted_through()), read.term);
  read.count_max = options_.raft.append_entries_max;
  read.bytes_max = options_.snapshot_chunk_bytes;
  apply_read_ = read;
  environment_.disk->Submit(std::move(read));
}

void Node::ApplyRead(EntriesRead done) {
  GRASS_CHECK(apply_read_.has_value());
  GRASS_CHECK_EQ(apply_read_->first, done.wanted.first);
  apply_read_.reset();
  const Log& log = raft_.log();
  const bool wanted = loaded() && done.wanted.first == applied_ + 1 && log.IsEvicted(applied_ + 1);
  if (!wanted) {
    GRASS_PROBE("apply: a snapshot was quicker than what was read");
  } else if (!done.status.ok()) {
    FailToApply(done.status);
  } else if (!done.entries.empty()) {
    GRASS_PROBE("apply: entries that were read from the disk");
    apply_reads_failed_ = 0;
    // The disk reads the next piece while this one is applied.
    const Index next = done.entries.back().index + 1;
    if (next <= apply_through_ && log.IsEvicted(next)) ReadToApply(next);
    for (const Entry& entry : done.entries) {
      GRASS_CHECK_LE(entry.index, apply_through_);
      GRASS_CHECK(log.Matches(entry.index, entry.term));
      ApplyEntry(entry);
    }
  }
  if (failed()) return;
  Apply();
  AnswerReads();
}

// A read can go wrong once. What is damaged is committed, and may be nowhere in memory any more: no
// snapshot of this node can stand for it, but the next life gets it from the others.
void Node::FailToApply(const absl::Status& status) {
  constexpr int kTriesMax = 2;
  if (++apply_reads_failed_ < kTriesMax) return;
  GRASS_PROBE("apply: cannot be read");
  const std::string text(status.message().data(), status.message().size());
  Fail(
      absl::DataLossError("cannot read back entry " + std::to_string(applied_.value() + 1) +
                          ", which is committed, to apply it: " + text +
                          ". Start the node again in its cluster, where it repairs itself from the "
                          "other members"));
}

// Some at a time, so that it is not done for every entry. What is not committed is bounded by what
// a leader may have under way. What is, and waits only for the state to be loaded, is read back.
void Node::EvictOldest() {
  const Log& log = raft_.log();
  const std::size_t bytes_max = options_.log_memory_bytes;
  while (log.bytes() > bytes_max + bytes_max / 8) {
    // A step may apply more.
    const Index through_max = may_read_back() ? apply_through_ : applied_;
    const Index through = std::min(log.OldestBeyond(bytes_max), through_max);
    if (through <= log.evicted_through()) return;
    if (through > applied_) GRASS_PROBE("evict: before it is applied");
    Step(Evict{.through = through});
  }
}

void Node::ApplyEntry(const Entry& entry) {
  GRASS_CHECK_EQ(entry.index, applied_ + 1);
  GRASS_CHECK_GE(entry.term, applied_term_);
  applied_ = entry.index;
  applied_term_ = entry.term;
  log_bytes_since_snapshot_ += CostOf(entry);
  std::optional<CommandResult> result;
  if (entry.type == EntryType::kCommand) {
    GRASS_CHECK_MSG(DecodeCommand(entry.payload.view(), &applying_),
                    "a committed command does not decode");
    result = store_.Apply(entry.index, applying_);
  }
  if (waiting_commands_.empty() || waiting_commands_.front().index > entry.index) return;
  const WaitingCommand waiting = waiting_commands_.front();
  waiting_commands_.pop_front();
  GRASS_CHECK_EQ(waiting.index, entry.index);
  // Who waits has led ever since it proposed (NoticeRole): nobody else wrote to that place.
  GRASS_CHECK_EQ(waiting.term, entry.term);
  GRASS_CHECK(result.has_value());
  Reply reply = MakeReply(ReplyCode::kOk);
  if (result->code == CommandResult::Code::kSessionUnknown) {
    reply = MakeReply(ReplyCode::kSessionUnknown, "the session is unknown or has expired");
  } else if (result->code == CommandResult::Code::kStaleSequence) {
    reply =
        MakeReply(ReplyCode::kStaleSequence, "the session's client has acknowledged this command");
  } else if (result->code == CommandResult::Code::kAnswerTooLarge) {
    reply = MakeReply(ReplyCode::kInvalid, "the transaction reads more than " +
                                               std::to_string(kAnswerBytesMax) +
                                               " bytes of values; nothing was changed");
  }
  reply.revision = result->revision;
  reply.command = *std::move(result);
  environment_.clients->Answer(waiting.request, std::move(reply));
}

}  // namespace grassdb
