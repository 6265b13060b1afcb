#include "net/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace grassdb::net {
namespace {

// Each in a process of its own: the signals go to the whole process, and end it.

[[noreturn]] void SignalTwice(bool disarm) {
  BlockSignals();
  std::atomic<int> calls{0};
  SignalThread signals([&calls] {
    ++calls;
    calls.notify_all();
  });
  kill(getpid(), SIGTERM);
  calls.wait(0);
  if (disarm) signals.Disarm();
  kill(getpid(), SIGTERM);
  while (true) pause();  // as a server that cannot go
}

TEST(SignalsDeathTest, TheSecondEndsTheProcess) {
  EXPECT_EXIT(SignalTwice(false), ::testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(SignalsDeathTest, TheSecondEndsTheProcessWhileTheServerGoes) {
  EXPECT_EXIT(SignalTwice(true), ::testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(SignalsDeathTest, ADisarmedThreadCallsNobody) {
  const auto scenario = [] {
    BlockSignals();
    std::atomic<int> calls{0};
    {
      SignalThread signals([&calls] { ++calls; });
      signals.Disarm();
      kill(getpid(), SIGTERM);
    }
    std::_Exit(calls.load());
  };
  EXPECT_EXIT(scenario(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace grassdb::net
