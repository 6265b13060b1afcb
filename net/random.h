// Randomness of the machine, for seeds and secrets.
#ifndef GRASSDB_NET_RANDOM_H_
#define GRASSDB_NET_RANDOM_H_

#include <cstdint>
#include <random>

namespace grassdb::net {

inline std::uint64_t RandomNumber() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace grassdb::net

#endif  // GRASSDB_NET_RANDOM_H_
