// The generated gRPC services, in the C++ namespace grassdb_wire; proto/messages.h says why.
// Include this header, never the generated ones.
#ifndef GRASSDB_NET_STUBS_H_
#define GRASSDB_NET_STUBS_H_

// Whatever the generated headers include comes first, so that the macro below meets only them.
#include <grpcpp/grpcpp.h>

#include "proto/messages.h"

#define grassdb grassdb_wire
#include "proto/grassdb.grpc.pb.h"
#undef grassdb

#endif  // GRASSDB_NET_STUBS_H_
