// Whether this is a build with AddressSanitizer or ThreadSanitizer, in which what a test does takes
// up to twenty times as long: for tests of very many cases, which then try some of them.
#ifndef GRASSDB_TESTS_SANITIZED_H_
#define GRASSDB_TESTS_SANITIZED_H_

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GRASSDB_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GRASSDB_SANITIZED 1
#endif
#endif

namespace grassdb {

#ifdef GRASSDB_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// How many of so many cases to try. Of some only, nothing can be said about the sum of them.
constexpr std::uint64_t SomeOf(std::uint64_t cases) {
  return kSanitized ? (cases + 7) / 8 : cases;
}

}  // namespace grassdb

#endif  // GRASSDB_TESTS_SANITIZED_H_
