// What an operator asks of the membership, and the configuration it leads to. Pure: the rules that
// need to know who is reachable and who has caught up are Raft's (core/membership.cc).
#ifndef GRASSDB_CORE_MEMBER_CHANGE_H_
#define GRASSDB_CORE_MEMBER_CHANGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/configuration.h"
#include "core/limits.h"

namespace grassdb {

struct MemberChange {
  enum class Kind : std::uint8_t {
    kAdd = 1,         // as a learner that becomes a voter by itself once it has caught up
    kAddLearner = 2,  // as a learner, for good
    kRemove = 3,
    kPromote = 4,  // a learner becomes a voter; refused while it has not caught up
    kDemote = 5,   // a voter becomes a learner
    kReplace = 6,  // kAdd of `name`; when it becomes a voter, `replaced` leaves
    kMove = 7,     // the member has a new address
  };

  Kind kind = Kind::kAdd;
  std::string name;
  std::string address;   // kAdd, kAddLearner, kReplace, kMove
  std::string replaced;  // kReplace: the name of a voter

  friend bool operator==(const MemberChange&, const MemberChange&) = default;
};

// The configuration that all of `changes` together, in their order, lead to from `from`. `from` is
// not joint. What is as wanted already stays as it is, so that a repeated request changes nothing.
// InvalidArgument: why not, in words for a person.
absl::StatusOr<Configuration> ChangedConfiguration(const Configuration& from,
                                                   const std::vector<MemberChange>& changes);

}  // namespace grassdb

#endif  // GRASSDB_CORE_MEMBER_CHANGE_H_
