// The clients of a run: each drives the production retry logic (core/client.h) with one operation
// after another over a small space of keys, and writes down what it saw. Every write writes a value
// of its own.
#ifndef GRASSDB_SIM_WORKLOAD_H_
#define GRASSDB_SIM_WORKLOAD_H_

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/client.h"
#include "sim/event_queue.h"
#include "sim/history.h"
#include "sim/network.h"
#include "sim/plan.h"
#include "sim/recorder.h"

namespace grassdb::sim {

class SimClient {
 public:
  // All of them outlive the client. `addresses[i]` is where host i listens, and host
  // i - plan.nodes, once more, if i is not below that.
  SimClient(std::uint32_t number, const Plan& plan, const std::vector<std::string>& addresses,
            EventQueue* queue, SimNetwork* network, Recorder* recorder, History* history);

  // What the clients write, as the history numbers it.
  static std::uint32_t NumberOfKey(const std::string& key);
  static ValueNumber NumberOf(const std::string& value);

  // Begins to work.
  void Start();
  void OnWake();
  void OnPacket(ClientPacket packet);

  // After the operation under way the client does nothing more until CheckKeys.
  void StopAfterThis() { phase_ = Phase::kStopping; }
  bool idle() const { return !operation_.has_value(); }
  // Reads the keys `first`, `first + step`, ..., each once; every read must succeed in time.
  void CheckKeys(std::uint32_t first, std::uint32_t step, Duration deadline);
  bool checked() const { return phase_ == Phase::kChecking && idle() && next_key_ >= keys(); }

 private:
  enum class Phase : std::uint8_t { kWorking, kStopping, kChecking };
  // Of a key: the newest value that this client knows of, and its revision.
  struct Seen {
    ValueNumber value = 0;
    std::uint64_t revision = 0;
  };
  // How a compare-and-set asks.
  struct Form {
    enum class Compares : std::uint8_t {
      kSame = 0,          // value, or that there is none
      kRevision = 1,      // the revision of the value
      kRange = 2,         // lies between two others, of values and revisions
      kOtherVersion = 3,  // inverted: that it has another revision, or that there is one
    };
    Compares compares = Compares::kSame;
    bool looks = false;  // reads the key before and after it writes it, or instead
    // The branch for compares that hold is the one that must not write.
    bool inverted() const { return compares == Compares::kOtherVersion; }
  };

  std::uint32_t keys() const { return plan_.workload.keys; }
  Instant Now() const { return Instant(queue_->now().time_since_epoch()); }
  void Connect();
  void Drive();
  void BeginNext();
  void BeginWork();
  Duration ThinkTime() const;
  void Begin(const HistoryOperation& operation, ClientOperation client_operation);
  void Leave();
  void Invoke(const HistoryOperation& operation, ClientOperation client_operation);
  void SendAttempt(const Attempt& attempt);
  void Finish(const Outcome& outcome);
  void NoteResult(std::size_t number, const Reply& reply);
  void NoteSwap(HistoryOperation* operation, const CommandResult& result);
  static Form FormOfSwap(std::uint64_t random);
  std::vector<Compare> SwapCompares(Form form, const std::string& key, const Seen& expected) const;
  Transaction SwapTransaction(Form form, const std::string& key, const Seen& expected,
                              ValueNumber fresh) const;
  void WakeAt(TrueTime at);
  NodeId DrawTarget(std::uint64_t random) const;
  ChangeMembershipRequest DrawChange(std::uint64_t random) const;
  OperationKind DrawKind(std::uint64_t random) const;
  std::string ValueText(ValueNumber value) const;

  const std::uint32_t number_;
  const Plan& plan_;
  const std::vector<std::string>& addresses_;
  const Keyed random_;
  EventQueue* queue_;
  SimNetwork* network_;
  Recorder* recorder_;
  History* history_;

  Phase phase_ = Phase::kWorking;
  std::uint64_t life_ = 0;
  std::optional<Client> client_;
  bool acknowledges_ = true;
  Duration deadline_{};
  Duration attempt_timeout_{};
  std::uint64_t begun_ = 0;
  std::optional<std::size_t> operation_;  // in the history
  TrueTime begin_at_ = kNever;            // of the next operation
  TrueTime wake_at_ = kNever;             // of the nearest wake event
  std::vector<Seen> last_seen_;           // by key; what a compare-and-set expects
  bool leaves_ = false;                   // closes its session, then connects anew
  Form form_;                             // of the compare-and-set under way
  Seen expected_;                         // by it
  std::uint32_t next_key_ = 0;
  std::uint32_t key_step_ = 1;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_WORKLOAD_H_
