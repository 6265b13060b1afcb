// Any bytes as what goes between a client and a node: a request or a reply that is refused, or core
// gets what encodes to the same again, and a command of it is what the log gives back.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/check.h"
#include "core/command.h"
#include "proto/client_convert.h"

namespace grassdb {
namespace {

// nullopt: no message of that kind.
template <class WireMessage>
std::optional<WireMessage> Parsed(std::string_view bytes) {
  WireMessage message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  return message;
}

// What a request becomes on its way once more; a hand-over has only an id, which has no name here.
class Again {
 public:
  absl::StatusOr<ClientRequest> operator()(const TransferLeadershipRequest& request) const {
    return ClientRequest(request);
  }
  template <class Request>
  absl::StatusOr<ClientRequest> operator()(const Request& request) const {
    return FromWire(ToWire(request));
  }
};

bool GoesThroughAPipeline(const ClientRequest& request) {
  return std::holds_alternative<GetRequest>(request) ||
         std::holds_alternative<TransactionRequest>(request) ||
         std::holds_alternative<OpenSessionRequest>(request) ||
         std::holds_alternative<CloseSessionRequest>(request);
}

// What a node would log.
void CheckCommand(const TransactionRequest& request) {
  if (BrokenLimit(request.transaction).has_value()) return;
  Command command;
  command.session = request.session;
  command.sequence = request.sequence;
  command.acknowledged = request.acknowledged;
  command.transaction = request.transaction;
  const auto logged = DecodeCommand(EncodeCommand(command).view());
  GRASS_CHECK(logged.has_value() && *logged == command);
}

template <class WireMessage>
void Request(std::string_view bytes) {
  auto message = Parsed<WireMessage>(bytes);
  if (!message.has_value()) return;
  const absl::StatusOr<ClientRequest> request = FromWire(*std::move(message));
  if (!request.ok()) {
    GRASS_CHECK(!request.status().message().empty());
    return;
  }
  const absl::StatusOr<ClientRequest> again = std::visit(Again(), *request);
  GRASS_CHECK_MSG(again.ok(), std::string(again.status().message()));
  GRASS_CHECK(*again == *request);
  if (const auto* write = std::get_if<TransactionRequest>(&*request)) CheckCommand(*write);
  if (!GoesThroughAPipeline(*request)) return;
  wire::PipelineOperation operation;
  ToWire(*request, &operation);
  const absl::StatusOr<ClientRequest> piped = FromWire(std::move(operation));
  GRASS_CHECK_MSG(piped.ok(), std::string(piped.status().message()));
  GRASS_CHECK(*piped == *request);
}

// A reply says less once a node has it (what is not of its code is left out), and no less than that
// the next time.
template <class Response>
void Answer(std::string_view bytes) {
  auto message = Parsed<Response>(bytes);
  if (!message.has_value()) return;
  absl::StatusOr<Reply> reply = ReplyFrom(*std::move(message));
  if (!reply.ok()) return;
  std::string before;
  for (int pass = 0; pass < 3; ++pass) {
    Response response;
    ToWire(*std::move(reply), &response);
    const std::string text = response.SerializeAsString();
    GRASS_CHECK(pass < 2 || text == before);
    before = text;
    reply = ReplyFrom(std::move(response));
    GRASS_CHECK_MSG(reply.ok(), std::string(reply.status().message()));
  }
}

void PipelinedAnswer(std::string_view bytes) {
  auto message = Parsed<wire::PipelineAnswer>(bytes);
  if (message.has_value()) (void)ReplyFrom(*std::move(message));
}

using Target = void (*)(std::string_view);
constexpr Target kTargets[] = {
    Request<wire::GetRequest>,
    Request<wire::SetRequest>,
    Request<wire::TransactRequest>,
    Request<wire::OpenSessionRequest>,
    Request<wire::CloseSessionRequest>,
    Request<wire::TakeSnapshotRequest>,
    Request<wire::TransferLeadershipRequest>,
    Request<wire::ChangeMembershipRequest>,
    Request<wire::PipelineOperation>,
    Answer<wire::GetResponse>,
    Answer<wire::SetResponse>,
    Answer<wire::TransactResponse>,
    Answer<wire::OpenSessionResponse>,
    Answer<wire::CloseSessionResponse>,
    Answer<wire::TakeSnapshotResponse>,
    Answer<wire::TransferLeadershipResponse>,
    Answer<wire::ChangeMembershipResponse>,
    PipelinedAnswer,
};

}  // namespace
}  // namespace grassdb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 65536) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  grassdb::kTargets[data[0] % std::size(grassdb::kTargets)](bytes);
  return 0;
}
