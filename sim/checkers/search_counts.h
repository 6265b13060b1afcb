// What the searches for a linearization have come to, of one history or of many.
#ifndef GRASSDB_SIM_CHECKERS_SEARCH_COUNTS_H_
#define GRASSDB_SIM_CHECKERS_SEARCH_COUNTS_H_

#include <algorithm>
#include <cstdint>

namespace grassdb::sim {

struct SearchCounts {
  std::uint64_t keys = 0;       // a key counts in each history that has it
  std::uint64_t undecided = 0;  // of them, those on which the search was given up
  std::uint64_t bytes_max = 0;  // that the searches of one history took, all together

  SearchCounts& operator+=(const SearchCounts& other) {
    keys += other.keys;
    undecided += other.undecided;
    bytes_max = std::max(bytes_max, other.bytes_max);
    return *this;
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_SEARCH_COUNTS_H_
