#include "core/raft_types.h"

namespace grassdb {

void Output::Clear() {
  persist.reset();
  messages.clear();
  submit = SubmitOutcome::kNone;
  first_index = Index();
  term = Term();
  change = ChangeOutcome::kNone;
  change_problem.clear();
  reads_ready.clear();
  reads_refused.clear();
  restore.reset();
  apply_through = Index();
  snapshot_traffic.clear();
  snapshot_needed.clear();
  entries_needed.clear();
  events.clear();
}

}  // namespace grassdb
