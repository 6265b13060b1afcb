// The generated protobuf messages, in the C++ namespace grassdb_wire.
//
// The protobuf package is `grassdb`, which clients see in every method's path, and protoc makes it
// the C++ namespace too; there its GetRequest would be core's GetRequest. So the generated code is
// compiled under another namespace: here by this macro, in the generated sources by the same macro
// on the command line (proto/CMakeLists.txt). Names in descriptors and on the wire are strings and
// do not change. Include this header, never the generated ones.
#ifndef GRASSDB_PROTO_MESSAGES_H_
#define GRASSDB_PROTO_MESSAGES_H_

#define grassdb grassdb_wire
#include "proto/grassdb.pb.h"
#include "proto/raft.pb.h"
#undef grassdb

namespace grassdb {
namespace wire = ::grassdb_wire;
}  // namespace grassdb

#endif  // GRASSDB_PROTO_MESSAGES_H_
