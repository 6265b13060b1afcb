#include "bin/bench_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "bin/number_flag.h"
#include "bin/quantity.h"
#include "core/limits.h"
#include "net/server_options.h"

namespace grassdb {
namespace {

constexpr std::uint64_t kClientsMax = 10'000;
constexpr std::uint64_t kChannelsMax = 4;
constexpr std::uint64_t kKeysMax = 100'000'000;
constexpr std::uint64_t kRateMax = 10'000'000;
// A run has up to so many points of its timeline, each between these lengths.
constexpr int kPoints = 50;
constexpr Duration kIntervalMin = std::chrono::milliseconds(100);
constexpr Duration kIntervalMax = std::chrono::seconds(1);

constexpr const char* kDescription =
    "grass-bench: measures how many operations a second a cluster carries out, how long each "
    "takes,\n"
    "and what it costs. Run it against a cluster whose data may be thrown away: it writes keys "
    "that\n"
    "begin with bench/.";

constexpr const char* kFooter =
    "\nWorkloads:\n"
    "  put        write a key; exactly-once, as grass-cli does it\n"
    "  get        read a key, linearizably\n"
    "  get-stale  read a key from whatever the node has\n"
    "  mixed      half put, half get\n"
    "  txn        if the key exists, write it; else read it\n"
    "  stream     put, all clients over one stream in batches; try --clients 4096\n"
    "  micro      no cluster: the pieces of a node one by one (grass-bench micro --help)\n"
    "\nWithout --rate every client begins an operation when its last one has ended. With --rate\n"
    "operations are due at fixed times, and a latency counts from when the operation was due, so\n"
    "that waiting for a cluster that stalls is part of it. An operation that failed counts in the\n"
    "latencies too, with the time until it did. All clients ask the leader, and each that writes\n"
    "does so once before the warm-up, to open its session.\n"
    "\nExamples:\n"
    "  grass-bench put --clients 64\n"
    "  grass-bench mixed --rate 2000 --clients 64 --duration 60s --plot mixed.html\n"
    "  grass-bench put --protocol etcd --peers 127.0.0.1:2379\n"
    "\nExit codes: 0 all operations succeeded, 1 some failed, none found its key, or something\n"
    "could not be measured or written, 2 usage, 3 no leader reachable, 130 interrupted: Ctrl-C\n"
    "ends the measured time, and the report is of what there was.";

// The options as text.
struct Raw {
  std::string workload;
  std::string protocol = "grassdb";
  std::optional<std::string> peers;
  std::string duration = "10s";
  std::string warm_up = "1s";
  std::string deadline = "5s";
  std::optional<std::string> server_pids;
  std::optional<std::string> plot;
  std::string write_out = "text";
  bool no_fill = false;
};

void Define(CLI::App& app, Raw& raw, BenchOptions& options) {
  app.add_option("workload", raw.workload, "put, get, get-stale, mixed, txn or stream")
      ->type_name("WORKLOAD");
  app.add_option("--protocol", raw.protocol, "grassdb, or etcd: a store with etcd's v3 API")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--peers", raw.peers,
                 "Nodes to ask for the leader, host:port,host:port,... Default: "
                 "localhost:50051,localhost:50052,localhost:50053; with --protocol etcd "
                 "localhost:2379")
      ->type_name("LIST");
  AddNumber(&app, "--clients", &options.rpc.clients, {1, kClientsMax},
            "Clients, each with one operation under way at a time. Default: 1");
  AddNumber(&app, "--channels", &options.rpc.channels, {1, kChannelsMax},
            "Connections that the clients share. Default: 1");
  AddNumber(&app, "--value-size", &options.workload.value_bytes, {0, kValueBytesMax},
            "Bytes of a value. Default: 256");
  AddNumber(&app, "--keys", &options.workload.keys, {1, kKeysMax},
            "Different keys, each as likely as the others. Default: 10000");
  AddNumber(&app, "--seed", &options.workload.seed, {}, "Draws the keys. Default: 1");
  app.add_option("--duration", raw.duration, "How long to measure")
      ->type_name("TIME")
      ->capture_default_str();
  app.add_option("--warm-up", raw.warm_up, "Before that, the same without measuring")
      ->type_name("TIME")
      ->capture_default_str();
  app.add_option("--deadline", raw.deadline, "An operation has failed when it takes longer")
      ->type_name("TIME")
      ->capture_default_str();
  AddNumber(&app, "--rate", &options.driver.rate, {1, kRateMax},
            "Operations a second that are due, over all clients. Default: as many as go");
  app.add_flag(
      "--no-fill", raw.no_fill,
      "Do not write every key first; put never does. For a second run on the same cluster");
  app.add_option("--server-pids", raw.server_pids,
                 "Process ids of the nodes, if they run on this machine, ID,ID,...: for their CPU "
                 "time, their memory, and what else used the machine")
      ->type_name("LIST");
  app.add_option("-w,--write-out", raw.write_out, "text or json")
      ->type_name("FORM")
      ->capture_default_str();
  app.add_option("--plot", raw.plot,
                 "Write a page with throughput and latencies over time to this file")
      ->type_name("FILE");
}

// Throws CLI::ValidationError with what is wrong.
template <class T>
T Taken(const std::string& flag, absl::StatusOr<T> parsed) {
  if (!parsed.ok()) {
    throw CLI::ValidationError(flag + " " + std::string(parsed.status().message()));
  }
  return *std::move(parsed);
}

bench::Workload WorkloadNamed(const std::string& name) {
  constexpr const char* kKnown = "put, get, get-stale, mixed, txn, stream or micro";
  if (name.empty()) throw CLI::ValidationError(std::string("which workload? One of ") + kKnown);
  const std::optional<bench::Workload> workload = bench::WorkloadOf(name);
  if (!workload.has_value()) {
    throw CLI::ValidationError("unknown workload '" + name + "'; one of " + kKnown);
  }
  return *workload;
}

std::vector<int> PidsIn(const std::string& list) {
  std::vector<int> pids;
  std::string_view rest = list;
  while (true) {
    const std::string_view word = rest.substr(0, rest.find(','));
    const std::optional<std::uint64_t> pid = ParseNumber(word);
    if (!pid.has_value() || *pid == 0 || *pid > INT32_MAX) {
      throw CLI::ValidationError("--server-pids '" + list +
                                 "': expected process ids, as in 4711,4712");
    }
    if (std::ranges::find(pids, static_cast<int>(*pid)) != pids.end()) {
      throw CLI::ValidationError("--server-pids '" + list + "': " + std::to_string(*pid) +
                                 " is there twice; name each process once");
    }
    pids.push_back(static_cast<int>(*pid));
    if (word.size() == rest.size()) return pids;
    rest.remove_prefix(word.size() + 1);
  }
}

void Read(const Raw& raw, BenchOptions& options) {
  options.workload.workload = WorkloadNamed(raw.workload);
  if (raw.protocol == "etcd") {
    options.protocol = BenchProtocol::kEtcd;
  } else if (raw.protocol != "grassdb") {
    throw CLI::ValidationError("--protocol '" + raw.protocol + "': expected grassdb or etcd");
  }
  const bool etcd = options.protocol == BenchProtocol::kEtcd;
  options.rpc.stream = options.workload.workload == bench::Workload::kStream;
  if (etcd && options.rpc.stream) {
    throw CLI::ValidationError("stream: etcd's API has none; measure put beside it");
  }
  const std::string standard =
      etcd ? "localhost:2379" : "localhost:50051,localhost:50052,localhost:50053";
  options.rpc.peers = Taken("--peers", net::ParsePeerList(raw.peers.value_or(standard)));
  options.driver.duration = Taken("--duration", ParseDuration(raw.duration));
  options.driver.warm_up = Taken("--warm-up", ParseDuration(raw.warm_up));
  options.rpc.deadline = Taken("--deadline", ParseDuration(raw.deadline));
  options.rpc.seed = options.workload.seed;
  options.driver.interval =
      std::clamp(options.driver.duration / kPoints, kIntervalMin, kIntervalMax);
  options.fill = !raw.no_fill;
  if (raw.server_pids.has_value()) options.server_pids = PidsIn(*raw.server_pids);
  if (raw.plot.has_value()) {
    if (raw.plot->empty()) throw CLI::ValidationError("--plot '': expected a file");
    options.plot = *raw.plot;
  }
  if (raw.write_out != "text" && raw.write_out != "json") {
    throw CLI::ValidationError("--write-out '" + raw.write_out + "': expected text or json");
  }
  options.json = raw.write_out == "json";
}

}  // namespace

std::variant<BenchOptions, EarlyExit> ParseBenchArguments(
    const std::vector<std::string>& arguments) {
  Raw raw;
  BenchOptions options;
  CLI::App app(kDescription, "grass-bench");
  app.footer(kFooter);
  app.set_version_flag("--version", "grass-bench " GRASSDB_VERSION, "Print the version and exit");
  Define(app, raw, options);
  try {
    // CLI11 takes them from the end.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    Read(raw, options);
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{.code = 0, .text = app.help()};
  } catch (const CLI::CallForVersion& version) {
    return EarlyExit{.code = 0, .text = std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    return EarlyExit{.code = kUsageError,
                     .text = "grass-bench: " + ProblemOf(error) + " (see grass-bench --help)"};
  }
  return options;
}

}  // namespace grassdb
