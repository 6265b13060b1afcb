#include "net/health_service.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/health.pb.h"

namespace grassdb::net {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// The services that have a health; "" is the server as a whole.
constexpr std::array<std::string_view, 3> kServices = {"", "grassdb.Database", "grassdb.Admin"};

bool IsKnown(std::string_view service) {
  return std::ranges::find(kServices, service) != kServices.end();
}

std::string Encode(HealthCheckResponse::ServingStatus status) {
  HealthCheckResponse response;
  response.set_status(status);
  return response.SerializeAsString();
}

std::string Encode(Serving serving) {
  return Encode(serving == Serving::kYes ? HealthCheckResponse::SERVING
                                         : HealthCheckResponse::NOT_SERVING);
}

// The service that is asked for; nullopt for bytes that are no request.
std::optional<std::string> ServiceIn(std::string_view message) {
  HealthCheckRequest request;
  if (!request.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return std::nullopt;
  }
  return request.service();
}

absl::Status Malformed() {
  return absl::InvalidArgumentError("not a HealthCheckRequest");
}

}  // namespace

class HealthService::Check final : public StreamHandler {
 public:
  Check(HealthService* service, ServerStream* stream) : service_(service), stream_(stream) {}

  absl::Status OnMessage(std::string_view message) override {
    const std::optional<std::string> name = ServiceIn(message);
    if (!name.has_value()) return Malformed();
    if (!IsKnown(*name)) return absl::NotFoundError("there is no service " + *name);
    stream_->Send(Encode(service_->serving_));
    return absl::OkStatus();
  }

 private:
  HealthService* const service_;
  ServerStream* const stream_;
};

class HealthService::Watch final : public StreamHandler {
 public:
  Watch(HealthService* service, ServerStream* stream) : service_(service), stream_(stream) {}
  ~Watch() override { service_->watches_.erase(this); }

  absl::Status OnMessage(std::string_view message) override {
    const std::optional<std::string> name = ServiceIn(message);
    if (!name.has_value()) return Malformed();
    if (IsKnown(*name)) {
      service_->watches_.insert(this);
      Tell();
    } else {
      stream_->Send(Encode(HealthCheckResponse::SERVICE_UNKNOWN));
    }
    return absl::OkStatus();
  }
  void OnHalfClose(ServerStream&) override {}  // who watches has asked, and waits

  void Tell() { stream_->Send(Encode(service_->serving_)); }

 private:
  HealthService* const service_;
  ServerStream* const stream_;
};

void HealthService::AddTo(StreamService* streams) {
  streams->Add("/grpc.health.v1.Health/Check",
               [this](ServerStream* stream) { return std::make_unique<Check>(this, stream); });
  streams->Add("/grpc.health.v1.Health/Watch",
               [this](ServerStream* stream) { return std::make_unique<Watch>(this, stream); });
}

void HealthService::Set(Serving serving) {
  if (serving == serving_) return;
  serving_ = serving;
  for (Watch* watch : watches_) watch->Tell();
}

}  // namespace grassdb::net
