// Wire: what is said, made into the bytes of proto/ and back, as on its way between two processes.
// In seeds that have it, every message between nodes and every request and reply of a client takes
// this way; in the others the values are handed over as they are.
//
// Rule "wire": what arrives is what was said. A conversion that loses a field, or refuses what a
// node may say, is found at the first message that has it; where nobody looks (black box), the
// receiver goes on with what has arrived.
#ifndef GRASSDB_SIM_WIRE_H_
#define GRASSDB_SIM_WIRE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/api.h"
#include "core/message.h"
#include "core/types.h"

namespace grassdb::sim {

enum class WireRule : std::uint8_t { kChecked = 1, kNotChecked = 2 };

class Wire {
 public:
  // `names`: of the nodes that a client may name.
  Wire(ClusterId cluster, std::vector<std::string> names, WireRule rule)
      : cluster_(cluster), names_(std::move(names)), rule_(rule) {}

  // What the receiver gets.
  Message Carry(Message message) const;
  // InvalidArgument: a request that the server refuses where it comes in.
  absl::StatusOr<ClientRequest> Carry(ClientRequest request) const;
  // `asked`: the place of the request among the alternatives of ClientRequest. An error that has no
  // field in the answer of its kind travels as a status of the call (net/reply_status.h), and is
  // handed over as it is.
  Reply Carry(std::size_t asked, Reply reply) const;

  // The message with a few of its bits flipped, which `random` draws, is read and forgotten. The
  // transport would have thrown it away; whoever reads it all the same must come through.
  void ReadDamaged(const Message& message, std::uint64_t random) const;

 private:
  bool checks() const { return rule_ == WireRule::kChecked; }

  ClusterId cluster_;
  std::vector<std::string> names_;
  WireRule rule_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_WIRE_H_
