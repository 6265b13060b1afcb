#include "tests/store/history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "core/hash.h"
#include "store/lost.h"

namespace grassdb::store {
namespace {

std::string Text(Index index) {
  return std::to_string(index.value());
}

// Reads the whole current snapshot in reads of an odd size.
std::string ReadStream(Storage& storage, Index index, std::string* stream) {
  while (true) {
    const ReadSnapshot read{
        .index = index, .offset = stream->size(), .size_max = 777, .reader = NodeId()};
    const auto done = std::get<SnapshotRead>(storage.Execute(read));
    if (!done.status.ok()) return "reading the snapshot: " + done.status.ToString();
    stream->append(done.data.view());
    if (done.last) return "";
  }
}

// The whole log. Of what a start has not kept in memory, `storage` reads it back.
std::string ReadLog(const RecoveredState& state, Storage& storage, std::vector<Entry>* log) {
  const Index end = state.before_entries().index;
  for (int tries = 0; state.base_index + log->size() < end; ++tries) {
    ReadEntries wanted;
    wanted.first = state.base_index + log->size() + 1;
    wanted.term = state.TermAt(wanted.first);
    wanted.last = wanted.first;
    while (wanted.last < end && state.TermAt(wanted.last + 1) == wanted.term) ++wanted.last;
    wanted.count_max = 7;
    wanted.bytes_max = 1000;
    auto done = std::get<EntriesRead>(storage.Execute(wanted));
    if (!done.status.ok()) return "reading the log back: " + done.status.ToString();
    if (tries > 100'000) return "entry " + Text(wanted.first) + " is never found";
    log->insert(log->end(), done.entries.begin(), done.entries.end());
  }
  log->insert(log->end(), state.entries.begin(), state.entries.end());
  return "";
}

// The same snapshot has the same bytes, whoever sends it.
std::string StreamOf(const SnapshotMeta& meta) {
  const std::uint64_t seed = KeyedRandom(41, meta.index.value(), meta.term.value());
  return std::string(BytesOf(seed, seed % 3000).view());
}

}  // namespace

Identity TestIdentity() {
  std::vector<Member> members;
  for (const char* name : {"a", "b", "c"}) {
    members.push_back(MakeMember(name, std::string(name) + ":1"));
  }
  Identity identity;
  identity.cluster = ClusterId(0xc105);
  identity.node = NodeIdOf("a");
  identity.node_name = "a";
  identity.cluster_name = "test";
  identity.bootstrap = Configuration(members);
  identity.incarnation = Incarnation(0x1234567);
  return identity;
}

StorageOptions TinySegments() {
  return {.segment_bytes = 2048,
          .recycled_segments_max = 2,
          .snapshot_sync_bytes = 600,
          .snapshot_block_bytes = 256};
}

Bytes BytesOf(std::uint64_t seed, std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t random = 0;
  for (std::size_t i = 0; i < size; ++i) {
    // With runs of zeros, which look like what was never written.
    random = i % 8 == 0 ? KeyedRandom(seed, i) : random >> 8;
    text[i] = random % 5 == 0 ? '\0' : static_cast<char>(random & 0xff);
  }
  return Bytes(text);
}

LogPosition Model::last() const {
  if (entries.empty()) return start;
  return {.index = entries.back().index, .term = entries.back().term};
}

std::optional<Term> Model::TermAt(Index index) const {
  if (index == start.index) return start.term;
  if (index < start.index || index > last().index) return std::nullopt;
  return entries[index - start.index - 1].term;
}

void Model::Apply(const Persist& persist, const std::string& received) {
  if (persist.hard_state.has_value()) hard_state = *persist.hard_state;
  if (persist.install.has_value()) {
    const SnapshotMeta& meta = *persist.install;
    if (TermAt(meta.index) != meta.term) {
      entries.clear();
      start = {.index = meta.index, .term = meta.term};
    }
    snapshot = meta;
    stream = received;
    released = meta.index;
  }
  if (persist.entries.empty()) return;
  entries.resize(persist.entries.front().index - start.index - 1);
  entries.insert(entries.end(), persist.entries.begin(), persist.entries.end());
}

std::string Difference(const RecoveredState& state, Storage& storage, const Model& model) {
  if (state.hard_state != model.hard_state) {
    return "term " + std::to_string(state.hard_state.term.value()) + " instead of " +
           std::to_string(model.hard_state.term.value()) + ", or another vote";
  }
  if (state.snapshot != model.snapshot) {
    return "snapshot " + (state.snapshot ? Text(state.snapshot->index) : "none") + " instead of " +
           (model.snapshot ? Text(model.snapshot->index) : "none");
  }
  if (state.base_index > std::max(model.released, model.start.index)) {
    return "the log begins behind " + Text(state.base_index) + ", but only " +
           Text(model.released) + " was released";
  }
  if (state.snapshot.has_value() && state.base_index > state.snapshot->index) {
    return "the log begins behind the snapshot";
  }
  if (model.TermAt(state.base_index) != state.base_term) return "the base's term is wrong";
  Index next = state.base_index;
  std::vector<Entry> log;
  if (std::string problem = ReadLog(state, storage, &log); !problem.empty()) return problem;
  for (const Entry& entry : log) {
    ++next;
    if (next > model.last().index) return "entry " + Text(next) + " should not exist";
    if (entry != model.entries[next - model.start.index - 1])
      return "entry " + Text(next) + " is wrong";
  }
  if (next != model.last().index) {
    return "the log ends at " + Text(next) + " instead of " + Text(model.last().index);
  }
  if (!state.snapshot.has_value()) return "";
  std::string stream;
  if (std::string problem = ReadStream(storage, state.snapshot->index, &stream); !problem.empty()) {
    return problem;
  }
  return stream == model.stream ? "" : "the snapshot's state is wrong";
}

namespace {

// What is there of the log must be the model's.
std::string IntactDifference(const RecoveredState& state, const Model& model) {
  const LostEntries lost(state.damage.lost);
  if (state.hard_state != model.hard_state) return "another term or vote beside the damage";
  const Index evicted = state.before_entries().index;
  for (Index next = state.base_index + 1; next <= evicted; ++next) {
    const auto must = next > model.start.index ? model.TermAt(next) : std::nullopt;
    if (next > model.last().index) return "entry " + Text(next) + " should not exist";
    if (must.has_value() && !lost.IsUnknown(next) && state.TermAt(next) != *must) {
      return "entry " + Text(next) + ", which has been evicted, is of another term";
    }
  }
  Index next = evicted;
  for (const Entry& entry : state.entries) {
    ++next;
    if (next > model.last().index) return "entry " + Text(next) + " should not exist";
    const LostRange* range = lost.Find(next);
    if (model.TermAt(next).has_value() && next > model.start.index) {
      const Entry& must = model.entries[next - model.start.index - 1];
      if (range == nullptr && entry != must) return "entry " + Text(next) + " is wrong";
      if (range != nullptr && next == range->last && range->last_term != must.term) {
        return "a lost range ends with another term than " + Text(next) + " had";
      }
    }
  }
  return next == model.last().index ? "" : "the damaged log ends at " + Text(next);
}

// As a repair does where it is given what is behind before what is in front.
void FillFromBehind(Storage& storage, const LostRange& range, const Model& model,
                    std::uint64_t choice) {
  for (Index end = range.last; end >= range.first;) {
    const Index begin = std::max(range.first, end - std::min(end.value() - 1, choice % 5));
    MendLog mend;
    for (Index next = begin; next <= end; ++next) {
      mend.fill.push_back(model.entries[next - model.start.index - 1]);
    }
    if (begin > range.first) mend.previous_term = model.TermAt(begin - 1).value();
    EXPECT_TRUE(std::get<MendDone>(storage.Execute(std::move(mend))).status.ok());
    end = begin - 1;
  }
}

void FillFromModel(Storage& storage, const LostRange& range, const Model& model,
                   std::uint64_t choice) {
  if (choice % 3 == 2) return FillFromBehind(storage, range, model, choice);
  for (Index next = range.first; next <= range.last;) {
    MendLog mend;
    for (std::size_t i = 0; i <= choice % 5 && next <= range.last; ++i, ++next) {
      mend.fill.push_back(model.entries[next - model.start.index - 1]);
    }
    EXPECT_TRUE(std::get<MendDone>(storage.Execute(std::move(mend))).status.ok());
  }
}

void InstallFromModel(Storage& storage, const Model& model) {
  StageSnapshot stage;
  stage.source = SnapshotSource::kReceived;
  stage.meta = *model.snapshot;
  stage.data = Bytes(model.stream);
  stage.last = true;
  EXPECT_TRUE(std::get<StageDone>(storage.Execute(stage)).status.ok());
  Persist install;
  install.install = model.snapshot;
  EXPECT_TRUE(std::get<PersistDone>(storage.Execute(install)).status.ok());
}

}  // namespace

std::string OpenAndMend(Directory& directory, const StorageOptions& options, Model model,
                        std::uint64_t choice, std::uint64_t* mended) {
  StorageOptions reporting = options;
  reporting.on_damage = OnDamage::kReport;
  if (choice % 2 == 1) reporting.log_memory_bytes = choice % 3000;
  // Where something is lost below the snapshot, the log begins behind that.
  if (model.snapshot.has_value()) model.released = model.snapshot->index;
  for (int opens = 0; opens < 4; ++opens) {
    auto opened = Storage::Open(directory, reporting, TestIdentity());
    if (!opened.ok()) return opened.status().ToString();
    const Damage& damage = opened->state.damage;
    if (damage.empty()) {
      // A damaged snapshot that the log does not need is no loss.
      if (!opened->state.snapshot.has_value() && !damage.places.empty()) model.snapshot.reset();
      return Difference(opened->state, *opened->storage, model);
    }
    if (auto problem = IntactDifference(opened->state, model); !problem.empty()) return problem;
    const bool released = !damage.lost.empty() && damage.lost.front().first <= model.start.index;
    if (damage.snapshot_lost > Index(0) || released) {
      const Index needed = released ? damage.lost.front().first : damage.snapshot_lost;
      if (!model.snapshot.has_value() || model.snapshot->index < needed) {
        return "a snapshot is said to be lost that never was";
      }
      if (damage.committed > model.snapshot->index ||
          (damage.committed == model.snapshot->index &&
           damage.committed_term != model.snapshot->term)) {
        return "what no snapshot stood for is called committed";
      }
      InstallFromModel(*opened->storage, model);
      ++*mended;
      continue;
    }
    for (const LostRange& range : damage.lost) {
      FillFromModel(*opened->storage, range, model, choice);
      ++*mended;
    }
  }
  return "mended for ever";
}

bool IsRefusal(const std::string& text) {
  const bool names_a_file = text.find("distdb_a.") != std::string::npos;
  return names_a_file && (text.find("DATA_LOSS") != std::string::npos ||
                          text.find("FAILED_PRECONDITION") != std::string::npos);
}

std::string History::Open() {
  auto opened = Storage::Open(directory_, options_, TestIdentity());
  if (!opened.ok()) {
    if (directory_.stopped()) return "";
    return "cannot open: " + opened.status().ToString();
  }
  std::string problem;
  std::size_t bytes = 0;
  for (const Entry& entry : opened->state.entries) bytes += CostOf(entry);
  if (bytes / 9 * 8 > options_.log_memory_bytes) return "more of the log is in memory than may be";
  if (!opened->state.evicted.empty()) ++evicted_;
  for (const Model& model : allowed_) {
    const std::string difference = Difference(opened->state, *opened->storage, model);
    if (difference.empty()) {
      storage_ = std::move(opened->storage);
      allowed_ = {Model(model)};
      staged_ = opened->state.staged;
      return staged_.has_value() ? ProblemOf(*staged_) : "";
    }
    problem += (problem.empty() ? "" : "; nor: ") + difference;
  }
  return problem;
}

std::string History::ProblemOf(const StagedSnapshot& staged) const {
  if (std::ranges::find(received_, staged.meta) == received_.end()) {
    return "a staged snapshot that was never received";
  }
  if (staged.offset == 0 || staged.offset > StreamOf(staged.meta).size()) {
    return "a wrong staged offset";
  }
  if (model().snapshot.has_value() && staged.meta.index <= model().snapshot->index) {
    return "a staged snapshot that nobody needs";
  }
  return "";
}

std::string History::Restock(bool* more) {
  problem_.clear();
  const auto done = std::get<RestockDone>(storage_->Execute(grassdb::Restock{}));
  *more = done.more;
  Settle(done.status, model());
  return problem_;
}

std::string History::Scrub(std::string* damage) {
  problem_.clear();
  const auto done = std::get<ScrubDone>(storage_->Execute(grassdb::Scrub{.bytes_max = 4096}));
  *damage = done.damage;
  Settle(done.status, model());
  return problem_;
}

std::string History::Mark() {
  problem_.clear();
  Settle(std::get<MarkDone>(storage_->Execute(MarkDurable{})).status, model());
  return problem_;
}

void History::CrashNow(Crash crash, std::uint64_t seed) {
  storage_.reset();
  directory_.CrashNow(crash, seed);
}

History History::On(CrashDirectory& directory) const {
  History other(directory, options_);
  other.allowed_ = allowed_;
  other.next_persist_ = next_persist_;
  other.received_ = received_;
  other.staged_ = staged_;
  return other;
}

std::string History::Step(std::uint64_t choice) {
  problem_.clear();
  const std::uint64_t detail = Mix(choice + 1);
  switch (choice % 16) {
    case 0:
    case 1:
      Take(detail);
      break;
    case 2:
      Install(detail);
      break;
    case 3:
    case 4:
      Rewrite(detail);
      break;
    case 5:
    case 6:
      Vote(detail);
      break;
    default:
      Append(detail);
  }
  return problem_;
}

std::vector<Entry> History::MakeEntries(Index first, std::uint64_t choice) {
  std::vector<Entry> entries(1 + KeyedRandom(choice, 10u) % 4);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t dice = KeyedRandom(choice, 11u, i);
    std::size_t size = dice % 300;
    if (dice % 31 == 0) size = 3000;  // more than a segment
    if (dice % 7 == 0) size = 0;
    entries[i] = {.index = first + i,
                  .term = model().hard_state.term,
                  .type = dice % 7 == 0 ? EntryType::kNoop : EntryType::kCommand,
                  .payload = BytesOf(dice, size)};
  }
  return entries;
}

void History::Append(std::uint64_t choice) {
  Persist persist;
  if (choice % 4 == 0 || model().hard_state.term == Term(0)) {
    persist.hard_state = {.term = model().hard_state.term + 1, .voted_for = NodeId(choice)};
  }
  persist.entries = MakeEntries(model().last().index + 1, choice);
  if (persist.hard_state.has_value()) {
    for (Entry& entry : persist.entries) entry.term = persist.hard_state->term;
  }
  Do(std::move(persist));
}

// Cuts the log above its snapshot and writes another branch.
void History::Rewrite(std::uint64_t choice) {
  const Index floor = model().snapshot ? model().snapshot->index : Index(0);
  const std::uint64_t room = model().last().index - floor;
  if (room == 0) return Append(choice);
  const Index first = floor + 1 + KeyedRandom(choice, 20u) % room;
  Persist persist;
  persist.hard_state = {.term = model().hard_state.term + 1, .voted_for = NodeId()};
  persist.entries = MakeEntries(first, choice);
  for (Entry& entry : persist.entries) entry.term = persist.hard_state->term;
  Do(std::move(persist));
}

void History::Vote(std::uint64_t choice) {
  Persist persist;
  persist.hard_state = {.term = model().hard_state.term + choice % 2, .voted_for = NodeId(choice)};
  if (choice % 3 == 0) persist.hard_state->founder = true;
  if (choice % 3 == 1) persist.hard_state->renewed = Incarnation(2 + choice % 1000);
  Do(std::move(persist));
}

void History::Take(std::uint64_t choice) {
  const Index floor = model().snapshot ? model().snapshot->index : Index(0);
  const std::uint64_t room = model().last().index - floor;
  if (room == 0) return Append(choice);
  SnapshotMeta meta;
  meta.index = floor + 1 + KeyedRandom(choice, 30u) % room;
  meta.term = *model().TermAt(meta.index);
  meta.configuration = TestIdentity().bootstrap;
  const std::string stream(BytesOf(choice, KeyedRandom(choice, 31u) % 3000).view());
  if (!Stage(SnapshotSource::kTaken, meta, stream, choice)) return;
  Model after = model();
  after.snapshot = meta;
  after.stream = stream;
  PublishSnapshot publish{.meta = meta, .release_through = meta.index};
  if (choice % 3 == 0) publish.release_through = meta.index - choice % (meta.index.value() + 1);
  after.released = std::max(after.released, publish.release_through);
  const auto done = std::get<PublishDone>(storage_->Execute(publish));
  Settle(done.status, std::move(after));
}

void History::Install(std::uint64_t choice) {
  if (staged_.has_value() && choice % 5 != 0) return FinishInstall(choice);
  const Index floor = model().snapshot ? model().snapshot->index : Index(0);
  SnapshotMeta meta;
  meta.index = floor + 1 + KeyedRandom(choice, 40u) % (model().last().index - floor + 8);
  const Term term = model().hard_state.term + 1;
  // One time in two the log holds the snapshot's last entry, if it is long enough.
  const auto held = model().TermAt(meta.index);
  meta.term = held.has_value() && choice % 2 == 0 ? *held : term;
  meta.configuration = TestIdentity().bootstrap;
  meta.configuration_index = meta.index;
  InstallStaged(meta, choice);
}

void History::FinishInstall(std::uint64_t choice) {
  const StagedSnapshot staged = *std::exchange(staged_, std::nullopt);
  if (model().snapshot.has_value() && staged.meta.index <= model().snapshot->index) {
    return Append(choice);  // overtaken by a snapshot of its own
  }
  ++resumed_;
  InstallStaged(staged.meta, choice, staged.offset);
}

void History::InstallStaged(const SnapshotMeta& meta, std::uint64_t choice, std::size_t from) {
  const std::string stream = StreamOf(meta);
  received_.push_back(meta);
  staged_.reset();
  if (!Stage(SnapshotSource::kReceived, meta, stream, choice, from)) return;
  Persist persist;
  persist.hard_state = {.term = model().hard_state.term + 1, .voted_for = NodeId()};
  persist.install = meta;
  if (choice % 3 == 0) {
    persist.entries = MakeEntries(meta.index + 1, choice);
    for (Entry& entry : persist.entries) entry.term = persist.hard_state->term;
  }
  Do(std::move(persist), stream);
}

bool History::Do(Persist persist, const std::string& received) {
  persist.id = next_persist_;
  ++next_persist_;
  Model after = model();
  after.Apply(persist, received);
  const auto done = std::get<PersistDone>(storage_->Execute(std::move(persist)));
  Settle(done.status, std::move(after));
  if (down() || !done.lags) return !down();
  const auto filled = std::get<RestockDone>(storage_->Execute(grassdb::Restock{.ahead = true}));
  Settle(filled.status, model());
  return !down();
}

bool History::Stage(SnapshotSource source, const SnapshotMeta& meta, const std::string& stream,
                    std::uint64_t choice, std::size_t from) {
  const std::size_t chunks = 1 + KeyedRandom(choice, 50u) % 3;
  const std::size_t chunk = stream.size() / chunks + 1;
  for (std::size_t at = from;; at += chunk) {
    StageSnapshot stage;
    stage.source = source;
    stage.meta = meta;
    stage.offset = at;
    stage.data = Bytes(std::string_view(stream).substr(at, chunk));
    stage.last = at + chunk >= stream.size();
    const bool last = stage.last;
    const auto done = std::get<StageDone>(storage_->Execute(std::move(stage)));
    Settle(done.status, model());
    if (down() || absl::IsResourceExhausted(done.status)) return false;
    if (done.next_offset != std::min(at + chunk, stream.size())) problem_ = "a wrong next offset";
    if (last) return true;
  }
}

void History::Settle(absl::Status status, Model after) {
  if (status.ok()) {
    allowed_ = {std::move(after)};
    return;
  }
  if (absl::IsResourceExhausted(status)) return;  // nothing has changed
  if (!directory_.stopped()) problem_ = "failed without a fault: " + status.ToString();
  allowed_.push_back(std::move(after));
  storage_.reset();
}

}  // namespace grassdb::store
