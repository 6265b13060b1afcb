#include "sim/checkers/recovery.h"

#include <algorithm>
#include <string>
#include <variant>

#include "sim/checkers/member_name.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

struct Finding {
  std::uint32_t node;
  const DurableImage& image;
  const Persist* persist;  // null: none was under way
  const MendLog* mend;     // the same
  const DurableImage found;

  std::string Who() const { return NodeName(node) + " recovered "; }
};

void CheckHardState(const Finding& f) {
  const HardState& is = f.found.hard_state();
  const HardState& must = f.image.hard_state();
  const bool unfinished =
      f.persist != nullptr && f.persist->hard_state.has_value() && is == *f.persist->hard_state;
  GRASS_RULE("recovery", is == must || unfinished,
             f.Who() + "term " + Decimal(is.term.value()) + " voted for " +
                 MemberName(is.voted_for) + "; durable were term " + Decimal(must.term.value()) +
                 " voted for " + MemberName(must.voted_for));
}

// `must` is the durable log; from `cut` on it may have been cut by the unfinished Persist or
// MendLog.
void CheckLog(const Finding& f, const DurableImage& must, DamageMet met) {
  const bool writes = f.persist != nullptr && !f.persist->entries.empty();
  const bool cuts = f.mend != nullptr && f.mend->fill.empty();
  const Index cut = writes ? f.persist->entries.front().index
                    : cuts ? f.mend->cut_from
                           : must.last() + 1;
  for (Index index = f.found.snapshot() + 1; index <= must.last() && index < cut; ++index) {
    const bool known = must.TermAt(index) > Term(0);
    GRASS_RULE("recovery", !known || f.found.Holds(index, must.TermAt(index)),
               f.Who() + "no entry (index " + Decimal(index.value()) + ", term " +
                   Decimal(must.TermAt(index).value()) + "), which was durable; its log ends at " +
                   Decimal(f.found.last().value()));
  }
  for (Index index = std::max(cut, f.found.snapshot() + 1); index <= f.found.last(); ++index) {
    const Term term = f.found.TermAt(index);
    const bool durable =
        index <= must.last() && (must.TermAt(index) == term || must.TermAt(index) == Term(0));
    const bool unfinished = writes && index <= f.persist->entries.back().index &&
                            f.persist->entries[index - cut].term == term;
    // The record of an unfinished installation is there, and the snapshot is damaged: what it stood
    // for is lost, without a term but for the last one's.
    const bool installed = met == DamageMet::kYes && f.persist != nullptr &&
                           f.persist->install.has_value() && index <= f.persist->install->index &&
                           (term == Term(0) || term == f.persist->install->term);
    GRASS_RULE("recovery", durable || unfinished || installed,
               f.Who() + "an entry (index " + Decimal(index.value()) + ", term " +
                   Decimal(term.value()) + ") that was not written there");
  }
}

void SetTerm(RecoveredState& state, Index index, Term term) {
  const Index before = state.before_entries().index;
  if (index <= before) return state.evicted.terms.Set(index, term);
  state.entries[index - before - 1].term = term;
}

}  // namespace

bool Recovery::NeedsNoDamage(const absl::Status& status, Directory directory) {
  const bool no_room = directory == Directory::kNew && absl::IsResourceExhausted(status);
  return absl::IsInternal(status) || no_room;
}

void Recovery::CheckOpening(std::uint32_t node, const absl::Status& status, Directory directory) {
  GRASS_RULE("recovery", NeedsNoDamage(status, directory),
             NodeName(node) + " cannot recover: " + std::string(status.message()));
}

void Recovery::CheckLoss(std::uint32_t node, DamageMet met) {
  GRASS_RULE("recovery", met == DamageMet::kYes,
             NodeName(node) + " says that something is lost of a disk without damage");
}

RecoveredState Recovery::Completed(const DurableImage& image,
                                   const std::optional<DiskJob>& unfinished, RecoveredState found) {
  const Persist* persist = unfinished ? std::get_if<Persist>(&*unfinished) : nullptr;
  for (const LostRange& range : found.damage.lost) {
    for (Index index = range.first; index < range.last; ++index) {
      if (persist != nullptr && !persist->entries.empty() &&
          range.last_term == persist->entries.front().term &&
          index >= persist->entries.front().index && index <= persist->entries.back().index) {
        SetTerm(found, index, persist->entries[index - persist->entries.front().index].term);
      } else if (index <= image.last()) {
        SetTerm(found, index, image.TermAt(index));
      }
    }
  }
  if (found.damage.snapshot_lost > Index(0)) {
    const PublishSnapshot* publish =
        unfinished ? std::get_if<PublishSnapshot>(&*unfinished) : nullptr;
    // With it entries may be lost that it did not stand for: those up to where the log begins.
    SnapshotMeta& lost = found.snapshot.emplace();
    lost.index = found.base_index;
    lost.term = found.base_term;
    if (image.snapshot() >= found.base_index) {
      lost.index = image.snapshot();
      lost.term = image.TermAt(image.snapshot());
    } else if (publish != nullptr && publish->meta.index >= found.base_index) {
      lost = publish->meta;
    }
  }
  return found;
}

void Recovery::Check(std::uint32_t node, const DurableImage& image,
                     const std::optional<DiskJob>& unfinished, const RecoveredState& found,
                     DamageMet met) {
  const Persist* persist = unfinished ? std::get_if<Persist>(&*unfinished) : nullptr;
  const PublishSnapshot* publish =
      unfinished ? std::get_if<PublishSnapshot>(&*unfinished) : nullptr;
  const MendLog* mend = unfinished ? std::get_if<MendLog>(&*unfinished) : nullptr;
  const Finding f{node, image, persist, mend, DurableImage::Of(found)};
  CheckHardState(f);
  // A snapshot that became current with the unfinished job changes what else must be there.
  DurableImage must = image;
  if (f.found.snapshot() != image.snapshot()) {
    if (publish != nullptr && f.found.snapshot() == publish->meta.index) must.Apply(*publish);
    if (persist != nullptr && persist->install.has_value() &&
        f.found.snapshot() == persist->install->index) {
      Persist install;
      install.install = persist->install;
      must.Apply(install);
    }
    const bool lost = met == DamageMet::kYes && f.found.snapshot() < image.snapshot();
    const bool again = image.MayComeBack(f.found.snapshot());
    const bool with_entries = found.damage.snapshot_lost > must.snapshot();
    GRASS_RULE("recovery", f.found.snapshot() == must.snapshot() || lost || again || with_entries,
               f.Who() + "a snapshot of index " + Decimal(f.found.snapshot().value()) +
                   "; durable was one of " + Decimal(image.snapshot().value()));
  }
  CheckLog(f, must, met);
}

}  // namespace grassdb::sim
