// Looking at a data directory without opening it: what `grassdb verify` and `grassdb dump` see.
//
// Reads only, and takes no lock: a node may be running on the directory, whose newest files change
// meanwhile. What counts and what does not is not judged here a second time: Recover does, as at a
// start.
#ifndef GRASSDB_STORE_INSPECT_H_
#define GRASSDB_STORE_INSPECT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/configuration.h"
#include "core/disk.h"
#include "store/file.h"
#include "store/names.h"
#include "store/payload.h"
#include "store/record.h"
#include "store/segment_scan.h"

namespace grassdb::store {

// The names of the nodes that the files belong to, sorted.
std::vector<std::string> NodesIn(const std::vector<std::string>& files);

// A stretch of a segment's file.
struct LogPlace {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::optional<RecordView> record;  // whole and in its place; else:
  std::string problem;
};

// The records of a segment and what is damaged between them, front to back. Behind damage it goes
// on with the next whole record. What follows the last record of a live log is room, and no place.
struct WalkEnd {
  std::uint64_t offset = 0;  // where the last whole record ends
  RecordSequence next;       // of the record that would follow it
};
WalkEnd WalkSegment(std::string_view bytes, Salt salt, SegmentRole role,
                    const std::function<void(const LogPlace&)>& visit);

// A segment of the log, in the order of the log, with all that can be read of it.
struct LogFile {
  SegmentFile file;
  SegmentNumber number;
  Salt salt;
};

// Shows the sealed segments and the live log (or what is to become it), one at a time: no more
// than one is in memory. A file that has gone meanwhile is left out. One that is no log's for its
// size alone (DataLoss) is told to `refused`, and the others are shown; without that it is an
// error.
absl::Status VisitLogFiles(
    Directory& directory, const FileNames& names, const Identity& identity,
    const std::function<void(const LogFile&)>& visit,
    const std::function<void(const std::string&, const absl::Status&)>& refused = nullptr);

enum class Weight : std::uint8_t {
  kNote = 1,        // no damage: what a crash leaves, and a start cleans up
  kSuperseded = 2,  // damage to what no start needs
  kDamage = 3,
};

struct Finding {
  Weight weight = Weight::kDamage;
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // 0: not known
  std::string problem;
  std::string consequence;  // whether it matters, and what mends it
};

struct FileSummary {
  std::string name;
  std::string what;           // "sealed segment 3"
  std::uint64_t bytes = 0;    // of the file
  std::uint64_t records = 0;  // or blocks or slots, that are whole
  std::string unit = "records";
};

struct Survey {
  std::string node;
  std::optional<Identity> identity;  // nullopt: lost or damaged, so nothing else can be checked
  bool replaced = false;             // by another node, and not at its end: nothing is checked
  std::vector<FileSummary> files;
  std::vector<Finding> findings;
  // Of what a start would find; not OK: it would refuse, and say this, with the way out.
  absl::Status start;
  // What a start would find lost, and ask the other members for.
  Damage damage;
  HardState hard_state;
  LogPosition last;
  LogPosition snapshot;
  // The newest that the log or a snapshot has, whether committed or not.
  Configuration configuration;

  bool damaged() const;
  // The members by `configuration` but for the node itself, sorted. Nobody has asked them.
  std::vector<std::string> others() const;
  // Of `damage`; empty if there is none.
  std::string WayOut() const;
};

// Reads every file of the node, and every checksum in them. Errors are those of the directory.
absl::StatusOr<Survey> Examine(Directory& directory, const std::string& node);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_INSPECT_H_
