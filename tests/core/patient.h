// One node in repair (core/repair.h), with sockets that the test holds the other ends of. In a
// namespace of its own: other tests of the same program have a FakeClock too.
#ifndef GRASSDB_TESTS_CORE_PATIENT_H_
#define GRASSDB_TESTS_CORE_PATIENT_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/chunk.h"
#include "core/repair.h"
#include "core/repair_answer.h"

namespace grassdb::repair_test {

class FakeClock final : public Clock {
 public:
  Instant Now() const override { return now; }
  Instant now{std::chrono::hours(1)};
};
class FakeNetwork final : public Network {
 public:
  void Send(Message message) override { sent.push_back(std::move(message)); }
  std::deque<Message> sent;
};
class FakeDisk final : public Disk {
 public:
  void Submit(DiskJob job) override { jobs.push_back(std::move(job)); }
  std::deque<DiskJob> jobs;
};

inline NodeId Id(int number) {
  return NodeIdOf("n" + std::to_string(number));
}

inline Configuration Voters(int count) {
  std::vector<Member> members;
  for (int i = 1; i <= count; ++i) {
    members.push_back(MakeMember("n" + std::to_string(i), "h:" + std::to_string(i)));
    members.back().incarnation = Incarnation(static_cast<std::uint64_t>(i));
  }
  return Configuration(members);
}

inline Entry MakeEntry(std::uint64_t index, std::uint64_t term) {
  return {.index = Index(index),
          .term = Term(term),
          .type = EntryType::kCommand,
          .payload = Bytes("entry " + std::to_string(index) + "/" + std::to_string(term))};
}

// Indexes from 1 on, of these terms.
inline std::vector<Entry> Entries(const std::vector<std::uint64_t>& terms) {
  std::vector<Entry> entries;
  for (const std::uint64_t term : terms) entries.push_back(MakeEntry(entries.size() + 1, term));
  return entries;
}

inline RecoveredState StateOf(int node, std::uint64_t term, const std::vector<std::uint64_t>& terms,
                              int voters = 3) {
  RecoveredState state;
  state.identity.node = Id(node);
  state.identity.incarnation = Incarnation(static_cast<std::uint64_t>(node));
  state.identity.bootstrap = Voters(voters);
  state.hard_state.term = Term(term);
  state.entries = Entries(terms);
  return state;
}

inline void Lose(RecoveredState& state, std::uint64_t first, std::uint64_t last) {
  state.damage.lost.push_back(
      {.first = Index(first), .last = Index(last), .last_term = state.entries[last - 1].term});
  for (std::uint64_t index = first; index <= last; ++index) {
    Entry& entry = state.entries[index - 1];
    entry.payload = Bytes();
    if (index != last) entry.term = Term(0);
  }
}

// One node in repair with its sockets.
class Patient {
 public:
  explicit Patient(RecoveredState state)
      : state_(state), repair_(Options(), std::move(state), Sockets()) {
    repair_.Start();
  }

  static NodeOptions Options() {
    NodeOptions options;
    options.snapshot_chunk_bytes = 100;
    return options;
  }
  Environment Sockets() {
    return {
        .clock = &clock, .network = &network, .disk = &disk, .clients = nullptr, .trace = nullptr};
  }
  void Answer(int from, RepairResponse response, std::uint64_t term) {
    const LostRange lost = repair_.Status().lost.value();
    response.first = lost.first;
    response.last = lost.last;
    response.last_term = lost.last_term;
    response.checksum = ChecksumOf(response);
    Deliver(from, std::move(response), term);
  }
  void Deliver(int from, MessageBody body, std::uint64_t term) {
    repair_.OnMessage({.from = Id(from),
                       .to = state_.identity.node,
                       .term = Term(term),
                       .body = std::move(body),
                       .incarnation = Incarnation(static_cast<std::uint64_t>(from))});
  }
  static RepairResponse Held(std::vector<Entry> entries, std::uint64_t previous_term) {
    RepairResponse response;
    response.verdict = RepairVerdict::kHeld;
    response.previous_term = Term(previous_term);
    response.entries = std::move(entries);
    return response;
  }
  static RepairResponse Committed(std::vector<Entry> entries, std::uint64_t previous_term) {
    RepairResponse response = Held(std::move(entries), previous_term);
    response.verdict = RepairVerdict::kCommitted;
    return response;
  }
  static RepairResponse Plain(RepairVerdict verdict) {
    RepairResponse response;
    response.verdict = verdict;
    return response;
  }
  template <class Job>
  Job Take() {
    EXPECT_FALSE(disk.jobs.empty());
    if (disk.jobs.empty() || !std::holds_alternative<Job>(disk.jobs.front())) {
      ADD_FAILURE() << "another job, or none";
      return {};
    }
    Job job = std::get<Job>(std::move(disk.jobs.front()));
    disk.jobs.pop_front();
    return job;
  }
  MendLog Mend() {
    MendLog mend = Take<MendLog>();
    for (const Entry& entry : mend.fill) AtDisk(entry.index) = entry;
    repair_.OnDisk(MendDone{.status = absl::OkStatus()});
    return mend;
  }
  bool Reads() const {
    return !disk.jobs.empty() && std::holds_alternative<ReadEntries>(disk.jobs.front());
  }
  // The disk gives what is asked of it for others.
  ReadEntries Read() {
    const auto wanted = Take<ReadEntries>();
    EXPECT_EQ(wanted.purpose, ReadFor::kRepair);
    EntriesRead done{.wanted = wanted, .entries = {}, .status = absl::OkStatus()};
    for (Index index = wanted.first; index <= wanted.last; ++index) {
      done.entries.push_back(AtDisk(index));
      EXPECT_EQ(done.entries.back().term, wanted.term);
    }
    repair_.OnDisk(std::move(done));
    return wanted;
  }
  // No leader is heard for so long that the next term is asked with.
  void Despair() {
    clock.now += 2 * Options().raft.election_timeout_max;
    repair_.OnDeadline();
    const auto persist = Take<Persist>();
    repair_.OnDisk(PersistDone{.id = persist.id, .status = absl::OkStatus()});
  }
  const RepairRequest& LastAsked() const {
    return std::get<RepairRequest>(network.sent.back().body);
  }

  FakeClock clock;
  FakeNetwork network;
  FakeDisk disk;
  Repair& repair() { return repair_; }

 private:
  Entry& AtDisk(Index index) { return state_.entries.at(index - state_.base_index - 1); }

  RecoveredState state_;
  Repair repair_;
};

inline RecoveredState LostMiddle() {
  RecoveredState state = StateOf(1, 4, {1, 1, 2, 2, 3});
  Lose(state, 3, 4);
  return state;
}

// Asks for entries, as a version does that knows of no rest.
inline RepairRequest For(std::uint64_t first, std::uint64_t last, std::uint64_t previous_term,
                         std::uint64_t last_term) {
  RepairRequest request;
  request.first = Index(first);
  request.last = Index(last);
  request.previous_term = Term(previous_term);
  request.last_term = Term(last_term);
  return request;
}

inline InstallSnapshotRequest Chunk(std::uint64_t index, std::uint64_t offset, const char* data,
                                    bool last) {
  InstallSnapshotRequest chunk;
  chunk.meta = {.index = Index(index),
                .term = Term(2),
                .configuration = Voters(3),
                .configuration_index = Index(1)};
  chunk.offset = offset;
  chunk.data = Bytes(data);
  chunk.last = last;
  chunk.checksum = ChecksumOf(chunk);
  return chunk;
}

inline RepairResponse ChunkAnswer(const InstallSnapshotRequest& chunk) {
  RepairResponse response = Patient::Plain(RepairVerdict::kChunk);
  response.chunk = chunk;
  response.checksum = ChecksumOf(response);
  return response;
}

}  // namespace grassdb::repair_test

#endif  // GRASSDB_TESTS_CORE_PATIENT_H_
