// Holds connections to a server that speaks HTTP/2, and does nothing with them; for
// tests/bench/connections.sh.
//
//   idle_connections HOST:PORT COUNT
//
// Each sends the client's preface and SETTINGS, waits for the server's, and acknowledges them: what
// a gRPC channel does that is connected and has no call. Pings are answered. Prints "open COUNT"
// when all have come so far, and "lost N: WHY" once if the server ends one; runs until SIGTERM.
// Exit codes: 1 a connection could not be opened (the last line says why), 2 usage.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

constexpr std::size_t kFrameHeader = 9;
constexpr std::uint8_t kSettings = 4;
constexpr std::uint8_t kPing = 6;
constexpr std::uint8_t kGoAway = 7;
constexpr std::uint8_t kAcknowledged = 1;
// Connections whose handshake is under way at a time; the server's backlog is no longer.
constexpr std::size_t kOpeningMax = 64;

std::string SystemError() {
  return std::generic_category().message(errno);
}

struct Connection {
  int fd = -1;
  bool open = false;  // the server's SETTINGS were there
  std::string received;
};

class Holder {
 public:
  Holder(const sockaddr_in& address, std::size_t count)
      : address_(address), connections_(count), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  // Never returns but with what went wrong.
  std::string Run() {
    while (true) {
      while (begun_ < connections_.size() && begun_ - open_ < kOpeningMax) {
        if (!Begin(begun_++)) return "connection " + std::to_string(begun_) + ": " + SystemError();
      }
      std::vector<epoll_event> events(kOpeningMax);
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) return "epoll_wait: " + SystemError();
      for (int i = 0; i < count; ++i) {
        Connection& connection = connections_[events[static_cast<std::size_t>(i)].data.u64];
        const std::string problem = Read(connection);
        if (!problem.empty() && !Lose(connection, problem)) return problem_;
      }
    }
  }

 private:
  bool Begin(std::size_t number) {
    static const std::string kPreface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
    Connection& connection = connections_[number];
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection.fd < 0) return false;
    const auto* address = reinterpret_cast<const sockaddr*>(&address_);
    if (connect(connection.fd, address, sizeof address_) != 0) return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = number;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0) return false;
    return Send(connection, kPreface);
  }

  // A handful of bytes on a connection that has nothing else to send: they fit.
  static bool Send(const Connection& connection, std::string_view bytes) {
    return send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

  // What is wrong with the connection; empty if nothing.
  std::string Read(Connection& connection) {
    char buffer[4096];
    const ssize_t size = recv(connection.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (size < 0) return SystemError();
    if (size == 0) return "the server closed it";
    std::string& received = connection.received;
    received.append(buffer, static_cast<std::size_t>(size));
    while (received.size() >= kFrameHeader) {
      const auto byte = [&](std::size_t at) -> std::size_t {
        return static_cast<std::uint8_t>(received[at]);
      };
      const std::size_t length = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (received.size() < kFrameHeader + length) break;
      const std::string frame = received.substr(0, kFrameHeader + length);
      received.erase(0, frame.size());
      const std::string problem = OnFrame(connection, frame);
      if (!problem.empty()) return problem;
    }
    if (received.empty()) received.shrink_to_fit();
    return {};
  }

  std::string OnFrame(Connection& connection, std::string frame) {
    const auto type = static_cast<std::uint8_t>(frame[3]);
    const bool acknowledges = (frame[4] & kAcknowledged) != 0;
    if (type == kGoAway) return "the server sent GOAWAY";
    if (type == kSettings && !acknowledges) {
      if (!Send(connection, std::string_view("\0\0\0\4\1\0\0\0\0", kFrameHeader))) {
        return SystemError();
      }
      if (!connection.open && ++open_ == connections_.size()) Say("open " + std::to_string(open_));
      connection.open = true;
    } else if (type == kPing && !acknowledges) {
      frame[4] = static_cast<char>(kAcknowledged);
      if (!Send(connection, frame)) return SystemError();
    }
    return {};
  }

  // Whether the others are still worth holding: not if one could not even be opened.
  bool Lose(Connection& connection, const std::string& problem) {
    close(connection.fd);
    connection.fd = -1;
    if (!connection.open) {
      problem_ = "connection " + std::to_string(&connection - connections_.data() + 1) +
                 " could not be opened: " + problem;
      return false;
    }
    if (++lost_ == 1) Say("lost 1: " + problem);
    return true;
  }

  static void Say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }

  const sockaddr_in address_;
  std::vector<Connection> connections_;
  const int epoll_;
  std::size_t begun_ = 0;
  std::size_t open_ = 0;  // have been
  std::size_t lost_ = 0;
  std::string problem_;
};

int Usage(const std::string& problem) {
  std::fprintf(stderr, "idle_connections: %s (usage: idle_connections HOST:PORT COUNT)\n",
               problem.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return Usage("two arguments are expected");
  const std::string endpoint = argv[1];
  const std::size_t colon = endpoint.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const int port = colon == std::string::npos ? 0 : std::atoi(endpoint.c_str() + colon + 1);
  if (port <= 0 || port > UINT16_MAX ||
      inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    return Usage("'" + endpoint + "': expected an IPv4 address and a port");
  }
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const long count = std::atol(argv[2]);
  if (count <= 0) return Usage("'" + std::string(argv[2]) + "': expected a number from 1 on");
  const std::string problem = Holder(address, static_cast<std::size_t>(count)).Run();
  std::fprintf(stderr, "idle_connections: %s\n", problem.c_str());
  return 1;
}
