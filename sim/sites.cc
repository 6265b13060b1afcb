#include "sim/sites.h"

#include <algorithm>

#include "core/check.h"
#include "core/hash.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

constexpr PerMillion kOpen = 250'000;

bool IsRarePath(const Site& site) {
  return site.kind == Site::Kind::kBuggify;
}

}  // namespace

std::uint32_t KeyOfSite(std::string_view name) {
  return static_cast<std::uint32_t>(HashBytes(name));
}

const char* NameOfSite(std::uint32_t key) {
  for (const SiteEntry site : AllSites()) {
    if (KeyOfSite(site->name) == key) return site->name;
  }
  return nullptr;
}

Sites::Sites(const Keyed& random, PerMillion rate, Recorder* recorder)
    : random_(random), rate_(rate), recorder_(recorder) {
  recorder_->reached.assign(AllSites().size(), 0);
  if (rate_ == 0) return;
  paths_.resize(AllSites().size());
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const Site& site = *AllSites()[i];
    if (!IsRarePath(site)) continue;
    paths_[i].key = KeyOfSite(site.name);
    paths_[i].open = Chance(Keyed(random_.seed())(Stream::kRarePath, paths_[i].key), kOpen);
  }
}

bool Sites::Fires(std::size_t site) {
  if (rate_ == 0 || stopped_ || !paths_[site].open) return false;
  RarePath& path = paths_[site];
  if (about_ >= path.passes.size()) path.passes.resize(about_ + 1);
  const std::uint64_t pass = ++path.passes[about_];
  if (!Chance(random_(Stream::kRarePath, path.key, about_, pass), rate_)) return false;
  if (!recorder_->choices.Takes({Choice::kRarePath, {path.key, about_}, pass})) return false;
  recorder_->reached[site] = 1;
  return true;
}

void SiteTally::Add(const std::vector<std::uint8_t>& reached) {
  if (reached.empty()) return;
  seeds_.resize(AllSites().size());
  GRASS_CHECK_EQ(reached.size(), seeds_.size());
  for (std::size_t i = 0; i < seeds_.size(); ++i) seeds_[i] += reached[i];
}

std::vector<SiteTally::Row> SiteTally::Rows() const {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < AllSites().size(); ++i) {
    const Site& site = *AllSites()[i];
    const std::string_view file = site.file;
    rows.push_back(
        {.name = site.name,
         .where = std::string(file.substr(file.rfind('/') + 1)) + ":" + Decimal(site.line),
         .rare_path = IsRarePath(site),
         .seeds = seeds_.empty() ? 0 : seeds_[i]});
  }
  std::ranges::sort(rows, {}, &Row::name);
  return rows;
}

std::vector<std::string> SiteTally::Unreached() const {
  std::vector<std::string> names;
  for (const Row& row : Rows()) {
    if (row.seeds == 0) names.push_back(row.name);
  }
  return names;
}

}  // namespace grassdb::sim
