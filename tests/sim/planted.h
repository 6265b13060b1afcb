// For the tests that show a checker a violation of its rule: which rule was broken, and a list of
// where, which tests/sim/planted_rules.cc holds against the rules that there are.
#ifndef GRASSDB_TESTS_SIM_PLANTED_H_
#define GRASSDB_TESTS_SIM_PLANTED_H_

#include <functional>
#include <set>
#include <string>

#include "sim/violation.h"

namespace grassdb::sim {

// "sim/checkers/promises.cc:22" of each rule that was broken so far in this process.
inline std::set<std::string>& BrokenAt() {
  static std::set<std::string> places;
  return places;
}

// The violation that `body` ends with; of no rule if it does not.
inline Violation ViolationBy(const std::function<void()>& body) {
  try {
    body();
  } catch (const Violation& violation) {
    BrokenAt().insert(violation.where);
    return violation;
  }
  return {};
}

// The rule that `body` breaks; empty if none.
inline std::string RuleBrokenBy(const std::function<void()>& body) {
  return ViolationBy(body).rule;
}

}  // namespace grassdb::sim

#endif  // GRASSDB_TESTS_SIM_PLANTED_H_
