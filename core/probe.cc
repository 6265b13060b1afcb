#include "core/probe.h"

#ifdef GRASSDB_SIMULATED

#include <utility>

#include "core/check.h"

// The bounds of the section, by the linker.
extern const grassdb::SiteEntry grass_sites_begin[] __asm__("__start_grass_sites");
extern const grassdb::SiteEntry grass_sites_end[] __asm__("__stop_grass_sites");

namespace grassdb {
namespace {

thread_local SiteWatch* watching = nullptr;

}  // namespace

std::span<const SiteEntry> AllSites() {
  return {grass_sites_begin, grass_sites_end};
}

SiteWatch* SiteWatch::Exchange(SiteWatch* watch) {
  return std::exchange(watching, watch);
}

namespace internal {
namespace {

std::size_t NumberOf(const SiteEntry& site) {
  // A copy that an inline function has made lies elsewhere.
  GRASS_CHECK(&site >= grass_sites_begin && &site < grass_sites_end);
  return static_cast<std::size_t>(&site - grass_sites_begin);
}

}  // namespace

void Reach(const SiteEntry& site) {
  if (watching != nullptr) watching->OnProbe(NumberOf(site));
}

bool Fire(const SiteEntry& site) {
  return watching != nullptr && watching->Fires(NumberOf(site));
}

}  // namespace internal
}  // namespace grassdb

#endif
