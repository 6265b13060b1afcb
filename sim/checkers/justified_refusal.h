// A refusal is justified: a node that meets damage repairs it, and refuses to start only over what
// nobody else could give back. That is its identity, and the newest record of its live log, behind
// which nothing says any more what it has promised (store/FORMAT.md, "Damage"). The newest one may
// be one that a crash has torn: where it has begun, and the rest of it cannot be read, nobody can
// tell it from one that was durable. A log of format 1 restates too little for that; there any
// damage to the live log will do.
//
// Or it wants room: where the log's end is lost and its file has none for a record in its place, a
// seal is all that fits, and the log can only go on in another file, which a full disk may not
// take.
//
// Not asked of a start in which a read was misdirected or failed once: the next one sees another
// disk.
#ifndef GRASSDB_SIM_CHECKERS_JUSTIFIED_REFUSAL_H_
#define GRASSDB_SIM_CHECKERS_JUSTIFIED_REFUSAL_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace grassdb::sim {

class JustifiedRefusal {
 public:
  enum class Over : std::uint8_t { kIdentity = 1, kLiveLog = 2 };
  // A file as a process can read it, with garbage for what it cannot, and as it should be.
  struct Shown {
    std::string legible;
    std::string sound;
  };
  using Show = std::function<std::optional<Shown>(std::string_view name)>;

  // The node called `name` has refused its disk, the directory `path`, with `status`.
  static Over Check(std::string_view name, const std::string& path, const absl::Status& status,
                    const Show& show);
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_JUSTIFIED_REFUSAL_H_
