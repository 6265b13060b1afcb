#include "tests/cluster/cluster.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace grassdb {
namespace {

// Below the range from which the system gives ports to outgoing connections.
constexpr int kPortMin = 20000;
constexpr int kPortMax = 30000;

// A name that only one process at a time can have, free again when the process is gone.
int TakeName(int port) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  // An abstract name (it begins with a zero byte): no file stays behind.
  const std::string name = "grassdb-test-port-" + std::to_string(port);
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0) return fd;
  close(fd);
  return -1;
}

bool IsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool free =
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(fd, 1) == 0;
  close(fd);
  return free;
}

int VotersOf(const wire::StatusResponse& status) {
  return static_cast<int>(std::ranges::count_if(
      status.members(), [](const wire::MemberStatus& member) { return member.voter(); }));
}

// A node that starts so late that it finds a leader gets its vote as one that joins.
bool IsJoining(const wire::StatusResponse& status) {
  return std::ranges::any_of(status.members(), [](const wire::MemberStatus& member) {
    return member.role() == "joining";
  });
}

}  // namespace

TestDirectory::TestDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "grassdb_test_XXXXXX";
  const char* made = mkdtemp(pattern.data());
  if (made == nullptr) ADD_FAILURE() << "cannot make a directory";
  path_ = pattern;
}

TestDirectory::~TestDirectory() {
  if (::testing::Test::HasFailure()) {
    std::printf("The nodes' logs and data are kept in %s\n", path_.c_str());
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ReservedPort::ReservedPort() {
  // Tests run side by side: begin at different places.
  const int range = kPortMax - kPortMin;
  const int offset = static_cast<int>(getpid()) * 16 % range;
  for (int i = 0; i < range; ++i) {
    const int port = kPortMin + (offset + i) % range;
    lock_ = TakeName(port);
    if (lock_ >= 0 && IsFree(port)) {
      number_ = port;
      return;
    }
    if (lock_ >= 0) close(lock_);
  }
  ADD_FAILURE() << "no free port";
}

ReservedPort::~ReservedPort() {
  if (lock_ >= 0) close(lock_);
}

Cluster::Cluster(int size, std::vector<std::string> flags) : flags_(std::move(flags)) {
  for (int i = 0; i < size; ++i) ports_.push_back(std::make_unique<ReservedPort>());
  processes_.resize(ports_.size());
  born_ = size;
}

std::vector<std::string> Cluster::addresses() const {
  std::vector<std::string> result;
  for (const auto& port : ports_) result.push_back(port->address());
  return result;
}

std::string Cluster::ClusterFlag() const {
  std::string flag;
  for (int i = 0; i < born_; ++i) {
    flag += (i == 0 ? "" : ",") + name(i) + "=" + address(i);
  }
  return flag;
}

std::string Cluster::JoinFlag(int node) const {
  std::string flag;
  for (int i = 0; i < size(); ++i) {
    if (i != node) flag += (flag.empty() ? "" : ",") + address(i);
  }
  return flag;
}

std::vector<std::string> Cluster::CommandOfRestart(int node) const {
  std::vector<std::string> command = {GRASSDB_BINARY,       "--id",   name(node),   "--data-dir",
                                      data_directory(node), "--addr", address(node)};
  command.insert(command.end(), flags_.begin(), flags_.end());
  return command;
}

std::vector<std::string> Cluster::Command(int node) const {
  if (node < born_) {
    std::vector<std::string> command = {GRASSDB_BINARY,      "--id",        name(node),
                                        "--cluster",         ClusterFlag(), "--data-dir",
                                        data_directory(node)};
    command.insert(command.end(), flags_.begin(), flags_.end());
    return command;
  }
  std::vector<std::string> command = CommandOfRestart(node);
  command.push_back("--join");
  command.push_back(JoinFlag(node));
  return command;
}

std::vector<std::string> Cluster::WithHangingDisk(const std::vector<std::string>& command,
                                                  const std::string& file) {
  std::vector<std::string> all = {"/usr/bin/env", "LD_PRELOAD=" HANGING_DISK_LIBRARY,
                                  // The library is not the first one, which sanitizers ask for.
                                  "ASAN_OPTIONS=verify_asan_link_order=0",
                                  "GRASSDB_TEST_HANG=" + file};
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

void Cluster::Start(int node) {
  Start(node, Command(node));
}

void Cluster::Start(int node, const std::vector<std::string>& command) {
  const std::string log = directory_.path() + "/" + name(node) + ".log";
  processes_[Slot(node)] = std::make_unique<Process>(command, log, log);
}

void Cluster::StartAll() {
  for (int i = 0; i < born_; ++i) Start(i);
}

int Cluster::StartAndElect() {
  StartAll();
  int leader = 0;
  EXPECT_TRUE(WaitFor(kPatience, [&] {
    leader = Leader();
    const auto status = Status(leader);
    return status.has_value() && !IsJoining(*status) &&
           status->failures_tolerated() == static_cast<std::uint64_t>(VotersOf(*status) - 1) / 2;
  })) << "a voter stays without its vote";
  return leader;
}

void Cluster::Kill(int node) {
  process(node).Signal(SIGKILL);
  EXPECT_EQ(process(node).Wait(kPatience), 128 + SIGKILL);
}

void Cluster::Move() {
  for (auto& port : ports_) port = std::make_unique<ReservedPort>();
}

std::optional<wire::StatusResponse> Cluster::Status(int node) {
  return net::AskForStatus({address(node)}, std::chrono::seconds(2)).front().status;
}

int Cluster::Leader() {
  int leader = -1;
  const bool found = WaitFor(kPatience, [&] {
    int followers = 0;
    int voters = 0;
    std::string name_of_leader;
    const auto reports = net::AskForStatus(addresses(), std::chrono::seconds(2));
    for (int i = 0; i < size(); ++i) {
      const auto& status = reports[Slot(i)].status;
      if (status.has_value() && status->role() == "leader" && status->serving()) {
        leader = i;
        name_of_leader = status->id();
        voters = VotersOf(*status);
      }
    }
    for (const auto& report : reports) {
      if (report.status.has_value() && report.status->leader_id() == name_of_leader) ++followers;
    }
    return !name_of_leader.empty() && followers > voters / 2;
  });
  EXPECT_TRUE(found) << "no leader";
  return found ? leader : 0;
}

net::DatabaseClient Cluster::Client(Seconds deadline) const {
  ClientOptions options;
  options.endpoints = addresses();
  options.deadline = deadline;
  options.seed = static_cast<std::uint64_t>(getpid());
  return net::DatabaseClient(options);
}

Finished Cluster::Cli(std::vector<std::string> arguments) const {
  std::string peers = "-peers=";
  for (int i = 0; i < size(); ++i) peers += (i == 0 ? "" : ",") + address(i);
  arguments.insert(arguments.begin(), peers);
  return RunCli(directory_.path(), std::move(arguments));
}

Finished RunCli(const std::string& directory, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), GRASS_CLI_BINARY);
  return RunToEnd(arguments, directory);
}

Finished RunGrassdb(const std::string& directory, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), GRASSDB_BINARY);
  return RunToEnd(arguments, directory);
}

std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace grassdb
