#include "net/server_options.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "absl/status/status.h"

namespace grassdb::net {
namespace {

absl::Status Malformed(std::string_view text, const std::string& expected) {
  return absl::InvalidArgumentError(fmt::format("'{}': {}", text, expected));
}

bool IsPort(std::string_view text) {
  std::uint32_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

bool IsHost(std::string_view host) {
  for (const char c : host) {
    const bool allowed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                         (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
    if (!allowed) return false;
  }
  return !host.empty() && host.front() != '-';
}

bool IsIpv6(std::string_view host) {
  for (const char c : host) {
    const bool allowed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
                         (c >= 'A' && c <= 'F') || c == ':' || c == '.' || c == '%';
    if (!allowed) return false;
  }
  return host.find(':') != std::string_view::npos;
}

}  // namespace

absl::StatusOr<std::string> ParseEndpoint(std::string_view text, EmptyHost host) {
  const std::string expected = host == EmptyHost::kEveryInterface
                                   ? "expected host:port or :port, as in 127.0.0.1:50051"
                                   : "expected host:port, as in localhost:50051";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Malformed(text, expected);
  const std::string_view name = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (!IsPort(port)) {
    return Malformed(text, expected + " with a port from 1 to 65535");
  }
  if (name.empty()) {
    if (host == EmptyHost::kRefused) return Malformed(text, expected);
    return fmt::format("[::]:{}", port);
  }
  const bool bracketed = name.size() > 2 && name.front() == '[' && name.back() == ']';
  if (bracketed ? !IsIpv6(name.substr(1, name.size() - 2)) : !IsHost(name)) {
    return Malformed(text, expected);
  }
  return std::string(text);
}

std::pair<std::string, std::string> SplitEndpoint(std::string_view endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  std::string_view host = endpoint.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return {std::string(host), std::string(endpoint.substr(colon + 1))};
}

bool IsEveryInterface(std::string_view endpoint) {
  const std::string host = SplitEndpoint(endpoint).first;
  return host == "::" || host == "0.0.0.0";
}

bool IsLoopback(std::string_view endpoint) {
  const std::string host = SplitEndpoint(endpoint).first;
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

absl::StatusOr<std::string> ParsePeerAddress(std::string_view text) {
  absl::StatusOr<std::string> endpoint = ParseEndpoint(text, EmptyHost::kRefused);
  if (endpoint.ok() && IsEveryInterface(*endpoint)) {
    return Malformed(text, "means every interface; expected the address that others reach it at");
  }
  return endpoint;
}

absl::StatusOr<std::vector<std::string>> ParsePeerList(std::string_view text) {
  std::vector<std::string> peers;
  while (true) {
    const std::size_t comma = text.find(',');
    absl::StatusOr<std::string> peer = ParseEndpoint(text.substr(0, comma), EmptyHost::kRefused);
    if (!peer.ok()) return peer.status();
    peers.push_back(*std::move(peer));
    if (comma == std::string_view::npos) return peers;
    text.remove_prefix(comma + 1);
  }
}

absl::StatusOr<Configuration> ParseCluster(std::string_view text) {
  std::vector<Member> members;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Malformed(item, "expected id=host:port,id=host:port,...");
    }
    absl::StatusOr<std::string> address =
        ParseEndpoint(item.substr(equals + 1), EmptyHost::kRefused);
    if (!address.ok()) return address.status();
    const std::string_view name = item.substr(0, equals);
    members.push_back(MakeMember(std::string(name), *std::move(address)));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  Configuration cluster(std::move(members));
  if (auto problem = cluster.Problem()) return absl::InvalidArgumentError(*problem);
  return cluster;
}

absl::StatusOr<std::uint32_t> ParseDiskFormat(std::string_view text) {
  if (text == "2") return std::uint32_t{2};
  if (text == "1") return std::uint32_t{1};
  return Malformed(text, "expected 2, or 1 for the version before");
}

absl::StatusOr<store::Compression> ParseCompression(std::string_view text) {
  if (text == "zstd") return store::Compression::kZstd;
  if (text == "none") return store::Compression::kNone;
  return Malformed(text, "expected zstd or none");
}

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warn") return LogLevel::kWarn;
  if (text == "error") return LogLevel::kError;
  return Malformed(text, "expected debug, info, warn or error");
}

absl::StatusOr<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return Malformed(text, "expected text or json");
}

std::string TextOf(Duration duration) {
  const std::int64_t nanos = duration.count();
  if (nanos % 1'000'000'000 == 0) return std::to_string(nanos / 1'000'000'000) + "s";
  if (nanos % 1'000'000 == 0) return std::to_string(nanos / 1'000'000) + "ms";
  return std::to_string(nanos / 1000) + "us";
}

}  // namespace grassdb::net
