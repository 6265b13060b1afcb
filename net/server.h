// Server: one node of a cluster in production. Plugs gRPC, the machine's clock and its files into
// core/node.h, and runs the event loop (net/README.md, "Threads"). As long as the disk has lost
// something that the other members must give back, there is a Repair in the node's place.
#ifndef GRASSDB_NET_SERVER_H_
#define GRASSDB_NET_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/environment.h"
#include "core/node.h"
#include "core/repair.h"
#include "net/client_service.h"
#include "net/disk_thread.h"
#include "net/event_loop.h"
#include "net/health_service.h"
#include "net/peer_transport.h"
#include "net/server_options.h"
#include "net/stream_service.h"
#include "store/file.h"

namespace grassdb::net {

// Why a server cannot be started with these options, in words for a person; nullopt if it can be
// tried.
std::optional<std::string> Problem(const ServerOptions& options);

class Server final : private Clock, private Trace {
 public:
  // Takes the address, then opens the data directory and replays it. A node that has no data and is
  // to join a running cluster is added to that in between, which takes as long as it takes: `stop`
  // ends it (Cancelled). Whatever is wrong (the address in use, the directory not writable, in use
  // or of another node or cluster, damaged data, a cluster that does not want this node) is an
  // error with a line for a person, and nothing that the directory held has been changed.
  // InvalidArgument: the options cannot be meant so.
  static absl::StatusOr<std::unique_ptr<Server>> Create(const ServerOptions& options,
                                                        const std::atomic<bool>& stop);
  // Ends every call.
  ~Server() override;

  // Serves until the node was asked to stop; gives the exit code of the process. A failed disk ends
  // the process from inside.
  int Run();
  // Asks the node to hand over and stop. From any thread, any number of times.
  void RequestStop();

 private:
  explicit Server(const ServerOptions& options);

  absl::Status Listen();
  absl::Status OpenStore(const Identity& wanted);
  // Reads what the last life left; makes the node of it, or the repair of what is lost.
  absl::Status Recover(const Identity& wanted);
  void LogRecovery(const RecoveredState& state);
  bool IsNews(const std::string& text);
  bool IsNewLoss(Index first, Index last);
  void Start();
  [[noreturn]] void FailStop(const absl::Status& failure);
  Environment Sockets();
  void OnPeerMessage(Message message);
  void OnRequest(RequestId id, ClientRequest&& request);
  void OnBackup(RequestId id, const BackupRequest& backup);
  void RefuseInRepair(RequestId id);
  NodeStatus Status() const;
  const Configuration& configuration() const;
  Instant NextDeadline() const;
  void StepNode();
  void StepRepair();
  // True when the time to stop has come.
  bool HandleStop();
  void PublishState();
  void NoticeRemoval();
  void ShutDown();

  // Clock
  Instant Now() const override { return SteadyNow(); }
  Configuration ConfigurationOf(const Event& event) const;
  // Trace
  void OnEvent(Term term, const Event& event) override;

  const ServerOptions options_;
  // Destroyed in reverse order, after ShutDown: first the node, then what it uses.
  std::unique_ptr<store::Directory> directory_;
  std::unique_ptr<ClientService> clients_;
  std::unique_ptr<PeerTransport> peers_;
  HealthService health_;
  StreamService streams_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<EventLoop> loop_;
  Identity identity_;
  AddressBook addresses_;
  std::unique_ptr<DiskThread> disk_;
  // One of the two, once the store is open.
  std::unique_ptr<Repair> repair_;
  NodeStatus in_repair_;        // what is known then
  std::set<std::string> told_;  // about a repair: its disk is read again and again
  std::vector<std::pair<Index, Index>> told_lost_;  // the entries, first and last of each loss
  std::unique_ptr<Node> node_;

  std::vector<DiskDone> disk_done_;
  std::atomic<bool> stop_requested_{false};
  Instant stop_deadline_ = Instant::max();  // set when stopping
  bool was_member_ = false;                 // in a configuration of this life
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_SERVER_H_
