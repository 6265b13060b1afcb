#include "core/command.h"

#include "tests/property.h"

namespace grassdb {
namespace {

rc::Gen<Operation> AnyOperation() {
  return rc::gen::build<Operation>(
      rc::gen::set(
          &Operation::kind,
          rc::gen::element(Operation::Kind::kPut, Operation::Kind::kDelete, Operation::Kind::kGet)),
      rc::gen::set(&Operation::key), rc::gen::set(&Operation::value));
}

rc::Gen<Compare> AnyCompare() {
  return rc::gen::build<Compare>(
      rc::gen::set(
          &Compare::target,
          rc::gen::element(Compare::Target::kValue, Compare::Target::kVersion,
                           Compare::Target::kCreateRevision, Compare::Target::kModRevision)),
      rc::gen::set(&Compare::relation,
                   rc::gen::element(Compare::Relation::kEqual, Compare::Relation::kNotEqual,
                                    Compare::Relation::kLess, Compare::Relation::kGreater)),
      rc::gen::set(&Compare::key), rc::gen::set(&Compare::value), rc::gen::set(&Compare::number));
}

Command AnyCommand() {
  Command command;
  command.kind = *rc::gen::element(Command::Kind::kOpenSession, Command::Kind::kTransaction,
                                   Command::Kind::kCloseSession);
  command.time = *rc::gen::arbitrary<std::uint64_t>();
  command.session = SessionId(*rc::gen::arbitrary<std::uint64_t>());
  command.sequence = Sequence(*rc::gen::arbitrary<std::uint64_t>());
  command.acknowledged = Sequence(*rc::gen::arbitrary<std::uint64_t>());
  if (command.kind == Command::Kind::kTransaction) {
    command.transaction.compares = *rc::gen::container<std::vector<Compare>>(AnyCompare());
    command.transaction.success = *rc::gen::container<std::vector<Operation>>(AnyOperation());
    command.transaction.failure = *rc::gen::container<std::vector<Operation>>(AnyOperation());
  }
  return command;
}

RC_GTEST_PROP(CommandCodec, DecodesWhatItEncoded, ()) {
  const Command command = AnyCommand();
  const auto decoded = DecodeCommand(EncodeCommand(command).view());
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == command);
}

RC_GTEST_PROP(CommandCodec, RefusesEveryCutAndEveryTail, ()) {
  const std::string bytes(EncodeCommand(AnyCommand()).view());
  const auto size = *rc::gen::inRange<std::size_t>(0, bytes.size());
  RC_ASSERT(!DecodeCommand(bytes.substr(0, size)).has_value());
  RC_ASSERT(!DecodeCommand(bytes + "x").has_value());
}

// What a node applies is decoded into what it has applied before.
RC_GTEST_PROP(CommandCodec, DecodesTheSameIntoAUsedCommand, ()) {
  const Command command = AnyCommand();
  Command used = AnyCommand();
  RC_ASSERT(DecodeCommand(EncodeCommand(command).view(), &used));
  RC_ASSERT(used == command);
}

RC_GTEST_PROP(CommandCodec, SeesACommandExactlyWhereItDecodesOne, ()) {
  std::string bytes(EncodeCommand(AnyCommand()).view());
  RC_ASSERT(IsCommand(bytes));
  if (*rc::gen::arbitrary<bool>()) bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size()));
  if (!bytes.empty()) {
    bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  }
  RC_ASSERT(IsCommand(bytes) == DecodeCommand(bytes).has_value());
}

RC_GTEST_PROP(CommandCodec, AnyBytesAreDecodedOrRefused, (const std::string& bytes)) {
  const auto decoded = DecodeCommand(bytes);
  RC_ASSERT(IsCommand(bytes) == decoded.has_value());
  if (decoded.has_value()) RC_ASSERT(EncodeCommand(*decoded).view() == bytes);
}

TEST(CommandLimits, NamesTheLimitThatIsBroken) {
  EXPECT_FALSE(BrokenLimit(PutTransaction("k", "v")).has_value());
  EXPECT_FALSE(BrokenLimit(PutTransaction(std::string(4096, 'k'), std::string(1 << 20, 'v'))));
  EXPECT_EQ(*BrokenLimit(PutTransaction("", "v")),
            "the key is empty; it must have 1 to 4096 bytes");
  EXPECT_EQ(*BrokenLimit(PutTransaction(std::string(4097, 'k'), "v")),
            "the key is 4097 bytes; at most 4096 are allowed");
  EXPECT_EQ(*BrokenLimit(PutTransaction("k", std::string((1 << 20) + 1, 'v'))),
            "the value is 1048577 bytes; at most 1048576 are allowed");
  Transaction many;
  many.success.resize(129, Operation{.kind = Operation::Kind::kGet, .key = "k", .value = {}});
  EXPECT_EQ(*BrokenLimit(many), "the transaction is 129 operations; at most 128 are allowed");
  Transaction large;
  for (int i = 0; i < 3; ++i) {
    large.success.push_back(
        Operation{.kind = Operation::Kind::kPut, .key = "k", .value = std::string(1 << 20, 'v')});
  }
  EXPECT_TRUE(BrokenLimit(large)->ends_with("at most 2097152 are allowed")) << *BrokenLimit(large);
}

}  // namespace
}  // namespace grassdb
