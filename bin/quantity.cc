#include "bin/quantity.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"

namespace grassdb {
namespace {

absl::Status Malformed(std::string_view text, const std::string& expected) {
  return absl::InvalidArgumentError("'" + std::string(text) + "': " + expected);
}

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kTimes[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"", 1e9}};
constexpr std::span kNamedTimes(kTimes, 4);

// A number in decimal notation and one of `units`; at most `max` when multiplied.
std::optional<double> ParseWithUnit(std::string_view text, std::span<const Unit> units,
                                    double max) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& known : units) {
    if (unit != known.name) continue;
    const double value = number * known.factor;
    return value <= max ? std::optional<double>(value) : std::nullopt;
  }
  return std::nullopt;
}

Duration Nanoseconds(double nanos) {
  return Duration(static_cast<std::int64_t>(std::llround(nanos)));
}

}  // namespace

absl::StatusOr<Duration> ParseDuration(std::string_view text) {
  const std::optional<double> nanos = ParseWithUnit(text, kNamedTimes, 86400e9);
  if (!nanos.has_value() || *nanos < 1) {
    return Malformed(text, "expected a time above 0 and up to a day, as in 300ms, 1.5s or 2m");
  }
  return Nanoseconds(*nanos);
}

absl::StatusOr<Duration> ParseDelay(std::string_view text) {
  if (text == "0") return Duration::zero();
  if (const absl::StatusOr<Duration> delay = ParseDuration(text); delay.ok()) return delay;
  return Malformed(text, "expected a time up to a day, as in 5ms or 200us, or 0 for none");
}

absl::StatusOr<std::pair<Duration, Duration>> ParseDurationRange(std::string_view text) {
  const std::string expected = "expected two times, the first below the second, as in 300ms-600ms";
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return Malformed(text, expected);
  const absl::StatusOr<Duration> low = ParseDuration(text.substr(0, dash));
  const absl::StatusOr<Duration> high = ParseDuration(text.substr(dash + 1));
  if (!low.ok() || !high.ok() || *low >= *high) return Malformed(text, expected);
  return std::pair(*low, *high);
}

absl::StatusOr<Duration> ParseMoment(std::string_view text) {
  const std::optional<double> nanos = ParseWithUnit(text, kTimes, 1e15);
  if (!nanos.has_value()) {
    return Malformed(text, "expected a time from 0 to 1000000 s, as in 2, 1.5s or 1500ms");
  }
  return Nanoseconds(*nanos);
}

absl::StatusOr<std::uint64_t> ParseSize(std::string_view text) {
  static constexpr Unit kUnits[] = {
      {"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1024.0 * 1024}, {"GiB", 1024.0 * 1024 * 1024}};
  const std::optional<double> bytes = ParseWithUnit(text, kUnits, 1e15);
  if (!bytes.has_value() || *bytes < 1) {
    return Malformed(text, "expected a number of bytes above 0, as in 65536, 64MiB or 1GiB");
  }
  return static_cast<std::uint64_t>(std::llround(*bytes));
}

absl::StatusOr<std::uint64_t> ParseRate(std::string_view text) {
  if (text == "0") return std::uint64_t{0};
  const absl::StatusOr<std::uint64_t> size = ParseSize(text);
  if (size.ok()) return size;
  return Malformed(text, "expected a number of bytes a second, as in 65536 or 64MiB, or 0");
}

}  // namespace grassdb
