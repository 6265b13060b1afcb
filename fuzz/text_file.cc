// Any bytes as one of the text files that the simulator reads: it is refused with a reason, or it
// is read; what is written of it again is read as the same.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/check.h"
#include "sim/explore/replay.h"
#include "sim/history_file.h"
#include "sim/report/failure_file.h"
#include "sim/report/sweep_report.h"
#include "sim/schedule.h"

namespace grassdb::sim {
namespace {

void History(std::string_view text) {
  // So few steps that a hard history ends soon: as one that is given up on.
  const absl::StatusOr<HistoryVerdict> verdict = CheckHistory(text, "history", 20'000);
  if (!verdict.ok()) {
    GRASS_CHECK(!verdict.status().message().empty());
    return;
  }
  GRASS_CHECK(verdict->linearizable == verdict->text.empty());
}

void Failure(std::string_view text) {
  const absl::StatusOr<FailureFile> file = ParseFailure(text, "failure");
  if (!file.ok()) {
    GRASS_CHECK(!file.status().message().empty());
    return;
  }
  const std::string written = TextOf(*file);
  const absl::StatusOr<FailureFile> again = ParseFailure(written, "again");
  GRASS_CHECK_MSG(again.ok(), std::string(again.status().message()));
  GRASS_CHECK(TextOf(*again) == written);
}

// What a profile sets is a plan that a cluster can have, or is refused.
void Profile(std::string_view text) {
  RunOptions options;
  options.seed = 1;
  if (const auto problem = AddProfile(text, "profile", &options.edits)) {
    GRASS_CHECK(!problem->empty());
    return;
  }
  if (Contradiction(options).has_value()) return;
  const std::optional<std::string> why_not = WhyNot(PlanOf(options));
  GRASS_CHECK_MSG(!why_not.has_value(), *why_not);
}

// Two builds that have come to the same.
void FingerprintsOfASweep(std::string_view text) {
  const absl::StatusOr<std::string> difference = CompareFingerprints(text, "a", text, "b");
  if (!difference.ok()) {
    GRASS_CHECK(!difference.status().message().empty());
    return;
  }
  GRASS_CHECK(difference->empty());
}

// The steps run as well: those that can be done, until one cannot.
void Exploration(std::string_view text) {
  explore::ScheduleFile file;
  if (const auto problem = explore::ParseFile(std::string(text), &file)) {
    GRASS_CHECK(!problem->empty());
    return;
  }
  explore::ScheduleFile again;
  const std::string written = explore::FileOf(file.bounds, file.steps, "");
  GRASS_CHECK(!explore::ParseFile(written, &again).has_value());
  GRASS_CHECK(again.bounds == file.bounds && again.steps == file.steps);
  const explore::ReplayResult result = explore::Replay(file.bounds, file.steps);
  GRASS_CHECK_MSG(!result.violation.has_value(), result.violation->text);
}

}  // namespace
}  // namespace grassdb::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // By their own first letters, as users give them.
  if (grassdb::sim::explore::IsSchedule(text)) {
    grassdb::sim::Exploration(text);
  } else if (size > 1 && text[0] == '{' && text[1] != ':') {
    grassdb::sim::Failure(text);
    grassdb::sim::Profile(text);
  } else if (size > 0 && text[0] >= '0' && text[0] <= '9') {
    grassdb::sim::FingerprintsOfASweep(text);
  } else {
    grassdb::sim::History(text);
  }
  return 0;
}
