// Highlights: the rows of a timeline that a reader of a violation should see first: the violation,
// the messages through which its node came to know what it knew, and what else happened to the
// term, the index and the nodes that the violation names. A guide, not a proof: what an event
// caused is not recorded, so the newest message a node had got before stands for it.
#ifndef GRASSDB_SIM_REPORT_HIGHLIGHTS_H_
#define GRASSDB_SIM_REPORT_HIGHLIGHTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/report/timeline.h"
#include "sim/violation.h"

namespace grassdb::sim {

struct Highlight {
  bool message = false;  // else a point
  std::size_t row = 0;   // in messages() or points()
  std::uint64_t at = 0;  // of a message: when it was sent
  std::string why;
};

// What a violation's text names.
struct Named {
  std::vector<std::uint32_t> nodes;
  std::vector<std::uint64_t> terms;
  std::vector<std::uint64_t> indexes;
};
Named NamedIn(const std::string& text);

// In order of time, each row once; at most about forty. `event` is the violation's.
std::vector<Highlight> HighlightsOf(const Timeline& timeline, const Violation& violation,
                                    std::uint64_t event);

// The lane that the violation is on, if that can be told.
std::optional<std::uint32_t> LaneOfViolation(const Timeline& timeline, const Violation& violation,
                                             std::uint64_t event);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_HIGHLIGHTS_H_
