#include "core/idle_order.h"

#include <algorithm>
#include <vector>

#include "tests/property.h"

namespace grassdb {
namespace {

struct Use {
  SessionId session;
  ClusterTime used = 0;
  IdleOrder::Place place{};
};

// The sessions of `order`, as they go one after the other; of a copy, so that `order` stays.
void ExpectOrder(IdleOrder order, const std::vector<Use>& expected) {
  ASSERT_EQ(order.size(), expected.size());
  for (const Use& use : expected) {
    ASSERT_FALSE(order.empty());
    ASSERT_EQ(order.oldest(), use.session);
    ASSERT_EQ(order.oldest_use(), use.used);
    order.Remove(use.place);
  }
  ASSERT_TRUE(order.empty());
}

RC_GTEST_PROP(IdleOrder, AgreesWithAListThatIsSearched, ()) {
  IdleOrder order;
  std::vector<Use> uses;  // the oldest first
  ClusterTime now = 1;
  const auto steps = *rc::gen::inRange(0, 100);
  for (int step = 0; step < steps; ++step) {
    now += *rc::gen::inRange<ClusterTime>(0, 2);
    const auto kind = *rc::gen::inRange(0, 5);
    if (kind < 2 || uses.empty()) {
      const SessionId session(static_cast<std::uint64_t>(step) + 1);
      const IdleOrder::Place place = order.Add(session, now);
      RC_ASSERT(place != IdleOrder::Place());
      RC_ASSERT(std::ranges::find(uses, place, &Use::place) == uses.end());
      uses.push_back({session, now, place});
    } else {
      const auto at = uses.begin() +
                      static_cast<std::ptrdiff_t>(*rc::gen::inRange<std::size_t>(0, uses.size()));
      if (kind < 4) {
        order.Renew(at->place, now);
        at->used = now;
        std::rotate(at, at + 1, uses.end());
      } else {
        order.Remove(at->place);
        uses.erase(at);
      }
    }
    ExpectOrder(order, uses);
  }
}

TEST(IdleOrder, GivesThePlaceOfASessionThatIsGoneToALaterOne) {
  IdleOrder order;
  const IdleOrder::Place first = order.Add(SessionId(1), 1);
  const IdleOrder::Place second = order.Add(SessionId(2), 1);
  order.Remove(first);
  EXPECT_EQ(order.Add(SessionId(3), 1), first);
  ExpectOrder(order, {{SessionId(2), 1, second}, {SessionId(3), 1, first}});
}

}  // namespace
}  // namespace grassdb
