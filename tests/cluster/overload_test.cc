// Disks that hang, and more writes than a node can take.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/cluster/cluster.h"
#include "tests/cluster/writer.h"

namespace grassdb {
namespace {

// A file that makes a disk hang while this is alive.
class Hang {
 public:
  explicit Hang(std::string file) : file_(std::move(file)) { std::ofstream(file_) << "now"; }
  ~Hang() { End(); }
  Hang(const Hang&) = delete;
  Hang& operator=(const Hang&) = delete;
  void End() const { std::filesystem::remove(file_); }

 private:
  std::string file_;
};

TEST(Overload, ALeaderWhoseDiskHangsHandsOverAndWritesGoOn) {
  Cluster cluster(3);
  const auto file = [&](int node) { return cluster.directory() + "/hang" + cluster.name(node); };
  for (int i = 0; i < 3; ++i) {
    cluster.Start(i, Cluster::WithHangingDisk(cluster.Command(i), file(i)));
  }
  const int leader = cluster.Leader();
  Writer writer(cluster, "k");
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return writer.acknowledged() > 20; }));
  const Hang hang(file(leader));
  // Three of its largest election timeouts, 1.8 s, until it gives up; then a hand-over.
  constexpr Seconds kHandOver(20);
  int next = leader;
  EXPECT_TRUE(WaitFor(kHandOver, [&] {
    for (int i = 0; i < 3; ++i) {
      const auto status = cluster.Status(i);
      if (i != leader && status.has_value() && status->role() == "leader") next = i;
    }
    return next != leader;
  })) << cluster.log(leader);
  EXPECT_NE(cluster.log(leader).find("The disk makes no progress"), std::string::npos);
  EXPECT_NE(cluster.log(leader).find("Handing leadership to " + cluster.name(next)),
            std::string::npos)
      << cluster.log(leader);
  const int before = writer.acknowledged();
  EXPECT_TRUE(WaitFor(kHandOver, [&] { return writer.acknowledged() > before + 20; }));
  writer.Stop();
  EXPECT_TRUE(writer.failed().empty())
      << writer.failed().begin()->first << ": " << writer.failed().begin()->second;
  hang.End();
  ExpectAll(cluster, writer.written());
}

// Sets of a raw client, all under way at once.
class Flood {
 public:
  Flood(const std::string& address, int count, std::size_t bytes)
      : stub_(wire::Database::NewStub(ChannelTo(address))) {
    for (int i = 0; i < count; ++i) {
      Call& call = *calls_.emplace_back(std::make_unique<Call>());
      call.context.set_deadline(std::chrono::system_clock::now() + Cluster::kPatience);
      wire::SetRequest request;
      request.set_key("flood" + std::to_string(i));
      request.set_value(std::string(bytes, 'v'));
      call.reader = stub_->AsyncSet(&call.context, request, &queue_);
      call.reader->Finish(&call.response, &call.status, &call);
    }
  }
  ~Flood() {
    for (const auto& call : calls_) call->context.TryCancel();
    while (answered_ < calls_.size()) Next();
    queue_.Shutdown();
  }

  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<wire::SetResponse>> reader;
    wire::SetResponse response;
    grpc::Status status;
  };

  std::size_t size() const { return calls_.size(); }
  std::size_t answered() const { return answered_; }
  // The next that is answered.
  const Call& Next() {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue_.Next(&tag, &ok));
    ++answered_;
    return *static_cast<Call*>(tag);
  }

 private:
  std::unique_ptr<wire::Database::Stub> stub_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::size_t answered_ = 0;
};

// A connection to a node that never says anything.
class SilentConnection {
 public:
  explicit SilentConnection(const std::string& address)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~SilentConnection() { close(fd_); }
  SilentConnection(const SilentConnection&) = delete;
  SilentConnection& operator=(const SilentConnection&) = delete;
  bool connected() const { return connected_; }

 private:
  int fd_;
  bool connected_ = false;
};

std::size_t OpenFiles(pid_t process) {
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(process) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

TEST(Overload, MoreConnectionsThanAShellsLimitOfFilesStopNeitherTheLogNorTheClients) {
  Cluster cluster(1);
  std::vector<std::string> command = cluster.Command(0);
  command.insert(command.begin(), {"/bin/sh", "-c", "ulimit -S -n 128; exec \"$0\" \"$@\""});
  cluster.Start(0, command);
  cluster.Leader();
  std::vector<std::unique_ptr<SilentConnection>> idle;
  for (int i = 0; i < 300; ++i) {
    idle.push_back(std::make_unique<SilentConnection>(cluster.address(0)));
    ASSERT_TRUE(idle.back()->connected());
  }
  const pid_t node = cluster.process(0).id();
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return OpenFiles(node) > idle.size(); }))
      << OpenFiles(node) << cluster.log(0);
  EXPECT_EQ(cluster.Client().Set("k", "v").code, Outcome::Code::kOk);
  EXPECT_EQ(cluster.Cli({"snapshot"}).code, 0) << "which needs files";
  EXPECT_EQ(cluster.log(0).find("Too many open files"), std::string::npos) << cluster.log(0);
}

TEST(Overload, WritesBeyondTheBacklogAreRefusedByTypeAndTheClientsRetryGetsThrough) {
  Cluster cluster(1, {"--write-backlog", "64KiB"});
  const std::string file = cluster.directory() + "/hang";
  cluster.Start(0, Cluster::WithHangingDisk(cluster.Command(0), file));
  cluster.Leader();
  ASSERT_EQ(cluster.Client().Set("before", "v").code, Outcome::Code::kOk);

  const Hang hang(file);
  Flood flood(cluster.address(0), 40, std::size_t{16} << 10);
  const Flood::Call& refused = flood.Next();  // the disk hangs, so nothing else can be answered
  ASSERT_TRUE(refused.status.ok()) << refused.status.error_message();
  EXPECT_FALSE(refused.response.success());
  EXPECT_EQ(refused.response.code(), wire::OVERLOADED);
  EXPECT_EQ(refused.response.error().find("overloaded: "), 0u) << refused.response.error();
  EXPECT_NE(refused.response.error().find("try again later"), std::string::npos);

  const Finished cli = cluster.Cli({"--deadline=500ms", "set", "cli", "v"});
  EXPECT_EQ(cli.code, 3) << cli.err;
  EXPECT_EQ(cli.out, "");
  EXPECT_NE(cli.err.find("nothing was changed"), std::string::npos) << cli.err;
  EXPECT_NE(cli.err.find("overloaded: 65536 bytes of writes are under way; try again later"),
            std::string::npos)
      << cli.err;

  // One that began while nothing was taken, and goes on trying.
  const std::string log = cluster.directory() + "/retry";
  Process retry(
      {GRASS_CLI_BINARY, "--peers", cluster.address(0), "--deadline=60s", "set", "retry", "v"}, log,
      log);
  EXPECT_EQ(retry.Wait(Seconds(1)), std::nullopt) << ReadFile(log);
  hang.End();
  EXPECT_EQ(retry.Wait(Cluster::kPatience), 0) << ReadFile(log);
  EXPECT_EQ(ReadFile(log), "OK\n");

  // Each write of the flood was either done or refused, and says which.
  int done = 0;
  int overloaded = 1;
  while (flood.answered() < flood.size()) {
    const Flood::Call& call = flood.Next();
    ASSERT_TRUE(call.status.ok()) << call.status.error_message();
    if (call.response.code() == wire::OK) ++done;
    if (call.response.code() == wire::OVERLOADED) ++overloaded;
  }
  EXPECT_EQ(done + overloaded, 40);
  EXPECT_GE(done, 4) << "the backlog takes four of them";
  const auto status = cluster.Status(0);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->keys(), static_cast<std::uint64_t>(done) + 2) << "with 'before' and 'retry'";
}

}  // namespace
}  // namespace grassdb
