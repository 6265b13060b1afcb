#include "sim/copier.h"

#include <utility>

#include "sim/checkers/told.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

constexpr const char* kRule = "backup";

}  // namespace

Copier::Copier(const KvOptions& options, std::uint64_t slot, CopySources* sources,
               const History* history, const Checkers* checkers)
    : options_(options), slot_(slot), sources_(sources), history_(history), checkers_(checkers) {}

void Copier::Begin(std::uint32_t host) {
  if (copy_.has_value() || !sources_->MayBeCopied(host)) return;
  copy_.emplace(Copy{.host = host,
                     .request = {},
                     .acknowledged = history_->NewestRevision(),
                     .offset = 0,
                     .snapshot = {},
                     .reader = KvSnapshotReader(options_)});
  Ask(BackupRequest{});
}

void Copier::Ask(const BackupRequest& request) {
  copy_->request = RequestId(++asked_ << 32 | slot_);
  sources_->AskForCopy(copy_->host, copy_->request, request);
}

void Copier::OnAnswer(std::uint32_t host, RequestId request, const Reply& reply) {
  const std::string who = NodeName(host);
  GRASS_RULE(kRule, copy_.has_value() && copy_->host == host && copy_->request == request,
             who + " answers for a copy twice, or for one never asked for");
  if (reply.code != ReplyCode::kOk) return copy_.reset();
  GRASS_RULE(kRule, reply.backup != nullptr, who + " gives no piece of a copy");
  const BackupPiece& piece = *Told(told::kPieceOfCopy, reply.backup.get());
  GRASS_RULE(kRule, piece.offset == copy_->offset,
             who + " gives another piece than it was asked for");
  GRASS_RULE(kRule, copy_->offset == 0 || piece.snapshot == copy_->snapshot,
             who + " goes on with another snapshot");
  copy_->snapshot = piece.snapshot;
  const absl::Status fed = copy_->reader.Feed(piece.data.view());
  GRASS_RULE(kRule, fed.ok(), who + " gives what is no state: " + std::string(fed.message()));
  copy_->offset += piece.data.size();
  if (piece.last) return Check();
  Ask({.snapshot = piece.snapshot.index, .offset = copy_->offset});
}

void Copier::Check() {
  const Copy copy = *std::move(copy_);
  copy_.reset();
  const std::string who = NodeName(copy.host);
  KvSnapshotReader reader = copy.reader;
  const absl::StatusOr<KvStore> state = std::move(reader).Finish();
  GRASS_RULE(kRule, state.ok(),
             "a copy of " + who + " is not whole: " + std::string(state.status().message()));
  const std::uint64_t acknowledged = Told(told::kAcknowledgedBeforeCopy, copy.acknowledged);
  GRASS_RULE(kRule, state->revision().value() >= acknowledged,
             "a copy of " + who + " ends at revision " + Decimal(state->revision().value()) +
                 ", and " + Decimal(acknowledged) + " had been acknowledged before it began");
  checkers_->CheckCopy(copy.host, copy.snapshot.index, *state);
  ++checked_;
}

void Copier::OnDown(std::uint32_t host) {
  if (copy_.has_value() && copy_->host == host) copy_.reset();
}

}  // namespace grassdb::sim
