#include "sim/text.h"

#include <array>
#include <cstdio>

namespace grassdb::sim {

std::string Decimal(std::uint64_t value) {
  return std::to_string(value);
}

std::string Fixed(double value, int digits) {
  std::array<char, 512> text;  // the largest double has 309 digits before the point
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string Milliseconds(Duration duration) {
  return Decimal(static_cast<std::uint64_t>(duration.count() / 1'000'000)) + " ms";
}

std::string NodeName(std::uint32_t node) {
  std::string name(1, 'n');
  name += std::to_string(node + 1);
  return name;
}

}  // namespace grassdb::sim
