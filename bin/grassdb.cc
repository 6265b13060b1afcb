// grassdb: one node. The options are bin/grassdb_options.h's, the rest is net/server.h's.
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "bin/grassdb_options.h"
#include "net/log.h"
#include "net/server.h"
#include "net/signals.h"

namespace {

int Run(const std::vector<std::string>& arguments) {
  const auto parsed = grassdb::ParseServerArguments(arguments);
  if (const auto* exit = std::get_if<grassdb::EarlyExit>(&parsed)) {
    std::fprintf(exit->code == 0 ? stdout : stderr, "%s\n", exit->text.c_str());
    return exit->code;
  }
  const auto& options = std::get<grassdb::net::ServerOptions>(parsed);
  grassdb::net::StartLogging(options.name, options.log_format, options.log_level);
  auto server = grassdb::net::Server::Create(options);
  if (!server.ok()) {
    std::fprintf(stderr, "grassdb: %s\n", std::string(server.status().message()).c_str());
    return 1;
  }
  const grassdb::net::SignalThread signals([&server] { (*server)->RequestStop(); });
  return (*server)->Run();
}

}  // namespace

int main(int argc, char** argv) {
  // Debian's abseil looks for deadlocks at every lock of gRPC, under one lock of the whole process.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  grassdb::net::BlockSignals();
  try {
    const int code = Run(std::vector<std::string>(argv + 1, argv + argc));
    grassdb::net::StopLogging();
    return code;
  } catch (const std::exception& error) {  // out of memory, or of threads
    std::fprintf(stderr, "grassdb: %s\n", error.what());
    return 1;
  }
}
