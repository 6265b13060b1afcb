#include "bin/bench/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bin/bench/plot.h"

namespace grassdb::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

RunReport Example() {
  RunReport run;
  run.protocol = "grassdb";
  run.workload = {.workload = Workload::kPut, .keys = 100, .value_bytes = 256, .seed = 7};
  run.clients = 64;
  run.driver.duration = seconds(2);
  run.measured.elapsed = seconds(2);
  run.measured.completed = 1000;
  run.begun_unix_ms = 1'700'000'000'123;
  run.measured.longest_pause = milliseconds(412);
  run.measured.pause_begin = milliseconds(700);
  for (int i = 0; i < 1000; ++i) run.measured.latencies.Record(milliseconds(i < 990 ? 2 : 50));
  run.measured.timeline = {
      {seconds(1), seconds(1), 600, 0, milliseconds(2), milliseconds(3), milliseconds(4)},
      {seconds(2), seconds(1), 400, 5, milliseconds(3), milliseconds(5), milliseconds(50)}};
  run.load = {.client_cpu = milliseconds(20),
              .servers_user = milliseconds(60),
              .servers_system = milliseconds(40),
              .servers_resident_bytes = 100 << 20,
              .other_cores = 0.1,
              .steal_percent = 0.5};
  return run;
}

// Whether one of the text's lines is just this.
bool HasLine(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(BenchReport, SaysWhatWasMeasuredInWordsAndUnits) {
  const std::string text = TextOf(Example());
  EXPECT_TRUE(HasLine(text,
                      "grassdb, put: 64 clients on 1 connection, 100 keys, values of 256 bytes, as "
                      "fast as they can"))
      << text;
  EXPECT_TRUE(HasLine(text, "throughput  500 ops/s (1000 in 2.0 s)")) << text;
  EXPECT_NE(text.find("latency     p50 2.0"), std::string::npos) << text;
  EXPECT_NE(text.find("p99.9 50.000 ms, max 50.000 ms\n"), std::string::npos) << text;
  EXPECT_TRUE(HasLine(text, "pause       412.000 ms at most without a success")) << text;
  EXPECT_TRUE(HasLine(text, "failed      0")) << text;
  EXPECT_TRUE(HasLine(text, "client      20.0 us of CPU an operation")) << text;
  EXPECT_TRUE(HasLine(text, "servers     100.0 us of CPU an operation (60.0 user, 40.0 system)"))
      << text;
  EXPECT_TRUE(HasLine(text, "memory      100 MiB resident in all servers")) << text;
  EXPECT_TRUE(HasLine(text, "machine     0.10 cores of other load, 0.5 % stolen")) << text;
  EXPECT_EQ(text.find("note"), std::string::npos) << text;
  EXPECT_EQ(text.find("retried"), std::string::npos) << text;
}

TEST(BenchReport, SaysWhatMakesItsFiguresDoubtful) {
  RunReport run = Example();
  run.driver.rate = 900;
  run.measured.failed = 5;
  run.measured.failures = {{"outcome unknown", 3}, {"unreachable", 2}};
  run.measured.answers = {{"OVERLOADED", 12}};
  run.measured.missing = 4;
  run.measured.not_started = 77;
  run.load.other_cores = 0.36;
  const std::string text = TextOf(run);
  EXPECT_NE(text.find("900 operations a second\n"), std::string::npos) << text;
  EXPECT_TRUE(HasLine(text, "failed      5 (3 outcome unknown, 2 unreachable)")) << text;
  EXPECT_TRUE(HasLine(text, "retried     after 12 OVERLOADED")) << text;
  EXPECT_NE(text.find("4 operations found no key"), std::string::npos) << text;
  EXPECT_TRUE(HasLine(text,
                      "note        latencies are lower bounds: 77 of 1000 never began, so the rate "
                      "is more than these clients get done"))
      << text;
  EXPECT_NE(text.find("the machine was busy with something else"), std::string::npos) << text;
}

TEST(BenchReport, SaysThatItWasEndedEarly) {
  RunReport run = Example();
  run.driver.duration = seconds(10);
  EXPECT_EQ(nlohmann::json::parse(JsonOf(run))["ended_early"], false);
  run.measured.ended_early = true;
  EXPECT_TRUE(HasLine(TextOf(run), "note        ended after 2.0 s of 10.0 s")) << TextOf(run);
  EXPECT_EQ(nlohmann::json::parse(JsonOf(run))["ended_early"], true);
}

TEST(BenchReport, TellsTheLatenciesOfAMixByKind) {
  RunReport run = Example();
  run.measured.latencies_by_kind[Request::Kind::kGet].Record(milliseconds(2));
  run.measured.latencies_by_kind[Request::Kind::kPut].Record(milliseconds(7));
  const std::string text = TextOf(run);
  EXPECT_NE(text.find("  put       p50 7.000 ms, p99 7.000 ms"), std::string::npos) << text;
  EXPECT_NE(text.find("  get       p50 2.000 ms"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(JsonOf(run));
  EXPECT_EQ(json["latency_us_by_kind"]["put"]["p50"], 7000.0);
  EXPECT_EQ(json["latency_us_by_kind"]["get"]["count"], 1);
  EXPECT_FALSE(nlohmann::json::parse(JsonOf(Example())).contains("latency_us_by_kind"));
}

TEST(BenchReport, CallsARunDisturbedAboveEitherLimit) {
  EXPECT_FALSE(IsDisturbed({.other_cores = 0.35, .steal_percent = 8}));
  EXPECT_TRUE(IsDisturbed({.other_cores = 0.351}));
  EXPECT_TRUE(IsDisturbed({.steal_percent = 8.1}));
  EXPECT_FALSE(IsDisturbed({})) << "what is not known";
}

TEST(BenchReport, HasTheSameFiguresAsJson) {
  const auto json = nlohmann::json::parse(JsonOf(Example()));
  EXPECT_EQ(json["protocol"], "grassdb");
  EXPECT_EQ(json["workload"], "put");
  EXPECT_EQ(json["clients"], 64);
  EXPECT_EQ(json["rate"], nullptr);
  EXPECT_EQ(json["ops_per_second"], 500.0);
  EXPECT_EQ(json["completed"], 1000);
  EXPECT_EQ(json["latency_us"]["count"], 1000);
  EXPECT_NEAR(json["latency_us"]["p50"].get<double>(), 2000, 20);
  EXPECT_NEAR(json["latency_us"]["p99"].get<double>(), 2000, 20);
  EXPECT_EQ(json["latency_us"]["p99.9"], 50000.0);
  EXPECT_EQ(json["begun_unix_ms"], 1'700'000'000'123.0);
  EXPECT_EQ(json["longest_pause_ms"], 412.0);
  EXPECT_EQ(json["pause_begin_ms"], 700.0);
  EXPECT_EQ(json["client_cpu_us_per_op"], 20.0);
  EXPECT_EQ(json["servers_user_us_per_op"], 60.0);
  EXPECT_EQ(json["servers_system_us_per_op"], 40.0);
  EXPECT_EQ(json["servers_rss_mib"], 100.0);
  EXPECT_EQ(json["disturbed"], false);
  ASSERT_EQ(json["timeline"].size(), 2u);
  EXPECT_EQ(json["timeline"][1]["end_s"], 2.0);
  EXPECT_EQ(json["timeline"][1]["failed"], 5);
  EXPECT_EQ(json["timeline"][1]["p99.9_us"], 50000.0);
}

TEST(BenchReport, LeavesOutWhatIsNotKnown) {
  RunReport run = Example();
  run.load = {.client_cpu = milliseconds(20)};
  const std::string text = TextOf(run);
  EXPECT_EQ(text.find("servers "), std::string::npos) << text;
  EXPECT_NE(text.find("other load is not known without --server-pids"), std::string::npos) << text;
  run.servers_lost = "there is no process 7";
  EXPECT_NE(TextOf(run).find("other load is not known: there is no process 7"), std::string::npos);
  run.measured = {};
  const auto json = nlohmann::json::parse(JsonOf(run));
  EXPECT_EQ(json["client_cpu_us_per_op"], nullptr) << "there is no operation to divide by";
  EXPECT_EQ(json["servers_rss_mib"], nullptr);
  EXPECT_EQ(json["other_cores"], nullptr);
  EXPECT_EQ(json["servers_lost"], "there is no process 7");
  EXPECT_EQ(json["disturbed"], nullptr) << "neither by others nor that it is not";
  run.load.steal_percent = 50;
  EXPECT_EQ(nlohmann::json::parse(JsonOf(run))["disturbed"], true);
  EXPECT_EQ(json["ops_per_second"], 0.0);
}

// A second in which nothing ended, between two others.
RunReport WithASecondOfNothing() {
  RunReport run = Example();
  run.measured.timeline.push_back(run.measured.timeline.back());
  run.measured.timeline[1] = {.end = seconds(2), .length = seconds(1)};
  run.measured.timeline[2].end = seconds(3);
  return run;
}

TEST(BenchReport, HasNoLatencyWhereNothingEnded) {
  RunReport run = WithASecondOfNothing();
  const auto json = nlohmann::json::parse(JsonOf(run));
  EXPECT_EQ(json["timeline"][1]["p50_us"], nullptr);
  EXPECT_EQ(json["timeline"][1]["p99_us"], nullptr);
  EXPECT_EQ(json["timeline"][1]["p99.9_us"], nullptr);
  EXPECT_EQ(json["timeline"][2]["p50_us"], 3000.0);
  EXPECT_EQ(ProgressOf(run.measured.timeline[1]), "2.0 s: 0 ops/s");
  run.measured = {};
  for (const char* name : {"p50", "p99", "p99.9", "max"}) {
    EXPECT_EQ(nlohmann::json::parse(JsonOf(run))["latency_us"][name], nullptr) << name;
  }
  EXPECT_TRUE(HasLine(TextOf(run), "latency     unknown: no operation ended")) << TextOf(run);
}

TEST(BenchReport, ShowsProgressWithFailures) {
  const RunReport run = Example();
  EXPECT_EQ(ProgressOf(run.measured.timeline[0]), "1.0 s: 600 ops/s, p99 3.000 ms");
  EXPECT_EQ(ProgressOf(run.measured.timeline[1]), "2.0 s: 400 ops/s, p99 5.000 ms, 5 failed");
}

TEST(BenchPlot, IsOnePageThatNeedsNothingElse) {
  const std::string page = PlotOf(Example());
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  for (const char* outside : {"http", "src=", "href=", "<script"}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
  for (const char* name : {">completed<", ">failed<", ">p50<", ">p99<", ">p99.9<"}) {
    EXPECT_NE(page.find(name), std::string::npos) << name;
  }
  // 600 of 1000, the top of the axis, and 400; at the middle and at the end of the time.
  EXPECT_NE(page.find("points=\"430.0,110.0 790.0,150.0 \""), std::string::npos) << page;
  EXPECT_NE(page.find("throughput  500 ops/s"), std::string::npos) << "the report is below";
  EXPECT_NE(page.find("pre{white-space:pre-wrap}"), std::string::npos)
      << "one of its lines may be wider than the page";
}

TEST(BenchPlot, HasAGapWhereNothingEnded) {
  const std::string page = PlotOf(WithASecondOfNothing());
  // Of p50: 2 ms after a third of the time, 3 ms at its end, of 50; none on the axis in between.
  EXPECT_NE(page.find("points=\"310.0,222.0 310.0,222.0 \""), std::string::npos) << page;
  EXPECT_NE(page.find("points=\"790.0,218.0 790.0,218.0 \""), std::string::npos) << page;
  EXPECT_EQ(page.find("points=\"\""), std::string::npos) << page;
}

TEST(BenchPlot, HasATitleAndTheLongestPause) {
  const std::string page = PlotOf(Example());
  EXPECT_NE(page.find("<h1>grass-bench: grassdb put, 64 clients</h1>"), std::string::npos) << page;
  EXPECT_NE(page.find("longest pause without a success: 412.0 ms, from 0.700 s on (the band)"),
            std::string::npos)
      << page;
  // 0.7 s to 1.112 s of 2 s, of 720 pixels from 70 on; in both charts.
  const std::string band = "<rect x=\"322.0\" y=\"30.0\" width=\"148.3\"";
  const std::size_t first = page.find(band);
  ASSERT_NE(first, std::string::npos) << page;
  EXPECT_NE(page.find(band, first + 1), std::string::npos);
}

TEST(BenchPlot, IsWholeWithoutAnyPoint) {
  RunReport run = Example();
  run.measured = {};
  const std::string page = PlotOf(run);
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_EQ(page.find("nan"), std::string::npos);
  EXPECT_EQ(page.find("inf"), std::string::npos);
}

}  // namespace
}  // namespace grassdb::bench
