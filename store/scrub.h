// Scrubber: reads the files of a data directory again, a piece at a time, so that damage is found
// while the state is whole in memory and not at the next start. Round and round: the
// identity, the snapshot, the sealed segments, oldest first, the live log as far as it is written.
//
// Changes nothing. Not thread-safe; the owner writes nothing meanwhile.
#ifndef GRASSDB_STORE_SCRUB_H_
#define GRASSDB_STORE_SCRUB_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "store/home.h"
#include "store/record.h"
#include "store/segment_reader.h"
#include "store/snapshot_file.h"

namespace grassdb::store {

class Scrubber {
 public:
  enum class Place : std::uint8_t { kIdentity, kSnapshot, kSealed, kLive };

  struct Piece {
    Place place = Place::kIdentity;
    SegmentNumber segment;    // of kSealed and kLive
    std::uint64_t bytes = 0;  // read
    absl::Status status;      // DataLoss: damaged, with file and offset. Else: it cannot be read
    bool pass_done = false;   // and the next piece is the first again
  };

  explicit Scrubber(const Home& home) : home_(home) {}

  // Reads about `bytes_max` more, or one record if that is larger. Behind what is damaged it goes
  // on with the next file.
  Piece Read(std::optional<Index> snapshot, const LogFiles& files, std::uint64_t bytes_max);
  // Begins the file it is at anew: another one may have its name now.
  void Reopen() { Close(); }

 private:
  void ReadSnapshot(Index index, std::uint64_t bytes_max, Piece& piece);
  void ReadSegment(const LogFiles& files, std::uint64_t bytes_max, Piece& piece);
  // Ends the file that is being read.
  void Close();

  Home home_;
  // Where it is; the first segment after `segment_`, if that is gone by now.
  Place place_ = Place::kIdentity;
  SegmentNumber segment_;
  std::unique_ptr<SegmentReader> log_;  // of segment_, once begun
  std::uint64_t offset_ = 0;            // in the stream of reader_
  std::unique_ptr<SnapshotReader> reader_;
  std::optional<Index> index_;  // of reader_
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_SCRUB_H_
