// Which records of a log tell more than what they append.
#include "sim/telling_places.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/payload.h"
#include "store/record.h"

namespace grassdb::sim {
namespace {

using store::Batch;
using store::BatchKind;
using store::RecordBuilder;

class TellingPlacesTest : public ::testing::Test {
 protected:
  // Each returns where the record stands.
  Extent AddHeader() {
    store::SegmentHeader header;
    header.number = store::SegmentNumber(1);
    store::EncodeSegmentHeader(header, record_);
    return Finish();
  }
  // Entries of these terms from `first` on, behind one of `previous`.
  Extent Add(std::uint64_t first, std::uint64_t previous, const std::vector<std::uint64_t>& terms,
             Batch batch = {}) {
    batch.before.emplace().last = {.index = last_, .term = Term(previous)};
    batch.first = Index(first);
    batch.previous_term = Term(previous);
    std::vector<Entry> entries;
    for (const std::uint64_t term : terms) {
      entries.push_back(
          {.index = Index(first + entries.size()), .term = Term(term), .payload = {}});
    }
    store::EncodeBatch(batch, entries, record_);
    last_ = Index(first + terms.size() - 1);
    return Finish();
  }
  Extent AddSeal() {
    store::Seal seal{.last = {.index = last_, .term = Term(1)}, .before = store::LogState()};
    seal.before->last = seal.last;
    store::EncodeSeal(seal, record_);
    return Finish();
  }
  std::vector<std::uint64_t> Found() const {
    std::vector<std::uint64_t> begins;
    for (const Extent& extent : TellingPlaces(log_)) begins.push_back(extent.begin);
    return begins;
  }

  std::string log_;

 private:
  Extent Finish() {
    const std::uint64_t begin = log_.size();
    for (const auto part : record_.Finish(store::RecordSequence(++sequence_), store::Salt(7))) {
      log_.append(part);
    }
    return {begin, log_.size()};
  }

  RecordBuilder record_;
  std::uint64_t sequence_ = 0;
  Index last_;
};

TEST_F(TellingPlacesTest, AreNoneInWhatIsNoLog) {
  EXPECT_TRUE(TellingPlaces("").empty());
  EXPECT_TRUE(TellingPlaces(std::string(4096, '\0')).empty());
}

TEST_F(TellingPlacesTest, AreTheHeaderTheBeginningOfATermACutAndTheSeal) {
  const Extent header = AddHeader();
  const Extent term = Add(1, 0, {1, 1});
  Add(3, 1, {1});
  Add(4, 1, {1});
  const Extent cut = Add(3, 1, {1, 1, 1});
  Add(6, 1, {1});
  const Extent next = Add(7, 1, {2});
  Add(8, 2, {2});
  const Extent seal = AddSeal();
  log_.resize(8192);
  EXPECT_EQ(Found(), (std::vector<std::uint64_t>{header.begin, term.begin, cut.begin, next.begin,
                                                 seal.begin}));
  EXPECT_EQ(TellingPlaces(log_)[2].end, cut.end);
}

TEST_F(TellingPlacesTest, AreWhatInstallsOrMendsOrStandsBeforeTheNewestRecord) {
  const Extent header = AddHeader();
  Batch install;
  install.install = store::InstallMark{};
  const Extent installs = Add(5, 1, {1}, install);
  Add(6, 1, {1});
  Batch fill;
  fill.kind = BatchKind::kFill;
  const Extent fills = Add(6, 1, {1}, fill);
  const Extent before = Add(7, 1, {1});
  Add(8, 1, {1});
  EXPECT_EQ(Found(),
            (std::vector<std::uint64_t>{header.begin, installs.begin, fills.begin, before.begin}));
}

TEST_F(TellingPlacesTest, AreTheNewestRecordWhereACrashHasTornOneBehindIt) {
  const Extent header = AddHeader();
  const Extent term = Add(1, 0, {1});
  const Extent before = Add(2, 1, {1});
  const Extent newest = Add(3, 1, {1});
  Add(4, 1, {1});
  log_[log_.size() - 9] ^= 1;
  log_.resize(8192);
  EXPECT_EQ(Found(),
            (std::vector<std::uint64_t>{header.begin, term.begin, before.begin, newest.begin}));
}

}  // namespace
}  // namespace grassdb::sim
