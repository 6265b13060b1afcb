// What an exploration stays within. Everything that is counted here is counted over the whole
// schedule, not per node.
#ifndef GRASSDB_SIM_EXPLORE_BOUNDS_H_
#define GRASSDB_SIM_EXPLORE_BOUNDS_H_

#include <cstdint>
#include <string>

namespace grassdb::sim::explore {

inline constexpr std::uint32_t kNodesMax = 5;
inline constexpr std::uint32_t kTermsMax = 7;
inline constexpr std::uint32_t kEntriesMax = 8;
inline constexpr std::uint32_t kReadsMax = 3;
inline constexpr std::uint32_t kFaultsMax = 15;  // of each kind
inline constexpr std::uint32_t kLogMax = kTermsMax + kEntriesMax;

enum class PreVotes : std::uint8_t {
  // A timeout is a campaign at once, as if a majority had answered yes to the pre-vote.
  kAssumed,
  // Every pre-vote and its answer is a message of its own. Timeouts need a bound then.
  kExplored,
};

enum class DiskSpeed : std::uint8_t {
  // What a step writes is durable some time later: a step of its own.
  kSlow,
  // It is durable at once. Far fewer states, in which no write is lost.
  kInstant,
};

// The defaults are those of `grass-sim explore` without a flag.
struct Bounds {
  std::uint32_t nodes = 3;
  std::uint32_t terms = 2;       // nobody campaigns for a higher one
  std::uint32_t entries = 1;     // proposals of clients; each leader's no-op comes on top
  std::uint32_t crashes = 0;     // of one node, which comes back
  std::uint32_t drops = 0;       // messages lost
  std::uint32_t duplicates = 0;  // messages delivered and kept
  std::uint32_t heartbeats = 0;  // a leader's interval ends; each asks every follower
  DiskSpeed disk = DiskSpeed::kSlow;
  PreVotes pre_votes = PreVotes::kAssumed;
  // 0: as many as `terms` leaves room for; with PreVotes::kExplored there is no such room, so it
  // must be said.
  std::uint32_t timeouts = 0;
  std::uint32_t append_max = 0;  // entries in one message; 0: as many as in production
  // Linearizable ones, that a leader is asked for. Not beside heartbeats: whom it asks to confirm
  // them hangs on whom it has heard last (replica.h), which is the same instant without.
  std::uint32_t reads = 0;

  friend bool operator==(const Bounds&, const Bounds&) = default;
};

// As on the command line of `grass-sim explore`: "--nodes 3 --terms 2 ...".
std::string FlagsOf(const Bounds& bounds);

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_BOUNDS_H_
