// explain_pages FOLDER SCHEDULE: the pages that page_test.mjs opens.
//
//   failing.html   a run with a violation, planted into its result: no build of this tree has one
//   passing.html   a run in which every rule held
//   faults.html    faults of one node, of several, and of links
//   large.html     more than 100,000 messages and points
//   explored.html  tests/sim/schedules/elected.txt, a schedule of an exploration, with a violation
//                  planted as well
#include <cstdio>
#include <optional>
#include <string>

#include "core/event.h"
#include "sim/report/explain_page.h"
#include "sim/report/explore_page.h"
#include "sim/report/failure_file.h"

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

std::string FaultsPage() {
  Schedule schedule = Seed(42, 4);
  schedule.run.nodes = 5;
  for (const char* name : {"fault_clog", "fault_crash", "fault_crash_all", "fault_flap",
                           "fault_full_disk", "fault_pause", "fault_partition", "fault_swizzle"}) {
    schedule.run.edits[name] = 1;
  }
  return PageOf(schedule, Explain(schedule, {}, ""), "");
}

// How many rows a minute has is what the seed draws, and changes with every fault the simulator
// learns: the run is made longer until it has enough.
std::string LargePage() {
  for (std::uint32_t seconds = 60;; seconds *= 2) {
    const Schedule schedule = Seed(1, seconds);
    const ExplainedRun run = Explain(schedule, {}, "");
    if (run.timeline.messages().size() + run.timeline.points().size() > 100'000) {
      return PageOf(schedule, run, "");
    }
  }
}

// Empty if the schedule cannot be read.
std::string ExploredPage(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  explore::ScheduleFile file;
  if (!text.ok() || explore::ParseFile(*text, &file).has_value()) return "";
  absl::StatusOr<ExplainedSchedule> explained = ExplainSchedule(file, "elected.txt");
  if (!explained.ok()) return "";
  explained->run.result.violation =
      Violation{"election safety", "sim/explore/invariants.cc:1", "n1 and n2 both lead term 1"};
  return PageOf(explained->words, explained->run);
}

bool Write(const std::string& path, const std::string& page) {
  const absl::Status status = ReplaceFile(path, page);
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok();
}

bool WriteAll(const std::string& folder, const std::string& schedule) {
  const std::string explored = ExploredPage(schedule);
  if (explored.empty()) {
    std::fprintf(stderr, "explain_pages: '%s' is no schedule\n", schedule.c_str());
    return false;
  }
  return Write(folder + "/failing.html", FailingPage()) &&
         Write(folder + "/explored.html", explored) &&
         Write(folder + "/passing.html", PageOf(Seed(2, 2), Explain(Seed(2, 2), {}, ""), "")) &&
         Write(folder + "/faults.html", FaultsPage()) && Write(folder + "/large.html", LargePage());
}

}  // namespace
}  // namespace grassdb::sim

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: explain_pages FOLDER SCHEDULE\n");
    return 2;
  }
  return grassdb::sim::WriteAll(argv[1], argv[2]) ? 0 : 1;
}
