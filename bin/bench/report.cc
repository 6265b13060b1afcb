#include "bin/bench/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

namespace grassdb::bench {
namespace {

using Json = nlohmann::ordered_json;

double Milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double Microseconds(Duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// "3 NOT_LEADER, 1 OVERLOADED"
std::string ListOf(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [kind, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kind);
  }
  return text;
}

// Of `cpu` in all; nullopt if that is not known or there is no operation to divide by.
std::optional<double> PerOperation(std::optional<Duration> cpu, std::uint64_t operations) {
  if (!cpu.has_value() || operations == 0) return std::nullopt;
  return Microseconds(*cpu) / static_cast<double>(operations);
}

Json OrNull(const std::optional<double>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

double Mebibytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

std::string TextOf(const Histogram& latencies) {
  if (latencies.count() == 0) return "unknown: no operation ended";
  return fmt::format("p50 {:.3f} ms, p99 {:.3f} ms, p99.9 {:.3f} ms, max {:.3f} ms",
                     Milliseconds(latencies.Quantile(kPpm50)),
                     Milliseconds(latencies.Quantile(kPpm99)),
                     Milliseconds(latencies.Quantile(kPpm999)), Milliseconds(latencies.max()));
}

Json MicrosecondsOrNull(const std::optional<Duration>& duration) {
  return duration.has_value() ? Json(Microseconds(*duration)) : Json(nullptr);
}

Json JsonOf(const Histogram& latencies) {
  const auto known = [&](Duration duration) {
    return latencies.count() > 0 ? Json(Microseconds(duration)) : Json(nullptr);
  };
  return {{"count", latencies.count()},
          {"p50", known(latencies.Quantile(kPpm50))},
          {"p99", known(latencies.Quantile(kPpm99))},
          {"p99.9", known(latencies.Quantile(kPpm999))},
          {"max", known(latencies.max())}};
}

std::string TextOfLoad(const RunReport& run) {
  const Load& load = run.load;
  const std::uint64_t operations = run.measured.completed;
  std::string text;
  if (const auto cpu = PerOperation(load.client_cpu, operations)) {
    text += fmt::format("client      {:.1f} us of CPU an operation\n", *cpu);
  }
  const auto user = PerOperation(load.servers_user, operations);
  const auto system = PerOperation(load.servers_system, operations);
  if (user.has_value() && system.has_value()) {
    text += fmt::format("servers     {:.1f} us of CPU an operation ({:.1f} user, {:.1f} system)\n",
                        *user + *system, *user, *system);
  }
  if (load.servers_resident_bytes.has_value()) {
    text += fmt::format("memory      {:.0f} MiB resident in all servers\n",
                        Mebibytes(*load.servers_resident_bytes));
  }
  text += "machine     ";
  if (load.other_cores.has_value()) {
    text += fmt::format("{:.2f} cores of other load", *load.other_cores);
  } else {
    text += "other load is not known" +
            (run.servers_lost.empty() ? " without --server-pids" : ": " + run.servers_lost);
  }
  text += fmt::format(", {:.1f} % stolen\n", load.steal_percent);
  if (IsDisturbed(load)) {
    text += fmt::format(
        "note        the machine was busy with something else (limits: {} cores, {} % stolen): "
        "measure again\n",
        kOtherCoresMax, kStealPercentMax);
  }
  return text;
}

}  // namespace

double RateOf(const RunReport& run) {
  if (run.measured.elapsed <= Duration::zero()) return 0;
  return static_cast<double>(run.measured.completed) / Seconds(run.measured.elapsed);
}

bool IsDisturbed(const Load& load) {
  return load.other_cores.value_or(0) > kOtherCoresMax || load.steal_percent > kStealPercentMax;
}

std::string TextOf(const RunReport& run) {
  const Measurement& measured = run.measured;
  std::string text = fmt::format(
      "{}, {}: {} client{} on {} connection{}, {} keys, values of {} bytes, ", run.protocol,
      NameOf(run.workload.workload), run.clients, run.clients == 1 ? "" : "s", run.channels,
      run.channels == 1 ? "" : "s", run.workload.keys, run.workload.value_bytes);
  text += run.driver.rate == 0 ? "as fast as they can\n"
                               : fmt::format("{} operations a second\n", run.driver.rate);
  text += fmt::format("throughput  {:.0f} ops/s ({} in {:.1f} s)\n", RateOf(run),
                      measured.completed, Seconds(measured.elapsed));
  text += "latency     " + TextOf(measured.latencies) + "\n";
  for (const auto& [kind, latencies] : measured.latencies_by_kind) {
    text += fmt::format("  {:<9} {}\n", NameOf(kind), TextOf(latencies));
  }
  text += fmt::format("pause       {:.3f} ms at most without a success\n",
                      Milliseconds(measured.longest_pause));
  text += fmt::format("failed      {}", measured.failed);
  if (!measured.failures.empty()) text += " (" + ListOf(measured.failures) + ")";
  text += "\n";
  if (!measured.answers.empty()) text += "retried     after " + ListOf(measured.answers) + "\n";
  if (measured.ended_early) {
    text += fmt::format("note        ended after {:.1f} s of {:.1f} s\n", Seconds(measured.elapsed),
                        Seconds(run.driver.duration));
  }
  if (measured.missing > 0) {
    text += fmt::format("note        {} operations found no key: were the keys written before?\n",
                        measured.missing);
  }
  if (measured.not_started > 0) {
    text += fmt::format(
        "note        latencies are lower bounds: {} of {} never began, so the rate is "
        "more than these clients get done\n",
        measured.not_started, measured.latencies.count());
  }
  return text + TextOfLoad(run);
}

std::string JsonOf(const RunReport& run) {
  const Measurement& measured = run.measured;
  const Load& load = run.load;
  Json json;
  json["protocol"] = run.protocol;
  json["workload"] = std::string(NameOf(run.workload.workload));
  json["clients"] = run.clients;
  json["channels"] = run.channels;
  json["keys"] = run.workload.keys;
  json["value_bytes"] = run.workload.value_bytes;
  json["seed"] = run.workload.seed;
  json["rate"] = run.driver.rate == 0 ? Json(nullptr) : Json(run.driver.rate);
  json["seconds"] = Seconds(measured.elapsed);
  json["completed"] = measured.completed;
  json["all_completed"] = measured.all_completed;
  json["ended_early"] = measured.ended_early;
  json["ops_per_second"] = RateOf(run);
  json["latency_us"] = JsonOf(measured.latencies);
  for (const auto& [kind, latencies] : measured.latencies_by_kind) {
    json["latency_us_by_kind"][std::string(NameOf(kind))] = JsonOf(latencies);
  }
  json["begun_unix_ms"] = run.begun_unix_ms;
  json["longest_pause_ms"] = Milliseconds(measured.longest_pause);
  json["pause_begin_ms"] = Milliseconds(measured.pause_begin);
  json["failed"] = measured.failed;
  json["failures"] = Json(measured.failures);
  json["retried_after"] = Json(measured.answers);
  json["missing"] = measured.missing;
  json["not_started"] = measured.not_started;
  json["client_cpu_us_per_op"] = OrNull(PerOperation(load.client_cpu, measured.completed));
  json["servers_user_us_per_op"] = OrNull(PerOperation(load.servers_user, measured.completed));
  json["servers_system_us_per_op"] = OrNull(PerOperation(load.servers_system, measured.completed));
  json["servers_rss_mib"] = load.servers_resident_bytes.has_value()
                                ? Json(Mebibytes(*load.servers_resident_bytes))
                                : Json(nullptr);
  json["other_cores"] = OrNull(load.other_cores);
  json["steal_percent"] = load.steal_percent;
  json["servers_lost"] = run.servers_lost.empty() ? Json(nullptr) : Json(run.servers_lost);
  const bool disturbed = IsDisturbed(load);
  json["disturbed"] = load.other_cores.has_value() || disturbed ? Json(disturbed) : Json(nullptr);
  json["timeline"] = Json::array();
  for (const Point& point : measured.timeline) {
    json["timeline"].push_back({{"end_s", Seconds(point.end)},
                                {"seconds", Seconds(point.length)},
                                {"completed", point.completed},
                                {"failed", point.failed},
                                {"p50_us", MicrosecondsOrNull(point.p50)},
                                {"p99_us", MicrosecondsOrNull(point.p99)},
                                {"p99.9_us", MicrosecondsOrNull(point.p999)}});
  }
  return json.dump(2) + "\n";
}

std::string ProgressOf(const Point& point) {
  const double seconds = Seconds(point.length);
  const double rate = seconds > 0 ? static_cast<double>(point.completed) / seconds : 0;
  std::string text = fmt::format("{:.1f} s: {:.0f} ops/s", Seconds(point.end), rate);
  if (point.p99.has_value()) text += fmt::format(", p99 {:.3f} ms", Milliseconds(*point.p99));
  if (point.failed > 0) text += fmt::format(", {} failed", point.failed);
  return text;
}

}  // namespace grassdb::bench
