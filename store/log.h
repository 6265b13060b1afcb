// The log's files for writing: the live log, the sealed segments before it, the free ones kept for
// re-use, and the reserve. Recovery (recovery.h) says where writing goes on.
//
// Every error of every function here is final, and the caller stops writing for good; but for
// ResourceExhausted of MakeRoom, which has changed nothing. No other function gives that.
#ifndef GRASSDB_STORE_LOG_H_
#define GRASSDB_STORE_LOG_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/disk.h"
#include "core/entry.h"
#include "store/file.h"
#include "store/home.h"
#include "store/payload.h"
#include "store/record.h"
#include "store/segment_reader.h"

namespace grassdb::store {

struct SealedSegment {
  SegmentNumber number;
  LogPosition previous;     // as in its header
  std::uint64_t bytes = 0;  // of the file
};

// Where the live log stands.
struct LiveLog {
  SegmentNumber number;  // 0: there is none yet
  LogPosition previous;
  std::uint64_t end = 0;  // where the next record goes
  RecordSequence next_sequence = RecordSequence(1);
  std::uint32_t format = kLogFormat;
};

// What a record is for says how much of the last room it may take.
enum class Claim : std::uint8_t {
  kData,   // none of the reserve
  kVital,  // the reserve but for its last quarter: no data are added, perhaps some taken away, or
           // what is added stands in the way of that (Persist::vital)
  kVote,   // whatever there is
};

Claim ClaimOf(const Persist& persist);

enum class RestockExtent : std::uint8_t { kReserve, kAll };

class Log {
 public:
  explicit Log(const Home& home)
      : home_(home),
        spare_{.name = home.names.Spare(), .file = nullptr},
        reserve_{.name = home.names.Reserve(), .file = nullptr} {}

  // Makes the first live log of a new data directory. ResourceExhausted if there is no room.
  absl::Status Create();
  // Goes on where recovery left off; the live log's file exists. Makes the reserve, or what there
  // is room for.
  absl::Status Resume(const LiveLog& live, std::deque<SealedSegment> sealed,
                      std::vector<SegmentNumber> free);
  // As Resume, for a live log that ends with a seal: finishes the rotation that a crash
  // interrupted.
  absl::Status ResumeSealed(const LiveLog& live, std::deque<SealedSegment> sealed,
                            std::vector<SegmentNumber> free, const LogState& state);
  // The format that the next record is written in, if it needs `format_min` at least.
  std::uint32_t FormatFor(std::uint32_t format_min) const;
  // The live log is of `format` and has room for a record of `frame_bytes`; if need be it is sealed
  // and another begun. Called although HasRoom, it is sealed early. `state` is that before the
  // record. ResourceExhausted: there is no room for `claim`.
  absl::Status MakeRoom(std::size_t frame_bytes, Claim claim, const LogState& state,
                        std::uint32_t format);
  // Whether MakeRoom has nothing to do, whatever the claim.
  bool HasRoom(std::size_t frame_bytes, std::uint32_t format) const {
    return Fits(frame_bytes) && IsStocked(reserve_) && format == live_.format;
  }
  // Makes the record durable: one gathered write and one sync. There is room for it. Finishes
  // `record`.
  absl::Status Append(RecordBuilder& record);
  // As long as there is no free segment to re-use, a share of a spare file is to be filled with
  // zeros for every so many bytes that are appended: whether one is due, and filling it.
  bool lags() const;
  absl::Status FillAhead();

  // The number that the next record gets, if no rotation comes before it.
  RecordSequence next_sequence() const { return live_.next_sequence; }
  SegmentNumber live_number() const { return live_.number; }

  // Tries to fill the reserve and a segment to go on with, a share of them. True: another share is
  // worth trying at once.
  absl::StatusOr<bool> Restock(RestockExtent extent);
  // Gives everything up but the reserve, for a snapshot: that can let go of the log itself. One of
  // this node's own state (`own`) may have the reserve as well, where nothing else is left to give,
  // and what the live log has left can stand in for it meanwhile; Restock makes it again behind the
  // next Release. Called once more before that, the reserve was too little too, and is made first.
  absl::Status GiveWay(bool own);
  SpaceReport space() const;

  // Seals the live log and begins another. ResourceExhausted as for MakeRoom.
  absl::Status Seal(const LogState& state) {
    return Rotate(state, 0, Claim::kVital, FormatFor(FormatMinFor(state.hard_state)));
  }
  // Where the log stood when the segment ended, or after that; the last entry if it is gone.
  Index EndOf(SegmentNumber sealed) const;
  LogFiles files() const;

  // Gives up the oldest segments whose entries are all at or below `through`; a file that is gone
  // already is given up too. The caller has made durable what replaces them, and syncs the
  // directory before the next Append.
  absl::Status Release(Index through);
  // Whether Release(through) gives up any.
  bool WouldRelease(Index through) const {
    return !sealed_.empty() && EndOf(sealed_.front().number) <= through;
  }

  // The last entry before the oldest segment: what is not released begins behind it.
  Index released_through() const {
    return sealed_.empty() ? live_.previous.index : sealed_.front().previous.index;
  }

 private:
  // A file that is being filled with zeros ahead of its use.
  struct Stock {
    std::string name;
    std::unique_ptr<File> file;  // null: not opened in this life
    std::uint64_t filled = 0;    // and synced
  };

  bool Fits(std::size_t frame_bytes) const;
  std::uint64_t ReserveBytes() const;
  bool IsStocked(const Stock& reserve) const { return reserve.filled >= ReserveBytes(); }
  bool MayUse(std::size_t frame_bytes, Claim claim) const;
  std::uint64_t RoomForData() const;
  void NoteRoom();
  absl::Status Fill(Stock& stock, std::uint64_t until);
  absl::Status StockReserve();
  absl::Status FreeToReserve();
  absl::Status Drop(Stock& stock);
  // The rotation in its steps; store/FORMAT.md, "Rotation", has what a crash leaves after each.
  absl::Status Rotate(const LogState& state, std::size_t frame_bytes, Claim claim,
                      std::uint32_t format);
  absl::Status WriteHeader(const LogState& state, RecordSequence sequence, std::uint32_t format);
  absl::Status ChooseNext(std::size_t frame_bytes, Claim claim);
  absl::StatusOr<bool> TakeFree(std::uint64_t needed);
  absl::Status ForgetIfGone(Stock& stock) const;
  absl::Status TakeStock(Stock& stock);
  bool NeedsSpare() const;
  absl::Status WriteSeal(const LogState& state);
  absl::Status SealedToDirectory();
  absl::Status NextToLive(const LogState& state, RecordSequence sequence, std::uint32_t format);
  absl::Status OpenLive();
  absl::Status WriteRecord(RecordBuilder& record);

  Home home_;
  LiveLog live_;
  std::unique_ptr<File> file_;        // of the live log
  std::uint64_t capacity_ = 0;        // of the live log's file
  std::deque<SealedSegment> sealed_;  // ascending, without gaps, up to live_.number - 1
  std::vector<SegmentNumber> free_;
  Stock spare_;
  std::uint64_t spare_owed_ = 0;  // appended to the log, but not yet matched by zeros
  Stock reserve_;
  bool reserve_given_ = false;  // for the next snapshot of this node's own state
  std::string problem_;         // what could not be had for want of room; empty: nothing
  bool full_ = false;           // and what is left is kept for what is under way
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_LOG_H_
