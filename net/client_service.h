// ClientService: the Database and Admin services. Requests come in as unary calls on the event
// loop, go to the node, and are answered when the node answers, in any order. (A backup is a stream
// of answers, each asked for when the one before it has gone out.)
#ifndef GRASSDB_NET_CLIENT_SERVICE_H_
#define GRASSDB_NET_CLIENT_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/api.h"
#include "core/disk.h"
#include "core/environment.h"
#include "core/node.h"
#include "net/address_book.h"
#include "net/pipeline_service.h"
#include "net/stubs.h"

namespace grassdb::net {

class ClientService final : public Clients {
 public:
  struct Backend {
    // Hands a request to the node; it is answered through Answer.
    std::function<void(RequestId, ClientRequest&&)> submit;
    std::function<void(RequestId, const BackupRequest&)> backup;
    std::function<NodeStatus()> status;
    // Why this node does not reach a member, for a person; empty: nothing is known against it.
    std::function<std::string_view(NodeId)> problem_with;
  };

  ClientService();
  // The queue of Start has been drained.
  ~ClientService() override;

  std::vector<grpc::Service*> services() { return {&database_, &admin_}; }
  // Database/Pipeline is a stream. Outlives those of `streams`.
  void AddTo(StreamService* streams) { pipeline_.AddTo(streams); }
  // Begins to accept calls. After the server has been started.
  void Start(grpc::ServerCompletionQueue* queue, Identity self, AddressBook addresses,
             Backend backend);
  // Answers every call under way, and those that still come, with what is known: nothing. What the
  // node answers from now on is ignored.
  void Stop();

  void Answer(RequestId request, Reply reply) override;
  // After each round of the event loop: sends the answers that were gathered.
  void Flush() { pipeline_.Flush(); }

 private:
  // wire::Database::AsyncService but for Pipeline, which is left to StreamService.
  using DatabaseService = wire::Database::WithAsyncMethod_Get<wire::Database::WithAsyncMethod_Set<
      wire::Database::WithAsyncMethod_Transact<wire::Database::WithAsyncMethod_OpenSession<
          wire::Database::WithAsyncMethod_CloseSession<wire::Database::WithAsyncMethod_TakeSnapshot<
              wire::Database::WithGenericMethod_Pipeline<wire::Database::Service>>>>>>>;

  class Call;
  template <class Method>
  class UnaryCall;
  class BackupCall;
  template <class Method>
  struct Pool {
    std::vector<RequestId> idle;  // calls that may be armed again
  };
  struct GetMethod;
  struct SetMethod;
  struct TransactMethod;
  struct OpenSessionMethod;
  struct CloseSessionMethod;
  struct TakeSnapshotMethod;
  struct TransferLeadershipMethod;
  struct ChangeMembershipMethod;
  struct StatusMethod;
  struct Pools;

  template <class Method>
  void Arm(std::size_t count);
  template <class Method>
  void ArmOne();
  void ArmBackup();
  RequestId Register(Call* call);
  void Unregister(RequestId id);
  void Resolve(Reply& reply) const;

  Identity self_;
  AddressBook addresses_;
  DatabaseService database_;
  wire::Admin::AsyncService admin_;
  grpc::ServerCompletionQueue* queue_ = nullptr;
  Backend backend_;
  bool stopping_ = false;
  PipelineService pipeline_;
  std::unique_ptr<Pools> pools_;
  // By RequestId - 1. A call keeps its number for life; numbers of calls that are gone are reused.
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<std::size_t> free_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_CLIENT_SERVICE_H_
