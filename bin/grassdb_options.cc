#include "bin/grassdb_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "bin/config_file.h"
#include "bin/quantity.h"
#include "net/server.h"

namespace grassdb {
namespace {

// The options as text; parsed after CLI11 has merged flags, environment and file.
struct Raw {
  std::string config;
  std::string id;
  std::string addr;
  std::string cluster;
  std::string join;
  std::string join_as;
  std::string advertise;
  std::string cluster_name;
  std::string data_dir = ".";
  std::string election_timeout = "300ms-600ms";
  std::string heartbeat = "100ms";
  std::string append_delay = "10ms";
  std::string snapshot_log_size = "64MiB";
  std::string snapshot_rate = "64MiB";
  std::string scrub_rate = "1MiB";
  std::string scrub_pause = "10s";
  std::string snapshot_compression = "zstd";
  std::string disk_format = "2";
  std::string log_memory = "8MiB";
  std::string write_backlog = "64MiB";
  std::string log_level = "info";
  std::string log_format = "text";
};

constexpr const char* kDescription =
    "grassdb: one node of a replicated, strongly consistent key-value store.\n"
    "The nodes that begin a cluster are all started with the same --cluster; a node that becomes "
    "a\n"
    "member later is started with --join. Once a node has data, it needs neither.";

constexpr const char* kFooter =
    "\nEach option can also be set in the environment (--data-dir is GRASSDB_DATA_DIR) or in the\n"
    "file of --config, one option a line. A flag wins over the environment, and that over the "
    "file.\n"
    "Such a file is:\n"
    "  # The first of three nodes.\n"
    "  id = \"node1\"\n"
    "  cluster = "
    "\"node1=127.0.0.1:50051,node2=127.0.0.1:50052,node3=127.0.0.1:50053\"\n"
    "  data-dir = \"/var/lib/grassdb\"\n"
    "\nExample, the first of three nodes on one machine:\n"
    "  grassdb --id node1 --cluster "
    "node1=127.0.0.1:50051,node2=127.0.0.1:50052,node3=127.0.0.1:50053\n"
    "and a fourth one that joins them:\n"
    "  grassdb --id node4 --addr 127.0.0.1:50054 --join 127.0.0.1:50051,127.0.0.1:50052\n"
    "\nTo look after the data of a node, each with its own --help:\n"
    "  grassdb verify    says what is damaged, and what mends it\n"
    "  grassdb dump      prints the log\n"
    "  grassdb backup    copies the state into a file, from a running cluster or a stopped node\n"
    "  grassdb restore   makes a node of a new cluster from such a file\n"
    "  grassdb recover   makes a node of a lost majority a cluster of its own\n"
    "\nSIGTERM and SIGINT end the node after it has handed over leadership; a second one at once.\n"
    "\nExit codes: 0 stopped when asked to, 1 cannot start or had to stop, 2 usage.";

void Define(CLI::App& app, Raw& raw) {
  app.add_option("--config", raw.config, "Read options from this file")->type_name("FILE");
  const auto add = [&app](const char* name, std::string& value, const char* type,
                          const std::string& help) {
    std::string environment = "GRASSDB_";
    for (const char c : std::string_view(name).substr(2)) {
      environment +=
          c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return app.add_option(name, value, help)->type_name(type)->envname(environment);
  };
  add("--id", raw.id, "NAME", "This node's name in the cluster (required)");
  add("--cluster", raw.cluster, "LIST",
      "Begin a cluster of these members, as id=host:port,id=host:port,... This node is one of "
      "them. "
      "The same list at every start, whatever the members are by then");
  add("--join", raw.join, "LIST",
      "Become a member of the running cluster that these nodes belong to, as "
      "host:port,host:port,... "
      "Some of them are enough. Without meaning once this node has data");
  add("--join-as", raw.join_as, "ROLE",
      "With --join: voter (default; a learner first, until it has caught up) or learner, for good");
  add("--advertise", raw.advertise, "HOST:PORT",
      "With --join: where the other nodes reach this one. Default: --addr; if that has no host and "
      "all of --join are on this machine, 127.0.0.1");
  add("--addr", raw.addr, "HOST:PORT",
      "Where to listen; an empty host means every interface. Default: this node's address in "
      "--cluster, or --advertise");
  add("--cluster-name", raw.cluster_name, "NAME",
      "Keeps clusters apart: nodes and data of another one are refused. Two clusters that can "
      "reach "
      "each other need different names, for what tells them apart is the names of their nodes and "
      "this. Default: grassdb, or with --join the name of that cluster");
  add("--data-dir", raw.data_dir, "DIR", "Where the data is kept")->capture_default_str();
  add("--election-timeout", raw.election_timeout, "MIN-MAX",
      "A follower that hears no leader for a random time in this range starts an election")
      ->capture_default_str();
  add("--heartbeat", raw.heartbeat, "TIME", "Between heartbeats of the leader")
      ->capture_default_str();
  add("--append-delay", raw.append_delay, "TIME",
      "A leader sends writes at once to as many followers as a commit needs, those that were the "
      "quickest lately. The others have them up to so much later, many in one message, which "
      "costs less; no more than --heartbeat. 0: all have them at once")
      ->capture_default_str();
  add("--snapshot-log-size", raw.snapshot_log_size, "SIZE",
      "Take a snapshot when the log has grown by this much")
      ->capture_default_str();
  add("--log-memory", raw.log_memory, "SIZE",
      "How much of the log is held in memory, from the start on; older entries are read back from "
      "the disk by who needs them: this node, or a follower")
      ->capture_default_str();
  add("--snapshot-rate", raw.snapshot_rate, "SIZE",
      "How much of a snapshot the leader sends to each follower in a second; 0: no limit")
      ->capture_default_str();
  add("--scrub-rate", raw.scrub_rate, "SIZE",
      "How much of the files is read again and checked for damage in a second; 0: nothing")
      ->capture_default_str();
  add("--scrub-pause", raw.scrub_pause, "DURATION",
      "When all of the files have been read again, the next pass begins after so long")
      ->capture_default_str();
  add("--snapshot-compression", raw.snapshot_compression, "HOW", "zstd, or none")
      ->capture_default_str();
  add("--disk-format", raw.disk_format, "N",
      "Of what is written from now on: 2, or 1 with which the version before can go on after a "
      "snapshot")
      ->capture_default_str();
  add("--write-backlog", raw.write_backlog, "SIZE",
      "Writes under way, from the leader's log to its store; beyond this much, further ones are "
      "answered with OVERLOADED, and nothing of them happens")
      ->capture_default_str();
  add("--log-level", raw.log_level, "LEVEL", "debug, info, warn or error")->capture_default_str();
  add("--log-format", raw.log_format, "FORMAT", "text or json, one line per event")
      ->capture_default_str();
}

// Puts a parsed value into its place, or remembers what is wrong with it. Remembers the first only.
class Reader {
 public:
  template <class T>
  void Take(const char* flag, absl::StatusOr<T> parsed, T* value) {
    if (parsed.ok()) {
      *value = *std::move(parsed);
    } else {
      Refuse(std::string(flag) + " " + std::string(parsed.status().message()));
    }
  }
  void Refuse(const std::string& problem) {
    if (!problem_.has_value()) problem_ = problem;
  }
  const std::optional<std::string>& problem() const { return problem_; }

 private:
  std::optional<std::string> problem_;
};

EarlyExit UsageError(const std::string& problem) {
  return {.code = kUsageError, .text = "grassdb: " + problem + " (see grassdb --help)"};
}

// Where this node listens.
void ReadAddress(const Raw& raw, Reader& reader, net::ServerOptions* options) {
  if (!raw.addr.empty()) {
    reader.Take("--addr", net::ParseEndpoint(raw.addr, net::EmptyHost::kEveryInterface),
                &options->listen_address);
  } else if (const Member* self = options->cluster.Find(NodeIdOf(raw.id))) {
    options->listen_address = self->address;
  } else if (!raw.advertise.empty()) {
    options->listen_address = raw.advertise;
  } else if (options->cluster.empty()) {
    reader.Refuse("--addr is required: where to listen");
  }
}

// Where the others reach it.
void ReadAdvertised(const Raw& raw, Reader& reader, const std::string& listen_address,
                    net::ServerOptions::Join* join) {
  if (!raw.advertise.empty()) {
    return reader.Take("--advertise", net::ParsePeerAddress(raw.advertise), &join->address);
  }
  if (listen_address.empty()) return;  // refused already
  if (!net::IsEveryInterface(listen_address)) {
    join->address = listen_address;
  } else if (std::ranges::all_of(join->peers, net::IsLoopback)) {
    join->address = "127.0.0.1:" + net::SplitEndpoint(listen_address).second;
  } else {
    reader.Refuse("--advertise is required: --addr " + raw.addr +
                  " does not say where the nodes of --join reach this one");
  }
}

// --cluster, --join and what belongs to them.
void ReadMembership(const Raw& raw, Reader& reader, net::ServerOptions* options) {
  if (!raw.cluster.empty() && !raw.join.empty()) {
    reader.Refuse("--cluster begins a new cluster, --join goes to a running one; give one of them");
  }
  if (!raw.cluster.empty()) {
    reader.Take("--cluster", net::ParseCluster(raw.cluster), &options->cluster);
  }
  if (raw.join.empty() && !raw.join_as.empty()) reader.Refuse("--join-as goes with --join");
  if (raw.join.empty() && !raw.advertise.empty()) reader.Refuse("--advertise goes with --join");
  if (!reader.problem().has_value()) ReadAddress(raw, reader, options);
  if (raw.join.empty()) return;
  net::ServerOptions::Join& join = options->join.emplace(net::ServerOptions::Join{});
  reader.Take("--join", net::ParsePeerList(raw.join), &join.peers);
  if (raw.join_as == "learner") {
    join.role = MemberRole::kLearner;
  } else if (!raw.join_as.empty() && raw.join_as != "voter") {
    reader.Refuse("--join-as '" + raw.join_as + "': expected voter or learner");
  }
  ReadAdvertised(raw, reader, options->listen_address, &join);
}

std::variant<net::ServerOptions, EarlyExit> Interpret(const Raw& raw) {
  net::ServerOptions options;
  if (raw.id.empty()) return UsageError("--id is required: this node's name");
  options.name = raw.id;
  options.cluster_name = raw.cluster_name;
  options.data_directory = raw.data_dir;
  Reader reader;
  ReadMembership(raw, reader, &options);
  std::pair<Duration, Duration> election_timeout;
  reader.Take("--election-timeout", ParseDurationRange(raw.election_timeout), &election_timeout);
  options.election_timeout_min = election_timeout.first;
  options.election_timeout_max = election_timeout.second;
  reader.Take("--heartbeat", ParseDuration(raw.heartbeat), &options.heartbeat);
  reader.Take("--append-delay", ParseDelay(raw.append_delay), &options.append_delay);
  reader.Take("--snapshot-log-size", ParseSize(raw.snapshot_log_size), &options.snapshot_log_bytes);
  reader.Take("--log-memory", ParseSize(raw.log_memory), &options.log_memory_bytes);
  reader.Take("--snapshot-rate", ParseRate(raw.snapshot_rate), &options.snapshot_bytes_per_second);
  reader.Take("--scrub-rate", ParseRate(raw.scrub_rate), &options.scrub_bytes_per_second);
  reader.Take("--scrub-pause", ParseDuration(raw.scrub_pause), &options.scrub_pause);
  reader.Take("--snapshot-compression", net::ParseCompression(raw.snapshot_compression),
              &options.snapshot_compression);
  reader.Take("--disk-format", net::ParseDiskFormat(raw.disk_format), &options.disk_format);
  reader.Take("--write-backlog", ParseSize(raw.write_backlog), &options.write_backlog_bytes);
  reader.Take("--log-level", net::ParseLogLevel(raw.log_level), &options.log_level);
  reader.Take("--log-format", net::ParseLogFormat(raw.log_format), &options.log_format);
  if (raw.data_dir.empty()) reader.Refuse("--data-dir is empty");
  if (!reader.problem().has_value()) {
    if (auto problem = net::Problem(options)) reader.Refuse(*problem);
  }
  if (reader.problem().has_value()) return UsageError(*reader.problem());
  return options;
}

// One dash is as good as two, as in Go's flags: -id node1, -id=node1. What comes behind the '=' is
// an argument of its own here, because CLI11 would take "--id=" for a flag whose value comes next.
std::vector<std::string> WithTwoDashes(const CLI::App& app,
                                       const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    std::string name = argument.substr(0, equals);
    if (name.size() >= 3 && name[0] == '-' && name[1] != '-') name.insert(0, 1, '-');
    const CLI::Option* const option =
        name.starts_with("--") ? app.get_option_no_throw(name) : nullptr;
    if (option == nullptr || option->get_items_expected_max() == 0) {
      result.push_back(argument);
      continue;
    }
    result.push_back(std::move(name));
    if (equals != std::string::npos) result.push_back(argument.substr(equals + 1));
  }
  return result;
}

// Adds what the environment says as flags, where no flag is given. By hand, because CLI11 would let
// the file win over the environment. An empty variable is as good as none: it is how a script has
// nothing to say.
void AddEnvironment(const CLI::App& app, std::vector<std::string>* arguments) {
  std::vector<std::string> added;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_envname().empty() || option->get_lnames().empty()) continue;
    const std::string flag = "--" + option->get_lnames().front();
    const char* value = std::getenv(option->get_envname().c_str());
    if (value == nullptr || *value == '\0' || std::ranges::count(*arguments, flag) > 0) continue;
    added.push_back(flag);
    added.emplace_back(value);
  }
  arguments->insert(arguments->begin(), added.begin(), added.end());
}

// Sets what `file` says and neither a flag nor the environment has set. Gives what is wrong with
// it.
std::optional<std::string> AddFile(CLI::App& app, const std::string& file) {
  const absl::StatusOr<std::vector<ConfigLine>> lines = ReadConfigFile(file);
  if (!lines.ok()) return "--config " + std::string(lines.status().message());
  for (const ConfigLine& line : *lines) {
    CLI::Option* option = nullptr;
    for (CLI::Option* known : app.get_options()) {
      // What can be set in the environment can be set in a file: all but --config and --help.
      if (!known->get_envname().empty() && known->check_lname(line.name)) option = known;
    }
    if (option == nullptr) {
      return "--config " + file + " line " + std::to_string(line.number) + ": unknown option '" +
             line.name + "'; the names are those of the flags, as in data-dir";
    }
    if (option->count() > 0) continue;
    option->add_result(line.value);
    option->run_callback();
  }
  return std::nullopt;
}

// The first option that was given without a value: a mistake, and never what the default is for.
std::optional<std::string> EmptyOption(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const bool empty = std::ranges::any_of(option->results(),
                                           [](const std::string& each) { return each.empty(); });
    if (option->get_items_expected_max() > 0 && empty) return option->get_name();
  }
  return std::nullopt;
}

}  // namespace

std::variant<net::ServerOptions, EarlyExit> ParseServerArguments(
    const std::vector<std::string>& arguments) {
  Raw raw;
  CLI::App app(kDescription, "grassdb");
  app.footer(kFooter);
  app.set_version_flag("--version", "grassdb " GRASSDB_VERSION, "Print the version and exit");
  app.set_help_flag("--help,-h", "Print this and exit");
  Define(app, raw);
  std::vector<std::string> reversed = WithTwoDashes(app, arguments);
  AddEnvironment(app, &reversed);
  std::ranges::reverse(reversed);  // what CLI11 wants
  try {
    app.parse(std::move(reversed));
    if (app.count("--config") > 0) {
      if (const auto problem = AddFile(app, raw.config)) return UsageError(*problem);
    }
    if (const auto empty = EmptyOption(app)) return UsageError(*empty + " is empty");
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{.code = 0, .text = app.help()};
  } catch (const CLI::CallForVersion&) {
    return EarlyExit{.code = 0, .text = app.version()};
  } catch (const CLI::ParseError& error) {
    return UsageError(error.what());
  }
  return Interpret(raw);
}

}  // namespace grassdb
