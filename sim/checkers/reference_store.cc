#include "sim/checkers/reference_store.h"

#include <algorithm>
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
  shown_.push_back({revision_, values_.size(), sessions_.size()});
}

void ReferenceStore::ForgetIdle() {
  std::erase_if(sessions_, [this](const auto& session) {
    return time_ - session.second.used > options_.session_idle_max;
  });
}

void ReferenceStore::ApplyCommand(std::uint64_t index, const Command& command) {
  time_ = std::max(time_, command.time);
  ForgetIdle();
  if (command.kind == Command::Kind::kOpenSession) {
    while (sessions_.size() >= options_.sessions_max) {
      sessions_.erase(std::ranges::min_element(sessions_, {}, [](const auto& session) {
        return std::pair(session.second.used, session.second.used_at);
      }));
    }
    sessions_[index] = {time_, index, 0, {}};
    return;
  }
  if (command.kind == Command::Kind::kCloseSession) {
    sessions_.erase(command.session.value());
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
  session.acknowledged = std::max(session.acknowledged, command.acknowledged.value());
  if (command.sequence.value() <= session.acknowledged) return;
  if (session.done.insert(command.sequence.value()).second) Run(command.transaction);
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

void ReferenceStore::Run(const Transaction& transaction) {
  const bool holds = std::ranges::all_of(transaction.compares,
                                         [this](const Compare& compare) { return Holds(compare); });
  const std::uint64_t revision = revision_ + 1;
  for (const Operation& operation : holds ? transaction.success : transaction.failure) {
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
    }
  }
}

void ReferenceStore::Check(std::uint32_t node, Index index, const Shown& shown) const {
  GRASS_RULE(kRule, index <= applied(), "a node has applied what is not committed");
  const Shown& must = shown_[index.value()];
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
               held != nullptr && held->value == value.value &&
                   held->create_revision.value() == value.create &&
                   held->mod_revision.value() == value.modified && held->version == value.version,
               who + " holds another value of " + key);
  }
}

}  // namespace grassdb::sim
