// What a server is started with, and how it is written on a command line.
#ifndef GRASSDB_NET_SERVER_OPTIONS_H_
#define GRASSDB_NET_SERVER_OPTIONS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "core/configuration.h"
#include "core/types.h"
#include "net/log.h"

namespace grassdb::net {

struct ServerOptions {
  std::string name;            // of this node; a member of `cluster`
  std::string listen_address;  // host:port with a port
  Configuration cluster;       // the members at the birth of the cluster
  std::string cluster_name;
  std::string data_directory = ".";
  Duration election_timeout_min = std::chrono::milliseconds(300);
  Duration election_timeout_max = std::chrono::milliseconds(600);
  Duration heartbeat = std::chrono::milliseconds(100);
  std::uint64_t snapshot_log_bytes = std::uint64_t{64} << 20;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

// All of these give InvalidArgument with a line for a person that quotes the text and says what is
// expected.

// host:port, [ipv6]:port or :port; the port is 1..65535. An empty host means every interface and is
// given as "[::]", but only if `host` allows it.
enum class EmptyHost : std::uint8_t { kRefused, kEveryInterface };
absl::StatusOr<std::string> ParseEndpoint(std::string_view text, EmptyHost host);
// host and port of what ParseEndpoint gave, without brackets.
std::pair<std::string, std::string> SplitEndpoint(std::string_view endpoint);
// id=host:port,id=host:port,...
absl::StatusOr<Configuration> ParseCluster(std::string_view text);
// A number and ms, s, m or us: "300ms", "1.5s".
absl::StatusOr<Duration> ParseDuration(std::string_view text);
// Two durations, "300ms-600ms", the first below the second.
absl::StatusOr<std::pair<Duration, Duration>> ParseDurationRange(std::string_view text);
// A number of bytes, or of KiB, MiB, GiB: "67108864", "64MiB".
absl::StatusOr<std::uint64_t> ParseSize(std::string_view text);
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view text);
absl::StatusOr<LogFormat> ParseLogFormat(std::string_view text);

// "300ms"; the shortest form that ParseDuration reads back.
std::string TextOf(Duration duration);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_SERVER_OPTIONS_H_
