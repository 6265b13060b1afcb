// Small pieces of the simulator's texts.
//
// Out of line on purpose: g++ 12 inlines std::to_string and then warns, wrongly, about "x" + it.
#ifndef GRASSDB_SIM_TEXT_H_
#define GRASSDB_SIM_TEXT_H_

#include <cstdint>
#include <string>

#include "core/types.h"

namespace grassdb::sim {

std::string Decimal(std::uint64_t value);

// With so many digits behind the point, rounded to nearest.
std::string Fixed(double value, int digits);

// "1500 ms", without what is below a millisecond.
std::string Milliseconds(Duration duration);

// "n1" for node 0: what every text calls a node.
std::string NodeName(std::uint32_t node);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_TEXT_H_
