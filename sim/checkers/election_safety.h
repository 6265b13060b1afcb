// Election safety (thesis 3.4, figure 3.2): at most one leader can be elected in a given term.
#ifndef GRASSDB_SIM_CHECKERS_ELECTION_SAFETY_H_
#define GRASSDB_SIM_CHECKERS_ELECTION_SAFETY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/types.h"
#include "sim/violation.h"

namespace grassdb::sim {

class ElectionSafety {
 public:
  // `node` leads in `term`, in its life `life`: a restarted node does not lead an old term again.
  // True if this leadership was not seen before.
  bool ObserveLeader(std::uint32_t node, std::uint64_t life, Term term) {
    if (term < released_) return false;
    const auto [found, inserted] = leaders_.try_emplace(term, node, life);
    GRASS_RULE("election safety", found->second == std::pair(node, life),
               NodeName(node) + " (life " + Decimal(life) + ") and n" +
                   Decimal(found->second.first + 1) + " (life " + Decimal(found->second.second) +
                   ") both lead in term " + Decimal(term.value()));
    if (inserted) ++leaderships_;
    if (leaders_.size() > kTermsKept) {
      leaders_.erase(leaders_.begin());
      released_ = leaders_.begin()->first;
    }
    return inserted;
  }
  // nullopt if none was seen, or it is forgotten.
  std::optional<std::uint32_t> LeaderOf(Term term) const {
    const auto found = leaders_.find(term);
    return found == leaders_.end() ? std::nullopt : std::optional(found->second.first);
  }
  std::size_t leaderships() const { return leaderships_; }
  std::size_t Bytes() const { return leaders_.size() * sizeof(*leaders_.begin()); }

 private:
  // With a leader; of older ones nobody is asked any more.
  static constexpr std::size_t kTermsKept = 4096;

  std::size_t leaderships_ = 0;
  Term released_;
  std::map<Term, std::pair<std::uint32_t, std::uint64_t>> leaders_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_ELECTION_SAFETY_H_
