// sim/hermetic.h
#include "sim/hermetic.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include "core/probe.h"
#include "sim/explore/explorer.h"
#include "sim/run.h"

namespace grassdb::sim {
namespace {

struct Escape {
  const char* function;
  std::function<void()> call;
};

class HermeticTest : public ::testing::TestWithParam<Escape> {
 protected:
  void SetUp() override {
    if (!Hermetic::IsEnforced()) GTEST_SKIP() << "a sanitizer has the same functions";
  }
};

TEST_P(HermeticTest, EndsAProcessThatEscapes) {
  const auto escape = [] {
    const Hermetic hermetic;
    GetParam().call();
  };
  EXPECT_DEATH(escape(), std::string("the simulation called ") + GetParam().function);
}

TEST_P(HermeticTest, LeavesEverybodyElseAlone) {
  { const Hermetic hermetic; }
  GetParam().call();
}

INSTANTIATE_TEST_SUITE_P(
    Ways, HermeticTest,
    ::testing::Values(
        Escape{"clock_gettime", [] { (void)std::chrono::steady_clock::now(); }},
        Escape{"clock_gettime", [] { (void)std::chrono::system_clock::now(); }},
        Escape{"time", [] { (void)std::time(nullptr); }},
        Escape{"gettimeofday",
               [] {
                 timeval now{};
                 gettimeofday(&now, nullptr);
               }},
        Escape{"std::random_device", [] { (void)std::random_device()(); }},
        Escape{"rand", [] { (void)std::rand(); }},
        Escape{"getenv", [] { (void)std::getenv("HOME"); }},
        Escape{"pthread_create", [] { std::thread([] {}).join(); }},
        Escape{"(clock_)?nanosleep",
               [] { std::this_thread::sleep_for(std::chrono::nanoseconds(1)); }},
        Escape{"sleep", [] { (void)sleep(0); }}, Escape{"usleep", [] { (void)usleep(0); }},
        Escape{"timespec_get",
               [] {
                 timespec now{};
                 (void)timespec_get(&now, TIME_UTC);
               }},
        Escape{"clock", [] { (void)std::clock(); }}, Escape{"drand48", [] { (void)drand48(); }},
        Escape{"lrand48", [] { (void)lrand48(); }}, Escape{"mrand48", [] { (void)mrand48(); }}));

INSTANTIATE_TEST_SUITE_P(
    Resources, HermeticTest,
    ::testing::Values(Escape{"thrd_create",
                             [] {
                               thrd_t thread{};
                               ASSERT_EQ(thrd_create(
                                             &thread, [](void*) { return 0; }, nullptr),
                                         thrd_success);
                               thrd_join(thread, nullptr);
                             }},
                      Escape{"fork",
                             [] {
                               const pid_t child = fork();
                               if (child == 0) _exit(0);
                               waitpid(child, nullptr, 0);
                             }},
                      Escape{"posix_spawn(p)?",
                             [] {
                               pid_t child = 0;
                               char name[] = "true";
                               char* const arguments[] = {name, nullptr};
                               ASSERT_EQ(
                                   posix_spawnp(&child, name, nullptr, nullptr, arguments, environ),
                                   0);
                               waitpid(child, nullptr, 0);
                             }},
                      Escape{"system", [] { (void)!std::system("true"); }},
                      Escape{"popen", [] { pclose(popen("true", "r")); }},
                      Escape{"getpid", [] { (void)getpid(); }},
                      Escape{"gethostname",
                             [] {
                               char name[256];
                               (void)!gethostname(name, sizeof name);
                             }},
                      Escape{"uname",
                             [] {
                               utsname name{};
                               (void)uname(&name);
                             }},
                      Escape{"sysinfo",
                             [] {
                               struct sysinfo machine {};
                               (void)sysinfo(&machine);
                             }},
                      Escape{"getrusage",
                             [] {
                               rusage usage{};
                               (void)getrusage(RUSAGE_SELF, &usage);
                             }},
                      Escape{"times",
                             [] {
                               tms used{};
                               (void)times(&used);
                             }},
                      Escape{"statvfs",
                             [] {
                               struct statvfs room {};
                               (void)statvfs("/", &room);
                             }},
                      Escape{"opendir", [] { closedir(opendir("/")); }},
                      Escape{"open", [] { close(open("/dev/null", O_RDONLY)); }},
                      Escape{"open64", [] { close(open64("/dev/null", O_RDONLY)); }},
                      Escape{"openat", [] { close(openat(AT_FDCWD, "/dev/null", O_RDONLY)); }},
                      Escape{"fopen", [] { std::fclose(std::fopen("/dev/null", "r")); }},
                      Escape{"fopen64", [] { std::fclose(fopen64("/dev/null", "r")); }},
                      Escape{"f?open", [] { std::ifstream("/dev/null").get(); }},
                      Escape{"socket", [] { close(socket(AF_UNIX, SOCK_STREAM, 0)); }}));

#if __GLIBC_PREREQ(2, 36)
INSTANTIATE_TEST_SUITE_P(NewerEntropy, HermeticTest,
                         ::testing::Values(Escape{"arc4random", [] { (void)arc4random(); }},
                                           Escape{"arc4random_buf",
                                                  [] {
                                                    char byte = 0;
                                                    arc4random_buf(&byte, 1);
                                                  }},
                                           Escape{"arc4random_uniform",
                                                  [] { (void)arc4random_uniform(2); }}));
#endif

// The whole run is, with whoever watches it.
TEST(Run, IsHermetic) {
  if (!Hermetic::IsEnforced()) GTEST_SKIP() << "a sanitizer has the same functions";
  RunOptions options;
  options.seed = 1;
  options.steps = 100;
  const auto look = [](std::string_view) { (void)std::chrono::steady_clock::now(); };
  EXPECT_DEATH(RunSeed(options, look), "the simulation called clock_gettime");
  EXPECT_TRUE(RunSeed(options).ok());
  (void)std::chrono::steady_clock::now();
}

class LooksAtTheClock final : public SiteWatch {
 public:
  void OnProbe(std::size_t) override { (void)std::chrono::steady_clock::now(); }
  bool Fires(std::size_t) override { return false; }
};

// Each step of the real Raft is; who asks for it may look when it wants to stop.
TEST(Explore, IsHermetic) {
  if (!Hermetic::IsEnforced()) GTEST_SKIP() << "a sanitizer has the same functions";
  explore::ExploreOptions options;
  options.bounds.terms = 1;
  options.enough = [] { return std::chrono::steady_clock::now().time_since_epoch().count() < 0; };
  EXPECT_EQ(explore::Explore(options).ending, explore::Ending::kExhausted);
  const auto look = [&options] {
    LooksAtTheClock watch;
    SiteWatch::Exchange(&watch);
    explore::Explore(options);
  };
  EXPECT_DEATH(look(), "the simulation called clock_gettime");
}

}  // namespace
}  // namespace grassdb::sim
