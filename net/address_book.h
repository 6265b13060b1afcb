// AddressBook: where the members of the cluster are reached.
#ifndef GRASSDB_NET_ADDRESS_BOOK_H_
#define GRASSDB_NET_ADDRESS_BOOK_H_

#include <map>
#include <string>
#include <string_view>

#include "core/configuration.h"

namespace grassdb::net {

// The log's configuration carries every member's address, as it was given when the cluster was
// born. A node that is started with another address for a member, because that machine has moved,
// uses the new one in its place, for as long as the log still says what it said at the birth.
class AddressBook {
 public:
  AddressBook() = default;
  // `recorded`: the bootstrap configuration on disk; `given`: the one this start was given.
  AddressBook(const Configuration& recorded, const Configuration& given);

  // Where to reach a member that the log lists at `address`.
  const std::string& Resolve(NodeId id, const std::string& address) const;
  Configuration Resolve(const Configuration& configuration) const;

 private:
  struct Moved {
    std::string from;
    std::string to;
  };
  std::map<NodeId, Moved> moved_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_ADDRESS_BOOK_H_
