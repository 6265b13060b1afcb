// Quantities with a unit, as flags have them. Errors are for a person: the text and what was
// expected.
#ifndef GRASSDB_BIN_QUANTITY_H_
#define GRASSDB_BIN_QUANTITY_H_

#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "core/types.h"

namespace grassdb {

// A number and ms, s, m or us: "300ms", "1.5s".
absl::StatusOr<Duration> ParseDuration(std::string_view text);
// As ParseDuration; or 0, which stands for none.
absl::StatusOr<Duration> ParseDelay(std::string_view text);
// Two durations, "300ms-600ms", the first below the second.
absl::StatusOr<std::pair<Duration, Duration>> ParseDurationRange(std::string_view text);
// A moment of a simulation, from its start on: as ParseDuration, 0 too, or seconds: "2", "1.5".
absl::StatusOr<Duration> ParseMoment(std::string_view text);
// A number of bytes, or of KiB, MiB, GiB: "67108864", "64MiB".
absl::StatusOr<std::uint64_t> ParseSize(std::string_view text);
// As ParseSize, of bytes per second; or 0, which stands for no limit.
absl::StatusOr<std::uint64_t> ParseRate(std::string_view text);

}  // namespace grassdb

#endif  // GRASSDB_BIN_QUANTITY_H_
