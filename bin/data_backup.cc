#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "bin/data_commands.h"
#include "bin/quantity.h"
#include "core/kv_snapshot.h"
#include "net/backup_client.h"
#include "net/random.h"
#include "net/server_options.h"
#include "proto/convert.h"
#include "store/backup_file.h"
#include "store/posix.h"
#include "store/stored_state.h"

namespace grassdb {
namespace {

constexpr std::size_t kSliceBytes = 262144;

struct Destination {
  std::unique_ptr<store::Directory> directory;
  std::string name;
};

absl::StatusOr<Destination> DestinationOf(const std::string& file) {
  const std::filesystem::path path(file);
  if (path.filename().empty()) {
    return absl::InvalidArgumentError("--output " + file + " is a directory; give a file");
  }
  if (std::error_code ignored; std::filesystem::exists(path, ignored)) {
    return absl::AlreadyExistsError(file + " is there already; give the backup another name");
  }
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  if (std::error_code ignored; !std::filesystem::is_directory(parent, ignored)) {
    return absl::NotFoundError(parent + " is no directory; make it, or write the backup elsewhere");
  }
  if (access(parent.c_str(), W_OK | X_OK) != 0) {
    return absl::PermissionDeniedError(parent + " is not writable; write the backup elsewhere");
  }
  auto directory = store::OpenPosixDirectory(parent);
  if (!directory.ok()) return directory.status();
  return Destination{.directory = *std::move(directory), .name = path.filename()};
}

// On a terminal, how far it has come; one line, written over.
class Progress {
 public:
  void operator()(std::uint64_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    std::fprintf(stderr, "\r%.1f MiB", static_cast<double>(bytes) / (1 << 20));
    drawn_ = true;
  }
  ~Progress() {
    if (drawn_) std::fputc('\n', stderr);
  }

 private:
  const bool shown_ = isatty(STDERR_FILENO) == 1;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_;
};

// Of the state as it is in a snapshot, sessions and their answers included; the file is compressed.
std::string TextOfSize(std::uint64_t state_bytes, const std::string& file) {
  std::error_code ignored;
  const std::uintmax_t file_bytes = std::filesystem::file_size(file, ignored);
  return fmt::format("{} bytes of state in a file of {} bytes", state_bytes, file_bytes);
}

absl::StatusOr<int> BackUpLive(const BackupOptions& options, Destination& to) {
  const auto peers = net::ParsePeerList(options.peers);
  if (!peers.ok()) {
    return absl::InvalidArgumentError("--peers " + std::string(peers.status().message()));
  }
  const auto deadline = ParseDuration(options.deadline);
  if (!deadline.ok()) {
    return absl::InvalidArgumentError("--deadline " + std::string(deadline.status().message()));
  }
  const auto wait = ParseDuration(options.wait);
  if (!wait.ok()) {
    return absl::InvalidArgumentError("--wait " + std::string(wait.status().message()));
  }
  Progress progress;
  const net::BackupWatch watch{
      .progress = [&progress](std::uint64_t bytes) { progress(bytes); },
      .waits =
          [&options](const std::string& said) {
            fmt::print(stderr, "grassdb backup: no copy yet, trying again for {}: {}\n",
                       options.wait, said);
          }};
  const auto taken =
      net::FetchBackup(*peers, {.whole = *deadline, .begin = *wait}, *to.directory, to.name, watch);
  if (!taken.ok()) return taken.status();
  fmt::print("{}: the state of cluster '{}' through log index {}, from {}; {}\n", options.output,
             taken->origin.cluster_name, taken->origin.position.index.value(),
             taken->origin.node_name, TextOfSize(taken->state_bytes, options.output));
  return 0;
}

absl::StatusOr<int> BackUpStopped(const BackupOptions& options, Destination& to) {
  auto opened = OpenData({.data_dir = options.data_dir, .id = options.id, .json = false});
  if (!opened.ok()) return opened.status();
  auto loaded = store::LoadState(*opened->directory, options.id);
  if (absl::IsPermissionDenied(loaded.status())) {
    return absl::PermissionDeniedError(std::string(loaded.status().message()) +
                                       ". Run this as a user that may read the node's files");
  }
  if (!loaded.ok() && store::LockHolder(options.data_dir, store::FileNames(options.id).Lock())) {
    return absl::FailedPreconditionError(std::string(loaded.status().message()) +
                                         "; of a node that runs, --peers takes the backup");
  }
  if (!loaded.ok()) return loaded.status();
  auto writer = store::BackupWriter::Start(*to.directory, to.name,
                                           {.cluster = loaded->identity.cluster,
                                            .cluster_name = loaded->identity.cluster_name,
                                            .node_name = options.id,
                                            .position = loaded->last,
                                            .id = std::max<std::uint64_t>(net::RandomNumber(), 1)});
  if (!writer.ok()) return writer.status();
  Progress progress;
  std::uint64_t bytes = 0;
  for (KvSnapshotWriter state = KvSnapshotWriter::Begin(loaded->state); !state.done();) {
    const Bytes slice = state.Next(loaded->state, kSliceBytes);
    if (absl::Status s = (*writer)->Append(slice.view()); !s.ok()) return s;
    bytes += slice.size();
    progress(bytes);
  }
  if (absl::Status s = (*writer)->Finish(); !s.ok()) return s;
  fmt::print("{}: the state of {} through log index {}, revision {}; {}\n", options.output,
             options.id, loaded->last.index.value(), loaded->state.revision().value(),
             TextOfSize(bytes, options.output));
  if (loaded->last.index > loaded->snapshot.index) {
    fmt::print(
        "Log entries {} to {} are in it. Whether all of them were committed is not known here, nor "
        "whether other members have later ones; --peers gives a copy that leaves no doubt.\n",
        loaded->snapshot.index.value() + 1, loaded->last.index.value());
  }
  return 0;
}

}  // namespace

absl::StatusOr<int> Backup(const BackupOptions& options) {
  if (options.peers.empty() == options.id.empty()) {
    return absl::InvalidArgumentError(
        "give --peers to copy from a running cluster, or --data-dir and --id to copy from a node "
        "that is stopped");
  }
  if (options.output.empty()) {
    return absl::InvalidArgumentError("--output is required: the file to write");
  }
  auto to = DestinationOf(options.output);
  if (!to.ok()) return to.status();
  return options.peers.empty() ? BackUpStopped(options, *to) : BackUpLive(options, *to);
}

}  // namespace grassdb
