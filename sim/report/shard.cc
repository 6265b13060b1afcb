#include "sim/report/shard.h"

#include <charconv>

#include "sim/text.h"

namespace grassdb::sim {
namespace {

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

absl::StatusOr<Shard> ParsePair(std::string_view text, const std::string& name) {
  const std::size_t slash = text.find('/');
  const auto index = ParseNumber(text.substr(0, slash));
  const auto count =
      slash == std::string_view::npos ? std::nullopt : ParseNumber(text.substr(slash + 1));
  if (!index || !count || *index < 1 || *index > *count || *count > kSweepSeedsMax) {
    return absl::InvalidArgumentError(name + " '" + std::string(text) +
                                      "': expected i/n with 1 <= i <= n, as in 2/8, or auto");
  }
  return Shard{*index, *count};
}

// Two variables: an index from `first` on, and how many there are.
struct Scheme {
  const char* index;
  const char* count;
  std::uint64_t first;
  const char* count_missing;  // what to do then
};
constexpr const char* kElse = "; give --shard i/n instead";
constexpr Scheme kSchemes[] = {
    {"CI_NODE_INDEX", "CI_NODE_TOTAL", 1, kElse},
    {"CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0, kElse},
    {"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", 0,
     "; Kubernetes does not set it: set it in the Job's env to its spec.completions"}};

// `missing`: what to do if it is not there.
absl::StatusOr<std::uint64_t> NumberOf(const char* name, const Environment& environment,
                                       const char* missing = kElse) {
  const std::optional<std::string> text = environment(name);
  const auto number = text.has_value() ? ParseNumber(*text) : std::nullopt;
  if (number.has_value() && *number <= kSweepSeedsMax) return *number;
  const std::string problem = std::string("--shard auto: ") + name;
  if (!text.has_value()) return absl::InvalidArgumentError(problem + " is not set" + missing);
  return absl::InvalidArgumentError(problem + " '" + *text + "': expected a whole number");
}

absl::StatusOr<Shard> ShardOf(const char* name, std::uint64_t index, std::uint64_t first,
                              std::uint64_t count) {
  if (index >= first && index - first < count) return Shard{index - first + 1, count};
  return absl::InvalidArgumentError(std::string("--shard auto: ") + name + " '" + Decimal(index) +
                                    "': is none of " + Decimal(count) + " from " + Decimal(first) +
                                    " on");
}

absl::StatusOr<Shard> FromSlurm(const Environment& environment) {
  std::uint64_t numbers[4] = {};
  const char* names[] = {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX",
                         "SLURM_ARRAY_TASK_COUNT"};
  for (std::size_t i = 0; i < 4; ++i) {
    const absl::StatusOr<std::uint64_t> number = NumberOf(names[i], environment);
    if (!number.ok()) return number.status();
    numbers[i] = *number;
  }
  // With gaps (--array=1,5,9) an id does not say which of them it is.
  if (numbers[2] < numbers[1] || numbers[2] - numbers[1] + 1 != numbers[3]) {
    return absl::InvalidArgumentError("--shard auto: SLURM_ARRAY_TASK_COUNT '" +
                                      Decimal(numbers[3]) + "': expected consecutive ids " +
                                      Decimal(numbers[1]) + ".." + Decimal(numbers[2]) + kElse);
  }
  return ShardOf(names[0], numbers[0], numbers[1], numbers[3]);
}

}  // namespace

absl::StatusOr<Shard> ParseShard(std::string_view text, const Environment& environment) {
  if (text != "auto") return ParsePair(text, "--shard");
  if (const auto pair = environment("GRASS_SIM_SHARD")) {
    return ParsePair(*pair, "--shard auto: GRASS_SIM_SHARD");
  }
  if (environment("SLURM_ARRAY_TASK_ID").has_value()) return FromSlurm(environment);
  for (const Scheme& scheme : kSchemes) {
    if (!environment(scheme.index).has_value()) continue;
    const absl::StatusOr<std::uint64_t> index = NumberOf(scheme.index, environment);
    if (!index.ok()) return index.status();
    const absl::StatusOr<std::uint64_t> count =
        NumberOf(scheme.count, environment, scheme.count_missing);
    if (!count.ok()) return count.status();
    return ShardOf(scheme.index, *index, scheme.first, *count);
  }
  return absl::InvalidArgumentError(
      "--shard auto: no GRASS_SIM_SHARD=i/n in the environment, nor what GitLab, CircleCI, Slurm "
      "or a Kubernetes indexed job sets");
}

}  // namespace grassdb::sim
