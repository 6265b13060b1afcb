#include "net/address_book.h"

#include <utility>
#include <vector>

namespace grassdb::net {

AddressBook::AddressBook(const Configuration& recorded, const Configuration& given) {
  for (const Member& member : recorded.members()) {
    const Member* now = given.Find(member.id);
    if (now != nullptr && now->address != member.address) {
      moved_.emplace(member.id, Moved{.from = member.address, .to = now->address});
    }
  }
}

const std::string& AddressBook::Resolve(NodeId id, const std::string& address) const {
  const auto at = moved_.find(id);
  return at != moved_.end() && at->second.from == address ? at->second.to : address;
}

Configuration AddressBook::Resolve(const Configuration& configuration) const {
  std::vector<Member> members = configuration.members();
  for (Member& member : members) member.address = Resolve(member.id, member.address);
  return Configuration(std::move(members));
}

}  // namespace grassdb::net
