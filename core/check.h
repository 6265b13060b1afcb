// GRASS_CHECK: the assertion of a broken invariant. It stays on in release builds, and it stops the
// process: a replica that has broken its own rules must not go on (DESIGN.md, "Errors", kind 1).
//
// What it is not: a way to report bad input, an I/O error or an answer of the protocol. Those are
// absl::Status and plain values.
#ifndef GRASSDB_CORE_CHECK_H_
#define GRASSDB_CORE_CHECK_H_

#include <concepts>
#include <cstdint>
#include <string>

namespace grassdb {

// What is known about a failed check. The strings live only during the call of the handler.
struct CheckFailure {
  const char* file;
  int line;
  const char* condition;
  std::string values;  // "left = 3, right = 4", or empty
};

// Called when a check fails. It must not return: production logs and aborts, the simulator throws a
// private type out of the abandoned run. Returning aborts.
using CheckFailureHandler = void (*)(const CheckFailure&);

// Replaces the handler of the whole process; the default writes one line to stderr and aborts. Call
// it from main() before anything that may check. Returns the previous handler.
CheckFailureHandler SetCheckFailureHandler(CheckFailureHandler handler);

namespace internal {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              std::string values = {});

std::string CheckText(std::uint64_t value);
std::string CheckText(std::int64_t value);
inline std::string CheckText(const std::string& value) {
  return value;
}

template <class T>
std::string CheckValue(const T& value) {
  if constexpr (requires { value.value(); }) {
    return CheckText(static_cast<std::uint64_t>(value.value()));
  } else if constexpr (std::signed_integral<T>) {
    return CheckText(static_cast<std::int64_t>(value));
  } else if constexpr (std::unsigned_integral<T>) {
    return CheckText(static_cast<std::uint64_t>(value));
  } else {
    return "(no text)";
  }
}

template <class A, class B>
[[noreturn]] void CheckOpFailed(const char* file, int line, const char* condition, const A& a,
                                const B& b) {
  CheckFailed(file, line, condition, "left = " + CheckValue(a) + ", right = " + CheckValue(b));
}

}  // namespace internal
}  // namespace grassdb

#define GRASS_CHECK(condition)                                          \
  do {                                                                  \
    if (!(condition)) [[unlikely]] {                                    \
      ::grassdb::internal::CheckFailed(__FILE__, __LINE__, #condition); \
    }                                                                   \
  } while (false)

// As GRASS_CHECK, with a std::string that says what a reader of the log needs to know.
#define GRASS_CHECK_MSG(condition, message)                                      \
  do {                                                                           \
    if (!(condition)) [[unlikely]] {                                             \
      ::grassdb::internal::CheckFailed(__FILE__, __LINE__, #condition, message); \
    }                                                                            \
  } while (false)

#define GRASS_CHECK_OP_(a, op, b)                                                              \
  do {                                                                                         \
    const auto& grass_check_a = (a);                                                           \
    const auto& grass_check_b = (b);                                                           \
    if (!(grass_check_a op grass_check_b)) [[unlikely]] {                                      \
      ::grassdb::internal::CheckOpFailed(__FILE__, __LINE__, #a " " #op " " #b, grass_check_a, \
                                         grass_check_b);                                       \
    }                                                                                          \
  } while (false)

#define GRASS_CHECK_EQ(a, b) GRASS_CHECK_OP_(a, ==, b)
#define GRASS_CHECK_NE(a, b) GRASS_CHECK_OP_(a, !=, b)
#define GRASS_CHECK_LT(a, b) GRASS_CHECK_OP_(a, <, b)
#define GRASS_CHECK_LE(a, b) GRASS_CHECK_OP_(a, <=, b)
#define GRASS_CHECK_GT(a, b) GRASS_CHECK_OP_(a, >, b)
#define GRASS_CHECK_GE(a, b) GRASS_CHECK_OP_(a, >=, b)

#endif  // GRASSDB_CORE_CHECK_H_
