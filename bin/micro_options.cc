#include "bin/micro_options.h"

#include <CLI/CLI.hpp>
#include <chrono>

#include "bin/number_flag.h"
#include "bin/quantity.h"

namespace grassdb {
namespace {

constexpr const char* kDescription =
    "grass-bench micro: the time that the pieces under the servers take, one by one and in one\n"
    "thread: the step function, the log, the codecs, the state machine, the write-ahead log, and\n"
    "three replicas joined by queues in memory.";

constexpr const char* kFooter =
    "\nreplication/raft/W: three Rafts and nothing else; an operation is an entry that all three\n"
    "have committed, W proposed at a time: a command of 256 bytes, which counts as 288 with its\n"
    "frame. replication/nodes/W: three whole nodes; an operation is a client's put that was\n"
    "encoded, replicated, applied three times and answered, W at a time. .../encode-64 and the\n"
    "like: groups of 64, an operation is one of them.\n"
    "tests/bench/instructions.sh holds the instructions of an operation, which a busy machine "
    "does\n"
    "not change, against a baseline. Exit codes: 0 measured, 1 one of them failed, 2 usage.\n"
    "\nExamples:\n"
    "  grass-bench micro\n"
    "  grass-bench micro --filter replication/raft\n"
    "  grass-bench micro --filter wal --data-dir /dev/shm";

}  // namespace

std::variant<MicroCommand, EarlyExit> ParseMicroArguments(
    const std::vector<std::string>& arguments) {
  MicroCommand command;
  std::string form = "text";
  std::string time = "500ms";
  command.options.data_directory = ".";
  CLI::App app(kDescription, "grass-bench micro");
  app.footer(kFooter);
  app.add_option("--filter", command.options.filter,
                 "Only those with this in their name. Default: all")
      ->type_name("TEXT");
  app.add_option("--min-time", time, "How long each is measured, at least")
      ->type_name("TIME")
      ->capture_default_str();
  app.add_option("--data-dir", command.options.data_directory,
                 "Where the log is written: in a new folder, which is removed again")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("-w,--write-out", form, "text or json")->type_name("FORM")->capture_default_str();
  app.add_flag("--count", command.count,
               "Measure nothing; run each a fixed number of times, for callgrind");
  try {
    // CLI11 takes them from the end.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    const auto parsed = ParseDuration(time);
    if (!parsed.ok()) {
      throw CLI::ValidationError("--min-time " + std::string(parsed.status().message()));
    }
    command.options.seconds = std::chrono::duration<double>(*parsed).count();
    if (form != "text" && form != "json") {
      throw CLI::ValidationError("--write-out '" + form + "': expected text or json");
    }
    command.options.json = form == "json";
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{.code = 0, .text = app.help()};
  } catch (const CLI::ParseError& error) {
    return EarlyExit{
        .code = kUsageError,
        .text = "grass-bench micro: " + ProblemOf(error) + " (see grass-bench micro --help)"};
  }
  return command;
}

}  // namespace grassdb
