// HealthService: gRPC's standard health protocol. A node is SERVING while it knows a leader and has
// its state loaded.
#ifndef GRASSDB_NET_HEALTH_SERVICE_H_
#define GRASSDB_NET_HEALTH_SERVICE_H_

#include <cstdint>
#include <set>

#include "net/stream_service.h"

namespace grassdb::net {

enum class Serving : std::uint8_t { kNo, kYes };

class HealthService {
 public:
  // Outlives the streams of `streams`.
  void AddTo(StreamService* streams);
  // Tells whoever watches, if it is news.
  void Set(Serving serving);

 private:
  class Check;
  class Watch;

  Serving serving_ = Serving::kNo;
  std::set<Watch*> watches_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_HEALTH_SERVICE_H_
