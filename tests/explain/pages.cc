// explain_pages FOLDER: the pages that page_test.mjs opens.
//
//   failing.html   a run with a violation, planted into its result: no build of this tree has one
//   passing.html   a run in which every rule held
//   large.html     more than 100,000 messages and points
#include <cstdio>
#include <optional>
#include <string>

#include "core/event.h"
#include "sim/report/explain_page.h"

namespace grassdb::sim {
namespace {

Schedule Seed(std::uint64_t seed, std::uint32_t seconds) {
  Schedule schedule;
  schedule.run.seed = seed;
  schedule.run.nodes = 3;
  schedule.run.seconds = seconds;
  return schedule;
}

// The last election that was won; somebody must have, after the faults.
TraceLine LastElection(const Timeline& timeline) {
  std::optional<TraceLine> last;
  for (const TraceLine& line : timeline.points()) {
    const bool won = line.kind == LineKind::kRaftEvent &&
                     line.a == static_cast<std::uint64_t>(EventKind::kWonElection);
    if (won) last = line;
  }
  return last.value();
}

// As a run that fails does, this one ends with what is taken for the violation.
std::string FailingPage() {
  Schedule schedule = Seed(3, 2);
  const TraceLine election = LastElection(Explain(schedule, {}, "").timeline);
  schedule.run.edits = {{"fault_phase_ns", Nanoseconds(election.at) + 1}, {"end_with_faults", 1}};
  ExplainedRun run = Explain(schedule, {}, "grass-sim replay small.json");
  const std::string node = "n" + std::to_string(election.node + 1);
  run.result.violation =
      Violation{"one leader in a term", "sim/checkers/election_safety.h:1",
                node + " leads term " + std::to_string(election.c) + ", and so does another"};
  return PageOf(schedule, run, "");
}

bool Write(const std::string& path, const std::string& page) {
  const absl::Status status = ReplaceFile(path, page);
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok();
}

bool WriteAll(const std::string& folder) {
  const ExplainedRun large = Explain(Seed(1, 60), {}, "");
  if (large.timeline.messages().size() + large.timeline.points().size() <= 100'000) {
    std::fprintf(stderr, "explain_pages: the large run has too few rows\n");
    return false;
  }
  return Write(folder + "/failing.html", FailingPage()) &&
         Write(folder + "/passing.html", PageOf(Seed(2, 2), Explain(Seed(2, 2), {}, ""), "")) &&
         Write(folder + "/large.html", PageOf(Seed(1, 60), large, ""));
}

}  // namespace
}  // namespace grassdb::sim

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: explain_pages FOLDER\n");
    return 2;
  }
  return grassdb::sim::WriteAll(argv[1]) ? 0 : 1;
}
