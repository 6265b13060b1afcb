// Logs for the tests of checkers, made of nothing but their terms.
#ifndef GRASSDB_TESTS_SIM_LOGS_H_
#define GRASSDB_TESTS_SIM_LOGS_H_

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/entry.h"
#include "core/log.h"
#include "sim/checkers/durable_image.h"

namespace grassdb::sim {

inline Entry EntryOf(std::uint64_t index, std::uint64_t term, std::string_view payload = "x") {
  return {Index(index), Term(term), EntryType::kCommand, Bytes(payload)};
}

inline SnapshotMeta MetaOf(std::uint64_t index, std::uint64_t term) {
  SnapshotMeta meta;
  meta.index = Index(index);
  meta.term = Term(term);
  return meta;
}

// A log of entries 1, 2, ... with these terms.
inline Log LogOf(const std::vector<std::uint64_t>& terms, std::string_view payload = "x") {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    entries.push_back(EntryOf(i + 1, terms[i], payload));
  }
  return Log(Index(), Term(), std::move(entries));
}

// Entries from `first` on.
inline Persist PersistOf(const std::vector<std::uint64_t>& terms, std::uint64_t first = 1) {
  Persist persist;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    persist.entries.push_back(EntryOf(first + i, terms[i]));
  }
  return persist;
}

// A disk that holds such a log.
inline DurableImage ImageOfTerms(const std::vector<std::uint64_t>& terms, std::uint64_t term = 0,
                                 NodeId vote = NodeId()) {
  DurableImage image;
  Persist persist = PersistOf(terms);
  persist.hard_state = HardState{Term(term), vote};
  image.Apply(persist);
  return image;
}

}  // namespace grassdb::sim

#endif  // GRASSDB_TESTS_SIM_LOGS_H_
