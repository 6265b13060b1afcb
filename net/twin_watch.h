// TwinWatch: notices that two processes run as the same node, with a data directory each: somebody
// has started a node under the --id of another one.
//
// A node that lost its data comes back with another incarnation, and is not heard with the old one
// any more. So what shows two processes is incarnations that take turns, and go on doing so for
// longer than messages of a former life can wait in a socket. Two processes on copies of one data
// directory have the same incarnation and are not noticed.
#ifndef GRASSDB_NET_TWIN_WATCH_H_
#define GRASSDB_NET_TWIN_WATCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/types.h"

namespace grassdb::net {

class TwinWatch {
 public:
  // Where a message came from, in words for a person.
  using Source = std::function<std::string()>;
  struct Life {
    Incarnation incarnation;
    std::string source;  // of its newest message that came after one of the other
  };
  struct Twins {
    Life one;  // the one just heard
    Life other;
  };

  // To be called with every message of a peer. Gives what is to be told, once a minute at most for
  // each node.
  std::optional<Twins> Heard(Instant now, NodeId from, Incarnation incarnation,
                             const Source& source);

 private:
  struct Seen {
    Life current;
    Life former;
    Instant replaced_at = Instant::min();  // when `current` was first heard after `former`
    std::uint64_t returns = 0;             // since then, of either
    Instant told_at = Instant::min();
  };

  std::map<NodeId, Seen> seen_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_TWIN_WATCH_H_
