// Reflection: gRPC's standard protocol by which grpcurl and its like learn of our services. Answers
// from the descriptors that are linked into the program.
#ifndef GRASSDB_NET_REFLECTION_SERVICE_H_
#define GRASSDB_NET_REFLECTION_SERVICE_H_

#include "net/stream_service.h"

namespace grassdb::net {

// Adds the protocol's v1alpha and its v1, which differ only in the package's name.
void AddReflectionTo(StreamService* streams);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_REFLECTION_SERVICE_H_
