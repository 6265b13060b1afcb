// grassdb: one node. The options are bin/grassdb_options.h's, the rest is net/server.h's. With a
// subcommand, what looks after the data of nodes: bin/data_tools.h.
#include <atomic>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "bin/data_tools.h"
#include "bin/grassdb_options.h"
#include "net/file_limit.h"
#include "net/log.h"
#include "net/server.h"
#include "net/signals.h"

namespace {

int ExitCodeOf(const absl::Status& failed_start) {
  if (absl::IsCancelled(failed_start)) return 0;  // stopped when asked to
  return absl::IsInvalidArgument(failed_start) ? grassdb::kUsageError : 1;
}

int Run(const std::vector<std::string>& arguments) {
  const auto parsed = grassdb::ParseServerArguments(arguments);
  if (const auto* exit = std::get_if<grassdb::EarlyExit>(&parsed)) {
    std::fprintf(exit->code == 0 ? stdout : stderr, "%s\n", exit->text.c_str());
    return exit->code;
  }
  const auto& options = std::get<grassdb::net::ServerOptions>(parsed);
  grassdb::net::StartLogging(options.name, options.log_format, options.log_level);
  // A signal may come before there is a server: joining a cluster can take long.
  absl::StatusOr<std::unique_ptr<grassdb::net::Server>> server = nullptr;
  std::atomic<bool> stop{false};
  std::atomic<grassdb::net::Server*> running{nullptr};
  grassdb::net::SignalThread signals([&stop, &running] {
    stop.store(true);
    if (grassdb::net::Server* started = running.load()) started->RequestStop();
  });
  server = grassdb::net::Server::Create(options, stop);
  if (!server.ok()) {
    std::fprintf(stderr, "grassdb: %s\n", std::string(server.status().message()).c_str());
    return ExitCodeOf(server.status());
  }
  running.store(server->get());
  if (stop.load()) (*server)->RequestStop();
  const int code = (*server)->Run();
  // The server goes before the thread that waits for signals: a disk that hangs can hold it up for
  // as long as it likes, and then a second signal still ends the process.
  signals.Disarm();
  server->reset();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  // Debian's abseil looks for deadlocks at every lock of gRPC, under one lock of the whole process.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    // A signal ends one of these at once: what it leaves half done is gone on with, or of no
    // matter.
    if (const auto code = grassdb::RunDataTool(arguments)) return *code;
    grassdb::net::BlockSignals();
    grassdb::net::RaiseFileLimit();
    const int code = Run(arguments);
    grassdb::net::StopLogging();
    return code;
  } catch (const std::exception& error) {  // out of memory, or of threads
    std::fprintf(stderr, "grassdb: %s\n", error.what());
    return 1;
  }
}
