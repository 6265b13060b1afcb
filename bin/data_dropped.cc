#include "bin/data_dropped.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "bin/data_commands.h"
#include "core/command.h"

namespace grassdb {
namespace {

constexpr std::size_t kEntriesMax = 1000;
constexpr std::size_t kKeyBytesMax = 64;

std::string RangeText(Index first, Index last) {
  return first == last ? fmt::format("entry {}", first.value())
                       : fmt::format("entries {} to {}", first.value(), last.value());
}

// What the kept state has of a key that a dropped entry writes.
std::string Write(const KvStore& kept, const Operation& operation) {
  const KeyValue* const found = kept.Find(operation.key);
  const std::string before =
      found == nullptr ? std::string("not there before")
                       : fmt::format("stays as of revision {}", found->mod_revision.value());
  return fmt::format("{} {} ({})", operation.kind == Operation::Kind::kPut ? "put" : "delete",
                     Escaped(operation.key, kKeyBytesMax), before);
}

std::string TextOf(const KvStore& kept, const Command& command) {
  switch (command.kind) {
    case Command::Kind::kOpenSession:
      return "opens a session";
    case Command::Kind::kCloseSession:
      return "closes a session";
    case Command::Kind::kTransaction:
      break;
  }
  const auto writes = [&kept](const std::vector<Operation>& operations) {
    std::vector<std::string> texts;
    for (const Operation& operation : operations) {
      if (operation.kind != Operation::Kind::kGet) texts.push_back(Write(kept, operation));
    }
    return texts.empty() ? std::string("nothing") : fmt::format("{}", fmt::join(texts, ", "));
  };
  const Transaction& transaction = command.transaction;
  if (transaction.compares.empty()) return writes(transaction.success);
  return fmt::format("if its compares hold {}, else {}", writes(transaction.success),
                     writes(transaction.failure));
}

std::string TextOf(const KvStore& kept, const Entry& entry) {
  if (entry.type == EntryType::kNoop) return "nothing, a leader's first entry";
  if (entry.type == EntryType::kConfiguration) return "a change of the members";
  const auto command = DecodeCommand(entry.payload.view());
  return command.has_value() ? TextOf(kept, *command) : "what does not decode";
}

}  // namespace

std::string TextOfDropped(const store::Salvaged& salvaged, const std::string& data_dir,
                          const std::string& node) {
  const store::StoredState& kept = salvaged.kept;
  std::string text = fmt::format("The data of {} in {} is damaged:\n", node, data_dir);
  for (const std::string& place : salvaged.places) text += "  " + place + "\n";
  text +=
      fmt::format("Kept is what was before that: the log through index {}, revision {}, {} keys.\n",
                  kept.last.index.value(), kept.state.revision().value(), kept.state.size());
  text += fmt::format("Dropped is every write behind index {}, that is every revision above {}:\n",
                      kept.last.index.value(), kept.state.revision().value());
  Index next = kept.last.index + 1;
  std::size_t told = 0;
  for (const Entry& entry : salvaged.dropped) {
    if (entry.index > next) {
      text += fmt::format("  {}: cannot be read\n", RangeText(next, entry.index - 1));
    }
    next = entry.index + 1;
    if (++told > kEntriesMax) continue;
    text += fmt::format("  entry {} (term {}): {}\n", entry.index.value(), entry.term.value(),
                        TextOf(kept.state, entry));
  }
  if (told > kEntriesMax) {
    text += fmt::format(
        "  and {} entries more that can be read, up to {}; `grassdb dump --data-dir {} --id {}` "
        "has them\n",
        told - kEntriesMax, salvaged.dropped.back().index.value(), data_dir, node);
  }
  if (salvaged.known_end >= next) {
    text += fmt::format("  {}: cannot be read\n", RangeText(next, salvaged.known_end));
  }
  text += "  and what the log had behind that, if there was more: no record of it is left\n";
  return text;
}

}  // namespace grassdb
