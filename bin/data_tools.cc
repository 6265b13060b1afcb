#include "bin/data_tools.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <string_view>

#include "absl/status/statusor.h"
#include "bin/data_commands.h"
#include "bin/grassdb_options.h"

namespace grassdb {
namespace {

constexpr const char* kVerifyHelp =
    "grassdb verify: reads every file of a node, every record and every checksum, and says what "
    "is\n"
    "damaged, whether that matters and what mends it. Changes nothing and takes no lock: a node "
    "may\n"
    "be running.";
constexpr const char* kVerifyFooter =
    "\nExamples:\n"
    "  grassdb verify --data-dir /var/lib/grassdb\n"
    "  grassdb verify --data-dir /var/lib/grassdb --id node1 --json\n"
    "\nExit codes: 0 all is whole, 1 something is damaged, 2 usage, or nothing can be read, or\n"
    "printed to the end.";

constexpr const char* kDumpHelp =
    "grassdb dump: prints the records of a node's log in their order, with what stands in them, "
    "and\n"
    "its snapshots' headers. Changes nothing and takes no lock: a node may be running.";
constexpr const char* kDumpFooter =
    "\nExamples:\n"
    "  grassdb dump --data-dir /var/lib/grassdb --id node1\n"
    "  grassdb dump --data-dir /var/lib/grassdb --json | grep '\"index\":17,'\n"
    "\nExit codes: 0 all was read, 1 something is damaged, 2 usage, or nothing can be read, or\n"
    "printed to the end.";

constexpr const char* kBackupHelp =
    "grassdb backup: writes the whole state into one file. From a running cluster, with every "
    "write\n"
    "that was acknowledged before; or from the data of a node that is stopped, of which only the\n"
    "lock file is written, and that only if it can be: the data may be on read-only media.";
constexpr const char* kBackupFooter =
    "\nExamples:\n"
    "  grassdb backup --peers 10.0.0.1:50051,10.0.0.2:50051 -o state.backup\n"
    "  grassdb backup --data-dir /var/lib/grassdb --id node1 -o state.backup\n"
    "\nExit codes: 0 the file is whole and durable, 1 there is none, 2 usage.";

constexpr const char* kRestoreHelp =
    "grassdb restore: makes the data directory of one member of a new cluster whose first state is "
    "a\n"
    "backup. Run it for each member, with the same file and the same --cluster, then start them. "
    "The\n"
    "new cluster has an id of its own, so that no node of the old one takes part in it; sessions "
    "are\n"
    "forgotten; revisions go on 1,000,000,000,000 behind the backup's, so that none that the old\n"
    "cluster gave after the backup comes again.";
constexpr const char* kRestoreFooter =
    "\nExample, for the first of three:\n"
    "  grassdb restore state.backup --data-dir /var/lib/grassdb --id node1 \\\n"
    "      --cluster node1=10.0.0.1:50051,node2=10.0.0.2:50051,node3=10.0.0.3:50051\n"
    "\nThe same file restored twice to the same members is the same cluster to its nodes: give "
    "the\n"
    "second one another --cluster-name.\n"
    "\nExit codes: 0 done, 1 not done, 2 usage.";

constexpr const char* kRecoverHelp =
    "grassdb recover: for a cluster whose majority is lost for good. Makes this node the only "
    "member\n"
    "of a new cluster that begins with what its data holds. Writes that it does not hold are "
    "lost,\n"
    "and it says which; what was never committed may become so. The old files are kept beside. "
    "Where\n"
    "the data is damaged, it says what that costs, changes nothing, and waits for\n"
    "--discard-from-damage.";
constexpr const char* kRecoverFooter =
    "\nExample:\n"
    "  grassdb recover --force-new-cluster --data-dir /var/lib/grassdb --id node1\n"
    "where that says that the data is damaged, and no other member has better data:\n"
    "  grassdb recover --force-new-cluster --discard-from-damage --data-dir /var/lib/grassdb --id "
    "node1\n"
    "then, the other members' data deleted:\n"
    "  grassdb --id node1 --addr 10.0.0.1:50051 --data-dir /var/lib/grassdb\n"
    "  grassdb --id node2 --addr 10.0.0.2:50051 --join 10.0.0.1:50051\n"
    "\nExit codes: 0 done, 1 not done, 2 usage.";

struct Tool {
  std::string_view name;
  int (*run)(const std::vector<std::string>& arguments);
};

// Reads `arguments` with what `define` adds to the application, then runs `command`.
int Parse(const char* name, const char* help, const char* footer,
          const std::vector<std::string>& arguments, const std::function<void(CLI::App&)>& define,
          const std::function<absl::StatusOr<int>()>& command) {
  const std::string program = "grassdb " + std::string(name);
  CLI::App app(help, program);
  app.footer(footer);
  app.set_help_flag("--help,-h", "Print this and exit");
  define(app);
  const auto complain = [&program](const std::string& problem) {
    std::fprintf(stderr, "%s: %s (see %s --help)\n", program.c_str(), problem.c_str(),
                 program.c_str());
    return kUsageError;
  };
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    std::printf("%s\n", app.help().c_str());
    return 0;
  } catch (const CLI::ParseError& error) {
    return complain(error.what());
  }
  for (const CLI::Option* option : app.get_options()) {
    const bool empty = std::ranges::any_of(option->results(),
                                           [](const std::string& each) { return each.empty(); });
    if (empty) return complain(option->get_name() + " is empty");
  }
  const absl::StatusOr<int> code = command();
  if (code.ok()) return *code;
  const std::string problem(code.status().message());
  if (absl::IsInvalidArgument(code.status())) return complain(problem);
  std::fprintf(stderr, "%s: %s\n", program.c_str(), problem.c_str());
  return absl::IsNotFound(code.status()) ? kUsageError : 1;
}

void DefineData(CLI::App& app, DataOptions* options) {
  app.add_option("--data-dir", options->data_dir, "Where the data is")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--id", options->id, "The node's name. Default: all nodes in the directory")
      ->type_name("NAME");
  app.add_flag("--json", options->json, "For programs");
}

// Of a command that is run for its output alone. What this user may not read says nothing of the
// node's data.
absl::StatusOr<int> Printed(const absl::StatusOr<int>& code) {
  if (absl::IsPermissionDenied(code.status())) {
    return absl::NotFoundError(std::string(code.status().message()) +
                               ". Run this as the user that the node runs as");
  }
  if (!code.ok() || (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)) return code;
  std::fputs(
      "grassdb: not all of the output could be written. Make room where it goes, or send it "
      "elsewhere\n",
      stderr);
  return kUsageError;
}

int RunVerify(const std::vector<std::string>& arguments) {
  DataOptions options;
  return Parse(
      "verify", kVerifyHelp, kVerifyFooter, arguments,
      [&](CLI::App& app) { DefineData(app, &options); }, [&] { return Printed(Verify(options)); });
}

int RunDump(const std::vector<std::string>& arguments) {
  DataOptions options;
  return Parse(
      "dump", kDumpHelp, kDumpFooter, arguments, [&](CLI::App& app) { DefineData(app, &options); },
      [&] { return Printed(Dump(options)); });
}

void DefineDirectory(CLI::App& app, std::string* data_dir) {
  app.add_option("--data-dir", *data_dir, "Where the data is")
      ->type_name("DIR")
      ->capture_default_str();
}

int RunBackup(const std::vector<std::string>& arguments) {
  BackupOptions options;
  return Parse(
      "backup", kBackupHelp, kBackupFooter, arguments,
      [&](CLI::App& app) {
        app.add_option("--peers", options.peers, "Nodes of a running cluster, host:port,...")
            ->type_name("LIST");
        DefineDirectory(app, &options.data_dir);
        app.add_option("--id", options.id, "The stopped node whose data is copied")
            ->type_name("NAME");
        app.add_option("--output,-o", options.output, "The file to write; it must not exist")
            ->type_name("FILE");
        app.add_option("--wait", options.wait,
                       "With --peers: for one of them to give a copy, as none does without a "
                       "leader")
            ->type_name("TIME")
            ->capture_default_str();
        app.add_option("--deadline", options.deadline, "With --peers: for the whole copy")
            ->type_name("TIME")
            ->capture_default_str();
      },
      [&] { return Backup(options); });
}

int RunRestore(const std::vector<std::string>& arguments) {
  RestoreOptions options;
  return Parse(
      "restore", kRestoreHelp, kRestoreFooter, arguments,
      [&](CLI::App& app) {
        app.add_option("file", options.file, "What grassdb backup wrote")->required();
        DefineDirectory(app, &options.data_dir);
        app.add_option("--id", options.id, "The member to make")->type_name("NAME");
        app.add_option("--cluster", options.cluster,
                       "All members of the new cluster, id=host:port,...")
            ->type_name("LIST");
        app.add_option("--cluster-name", options.cluster_name,
                       "Of the new cluster. Default: that of the old one")
            ->type_name("NAME");
      },
      [&] { return Restore(options); });
}

int RunRecover(const std::vector<std::string>& arguments) {
  RecoverOptions options;
  return Parse(
      "recover", kRecoverHelp, kRecoverFooter, arguments,
      [&](CLI::App& app) {
        app.add_flag("--force-new-cluster", options.force_new_cluster,
                     "Begin a new cluster of this node alone (required)");
        DefineDirectory(app, &options.data_dir);
        app.add_option("--id", options.id, "The node whose data is kept")->type_name("NAME");
        app.add_option("--addr", options.address,
                       "Where it will be reached. Default: the address that its log has")
            ->type_name("HOST:PORT");
        app.add_flag("--discard-from-damage", options.discard_from_damage,
                     "Go on without what is damaged and all that was written behind it");
        app.add_flag("--yes", options.yes, "Do not ask");
      },
      [&] { return Recover(options); });
}

constexpr std::array<Tool, 5> kTools = {{{"verify", RunVerify},
                                         {"dump", RunDump},
                                         {"backup", RunBackup},
                                         {"restore", RunRestore},
                                         {"recover", RunRecover}}};

}  // namespace

std::optional<int> RunDataTool(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return std::nullopt;
  for (const Tool& tool : kTools) {
    if (arguments[0] == tool.name) return tool.run({arguments.begin() + 1, arguments.end()});
  }
  return std::nullopt;
}

}  // namespace grassdb
