// What a server is started with, and how it is written on a command line.
#ifndef GRASSDB_NET_SERVER_OPTIONS_H_
#define GRASSDB_NET_SERVER_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/configuration.h"
#include "core/types.h"
#include "net/log.h"
#include "store/storage.h"

namespace grassdb::net {

inline constexpr char kDefaultClusterName[] = "grassdb";

struct ServerOptions {
  // How a node without data becomes a member of a running cluster.
  struct Join {
    std::vector<std::string> peers;          // members to ask, host:port
    std::string address;                     // where the members reach this node
    MemberRole role = MemberRole::kJoining;  // or kLearner
  };

  std::string name;            // of this node
  std::string listen_address;  // host:port with a port
  // The members at the birth of the cluster, this node among them; or empty.
  Configuration cluster;
  std::optional<Join> join;  // not together with `cluster`
  std::string cluster_name;  // empty: whatever the data or the joined cluster says
  std::string data_directory = ".";
  Duration election_timeout_min = std::chrono::milliseconds(300);
  Duration election_timeout_max = std::chrono::milliseconds(600);
  Duration heartbeat = std::chrono::milliseconds(100);
  Duration append_delay = std::chrono::milliseconds(10);  // at most the heartbeat
  std::uint64_t snapshot_log_bytes = std::uint64_t{64} << 20;
  // Of the log's entries that are in the store; older ones are read from the disk.
  std::uint64_t log_memory_bytes = std::uint64_t{8} << 20;
  std::uint64_t snapshot_bytes_per_second = std::uint64_t{64} << 20;  // 0: no limit
  std::uint64_t scrub_bytes_per_second = std::uint64_t{1} << 20;      // 0: not at all
  Duration scrub_pause = std::chrono::seconds(10);                    // between two passes
  // Of new snapshot files.
  store::Compression snapshot_compression = store::Compression::kZstd;
  // What is written from now on: 2, or 1, which the version before reads.
  std::uint32_t disk_format = 2;
  // Of writes under way; beyond it further ones are answered with OVERLOADED.
  std::uint64_t write_backlog_bytes = std::uint64_t{64} << 20;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

// All of these give InvalidArgument with a line for a person that quotes the text and says what is
// expected.

// host:port, [ipv6]:port or :port; the port is 1..65535. An empty host means every interface and is
// given as "[::]", but only if `host` allows it.
enum class EmptyHost : std::uint8_t { kRefused, kEveryInterface };
absl::StatusOr<std::string> ParseEndpoint(std::string_view text, EmptyHost host);
// An address that other machines dial: as ParseEndpoint, but neither an empty host nor one that
// stands for every interface.
absl::StatusOr<std::string> ParsePeerAddress(std::string_view text);
// host:port,host:port,... of nodes to ask
absl::StatusOr<std::vector<std::string>> ParsePeerList(std::string_view text);
// Of what ParseEndpoint gave: stands for every interface; is this machine only.
bool IsEveryInterface(std::string_view endpoint);
bool IsLoopback(std::string_view endpoint);
// host and port of what ParseEndpoint gave, without brackets.
std::pair<std::string, std::string> SplitEndpoint(std::string_view endpoint);
// id=host:port,id=host:port,...
absl::StatusOr<Configuration> ParseCluster(std::string_view text);
// "2" or "1"
absl::StatusOr<std::uint32_t> ParseDiskFormat(std::string_view text);
// "zstd" or "none"
absl::StatusOr<store::Compression> ParseCompression(std::string_view text);
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view text);
absl::StatusOr<LogFormat> ParseLogFormat(std::string_view text);

// "300ms"; the shortest form that a flag takes.
std::string TextOf(Duration duration);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_SERVER_OPTIONS_H_
