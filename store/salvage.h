// What a damaged data directory still holds when nobody is left to give anything back: the state up
// to the first damage, and what of the log can be read behind it. For `grassdb recover` after the
// loss of a majority. A node of a living cluster repairs itself instead (core/repair.h).
//
// Reads only, as all of recovery does.
#ifndef GRASSDB_STORE_SALVAGE_H_
#define GRASSDB_STORE_SALVAGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/entry.h"
#include "store/file.h"
#include "store/stored_state.h"

namespace grassdb::store {

struct Salvaged {
  StoredState kept;
  // What is damaged, one place each, for people. Empty: nothing that matters is, and `kept` is all.
  std::vector<std::string> places;
  // Entries behind `kept` that can be read, ascending by index. The log was at some time so: what
  // cannot be read may have put others in their place.
  std::vector<Entry> dropped;
  // The log is known to have reached so far; perhaps it reached further. >= kept.last.index.
  Index known_end;

  bool damaged() const { return !places.empty(); }
};

// As LoadState where that succeeds. Where it is refused for damage:
//   - what recovery says is known before the first lost entry; or, where it knows too little to say
//     what is lost,
//   - the newest whole snapshot with the records behind it, up to the first one that is damaged,
//     missing, or contradicts those before it.
// DataLoss where there is nothing to keep: the identity, without which no other byte can be
// checked, is lost; or the log begins behind an entry that no whole snapshot reaches.
absl::StatusOr<Salvaged> LoadUpToDamage(Directory& directory, const std::string& node);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_SALVAGE_H_
