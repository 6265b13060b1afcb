// Wire: what is said arrives as what was said.
//
//   - a message reads what it has written;
//   - nobody refuses what another one of them says, but for an operator's slip;
//   - what arrives says the same as what was sent;
//   - what is taken for a message in spite of flipped bits is one: its own bytes read as the same.
#ifndef GRASSDB_SIM_CHECKERS_WIRE_RULES_H_
#define GRASSDB_SIM_CHECKERS_WIRE_RULES_H_

#include <string>

#include "absl/status/status.h"
#include "sim/violation.h"

namespace grassdb::sim {

class WireRules {
 public:
  static void CheckReadsItself(bool reads, const std::string& name) {
    GRASS_RULE("wire", reads, name + " does not read what it has written");
  }
  static void CheckTaken(const absl::Status& refusal, const std::string& what) {
    GRASS_RULE("wire", refusal.ok(),
               what + " is refused by its receiver: " + std::string(refusal.message()));
  }
  static void CheckSame(bool same, const std::string& what) {
    GRASS_RULE("wire", same, what + " is not what was sent when it arrives");
  }
  static void CheckDamaged(bool is_one, const std::string& what) {
    GRASS_RULE("wire", is_one, what + " with flipped bits is taken, and is no message");
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_WIRE_RULES_H_
