// How long the event loop of a node is held up by a snapshot of its own, and by loading one: the
// longest call into core/node.h of each kind, with a real store on real files. Of the disk's work,
// which has a thread of its own in production, nothing counts.
//
//   snapshot_pause [KEYS [VALUE_BYTES [DIRECTORY]]]
//
// Prints one line a phase: how many calls, the longest in milliseconds of CPU and of wall time, and
// the CPU time of all. Exits with 1 if something fails; the figures are for a person to judge,
// because a busy machine can hold anything up.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "core/check.h"
#include "core/hash.h"
#include "core/node.h"
#include "store/posix.h"
#include "store/storage.h"

namespace grassdb {
namespace {

using SteadyClock = std::chrono::steady_clock;

double CpuMillis() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double WallMillis() {
  return std::chrono::duration<double, std::milli>(SteadyClock::now().time_since_epoch()).count();
}

class Phase {
 public:
  explicit Phase(const char* name) : name_(name) {}
  template <class Call>
  void Measure(Call call) {
    const double wall = WallMillis();
    const double cpu = CpuMillis();
    call();
    const double cpu_taken = CpuMillis() - cpu;
    wall_max_ = std::max(wall_max_, WallMillis() - wall);
    cpu_max_ = std::max(cpu_max_, cpu_taken);
    cpu_sum_ += cpu_taken;
    ++calls_;
  }
  void Print() const {
    std::printf("%-34s %6d calls, longest %8.3f ms CPU %8.3f ms wall, all %9.1f ms CPU\n", name_,
                calls_, cpu_max_, wall_max_, cpu_sum_);
  }

 private:
  const char* name_;
  int calls_ = 0;
  double cpu_max_ = 0;
  double wall_max_ = 0;
  double cpu_sum_ = 0;
};

class Bench final : private Clock, private Network, private Disk, private Clients {
 public:
  Bench(std::uint64_t keys, std::size_t value_bytes, std::string path)
      : keys_(keys), value_bytes_(value_bytes), path_(std::move(path)) {}

  void Run();

 private:
  Instant Now() const override {
    return Instant(now_ +
                   std::chrono::duration_cast<Duration>(SteadyClock::now().time_since_epoch()));
  }
  void Send(Message) override {}
  void Submit(DiskJob job) override { jobs_.push_back(std::move(job)); }
  void Answer(RequestId request, Reply reply) override {
    GRASS_CHECK_MSG(reply.code == ReplyCode::kOk, reply.error);
    if (request == kSnapshotDone) snapshot_done_ = true;
    ++answers_;
  }

  static constexpr RequestId kSnapshotDone = RequestId(UINT64_MAX);

  void Open();
  void Lead();
  // Executes what the disk has to do; the node hears of it inside of `phase`.
  void ServeDisk(Phase& phase);
  void Fill();
  void Put(std::uint64_t key);
  void TakeSnapshot();
  void Load();

  const std::uint64_t keys_;
  const std::size_t value_bytes_;
  const std::string path_;
  Duration now_{};
  std::deque<DiskJob> jobs_;
  std::uint64_t answers_ = 0;
  bool snapshot_done_ = false;
  std::unique_ptr<store::Directory> directory_;
  std::unique_ptr<store::Storage> storage_;
  std::unique_ptr<Node> node_;
};

void Bench::Open() {
  node_.reset();
  storage_.reset();
  directory_ = store::OpenPosixDirectory(path_).value();
  Identity identity;
  identity.cluster = ClusterId(1);
  identity.node = NodeIdOf("a");
  identity.node_name = "a";
  identity.cluster_name = "bench";
  identity.bootstrap = Configuration({MakeMember("a", "127.0.0.1:1")});
  identity.incarnation = Incarnation(7);
  auto opened = store::Storage::Open(*directory_, store::StorageOptions(), identity);
  GRASS_CHECK_MSG(opened.ok(), opened.status().ToString());
  storage_ = std::move(opened->storage);
  NodeOptions options;
  options.raft.id = identity.node;
  node_ = std::make_unique<Node>(
      options, std::move(opened->state),
      Environment{.clock = this, .network = this, .disk = this, .clients = this, .trace = nullptr});
  node_->Start();
  node_->Flush();
}

void Bench::ServeDisk(Phase& phase) {
  while (!jobs_.empty()) {
    DiskJob job = std::move(jobs_.front());
    jobs_.pop_front();
    DiskDone done = storage_->Execute(std::move(job));
    phase.Measure([&] {
      node_->OnDisk(std::move(done));
      node_->Flush();
    });
  }
}

void Bench::Lead() {
  Phase election("");
  ServeDisk(election);
  while (node_->raft().role() != Role::kLeader || node_->applied_index() == Index(0)) {
    now_ += std::chrono::seconds(1);
    node_->OnDeadline();
    node_->Flush();
    ServeDisk(election);
  }
}

void Bench::Put(std::uint64_t key) {
  char name[32];
  std::snprintf(name, sizeof name, "key/%020llu", static_cast<unsigned long long>(key));
  std::string value(value_bytes_, '\0');
  for (std::size_t i = 0; i < value.size(); ++i) {
    value[i] = static_cast<char>('a' + KeyedRandom(key, i / 4) % 26);
  }
  node_->OnClient(RequestId(key + 1),
                  TransactionRequest{.session = {},
                                     .sequence = {},
                                     .acknowledged = {},
                                     .transaction = PutTransaction(name, std::move(value))});
}

void Bench::Fill() {
  constexpr std::uint64_t kBatch = 1000;
  Phase fill("applying writes, 1000 a batch");
  for (std::uint64_t key = 0; key < keys_;) {
    const std::uint64_t end = std::min(keys_, key + kBatch);
    for (; key < end; ++key) Put(key);
    node_->Flush();
    ServeDisk(fill);
  }
  fill.Print();
}

void Bench::TakeSnapshot() {
  snapshot_done_ = false;
  Phase begin("snapshot: begin and first slice");
  Phase slices("snapshot: slices, publish, compact");
  begin.Measure([&] {
    node_->OnClient(kSnapshotDone, TakeSnapshotRequest{});
    node_->Flush();
  });
  ServeDisk(slices);
  GRASS_CHECK(snapshot_done_);
  begin.Print();
  slices.Print();
}

void Bench::Load() {
  Phase load("start: loading the snapshot");
  const double wall = WallMillis();
  Open();
  std::printf("%-34s %8.1f ms wall\n", "start: opening the store", WallMillis() - wall);
  ServeDisk(load);
  GRASS_CHECK(node_->loaded());
  GRASS_CHECK_EQ(node_->store().size(), keys_);
  load.Print();
}

void Bench::Run() {
  Open();
  Lead();
  Fill();
  TakeSnapshot();
  Put(0);
  node_->Flush();
  Phase rest("");
  ServeDisk(rest);
  Load();
  const auto bytes = [&] {
    std::uintmax_t sum = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.path().extension() == ".snap") sum += entry.file_size();
    }
    return sum;
  }();
  std::printf("%-34s %8.1f MiB\n", "the snapshot's file", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace
}  // namespace grassdb

int main(int argc, char** argv) {
  const std::uint64_t keys = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::size_t value_bytes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 256;
  const bool own = argc <= 3;
  std::string path =
      own ? std::filesystem::temp_directory_path().string() + "/snapshot_pause.XXXXXX" : argv[3];
  if (own && mkdtemp(path.data()) == nullptr) return 1;
  grassdb::Bench(keys, value_bytes, path).Run();
  if (own) std::filesystem::remove_all(path);
  return 0;
}
