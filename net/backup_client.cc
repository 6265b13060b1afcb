#include "net/backup_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "net/dial.h"
#include "net/event_loop.h"
#include "net/random.h"
#include "net/stubs.h"
#include "proto/client_convert.h"

namespace grassdb::net {
namespace {

// Between two rounds over all peers: the cluster may be between two leaders.
constexpr Duration kPause = std::chrono::milliseconds(250);
constexpr Duration kConnectPatience = std::chrono::seconds(2);
// If nobody could be connected to for this long, and in so many rounds, nobody is there.
constexpr Duration kReachPatience = std::chrono::seconds(5);
constexpr int kReachRounds = 2;

std::chrono::system_clock::time_point After(Duration duration) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
}

// One try with one peer.
class Fetch {
 public:
  Fetch(store::Directory& directory, const std::string& name,
        const std::function<void(std::uint64_t)>& progress)
      : directory_(directory), name_(name), progress_(progress) {}

  absl::Status From(const std::string& peer, Duration deadline);
  BackupTaken taken() const { return taken_; }
  // Why trying again cannot help; OK if it can.
  const absl::Status& failure() const { return failure_; }
  // The peer was there, whatever it said.
  bool connected() const { return connected_; }

 private:
  absl::Status Take(const wire::BackupChunk& chunk);
  absl::Status Write(const wire::BackupChunk& chunk);

  store::Directory& directory_;
  const std::string& name_;
  const std::function<void(std::uint64_t)>& progress_;
  BackupTaken taken_;
  std::unique_ptr<store::BackupWriter> writer_;
  bool connected_ = false;
  bool whole_ = false;
  absl::Status failure_;
};

absl::Status Fetch::Write(const wire::BackupChunk& chunk) {
  if (writer_ == nullptr) {
    const wire::BackupChunk::Origin& origin = chunk.origin();
    taken_.origin = {.cluster = ClusterId(origin.cluster_id()),
                     .cluster_name = origin.cluster_name(),
                     .node_name = origin.node(),
                     .position = {.index = Index(origin.index()), .term = Term(origin.term())},
                     .id = std::max<std::uint64_t>(RandomNumber(), 1)};
    auto writer = store::BackupWriter::Start(directory_, name_, taken_.origin);
    if (!writer.ok()) return writer.status();
    writer_ = std::move(*writer);
  }
  if (absl::Status s = writer_->Append(chunk.data()); !s.ok()) return s;
  return chunk.last() ? writer_->Finish() : absl::OkStatus();
}

absl::Status Fetch::Take(const wire::BackupChunk& chunk) {
  if (whole_ || !IsWhole(chunk) || chunk.offset() != taken_.state_bytes ||
      chunk.has_origin() != (writer_ == nullptr)) {
    return absl::DataLossError("a chunk at " + std::to_string(chunk.offset()) +
                               " was damaged on its way, or does not follow the one before");
  }
  if (absl::Status s = Write(chunk); !s.ok()) return failure_ = s;
  taken_.state_bytes += chunk.data().size();
  whole_ = chunk.last();
  progress_(taken_.state_bytes);
  return absl::OkStatus();
}

absl::Status Fetch::From(const std::string& peer, Duration deadline) {
  grpc::ChannelArguments arguments = ClientArguments();
  arguments.SetMaxReceiveMessageSize(-1);
  const std::shared_ptr<grpc::Channel> channel = Dial(peer, arguments);
  if (!channel->WaitForConnected(After(std::min(deadline, kConnectPatience)))) {
    return absl::UnavailableError("cannot connect");
  }
  connected_ = true;
  const auto stub = wire::Admin::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(After(deadline));
  const auto reader = stub->Backup(&context, wire::BackupRequest());
  wire::BackupChunk chunk;
  absl::Status status;
  while (status.ok() && reader->Read(&chunk)) status = Take(chunk);
  if (!status.ok()) context.TryCancel();
  const grpc::Status ended = reader->Finish();
  if (!status.ok()) return status;
  if (!ended.ok()) return absl::UnavailableError(ended.error_message());
  return whole_ ? absl::OkStatus() : absl::UnavailableError("the copy ended before its end");
}

std::string TextOf(const std::map<std::string, std::string>& errors) {
  std::string text;
  for (const auto& [peer, error] : errors) text += (text.empty() ? "" : "; ") + peer + ": " + error;
  return text;
}

}  // namespace

absl::StatusOr<BackupTaken> FetchBackup(const std::vector<std::string>& peers,
                                        const BackupPatience& patience, store::Directory& directory,
                                        const std::string& name, const BackupWatch& watch) {
  const Instant begin = SteadyNow();
  const Instant end = begin + patience.whole;
  Instant begins_until = begin + patience.begin;
  std::map<std::string, std::string> errors;
  std::string text = "no peer has given a whole copy of the state in time";
  bool reached = false;
  bool told = false;
  for (int round = 1;; ++round) {
    for (const std::string& peer : peers) {
      if (SteadyNow() >= std::min(end, begins_until)) break;
      Fetch fetch(directory, name, watch.progress);
      const absl::Status status = fetch.From(peer, end - SteadyNow());
      if (status.ok()) return fetch.taken();
      if (!fetch.failure().ok()) return fetch.failure();
      reached = reached || fetch.connected();
      errors[peer] = std::string(status.message());
      if (fetch.taken().state_bytes > 0) begins_until = SteadyNow() + patience.begin;
    }
    if (SteadyNow() + kPause >= std::min(end, begins_until)) break;
    if (!reached && round >= kReachRounds && SteadyNow() >= begin + kReachPatience) {
      text = "no peer can be reached. Way out: give the addresses of nodes that run";
      break;
    }
    if (reached && !std::exchange(told, true)) watch.waits(TextOf(errors));
    std::this_thread::sleep_for(kPause);
  }
  return absl::UnavailableError(text + "; " + TextOf(errors));
}

}  // namespace grassdb::net
