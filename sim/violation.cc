#include "sim/violation.h"

#include <string_view>
#include <utility>

namespace grassdb::sim {

void ThrowViolation(const char* rule, const char* file, int line, std::string text) {
  // From the room on, so that the report does not depend on where the tree was built.
  std::string_view path(file);
  for (const std::string_view room : {"/core/", "/store/", "/sim/", "/proto/", "/tests/"}) {
    const std::size_t at = path.rfind(room);
    if (at != std::string_view::npos) {
      path.remove_prefix(at + 1);
      break;
    }
  }
  throw Violation{rule, std::string(path) + ":" + std::to_string(line), std::move(text)};
}

namespace {

void ThrowCheckFailure(const CheckFailure& failure) {
  std::string text = failure.condition;
  if (!failure.values.empty()) text += " (" + failure.values + ")";
  ThrowViolation("GRASS_CHECK", failure.file, failure.line, std::move(text));
}

}  // namespace

CheckFailuresThrow::CheckFailuresThrow() : previous_(SetCheckFailureHandler(ThrowCheckFailure)) {}

CheckFailuresThrow::~CheckFailuresThrow() {
  SetCheckFailureHandler(previous_);
}

}  // namespace grassdb::sim
