#include "sim/report/sweep_progress.h"

#include <algorithm>

#include "sim/text.h"

namespace grassdb::sim {
namespace {

std::string Bar(double part) {
  constexpr std::size_t kWidth = 40;
  const double full = std::clamp(part, 0.0, 1.0) * static_cast<double>(kWidth);
  std::string bar(kWidth, ' ');
  std::fill_n(bar.begin(), static_cast<std::ptrdiff_t>(full), '=');
  return "[" + bar + "] ";
}

}  // namespace

std::string TextOf(const SweepPace& pace) {
  const auto done = static_cast<double>(pace.done);
  const double rate = done / std::max(pace.seconds, 1e-3);
  std::optional<double> part;
  std::optional<double> left;
  if (pace.seeds_max) {
    const double all = static_cast<double>(std::max<std::uint64_t>(*pace.seeds_max, 1));
    part = done / all;
    left = (all - done) / std::max(rate, 1e-9);
  }
  if (pace.seconds_max) {
    part = std::max(part.value_or(0), pace.seconds / *pace.seconds_max);
    const double time = std::max(*pace.seconds_max - pace.seconds, 0.0);
    left = std::min(left.value_or(time), time);
  }
  std::string text = part ? Bar(*part) : "";
  text += Decimal(pace.done) + (pace.seeds_max ? "/" + Decimal(*pace.seeds_max) : "") + " seeds, " +
          Decimal(pace.failed) + " failed, " + Fixed(rate, 1) + "/s, ";
  return text + (left ? Fixed(*left, 0) + " s left" : "until one fails");
}

}  // namespace grassdb::sim
