#include "core/kv_snapshot.h"

#include <algorithm>

#include "core/codec.h"
#include "tests/property.h"

namespace grassdb {
namespace {

Command RandomCommand(std::uint64_t draw) {
  Command command;
  command.time = draw % 50;
  const std::string key = "k" + std::to_string(draw % 17);
  switch (draw % 4) {
    case 0:
      command.transaction = DeleteTransaction(key);
      break;
    case 1:
      command.kind = Command::Kind::kOpenSession;
      break;
    default:
      command.transaction = PutTransaction(key, "v" + std::to_string(draw));
      if (draw % 3 == 0) {
        command.session = SessionId(draw % 20 + 1);
        command.sequence = Sequence(draw % 5 + 1);
      }
  }
  return command;
}

absl::StatusOr<KvStore> Load(const std::vector<std::string>& slices) {
  KvSnapshotReader reader{KvOptions()};
  for (const std::string& slice : slices) {
    if (absl::Status status = reader.Feed(slice); !status.ok()) return status;
  }
  return std::move(reader).Finish();
}

// The snapshot is of the moment it was begun, whatever happens to the store while it is written,
// and however the stream is cut into slices.
RC_GTEST_PROP(KvSnapshot, IsTheStateWhenItWasBegun, ()) {
  const auto before = *rc::gen::arbitrary<std::vector<std::uint64_t>>();
  const auto during = *rc::gen::arbitrary<std::vector<std::uint64_t>>();
  const auto slice_bytes = *rc::gen::inRange<std::size_t>(1, 200);
  const auto cut_bytes = *rc::gen::inRange<std::size_t>(1, 100);
  KvStore store;
  Index index;
  for (const std::uint64_t draw : before) store.Apply(++index, RandomCommand(draw));
  const KvStore expected = store;
  KvSnapshotWriter writer = KvSnapshotWriter::Begin(store);
  std::string stream;
  for (std::size_t i = 0; !writer.done(); ++i) {
    stream += writer.Next(store, slice_bytes).view();
    for (std::size_t j = i * 3; j < i * 3 + 3 && j < during.size(); ++j) {
      store.Apply(++index, RandomCommand(during[j]));
    }
  }
  std::vector<std::string> cuts;
  for (std::size_t at = 0; at < stream.size(); at += cut_bytes) {
    cuts.push_back(stream.substr(at, cut_bytes));
  }
  const absl::StatusOr<KvStore> loaded = Load(cuts);
  RC_ASSERT(loaded.ok());
  RC_ASSERT(loaded->digest() == expected.digest());
  RC_ASSERT(loaded->size() == expected.size());
  RC_ASSERT(loaded->sessions() == expected.sessions());
  RC_ASSERT(loaded->revision() == expected.revision());
}

// A replica that was restored forgets the same sessions and answers as one that was not.
TEST(KvSnapshot, KeepsWhatTheAnswersOfSessionsCount) {
  const KvOptions options{.answer_bytes_max = 1000};
  KvStore store(options);
  Index index;
  const auto open = [&] {
    Command command;
    command.kind = Command::Kind::kOpenSession;
    return store.Apply(++index, command).session;
  };
  const auto read_in = [](SessionId session, std::uint64_t sequence) {
    Command command;
    command.session = session;
    command.sequence = Sequence(sequence);
    command.transaction = PutTransaction("a", std::string(100, 'x'));
    command.transaction.success.push_back({.kind = Operation::Kind::kGet, .key = "a", .value = {}});
    return command;
  };
  const std::vector<SessionId> sessions = {open(), open(), open()};
  for (std::uint64_t i = 1; i <= 3; ++i) {
    for (const SessionId session : sessions) store.Apply(++index, read_in(session, i));
  }
  KvSnapshotWriter writer = KvSnapshotWriter::Begin(store);
  KvSnapshotReader reader(options);
  while (!writer.done()) ASSERT_TRUE(reader.Feed(writer.Next(store, 50).view()).ok());
  absl::StatusOr<KvStore> restored = std::move(reader).Finish();
  ASSERT_TRUE(restored.ok());
  ASSERT_EQ(restored->sessions(), 3u);
  for (std::uint64_t i = 4; i <= 20; ++i) {
    const Command command = read_in(sessions[i % 2], i);
    ++index;
    EXPECT_EQ(store.Apply(index, command), restored->Apply(index, command));
    EXPECT_EQ(store.sessions(), restored->sessions());
    ASSERT_EQ(store.digest(), restored->digest()) << "after the write " << i;
  }
  EXPECT_EQ(store.sessions(), 1u) << "so that something was forgotten";
}

std::string StreamOf(KvStore& store, std::size_t slice_bytes) {
  KvSnapshotWriter writer = KvSnapshotWriter::Begin(store);
  std::string stream;
  while (!writer.done()) stream += writer.Next(store, slice_bytes).view();
  return stream;
}

// A transfer that one leader began is gone on with by another, whose state came about in another
// way: by the log, or by a snapshot and the rest of the log.
RC_GTEST_PROP(KvSnapshot, HasTheSameBytesOnEveryReplica, ()) {
  const auto before = *rc::gen::arbitrary<std::vector<std::uint64_t>>();
  const auto after = *rc::gen::arbitrary<std::vector<std::uint64_t>>();
  KvStore store;
  Index index;
  for (const std::uint64_t draw : before) store.Apply(++index, RandomCommand(draw));
  absl::StatusOr<KvStore> restored = Load({StreamOf(store, 100)});
  RC_ASSERT(restored.ok());
  for (const std::uint64_t draw : after) {
    ++index;
    store.Apply(index, RandomCommand(draw));
    restored->Apply(index, RandomCommand(draw));
  }
  RC_ASSERT(StreamOf(*restored, *rc::gen::inRange<std::size_t>(1, 300)) == StreamOf(store, 70));
}

std::string SampleStream() {
  KvStore store;
  for (std::uint64_t i = 1; i <= 60; ++i) store.Apply(Index(i), RandomCommand(i * 7));
  KvSnapshotWriter writer = KvSnapshotWriter::Begin(store);
  std::string stream;
  while (!writer.done()) stream += writer.Next(store, 100).view();
  return stream;
}

TEST(KvSnapshot, EveryCutIsNoticed) {
  const std::string stream = SampleStream();
  for (std::size_t size = 0; size < stream.size(); ++size) {
    EXPECT_FALSE(Load({stream.substr(0, size)}).ok()) << size;
  }
  EXPECT_TRUE(Load({stream}).ok());
  EXPECT_FALSE(Load({stream + "x"}).ok());
}

TEST(KvSnapshot, AKeyThatIsLargerThanAnyMayBeIsRefused) {
  KvStore store;
  Command command;
  command.transaction = PutTransaction("k", "v");
  store.Apply(Index(1), command);
  std::string stream = StreamOf(store, 100);
  // The stream ends with the lengths and bytes of both, and three numbers.
  const std::size_t at = stream.size() - 3 * 8 - 2 * (4 + 1);
  const std::size_t size = KeyValue::kKeySizeMax + 1;
  std::string key;
  Encoder(key).PutString(std::string(size, 'k'));
  stream.replace(at, 4 + 1, key);
  const absl::Status status = Load({stream}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "a key of the snapshot's state has 16777216 bytes");
}

TEST(KvSnapshot, NoChangedByteGivesAnotherState) {
  const std::string stream = SampleStream();
  const std::uint64_t digest = Load({stream})->digest();
  for (std::size_t at = 0; at < stream.size(); ++at) {
    std::string changed = stream;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    const absl::StatusOr<KvStore> loaded = Load({changed});
    EXPECT_TRUE(!loaded.ok() || loaded->digest() == digest) << "byte " << at;
  }
}

// A stream is refused, or gives a store that writes an equal one.
void ExpectRefusedOrKept(const std::string& stream) {
  absl::StatusOr<KvStore> loaded = Load({stream});
  if (!loaded.ok()) return;
  const absl::StatusOr<KvStore> again = Load({StreamOf(*loaded, 100)});
  RC_ASSERT(again.ok());
  RC_ASSERT(again->digest() == loaded->digest());
}

RC_GTEST_PROP(KvSnapshot, AnyBytesAreRefusedOrGiveAStoreThatWritesThem,
              (const std::string& bytes)) {
  ExpectRefusedOrKept(bytes);
}

RC_GTEST_PROP(KvSnapshot, ADamagedStreamIsRefusedOrGivesAStoreThatWritesIt,
              (std::size_t where, std::uint8_t value)) {
  std::string stream = SampleStream();
  stream[where % stream.size()] = static_cast<char>(value);
  ExpectRefusedOrKept(stream);
}

TEST(KvSnapshot, IsTheSameStreamForTheSameState) {
  EXPECT_EQ(SampleStream(), SampleStream());
}

}  // namespace
}  // namespace grassdb
