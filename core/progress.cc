#include "core/progress.h"

#include "core/check.h"

namespace grassdb {

const char* NameOf(ProgressState state) {
  switch (state) {
    case ProgressState::kProbe:
      return "probe";
    case ProgressState::kReplicate:
      return "replicate";
    case ProgressState::kSnapshot:
      return "snapshot";
  }
  return "unknown";
}

void Progress::BecomeProbe(Index next_index) {
  GRASS_CHECK_LT(match, next_index);
  state = ProgressState::kProbe;
  next = next_index;
  probe_sent = false;
  CloseWindow();
}

void Progress::Forget(Index next_index) {
  match = Index();
  read_round = ReadRound();
  lease_base = Instant::min();
  caught_up = false;
  BecomeProbe(next_index);
}

void Progress::BecomeReplicate() {
  state = ProgressState::kReplicate;
  next = match + 1;
  CloseWindow();
}

void Progress::BecomeSnapshot(Index index) {
  GRASS_CHECK_GT(index, match);
  state = ProgressState::kSnapshot;
  snapshot_index = index;
  probe_sent = false;
  CloseWindow();
}

void Progress::CloseWindow() {
  inflight.clear();
  inflight_bytes = 0;
  quick = false;
  append_at = Instant::max();
}

void Progress::Sent(Index last, std::size_t bytes) {
  GRASS_CHECK(state == ProgressState::kReplicate);
  GRASS_CHECK_GE(last, next);
  next = last + 1;
  inflight.push_back(Inflight{.last = last, .bytes = bytes});
  inflight_bytes += bytes;
}

void Progress::Acknowledged(Index through) {
  while (!inflight.empty() && inflight.front().last <= through) {
    inflight_bytes -= inflight.front().bytes;
    inflight.pop_front();
  }
}

}  // namespace grassdb
