// Sites: the places of core/probe.h in one run. Notes which probes it comes to, and decides which
// rare paths it takes.
//
// A rare path is open in a quarter of the runs that take any, and then taken at the plan's rate.
// Its decisions are keyed by its name, by what the event is about and by how often it has been
// passed there; so a build with another path more or less decides the same about the others.
#ifndef GRASSDB_SIM_SITES_H_
#define GRASSDB_SIM_SITES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/probe.h"
#include "sim/random.h"
#include "sim/recorder.h"

namespace grassdb::sim {

// What a decision about the place goes by.
std::uint32_t KeyOfSite(std::string_view name);
// Null if this build has no such place.
const char* NameOfSite(std::uint32_t key);

class Sites final : public SiteWatch {
 public:
  // `recorder` outlives this; its `reached` is filled. `rate` 0: no rare path is taken.
  Sites(const Keyed& random, PerMillion rate, Recorder* recorder);

  // The node or client that the next event is about.
  void BeginEvent(std::uint32_t about) { about_ = about; }
  // From now on no rare path is taken.
  void Stop() { stopped_ = true; }

  void OnProbe(std::size_t site) override { recorder_->reached[site] = 1; }
  bool Fires(std::size_t site) override;

 private:
  struct RarePath {
    std::uint32_t key = 0;
    bool open = false;
    std::vector<std::uint32_t> passes;  // by what the event was about
  };

  const Keyed random_;
  const PerMillion rate_;
  Recorder* recorder_;
  std::uint32_t about_ = 0;
  bool stopped_ = false;
  std::vector<RarePath> paths_;  // by number of the site; of a probe nothing is in it
};

// While one lives, the places of this thread are watched.
class Watching {
 public:
  explicit Watching(SiteWatch* watch) : before_(SiteWatch::Exchange(watch)) {}
  ~Watching() { SiteWatch::Exchange(before_); }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

 private:
  SiteWatch* before_;
};

// Of a sweep: in how many seeds each place was reached. Sums, so that sweeps add up.
class SiteTally {
 public:
  // `reached` as Recorder::reached; empty counts for nothing.
  void Add(const std::vector<std::uint8_t>& reached);

  struct Row {
    std::string name;
    std::string where;  // "raft.cc:12"
    bool rare_path = false;
    std::uint64_t seeds = 0;
  };
  std::vector<Row> Rows() const;  // by name
  std::vector<std::string> Unreached() const;

 private:
  std::vector<std::uint64_t> seeds_;  // by number of the site; empty before the first Add
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_SITES_H_
