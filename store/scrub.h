// Scrubber: reads the files of a data directory again, a piece at a time, so that damage is found
// while the state is whole in memory and not at the next start. Round and round: the snapshot, the
// sealed segments, oldest first, the live log as far as it is written.
//
// Changes nothing. Not thread-safe; the owner writes nothing meanwhile.
#ifndef GRASSDB_STORE_SCRUB_H_
#define GRASSDB_STORE_SCRUB_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/file.h"
#include "store/home.h"
#include "store/record.h"
#include "store/snapshot_file.h"

namespace grassdb::store {

// What there is to read, as of now.
struct ScrubTargets {
  std::optional<Index> snapshot;
  std::vector<SegmentNumber> sealed;  // ascending
  SegmentNumber live;
  std::uint64_t live_end = 0;
};

class Scrubber {
 public:
  enum class Place : std::uint8_t { kSnapshot, kSealed, kLive };

  struct Piece {
    Place place = Place::kSnapshot;
    SegmentNumber segment;    // of kSealed and kLive
    std::uint64_t bytes = 0;  // read
    absl::Status status;      // DataLoss: damaged, with file and offset. Else: it cannot be read
    bool pass_done = false;   // and the next piece is the first again
  };

  explicit Scrubber(const Home& home) : home_(home) {}

  // Reads about `bytes_max` more, or one record if that is larger. Behind what is damaged it goes
  // on with the next file.
  Piece Read(const ScrubTargets& targets, std::uint64_t bytes_max);
  // Begins the file it is at anew: another one may have its name now.
  void Reopen() { Close(); }

 private:
  void ReadSnapshot(Index index, std::uint64_t bytes_max, Piece& piece);
  void ReadSegment(const std::string& name, std::uint64_t bytes_max, Piece& piece);
  absl::StatusOr<bool> ReadRecords(const std::string& name, std::uint64_t bytes_max, Piece& piece);
  absl::Status OpenSegment(const std::string& name);
  // Ends the file that is being read.
  void Close();

  Home home_;
  // Where it is; the first segment after `segment_`, if that is gone by now.
  Place place_ = Place::kSnapshot;
  SegmentNumber segment_;
  std::uint64_t end_ = 0;  // of what is to be read of the live log
  std::uint64_t offset_ = 0;
  std::optional<RecordSequence> sequence_;  // of the record at `offset_`
  std::unique_ptr<File> file_;
  std::unique_ptr<SnapshotReader> reader_;
  std::optional<Index> index_;  // of reader_
  std::string buffer_;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_SCRUB_H_
