// Choices: the decisions of a run that somebody may want to leave out, each with the name of the
// logical event that it is about: this loss, this crash, this client's 7th operation.
//
// A run asks here only where the seed has already said that the thing happens. Free, it happens.
// Told to note, what happens is written down. Told what to keep, only that happens; everything else
// of the run stays as the seed decides it (random.h).
#ifndef GRASSDB_SIM_CHOICES_H_
#define GRASSDB_SIM_CHOICES_H_

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <tuple>
#include <vector>

namespace grassdb::sim {

// What may be left out. Part of the format of schedules: schedule.cc names each.
enum class Choice : std::uint32_t {
  kFault = 0,         // about: FaultKind; number: of the occurrence
  kOperation = 1,     // about: client; number: of its operation
  kReconnect = 2,     // about: client; number: of the operation before
  kLoss = 3,          // about: from, to, kind of message; number: of its kind on its link
  kCopy = 4,          // as kLoss: a second one is sent
  kStraggle = 5,      // as kLoss: it takes much longer
  kCopyLate = 6,      // as kLoss: its second one takes much longer
  kDamage = 7,        // as kLoss: a bit of a snapshot's chunk is flipped
  kPacketLoss = 8,    // about: from, to; number: of the packet of a client on its link
  kPacketLate = 9,    // as kPacketLoss
  kIoFailure = 10,    // about: node; number: of its I/O
  kIoLate = 11,       // as kIoFailure
  kCrashLoss = 12,    // about: node; number: of its crash. Left out: everything written survives
  kHealRestart = 13,  // that every node is restarted when the faults end; number 1: for a core
  kOldMail = 14,      // about: node; number: of the message that comes once more after a lost disk
  kRarePath = 15,  // about: KeyOfSite (sites.h), node or client; number: of the pass. It is taken
  kCorrupt = 16,   // as kLoss: its bytes change, and its connection breaks
  kPacketCorrupt = 17,   // as kPacketLoss
  kPulse = 18,           // about: FaultKind, occurrence; number: of the pulse within it
  kStandingDeaths = 19,  // that who is cut off by the standing partition is down
  kWound = 20,           // about: node, place in its fault; number: of the fault. Damage is done
  kMisread = 21,         // about: node; number: of its I/O
  kCoreDeath = 22,       // about: node. It is down while a core goes on, rather than cut off
};
inline constexpr std::size_t kChoices = 23;

struct Decision {
  Choice choice = Choice::kFault;
  std::array<std::uint32_t, 3> about{};  // unused ones are 0
  std::uint64_t number = 0;

  // Of an operation, in virtual nanoseconds: when it began. No part of the name. Kept, it does not
  // begin before, so that leaving out what its client did before does not move it.
  std::uint64_t not_before = 0;

  friend std::strong_ordering operator<=>(const Decision& a, const Decision& b) {
    return std::tie(a.choice, a.about, a.number) <=> std::tie(b.choice, b.about, b.number);
  }
  friend bool operator==(const Decision& a, const Decision& b) { return (a <=> b) == 0; }
};

class Choices {
 public:
  // Both outlive this; either may be null. `keep` is sorted; null keeps everything. `noted` gets
  // what happens, in order.
  void Use(const std::vector<Decision>* keep, std::vector<Decision>* noted) {
    keep_ = keep;
    noted_ = noted;
    free_ = keep == nullptr && noted == nullptr;
  }
  // Whether what the seed decides is to happen.
  bool Takes(const Decision& decision) {
    if (free_) [[likely]]
      return true;
    if (keep_ != nullptr && !std::ranges::binary_search(*keep_, decision)) return false;
    if (noted_ != nullptr) noted_->push_back(decision);
    return true;
  }
  // When a kept operation may begin; 0 if nothing is said about it.
  std::uint64_t NotBefore(const Decision& operation) const {
    if (keep_ == nullptr) [[likely]]
      return 0;
    const auto found = std::ranges::lower_bound(*keep_, operation);
    return found != keep_->end() && *found == operation ? found->not_before : 0;
  }

 private:
  bool free_ = true;
  const std::vector<Decision>* keep_ = nullptr;
  std::vector<Decision>* noted_ = nullptr;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHOICES_H_
