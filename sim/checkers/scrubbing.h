// Everything is read again: a pass over what is on the disk finds what was damaged of it when the
// pass began. Of the live log that is what its node would need most: the newest entries are those
// that fewest others have. Not asked of a pass in which there was no room to do anything about it.
#ifndef GRASSDB_SIM_CHECKERS_SCRUBBING_H_
#define GRASSDB_SIM_CHECKERS_SCRUBBING_H_

#include <cstdint>
#include <string>

#include "core/disk.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Scrubbing {
 public:
  // A piece was read.
  void OnPiece(const ScrubDone& done) {
    found_ |= !done.damage.empty();
    had_room_ &= done.space.space == DiskSpace::kAmple;
  }
  // A pass has ended, with the live log damaged or not in what was there when it began.
  void OnPassEnded(std::uint32_t node, bool damaged) {
    GRASS_RULE("everything is read again", !damaged_ || !damaged || found_ || !had_room_,
               NodeName(node) +
                   " has read all of its disk once more, and found nothing; its live "
                   "log is damaged");
    damaged_ = damaged;
    found_ = false;
    had_room_ = true;
  }
  // The node has ended.
  void Forget() { *this = Scrubbing(); }

 private:
  bool damaged_ = false;  // the live log was, when the pass began
  bool found_ = false;
  bool had_room_ = true;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_SCRUBBING_H_
