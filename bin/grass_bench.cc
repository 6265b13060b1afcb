// grass-bench: measures a cluster. The options are bin/bench_options.h's, the rest is bench/.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "bin/bench/driver.h"
#include "bin/bench/etcd_protocol.h"
#include "bin/bench/grassdb_protocol.h"
#include "bin/bench/load.h"
#include "bin/bench/micro.h"
#include "bin/bench/plot.h"
#include "bin/bench/report.h"
#include "bin/bench_options.h"
#include "bin/micro_options.h"
#include "bin/output_file.h"
#include "net/log.h"

namespace grassdb {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUnreachable = 3;
constexpr int kExitSignal = 128;  // and the signal's number

// However few clients are measured, the keys are written by so many.
constexpr std::size_t kFillClients = 64;

int Complain(int code, const std::string& problem, const char* program = "grass-bench") {
  std::fprintf(stderr, "%s: %s\n", program, problem.c_str());
  return code;
}
int ComplainMicro(int code, const std::string& problem) {
  return Complain(code, problem, "grass-bench micro");
}

std::string SystemError() {
  return std::generic_category().message(errno);
}

double UnixMillis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

absl::StatusOr<std::unique_ptr<bench::Protocol>> Connect(const BenchOptions& options,
                                                         const bench::RpcOptions& rpc) {
  return options.protocol == BenchProtocol::kEtcd ? bench::ConnectEtcd(rpc)
                                                  : bench::ConnectGrassdb(rpc);
}

// One line on a terminal, written over by the next.
class Progress {
 public:
  explicit Progress(bool shown) : shown_(shown && isatty(STDERR_FILENO) == 1) {}
  ~Progress() { Show(""); }
  void Show(const std::string& text) const {
    if (shown_) std::fprintf(stderr, "\r\033[K%s", text.c_str());
  }

 private:
  bool shown_;
};

std::atomic<int> ended_by = 0;  // a signal
static_assert(std::atomic<int>::is_always_lock_free, "it is set in a signal handler");

bool EndsEarly() {
  return ended_by.load(std::memory_order_relaxed) != 0;
}

// From now on the first such signal ends the measured time, and the report is of what there was;
// the second one ends the process. Where the shell has it ignored it stays so.
void EndEarlyOn(int signal) {
  struct sigaction action = {};
  if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = [](int received) { ended_by = received; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(signal, &action, nullptr);
}

// The measured run; nothing if the machine could not be looked at.
absl::StatusOr<bench::RunReport> Measure(const BenchOptions& options, bench::Protocol& protocol) {
  const bench::RequestSource source(options.workload);
  absl::StatusOr<bench::Snapshot> before = absl::UnknownError("not begun");
  absl::StatusOr<bench::Snapshot> after = absl::UnknownError("not ended");
  const Progress progress(true);
  progress.Show("warming up");
  bench::DriverHooks hooks;
  bench::RunReport run;
  // A server that ends meanwhile takes the figures of the servers with it, not those of the
  // clients.
  const auto look = [&] {
    auto seen = bench::TakeSnapshot(options.server_pids);
    if (!seen.ok() && run.servers_lost.empty())
      run.servers_lost = std::string(seen.status().message());
    return run.servers_lost.empty() ? std::move(seen) : bench::TakeSnapshot({});
  };
  hooks.on_begin = [&] {
    run.begun_unix_ms = UnixMillis();
    before = look();
  };
  hooks.on_point = [&](const bench::Point& point) { progress.Show(bench::ProgressOf(point)); };
  hooks.on_end = [&] { after = look(); };
  hooks.ends_early = EndsEarly;
  const std::uint64_t opened = bench::OpenSessions(protocol, source);
  EndEarlyOn(SIGINT);
  run.measured = bench::Drive(protocol, source, options.driver, hooks);
  run.measured.all_completed += opened;
  if (!before.ok()) return before.status();
  if (!after.ok()) return after.status();
  run.load = bench::LoadBetween(*before, *after);
  run.protocol = options.protocol == BenchProtocol::kEtcd ? "etcd" : "grassdb";
  run.workload = options.workload;
  run.clients = options.rpc.clients;
  run.channels = options.rpc.channels;
  run.driver = options.driver;
  return run;
}

// 0, or an exit code after having said why.
int Fill(const BenchOptions& options) {
  if (!options.fill || !bench::NeedsKeys(options.workload.workload)) return kExitOk;
  const Progress progress(true);
  progress.Show("writing the keys");
  bench::RpcOptions rpc = options.rpc;
  rpc.clients = std::max(rpc.clients, kFillClients);
  const auto protocol = Connect(options, rpc);
  if (!protocol.ok()) return Complain(kExitUnreachable, std::string(protocol.status().message()));
  const std::string failure = bench::FillKeys(**protocol, bench::RequestSource(options.workload));
  if (failure.empty()) return kExitOk;
  return Complain(kExitFailed, "the keys could not be written: " + failure);
}

// As a whole, and as far as the system can tell.
bool Write(std::FILE* file, const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
}

// The file of --plot, or none, or why it cannot be written.
absl::StatusOr<std::optional<OutputFile>> OpenPlot(const std::string& path) {
  if (path.empty()) return std::nullopt;
  struct stat report = {};
  struct stat plot = {};
  if (fstat(STDOUT_FILENO, &report) == 0 && stat(path.c_str(), &plot) == 0 &&
      S_ISREG(plot.st_mode) && report.st_dev == plot.st_dev && report.st_ino == plot.st_ino) {
    return absl::InvalidArgumentError("the report goes there");
  }
  absl::StatusOr<OutputFile> file = OutputFile::Open(path);
  if (!file.ok()) return file.status();
  return std::optional<OutputFile>(*std::move(file));
}

int Execute(const BenchOptions& options) {
  // What would make a long run worthless comes first.
  absl::StatusOr<std::optional<OutputFile>> plot = OpenPlot(options.plot);
  if (!plot.ok()) {
    return Complain(kUsageError, "--plot '" + options.plot + "' cannot be written: " +
                                     std::string(plot.status().message()) +
                                     "; name a file in a folder that is there");
  }
  if (const auto seen = bench::TakeSnapshot(options.server_pids); !seen.ok()) {
    return Complain(kUsageError, "--server-pids: " + std::string(seen.status().message()));
  }
  if (const int code = Fill(options); code != kExitOk) return code;
  const auto protocol = Connect(options, options.rpc);
  if (!protocol.ok()) return Complain(kExitUnreachable, std::string(protocol.status().message()));
  const absl::StatusOr<bench::RunReport> run = Measure(options, **protocol);
  if (!run.ok()) return Complain(kExitFailed, std::string(run.status().message()));
  if (!Write(stdout, options.json ? bench::JsonOf(*run) : bench::TextOf(*run))) {
    return Complain(kExitFailed, "the report could not be written: " + SystemError());
  }
  if (plot->has_value()) {
    if (const absl::Status written = (*plot)->Write(bench::PlotOf(*run)); !written.ok()) {
      return Complain(kExitFailed, "--plot '" + options.plot +
                                       "' could not be written: " + std::string(written.message()));
    }
  }
  if (run->measured.ended_early) {
    return Complain(kExitSignal + SIGINT, run->measured.elapsed > Duration::zero()
                                              ? "interrupted; the report is of the time until then"
                                              : "interrupted before the measured time began");
  }
  if (run->measured.failed > 0) {
    return Complain(kExitFailed, std::to_string(run->measured.failed) + " operations failed");
  }
  if (run->measured.completed == 0) return Complain(kExitFailed, "no operation was completed");
  if (run->measured.missing > 0 && run->measured.missing == run->measured.looked) {
    return Complain(kExitFailed, "not one of " + std::to_string(run->measured.looked) +
                                     " operations found its key, so nothing was read; leave out "
                                     "--no-fill to write them first");
  }
  return kExitOk;
}

int Leave(const EarlyExit& exit) {
  std::fprintf(exit.code == 0 ? stdout : stderr, exit.code == 0 ? "%s" : "%s\n", exit.text.c_str());
  return exit.code;
}

// A new folder, removed with all that is in it.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& parent) : path_(parent + "/micro.XXXXXX") {
    made_ = mkdtemp(path_.data()) != nullptr;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (made_) std::filesystem::remove_all(path_, ignored);
  }
  bool made() const { return made_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool made_ = false;
};

int RunMicro(const std::vector<std::string>& arguments) {
  const auto parsed = ParseMicroArguments(arguments);
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) return Leave(*exit);
  const auto& command = std::get<MicroCommand>(parsed);
  // Whatever ends it, the folder goes: its end is this function's.
  EndEarlyOn(SIGINT);
  EndEarlyOn(SIGTERM);
  ::signal(SIGPIPE, SIG_IGN);
  const TemporaryFolder folder(command.options.data_directory);
  if (!folder.made()) {
    return ComplainMicro(kUsageError, "--data-dir '" + command.options.data_directory +
                                          "': no folder can be made in it: " + SystemError() +
                                          "; name a folder that is there and writable");
  }
  bench::MicroOptions options = command.options;
  options.data_directory = folder.path();
  options.ends_early = EndsEarly;
  const absl::Status status = command.count ? bench::CountMicro(options) : bench::RunMicro(options);
  if (status.ok()) return kExitOk;
  const int code = absl::IsNotFound(status)    ? kUsageError
                   : absl::IsCancelled(status) ? kExitSignal + ended_by.load()
                                               : kExitFailed;
  return ComplainMicro(code, std::string(status.message()));
}

int Run(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == "micro") {
    return RunMicro(std::vector<std::string>(arguments.begin() + 1, arguments.end()));
  }
  const auto parsed = ParseBenchArguments(arguments);
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) return Leave(*exit);
  net::SilenceGrpc();
  // The naps of an open loop end when they are to, and not up to 50 us later; see prctl(2).
  prctl(PR_SET_TIMERSLACK, 1);
  return Execute(std::get<BenchOptions>(parsed));
}

}  // namespace
}  // namespace grassdb

int main(int argc, char** argv) {
  // Debian's abseil looks for deadlocks at every lock of gRPC, under one lock of the whole process.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  try {
    return grassdb::Run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {  // out of memory, or of threads
    std::fprintf(stderr, "grass-bench: %s\n", error.what());
    return 1;
  }
}
