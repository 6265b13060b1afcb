// A cluster of real grassdb processes on 127.0.0.1, in a directory of its own.
#ifndef GRASSDB_TESTS_CLUSTER_CLUSTER_H_
#define GRASSDB_TESTS_CLUSTER_CLUSTER_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/database_client.h"
#include "net/stubs.h"
#include "tests/cluster/process.h"

namespace grassdb {

// A directory that goes with this object, unless the test has failed.
class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A port on 127.0.0.1 that no other test and nobody else uses, for as long as this object lives.
class ReservedPort {
 public:
  ReservedPort();
  ~ReservedPort();
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;
  int number() const { return number_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(number_); }

 private:
  int lock_ = -1;
  int number_ = 0;
};

// For a Cluster into whose logs a test looks: writes that a client makes one by one are a record
// each on every node, which else may have some milliseconds of them in one.
inline const std::vector<std::string> kEachWriteAtOnce = {"--append-delay", "0"};

class Cluster {
 public:
  static constexpr Seconds kPatience = Seconds(60);

  // Starts nothing yet. `flags` go to every node.
  explicit Cluster(int size, std::vector<std::string> flags = {});

  // Only the first `nodes` are in --cluster; the others join. Before the first start.
  void BeginWith(int nodes) { born_ = nodes; }

  int size() const { return static_cast<int>(ports_.size()); }
  // Nodes are numbered from 0; node 0 is called "node1".
  std::string name(int node) const { return "node" + std::to_string(node + 1); }
  std::string address(int node) const { return ports_[Slot(node)]->address(); }
  std::string data_directory(int node) const { return directory_.path() + "/" + name(node); }
  std::string log(int node) const {
    return ReadFile(directory_.path() + "/" + name(node) + ".log");
  }
  std::string directory() const { return directory_.path(); }
  std::vector<std::string> addresses() const;

  void Start(int node);
  void StartAll();  // but for those that join
  // Starts all and waits for a leader, until nobody joins any more and a minority of the voters may
  // fail; gives it.
  int StartAndElect();
  void Kill(int node);  // kill -9, and waits until it is gone
  Process& process(int node) { return *processes_[Slot(node)]; }
  // Other ports for all nodes, or for one, from their next start on.
  void Move();
  void Move(int node) { ports_[Slot(node)] = std::make_unique<ReservedPort>(); }

  // The arguments that start a node, with the program's name.
  std::vector<std::string> Command(int node) const;
  // Those behind the --cluster or --join of Command; enough for a node that has data.
  std::vector<std::string> CommandOfRestart(int node) const;
  // The same node on a disk that hangs while `file` is there, and fails while `file`.fail is
  // (hanging_disk.cc).
  static std::vector<std::string> WithHangingDisk(const std::vector<std::string>& command,
                                                  const std::string& file);
  // Starts it with these arguments.
  void Start(int node, const std::vector<std::string>& command);
  // What --cluster is for those that begin the cluster.
  std::string ClusterFlag() const;

  // The node that leads with a quorum behind it, once there is one; fails the test if there is
  // none.
  int Leader();
  int SomeFollower() { return (Leader() + 1) % size(); }
  std::optional<wire::StatusResponse> Status(int node);

  net::DatabaseClient Client(Seconds deadline = Seconds(30)) const;
  // grass-cli with all nodes as peers.
  Finished Cli(std::vector<std::string> arguments) const;

 private:
  static std::size_t Slot(int node) { return static_cast<std::size_t>(node); }
  std::string JoinFlag(int node) const;

  TestDirectory directory_;
  std::vector<std::string> flags_;
  int born_ = 0;
  std::vector<std::unique_ptr<ReservedPort>> ports_;
  std::vector<std::unique_ptr<Process>> processes_;
};

// grass-cli as it is.
Finished RunCli(const std::string& directory, std::vector<std::string> arguments);

// grassdb as it is.
Finished RunGrassdb(const std::string& directory, std::vector<std::string> arguments);

std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address);

}  // namespace grassdb

#endif  // GRASSDB_TESTS_CLUSTER_CLUSTER_H_
