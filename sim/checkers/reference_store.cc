#include "sim/checkers/reference_store.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "sim/violation.h"

namespace grassdb::sim {
namespace {

constexpr const char* kRule = "exactly once";

template <class T>
bool Compares(Compare::Relation relation, const T& left, const T& right) {
  switch (relation) {
    case Compare::Relation::kEqual:
      return left == right;
    case Compare::Relation::kNotEqual:
      return left != right;
    case Compare::Relation::kLess:
      return left < right;
    case Compare::Relation::kGreater:
      return left > right;
  }
  return false;
}

}  // namespace

void ReferenceStore::Apply(const Entry& entry) {
  GRASS_RULE(kRule, entry.index == applied() + 1, "the model was given entries out of order");
  if (entry.type == EntryType::kCommand) {
    const std::optional<Command> command = DecodeCommand(entry.payload.view());
    GRASS_RULE(kRule, command.has_value(), "a committed command does not decode");
    ApplyCommand(entry.index.value(), *command);
  }
  shown_.Set(entry.index, {revision_, values_.size(), sessions_.size()});
}

void ReferenceStore::ForgetIdle() {
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    const auto next = std::next(at);
    if (time_ - at->second.used > options_.session_idle_max) Forget(at);
    at = next;
  }
}

void ReferenceStore::Forget(std::map<std::uint64_t, Session>::iterator session) {
  Acknowledge(session->second, UINT64_MAX);
  sessions_.erase(session);
}

void ReferenceStore::ApplyCommand(std::uint64_t index, const Command& command) {
  time_ = std::max(time_, command.time);
  ForgetIdle();
  if (command.kind == Command::Kind::kOpenSession) {
    while (sessions_.size() >= options_.sessions_max) Forget(Idlest());
    sessions_[index] = {time_, index, 0, {}, {}};
    return;
  }
  if (command.kind == Command::Kind::kCloseSession) {
    const auto closed = sessions_.find(command.session.value());
    if (closed != sessions_.end()) Forget(closed);
    return;
  }
  if (command.session == SessionId()) {
    Run(command.transaction);
    return;
  }
  const auto found = sessions_.find(command.session.value());
  if (found == sessions_.end()) return;
  Session& session = found->second;
  session.used = time_;
  session.used_at = index;
  Acknowledge(session, command.acknowledged.value());
  const std::uint64_t sequence = command.sequence.value();
  if (sequence <= session.acknowledged || !session.done.insert(sequence).second) return;
  KeepAnswer(found->first, sequence, Run(command.transaction));
}

// Whose answers are acknowledged, or go to make room, can be asked for none of them again.
void ReferenceStore::Acknowledge(Session& session, std::uint64_t through) {
  session.acknowledged = std::max(session.acknowledged, through);
  session.done.erase(session.done.begin(), session.done.upper_bound(session.acknowledged));
  while (!session.kept.empty() && session.kept.begin()->first <= session.acknowledged) {
    kept_bytes_ -= session.kept.begin()->second;
    session.kept.erase(session.kept.begin());
  }
}

std::map<std::uint64_t, ReferenceStore::Session>::iterator ReferenceStore::Idlest() {
  return std::ranges::min_element(sessions_, {}, [](const auto& session) {
    return std::pair(session.second.used, session.second.used_at);
  });
}

// One answer too many pushes the oldest of its session out; too many bytes push out whole sessions,
// those idle longest, and then what this one has kept but for the newest.
void ReferenceStore::KeepAnswer(std::uint64_t id, std::uint64_t sequence, std::uint64_t bytes) {
  Session& session = sessions_.at(id);
  session.kept[sequence] = bytes;
  kept_bytes_ += bytes;
  if (session.kept.size() > options_.answers_max) {
    Acknowledge(session, session.kept.begin()->first);
  }
  while (kept_bytes_ > options_.answer_bytes_max && Idlest()->first != id) Forget(Idlest());
  while (kept_bytes_ > options_.answer_bytes_max && session.kept.size() > 1) {
    Acknowledge(session, session.kept.begin()->first);
  }
}

bool ReferenceStore::Holds(const Compare& compare) const {
  const auto found = values_.find(compare.key);
  const Value value = found == values_.end() ? Value() : found->second;
  switch (compare.target) {
    case Compare::Target::kValue:
      return found != values_.end() && Compares(compare.relation, value.value, compare.value);
    case Compare::Target::kVersion:
      return Compares(compare.relation, value.version, compare.number);
    case Compare::Target::kCreateRevision:
      return Compares(compare.relation, value.create, compare.number);
    case Compare::Target::kModRevision:
      return Compares(compare.relation, value.modified, compare.number);
  }
  return false;
}

// Each get counts as the most that its key could have by then.
std::uint64_t ReferenceStore::MayRead(const std::vector<Operation>& operations) const {
  std::map<std::string, std::uint64_t> most;
  for (const auto& [kind, key, value] : operations) {
    const auto [at, is_new] = most.try_emplace(key, 0);
    const auto found = values_.find(key);
    if (is_new && found != values_.end()) at->second = found->second.value.size();
    if (kind == Operation::Kind::kPut)
      at->second = std::max<std::uint64_t>(at->second, value.size());
  }
  std::uint64_t bytes = 0;
  for (const Operation& operation : operations) {
    if (operation.kind == Operation::Kind::kGet) bytes += most.at(operation.key);
  }
  return bytes;
}

std::uint64_t ReferenceStore::Run(const Transaction& transaction) {
  std::uint64_t read = 0;
  const bool holds = std::ranges::all_of(transaction.compares,
                                         [this](const Compare& compare) { return Holds(compare); });
  const std::vector<Operation>& operations = holds ? transaction.success : transaction.failure;
  if (MayRead(operations) > kAnswerBytesMax) return 0;
  const std::uint64_t revision = revision_ + 1;
  for (const Operation& operation : operations) {
    if (operation.kind == Operation::Kind::kPut) {
      const auto [at, created] = values_.try_emplace(operation.key);
      if (created) at->second.create = revision;
      at->second.value = operation.value;
      at->second.modified = revision;
      ++at->second.version;
      revision_ = revision;
      changes_.push_back({revision, operation.key, operation.value});
    } else if (operation.kind == Operation::Kind::kDelete && values_.erase(operation.key) > 0) {
      revision_ = revision;
      changes_.push_back({revision, operation.key, std::nullopt});
    } else if (operation.kind == Operation::Kind::kGet) {
      const auto found = values_.find(operation.key);
      if (found != values_.end()) read += found->second.value.size();
    }
  }
  return read;
}

void ReferenceStore::ReleaseChanges(std::uint64_t through) {
  const auto first = std::ranges::upper_bound(changes_, through, {}, &Change::revision);
  changes_.erase(changes_.begin(), first);
}

bool ReferenceStore::MayStillRun(std::uint64_t session, std::uint64_t sequence) const {
  const auto found = sessions_.find(session);
  return found != sessions_.end() && sequence > found->second.acknowledged &&
         !found->second.done.contains(sequence);
}

void ReferenceStore::Check(std::uint32_t node, Index index, const Shown& shown) const {
  GRASS_RULE(kRule, index <= applied(), "a node has applied what is not committed");
  if (index < shown_.begin()) return;
  const Shown& must = shown_.At(index);
  GRASS_RULE(kRule, shown == must,
             NodeName(node) + " has applied up to index " + Decimal(index.value()) +
                 " and is at revision " + Decimal(shown.revision) + " with " + Decimal(shown.keys) +
                 " keys and " + Decimal(shown.sessions) + " sessions; it must be " +
                 Decimal(must.revision) + ", " + Decimal(must.keys) + " and " +
                 Decimal(must.sessions));
}

void ReferenceStore::CheckAll(std::uint32_t node, const KvStore& store) const {
  const std::string who = NodeName(node);
  GRASS_RULE(kRule, store.size() == values_.size(), who + " holds another number of keys");
  for (const auto& [key, value] : values_) {
    const KeyValue* held = store.Find(key);
    GRASS_RULE(kRule,
               held != nullptr && held->value() == value.value &&
                   held->create_revision.value() == value.create &&
                   held->mod_revision.value() == value.modified && held->version == value.version,
               who + " holds another value of " + key);
  }
}

}  // namespace grassdb::sim
