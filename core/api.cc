#include "core/api.h"

namespace grassdb {

const char* NameOf(ReplyCode code) {
  switch (code) {
    case ReplyCode::kOk:
      return "ok";
    case ReplyCode::kNotLeader:
      return "not leader";
    case ReplyCode::kOutcomeUnknown:
      return "outcome unknown";
    case ReplyCode::kSessionUnknown:
      return "session unknown";
    case ReplyCode::kStaleSequence:
      return "stale sequence";
    case ReplyCode::kInvalid:
      return "invalid";
    case ReplyCode::kOverloaded:
      return "overloaded";
    case ReplyCode::kRefused:
      return "refused";
    case ReplyCode::kUnavailable:
      return "unavailable";
    case ReplyCode::kDiskFull:
      return "disk full";
  }
  return "unknown";
}

}  // namespace grassdb
