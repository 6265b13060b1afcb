// Recorded histories of other stores, and whether they are linearizable. Two text formats, told
// apart by their first line, with one event a line; blank lines do not count:
//
//   {:process 0, :type :invoke, :f :append, :key "7", :value "x"}
//       a map from keys to texts, in EDN: get, put, append, and cas with [expected new]. A missing
//       key reads as "" or nil. Further entries of the map (:time, :index, :error) say nothing
//       here.
//   INFO  jepsen.util - 0	:invoke	:cas	[3 4]
//       one register: read, write, and cas with [expected new]. It is nil at first.
//
// A process has one operation under way at a time. :ok ends it; :fail says that it has not
// happened, and of a cas that the expected value was not there; after :info, or with the end of the
// file, its outcome is unknown: it may take effect at any time after its invocation, or never.
#ifndef GRASSDB_SIM_HISTORY_FILE_H_
#define GRASSDB_SIM_HISTORY_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace grassdb::sim {

struct HistoryVerdict {
  bool linearizable = true;
  std::uint64_t operations = 0;  // that take part: without what has not happened
  std::uint64_t keys = 0;
  // Not linearizable: how far an order goes, and which operation does not fit then.
  std::string text;
};

// `name` is the file's, for messages. InvalidArgument, naming the line, if `text` is no history;
// ResourceExhausted if a key needs more than `steps_max` steps of the search.
absl::StatusOr<HistoryVerdict> CheckHistory(std::string_view text, const std::string& name,
                                            std::uint64_t steps_max = 100'000'000);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_HISTORY_FILE_H_
