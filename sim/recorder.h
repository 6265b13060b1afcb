// Recorder: the fingerprint of a run, its counters, and its newest trace lines.
//
// The fingerprint is a rolling 128-bit hash over every event: two runs are the same run exactly if
// their fingerprints are equal, but for a chance of 2^-128. It does not depend on tracing.
#ifndef GRASSDB_SIM_RECORDER_H_
#define GRASSDB_SIM_RECORDER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hash.h"
#include "sim/checkers/search_counts.h"
#include "sim/choices.h"
#include "sim/true_time.h"

namespace grassdb::sim {

class Fingerprint {
 public:
  void Add(std::uint64_t value) {
    high_ = Fold(high_, value);
    low_ = Fold(low_ ^ 0x9ae16a3b2f90404fu, value + high_);
  }
  template <class... Values>
  void AddAll(Values... values) {
    (Add(static_cast<std::uint64_t>(values)), ...);
  }
  std::uint64_t high() const { return high_; }
  std::uint64_t low() const { return low_; }
  std::string Hex() const;  // 32 digits

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;

 private:
  std::uint64_t high_ = 0x243f6a8885a308d3u;
  std::uint64_t low_ = 0x13198a2e03707344u;
};

// What a run did. Plain sums, so that those of a sweep add up.
struct Counters {
  std::uint64_t events = 0;
  std::uint64_t simulated_ns = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_delivered = 0;
  std::uint64_t messages_lost = 0;
  std::uint64_t messages_repeated = 0;
  std::uint64_t ios = 0;
  std::uint64_t io_failures = 0;
  // Losses of power behind a recovery that had saved what a failed sync had not written, and behind
  // no other write.
  std::uint64_t saved_from_syncs = 0;
  std::uint64_t crashes = 0;
  std::uint64_t wipes = 0;
  std::uint64_t roll_backs = 0;
  std::uint64_t damages = 0;        // pieces
  std::uint64_t misreads = 0;       // reads of which a sector was another one's
  std::uint64_t read_failures = 0;  // that did not come again
  std::uint64_t refusals = 0;  // of a node to start, or to go on, with damage that it has found
  // Those of them that were starts: by what was damaged, or where a read had slipped, once.
  std::uint64_t refused_identity = 0;
  std::uint64_t refused_log = 0;
  std::uint64_t refused_read = 0;
  std::uint64_t given_up = 0;        // nodes that stay down with it
  std::uint64_t copies = 0;          // of a node's state, whole, by an operator
  std::uint64_t stops = 0;           // of nodes that were told to stop, and were ready to
  std::uint64_t stops_led = 0;       // those that led when they were told
  std::uint64_t handed_over = 0;     // those of them that followed another leader in the end
  std::uint64_t repairs = 0;         // starts of a node in repair
  std::uint64_t repairs_joined = 0;  // those of them at which another node was in repair
  std::uint64_t partitions = 0;
  std::uint64_t other_faults = 0;
  std::uint64_t elections_won = 0;
  std::uint64_t entries_committed = 0;
  std::uint64_t memberships_committed = 0;  // configuration entries
  std::uint64_t standing_partitions = 0;
  std::uint64_t hung_leaders = 0;  // in the end
  std::uint64_t cores = 0;         // that had to go on alone
  std::uint64_t hard_cores = 0;    // of them, those of SurvivingCore::hard
  std::uint64_t snapshots_taken = 0;
  std::uint64_t snapshots_installed = 0;
  std::uint64_t snapshots_resumed = 0;  // gone on with after a restart of their receiver
  std::uint64_t chunks_damaged = 0;     // of snapshots, in flight
  std::uint64_t chunks_refused = 0;
  std::uint64_t connections_broken = 0;  // by damaged bytes
  std::uint64_t operations_ok = 0;
  std::uint64_t operations_unknown = 0;
  std::uint64_t operations_failed = 0;
  SearchCounts searched;            // for a linearization
  std::uint64_t checker_bytes = 0;  // Checkers::Bytes at the end; of several runs the most

  Counters& operator+=(const Counters& other);
};

// One line of the trace, kept as numbers; made into text only when somebody reads it.
enum class LineKind : std::uint8_t {
  kDelivered = 1,     // a: message kind, b: from, c: term, d, e: see recorder.cc
  kLost = 2,          // a: message kind, b: from, c: term
  kRaftEvent = 3,     // a: EventKind, b: peer, c: term, d: a, e: b
  kCrashed = 4,       // a: 1 power loss, 0 process only
  kBooted = 5,        // a: life
  kStarted = 6,       // a: life, b: term, c: last index, d: snapshot index
  kFaultBegan = 7,    // a: FaultKind, b: number, c: one bit for each host that it is done to
  kFaultEnded = 8,    // a: FaultKind, b: number
  kDiskFinished = 9,  // a: kind of job, b: id or index, c: ok
  kNodeFailed = 10,
  kClientInvoked = 11,   // node is the client; a: operation, b: key, c: value
  kClientReturned = 12,  // node is the client; a: outcome, b: value
  kHealed = 13,
  kOpenFailed = 14,
  kWiped = 15,
  kRolledBack = 16,
  kDamaged = 21,    // a: DamageKind, b: store::FileKind, c: number of the file, d: from, e: to
  kDamageMet = 22,  // a: 1: in recovery
  kRefused = 23,    // a: how often this disk
  kGivenUp = 24,
  kCoreHealed = 31,  // a: one bit a host
  kMending = 30,     // a: lost ranges, b: index of the snapshot needed
  // Shown to a watcher only, and no part of the trace. `node` is a place (network.h).
  kSent = 17,    // a: message kind or PacketKind, b: to, c: term, d: in flight as, e: 1 if repeated
  kTaken = 18,   // out of the network; kDelivered or kLost follows, unless its receiver is down
                 // d: in flight as
  kCut = 19,     // b: to
  kMended = 20,  // b: to
  // What comes in this time, in nanoseconds, comes at its end.
  kClogged = 25,  // b: to, c: from, d: until
};

// Of what goes between clients and nodes; numbered behind the kinds of messages.
enum PacketKind : std::uint64_t { kPacketRequest = 11, kPacketReply = 12, kPacketReset = 13 };

struct TraceLine {
  TrueTime at;
  std::uint64_t event = 0;
  LineKind kind = LineKind::kHealed;
  std::uint32_t node = 0;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t c = 0;
  std::uint64_t d = 0;
  std::uint64_t e = 0;
};

// Of the cluster and not of `node`, nor of a client.
bool IsOfCluster(LineKind kind);

std::string TextOf(const TraceLine& line);
// Without time, event and who.
std::string WordsOf(const TraceLine& line);
// "AppendEntries", "request".
const char* NameOfMessage(std::uint64_t kind);

// The lines of a trace that somebody wants to read.
struct TraceWindow {
  TrueTime from;
  TrueTime until = kNever;  // included
  // Without messages and disk jobs: faults, lives, elections, clients.
  bool events_only = false;

  bool Shows(const TraceLine& line) const {
    if (line.at < from || line.at > until) return false;
    return !events_only || (line.kind != LineKind::kDelivered && line.kind != LineKind::kLost &&
                            line.kind != LineKind::kDiskFinished);
  }
};

class Recorder {
 public:
  // Every line of the window goes to `sink` as well.
  using Sink = std::function<void(std::string_view)>;
  void SetSink(Sink sink, TraceWindow window = {}) {
    sink_ = std::move(sink);
    window_ = window;
  }

  // Gets every line as numbers, and those that are for a watcher only.
  using Watch = std::function<void(const TraceLine&)>;
  void SetWatch(Watch watch) { watch_ = std::move(watch); }

  // Ends the run, with a Violation of kStopped, when it wants to begin one event more.
  static constexpr const char* kStopped = "stopped";
  void StopAfter(std::uint64_t events) { stop_after_ = events; }

  void BeginEvent(TrueTime at) {
    if (counters.events == stop_after_) [[unlikely]]
      Stop();
    at_ = at;
    ++counters.events;
  }
  void Note(LineKind kind, std::uint32_t node, std::uint64_t a = 0, std::uint64_t b = 0,
            std::uint64_t c = 0, std::uint64_t d = 0, std::uint64_t e = 0) {
    TraceLine& line = ring_[lines_++ % kKept];
    line = {at_, counters.events, kind, node, a, b, c, d, e};
    if (sink_ && window_.Shows(line)) sink_(TextOf(line));
    if (watch_) [[unlikely]]
      watch_(line);
  }
  // As Note, for a watcher only.
  void Show(LineKind kind, std::uint32_t node, std::uint64_t a = 0, std::uint64_t b = 0,
            std::uint64_t c = 0, std::uint64_t d = 0, std::uint64_t e = 0) const {
    if (watch_) [[unlikely]]
      watch_({at_, counters.events, kind, node, a, b, c, d, e});
  }
  // The newest lines, oldest first: of the last kKept at most so many.
  static constexpr std::uint64_t kKept = 1024;
  static constexpr std::uint64_t kShown = 40;  // to a person who has not asked for more
  std::string NewestLines(std::uint64_t most = kShown) const;

  TrueTime at() const { return at_; }

  Fingerprint fingerprint;
  Counters counters;
  Choices choices;
  std::vector<std::uint8_t>
      reached;  // by number of the place (sites.h): 1 if it was reached, or taken

 private:
  [[noreturn]] void Stop() const;

  std::uint64_t stop_after_ = UINT64_MAX;
  TrueTime at_;
  std::uint64_t lines_ = 0;
  std::array<TraceLine, kKept> ring_;
  Sink sink_;
  TraceWindow window_;
  Watch watch_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_RECORDER_H_
