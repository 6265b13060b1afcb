#include "sim/apart.h"

#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "core/check.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

// How often, in milliseconds, somebody is asked whether to go on.
constexpr int kAskEvery = 200;

class Packer {
 public:
  template <class Value>
  void Add(const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <class List>
  void AddList(const List& list) {
    static_assert(std::is_trivially_copyable_v<typename List::value_type>);
    Add(list.size());
    bytes_.append(reinterpret_cast<const char*>(list.data()),
                  list.size() * sizeof(typename List::value_type));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  template <class Value>
  void Take(Value* value) {
    Copy(value, sizeof *value);
  }
  template <class List>
  void TakeList(List* list) {
    std::size_t size = 0;
    Take(&size);
    GRASS_CHECK_LE(size, bytes_.size());
    list->resize(size);
    Copy(list->data(), size * sizeof(typename List::value_type));
  }

 private:
  void Copy(void* to, std::size_t size) {
    GRASS_CHECK_LE(size, bytes_.size());
    if (size > 0) std::memcpy(to, bytes_.data(), size);
    bytes_.remove_prefix(size);
  }

  std::string_view bytes_;
};

std::string Packed(const RunResult& result, const std::vector<Decision>& decisions) {
  Packer packer;
  packer.Add(result.seed);
  packer.Add(result.violation.has_value());
  const Violation violation = result.violation.value_or(Violation{});
  for (const std::string* text : {&violation.rule, &violation.where, &violation.text}) {
    packer.AddList(*text);
  }
  packer.Add(result.fingerprint);
  packer.Add(result.counters);
  packer.AddList(result.reached);
  packer.Add(result.ended);
  packer.AddList(result.trace);
  packer.AddList(result.report);
  packer.AddList(decisions);
  return packer.bytes();
}

RunResult Unpacked(std::string_view bytes, std::vector<Decision>* decisions) {
  Unpacker unpacker(bytes);
  RunResult result;
  unpacker.Take(&result.seed);
  bool broken = false;
  unpacker.Take(&broken);
  Violation violation;
  for (std::string* text : {&violation.rule, &violation.where, &violation.text}) {
    unpacker.TakeList(text);
  }
  if (broken) result.violation = violation;
  unpacker.Take(&result.fingerprint);
  unpacker.Take(&result.counters);
  unpacker.TakeList(&result.reached);
  unpacker.Take(&result.ended);
  unpacker.TakeList(&result.trace);
  unpacker.TakeList(&result.report);
  unpacker.TakeList(decisions);
  return result;
}

int StatusOf(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0) GRASS_CHECK(errno == EINTR);
  return status;
}

// All that is written until the other end is closed; nullopt: `enough` came first.
std::optional<std::string> ReadAll(int pipe, const std::function<bool()>& enough) {
  std::string received;
  char buffer[65536];
  for (;;) {
    pollfd polled{pipe, POLLIN, 0};
    const int ready = poll(&polled, 1, enough ? kAskEvery : -1);
    if (enough && enough()) return std::nullopt;
    if (ready <= 0) continue;
    const ssize_t size = read(pipe, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return received;
    received.append(buffer, static_cast<std::size_t>(size));
  }
}

}  // namespace

void EndAfter(std::uint32_t seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = seconds;
  GRASS_CHECK(setitimer(ITIMER_PROF, &timer, nullptr) == 0);
}

void WriteAll(int pipe, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = write(pipe, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(3);
    at += written;
    size -= static_cast<std::size_t>(written);
  }
}

Death DeathOf(int status, std::uint32_t seconds) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF) {
    return {"seed without an end",
            "it did not end within " + Decimal(seconds) + " s of processor time"};
  }
  if (WIFSIGNALED(status)) {
    return {"process died", std::string("the process died of: ") + strsignal(WTERMSIG(status))};
  }
  return {"process died",
          "the process ended with " + Decimal(static_cast<std::uint64_t>(WEXITSTATUS(status)))};
}

std::optional<RunResult> RunApart(const Schedule& schedule, const ApartLimits& limits,
                                  std::vector<Decision>* decisions, const ScheduleRunner& runner) {
  int ends[2];
  GRASS_CHECK(pipe(ends) == 0);
  const pid_t process = fork();
  GRASS_CHECK(process >= 0);
  if (process == 0) {
    close(ends[0]);
    // Of a person at a terminal: the process that waits decides what comes of it.
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    EndAfter(limits.seconds);
    std::vector<Decision> own;
    const RunResult result = runner(schedule, &own);
    EndAfter(0);
    const std::string bytes = Packed(result, own);
    WriteAll(ends[1], bytes.data(), bytes.size());
    _exit(0);
  }
  close(ends[1]);
  const std::optional<std::string> received = ReadAll(ends[0], limits.enough);
  close(ends[0]);
  if (!received.has_value()) kill(process, SIGKILL);
  const int status = StatusOf(process);
  if (!received.has_value()) return std::nullopt;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Unpacked(*received, decisions);
  const Death death = DeathOf(status, limits.seconds);
  RunResult result;
  result.seed = schedule.run.seed;
  result.violation = Violation{death.rule, "", death.text};
  decisions->clear();
  return result;
}

}  // namespace grassdb::sim
