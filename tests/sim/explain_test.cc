#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "core/disk.h"
#include "core/event.h"
#include "sim/report/explain_page.h"
#include "sim/report/highlights.h"

namespace grassdb::sim {
namespace {

Schedule Seed(std::uint64_t seed) {
  Schedule schedule;
  schedule.run.seed = seed;
  schedule.run.seconds = 2;
  return schedule;
}

TraceLine Line(std::uint64_t at, std::uint64_t event, LineKind kind, std::uint32_t node,
               std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0, std::uint64_t d = 0,
               std::uint64_t e = 0) {
  return {TrueTime(Duration(at)), event, kind, node, a, b, c, d, e};
}

std::uint64_t CountOf(const Timeline& timeline, MessageFate fate) {
  std::uint64_t count = 0;
  for (const TimelineMessage& message : timeline.messages()) count += message.fate == fate ? 1 : 0;
  return count;
}

std::string Contents(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class EveryExplainedSeed : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(EveryExplainedSeed, IsTheSameRunWhenItIsRecorded) {
  const RunResult alone = RunSchedule(Seed(GetParam()));
  const ExplainedRun run = Explain(Seed(GetParam()), {}, "");
  EXPECT_EQ(run.result.fingerprint, alone.fingerprint);
  EXPECT_EQ(run.result.counters.events, alone.counters.events);
}

TEST_P(EveryExplainedSeed, HasEveryMessageThatTheRunCounts) {
  const ExplainedRun run = Explain(Seed(GetParam()), {}, "");
  const Counters& counters = run.result.counters;
  std::uint64_t delivered = 0;
  std::uint64_t repeated = 0;
  for (const TimelineMessage& message : run.timeline.messages()) {
    const bool packet = message.sent.a >= kPacketRequest;
    if (!packet && message.fate == MessageFate::kDelivered) ++delivered;
    if (message.sent.kind == LineKind::kSent && message.sent.e != 0) ++repeated;
  }
  EXPECT_GT(delivered, 0u);
  EXPECT_EQ(delivered, counters.messages_delivered);
  EXPECT_EQ(repeated, counters.messages_repeated);
  EXPECT_EQ(CountOf(run.timeline, MessageFate::kLost), counters.messages_lost);
}

TEST_P(EveryExplainedSeed, HasItsRowsInTheOrderInWhichTheyHappened) {
  const ExplainedRun run = Explain(Seed(GetParam()), {}, "");
  TrueTime newest;
  for (const TimelineMessage& message : run.timeline.messages()) {
    EXPECT_GE(message.sent.at, newest);
    newest = message.sent.at;
    EXPECT_TRUE(!message.arrived || message.came.at >= message.sent.at);
  }
  newest = TrueTime();
  for (const TraceLine& line : run.timeline.points()) {
    EXPECT_GE(line.at, newest);
    newest = line.at;
  }
}

TEST_P(EveryExplainedSeed, GivesTheSamePageTwice) {
  const std::string first = PageOf(Seed(GetParam()), Explain(Seed(GetParam()), {}, ""), "");
  EXPECT_EQ(first, PageOf(Seed(GetParam()), Explain(Seed(GetParam()), {}, ""), ""));
}

INSTANTIATE_TEST_SUITE_P(Seeds, EveryExplainedSeed, ::testing::Values(3u, 8u, 11u));

TEST(Explain, TellsEveryLaneWithoutGapsFromBeginningToEnd) {
  const ExplainedRun run = Explain(Seed(5), {}, "");
  std::vector<std::uint64_t> end(run.timeline.nodes(), 0);
  bool led = false;
  for (const RoleSpan& span : run.timeline.roles()) {
    EXPECT_EQ(span.from, end[span.lane]);
    EXPECT_GE(span.until, span.from);
    end[span.lane] = span.until;
    led = led || span.role == LaneRole::kLeader;
  }
  for (const std::uint64_t at : end) EXPECT_EQ(at, run.timeline.end());
  EXPECT_TRUE(led);
}

TEST(Explain, ShowsARunThatBreaksNoRule) {
  const ExplainedRun run = Explain(Seed(2), {}, "");
  ASSERT_TRUE(run.result.ok()) << run.result.report;
  const std::string page = PageOf(Seed(2), run, "");
  EXPECT_NE(page.find("Every rule held"), std::string::npos);
  const auto data = nlohmann::json::parse(DataOf("seed 2", run));
  EXPECT_TRUE(data["highlights"].empty());
  EXPECT_FALSE(data.contains("violation"));
  EXPECT_EQ(data["messages"]["sent"].size(), run.timeline.messages().size());
  EXPECT_EQ(data["points"]["at"].size(), run.timeline.points().size());
}

TEST(Explain, ColumnsHaveARowForEachMessage) {
  const ExplainedRun run = Explain(Seed(2), {}, "");
  const auto data = nlohmann::json::parse(DataOf("seed 2", run));
  for (const auto& [name, column] : data["messages"].items()) {
    EXPECT_EQ(column.size(), run.timeline.messages().size()) << name;
  }
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < run.timeline.messages().size(); ++i) {
    at += data["messages"]["sent"][i].get<std::uint64_t>();
    ASSERT_EQ(at, Nanoseconds(run.timeline.messages()[i].sent.at));
  }
}

TEST(Explain, KeepsTheNewestRowsAndSaysWhatItLeavesOut) {
  const ExplainedRun all = Explain(Seed(2), {}, "");
  EXPECT_EQ(all.timeline.LeftOut(), "");
  TimelineLimits limits;
  limits.rows = 500;
  const ExplainedRun some = Explain(Seed(2), limits, "");
  const Timeline& timeline = some.timeline;
  EXPECT_EQ(timeline.messages().size() + timeline.points().size(), 500u);
  EXPECT_EQ(timeline.left_out() + 500,
            all.timeline.messages().size() + all.timeline.points().size());
  EXPECT_EQ(timeline.points().back().event, all.timeline.points().back().event);
  EXPECT_EQ(CountOf(timeline, MessageFate::kInFlight),
            CountOf(all.timeline, MessageFate::kInFlight));
  EXPECT_NE(timeline.LeftOut().find("a page holds 500"), std::string::npos);
  EXPECT_NE(PageOf(Seed(2), some, "").find(timeline.LeftOut()), std::string::npos);
}

TEST(Explain, ShowsOnlyTheSecondsAskedFor) {
  TimelineLimits limits;
  limits.from = 500'000'000;
  limits.until = 1'000'000'000;
  const ExplainedRun run = Explain(Seed(2), limits, "");
  ASSERT_FALSE(run.timeline.messages().empty());
  for (const TimelineMessage& message : run.timeline.messages()) {
    EXPECT_GE(Nanoseconds(message.sent.at), limits.from);
    EXPECT_LE(Nanoseconds(message.sent.at), limits.until);
  }
  EXPECT_NE(run.timeline.LeftOut().find("outside --from and --until"), std::string::npos);
}

TEST(Explain, NothingInATextEndsTheScriptOrAddsToThePage) {
  ExplainedRun run = Explain(Seed(2), {}, "");
  run.result.violation = Violation{"</script><b>", "a.cc:1", "{{DATA}} <!-- n1 \"index 3\" \xff"};
  const std::string data = DataOf("seed 2", run);
  EXPECT_EQ(data.find('<'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(data)["violation"]["text"].get<std::string>().substr(0, 13),
            "</script><b>:");
  const std::string page = PageOf(Seed(2), run, "<i>");
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_EQ(page.find("<i>"), std::string::npos);
  EXPECT_NE(page.find("{{DATA}} &lt;!--"), std::string::npos) << "stays as it is";
}

TEST(Explain, FollowsAMessageToItsEnd) {
  Timeline timeline(2, 1, {});
  timeline.OnLine(Line(1, 1, LineKind::kSent, 0, 2, 1, 4, 10));
  timeline.OnLine(Line(2, 2, LineKind::kSent, 0, 2, 1, 4, 12));
  timeline.OnLine(Line(3, 3, LineKind::kTaken, 1, 0, 0, 0, 12));
  timeline.OnLine(Line(3, 3, LineKind::kDelivered, 1, 2, 0, 4, 6, 1));
  timeline.OnLine(Line(4, 4, LineKind::kTaken, 1, 0, 0, 0, 10));
  timeline.OnLine(Line(4, 4, LineKind::kLost, 0, 2, 1, 4));
  timeline.OnLine(Line(5, 5, LineKind::kLost, 1, 0, 0, 4));
  timeline.OnLine(Line(6, 6, LineKind::kSent, 1, 2, 0, 4, 10));
  timeline.OnLine(Line(7, 7, LineKind::kTaken, 0, 0, 0, 0, 10));
  timeline.End(9);
  ASSERT_EQ(timeline.messages().size(), 4u);
  EXPECT_EQ(timeline.messages()[0].fate, MessageFate::kLost);
  EXPECT_TRUE(timeline.messages()[0].arrived);
  EXPECT_EQ(timeline.messages()[1].fate, MessageFate::kDelivered);
  EXPECT_EQ(timeline.messages()[2].fate, MessageFate::kLost);
  EXPECT_FALSE(timeline.messages()[2].arrived) << "lost when it was sent";
  EXPECT_EQ(timeline.messages()[3].fate, MessageFate::kNobody);
}

TEST(Explain, ClosesWhatTheHealEnds) {
  Timeline timeline(3, 1, {});
  timeline.OnLine(Line(1, 1, LineKind::kFaultBegan, 0, 2, 7, 0b101));
  timeline.OnLine(Line(1, 1, LineKind::kCut, 0, 0, 1));
  timeline.OnLine(Line(2, 2, LineKind::kCut, 0, 0, 1));
  timeline.OnLine(Line(3, 3, LineKind::kMended, 0, 0, 1));
  timeline.OnLine(Line(5, 4, LineKind::kHealed, 0));
  timeline.End(9);
  EXPECT_EQ(timeline.faults().at(0).until, 5u);
  EXPECT_EQ(timeline.faults().at(0).hosts, 0b101u);
  EXPECT_EQ(timeline.cuts().at(0).until, 3u);
  EXPECT_EQ(timeline.cuts().at(1).until, 5u);
}

TEST(Explain, KnowsFromWhenUntilWhenALinkIsClogged) {
  Timeline timeline(3, 1, {});
  timeline.OnLine(Line(1, 1, LineKind::kClogged, 0, 0, 1, 1, 4));
  timeline.OnLine(Line(2, 2, LineKind::kClogged, 0, 0, 1, 1, 6));  // the same, and longer
  timeline.OnLine(Line(2, 2, LineKind::kClogged, 1, 0, 0, 3, 5));  // the other direction
  timeline.OnLine(Line(7, 3, LineKind::kClogged, 0, 0, 1, 8, 12));
  timeline.OnLine(Line(7, 3, LineKind::kClogged, 2, 0, 1, 11, 12));
  timeline.OnLine(Line(10, 4, LineKind::kHealed, 0));
  timeline.OnLine(Line(13, 5, LineKind::kClogged, 0, 0, 1, 13, 20));
  timeline.End(15);
  std::vector<std::array<std::uint64_t, 4>> clogs;
  for (const CutSpan& clog : timeline.clogs()) {
    clogs.push_back({clog.from_lane, clog.to_lane, clog.from, clog.until});
  }
  EXPECT_EQ(clogs, (std::vector<std::array<std::uint64_t, 4>>{
                       {0, 1, 1, 6}, {1, 0, 3, 5}, {0, 1, 8, 10}, {0, 1, 13, 15}}));
}

// Whether the page has a fault of that kind on the lane of `line` at its time.
bool HasFault(const nlohmann::json& faults, const char* kind, const TraceLine& line) {
  const std::uint64_t at = Nanoseconds(line.at);
  for (const nlohmann::json& fault : faults) {
    if (fault[0] != kind || at < fault[3] || fault[4] < at) continue;
    for (const nlohmann::json& lane : fault[2]) {
      if (lane == line.node) return true;
    }
  }
  return false;
}

// What a node says of its disk's room is within a fault that has it, and in the page's row of it.
TEST(Explain, ShowsAFaultWhereItIs) {
  int full = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Schedule schedule = Seed(seed);
    schedule.run.nodes = 5;
    schedule.run.edits = {{"fault_full_disk", 1}, {"fault_clog", 1}};
    const ExplainedRun run = Explain(schedule, {}, "");
    const auto data = nlohmann::json::parse(DataOf("a seed", run));
    for (const TraceLine& line : run.timeline.points()) {
      const bool is_full = line.kind == LineKind::kRaftEvent &&
                           line.a == static_cast<std::uint64_t>(EventKind::kDiskSpace) &&
                           line.d == static_cast<std::uint64_t>(DiskSpace::kFull);
      if (!is_full) continue;
      ++full;
      EXPECT_TRUE(HasFault(data["faults"], "full-disk", line))
          << "seed " << seed << ", n" << line.node + 1 << " at " << Nanoseconds(line.at);
    }
    for (const nlohmann::json& fault : data["faults"]) {
      EXPECT_TRUE(fault[0] != "clog" || fault[2].empty());
    }
    EXPECT_EQ(data["clogs"].size(), run.timeline.clogs().size());
  }
  EXPECT_GT(full, 0);
}

TEST(Highlights, ReadNodesTermsAndIndexesOutOfTheText) {
  const Named named = NamedIn("n2, leader of term 14, lacks index 7; in 9 turn 3 an1");
  EXPECT_EQ(named.nodes, std::vector<std::uint32_t>{1});
  EXPECT_EQ(named.terms, std::vector<std::uint64_t>{14});
  EXPECT_EQ(named.indexes, std::vector<std::uint64_t>{7});
}

TEST(Highlights, ReadIndexAndTermOfAnEntryOutOfTheText) {
  const Named named =
      NamedIn("n1 calls (12, 3) committed in term 5 (as 7, 8), (9), (4, 2 and (, 1)");
  EXPECT_EQ(named.indexes, std::vector<std::uint64_t>{12});
  EXPECT_EQ(named.terms, (std::vector<std::uint64_t>{5, 3}));
}

TEST(Highlights, LeadFromTheViolationBackThroughTheMessagesBeforeIt) {
  Timeline timeline(3, 0, {});
  timeline.OnLine(Line(1, 1, LineKind::kSent, 2, 0, 0, 4, 10));  // n3 to n1
  timeline.OnLine(Line(2, 2, LineKind::kTaken, 0, 0, 0, 0, 10));
  timeline.OnLine(Line(2, 2, LineKind::kDelivered, 0, 0, 2, 4));
  timeline.OnLine(Line(3, 3, LineKind::kSent, 0, 0, 1, 4, 12));  // n1 to n2
  timeline.OnLine(Line(3, 3, LineKind::kSent, 0, 0, 2, 4, 14));  // n1 to n3: no cause
  timeline.OnLine(Line(4, 4, LineKind::kTaken, 1, 0, 0, 0, 12));
  timeline.OnLine(Line(4, 4, LineKind::kDelivered, 1, 0, 0, 4));
  timeline.OnLine(Line(5, 5, LineKind::kCrashed, 1, 1));
  timeline.OnLine(Line(6, 6, LineKind::kCrashed, 0, 1));
  timeline.End(7);
  const auto found = HighlightsOf(timeline, {"rule", "a.cc:1", "n2 did it"}, 7);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_TRUE(found[0].message);
  EXPECT_EQ(found[0].row, 0u);
  EXPECT_EQ(found[1].row, 1u);
  EXPECT_EQ(found[1].why, "what the node had heard last");
  EXPECT_FALSE(found[2].message);
  EXPECT_EQ(found[2].row, 0u) << "its own crash, not that of n1";
}

TEST(Highlights, ShowTheEventThatBrokeTheRule) {
  ExplainedRun run = Explain(Seed(2), {}, "");
  run.result.violation = Violation{"rule", "a.cc:1", "nobody is named"};
  run.result.counters.events = run.timeline.points()[100].event;
  const std::vector<Highlight> found =
      HighlightsOf(run.timeline, *run.result.violation, run.result.counters.events);
  const bool shown = std::any_of(found.begin(), found.end(), [](const Highlight& highlight) {
    return !highlight.message && highlight.row == 100;
  });
  EXPECT_TRUE(shown);
}

TEST(ReplaceFile, LeavesWhatIsThereWhenItCannotWrite) {
  const std::string directory = ::testing::TempDir() + "explain_replace";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory + "/page.html");
  EXPECT_FALSE(ReplaceFile(directory + "/page.html", "new").ok()) << "is a directory";
  EXPECT_FALSE(ReplaceFile(directory + "/nowhere/page.html", "new").ok());
  EXPECT_TRUE(ReplaceFile(directory + "/whole.html", "old").ok());
  EXPECT_TRUE(ReplaceFile(directory + "/whole.html", "new").ok());
  EXPECT_EQ(Contents(directory + "/whole.html"), "new");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    files += entry.exists() ? 1 : 0;
  }
  EXPECT_EQ(files, 2u) << "no half of a file stays";
}

}  // namespace
}  // namespace grassdb::sim
