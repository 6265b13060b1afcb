// Telling places: the records of a log that say more than what is appended. Losing one of the
// others costs the entries in it; losing one of these, what can be told of the rest.
#ifndef GRASSDB_SIM_TELLING_PLACES_H_
#define GRASSDB_SIM_TELLING_PLACES_H_

#include <string_view>
#include <vector>

#include "sim/damage.h"

namespace grassdb::sim {

// Of a file of the log, in their order: its header and its seal, the batches that cut the log, that
// begin with another term than the one before them had, that put a snapshot in force, or mend; the
// last record before the newest; and the newest, if another one was begun behind it. None for what
// is no file of a log.
std::vector<Extent> TellingPlaces(std::string_view content);

// Whether the next record was begun behind this one, and never became whole.
bool IsBegunBehind(std::string_view content, const Extent& record);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_TELLING_PLACES_H_
