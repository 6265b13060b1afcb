// The event queue: virtual time, and what is to happen when. A four-ary heap of small plain events
// ordered by (time, order of scheduling), so that the order of a run is total and reproducible.
#ifndef GRASSDB_SIM_EVENT_QUEUE_H_
#define GRASSDB_SIM_EVENT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/check.h"
#include "sim/true_time.h"

namespace grassdb::sim {

// Values are part of every fingerprint: append, never renumber.
enum class EventType : std::uint32_t {
  kDeliver = 1,       // target: host; value: slot of the message
  kRequest = 2,       // target: host; value: slot of the client packet
  kReply = 3,         // target: client; value: slot of the client packet
  kHostWork = 4,      // target: host; value: life
  kHostTimer = 5,     // target: host; value: life
  kDiskDone = 6,      // target: host; value: life
  kHostStart = 7,     // target: host; value: life
  kHostBoot = 8,      // target: host; value: life that ended
  kClientWake = 9,    // target: client
  kFaultBegins = 10,  // target: kind of fault; value: number of the occurrence
  kFaultEnds = 11,    // target: kind of fault; value: number of the occurrence
  // 12 was used once.
  kTrapSprings = 13,  // target: host; value: life
  kFaultPulse = 14,   // target: kind of fault; value: number of the occurrence
};

struct SimEvent {
  TrueTime at;
  std::uint64_t order = 0;
  EventType type = EventType::kDeliver;
  std::uint32_t target = 0;
  std::uint64_t value = 0;
};

class EventQueue {
 public:
  TrueTime now() const { return now_; }
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }

  // `at` is not in the past.
  void Push(TrueTime at, EventType type, std::uint32_t target, std::uint64_t value) {
    GRASS_CHECK(at >= now_);
    heap_.push_back({at, next_order_++, type, target, value});
    SiftUp(heap_.size() - 1);
  }

  // Takes the next event out and moves the time to it. The queue is not empty.
  SimEvent Pop() {
    GRASS_CHECK(!heap_.empty());
    const SimEvent top = heap_.front();
    const SimEvent last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) SiftDown(last);
    now_ = top.at;
    return top;
  }

 private:
  static constexpr std::size_t kArity = 4;

  static bool Earlier(const SimEvent& a, const SimEvent& b) {
    return a.at != b.at ? a.at < b.at : a.order < b.order;
  }

  void SiftUp(std::size_t at) {
    const SimEvent moving = heap_[at];
    while (at > 0) {
      const std::size_t parent = (at - 1) / kArity;
      if (!Earlier(moving, heap_[parent])) break;
      heap_[at] = heap_[parent];
      at = parent;
    }
    heap_[at] = moving;
  }

  void SiftDown(const SimEvent& moving) {
    std::size_t at = 0;
    for (;;) {
      const std::size_t first = at * kArity + 1;
      if (first >= heap_.size()) break;
      const std::size_t end = first + kArity < heap_.size() ? first + kArity : heap_.size();
      std::size_t best = first;
      for (std::size_t child = first + 1; child < end; ++child) {
        if (Earlier(heap_[child], heap_[best])) best = child;
      }
      if (!Earlier(heap_[best], moving)) break;
      heap_[at] = heap_[best];
      at = best;
    }
    heap_[at] = moving;
  }

  TrueTime now_;
  std::uint64_t next_order_ = 0;
  std::vector<SimEvent> heap_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_EVENT_QUEUE_H_
