// What the log replicates: one encoded command an entry, and the answer it gives when applied.
//
// Set, delete, compare-and-set and the batch are all one command, the transaction. A command names
// its client session and its number in it, so that applying it twice changes nothing (thesis 6.3),
// and the replicated time at which the leader proposed it.
#ifndef GRASSDB_CORE_COMMAND_H_
#define GRASSDB_CORE_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/entry.h"
#include "core/limits.h"
#include "core/types.h"

namespace grassdb {

struct Compare {
  enum class Target : std::uint8_t {
    kValue = 1,
    kVersion = 2,
    kCreateRevision = 3,
    kModRevision = 4
  };
  enum class Relation : std::uint8_t { kEqual = 1, kNotEqual = 2, kLess = 3, kGreater = 4 };

  Target target = Target::kValue;
  Relation relation = Relation::kEqual;
  std::string key;
  std::string value;         // kValue. A missing key never compares true on its value.
  std::uint64_t number = 0;  // the others. A missing key has 0 for each.

  friend bool operator==(const Compare&, const Compare&) = default;
};

struct Operation {
  enum class Kind : std::uint8_t { kPut = 1, kDelete = 2, kGet = 3 };

  Kind kind = Kind::kPut;
  std::string key;
  std::string value;  // kPut

  friend bool operator==(const Operation&, const Operation&) = default;
};

// If all compares hold, `success` runs, else `failure`; each in order, seeing what came before it.
struct Transaction {
  std::vector<Compare> compares;
  std::vector<Operation> success;
  std::vector<Operation> failure;

  friend bool operator==(const Transaction&, const Transaction&) = default;
};

Transaction PutTransaction(std::string key, std::string value);
Transaction DeleteTransaction(std::string key);
// Puts `value` if the key's value is `expected`; nullopt: if the key is missing.
Transaction CompareAndSetTransaction(std::string key, std::optional<std::string> expected,
                                     std::string value);

struct Command {
  enum class Kind : std::uint8_t {
    kOpenSession = 1,
    kTransaction = 2,
    kCloseSession = 3,
  };

  Kind kind = Kind::kTransaction;
  ClusterTime time = 0;
  SessionId session;  // 0: no session, applied as often as it is proposed
  Sequence sequence;  // from 1 within the session
  // The client has the answers of every command up to here and will never repeat one of them.
  Sequence acknowledged;
  Transaction transaction;

  friend bool operator==(const Command&, const Command&) = default;
};

// One encoding into one allocation; it is shared from then on.
Bytes EncodeCommand(const Command& command);
// nullopt for bytes that EncodeCommand does not produce.
std::optional<Command> DecodeCommand(std::string_view bytes);
// The same into a command that is there already: a command like the last one takes no new memory.
// False: not decoded, and what `command` holds means nothing.
bool DecodeCommand(std::string_view bytes, Command* command);
// Whether DecodeCommand would decode it. Takes no memory.
bool IsCommand(std::string_view bytes);

// Whether it could make the state grow: a transaction with a put in either branch. A session does
// not count: without one nobody could delete.
bool AddsData(const Command& command);
// Whether the entry does, or is so large that a disk without room must not be asked to log it.
bool AddsData(const Entry& entry);

// Which limit the transaction breaks, with the figures, in words for a person; nullopt if none.
std::optional<std::string> BrokenLimit(const Transaction& transaction);
std::optional<std::string> BrokenKeyLimit(std::string_view key);

struct OperationResult {
  bool found = false;     // the key was there before the operation
  std::string value;      // kGet
  Revision mod_revision;  // kGet: of the value read
  friend bool operator==(const OperationResult&, const OperationResult&) = default;
};

struct CommandResult {
  enum class Code : std::uint8_t {
    kOk = 1,
    kSessionUnknown =
        2,  // never opened, expired or evicted: whether the command ran earlier is unknown
    kStaleSequence = 3,   // the client had acknowledged this command's answer; it is not kept
    kAnswerTooLarge = 4,  // it would read more than kAnswerBytesMax; nothing was changed
  };

  Code code = Code::kOk;
  SessionId session;      // kOpenSession
  bool succeeded = true;  // the compares held
  Revision revision;      // of the store after the command
  std::vector<OperationResult> operations;

  friend bool operator==(const CommandResult&, const CommandResult&) = default;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_COMMAND_H_
