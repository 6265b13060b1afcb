// The sockets of a replica: everything outside of it, as interfaces. Production plugs in gRPC, the
// machine's clock and files; the simulator plugs in itself.
#ifndef GRASSDB_CORE_ENVIRONMENT_H_
#define GRASSDB_CORE_ENVIRONMENT_H_

#include "core/api.h"
#include "core/disk.h"
#include "core/event.h"
#include "core/message.h"
#include "core/types.h"

namespace grassdb {

class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic within one life of the node.
  virtual Instant Now() const = 0;
};

class Network {
 public:
  virtual ~Network() = default;
  // May deliver the message, lose it, repeat it, delay it or reorder it. Never calls back into the
  // node from inside Send.
  virtual void Send(Message message) = 0;
};

class Clients {
 public:
  virtual ~Clients() = default;
  // The one answer to a request. Its transport may be gone already.
  virtual void Answer(RequestId request, Reply reply) = 0;
};

class Trace {
 public:
  virtual ~Trace() = default;
  virtual void OnEvent(Term term, const Event& event) = 0;
};

// All of them outlive the node.
struct Environment {
  Clock* clock = nullptr;
  Network* network = nullptr;
  Disk* disk = nullptr;
  Clients* clients = nullptr;
  Trace* trace = nullptr;  // may be null
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_ENVIRONMENT_H_
