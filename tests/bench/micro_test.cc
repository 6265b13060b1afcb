// The micro benchmarks measure what they say: each operation that is counted has taken effect.
#include "bin/bench/micro.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "bin/micro_options.h"

namespace grassdb {
namespace {

// A new folder under the one of the tests.
std::string Folder(const std::string& name) {
  const std::string path = testing::TempDir() + "micro_test." + name;
  std::filesystem::remove_all(path);
  std::filesystem::create_directory(path);
  return path;
}

TEST(MicroBenchmarks, EachSeesEveryOperationTakeEffect) {
  bench::MicroOptions options;
  options.data_directory = Folder("effects");
  std::set<std::string> names;
  for (const bench::MicroCase& each : bench::MicroCases()) {
    SCOPED_TRACE(each.name);
    EXPECT_TRUE(names.insert(each.name).second) << "a name twice";
    const auto made = each.make(options);
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_EQ((*made)->Run(each.counted), each.counted);
    EXPECT_EQ((*made)->Run(each.batch), each.batch) << "the second time";
  }
  EXPECT_GT(names.size(), 15u);
  for (const char* step : {"step/heartbeat", "step/append-64", "step/ack-64"}) {
    EXPECT_TRUE(names.contains(step)) << step;
  }
  std::filesystem::remove_all(options.data_directory);
}

TEST(MicroBenchmarks, TheLogsOneSaysWhyItCannotWrite) {
  bench::MicroOptions options;
  options.filter = "wal";
  options.data_directory = testing::TempDir() + "micro_test.nowhere/at/all";
  const absl::Status status = bench::CountMicro(options);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("nowhere/at/all"), std::string::npos) << status;
}

TEST(MicroBenchmarks, OneThatCannotBeCarriedOutIsAnErrorWithItsNameAfterTheOthers) {
  bench::MicroOptions options;
  options.filter = "64";  // the log's among others
  options.seconds = 0.001;
  options.data_directory = testing::TempDir() + "micro_test.nowhere/at/all";
  for (const bool json : {false, true}) {
    options.json = json;
    testing::internal::CaptureStdout();
    const absl::Status status = bench::RunMicro(options);
    const std::string out = testing::internal::GetCapturedStdout();
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.message().find("1 of "), std::string::npos) << status;
    EXPECT_NE(status.message().find("failed: wal/write-64: "), std::string::npos) << status;
    EXPECT_NE(out.find("replication/nodes/64"), std::string::npos) << out;
  }
}

// Debian's Google Benchmark says that it was built for debugging, which reads as if grassdb was.
TEST(MicroBenchmarks, TheTableSaysNothingOfHowTheLibraryWasBuilt) {
  bench::MicroOptions options;
  options.filter = "step/heartbeat";
  options.seconds = 0.001;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_TRUE(bench::RunMicro(options).ok());
  const std::string err = testing::internal::GetCapturedStderr();
  EXPECT_NE(testing::internal::GetCapturedStdout().find("step/heartbeat "), std::string::npos);
  EXPECT_EQ(err.find("DEBUG"), std::string::npos) << err;
}

TEST(MicroBenchmarks, AFilterThatLeavesNothingIsNamedWithWhatThereIs) {
  bench::MicroOptions options;
  options.filter = "no such thing";
  for (const absl::Status& status : {bench::RunMicro(options), bench::CountMicro(options)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_NE(status.message().find("no such thing"), std::string::npos);
    EXPECT_NE(status.message().find("replication/raft/64"), std::string::npos);
  }
}

TEST(MicroOptions, AreRead) {
  const auto parsed = ParseMicroArguments({"--filter", "wal", "--min-time", "250ms", "--data-dir",
                                           "/somewhere", "-w", "json", "--count"});
  ASSERT_TRUE(std::holds_alternative<MicroCommand>(parsed));
  const auto& command = std::get<MicroCommand>(parsed);
  EXPECT_EQ(command.options.filter, "wal");
  EXPECT_EQ(command.options.seconds, 0.25);
  EXPECT_EQ(command.options.data_directory, "/somewhere");
  EXPECT_TRUE(command.options.json);
  EXPECT_TRUE(command.count);
}

TEST(MicroOptions, ThatAreWrongAreNamed) {
  const auto problem = [](const std::vector<std::string>& arguments) {
    const auto parsed = ParseMicroArguments(arguments);
    const auto* exit = std::get_if<EarlyExit>(&parsed);
    if (exit == nullptr) return std::string("taken");
    EXPECT_EQ(exit->code, kUsageError);
    return exit->text;
  };
  EXPECT_NE(problem({"--min-time", "soon"}).find("--min-time"), std::string::npos);
  EXPECT_NE(problem({"-w", "xml"}).find("'xml': expected text or json"), std::string::npos);
  EXPECT_EQ(problem({"--filter", "wal", "--filter", "kv"}),
            "grass-bench micro: --filter is there 2 times; give it once (see grass-bench micro "
            "--help)");
  EXPECT_NE(problem({"--clients", "3"}).find("--clients"), std::string::npos);
}

}  // namespace
}  // namespace grassdb
