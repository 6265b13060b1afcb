#include "sim/fault_atlas.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/configuration.h"
#include "core/raft.h"
#include "sim/telling_places.h"
#include "sim/text.h"
#include "store/mark.h"
#include "store/names.h"
#include "store/payload.h"

namespace grassdb::sim {
namespace {

constexpr std::uint64_t kAttempts = 8;
constexpr std::uint64_t kNearTheEnd = 2048;

// Files whose bytes something rests on.
bool Counts(store::FileKind kind) {
  return kind == store::FileKind::kIdentity || kind == store::FileKind::kLive ||
         kind == store::FileKind::kNext || kind == store::FileKind::kSealed ||
         kind == store::FileKind::kSnapshot || kind == store::FileKind::kTaken ||
         kind == store::FileKind::kReceived;
}

bool IsOfTheLog(store::FileKind kind) {
  return kind == store::FileKind::kLive || kind == store::FileKind::kNext ||
         kind == store::FileKind::kSealed;
}

// A log that goes on, and of which what is written behind damage does not say what had become of
// it.
bool IsLogOfFormatOne(const store::FileNames& names, const SimDisk::DurableFile& file) {
  const store::FileKind kind = names.Parse(file.name).kind;
  if (kind != store::FileKind::kLive && kind != store::FileKind::kNext) return false;
  std::string problem;
  const auto record = store::ParseRecord(file.content, std::nullopt, &problem);
  const auto header =
      record.has_value() ? store::DecodeSegmentHeader(record->payload) : std::nullopt;
  return !header.has_value() || header->format < store::kLogFormat;
}

// Up to the last byte that is not zero: logs are written ahead with zeros.
std::uint64_t UsedBytes(std::string_view content) {
  const std::size_t last = content.find_last_not_of('\0');
  return last == std::string_view::npos ? 0 : last + 1;
}

DamageKind KindOf(const DiskPlan& plan, std::uint64_t random) {
  std::uint64_t sum = 0;
  for (const std::uint32_t weight : plan.damage) sum += weight;
  if (sum == 0) return DamageKind::kBitFlip;
  std::uint64_t at = Bounded(random, sum);
  std::uint32_t kind = 0;
  while (at >= plan.damage[kind]) at -= plan.damage[kind++];
  return static_cast<DamageKind>(kind);
}

// A byte of one of them; as often as not of a late one, which is in nobody's snapshot yet.
std::optional<std::uint64_t> DrawTellingPlace(std::uint64_t random, std::string_view content) {
  const std::vector<Extent> places = TellingPlaces(content);
  if (places.empty()) return std::nullopt;
  const std::uint64_t from_the_end = Derive(random, 1) % 2 == 0
                                         ? Bounded(Derive(random, 2), places.size())
                                         : BetweenScales(Derive(random, 2), 1, places.size()) - 1;
  const Extent& place = places[places.size() - 1 - static_cast<std::size_t>(from_the_end)];
  return place.begin + Bounded(Derive(random, 3), place.end - place.begin);
}

Extent ExtentOf(DamageKind kind, std::uint64_t at, std::uint64_t size, std::uint64_t random) {
  if (kind == DamageKind::kBitFlip) return {at, at + 1};
  const bool may_be_a_block = kind == DamageKind::kZeroed || kind == DamageKind::kGarbled ||
                              kind == DamageKind::kUnreadable;
  const std::uint64_t unit = may_be_a_block && random % 2 == 0 ? kBlockBytes : kSectorBytes;
  const std::uint64_t begin = at / unit * unit;
  return {begin, std::min(begin + unit, size)};
}

}  // namespace

const char* NameOf(AtlasRule rule) {
  switch (rule) {
    case AtlasRule::kAnywhere:
      return "wherever it falls";
    case AtlasRule::kOneNode:
      return "on one node at a time";
    case AtlasRule::kEachEntry:
      return "as long as each entry survives";
  }
  return "?";
}

std::optional<std::uint32_t> NewestLeader(const FaultAtlas::Hosts& hosts) {
  std::optional<std::uint32_t> leader;
  Term newest;
  for (const auto& host : hosts) {
    if (!host->up() || host->node()->raft().role() != Role::kLeader) continue;
    if (leader.has_value() && host->node()->raft().term() < newest) continue;
    leader = host->number();
    newest = host->node()->raft().term();
  }
  return leader;
}

// A quorum must remember (core/standing.cc): one node at a time forgets, the one before has become
// a voter again, and nobody who has no data yet could take it for the birth of a cluster.
bool FaultAtlas::MayForget(std::uint32_t host) const {
  const std::optional<std::uint32_t> leader = NewestLeader(*hosts_);
  return leader.has_value() && MayReplace(host) &&
         Remembers(*(*hosts_)[host], (*hosts_)[*leader]->node()->raft().configuration());
}

// As far as the others are concerned.
bool FaultAtlas::MayReplace(std::uint32_t host) const {
  const std::optional<std::uint32_t> leader = NewestLeader(*hosts_);
  if (!leader.has_value()) return false;
  const Raft& raft = (*hosts_)[*leader]->node()->raft();
  const Configuration& configuration = raft.configuration();
  // With an entry of the leader's own term, what others hold of changes that were not committed can
  // never be.
  if (raft.log().TermAt(raft.commit_index()) != raft.term()) return false;
  if (raft.IsChangingMembership() || configuration.voters().size() < 3) return false;
  if (configuration.Find((*ids_)[host]) == nullptr && !plan_.strangers_forget) return false;
  // Born alone, it would be born alone once more. Another process draws another id for that cluster
  // (net/identity.cc), and is a stranger to this one.
  if (plan_.voters == 1 && host == 0) return false;
  return std::ranges::all_of(*hosts_, [&](const auto& each) {
    return each->number() == host || Remembers(*each, configuration);
  });
}

bool FaultAtlas::Remembers(Host& host, const Configuration& configuration) const {
  if (host.IsDamaged()) return false;
  const Member* member = configuration.Find((*ids_)[host.number()]);
  if (host.number() >= plan_.voters && member == nullptr) return true;  // it was never there
  // What is not durable yet is no data.
  if (!host.up() || host.node()->raft().durable_index() == Index(0)) return false;
  return member == nullptr || (member->role != MemberRole::kJoining &&
                               member->incarnation == host.node()->raft().incarnation() &&
                               host.node()->raft().standing() == Standing::kProven);
}

bool FaultAtlas::MayDamage(std::uint32_t host) {
  switch (plan_.atlas) {
    case AtlasRule::kAnywhere:
      return true;
    case AtlasRule::kOneNode:
      return MayForget(host);
    case AtlasRule::kEachEntry:
      if (rolled_back_ && !MayChangeMembership()) return false;
      // What a start removes and overwrites nothing durable shows yet.
      return std::ranges::none_of(*hosts_, [](const auto& each) { return each->recovering(); });
  }
  return false;
}

// It is no member any more, or it is on record with what it remembers.
bool FaultAtlas::HasRejoined(std::uint32_t host) const {
  const std::optional<std::uint32_t> leader = NewestLeader(*hosts_);
  if (!leader.has_value() || (*hosts_)[host]->IsDamaged()) return false;
  const Raft& raft = (*hosts_)[*leader]->node()->raft();
  if (raft.log().TermAt(raft.commit_index()) != raft.term()) return false;
  const Host& forgot = *(*hosts_)[host];
  const Configuration committed = raft.ConfigurationAt(raft.commit_index()).first;
  const Member* member = committed.Find((*ids_)[host]);
  return member == nullptr || (forgot.up() && member->role != MemberRole::kJoining &&
                               member->incarnation == forgot.node()->raft().incarnation() &&
                               forgot.node()->raft().standing() == Standing::kProven);
}

bool FaultAtlas::MayChangeMembership() {
  if (forgot_.has_value() && HasRejoined(*forgot_)) {
    forgot_.reset();
    rolled_back_ = false;
  }
  return !forgot_.has_value();
}

bool FaultAtlas::AnotherIsDamaged(std::uint32_t host) const {
  return std::ranges::any_of(*hosts_, [host](const auto& each) {
    return each->number() != host && (each->IsDamaged() || each->mending());
  });
}

Extent FaultAtlas::NewestRecord(std::string_view node_name, std::string_view name,
                                std::string_view content, store::RecordSequence marked) {
  const store::FileKind kind = store::FileNames(node_name).Parse(name).kind;
  if (kind != store::FileKind::kLive && kind != store::FileKind::kNext) return {};
  std::string problem;
  auto record = store::ParseRecord(content, std::nullopt, &problem);
  Extent newest;
  for (std::size_t at = 0; record.has_value();) {
    newest = record->sequence <= marked ? Extent() : Extent{at, at + record->frame_bytes};
    // A log that was mended goes on behind what was lost of it.
    const auto next =
        store::FindRecordAbove(content, at + record->frame_bytes, record->salt, record->sequence);
    if (!next.has_value()) break;
    at = *next;
    record = store::ParseRecord(content.substr(at), record->salt, &problem);
  }
  return newest;
}

Extent FaultAtlas::Spared(std::string_view node_name, std::string_view name,
                          std::string_view content, store::RecordSequence marked) {
  const Extent newest = NewestRecord(node_name, name, content, marked);
  const Extent header{newest.end, newest.end + store::kRecordHeaderBytes};
  if (newest.empty() || header.end > content.size()) return newest;
  return IsBegunBehind(content, newest) ? header : newest;
}

bool FaultAtlas::MayMisread(std::uint32_t host, std::string_view name, std::string_view content,
                            const Extent& extent) const {
  if (plan_.atlas != AtlasRule::kAnywhere && AnotherIsDamaged(host)) return false;
  return !NeedsItsMark(host, name) && !extent.Meets(NewestRecord(NodeName(host), name, content));
}

bool FaultAtlas::MayFailToRead(std::uint32_t host, std::string_view name) const {
  return !NeedsItsMark(host, name);
}

// Without it, damage to the newest record is taken for a torn write.
bool FaultAtlas::NeedsItsMark(std::uint32_t host, std::string_view name) const {
  const bool is_mark = store::FileNames(NodeName(host)).Parse(name).kind == store::FileKind::kMark;
  return is_mark && (*hosts_)[host]->IsDamaged();
}

std::optional<Wound> FaultAtlas::DrawOne(std::uint64_t random, std::uint32_t host,
                                         const std::vector<SimDisk::DurableFile>& files,
                                         bool down) const {
  const std::string node_name = NodeName(host);
  const store::FileNames names(node_name);
  std::vector<const SimDisk::DurableFile*> counting;
  store::RecordSequence marked;
  for (const SimDisk::DurableFile& file : files) {
    if (names.Parse(file.name).kind == store::FileKind::kMark) {
      const auto mark = store::NewestMark(file.content, (*hosts_)[host]->identity());
      if (mark.has_value()) marked = mark->sequence;
    }
    if (Counts(names.Parse(file.name).kind) && UsedBytes(file.content) > 0) {
      counting.push_back(&file);
    }
  }
  if (counting.empty()) return std::nullopt;
  // Now and then at the end of the live log, where what is not committed yet stands.
  const auto live = std::ranges::find_if(counting, [&names](const SimDisk::DurableFile* each) {
    return names.Parse(each->name).kind == store::FileKind::kLive;
  });
  const std::uint64_t one_in = plan_.atlas == AtlasRule::kEachEntry ? 2 : 3;
  const bool at_the_end = Derive(random, 9) % one_in == 0 && live != counting.end();
  const SimDisk::DurableFile& file =
      at_the_end ? **live : *counting[Bounded(Derive(random, 1), counting.size())];
  Wound wound;
  wound.kind = KindOf(plan_.disk, Derive(random, 2));
  wound.file = file.name;
  wound.random = Derive(random, 3);
  wound.evicted = down || Derive(random, 4) % 2 == 0;
  const std::uint64_t used = UsedBytes(file.content);
  const std::uint64_t reach = at_the_end ? std::min(used, kNearTheEnd) : used;
  std::uint64_t at = used - 1 - Bounded(Derive(random, 5), reach);
  if (IsOfTheLog(names.Parse(file.name).kind) && Chance(Derive(random, 10), plan_.disk.telling)) {
    at = DrawTellingPlace(Derive(random, 11), file.content).value_or(at);
  }
  wound.extent = ExtentOf(wound.kind, at, file.content.size(), Derive(random, 6));
  // What the node writes there next, also when the file is used again, it may not be able to read,
  // and then nothing says what it was.
  if (plan_.atlas == AtlasRule::kEachEntry && wound.kind == DamageKind::kUnreadable &&
      IsOfTheLog(names.Parse(file.name).kind)) {
    return std::nullopt;
  }
  if (wound.kind == DamageKind::kShrunk) {
    if (!down || file.older_size == 0 || file.older_size >= file.content.size()) return {};
    wound.extent = {file.older_size, file.content.size()};
  }
  const auto is_safe = [&](const SimDisk::DurableFile& of, const Extent& extent) {
    return !extent.Meets(Spared(node_name, of.name, of.content, marked)) &&
           (plan_.atlas != AtlasRule::kEachEntry || !IsLogOfFormatOne(names, of));
  };
  if (!is_safe(file, wound.extent)) return std::nullopt;
  if (wound.kind != DamageKind::kMisdirectedRead && wound.kind != DamageKind::kMisdirectedWrite) {
    return wound;
  }
  const SimDisk::DurableFile& other = *counting[Bounded(Derive(random, 7), counting.size())];
  wound.other_file = other.name;
  wound.other_begin =
      Bounded(Derive(random, 8), UsedBytes(other.content)) / kSectorBytes * kSectorBytes;
  if (!is_safe(other, {wound.other_begin, wound.other_begin + kSectorBytes})) return std::nullopt;
  return wound;
}

std::vector<Holding> FaultAtlas::Holdings() const {
  std::vector<Holding> holdings;
  for (const auto& host : *hosts_) holdings.push_back(HoldingOf(*host, plan_, {}));
  return holdings;
}

std::optional<std::uint32_t> FaultAtlas::OneAhead() const {
  const std::vector<Holding> holdings = Holdings();
  for (std::uint32_t host = 0; host < holdings.size(); ++host) {
    const Holding& ahead = holdings[host];
    const std::optional<Term> term = ahead.TermAt(ahead.last());
    const bool alone = term.has_value() && std::ranges::none_of(holdings, [&](const Holding& each) {
                         return each.node != ahead.node && each.Had(ahead.last(), term);
                       });
    if (alone) return host;
  }
  return std::nullopt;
}

std::vector<Wound> FaultAtlas::Draw(std::uint32_t host, std::uint64_t number, bool down) const {
  const std::vector<SimDisk::DurableFile> files = (*hosts_)[host]->DurableFiles();
  const std::uint64_t random = random_(Stream::kDamage, host, number);
  std::vector<Wound> wounds;
  std::vector<Holding> holdings;
  if (plan_.atlas == AtlasRule::kEachEntry) {
    holdings = Holdings();
    if (!CanAllMend(holdings)) return wounds;
  }
  const std::uint64_t wanted = BetweenScales(Derive(random, 0), 1, 4);
  for (std::uint64_t i = 0; i < kAttempts && wounds.size() < wanted; ++i) {
    const auto wound = DrawOne(Derive(random, i + 1), host, files, down);
    if (!wound.has_value()) continue;
    wounds.push_back(*wound);
    if (plan_.atlas != AtlasRule::kEachEntry) continue;
    holdings[host] = HoldingOf(*(*hosts_)[host], plan_, wounds);
    if (!CanAllMend(holdings)) wounds.pop_back();
  }
  return wounds;
}

}  // namespace grassdb::sim
