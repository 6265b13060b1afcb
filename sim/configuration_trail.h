// ConfigurationTrail: the configurations that a cluster has had or may yet come to have, for
// decisions about the cluster as a whole. Fed with every configuration entry that goes to a disk
// and with every commit index; whether the checkers are on makes no difference to it.
#ifndef GRASSDB_SIM_CONFIGURATION_TRAIL_H_
#define GRASSDB_SIM_CONFIGURATION_TRAIL_H_

#include <map>
#include <utility>
#include <vector>

#include "core/configuration.h"
#include "core/entry.h"
#include "core/raft.h"
#include "core/types.h"
#include "sim/checkers/durable_image.h"

namespace grassdb::sim {

class ConfigurationTrail {
 public:
  explicit ConfigurationTrail(const Configuration& bootstrap) {
    settled_.push_back({Index(), Term(), bootstrap});
  }

  // These entries are about to be made durable somewhere.
  void Note(const std::vector<Entry>& entries);
  // A node knows that its log is committed up to its commit index.
  void ObserveCommit(const Raft& raft) {
    if (raft.commit_index() > committed_) Advance(raft);
  }

  // The highest index that any node has known to be committed, and the term of its entry.
  Index committed() const { return committed_; }
  Term committed_term() const { return committed_term_; }
  // The newest committed configuration, and all those of entries behind what is committed, whoever
  // may still have them.
  std::vector<Configuration> InForce() const;
  // Whether the disk `incarnation` of `node`, which has this on it, is one whose promises count
  // (Raft::standing). False where that is long ago and nobody can tell.
  bool IsProven(NodeId node, Incarnation incarnation, const DurableImage& disk) const;

 private:
  struct Settled {
    Index index;
    Term term;  // 0: of the bootstrap configuration, or not known
    Configuration configuration;
  };
  // Older ones matter to nobody who has kept up at all.
  static constexpr std::size_t kSettledMax = 32;

  void Advance(const Raft& raft);

  Index committed_;
  Term committed_term_;
  std::vector<Settled> settled_;  // ascending; never empty
  std::map<std::pair<Index, Term>, Configuration> open_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CONFIGURATION_TRAIL_H_
