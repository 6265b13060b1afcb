// sim/history_file: both formats, what an outcome allows, and lines that are none.
#include "sim/history_file.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "tests/property.h"

namespace grassdb::sim {
namespace {

// "0 :invoke :read nil" on every line, as the log has it.
std::string Log(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "INFO  jepsen.util - " + line + "\n";
  return text;
}

std::string Event(int process, const std::string& type, const std::string& f,
                  const std::string& key, const std::string& value) {
  return "{:process " + std::to_string(process) + ", :type :" + type + ", :f :" + f + ", :key \"" +
         key + "\", :value " + value + "}\n";
}

bool Linearizable(const std::string& text) {
  const auto verdict = CheckHistory(text, "h");
  EXPECT_TRUE(verdict.ok()) << verdict.status();
  return verdict.ok() && verdict->linearizable;
}

std::string ProblemOf(const std::string& text) {
  const auto verdict = CheckHistory(text, "h");
  EXPECT_FALSE(verdict.ok());
  return std::string(verdict.status().message());
}

TEST(HistoryFile, ARegisterIsNilUntilItIsWritten) {
  EXPECT_TRUE(Linearizable(Log({"0 :invoke :read nil", "0 :ok :read nil"})));
  EXPECT_FALSE(Linearizable(Log({"0 :invoke :read nil", "0 :ok :read 1"})));
  EXPECT_TRUE(Linearizable(
      Log({"0 :invoke :write 1", "1 :invoke :read nil", "1 :ok :read 1", "0 :ok :write 1"})));
}

TEST(HistoryFile, AReadAfterAWriteIsNotStale) {
  EXPECT_FALSE(Linearizable(
      Log({"0 :invoke :write 1", "0 :ok :write 1", "1 :invoke :read nil", "1 :ok :read nil"})));
}

TEST(HistoryFile, TwoReadsDoNotGoBack) {
  EXPECT_FALSE(Linearizable(Log({"0 :invoke :write 1", "1 :invoke :read nil", "1 :ok :read 1",
                                 "1 :invoke :read nil", "1 :ok :read nil", "0 :ok :write 1"})));
}

TEST(HistoryFile, ACasThatFailedFoundAnotherValue) {
  const std::vector<std::string> written = {"0 :invoke :write 1", "0 :ok :write 1"};
  const auto then = [&](std::vector<std::string> more) {
    more.insert(more.begin(), written.begin(), written.end());
    return Log(more);
  };
  EXPECT_TRUE(Linearizable(then({"1 :invoke :cas [2 3]", "1 :fail :cas [2 3]"})));
  EXPECT_FALSE(Linearizable(then({"1 :invoke :cas [1 3]", "1 :fail :cas [1 3]"})));
  EXPECT_TRUE(Linearizable(
      then({"1 :invoke :cas [1 3]", "1 :ok :cas [1 3]", "0 :invoke :read nil", "0 :ok :read 3"})));
  EXPECT_FALSE(Linearizable(then({"1 :invoke :cas [2 3]", "1 :ok :cas [2 3]"})));
}

TEST(HistoryFile, WhatTimedOutMayHappenLateOrNever) {
  const std::string write = Log({"0 :invoke :write 1", "0 :info :write :timed-out"});
  EXPECT_TRUE(Linearizable(write + Log({"1 :invoke :read nil", "1 :ok :read nil",
                                        "1 :invoke :read nil", "1 :ok :read 1"})));
  EXPECT_FALSE(Linearizable(write + Log({"1 :invoke :read nil", "1 :ok :read 1",
                                         "1 :invoke :read nil", "1 :ok :read nil"})));
  // So may what had not ended with the file.
  EXPECT_TRUE(Linearizable(
      Log({"0 :invoke :write 1", "1 :invoke :read nil", "1 :ok :read 1", "2 :invoke :read nil"})));
}

TEST(HistoryFile, AWriteThatFailedHasNotHappened) {
  EXPECT_FALSE(Linearizable(
      Log({"0 :invoke :write 1", "0 :fail :write 1", "1 :invoke :read nil", "1 :ok :read 1"})));
}

TEST(HistoryFile, EachKeyIsAHistoryOfItsOwn) {
  const std::string both = Event(0, "invoke", "put", "a", "\"1\"") +
                           Event(0, "ok", "put", "a", "\"1\"") +
                           Event(1, "invoke", "get", "b", "nil");
  EXPECT_TRUE(Linearizable(both + Event(1, "ok", "get", "b", "\"\"")));
  const auto verdict = CheckHistory(both + Event(1, "ok", "get", "b", "\"1\""), "h");
  ASSERT_TRUE(verdict.ok());
  EXPECT_FALSE(verdict->linearizable);
  EXPECT_EQ(verdict->keys, 2u);
  EXPECT_EQ(verdict->operations, 2u);
  EXPECT_EQ(verdict->text,
            "key \"b\": 0 of 1 operations can be ordered; then, where there is nothing, no order "
            "explains line 3, process 1: read, which gave '1' in line 4");
}

TEST(HistoryFile, AppendsAddUpInSomeOrder) {
  const std::string appends =
      Event(0, "invoke", "append", "k", "\"x\"") + Event(1, "invoke", "append", "k", "\"y\"") +
      Event(0, "ok", "append", "k", "\"x\"") + Event(1, "ok", "append", "k", "\"y\"") +
      Event(0, "invoke", "get", "k", "nil");
  for (const char* fits : {"\"xy\"", "\"yx\""}) {
    EXPECT_TRUE(Linearizable(appends + Event(0, "ok", "get", "k", fits))) << fits;
  }
  for (const char* lost : {"\"x\"", "\"y\"", "\"\"", "\"xxy\"", "nil"}) {
    EXPECT_FALSE(Linearizable(appends + Event(0, "ok", "get", "k", lost))) << lost;
  }
}

TEST(HistoryFile, IsReadWhateverElseAMapSaysAndInWhateverOrder) {
  EXPECT_FALSE(Linearizable(
      "\r\n{:index 0 :f :put :value \"a\\\"b\" :key 7 :type :invoke :process 3 :time -12}\r\n"
      "{:index 1, :f :put, :value \"a\\\"b\", :key 7, :type :ok, :process 3, :error [:x 1]}\n"
      "{:f :get :value nil :key 7 :type :invoke :process 3}\n"
      "{:f :get :value \"ab\" :key 7 :type :ok :process 3}"));
}

TEST(HistoryFile, WhatIsNoHistoryIsNamedByItsLine) {
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :read nil"}) + "x\n"),
            "h, line 2: does not begin with 'INFO  jepsen.util - '");
  const std::string formats =
      "expected are lines like {:process 0, :type :invoke, :f :get, :key \"k\", :value nil} or "
      "INFO  jepsen.util - 0 :invoke :read nil";
  EXPECT_EQ(ProblemOf("\n \n"), "h holds no history; " + formats);
  EXPECT_EQ(ProblemOf("\nx\n"), "h, line 2: is of no history; " + formats);
  EXPECT_EQ(ProblemOf("{:process 0, :type :invoke, :f :get, :value nil}"),
            "h, line 1: has no :key");
  EXPECT_EQ(ProblemOf("{:process 0, :type :invoke"), "h, line 1: does not end with }");
  EXPECT_EQ(ProblemOf("{:process 0} 1"), "h, line 1: goes on after its }");
  EXPECT_EQ(ProblemOf("{:process 0, :process 1}"), "h, line 1: has two :process");
  EXPECT_EQ(ProblemOf("{:value \"x}"), "h, line 1: has no value that can be read for :value");
  EXPECT_EQ(ProblemOf("{:value [1 [2]]}"), "h, line 1: has no value that can be read for :value");
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :read"})), "h, line 1: has 3 values instead of 4");
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :read 1x"})), "h, line 1: has a value that cannot be read");
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :drop 1"})),
            "h, line 1: has the function ':drop'; known are read, get, write, put, append and cas");
  EXPECT_EQ(ProblemOf(Log({"0 :starts :read 1"})),
            "h, line 1: has the type ':starts'; known are :invoke, :ok, :fail and :info");
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :cas 1"})), "h, line 1: is a cas without [expected new]");
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :append 1"})), "h, line 1: is an append of what is no text");
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :write nil"})), "h, line 1: is a write of what is no value");
}

TEST(HistoryFile, AReturnMustFitItsInvocation) {
  EXPECT_EQ(ProblemOf(Log({"0 :ok :read 1"})),
            "h, line 1: ends an operation of process 0, which has none");
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :read nil", "0 :invoke :read nil"})),
            "h, line 2: begins an operation of process 0, which has one under way");
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :write 1", "0 :ok :read 1"})),
            "h, line 2: has not the function of the operation that began in line 1");
  EXPECT_EQ(ProblemOf(Log({"0 :invoke :write 1", "0 :ok :write 2"})),
            "h, line 2: has not the value of the operation that began in line 1");
  EXPECT_EQ(ProblemOf(Event(0, "invoke", "get", "a", "nil") + Event(0, "ok", "get", "b", "nil")),
            "h, line 2: has not the key of the operation that began in line 1");
}

// A write of what stands there already may be needed later: here the cas of unknown outcome has
// written the 2 that the other one found, and the write came after both.
TEST(HistoryFile, AWriteOfWhatIsThereIsNotTakenForARead) {
  EXPECT_TRUE(Linearizable(
      Log({"0 :invoke :write 2", "1 :invoke :cas [2 1]", "2 :invoke :cas [nil 2]", "0 :ok :write 2",
           "1 :ok :cas [2 1]", "3 :invoke :read nil", "3 :ok :read 2"})));
}

TEST(HistoryFile, ASearchThatTakesTooLongIsNoVerdict) {
  std::string text = Log({"0 :invoke :write 1", "1 :invoke :write 2", "0 :ok :write 1",
                          "1 :ok :write 2", "2 :invoke :read nil", "2 :ok :read 3"});
  const auto verdict = CheckHistory(text, "h", 2);
  EXPECT_EQ(verdict.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(Linearizable(text));
}

// --- Against all orders ---

struct Tried {
  char what = 'r';  // r, w, c
  int a = 0;
  int b = 0;
  int result = 0;  // r: what it gave; c: 1 done, 0 refused
  int invoked = 0;
  int returned = 0;  // 1000: never
};

bool Explains(const std::vector<Tried>& operations, const std::vector<int>& order,
              std::size_t count) {
  int state = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Tried& one = operations[static_cast<std::size_t>(order[i])];
    for (std::size_t j = i + 1; j < count; ++j) {
      if (operations[static_cast<std::size_t>(order[j])].returned < one.invoked) return false;
    }
    const bool returned = one.returned < 1000;
    if (one.what == 'w') state = one.a;
    if (one.what == 'r' && returned && one.result != state) return false;
    if (one.what == 'c') {
      if (returned && one.result != (state == one.a ? 1 : 0)) return false;
      if (state == one.a) state = one.b;
    }
  }
  // What returned has happened.
  for (std::size_t i = count; i < order.size(); ++i) {
    if (operations[static_cast<std::size_t>(order[i])].returned < 1000) return false;
  }
  return true;
}

bool AnyOrderExplains(const std::vector<Tried>& operations) {
  std::vector<int> order(operations.size());
  std::iota(order.begin(), order.end(), 0);
  do {
    for (std::size_t count = 0; count <= order.size(); ++count) {
      if (Explains(operations, order, count)) return true;
    }
  } while (std::ranges::next_permutation(order).found);
  return false;
}

std::string TextOf(const std::vector<Tried>& operations) {
  std::vector<std::pair<int, std::string>> lines;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Tried& one = operations[i];
    const auto number = [](int value) { return value == 0 ? "nil" : std::to_string(value); };
    const std::string process = std::to_string(i);
    std::string f = ":read";
    std::string asked = "nil";
    std::string got = number(one.result);
    if (one.what == 'w') f = ":write", asked = got = std::to_string(one.a);
    if (one.what == 'c') {
      f = ":cas";
      asked = got = "[" + number(one.a) + " " + number(one.b) + "]";
    }
    lines.emplace_back(one.invoked, process + " :invoke " + f + " " + asked);
    if (one.returned >= 1000) continue;
    const bool failed = one.what == 'c' && one.result == 0;
    lines.emplace_back(one.returned, process + (failed ? " :fail " : " :ok ") + f + " " + got);
  }
  std::ranges::sort(lines);
  std::vector<std::string> texts;
  for (const auto& [at, line] : lines) texts.push_back(line);
  return Log(texts);
}

RC_GTEST_PROP(HistoryFile, AgreesWithTryingAllOrders, ()) {
  const int count = *rc::gen::inRange(1, 6);
  std::vector<int> places(static_cast<std::size_t>(2 * count));
  std::iota(places.begin(), places.end(), 1);
  for (std::size_t i = places.size(); i > 1; --i) {
    std::swap(places[i - 1], places[*rc::gen::inRange<std::size_t>(0, i)]);
  }
  std::vector<Tried> operations;
  for (int i = 0; i < count; ++i) {
    Tried one;
    one.what = *rc::gen::element('r', 'r', 'w', 'c');
    one.a = *rc::gen::inRange(one.what == 'w' ? 1 : 0, 3);
    one.b = *rc::gen::inRange(1, 3);
    one.result = *rc::gen::inRange(0, one.what == 'c' ? 2 : 3);
    const auto first = static_cast<std::size_t>(2 * i);
    one.invoked = std::min(places[first], places[first + 1]);
    one.returned = std::max(places[first], places[first + 1]);
    if (*rc::gen::inRange(0, 4) == 0) one.returned = 1000;
    operations.push_back(one);
  }
  const std::string text = TextOf(operations);
  RC_LOG() << text;
  const auto verdict = CheckHistory(text, "h");
  RC_ASSERT(verdict.ok());
  RC_CLASSIFY(verdict->linearizable);
  RC_ASSERT(verdict->linearizable == AnyOrderExplains(operations));
}

}  // namespace
}  // namespace grassdb::sim
