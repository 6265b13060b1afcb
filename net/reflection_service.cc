#include "net/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "proto/reflection.pb.h"

namespace grassdb::net {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;

constexpr const char* kServices[] = {
    "grassdb.Admin",
    "grassdb.Database",
    "grassdb.raft.Raft",
    "grpc.health.v1.Health",
    "grpc.reflection.v1alpha.ServerReflection",
};

const DescriptorPool& Pool() {
  return *DescriptorPool::generated_pool();
}

void PutError(grpc::StatusCode code, const std::string& text, ServerReflectionResponse* response) {
  response->mutable_error_response()->set_error_code(code);
  response->mutable_error_response()->set_error_message(text);
}

// The file and all that it imports, each once.
void PutFile(const FileDescriptor* file, std::set<const FileDescriptor*>* seen,
             ServerReflectionResponse* response) {
  if (!seen->insert(file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  response->mutable_file_descriptor_response()->add_file_descriptor_proto(
      proto.SerializeAsString());
  for (int i = 0; i < file->dependency_count(); ++i) PutFile(file->dependency(i), seen, response);
}

void PutFileOr(const FileDescriptor* file, const std::string& wanted,
               ServerReflectionResponse* response) {
  if (file == nullptr)
    return PutError(grpc::StatusCode::NOT_FOUND, wanted + " is not here", response);
  std::set<const FileDescriptor*> seen;
  PutFile(file, &seen, response);
}

void Answer(const ServerReflectionRequest& request, ServerReflectionResponse* response) {
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      return PutFileOr(Pool().FindFileByName(request.file_by_filename()),
                       request.file_by_filename(), response);
    case ServerReflectionRequest::kFileContainingSymbol:
      return PutFileOr(Pool().FindFileContainingSymbol(request.file_containing_symbol()),
                       request.file_containing_symbol(), response);
    case ServerReflectionRequest::kListServices:
      for (const char* service : kServices) {
        response->mutable_list_services_response()->add_service()->set_name(service);
      }
      return;
    case ServerReflectionRequest::kFileContainingExtension:
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      return PutError(grpc::StatusCode::NOT_FOUND, "our messages have no extensions", response);
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      return PutError(grpc::StatusCode::INVALID_ARGUMENT, "the request asks for nothing", response);
  }
}

class Reflection final : public StreamHandler {
 public:
  explicit Reflection(ServerStream* stream) : stream_(stream) {}

  absl::Status OnMessage(std::string_view message) override {
    ServerReflectionRequest request;
    if (!request.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
      return absl::InvalidArgumentError("not a ServerReflectionRequest");
    }
    ServerReflectionResponse response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    Answer(request, &response);
    stream_->Send(response.SerializeAsString());
    return absl::OkStatus();
  }

 private:
  ServerStream* const stream_;
};

}  // namespace

void AddReflectionTo(StreamService* streams) {
  for (const char* package : {"v1alpha", "v1"}) {
    streams->Add(
        "/grpc.reflection." + std::string(package) + ".ServerReflection/ServerReflectionInfo",
        [](ServerStream* stream) { return std::make_unique<Reflection>(stream); });
  }
}

}  // namespace grassdb::net
