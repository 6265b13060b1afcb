#include "bin/bench/load.h"

#include <time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

namespace grassdb::bench {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// The first `Count` numbers of a text in which blanks separate words; nullopt if there are fewer or
// one of them is no number.
template <std::size_t Count>
std::optional<std::array<std::uint64_t, Count>> Numbers(std::string_view text) {
  std::array<std::uint64_t, Count> numbers = {};
  const char* at = text.data();
  const char* end = text.data() + text.size();
  for (std::uint64_t& number : numbers) {
    while (at != end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc()) return std::nullopt;
    at = next;
  }
  return numbers;
}

std::optional<std::string> ReadProc(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

Duration Clock(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

Duration DurationOf(std::uint64_t ticks, std::uint64_t ticks_per_second) {
  return Duration(ticks * (kNanosecondsPerSecond / ticks_per_second));
}

}  // namespace

std::optional<MachineTicks> ParseMachine(std::string_view stat) {
  // user nice system idle iowait irq softirq steal; guests are part of user.
  constexpr std::string_view kAllCores = "cpu ";
  if (!stat.starts_with(kAllCores)) return std::nullopt;
  const auto numbers = Numbers<8>(stat.substr(kAllCores.size()));
  if (!numbers.has_value()) return std::nullopt;
  const auto& [user, nice, system, idle, iowait, irq, softirq, steal] = *numbers;
  MachineTicks ticks;
  ticks.busy = user + nice + system + irq + softirq;
  ticks.steal = steal;
  ticks.all = ticks.busy + steal + idle + iowait;
  return ticks;
}

std::optional<ProcessTicks> ParseProcess(std::string_view stat) {
  const std::size_t name_end = stat.rfind(')');
  // The state, a letter, comes next: field 3.
  constexpr std::string_view kState = ") S ";
  if (name_end == std::string_view::npos || name_end + kState.size() > stat.size()) {
    return std::nullopt;
  }
  // It has ended, and its parent has not yet heard of it: nothing will change any more.
  constexpr std::string_view kEnded = "ZXx";
  if (kEnded.find(stat[name_end + 2]) != std::string_view::npos) return std::nullopt;
  stat.remove_prefix(name_end + kState.size());
  // Fields 4 to 24. Two of them may be below zero and none of these is wanted: 8, 19.
  std::array<std::string_view, 21> fields;
  for (std::string_view& field : fields) {
    const std::size_t blank = stat.find(' ');
    field = stat.substr(0, blank);
    stat.remove_prefix(blank == std::string_view::npos ? stat.size() : blank + 1);
  }
  const auto user = Numbers<1>(fields[14 - 4]);
  const auto system = Numbers<1>(fields[15 - 4]);
  const auto resident = Numbers<1>(fields[24 - 4]);
  if (!user.has_value() || !system.has_value() || !resident.has_value()) return std::nullopt;
  return ProcessTicks{
      .user = user->front(), .system = system->front(), .resident_pages = resident->front()};
}

absl::StatusOr<Snapshot> TakeSnapshot(const std::vector<int>& server_pids) {
  Snapshot snapshot;
  snapshot.time = Clock(CLOCK_MONOTONIC);
  snapshot.client_cpu = Clock(CLOCK_PROCESS_CPUTIME_ID);
  const auto machine = ParseMachine(ReadProc("/proc/stat").value_or(""));
  if (!machine.has_value()) return absl::UnavailableError("cannot read /proc/stat");
  snapshot.machine = *machine;
  for (const int pid : server_pids) {
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    const auto process = ParseProcess(ReadProc(path).value_or(""));
    if (!process.has_value()) {
      return absl::NotFoundError("there is no process " + std::to_string(pid) + " (" + path +
                                 " cannot be read, or says that it has ended)");
    }
    snapshot.servers.push_back(*process);
  }
  return snapshot;
}

Load LoadBetween(const Snapshot& before, const Snapshot& after, std::uint64_t ticks_per_second,
                 std::uint64_t page_bytes) {
  Load load;
  load.client_cpu = after.client_cpu - before.client_cpu;
  const std::uint64_t all = after.machine.all - before.machine.all;
  const std::uint64_t steal = after.machine.steal - before.machine.steal;
  if (all > 0) load.steal_percent = 100.0 * static_cast<double>(steal) / static_cast<double>(all);
  if (after.servers.empty()) return load;
  Duration user{};
  Duration system{};
  std::uint64_t pages = 0;
  for (std::size_t i = 0; i < after.servers.size(); ++i) {
    user += DurationOf(after.servers[i].user - before.servers[i].user, ticks_per_second);
    system += DurationOf(after.servers[i].system - before.servers[i].system, ticks_per_second);
    pages += after.servers[i].resident_pages;
  }
  load.servers_user = user;
  load.servers_system = system;
  load.servers_resident_bytes = pages * page_bytes;
  const Duration busy = DurationOf(after.machine.busy - before.machine.busy, ticks_per_second);
  const Duration other = busy - load.client_cpu - user - system;
  const Duration elapsed = after.time - before.time;
  if (elapsed > Duration::zero()) {
    load.other_cores = static_cast<double>(other.count()) / static_cast<double>(elapsed.count());
  }
  return load;
}

Load LoadBetween(const Snapshot& before, const Snapshot& after) {
  return LoadBetween(before, after, static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)),
                     static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
}

}  // namespace grassdb::bench
