// Durable before promised: no message promises what is not on its sender's disk (thesis 3.8). A
// vote, a vote request and anything a leader says rest on the term and the vote; an acknowledgement
// rests on the term and the entries; "installed" rests on the snapshot.
//
// Who repairs itself promises nothing: it does not know all that it has promised before.
//
// Match rests on disk: a leader never believes of a follower more than that follower has durably.
//
// Leadership rests on votes: a quorum of the voters of a leader's configuration has its vote for
// that leader on disk, or has gone on to a later term since.
//
// Commit rests on a quorum: an entry is called committed only when it is durable on a majority of
// the voters of the leader's configuration, of both halves if that is joint. A configuration itself
// is committed by its own quorum, for it is in force from when it was appended (thesis 4.1).
//
// A node whose disk was lost or rolled back is, until the others know of it, excused for what it
// had promised before and for nothing else: what nobody could know to be gone rests on the disk
// that is gone, and whatever is said afterwards on the one that there is.
#ifndef GRASSDB_SIM_CHECKERS_PROMISES_H_
#define GRASSDB_SIM_CHECKERS_PROMISES_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "core/configuration.h"
#include "core/log.h"
#include "core/message.h"
#include "core/progress.h"
#include "sim/checkers/durable_image.h"

namespace grassdb::sim {

// The durable image of a member; null for a stranger.
using ImageOf = std::function<const DurableImage*(NodeId)>;

class Promises {
 public:
  // `message` leaves a node whose disk holds `image`.
  static void CheckMessage(const Message& message, const DurableImage& image);
  // The same, of a node that repairs itself.
  static void CheckRepair(const Message& message, const DurableImage& image);
  // A leader of `term` with `log` believes `followers` of its followers.
  static void CheckMatch(Term term, const Log& log, const std::vector<Progress>& followers,
                         const ImageOf& image_of);
  // `leader` has just won `term`.
  static void CheckVotes(Term term, NodeId leader, const Configuration& configuration,
                         const ImageOf& image_of);
  static void CheckQuorum(Index index, Term term, const Configuration& configuration,
                          const ImageOf& image_of);
  static bool RestsOnQuorum(Index index, Term term, const Configuration& configuration,
                            const ImageOf& image_of);
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_PROMISES_H_
