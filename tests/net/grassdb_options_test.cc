#include "bin/grassdb_options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace grassdb {
namespace {

using Words = std::vector<std::string>;

constexpr char kCluster[] = "n1=127.0.0.1:1001,n2=127.0.0.1:1002,n3=127.0.0.1:1003";

net::ServerOptions Parsed(const Words& words) {
  auto result = ParseServerArguments(words);
  if (const auto* exit = std::get_if<EarlyExit>(&result)) {
    ADD_FAILURE() << exit->text;
    return {};
  }
  return std::get<net::ServerOptions>(result);
}

EarlyExit Exit(const Words& words) {
  auto result = ParseServerArguments(words);
  if (std::holds_alternative<net::ServerOptions>(result)) {
    ADD_FAILURE() << "was taken";
    return {};
  }
  return std::get<EarlyExit>(result);
}

TEST(GrassdbOptions, HaveTheDefaultsOfTheThesis) {
  const net::ServerOptions options = Parsed({"--id", "n2", "--cluster", kCluster});
  EXPECT_EQ(options.name, "n2");
  EXPECT_EQ(options.listen_address, "127.0.0.1:1002");
  EXPECT_EQ(options.data_directory, ".");
  EXPECT_EQ(options.election_timeout_min, std::chrono::milliseconds(300));
  EXPECT_EQ(options.election_timeout_max, std::chrono::milliseconds(600));
  EXPECT_EQ(options.heartbeat, std::chrono::milliseconds(100));
  EXPECT_EQ(options.append_delay, std::chrono::milliseconds(10));
}

TEST(GrassdbOptions, TakeOneDashAsWellAsTwo) {
  const net::ServerOptions options =
      Parsed({"-id=n1", "-cluster", kCluster, "-addr", ":1001", "-log-level=debug"});
  EXPECT_EQ(options.name, "n1");
  EXPECT_EQ(options.listen_address, "[::]:1001");
  EXPECT_EQ(options.log_level, net::LogLevel::kDebug);
}

TEST(GrassdbOptions, ReadEveryFlag) {
  const net::ServerOptions options = Parsed({"--id",
                                             "n1",
                                             "--cluster",
                                             kCluster,
                                             "--cluster-name",
                                             "blue",
                                             "--data-dir",
                                             "/data",
                                             "--election-timeout",
                                             "1s-2s",
                                             "--heartbeat",
                                             "200ms",
                                             "--append-delay",
                                             "0",
                                             "--snapshot-log-size",
                                             "1MiB",
                                             "--log-memory",
                                             "5MiB",
                                             "--snapshot-rate",
                                             "2MiB",
                                             "--scrub-rate",
                                             "4MiB",
                                             "--disk-format",
                                             "1",
                                             "--scrub-pause",
                                             "3s",
                                             "--snapshot-compression",
                                             "none",
                                             "--write-backlog",
                                             "3MiB",
                                             "--log-level",
                                             "warn",
                                             "--log-format",
                                             "json",
                                             "--addr",
                                             "127.0.0.1:7"});
  EXPECT_EQ(options.cluster_name, "blue");
  EXPECT_EQ(options.data_directory, "/data");
  EXPECT_EQ(options.election_timeout_max, std::chrono::seconds(2));
  EXPECT_EQ(options.heartbeat, std::chrono::milliseconds(200));
  EXPECT_EQ(options.append_delay, Duration::zero());
  EXPECT_EQ(options.snapshot_log_bytes, std::uint64_t{1} << 20);
  EXPECT_EQ(options.log_memory_bytes, std::uint64_t{5} << 20);
  EXPECT_EQ(options.snapshot_bytes_per_second, std::uint64_t{2} << 20);
  EXPECT_EQ(options.scrub_bytes_per_second, std::uint64_t{4} << 20);
  EXPECT_EQ(options.disk_format, 1u);
  EXPECT_EQ(options.scrub_pause, std::chrono::seconds(3));
  EXPECT_EQ(options.snapshot_compression, store::Compression::kNone);
  EXPECT_EQ(options.write_backlog_bytes, std::uint64_t{3} << 20);
  EXPECT_EQ(options.log_level, net::LogLevel::kWarn);
  EXPECT_EQ(options.log_format, net::LogFormat::kJson);
  EXPECT_EQ(options.listen_address, "127.0.0.1:7");
}

TEST(GrassdbOptions, TakeZeroForNoLimitOfTheSnapshotRate) {
  EXPECT_EQ(Parsed({"--id", "n1", "--cluster", kCluster}).snapshot_bytes_per_second,
            std::uint64_t{64} << 20);
  EXPECT_EQ(Parsed({"--id", "n1", "--cluster", kCluster, "--snapshot-rate", "0"})
                .snapshot_bytes_per_second,
            0u);
}

TEST(GrassdbOptions, AdvertiseTheAddressThatTheOthersReach) {
  const auto join = [](const Words& words) {
    Words all = {"--id", "n4"};
    all.insert(all.end(), words.begin(), words.end());
    return Parsed(all).join.value_or(net::ServerOptions::Join());
  };
  const auto listed = join({"--join", "a:1,b:2", "--addr", "c:4"});
  EXPECT_EQ(listed.peers, (Words{"a:1", "b:2"}));
  EXPECT_EQ(listed.address, "c:4");
  EXPECT_EQ(listed.role, MemberRole::kJoining);
  EXPECT_EQ(join({"--join", "localhost:1,127.0.0.1:2,[::1]:3", "--addr", ":4"}).address,
            "127.0.0.1:4");
  EXPECT_EQ(join({"--join", "a:1", "--addr", ":4", "--advertise", "c:5"}).address, "c:5");
  EXPECT_EQ(join({"--join", "a:1", "--addr", "c:4", "--join-as", "learner"}).role,
            MemberRole::kLearner);
  EXPECT_EQ(Parsed({"--id", "n4", "--join", "a:1", "--advertise", "c:5"}).listen_address, "c:5");
}

TEST(GrassdbOptions, ANodeThatHasDataNeedsOnlyItsNameAndWhereToListen) {
  const net::ServerOptions options = Parsed({"--id", "n4", "--addr", "c:4"});
  EXPECT_TRUE(options.cluster.empty());
  EXPECT_FALSE(options.join.has_value());
  EXPECT_EQ(options.listen_address, "c:4");
}

TEST(GrassdbOptions, SayThatAnAddressToAdvertiseIsMissing) {
  for (const char* address : {":4", "0.0.0.0:4", "[::]:4"}) {
    const EarlyExit exit = Exit({"--id", "n4", "--join", "127.0.0.1:1,b:2", "--addr", address});
    EXPECT_NE(exit.text.find("--advertise is required"), std::string::npos) << exit.text;
  }
}

TEST(GrassdbOptions, RefuseWrongUsageInOneLine) {
  for (const Words& words :
       {Words{},
        Words{"--id", "n1"},
        Words{"--cluster", kCluster},
        Words{"--id", "n9", "--cluster", kCluster},
        Words{"--id", "n1", "--cluster", "n1"},
        Words{"--id", "n1", "--cluster", kCluster, "--heartbeat", "fast"},
        Words{"--id", "n1", "--cluster", kCluster, "--heartbeat", "10s"},
        Words{"--id", "n1", "--cluster", kCluster, "--append-delay", "soon"},
        Words{"--id", "n1", "--cluster", kCluster, "--append-delay", "-1ms"},
        Words{"--id", "n1", "--cluster", kCluster, "--append-delay", "1s"},
        Words{"--id", "n1", "--cluster", kCluster, "--election-timeout", "600ms-300ms"},
        Words{"--id", "n1", "--cluster", kCluster, "--addr", "nowhere"},
        Words{"--id", "n1", "--cluster", kCluster, "--log-level", "loud"},
        Words{"--id", "n1", "--cluster", kCluster, "--log-format", "xml"},
        Words{"--id", "n1", "--cluster", kCluster, "--snapshot-log-size", "0"},
        Words{"--id", "n1", "--cluster", kCluster, "--log-memory", "0"},
        Words{"--id", "n1", "--cluster", kCluster, "--snapshot-rate", "-1"},
        Words{"--id", "n1", "--cluster", kCluster, "--snapshot-compression", "lz4"},
        Words{"--id", "n1", "--cluster", kCluster, "--disk-format", "3"},
        Words{"--id", "n1", "--cluster", kCluster, "--write-backlog", "0"},
        Words{"--id", "n1", "--cluster", kCluster, "--frob"},
        Words{"--id", "n1", "--cluster", kCluster, "--join", "a:1", "--addr", "c:4"},
        Words{"--id", "n1", "--cluster", kCluster, "--advertise", "c:4"},
        Words{"--id", "n1", "--cluster", kCluster, "--join-as", "voter"},
        Words{"--id", "n1", "--join", "a:1"},
        Words{"--id", "n1", "--join", "a", "--addr", "c:4"},
        Words{"--id", "n 1", "--join", "a:1", "--addr", "c:4"},
        Words{"--id", "n1", "--join", "a:1", "--addr", "c:4", "--join-as", "leader"},
        Words{"--id", "n1", "--join", "a:1", "--addr", "c:4", "--advertise", "[::]:4"},
        Words{"--id", "n1", "--join", "a:1,", "--addr", "c:4"},
        Words{"--id", "n1", "--cluster", kCluster, "stray"},
        Words{"--id", "n1", "--cluster", kCluster, "--config", "/nonexistent/file"}}) {
    const EarlyExit exit = Exit(words);
    EXPECT_EQ(exit.code, 2);
    EXPECT_EQ(exit.text.find('\n'), std::string::npos) << exit.text;
    EXPECT_EQ(exit.text.find("grassdb: "), 0u) << exit.text;
  }
}

TEST(GrassdbOptions, PrintHelpAndVersion) {
  EXPECT_EQ(Exit({"--version"}).code, 0);
  EXPECT_EQ(Exit({"--version"}).text.find("grassdb "), 0u);
  EXPECT_EQ(Exit({"--help"}).code, 0);
  EXPECT_NE(Exit({"--help"}).text.find("--election-timeout"), std::string::npos);
}

TEST(GrassdbOptions, AFlagWinsOverTheEnvironmentAndThatOverTheFile) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("grassdb_options_" + std::to_string(getpid()));
  std::ofstream(file) << "id = \"n1\"\nheartbeat = \"110ms\"\nlog-level = \"warn\"\n"
                      << "cluster = \"" << kCluster << "\"\n";
  setenv("GRASSDB_HEARTBEAT", "120ms", 1);
  setenv("GRASSDB_DATA_DIR", "/from/environment", 1);
  const net::ServerOptions options =
      Parsed({"--config", file.string(), "--data-dir", "/from/flag"});
  unsetenv("GRASSDB_HEARTBEAT");
  unsetenv("GRASSDB_DATA_DIR");
  std::filesystem::remove(file);
  EXPECT_EQ(options.name, "n1");
  EXPECT_EQ(options.cluster.members().size(), 3u);
  EXPECT_EQ(options.log_level, net::LogLevel::kWarn);
  EXPECT_EQ(options.heartbeat, std::chrono::milliseconds(120));
  EXPECT_EQ(options.data_directory, "/from/flag");
}

// As `GRASSDB_CLUSTER_NAME= grassdb ...` leaves it.
TEST(GrassdbOptions, AnEmptyVariableIsAsGoodAsNone) {
  setenv("GRASSDB_CLUSTER_NAME", "", 1);
  setenv("GRASSDB_DATA_DIR", "", 1);
  const net::ServerOptions options = Parsed({"--id", "n1", "--cluster", kCluster});
  unsetenv("GRASSDB_CLUSTER_NAME");
  unsetenv("GRASSDB_DATA_DIR");
  EXPECT_EQ(options.name, "n1");
  EXPECT_EQ(options.cluster_name, "");
  EXPECT_EQ(options.data_directory, ".");
}

TEST(GrassdbOptions, AVariableMayHoldWhatLooksLikeAFlag) {
  setenv("GRASSDB_DATA_DIR", "--id=n2", 1);
  const net::ServerOptions options = Parsed({"--id", "n1", "--cluster", kCluster});
  unsetenv("GRASSDB_DATA_DIR");
  EXPECT_EQ(options.name, "n1");
  EXPECT_EQ(options.data_directory, "--id=n2");
}

TEST(GrassdbOptions, AnEmptyValueIsRefusedByTheNameOfItsFlag) {
  for (const Words& words : {Words{"--data-dir=", "--id", "n1", "--cluster", kCluster},
                             Words{"-data-dir=", "--id", "n1", "--cluster", kCluster},
                             Words{"--data-dir", "", "--id", "n1", "--cluster", kCluster},
                             Words{"--id", "n1", "--cluster", kCluster, "--data-dir="}}) {
    const EarlyExit exit = Exit(words);
    EXPECT_EQ(exit.code, kUsageError);
    EXPECT_NE(exit.text.find("--data-dir is empty"), std::string::npos) << exit.text;
  }
  EXPECT_NE(Exit({"--id=", "--cluster", kCluster}).text.find("--id is empty"), std::string::npos);
  EXPECT_NE(Exit({"--config=", "--id", "n1"}).text.find("--config"), std::string::npos);
}

// A file that goes with this object.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("grassdb_config_" + std::to_string(getpid()))) {
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { std::filesystem::remove(path_); }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(GrassdbOptions, RefuseAFileThatSaysWhatTheyDoNotKnow) {
  const std::string good = "id = \"n1\"\ncluster = \"" + std::string(kCluster) + "\"\n";
  for (const auto& [bad, part] : {std::pair("bogus = 3", "'bogus'"),
                                  {"[[[x", "expected name = value"},
                                  {"config = \"other\"", "'config'"},
                                  {"help = true", "'help'"},
                                  {"data_dir = \"x\"", "'data_dir'"},
                                  {"[section]\nid = 3", "expected name = value"},
                                  {"heartbeat", "expected name = value"}}) {
    const ConfigFile file(good + bad + "\n");
    const EarlyExit exit = Exit({"--config", file.path()});
    EXPECT_EQ(exit.code, 2);
    EXPECT_EQ(exit.text.find("grassdb: --config " + file.path() + " line 3: "), 0u) << exit.text;
    EXPECT_NE(exit.text.find(part), std::string::npos) << exit.text;
    EXPECT_EQ(exit.text.find('\n'), std::string::npos) << exit.text;
  }
  const ConfigFile file("heartbeat = often\n" + good);
  EXPECT_NE(Exit({"--config=" + file.path()}).text.find("--heartbeat 'often'"), std::string::npos);
}

TEST(GrassdbOptions, TakeAListThatIsNotQuoted) {
  const ConfigFile file("id = n1\ncluster = " + std::string(kCluster) + "\n");
  EXPECT_EQ(Parsed({"--config", file.path()}).cluster.members().size(), 3u);
}

TEST(GrassdbOptions, TakeAnEmptyValueInAFileForOne) {
  const ConfigFile file("id = \"\"\ncluster = " + std::string(kCluster) + "\n");
  EXPECT_NE(Exit({"--config", file.path()}).text.find("--id is empty"), std::string::npos);
}

// The lines of the help between "Such a file is:" and the next empty one.
TEST(GrassdbOptions, TakeTheFileThatTheHelpShows) {
  const std::string help = Exit({"--help"}).text;
  const std::string heading = "Such a file is:\n";
  const std::size_t begin = help.find(heading);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t from = begin + heading.size();
  const ConfigFile file(help.substr(from, help.find("\n\n", from) - from));
  const net::ServerOptions options = Parsed({"--config", file.path()});
  EXPECT_EQ(options.name, "node1");
  EXPECT_EQ(options.cluster.members().size(), 3u);
  EXPECT_EQ(options.data_directory, "/var/lib/grassdb");
}

}  // namespace
}  // namespace grassdb
