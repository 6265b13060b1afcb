// Simulation: one run of one whole cluster, with its clients, its faults and its checkers, in one
// thread and in virtual time. A run has four parts:
//
//   1. the faults of the plan come and go while the clients work;
//   2. in half of the runs they end for a core of the nodes only, which must come back by itself;
//   3. every fault ends; the cluster must elect a leader, answer every client and bring every node
//      to the same state, each within a bound;
//   4. the history that the clients saw is searched for a linearization, the last part of it; what
//      was before is searched meanwhile (checkers/history_parts.h).
//
// The white-box checkers look at every event of all parts. A broken rule leaves Run() as a
// Violation.
#ifndef GRASSDB_SIM_SIMULATION_H_
#define GRASSDB_SIM_SIMULATION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/checkers/checkers.h"
#include "sim/checkers/conduct.h"
#include "sim/checkers/history_parts.h"
#include "sim/checkers/liveness.h"
#include "sim/checkers/told.h"
#include "sim/configuration_trail.h"
#include "sim/copier.h"
#include "sim/event_queue.h"
#include "sim/fault_atlas.h"
#include "sim/faults.h"
#include "sim/history.h"
#include "sim/host.h"
#include "sim/network.h"
#include "sim/plan.h"
#include "sim/recorder.h"
#include "sim/roll_back.h"
#include "sim/sites.h"
#include "sim/slab.h"
#include "sim/surviving_core.h"
#include "sim/wire.h"
#include "sim/workload.h"

namespace grassdb::sim {

class Simulation final : private HostOwner, private FaultTargets, private CopySources {
 public:
  // Both outlive the simulation.
  Simulation(const Plan& plan, Recorder* recorder);
  ~Simulation() override;
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  void Run();

 private:
  // A request that a node has and has not answered.
  struct OpenRequest {
    std::uint64_t number = 0;  // unique; the upper half of its RequestId
    ClientPacket packet;       // its body is used up
    bool led = false;          // the node that took it led then
  };

  // HostOwner.
  void OnSend(std::uint32_t host, Message message) override;
  void OnAnswer(std::uint32_t host, RequestId request, Reply reply) override;
  void OnRaftEvent(std::uint32_t host, Term term, const Event& event) override;
  void OnDurableJobBegins(std::uint32_t host, const DiskJob& job) override;
  void OnDurableJobDone(std::uint32_t host) override;
  void OnDurableJobRefused(std::uint32_t host) override;
  void OnDamaged(std::uint32_t host, const RecoveredState& state, DamageMet met) override;
  void OnRecovered(std::uint32_t host, const RecoveredState& state, DamageMet met) override;
  void AfterStep(std::uint32_t host) override;
  bool MayChangeMembership() override;
  void OnNodeFailed(std::uint32_t host) override;
  void OnStopped(std::uint32_t host) override;
  void OnDamageFound(std::uint32_t host) override;
  void OnTakes(std::uint32_t host, const Message& message) override;
  void OnTook(std::uint32_t host) override;
  void OnTakesRequest(std::uint32_t host, RequestId request) override;
  // FaultTargets.
  Host& HostAt(std::uint32_t number) override { return *hosts_[number]; }
  std::optional<std::uint32_t> Leader() const override;
  void CrashHost(std::uint32_t number, CrashKind kind, TrueTime back) override;
  void StopHost(std::uint32_t number, TrueTime back) override;
  void WipeHost(std::uint32_t number, TrueTime back) override;
  void DamageHost(std::uint32_t host, std::uint64_t number, DamageWhen when,
                  TrueTime back) override;
  std::optional<std::uint32_t> OneAhead() const override { return atlas_->OneAhead(); }
  void ShowDamage(std::uint32_t number, TrueTime back) override;
  void SaveDisk(std::uint32_t number) override;
  void RollBackHost(std::uint32_t number, TrueTime back) override;

  // CopySources.
  bool MayBeCopied(std::uint32_t host) const override { return hosts_[host]->up(); }
  void AskForCopy(std::uint32_t host, RequestId id, const BackupRequest& request) override {
    hosts_[host]->Backup(id, request);
  }

  void MakeCluster();
  void Step();
  void Dispatch(const SimEvent& event);
  void OnFaultBegins(FaultKind kind, std::uint64_t number);
  void OnDeliver(std::uint32_t host, std::uint64_t slot);
  void OnRequest(std::uint32_t host, std::uint64_t slot);
  void ResetRequestsOf(std::uint32_t host);

  bool KillHost(std::uint32_t number, CrashKind kind);
  void RunFaults();
  void Heal();
  enum class Restart : std::uint8_t { kNo, kYes };
  void HealHost(std::uint32_t number, Restart restart);
  void RunHealed();
  void EndureStandingPartition();
  void EndureAHungLeader();
  void AwaitStart();
  void AwaitLeader();
  void AwaitIdleClients();
  void CheckKeys();
  void AwaitSameState();
  // Steps until `done()`; a violation, about `what`, when that takes longer.
  template <class Done>
  void StepUntil(Done done, TrueTime deadline, const std::string& what) {
    while (!done()) {
      // Who has said what it has lost is held to no bound.
      if (GaveUp() && (queue_.empty() || queue_.now() >= deadline)) return;
      Liveness::CheckTime(queue_.now(), Told(told::kDeadline, deadline), what);
      Step();
    }
  }
  // The part of a run in which only a core is healed (simulation_core.cc).
  void EndureWithACore();
  std::vector<CoreCandidate> CoreCandidates() const;
  std::vector<Configuration> ConfigurationsInForce() const;
  void HealCore();
  void SeekAHardCore();
  TrueTime HeardOfTheDisks() const;
  Duration TimeForASlice() const;
  void CheckService();
  void CutOff(std::uint32_t number);
  Duration TimeForTheBacklog() const;
  void CheckCore(const std::vector<CoreCandidate>& candidates,
                 const std::vector<Configuration>& before) const;
  // Whether what is awaited now is awaited of this host as well.
  bool IsWhole(std::uint32_t host) const { return core_ == 0 || Contains(core_, host); }
  // Whether a read may have given, once, what is not on the disk, or nothing.
  bool MayMisread() const { return plan_.disk.misread > 0 || plan_.disk.read_failure > 0; }
  void CheckLeases(std::uint32_t winner, Term term) const;
  void CheckDefended(std::uint32_t leader, const Raft& raft) const;
  void CheckHeld(std::uint32_t host, const OpenRequest& open, const Reply& reply) const;
  void CheckBrought(std::uint32_t number, const SnapshotMeta& snapshot);
  bool AVoterNeedsASnapshot() const;
  std::uint64_t StateBytes() const;
  Duration TimeForASnapshot() const;
  Duration TimeForAMessage() const;
  Duration TimeForALeader() const;
  Duration TimeForAnAnswer() const;
  bool GaveUp() const;
  bool HasLeader() const;
  bool HasSameState() const;
  bool NobodyIsAhead() const;
  // Every node that is up has found that its disk has room.
  bool HasSpace() const;
  bool HasServingLeader() const;
  bool MayForget(std::uint32_t number) const;
  void Wipe(std::uint32_t number, TrueTime back);
  void WipeRolledBack(TrueTime back);
  std::uint32_t NumberOf(NodeId id) const;

  const Plan& plan_;
  Recorder* recorder_;
  const Keyed random_;
  Sites sites_;
  EventQueue queue_;
  History history_;
  SimNetwork network_;
  std::vector<std::string> addresses_;
  std::vector<NodeId> ids_;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<Checkers> checkers_;
  std::unique_ptr<HistoryParts> history_parts_;
  Conduct conduct_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::unique_ptr<RollBack> roll_back_;
  std::unique_ptr<FaultAtlas> atlas_;
  std::unique_ptr<ConfigurationTrail> trail_;
  HostSet core_ = 0;  // while only a core is healed: who is in it
  HostSet dead_ = 0;  // and who stays down
  std::unique_ptr<Copier> copier_;
  std::vector<TrueTime> back_;           // by host: when one that stops is booted again
  std::vector<std::uint64_t> refusals_;  // by host, of the disk it has
  std::vector<std::unique_ptr<SimClient>> clients_;
  FaultInjector faults_;
  Slab<OpenRequest> requests_;
  std::uint64_t next_request_ = 1;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_SIMULATION_H_
