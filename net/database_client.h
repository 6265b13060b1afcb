// DatabaseClient: core/client.h over gRPC, one operation at a time, each call waiting for its
// outcome. For grass-cli and for tests.
#ifndef GRASSDB_NET_DATABASE_CLIENT_H_
#define GRASSDB_NET_DATABASE_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/client.h"
#include "net/stubs.h"

namespace grassdb::net {

// Not thread-safe. Retries, redirects and exactly-once are core/client.h's.
class DatabaseClient {
 public:
  explicit DatabaseClient(const ClientOptions& options);
  ~DatabaseClient();

  Outcome Set(std::string key, std::string value);
  // reply.command.operations[0].found says whether the key was there.
  Outcome Delete(std::string key);
  Outcome Get(std::string key, ReadMode mode);
  // The answer to a transaction that only puts one key has no operations.
  Outcome Transact(Transaction transaction);
  Outcome TakeSnapshot();
  // `target`: a member's name; empty: the follower whose log is furthest.
  Outcome TransferLeadership(const std::string& target);
  // All at once.
  Outcome ChangeMembership(std::vector<MemberChange> changes);
  // For who writes no more. Takes no longer than one attempt, and no time at all if nothing was
  // written or the last operation did not reach a leader.
  void CloseSession();

 private:
  struct Endpoint {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<wire::Database::Stub> database;
    std::unique_ptr<wire::Admin::Stub> admin;
  };
  struct Lost {
    Loss loss = Loss::kMaybeSent;
    std::string error;
  };
  using Result = std::variant<Reply, Lost>;

  Outcome Run(ClientOperation operation);
  Result Send(const Attempt& attempt);
  Result Send(Endpoint& to, grpc::ClientContext* context, const OpenSessionRequest& request);
  Result Send(Endpoint& to, grpc::ClientContext* context, const CloseSessionRequest& request);
  Result Send(Endpoint& to, grpc::ClientContext* context, const TransactionRequest& request);
  Result Send(Endpoint& to, grpc::ClientContext* context, const GetRequest& request);
  Result Send(Endpoint& to, grpc::ClientContext* context, const TakeSnapshotRequest& request);
  Result Send(Endpoint& to, grpc::ClientContext* context, const TransferLeadershipRequest& request);
  Result Send(Endpoint& to, grpc::ClientContext* context, const ChangeMembershipRequest& request);
  Endpoint& EndpointFor(const std::string& address);

  Client client_;
  std::map<std::string, Endpoint> endpoints_;
  std::string transfer_target_;  // the name; core's request has only its hash
};

// What one node says of itself, or why it does not.
struct NodeReport {
  std::string endpoint;
  std::optional<wire::StatusResponse> status;
  std::string error;
};

// Asks all of them at once; in the order of `endpoints`.
std::vector<NodeReport> AskForStatus(const std::vector<std::string>& endpoints, Duration deadline);

// The same, and then the members that they name and that have not been asked; behind the others.
std::vector<NodeReport> AskWholeCluster(const std::vector<std::string>& endpoints,
                                        Duration deadline);

// The report of the node that leads and serves, of the highest term; null if none does.
const NodeReport* FindLeader(const std::vector<NodeReport>& reports);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_DATABASE_CLIENT_H_
