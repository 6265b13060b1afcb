// Copier: an operator who copies the state of one node after the other while the cluster works
// (`grass-cli backup`), piece by piece, beside the node, so that no network comes in between.
//
// The rule: a copy that ends is the state after some committed index, and has every write that had
// been acknowledged to anybody when it began. It may be refused at any time, never wrong.
#ifndef GRASSDB_SIM_COPIER_H_
#define GRASSDB_SIM_COPIER_H_

#include <cstdint>
#include <optional>

#include "core/api.h"
#include "core/kv_snapshot.h"
#include "sim/checkers/checkers.h"
#include "sim/history.h"

namespace grassdb::sim {

// Who is copied.
class CopySources {
 public:
  virtual ~CopySources() = default;
  virtual bool MayBeCopied(std::uint32_t host) const = 0;
  // Answered through Copier::OnAnswer, once, at once or later, unless the host goes down.
  virtual void AskForCopy(std::uint32_t host, RequestId id, const BackupRequest& request) = 0;
};

class Copier {
 public:
  // All of them outlive the copier. Requests have ids with `slot` in their lower half.
  Copier(const KvOptions& options, std::uint64_t slot, CopySources* sources, const History* history,
         const Checkers* checkers);

  // Begins with the host, unless a copy is under way or the host is not up.
  void Begin(std::uint32_t host);
  void OnAnswer(std::uint32_t host, RequestId request, const Reply& reply);
  // The process of the host has ended.
  void OnDown(std::uint32_t host);

  bool under_way() const { return copy_.has_value(); }
  // That were held against the rule, whole.
  std::uint64_t checked() const { return checked_; }

 private:
  struct Copy {
    std::uint32_t host = 0;
    RequestId request;  // under way
    std::uint64_t acknowledged = 0;
    std::uint64_t offset = 0;
    SnapshotMeta snapshot;
    KvSnapshotReader reader;
  };

  void Ask(const BackupRequest& request);
  void Check();

  const KvOptions options_;
  const std::uint64_t slot_;
  CopySources* sources_;
  const History* history_;
  const Checkers* checkers_;
  std::uint64_t asked_ = 0;
  std::uint64_t checked_ = 0;
  std::optional<Copy> copy_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_COPIER_H_
