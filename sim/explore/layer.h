// Layer: the states of one depth, packed behind one another, read once in the order written.
//
// A state is, in words of 32 bits: its Spent and the number of its messages; its history; its
// replicas in the order of the nodes; its messages, ascending. The numbers are the catalog's.
#ifndef GRASSDB_SIM_EXPLORE_LAYER_H_
#define GRASSDB_SIM_EXPLORE_LAYER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "core/check.h"
#include "sim/explore/bounds.h"

namespace grassdb::sim::explore {

// How much of each bound is used up, four bits each.
enum class Budget : std::uint8_t {
  kEntries,
  kCrashes,
  kDrops,
  kDuplicates,
  kHeartbeats,
  kTimeouts,
};
inline constexpr std::uint32_t kBudgetsMask = (1u << 24) - 1;

constexpr std::uint32_t SpentOf(std::uint32_t spent, Budget budget) {
  return spent >> (static_cast<std::uint32_t>(budget) * 4) & 15;
}
constexpr std::uint32_t SpendOne(std::uint32_t spent, Budget budget) {
  return spent + (1u << (static_cast<std::uint32_t>(budget) * 4));
}

class StateView {
 public:
  StateView(const std::uint32_t* words, std::uint32_t nodes) : words_(words), nodes_(nodes) {}

  std::uint32_t spent() const { return words_[0] & kBudgetsMask; }
  std::uint32_t history() const { return words_[1]; }
  std::uint32_t replica(std::uint32_t node) const { return words_[2 + node]; }
  std::span<const std::uint32_t> messages() const {
    return {words_ + 2 + nodes_, std::size_t{words_[0] >> 24}};
  }
  std::span<const std::uint32_t> words() const {
    return {words_, 2 + nodes_ + std::size_t{words_[0] >> 24}};
  }

 private:
  const std::uint32_t* words_;
  std::uint32_t nodes_;
};

class Layer {
 public:
  explicit Layer(std::uint32_t nodes) : nodes_(nodes) {}

  void Append(std::span<const std::uint32_t> words) {
    if (chunks_.empty() || chunks_.back().size() + words.size() > kChunkWords) {
      chunks_.emplace_back();
      chunks_.back().reserve(kChunkWords);
    }
    chunks_.back().insert(chunks_.back().end(), words.begin(), words.end());
    ++size_;
  }
  bool empty() const { return size_ == 0; }
  std::uint64_t size() const { return size_; }
  std::size_t bytes() const { return chunks_.size() * kChunkWords * sizeof(std::uint32_t); }

  // Gives every state to `visit` in the order appended and frees what has been read. Ends early if
  // it returns false.
  template <class Visit>
  void Consume(Visit visit) {
    while (!chunks_.empty()) {
      const std::vector<std::uint32_t>& chunk = chunks_.front();
      for (std::size_t at = 0; at < chunk.size();) {
        const StateView state(&chunk[at], nodes_);
        at += state.words().size();
        --size_;
        if (!visit(state)) return;
      }
      chunks_.pop_front();
    }
    GRASS_CHECK_EQ(size_, std::uint64_t{0});
  }

 private:
  static constexpr std::size_t kChunkWords = std::size_t{1} << 18;

  std::uint32_t nodes_;
  std::deque<std::vector<std::uint32_t>> chunks_;
  std::uint64_t size_ = 0;
};

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_LAYER_H_
