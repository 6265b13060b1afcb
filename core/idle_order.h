// IdleOrder: the sessions in the order of their last use, so that the one that has been idle
// longest is found at once (thesis 6.3: sessions expire). Uses come in the order of time.
//
// A list whose nodes are places in a vector: a use moves one to the end and takes no memory, and a
// copy of the whole is a copy. Places of sessions that are gone are given to later ones.
#ifndef GRASSDB_CORE_IDLE_ORDER_H_
#define GRASSDB_CORE_IDLE_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/check.h"
#include "core/command.h"
#include "core/types.h"

namespace grassdb {

class IdleOrder {
 public:
  // Of a session, for as long as it is here; never Place().
  using Place = std::uint32_t;

  bool empty() const { return size() == 0; }
  std::size_t size() const { return nodes_.size() - 1 - free_.size(); }
  // Of the session that has been idle longest. Not empty.
  SessionId oldest() const { return Oldest().session; }
  ClusterTime oldest_use() const { return Oldest().used; }

  // A session that is used for the first time, at a time that is not before any other's last.
  Place Add(SessionId session, ClusterTime used) {
    Place place{};
    if (free_.empty()) {
      place = static_cast<Place>(nodes_.size());
      nodes_.emplace_back();
    } else {
      place = free_.back();
      free_.pop_back();
    }
    nodes_[place].session = session;
    LinkAsNewest(place, used);
    return place;
  }
  // It is used again; of `used` the same is true.
  void Renew(Place place, ClusterTime used) {
    Unlink(place);
    LinkAsNewest(place, used);
  }
  void Remove(Place place) {
    Unlink(place);
    free_.push_back(place);
  }

 private:
  // No session's: behind it is the oldest, before it the newest.
  static constexpr Place kEnds{};
  struct Node {
    SessionId session;
    ClusterTime used = 0;
    Place before = kEnds;
    Place behind = kEnds;
  };

  const Node& Oldest() const {
    GRASS_CHECK(!empty());
    return nodes_[nodes_[kEnds].behind];
  }
  void LinkAsNewest(Place place, ClusterTime used) {
    Node& node = nodes_[place];
    node.used = used;
    node.before = nodes_[kEnds].before;
    node.behind = kEnds;
    nodes_[node.before].behind = place;
    nodes_[kEnds].before = place;
  }
  void Unlink(Place place) {
    const Node& node = nodes_[place];
    nodes_[node.before].behind = node.behind;
    nodes_[node.behind].before = node.before;
  }

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<Place> free_;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_IDLE_ORDER_H_
