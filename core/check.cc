#include "core/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace grassdb {
namespace {

void AbortOnCheckFailure(const CheckFailure& failure) {
  std::fprintf(stderr, "%s:%d: check failed: %s%s%s\n", failure.file, failure.line,
               failure.condition, failure.values.empty() ? "" : ": ", failure.values.c_str());
}

// The one process-wide variable of core: it changes what happens after a replica is already lost,
// never what a replica does.
std::atomic<CheckFailureHandler> g_handler{&AbortOnCheckFailure};

}  // namespace

CheckFailureHandler SetCheckFailureHandler(CheckFailureHandler handler) {
  return g_handler.exchange(handler);
}

namespace internal {

void CheckFailed(const char* file, int line, const char* condition, std::string values) {
  g_handler.load()(CheckFailure{file, line, condition, std::move(values)});
  std::abort();
}

std::string CheckText(std::uint64_t value) {
  return std::to_string(value);
}
std::string CheckText(std::int64_t value) {
  return std::to_string(value);
}

}  // namespace internal
}  // namespace grassdb
