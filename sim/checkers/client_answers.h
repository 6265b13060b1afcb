// Client answers: what a client is told fits what it has asked for, by itself. What no history of
// operations needs to be looked at for:
//
//   - a node answers a request once, and only one that it was asked;
//   - what breaks a limit is refused;
//   - a write says of each of its operations what it gave, and of the branch that ran no others;
//   - what is read was once written, under a key that was;
//   - a transaction that reads what it has written itself reads it with the revision that it has.
#ifndef GRASSDB_SIM_CHECKERS_CLIENT_ANSWERS_H_
#define GRASSDB_SIM_CHECKERS_CLIENT_ANSWERS_H_

#include <cstdint>
#include <cstdlib>
#include <string>

#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class ClientAnswers {
 public:
  // Of what clients write: keys are "k" and a number, values "v", a number and something more.
  static std::uint64_t NumberOfKey(const std::string& key) {
    GRASS_RULE("client", key.size() > 1 && key[0] == 'k', "a key that nobody wrote was written");
    return std::strtoull(key.c_str() + 1, nullptr, 10);
  }
  static std::uint64_t NumberOfValue(const std::string& text) {
    GRASS_RULE("client", text.size() > 1 && text[0] == 'v', "a value that nobody wrote was read");
    return std::strtoull(text.c_str() + 1, nullptr, 10);
  }

  // `open`: the host has been asked this, and has not answered it.
  static void CheckRequest(std::uint32_t host, bool open) {
    GRASS_RULE("client", open, NodeName(host) + " answers a request twice, or one never made");
  }
  // Of a request that breaks a limit.
  static void CheckSlip(bool taken) {
    GRASS_RULE("client", !taken, "a request that breaks a limit was taken");
  }
  // Of a write with so many operations in the branch that ran.
  static void CheckResults(std::size_t operations, std::size_t results) {
    GRASS_RULE("client", operations == results,
               "a write of " + Decimal(operations) + " operations says what " + Decimal(results) +
                   " gave");
  }
  // Of a compare-and-set that has read its key before and after it has written it. Each of the two
  // is as it should be, or not.
  static void CheckSwap(bool reads_what_it_compared, bool reads_what_it_wrote) {
    GRASS_RULE("client", reads_what_it_compared && reads_what_it_wrote,
               "a compare-and-set has read another value than it has compared or written");
  }
  // Of a get in a transaction: whether its value is one of the transaction's own, the revision that
  // it has, and that of the transaction.
  static void CheckOwnRead(bool own, std::uint64_t revision, std::uint64_t transaction) {
    GRASS_RULE("client", !own || revision == transaction,
               "a transaction of revision " + Decimal(transaction) +
                   " has read what it has written itself with revision " + Decimal(revision));
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_CLIENT_ANSWERS_H_
