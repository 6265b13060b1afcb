// Places in the code that a simulation watches, or steers. Outside of the simulator they compile to
// nothing.
//
//     GRASS_PROBE("election: log behind");      // a situation that some seed of a sweep must reach
//     if (GRASS_BUGGIFY("append: one entry"))   // a rare path, now and then taken on purpose
//
// A sweep says which places no seed has come to: what is never reached is never tested. A buggified
// path is one that the code may take by itself at another time or with other limits, so every rule
// holds on it. It is never where replicas must agree (the state machine), and never a fault: those
// are the simulator's.
//
// The text is the name of the place, "room or part: what happens"; it is unique, and it keys the
// decisions of a run. Not for inline functions or templates, of which there may be many copies.
#ifndef GRASSDB_CORE_PROBE_H_
#define GRASSDB_CORE_PROBE_H_

#ifdef GRASSDB_SIMULATED

#include <cstddef>
#include <cstdint>
#include <span>

namespace grassdb {

struct Site {
  enum class Kind : std::uint32_t { kProbe = 1, kBuggify = 2 };
  const char* name;
  const char* file;
  Kind kind;
  std::uint32_t line;
};

// By its address, which is in the section of all of them.
using SiteEntry = const Site*;

// Every place in this program, in the order of the linker.
std::span<const SiteEntry> AllSites();

// Who watches the places of this thread.
class SiteWatch {
 public:
  virtual ~SiteWatch() = default;
  virtual void OnProbe(std::size_t site) = 0;
  // Whether the rare path is taken this time.
  virtual bool Fires(std::size_t site) = 0;

  // Null: nobody; probes are not counted and nothing fires. Outlives its use. Returns who did.
  static SiteWatch* Exchange(SiteWatch* watch);
};

namespace internal {
void Reach(const SiteEntry& site);
bool Fire(const SiteEntry& site);
}  // namespace internal
}  // namespace grassdb

// One section holds a pointer to each and nothing else, so that they can be listed without being
// reached.
#define GRASS_SITE_(kind_, name_)                                                               \
  static constexpr ::grassdb::Site grass_site = {name_, __FILE__, ::grassdb::Site::Kind::kind_, \
                                                 __LINE__};                                     \
  [[gnu::section("grass_sites"), gnu::used]] static const ::grassdb::SiteEntry grass_entry =    \
      &grass_site

#define GRASS_PROBE(name)                    \
  do {                                       \
    GRASS_SITE_(kProbe, name);               \
    ::grassdb::internal::Reach(grass_entry); \
  } while (false)

#define GRASS_BUGGIFY(name)                        \
  ([]() -> bool {                                  \
    GRASS_SITE_(kBuggify, name);                   \
    return ::grassdb::internal::Fire(grass_entry); \
  }())

#else

#define GRASS_PROBE(name) static_cast<void>(0)
#define GRASS_BUGGIFY(name) false

#endif

#endif  // GRASSDB_CORE_PROBE_H_
