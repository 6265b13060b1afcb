#include "core/command.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/codec.h"

namespace grassdb {
namespace {

constexpr std::uint8_t kVersion = 1;

template <class Enum>
bool IsOneOf(std::uint8_t raw, Enum last) {
  return raw >= 1 && raw <= static_cast<std::uint8_t>(last);
}

std::size_t EncodedSize(const std::vector<Operation>& operations) {
  std::size_t size = 4;
  for (const Operation& operation : operations) {
    size += 9 + operation.key.size() + operation.value.size();
  }
  return size;
}

constexpr std::size_t kFixedBytes = 2 + 4 * 8;

std::size_t EncodedSize(const Transaction& transaction) {
  std::size_t size = 4;
  for (const Compare& compare : transaction.compares) {
    size += 18 + compare.key.size() + compare.value.size();
  }
  return size + EncodedSize(transaction.success) + EncodedSize(transaction.failure);
}

std::size_t EncodedSize(const Command& command) {
  if (command.kind != Command::Kind::kTransaction) return kFixedBytes;
  return kFixedBytes + EncodedSize(command.transaction);
}

// Writes into memory of exactly EncodedSize bytes; the size is checked by the caller.
class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}
  template <std::unsigned_integral T>
  void Put(T value) {
    std::memcpy(at_, &value, sizeof(T));
    at_ += sizeof(T);
  }
  void PutString(std::string_view text) {
    Put(static_cast<std::uint32_t>(text.size()));
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }

 private:
  char* at_;
};

void WriteOperations(Writer& out, const std::vector<Operation>& operations) {
  out.Put(static_cast<std::uint32_t>(operations.size()));
  for (const Operation& operation : operations) {
    out.Put(static_cast<std::uint8_t>(operation.kind));
    out.PutString(operation.key);
    out.PutString(operation.value);
  }
}

// Where the fields of a transaction go. The one makes a Command, in the memory that it has already;
// the other only looks whether there is one.
class CommandSink {
 public:
  explicit CommandSink(Transaction& transaction) : transaction_(transaction) {}
  void Compares(std::size_t count) { transaction_.compares.resize(count); }
  void Take(std::size_t at, std::uint8_t target, std::uint8_t relation, std::string_view key,
            std::string_view value, std::uint64_t number) {
    Compare& compare = transaction_.compares[at];
    compare.target = static_cast<Compare::Target>(target);
    compare.relation = static_cast<Compare::Relation>(relation);
    compare.key = key;
    compare.value = value;
    compare.number = number;
  }
  void Operations(std::vector<Operation> Transaction::*branch, std::size_t count) {
    (transaction_.*branch).resize(count);
  }
  void Take(std::vector<Operation> Transaction::*branch, std::size_t at, std::uint8_t kind,
            std::string_view key, std::string_view value) {
    Operation& operation = (transaction_.*branch)[at];
    operation.kind = static_cast<Operation::Kind>(kind);
    operation.key = key;
    operation.value = value;
  }

 private:
  Transaction& transaction_;
};

struct NoSink {
  template <class... Anything>
  void Compares(Anything...) {}
  template <class... Anything>
  void Operations(Anything...) {}
  template <class... Anything>
  void Take(Anything...) {}
};

template <class Sink>
bool ReadOperations(Decoder& in, std::vector<Operation> Transaction::*branch, Sink& sink) {
  const auto count = in.Take<std::uint32_t>();
  if (!in.ok() || count > kOperationsMax) return false;
  sink.Operations(branch, count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto kind = in.Take<std::uint8_t>();
    if (!IsOneOf(kind, Operation::Kind::kGet)) return false;
    const std::string_view key = in.TakeString();
    const std::string_view value = in.TakeString();
    sink.Take(branch, i, kind, key, value);
  }
  return in.ok();
}

template <class Sink>
bool ReadCompares(Decoder& in, Sink& sink) {
  const auto count = in.Take<std::uint32_t>();
  if (!in.ok() || count > kOperationsMax) return false;
  sink.Compares(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto target = in.Take<std::uint8_t>();
    const auto relation = in.Take<std::uint8_t>();
    if (!IsOneOf(target, Compare::Target::kModRevision)) return false;
    if (!IsOneOf(relation, Compare::Relation::kGreater)) return false;
    const std::string_view key = in.TakeString();
    const std::string_view value = in.TakeString();
    sink.Take(i, target, relation, key, value, in.Take<std::uint64_t>());
  }
  return in.ok();
}

// All but the transaction, and what kind it is; nullopt if this is no command.
std::optional<Command::Kind> ReadFixed(Decoder& in, Command& command) {
  if (in.Take<std::uint8_t>() != kVersion) return std::nullopt;
  const auto kind = in.Take<std::uint8_t>();
  if (!IsOneOf(kind, Command::Kind::kCloseSession)) return std::nullopt;
  command.kind = static_cast<Command::Kind>(kind);
  command.time = in.Take<ClusterTime>();
  command.session = in.Take<SessionId>();
  command.sequence = in.Take<Sequence>();
  command.acknowledged = in.Take<Sequence>();
  return command.kind;
}

template <class Sink>
bool ReadTransaction(Decoder& in, Sink& sink) {
  return ReadCompares(in, sink) && ReadOperations(in, &Transaction::success, sink) &&
         ReadOperations(in, &Transaction::failure, sink);
}

std::string OverLimit(const char* what, std::size_t size, std::size_t limit, const char* unit) {
  return std::string(what) + " is " + std::to_string(size) + " " + unit + "; at most " +
         std::to_string(limit) + " are allowed";
}

std::optional<std::string> BrokenLimit(const std::vector<Operation>& operations) {
  if (operations.size() > kOperationsMax) {
    return OverLimit("the transaction", operations.size(), kOperationsMax, "operations");
  }
  for (const Operation& operation : operations) {
    if (auto problem = BrokenKeyLimit(operation.key)) return problem;
    if (operation.value.size() > kValueBytesMax) {
      return OverLimit("the value", operation.value.size(), kValueBytesMax, "bytes");
    }
  }
  return std::nullopt;
}

}  // namespace

Transaction PutTransaction(std::string key, std::string value) {
  Transaction transaction;
  transaction.success.push_back(
      Operation{.kind = Operation::Kind::kPut, .key = std::move(key), .value = std::move(value)});
  return transaction;
}

Transaction DeleteTransaction(std::string key) {
  Transaction transaction;
  transaction.success.push_back(
      Operation{.kind = Operation::Kind::kDelete, .key = std::move(key), .value = {}});
  return transaction;
}

Transaction CompareAndSetTransaction(std::string key, std::optional<std::string> expected,
                                     std::string value) {
  Transaction transaction = PutTransaction(key, std::move(value));
  Compare compare;
  compare.key = std::move(key);
  if (expected.has_value()) {
    compare.value = *std::move(expected);
  } else {
    compare.target = Compare::Target::kVersion;
  }
  transaction.compares.push_back(std::move(compare));
  return transaction;
}

Bytes EncodeCommand(const Command& command) {
  return Bytes::Build(EncodedSize(command), [&command](char* at) {
    Writer out(at);
    out.Put(kVersion);
    out.Put(static_cast<std::uint8_t>(command.kind));
    out.Put(command.time);
    out.Put(command.session.value());
    out.Put(command.sequence.value());
    out.Put(command.acknowledged.value());
    if (command.kind != Command::Kind::kTransaction) return;
    out.Put(static_cast<std::uint32_t>(command.transaction.compares.size()));
    for (const Compare& compare : command.transaction.compares) {
      out.Put(static_cast<std::uint8_t>(compare.target));
      out.Put(static_cast<std::uint8_t>(compare.relation));
      out.PutString(compare.key);
      out.PutString(compare.value);
      out.Put(compare.number);
    }
    WriteOperations(out, command.transaction.success);
    WriteOperations(out, command.transaction.failure);
  });
}

bool DecodeCommand(std::string_view bytes, Command* command) {
  Decoder in(bytes);
  const std::optional<Command::Kind> kind = ReadFixed(in, *command);
  if (!kind.has_value()) return false;
  if (*kind == Command::Kind::kTransaction) {
    CommandSink sink(command->transaction);
    if (!ReadTransaction(in, sink)) return false;
  } else {
    command->transaction = {};
  }
  return in.done();
}

std::optional<Command> DecodeCommand(std::string_view bytes) {
  Command command;
  if (!DecodeCommand(bytes, &command)) return std::nullopt;
  return command;
}

bool AddsData(const Command& command) {
  const auto puts = [](const std::vector<Operation>& operations) {
    return std::ranges::any_of(operations, [](const Operation& operation) {
      return operation.kind == Operation::Kind::kPut;
    });
  };
  return command.kind == Command::Kind::kTransaction &&
         (puts(command.transaction.success) || puts(command.transaction.failure));
}

bool AddsData(const Entry& entry) {
  // A thousand of these fit into the reserve of 4 MiB; a transaction may be 2 MiB without a put.
  constexpr std::size_t kSmallMax = std::size_t{64} << 10;
  if (entry.type != EntryType::kCommand) return false;
  if (entry.payload.size() > kSmallMax) return true;
  const std::optional<Command> command = DecodeCommand(entry.payload.view());
  return !command.has_value() || AddsData(*command);
}

bool IsCommand(std::string_view bytes) {
  Decoder in(bytes);
  Command fixed;
  const std::optional<Command::Kind> kind = ReadFixed(in, fixed);
  NoSink sink;
  if (kind == Command::Kind::kTransaction && !ReadTransaction(in, sink)) return false;
  return kind.has_value() && in.done();
}

std::optional<std::string> BrokenKeyLimit(std::string_view key) {
  if (key.empty()) return "the key is empty; it must have 1 to 4096 bytes";
  if (key.size() > kKeyBytesMax) return OverLimit("the key", key.size(), kKeyBytesMax, "bytes");
  return std::nullopt;
}

std::optional<std::string> BrokenLimit(const Transaction& transaction) {
  if (transaction.compares.size() > kOperationsMax) {
    return OverLimit("the transaction", transaction.compares.size(), kOperationsMax, "compares");
  }
  for (const Compare& compare : transaction.compares) {
    if (auto problem = BrokenKeyLimit(compare.key)) return problem;
    if (compare.value.size() > kValueBytesMax) {
      return OverLimit("the compared value", compare.value.size(), kValueBytesMax, "bytes");
    }
  }
  if (auto problem = BrokenLimit(transaction.success)) return problem;
  if (auto problem = BrokenLimit(transaction.failure)) return problem;
  // A transaction is one entry, and an entry must fit one message (proto/convert.h) and one record.
  const std::size_t size = kFixedBytes + EncodedSize(transaction);
  if (size > kTransactionBytesMax) {
    return OverLimit("the transaction", size, kTransactionBytesMax, "bytes");
  }
  return std::nullopt;
}

}  // namespace grassdb
