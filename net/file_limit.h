// How many files and connections this process may have open.
#ifndef GRASSDB_NET_FILE_LIMIT_H_
#define GRASSDB_NET_FILE_LIMIT_H_

#include <cstdint>

namespace grassdb::net {

// Raises the soft limit to the hard one and returns what it is then. A shell's soft limit, 1024 as
// a rule, is there for programs that use select(); with it, a thousand idle clients would take the
// descriptors that the log's next segment needs.
std::uint64_t RaiseFileLimit();

}  // namespace grassdb::net

#endif  // GRASSDB_NET_FILE_LIMIT_H_
