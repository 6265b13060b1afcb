// The clients of a run: each drives the production retry logic (core/client.h) with one operation
// after another over a small space of keys, and writes down what it saw. Every write writes a value
// of its own.
#ifndef GRASSDB_SIM_WORKLOAD_H_
#define GRASSDB_SIM_WORKLOAD_H_

#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/client.h"
#include "sim/checkers/client_answers.h"
#include "sim/event_queue.h"
#include "sim/history.h"
#include "sim/network.h"
#include "sim/plan.h"
#include "sim/recorder.h"
#include "sim/text.h"
#include "sim/transaction_record.h"

namespace grassdb::sim {

class SimClient {
 public:
  // All of them outlive the client. `addresses[i]` is where host i listens, and host
  // i - plan.nodes, once more, if i is not below that.
  SimClient(std::uint32_t number, const Plan& plan, const std::vector<std::string>& addresses,
            EventQueue* queue, SimNetwork* network, Recorder* recorder, History* history);

  // What the clients write, as the history numbers it.
  static ValueNumber NumberOf(const std::string& value) {
    return ClientAnswers::NumberOfValue(value);
  }
  static constexpr std::uint64_t kTransactionKeysMax = 4;
  static constexpr std::uint64_t kTransactionComparesMax = 2;
  // In one request: of the compares, and of both branches.
  static constexpr std::uint64_t kValuesOfAWriteMax =
      kTransactionComparesMax + 2 * kTransactionKeysMax;
  // The most that a slip costs in the log; only one kind gets that far.
  static constexpr std::size_t kSlipBytesMax = 20'480;

  // Begins to work.
  void Start();
  void OnWake();
  void OnPacket(ClientPacket packet);

  // After the operation under way the client does nothing more until CheckKeys.
  void StopAfterThis() { phase_ = Phase::kStopping; }
  bool idle() const { return !operation_.has_value(); }
  // Reads the keys `first`, `first + step`, ..., each once; every read must succeed in time.
  void CheckKeys(std::uint32_t first, std::uint32_t step, Duration deadline);
  enum class Service : std::uint8_t { kReads, kWritesAndReads };
  // Writes a key of its own choice, and reads it, or reads it only; each must succeed in time.
  void CheckService(Service service, Duration deadline);
  bool checked() const { return phase_ == Phase::kChecking && idle() && checks_.empty(); }

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
  void BeginCheck();
  void BeginChecking(Duration deadline);
  void NoteCheck(const HistoryOperation& operation, const Outcome& outcome);
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
  // Of several keys (workload_transaction.cc).
  void BeginTransaction(std::uint64_t random);
  std::vector<std::uint32_t> DrawKeys(std::uint64_t random) const;
  std::vector<TransactionRecord::Step> DrawSteps(const std::vector<std::uint32_t>& keys,
                                                 std::uint64_t random, std::uint64_t salt,
                                                 std::uint64_t* puts) const;
  Compare CompareOf(const TransactionRecord::Compare& compare, std::uint64_t random) const;
  std::vector<Operation> OperationsOf(const std::vector<TransactionRecord::Step>& steps) const;
  void NoteTransaction(HistoryOperation* operation, const CommandResult& result);
  void WakeAt(TrueTime at);
  NodeId DrawTarget(std::uint64_t random) const;
  ChangeMembershipRequest DrawChange(std::uint64_t random) const;
  OperationKind DrawKind(std::uint64_t random) const;
  std::string ValueText(ValueNumber value) const;
  // That nobody has written before: of the operation that begins next, its `place`-th.
  ValueNumber FreshValue(std::uint64_t place = 0) const {
    GRASS_CHECK(place < 10 && number_ < 100);
    return (begun_ + 1) * 1000 + place * 100 + number_;
  }
  static std::string KeyText(std::uint32_t key) { return "k" + Decimal(key); }

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
  struct Check {
    OperationKind kind = OperationKind::kGet;
    std::uint32_t key = 0;
  };
  std::deque<Check> checks_;    // to be done, while kChecking
  TrueTime check_by_ = kNever;  // the one under way
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_WORKLOAD_H_
