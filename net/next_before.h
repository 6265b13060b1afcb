// Waiting for the next event of a completion queue until an exact time. The queue's own deadlines
// are rounded up to whole milliseconds, and a deadline of "now" becomes one too: up to 2 ms late,
// which is more than most operations take.
#ifndef GRASSDB_NET_NEXT_BEFORE_H_
#define GRASSDB_NET_NEXT_BEFORE_H_

#include <grpcpp/grpcpp.h>

#include "core/types.h"

namespace grassdb::net {

// How late AsyncNext may come back from a deadline, generously.
inline constexpr Duration kQueueRounding = std::chrono::microseconds(2500);

// As queue.AsyncNext, but TIMEOUT comes within about 0.1 ms of `until`. The last milliseconds
// before `until` are spent asking the queue and sleeping in turns, so an event that comes in them
// is seen up to about 0.1 ms late.
grpc::CompletionQueue::NextStatus NextBefore(grpc::CompletionQueue& queue, Instant until,
                                             void** tag, bool* ok);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_NEXT_BEFORE_H_
