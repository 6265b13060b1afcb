// Runs a schedule again, step by step on replicas of its own: without a catalog, a digest or a
// symmetry. What it finds does not rest on them.
#ifndef GRASSDB_SIM_EXPLORE_REPLAY_H_
#define GRASSDB_SIM_EXPLORE_REPLAY_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.h"
#include "sim/explore/bounds.h"
#include "sim/explore/replica.h"
#include "sim/violation.h"

namespace grassdb::sim::explore {

struct ReplayResult {
  std::optional<Violation> violation;
  std::size_t steps = 0;  // done, the one that broke the rule included
  // A step that cannot be done: which and why, for a person. Nothing was found then.
  std::optional<std::string> problem;
  // Every step, and after it the node it happened to.
  std::string text;
};

// A step that was done, before any rule is asked about it.
struct ReplayedStep {
  std::size_t number = 0;  // from 1 on
  std::uint32_t node = 0;  // that it happened to
  // kDeliver, with `message`: it was taken out of the network, and `lost`, or arrived, and perhaps
  // `stays` there for another time.
  ActionKind kind = ActionKind::kDeliver;
  const Message* message = nullptr;
  std::uint64_t message_number = 0;  // of all that were sent, from 0 on
  bool lost = false;
  bool stays = false;
  const Replica* before = nullptr;  // equal to `after` if the message was lost
  const Replica* after = nullptr;
  std::span<const Message> sent;
  std::uint64_t first_sent = 0;  // the number of the first of them
};
// Who looks on.
using ReplayWatch = std::function<void(const Cluster&, const ReplayedStep&)>;

// Ends with the first violation.
ReplayResult Replay(const Bounds& bounds, std::span<const std::string> steps,
                    const ReplayWatch& watch = nullptr);

// The text of a schedule in a file: its bounds, its steps, and lines of comment before them.
std::string FileOf(const Bounds& bounds, std::span<const std::string> steps,
                   const std::string& comment);

struct ScheduleFile {
  Bounds bounds;
  std::vector<std::string> steps;
};

// Whether the text is such a file, as far as its first line says.
bool IsSchedule(std::string_view text);

// What FileOf wrote; else the problem, for a person.
std::optional<std::string> ParseFile(const std::string& text, ScheduleFile* file);

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_REPLAY_H_
