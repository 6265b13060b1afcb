#include "core/kv_store.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/hash.h"
#include "core/probe.h"

namespace grassdb {
namespace {

std::uint64_t DigestOf(const KeyValue& held) {
  std::uint64_t digest = HashBytes(held.value(), HashBytes(held.key()));
  digest = Fold(digest, held.create_revision.value());
  digest = Fold(digest, held.mod_revision.value());
  return Fold(digest, held.version);
}

std::uint64_t DigestOf(SessionId session, Sequence sequence, const CommandResult& answer) {
  std::uint64_t digest =
      KeyedRandom(session.value(), sequence.value(), static_cast<std::uint64_t>(answer.code),
                  answer.succeeded ? 1 : 0, answer.revision.value());
  for (const OperationResult& operation : answer.operations) {
    digest = Fold(HashBytes(operation.value, digest), operation.found ? 1 : 0);
    digest = Fold(digest, operation.mod_revision.value());
  }
  return digest;
}

std::uint64_t DigestOf(SessionId session, ClusterTime last_used, std::uint64_t last_index,
                       Sequence acknowledged) {
  return KeyedRandom(session.value(), last_used, last_index, acknowledged.value());
}

std::size_t BytesOf(const CommandResult& answer) {
  std::size_t bytes = 0;
  for (const OperationResult& operation : answer.operations) bytes += operation.value.size();
  return bytes;
}

bool Relates(Compare::Relation relation, std::strong_ordering order) {
  switch (relation) {
    case Compare::Relation::kEqual:
      return order == std::strong_ordering::equal;
    case Compare::Relation::kNotEqual:
      return order != std::strong_ordering::equal;
    case Compare::Relation::kLess:
      return order == std::strong_ordering::less;
    case Compare::Relation::kGreater:
      return order == std::strong_ordering::greater;
  }
  return false;
}

}  // namespace

CommandResult KvStore::Apply(Index index, const Command& command) {
  time_ = std::max(time_, command.time);
  ForgetIdleSessions();
  switch (command.kind) {
    case Command::Kind::kOpenSession:
      return OpenSession(index);
    case Command::Kind::kCloseSession: {
      Forget(command.session);
      CommandResult result;
      result.revision = revision_;
      return result;
    }
    case Command::Kind::kTransaction:
      if (command.session == SessionId(0)) return ApplyTransaction(command.transaction);
      return ApplyInSession(index, command);
  }
  GRASS_CHECK_MSG(false, "a command of an unknown kind was decoded");
  return {};
}

const KeyValue* KvStore::Find(std::string_view key) const {
  return map_.Find(key);
}

std::uint64_t KvStore::digest() const {
  return KeyedRandom(map_digest_, session_digest_, revision_.value(), time_, map_.size(),
                     sessions_.size());
}

// --- Sessions (thesis 6.3) ---

CommandResult KvStore::OpenSession(Index index) {
  const SessionId id(index.value());
  GRASS_CHECK(!sessions_.contains(id));
  // Bounded memory: the one idle longest goes first. Its client is told
  // kSessionUnknown, and a late retry of its last command is refused, not
  // applied again.
  while (sessions_.size() >= options_.sessions_max) {
    GRASS_PROBE("session: evicted");
    Forget(idle_order_.oldest());
  }
  Touch(id, sessions_[id], index, Sequence());
  CommandResult result;
  result.session = id;
  result.revision = revision_;
  return result;
}

CommandResult KvStore::ApplyInSession(Index index, const Command& command) {
  CommandResult refusal;
  refusal.revision = revision_;
  const auto at = sessions_.find(command.session);
  if (at == sessions_.end()) {
    refusal.code = CommandResult::Code::kSessionUnknown;
    return refusal;
  }
  Session& session = at->second;
  Touch(command.session, session, index, command.acknowledged);
  if (command.sequence <= session.acknowledged) {
    GRASS_PROBE("session: a late copy of a settled write");
    refusal.code = CommandResult::Code::kStaleSequence;
    return refusal;
  }
  const auto answer = std::ranges::lower_bound(session.answers, command.sequence, {},
                                               [](const auto& each) { return each.first; });
  if (answer != session.answers.end() && answer->first == command.sequence) {
    GRASS_PROBE("session: a retry gets the first answer");
    return answer->second;
  }
  CommandResult result = ApplyTransaction(command.transaction);
  KeepAnswer(command.session, session, command.sequence, result);
  return result;
}

// Bounded memory, as with the sessions themselves: who is forgotten is told so,
// and a late retry is refused.
void KvStore::KeepAnswer(SessionId id, Session& session, Sequence sequence,
                         const CommandResult& answer) {
  session_digest_ += DigestOf(id, sequence, answer);
  auto behind = session.answers.end();
  while (behind != session.answers.begin() && std::prev(behind)->first > sequence) --behind;
  session.answers.emplace(behind, sequence, answer);
  const std::size_t bytes = BytesOf(answer);
  session.answer_bytes += bytes;
  answer_bytes_ += bytes;
  if (session.answers.size() > options_.answers_max) {
    ForgetAnswers(id, session, session.answers.front().first);
  }
  while (answer_bytes_ > options_.answer_bytes_max && idle_order_.oldest() != id) {
    Forget(idle_order_.oldest());
  }
  // This session alone has too much: its oldest answers go, but never the one
  // just given. The map has moved it when it forgot others.
  Session& left = sessions_.find(id)->second;
  while (answer_bytes_ > options_.answer_bytes_max && left.answers.size() > 1) {
    ForgetAnswers(id, left, left.answers.front().first);
  }
}

void KvStore::ForgetAnswers(SessionId id, Session& session, Sequence through) {
  if (through <= session.acknowledged) return;
  session_digest_ -= DigestOf(id, session.last_used, session.last_index, session.acknowledged);
  session.acknowledged = through;
  session_digest_ += DigestOf(id, session.last_used, session.last_index, session.acknowledged);
  DropAnswers(id, session);
}

// Those that are acknowledged.
void KvStore::DropAnswers(SessionId id, Session& session) {
  auto kept = session.answers.begin();
  for (; kept != session.answers.end() && kept->first <= session.acknowledged; ++kept) {
    session_digest_ -= DigestOf(id, kept->first, kept->second);
    const std::size_t bytes = BytesOf(kept->second);
    session.answer_bytes -= bytes;
    answer_bytes_ -= bytes;
  }
  session.answers.erase(session.answers.begin(), kept);
}

KvStore::KeptAnswers KvStore::CountAnswers() const {
  KeptAnswers kept;
  for (const auto& [id, session] : sessions_) {
    kept.all += session.answers.size();
    kept.of_one_session = std::max(kept.of_one_session, session.answers.size());
    for (const auto& [sequence, answer] : session.answers) kept.bytes += BytesOf(answer);
  }
  return kept;
}

void KvStore::Touch(SessionId id, Session& session, Index index, Sequence acknowledged) {
  if (session.place == IdleOrder::Place()) {
    session.place = idle_order_.Add(id, time_);
  } else {
    session_digest_ -= DigestOf(id, session.last_used, session.last_index, session.acknowledged);
    idle_order_.Renew(session.place, time_);
  }
  GRASS_CHECK_LT(session.last_index, index.value());
  session.last_used = time_;
  session.last_index = index.value();
  session.acknowledged = std::max(session.acknowledged, acknowledged);
  DropAnswers(id, session);
  session_digest_ += DigestOf(id, session.last_used, session.last_index, session.acknowledged);
}

void KvStore::ForgetIdleSessions() {
  while (!idle_order_.empty() && time_ - idle_order_.oldest_use() > options_.session_idle_max) {
    GRASS_PROBE("session: expired");
    Forget(idle_order_.oldest());
  }
}

void KvStore::Forget(SessionId id) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  const Session& session = at->second;
  session_digest_ -= DigestOf(id, session.last_used, session.last_index, session.acknowledged);
  for (const auto& [sequence, answer] : session.answers) {
    session_digest_ -= DigestOf(id, sequence, answer);
  }
  answer_bytes_ -= session.answer_bytes;
  idle_order_.Remove(session.place);
  sessions_.erase(at);
  GRASS_CHECK_EQ(sessions_.size(), idle_order_.size());
}

void KvStore::ForgetSessions() {
  while (!sessions_.empty()) Forget(sessions_.begin()->first);
  GRASS_CHECK_EQ(session_digest_, 0u);
}

// --- Transactions ---

CommandResult KvStore::ApplyTransaction(const Transaction& transaction) {
  CommandResult result;
  result.succeeded =
      std::ranges::all_of(transaction.compares, [this](const Compare& c) { return Holds(c); });
  // All changes of one transaction share one revision; one that changes nothing
  // takes none.
  const Revision revision = revision_ + 1;
  const auto& operations = result.succeeded ? transaction.success : transaction.failure;
  if (BytesRead(operations) > kAnswerBytesMax) {
    GRASS_PROBE("transaction: refused for what it would read");
    result.code = CommandResult::Code::kAnswerTooLarge;
    result.revision = revision_;
    return result;
  }
  result.operations.reserve(operations.size());
  for (const Operation& operation : operations)
    result.operations.push_back(Run(operation, revision));
  result.revision = revision_;
  return result;
}

// What the gets among `operations` will read. A get sees what came before it in
// the transaction; that is bounded by the transaction's own size, and counted
// here as if it were there from the start.
std::size_t KvStore::BytesRead(const std::vector<Operation>& operations) const {
  std::size_t bytes = 0;
  for (const Operation& operation : operations) {
    if (operation.kind != Operation::Kind::kGet) continue;
    std::size_t largest = 0;
    if (const KeyValue* found = Find(operation.key)) largest = found->value().size();
    for (const Operation& put : operations) {
      if (put.kind == Operation::Kind::kPut && put.key == operation.key) {
        largest = std::max(largest, put.value.size());
      }
    }
    bytes += largest;
  }
  return bytes;
}

bool KvStore::Holds(const Compare& compare) const {
  const KeyValue* found = Find(compare.key);
  std::uint64_t number = 0;
  switch (compare.target) {
    case Compare::Target::kValue:
      return found != nullptr && Relates(compare.relation, found->value() <=> compare.value);
    case Compare::Target::kVersion:
      number = found == nullptr ? 0 : found->version;
      break;
    case Compare::Target::kCreateRevision:
      number = found == nullptr ? 0 : found->create_revision.value();
      break;
    case Compare::Target::kModRevision:
      number = found == nullptr ? 0 : found->mod_revision.value();
      break;
  }
  return Relates(compare.relation, number <=> compare.number);
}

OperationResult KvStore::Run(const Operation& operation, Revision revision) {
  OperationResult result;
  const KeyValue* const found = Find(operation.key);
  result.found = found != nullptr;
  switch (operation.kind) {
    case Operation::Kind::kGet:
      if (result.found) {
        result.value = found->value();
        result.mod_revision = found->mod_revision;
      }
      break;
    case Operation::Kind::kPut:
      Put(found, operation, revision);
      break;
    case Operation::Kind::kDelete:
      if (result.found) Delete(*found, revision);
      break;
  }
  return result;
}

void KvStore::Put(const KeyValue* found, const Operation& operation, Revision revision) {
  BeforeChange(operation.key, found);
  KeyRevisions revisions{.create_revision = revision, .mod_revision = revision, .version = 1};
  if (found != nullptr) {
    map_digest_ -= DigestOf(*found);
    revisions.create_revision = found->create_revision;
    revisions.version = found->version + 1;
  }
  map_digest_ += DigestOf(map_.Put(found, operation.key, operation.value, revisions));
  revision_ = revision;
}

void KvStore::Delete(const KeyValue& found, Revision revision) {
  BeforeChange(found.key(), &found);
  map_digest_ -= DigestOf(found);
  map_.Erase(found.key());
  revision_ = revision;
}

void KvStore::Load(std::string_view key, std::string_view value, const KeyRevisions& revisions) {
  map_digest_ += DigestOf(map_.Append(key, value, revisions));
}

void KvStore::LoadAnswer(Session& session, Sequence sequence, CommandResult answer) {
  const std::size_t bytes = BytesOf(answer);
  session.answer_bytes += bytes;
  answer_bytes_ += bytes;
  session.answers.emplace_back(sequence, std::move(answer));
}

bool KvStore::OrderSessions() {
  std::vector<std::pair<const SessionId, Session>*> by_use;
  by_use.reserve(sessions_.size());
  for (auto& each : sessions_) by_use.push_back(&each);
  const auto use = [](const auto* each) {
    return std::pair(each->second.last_used, each->second.last_index);
  };
  std::ranges::sort(by_use, {}, use);
  if (std::ranges::adjacent_find(by_use, {}, use) != by_use.end()) return false;
  for (auto* each : by_use) {
    each->second.place = idle_order_.Add(each->first, each->second.last_used);
  }
  return true;
}

void KvStore::DigestSessions() {
  for (const auto& [id, session] : sessions_) {
    session_digest_ += DigestOf(id, session.last_used, session.last_index, session.acknowledged);
    for (const auto& [sequence, answer] : session.answers) {
      session_digest_ += DigestOf(id, sequence, answer);
    }
  }
}

void KvStore::BeforeChange(std::string_view key, const KeyValue* found) {
  if (!capture_.has_value()) return;
  if (capture_->cursor.has_value() && key <= *capture_->cursor) return;
  if (capture_->preserved.contains(key)) return;
  GRASS_PROBE("snapshot: a key changes before it is written");
  capture_->preserved.emplace(std::string(key),
                              found == nullptr ? KeyValuePtr() : KeyValuePtr(*found));
}

}  // namespace grassdb
