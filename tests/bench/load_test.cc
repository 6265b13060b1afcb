#include "bin/bench/load.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace grassdb::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kMachine =
    "cpu  100 20 30 4000 50 6 7 80 9 10\n"
    "cpu0 50 10 15 2000 25 3 3 40 4 5\n"
    "ctxt 1\n";

TEST(BenchLoad, ReadsTheLineOfAllCores) {
  const auto ticks = ParseMachine(kMachine);
  ASSERT_TRUE(ticks.has_value());
  EXPECT_EQ(ticks->busy, 100u + 20 + 30 + 6 + 7);
  EXPECT_EQ(ticks->steal, 80u);
  EXPECT_EQ(ticks->all, 163u + 80 + 4000 + 50) << "guests are part of user";
}

TEST(BenchLoad, RefusesAMachineWithoutThatLine) {
  for (const char* text :
       {"", "cpu0 1 2 3 4 5 6 7 8\n", "cpu  1 2 3\n", "cpu  a b c d e f g h\n"}) {
    EXPECT_FALSE(ParseMachine(text).has_value()) << text;
  }
}

TEST(BenchLoad, ReadsAProcessWhateverItsName) {
  for (const char* name : {"grassdb", "a b", ") R 1 2 3 (", "((("}) {
    const std::string text = "4711 (" + std::string(name) +
                             ") S 1 4711 4711 0 -1 4194560 900 0 1 0 "
                             "321 123 0 0 20 0 7 0 5500 123456789 777 18446744073709551615 1 1 0\n";
    const auto ticks = ParseProcess(text);
    ASSERT_TRUE(ticks.has_value()) << text;
    EXPECT_EQ(ticks->user, 321u);
    EXPECT_EQ(ticks->system, 123u);
    EXPECT_EQ(ticks->resident_pages, 777u);
  }
}

TEST(BenchLoad, RefusesAProcessThatIsNotWhole) {
  for (const char* text : {"", "4711 (grassdb", "4711 (grassdb)", "4711 (grassdb) S 1 2 3",
                           "4711 (grassdb) S 1 4711 4711 0 -1 4194560 900 0 1 0 321 123 0 0"}) {
    EXPECT_FALSE(ParseProcess(text).has_value()) << text;
  }
}

// The kernel lists it until its parent has asked.
TEST(BenchLoad, TakesAProcessThatHasEndedForNone) {
  const std::string rest =
      " 1 4711 4711 0 -1 4194560 900 0 1 0 321 123 0 0 20 0 7 0 5500 123456789 777 1 1 1 0\n";
  EXPECT_TRUE(ParseProcess("4711 (grassdb) S" + rest).has_value());
  EXPECT_TRUE(ParseProcess("4711 (grassdb) D" + rest).has_value());
  EXPECT_FALSE(ParseProcess("4711 (grassdb) Z" + rest).has_value());
  EXPECT_FALSE(ParseProcess("4711 (grassdb) X" + rest).has_value());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(0);
  siginfo_t ended = {};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(TakeSnapshot({child}).ok());
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
}

Snapshot At(Duration time, Duration client, std::uint64_t busy, std::uint64_t steal) {
  Snapshot snapshot;
  snapshot.time = time;
  snapshot.client_cpu = client;
  snapshot.machine = {.busy = busy, .steal = steal, .all = 0};
  return snapshot;
}

// Ten seconds of two cores at 100 ticks a second: 2000 ticks.
TEST(BenchLoad, TellsTheServersFromWhateverElseRuns) {
  Snapshot before = At(seconds(5), seconds(1), 1000, 100);
  before.servers = {{.user = 10, .system = 20, .resident_pages = 1},
                    {.user = 30, .system = 40, .resident_pages = 1}};
  Snapshot after = At(seconds(15), seconds(4), 2500, 200);
  after.machine.all = 2000;
  after.servers = {{.user = 210, .system = 120, .resident_pages = 100},
                   {.user = 430, .system = 140, .resident_pages = 200}};
  const Load load = LoadBetween(before, after, 100, 4096);
  EXPECT_EQ(load.client_cpu, seconds(3));
  EXPECT_EQ(load.servers_user, seconds(6));
  EXPECT_EQ(load.servers_system, seconds(2));
  EXPECT_EQ(load.servers_resident_bytes, 300u * 4096);
  // 15 s busy, of them 3 the client's and 8 the servers'.
  ASSERT_TRUE(load.other_cores.has_value());
  EXPECT_DOUBLE_EQ(*load.other_cores, 0.4);
  EXPECT_DOUBLE_EQ(load.steal_percent, 5);
}

TEST(BenchLoad, DoesNotGuessAboutServersItDoesNotKnow) {
  const Load load =
      LoadBetween(At(seconds(1), {}, 0, 0), At(seconds(2), milliseconds(5), 90, 0), 100, 4096);
  EXPECT_EQ(load.client_cpu, milliseconds(5));
  EXPECT_EQ(load.servers_user, std::nullopt);
  EXPECT_EQ(load.servers_resident_bytes, std::nullopt);
  EXPECT_EQ(load.other_cores, std::nullopt);
}

TEST(BenchLoad, LooksAtRealProcesses) {
  const auto snapshot = TakeSnapshot({getpid()});
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
  ASSERT_EQ(snapshot->servers.size(), 1u);
  EXPECT_GT(snapshot->servers[0].resident_pages, 0u);
  EXPECT_GT(snapshot->machine.all, snapshot->machine.busy);
  EXPECT_GT(snapshot->client_cpu, Duration::zero());
  const auto nobody = TakeSnapshot({INT32_MAX});
  ASSERT_FALSE(nobody.ok());
  EXPECT_NE(nobody.status().message().find("2147483647"), absl::string_view::npos);
}

}  // namespace
}  // namespace grassdb::bench
