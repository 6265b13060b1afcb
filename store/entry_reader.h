// Reads entries back out of the log's files, for members that are further behind than memory
// reaches, or have not applied yet what they found at their start (ReadEntries in core/disk.h).
//
// An entry is known by its index and term (log matching, thesis 3.5): whatever else was written to
// that place before, and cut away, has another term. So the records are read in their order,
// without following what the log had become at each; and what is damaged among them is passed over.
//
// Nothing is kept in memory of where entries are. Who reads on finds its place again; who begins
// looks for it from the front of a segment on, a piece each time it asks. Nobody says that it has
// read enough, so a place, with what was read ahead there, is kept until its reader has begun at
// others, or the segment is gone.
//
// Not thread-safe; the owner writes nothing meanwhile.
#ifndef GRASSDB_STORE_ENTRY_READER_H_
#define GRASSDB_STORE_ENTRY_READER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/disk.h"
#include "store/home.h"
#include "store/payload.h"
#include "store/segment_reader.h"

namespace grassdb::store {

class EntryReader {
 public:
  explicit EntryReader(const Home& home) : home_(home) {}

  // One piece. None: not found yet; ask again. NotFound: it is in none of the files. DataLoss: nor
  // is it, but something in them is damaged, and may have been it. Other errors: they cannot be
  // read. After an error the next call begins anew.
  absl::StatusOr<std::vector<Entry>> Read(const ReadEntries& wanted, const LogFiles& files);
  // To be called whenever segments have gone: then the places in them go, and their files are
  // closed.
  void LetGoOfAllBut(const LogFiles& files);

 private:
  // As many readers at once find their places again; the one that has not read for longest begins
  // anew. A reader may be at two places for one purpose: at one for a leadership that is over.
  static constexpr std::size_t kPlacesMax = 16;
  static constexpr std::size_t kPlacesOfReaderMax = 2;
  // What is looked through at least in one job, however little is wanted.
  static constexpr std::uint64_t kPieceBytesMin = 65536;

  struct Place {
    NodeId reader;
    ReadFor purpose = ReadFor::kState;
    Index began;  // what was looked for from the front of a segment on
    Index next;
    // What has been read beyond what was asked for: from `next` on, as the log was there.
    std::deque<Entry> ahead;
    std::unique_ptr<SegmentReader> segment;
    absl::Status damage;  // the first that was passed over since it began
  };

  static bool IsOf(const Place& place, const ReadEntries& wanted);
  static bool IsThere(const Place& place, const LogFiles& files);
  // Before there is another one.
  void MakeRoomFor(const ReadEntries& wanted);
  // Where `wanted` goes on, moved to the end of places_.
  Place& FindPlace(const ReadEntries& wanted, const LogFiles& files);
  // False: not found behind the place, but perhaps before it.
  absl::StatusOr<bool> ReadPiece(Place& place, const ReadEntries& wanted, const LogFiles& files);
  static void Follow(Place& place, Term term, Batch batch);
  std::unique_ptr<SegmentReader> Begin(SegmentNumber number) const;
  static std::vector<Entry> TakeAhead(Place& place, const ReadEntries& wanted);

  Home home_;
  std::deque<Place> places_;  // the one that was read last is the last one
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_ENTRY_READER_H_
