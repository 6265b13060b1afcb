// The checker of refusals (sim/checkers/justified_refusal.h), shown refusals of each kind.
#include "sim/checkers/justified_refusal.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "store/names.h"
#include "store/payload.h"
#include "store/record.h"
#include "store/text.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

using Over = JustifiedRefusal::Over;
using Shown = JustifiedRefusal::Shown;

constexpr char kPath[] = "/sim/n1";
constexpr std::size_t kRoom = 64;

void AddTo(std::string& log, store::RecordBuilder& record, std::uint64_t sequence) {
  for (const std::string_view part :
       record.Finish(store::RecordSequence(sequence), store::Salt(7))) {
    log.append(part);
  }
}

// A live log of a header, a seal, and some room.
std::string Log(std::uint32_t format = store::kLogFormat) {
  std::string log;
  store::SegmentHeader header;
  header.format = format;
  store::RecordBuilder record;
  store::EncodeSegmentHeader(header, record);
  AddTo(log, record, 5);
  store::EncodeSeal({.last = {}, .before = store::LogState()}, record);
  AddTo(log, record, 6);
  return log + std::string(kRoom, '\0');
}

Shown Damaged(const std::string& sound, std::size_t at) {
  Shown shown{sound, sound};
  shown.legible[at] = static_cast<char>(shown.legible[at] ^ 1);
  return shown;
}

std::string RuleBrokenBy(const std::string& file, const std::optional<Shown>& shown) {
  return sim::RuleBrokenBy([&] {
    JustifiedRefusal::Check(
        "n1", kPath, store::Damaged(kPath, file, 0, "damage"),
        [&](std::string_view name) { return name == file ? shown : std::nullopt; });
  });
}

TEST(JustifiedRefusal, NamesAPlace) {
  const absl::Status vague = absl::DataLossError("something is wrong");
  const auto show = [](std::string_view) { return std::optional<Shown>(); };
  EXPECT_EQ(sim::RuleBrokenBy([&] { JustifiedRefusal::Check("n1", kPath, vague, show); }),
            "justified refusal");
}

TEST(JustifiedRefusal, MayBeOverADamagedIdentity) {
  const std::string name = store::FileNames("n1").Identity();
  EXPECT_EQ(RuleBrokenBy(name, Damaged("who this is", 3)), "");
  EXPECT_EQ(RuleBrokenBy(name, Shown{"who this is", "who this is"}), "justified refusal");
}

TEST(JustifiedRefusal, MayBeOverTheNewestRecordOfTheLiveLogAndNoOther) {
  const std::string name = store::FileNames("n1").Live();
  const std::string log = Log();
  const std::size_t newest = store::HeaderFrameBytes(store::kLogFormat);
  const std::size_t end = log.size() - kRoom;
  EXPECT_EQ(RuleBrokenBy(name, Damaged(log, newest)), "");
  EXPECT_EQ(RuleBrokenBy(name, Damaged(log, end - 1)), "");
  EXPECT_EQ(RuleBrokenBy(name, Damaged(log, end)), "") << "where the next one may have stood";
  EXPECT_EQ(RuleBrokenBy(name, Damaged(log, newest - 1)), "justified refusal");
  EXPECT_EQ(RuleBrokenBy(name, Damaged(log, log.size() - 1)), "justified refusal");
  EXPECT_EQ(RuleBrokenBy(name, std::nullopt), "") << "it is not there";
  EXPECT_EQ(RuleBrokenBy(name, Damaged(Log(1), 40)), "") << "which restates too little";
}

// A crash has torn the next one: its beginning has come to the disk. If the rest of it cannot be
// read, it may as well have been durable.
TEST(JustifiedRefusal, MayBeOverARecordThatWasBegun) {
  const std::string name = store::FileNames("n1").Live();
  std::string log = Log();
  const std::size_t end = log.size() - kRoom;
  const auto begin_next = [&](std::uint64_t sequence) {
    std::string torn;
    store::RecordBuilder record;
    store::EncodeSeal({.last = {}, .before = store::LogState()}, record);
    AddTo(torn, record, sequence);
    log.replace(end, kRoom,
                torn.substr(0, store::kRecordHeaderBytes) +
                    std::string(kRoom - store::kRecordHeaderBytes, '\0'));
  };
  begin_next(7);
  EXPECT_EQ(RuleBrokenBy(name, Damaged(log, log.size() - 1)), "");
  EXPECT_EQ(RuleBrokenBy(name, Shown{log, log}), "justified refusal") << "it is a torn write";
  begin_next(5);
  EXPECT_EQ(RuleBrokenBy(name, Damaged(log, log.size() - 1)), "justified refusal")
      << "no record that could follow has begun";
}

TEST(JustifiedRefusal, KnowsTheNewestRecordOfALogThatWasMended) {
  const std::string name = store::FileNames("n1").Live();
  std::string log = Log();
  log.resize(log.size() - kRoom);
  const std::size_t newest = log.size();
  store::RecordBuilder record;
  store::EncodeSeal({.last = {}, .before = store::LogState()}, record);
  AddTo(log, record, 9);
  log.append(kRoom, '\0');
  EXPECT_EQ(RuleBrokenBy(name, Damaged(log, newest)), "");
  EXPECT_EQ(RuleBrokenBy(name, Damaged(log, newest - 1)), "justified refusal");
}

TEST(JustifiedRefusal, MayBeForWantOfRoomOnlyWhereTheLogIsSealed) {
  const std::string live = store::FileNames("n1").Live();
  const auto refused = [&live](const std::string& log) {
    const auto show = [&](std::string_view name) {
      return name == live ? std::optional<Shown>({log, log}) : std::nullopt;
    };
    return sim::RuleBrokenBy(
        [&] { JustifiedRefusal::Check("n1", kPath, absl::ResourceExhaustedError("full"), show); });
  };
  EXPECT_EQ(refused(Log()), "");
  EXPECT_EQ(refused(Log().substr(0, store::HeaderFrameBytes(store::kLogFormat))),
            "justified refusal");
  EXPECT_EQ(refused("no log"), "justified refusal");
}

TEST(JustifiedRefusal, IsNotOverWhatTheOthersHave) {
  const store::FileNames names("n1");
  for (const std::string& name :
       {names.Sealed(store::SegmentNumber(3)), names.Snapshot(Index(9)), names.Mark()}) {
    EXPECT_EQ(RuleBrokenBy(name, Damaged(Log(), 200)), "justified refusal") << name;
  }
}

}  // namespace
}  // namespace grassdb::sim
