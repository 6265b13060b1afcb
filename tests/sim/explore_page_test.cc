// A schedule of an exploration as a page: tests/sim/schedules/elected.txt.
#include "sim/report/explore_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/event.h"
#include "sim/report/failure_file.h"

namespace grassdb::sim {
namespace {

constexpr const char* kFile = GRASSDB_SCHEDULES "/elected.txt";

explore::ScheduleFile Elected() {
  const absl::StatusOr<std::string> text = ReadFile(kFile);
  EXPECT_TRUE(text.ok()) << kFile;
  EXPECT_TRUE(explore::IsSchedule(*text));
  explore::ScheduleFile file;
  EXPECT_EQ(explore::ParseFile(*text, &file), std::nullopt);
  return file;
}

ExplainedSchedule Explained() {
  absl::StatusOr<ExplainedSchedule> explained = ExplainSchedule(Elected(), "elected.txt");
  EXPECT_TRUE(explained.ok()) << explained.status();
  return *std::move(explained);
}

std::size_t CountOf(const Timeline& timeline, MessageFate fate) {
  return static_cast<std::size_t>(
      std::ranges::count(timeline.messages(), fate, &TimelineMessage::fate));
}

std::size_t CountOf(const Timeline& timeline, LineKind kind) {
  return static_cast<std::size_t>(std::ranges::count(timeline.points(), kind, &TraceLine::kind));
}

TEST(ExplorePage, ShowsEveryMessageWithItsFate) {
  const ExplainedSchedule explained = Explained();
  const Timeline& timeline = explained.run.timeline;
  EXPECT_EQ(CountOf(timeline, MessageFate::kLost), 1u);
  // Vote and answer, the append that stays, its answer, and the client's request.
  EXPECT_EQ(CountOf(timeline, MessageFate::kDelivered), 5u);
  const auto stays = std::ranges::find_if(
      timeline.messages(), [](const TimelineMessage& message) { return message.sent.e == 1; });
  ASSERT_NE(stays, timeline.messages().end()) << "the one that was repeated";
  EXPECT_EQ(stays->fate, MessageFate::kInFlight);
  EXPECT_EQ(stays->to, 1u);
  EXPECT_EQ(stays->sent.event, 7u);
}

TEST(ExplorePage, ShowsWhatHappensToTheNodes) {
  const ExplainedSchedule explained = Explained();
  const Timeline& timeline = explained.run.timeline;
  EXPECT_EQ(explained.run.result.counters.events, 12u);
  EXPECT_EQ(timeline.nodes(), 3u);
  EXPECT_EQ(CountOf(timeline, LineKind::kDiskFinished), 4u);
  EXPECT_EQ(CountOf(timeline, LineKind::kCrashed), 1u);
  EXPECT_EQ(CountOf(timeline, LineKind::kClientInvoked), 1u);
  std::vector<LaneRole> of_n1;
  for (const RoleSpan& span : timeline.roles()) {
    if (span.lane == 0 && span.until > span.from) of_n1.push_back(span.role);
  }
  const std::vector<LaneRole> roles = {LaneRole::kFollower, LaneRole::kCandidate,
                                       LaneRole::kLeader};
  EXPECT_EQ(of_n1, roles);
  EXPECT_EQ(timeline.end(), 12'000'000u) << "a millisecond a step";
}

TEST(ExplorePage, TellsEveryStepAndTheBounds) {
  const ExplainedSchedule explained = Explained();
  const std::string page = PageOf(explained.words, explained.run);
  EXPECT_NE(page.find("<title>elected.txt - Every rule held"), std::string::npos);
  EXPECT_NE(page.find("grass-sim explore --nodes 3 --terms 1"), std::string::npos);
  EXPECT_NE(page.find("12  crash n3 keeping 0"), std::string::npos);
  EXPECT_NE(page.find("repeat with: grass-sim explore --replay elected.txt"), std::string::npos);
  EXPECT_EQ(page, PageOf(explained.words, Explained().run)) << "the same page twice";
}

// No build of this tree has a rule that a schedule breaks: it is planted into the result.
TEST(ExplorePage, LeadsToTheStepThatBreaksARule) {
  ExplainedSchedule explained = Explained();
  explained.run.result.violation =
      Violation{"election safety", "sim/explore/invariants.cc:1", "n1 and n2 both lead term 1"};
  const auto data = nlohmann::json::parse(DataOf("elected.txt", explained.run));
  EXPECT_FALSE(data["highlights"].empty());
  EXPECT_EQ(data["violation"]["at"], 12'000'000);
  EXPECT_NE(PageOf(explained.words, explained.run).find("Broken: election safety"),
            std::string::npos);
}

TEST(ExplorePage, NamesAStepThatCannotBeDone) {
  explore::ScheduleFile file = Elected();
  file.steps.emplace_back("finish n3");
  const absl::StatusOr<ExplainedSchedule> explained = ExplainSchedule(file, "f.txt");
  ASSERT_FALSE(explained.ok());
  EXPECT_EQ(explained.status().message(), "'f.txt': step 13, 'finish n3': it is not possible here");
}

}  // namespace
}  // namespace grassdb::sim
