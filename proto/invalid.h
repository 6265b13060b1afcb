// How this room refuses a field of a client's message.
#ifndef GRASSDB_PROTO_INVALID_H_
#define GRASSDB_PROTO_INVALID_H_

#include <string>

#include "absl/status/status.h"

namespace grassdb {

inline absl::Status Invalid(const std::string& field, const std::string& text) {
  return absl::InvalidArgumentError(field + ": " + text);
}

}  // namespace grassdb

#endif  // GRASSDB_PROTO_INVALID_H_
