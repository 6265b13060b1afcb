// Linearizability by a witness. The log is an order of all operations already: each answer names
// the revision of the store that it saw, or that it made. So nothing has to be searched, and the
// verdict is never "unknown":
//
//   - every committed revision was asked for by one operation, was not refused, and is all that the
//     operation would have made of a plain map, and no more;
//   - an operation that returned saw, and did, at its revision what a plain map would have given,
//     in all keys at once;
//   - whatever returned before it was invoked is at that revision or before it (before, if it
//     changed something), and nothing that it could have seen was invoked after it had returned. A
//     stale read may be at any revision before that, but not at one that did not exist yet.
//
// It trusts the revisions, which the search (linearizability.h) does not look at: each of the two
// sees what the other one may miss.
#ifndef GRASSDB_SIM_CHECKERS_WITNESS_H_
#define GRASSDB_SIM_CHECKERS_WITNESS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/history.h"

namespace grassdb::sim {

// A change of the store.
struct CommittedChange {
  std::uint64_t revision = 0;
  std::uint32_t key = 0;
  ValueNumber value = 0;  // 0: the key was deleted
};

// Where what is checked begins, if that is not the beginning of a run (history_parts.h).
struct WitnessBase {
  std::uint64_t revision = 0;                   // of `values`; only what follows it is known
  std::map<std::uint32_t, ValueNumber> values;  // by key; without the keys that are not there
  // Not below `revision`. Somebody was known to have asked for every revision up to here, and who
  // did may be gone from the history.
  std::uint64_t told = 0;
};

// What is wrong, for a person; nullopt: the order of the log explains what the clients saw.
// `history` is History::Witnessed(), `refused` History::Refused(). `changes` are in the order of
// the log, with every revision that follows that of the base. What a stale read gave at one before
// it is not known, and only held to its time.
std::optional<std::string> CheckWitness(const std::vector<HistoryOperation>& history,
                                        const std::vector<HistoryOperation>& refused,
                                        const std::vector<CommittedChange>& changes,
                                        const WitnessBase& base = {});

// As CheckWitness; what is wrong is a violation.
void RequireWitness(const std::vector<HistoryOperation>& history,
                    const std::vector<HistoryOperation>& refused,
                    const std::vector<CommittedChange>& changes, const WitnessBase& base = {});

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_WITNESS_H_
