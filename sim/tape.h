// Tape: bytes that take part in the decisions of a run, for whoever wants to steer one (a fuzzer).
#ifndef GRASSDB_SIM_TAPE_H_
#define GRASSDB_SIM_TAPE_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace grassdb::sim {

class Tape {
 public:
  // `bytes` outlive this.
  explicit Tape(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  // For the next decision, in the order in which the run comes to them. 0, as after the end, leaves
  // it as the seed has it.
  std::uint8_t Next() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }
  // How many decisions have had their byte.
  std::size_t used() const { return at_; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_TAPE_H_
