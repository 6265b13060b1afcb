#include "sim/sweep.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/check.h"
#include "sim/apart.h"
#include "sim/report/failure_file.h"
#include "sim/run.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

// What a worker tells through its pipe. First a bare header when a seed begins, then one with the
// result, followed by the rule, the report, the failure file and the places that were reached.
// Seeds go by their place in the shard, from 0 on.
struct Header {
  std::uint64_t place = 0;
  std::uint32_t finished = 0;
  std::uint32_t rule_bytes = 0;
  std::uint32_t report_bytes = 0;
  std::uint32_t file_bytes = 0;
  std::uint32_t reached_bytes = 0;
  Fingerprint fingerprint;
  Counters counters;
};
static_assert(std::is_trivially_copyable_v<Header>);

// The exit code of a worker whose time is up.
constexpr int kEnough = 4;
// How often, in milliseconds, somebody is asked whether to go on.
constexpr int kAskEvery = 200;

struct SeedResult {
  bool died = false;
  std::string rule;
  std::string report;
  std::string file;
  Fingerprint fingerprint;
  Counters counters;
  std::vector<std::uint8_t> reached;
};

// Places, not seeds, are what workers count by: the last seed may be the greatest there is.
std::uint64_t SeedAt(std::uint64_t place, const SweepOptions& options) {
  return options.first + (options.shard.index - 1) + place * options.shard.count;
}

struct Worker {
  pid_t process = -1;
  int pipe = -1;
  std::uint64_t next = 0;  // each worker runs every jobs-th place
  std::optional<std::uint64_t> running;
  std::string received;
};

[[noreturn]] void Work(const SweepOptions& options, const SeedRunner& runner, std::uint64_t first,
                       int pipe) {
  // Of a person at a terminal: the process that sweeps decides what comes of it.
  signal(SIGINT, SIG_IGN);
  const std::uint64_t count = SeedCount(options);
  for (std::uint64_t place = first; place < count; place += options.jobs) {
    if (options.enough && options.enough()) _exit(kEnough);
    Header header;
    header.place = place;
    WriteAll(pipe, &header, sizeof header);
    RunOptions run = options.run;
    run.seed = SeedAt(place, options);
    EndAfter(options.seed_seconds);
    const RunResult result = runner(run);
    EndAfter(0);
    const std::string rule = result.ok() ? "" : result.violation->rule;
    const std::string file = result.ok() ? "" : TextOf(FailureOf({.run = run, .only = {}}, result));
    header.finished = 1;
    header.file_bytes = static_cast<std::uint32_t>(file.size());
    header.rule_bytes = static_cast<std::uint32_t>(rule.size());
    header.report_bytes = static_cast<std::uint32_t>(result.report.size());
    header.fingerprint = result.fingerprint;
    header.counters = result.counters;
    header.reached_bytes = static_cast<std::uint32_t>(result.reached.size());
    WriteAll(pipe, &header, sizeof header);
    WriteAll(pipe, rule.data(), rule.size());
    WriteAll(pipe, result.report.data(), result.report.size());
    WriteAll(pipe, file.data(), file.size());
    WriteAll(pipe, result.reached.data(), result.reached.size());
  }
  _exit(0);
}

class Sweeper {
 public:
  Sweeper(const SweepOptions& options, const SweepProgress& progress, const SeedRunner& runner)
      : options_(options), progress_(progress), runner_(runner) {}

  SweepResult Run() {
    const std::uint64_t count = SeedCount(options_);
    end_ = count;
    workers_.resize(std::min<std::uint64_t>(options_.jobs, count));
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      workers_[i].next = i;
      Begin(workers_[i]);
    }
    sum_.wanted = count;
    while (Listen()) {
      if (!interrupted_ && options_.interrupted && options_.interrupted()) Interrupt();
    }
    // What lies behind seeds that were not run.
    while (!results_.empty() && results_.begin()->first < end_) CountFirst();
    sum_.interrupted = interrupted_;
    return std::move(sum_);
  }

 private:
  void Begin(Worker& worker) {
    worker.running.reset();
    worker.received.clear();
    int ends[2];
    GRASS_CHECK(pipe(ends) == 0);
    worker.process = fork();
    GRASS_CHECK(worker.process >= 0);
    if (worker.process == 0) {
      close(ends[0]);
      for (const Worker& other : workers_) {
        if (other.pipe >= 0) close(other.pipe);
      }
      Work(options_, runner_, worker.next, ends[1]);
    }
    close(ends[1]);
    worker.pipe = ends[0];
  }

  // False when all workers have ended.
  bool Listen() {
    std::vector<pollfd> polled;
    std::vector<Worker*> listening;
    for (Worker& worker : workers_) {
      if (worker.pipe < 0) continue;
      polled.push_back({worker.pipe, POLLIN, 0});
      listening.push_back(&worker);
    }
    if (polled.empty()) return false;
    const int wait = options_.interrupted ? kAskEvery : -1;
    if (poll(polled.data(), polled.size(), wait) <= 0) return true;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) Read(*listening[i]);
    }
    return true;
  }

  void Read(Worker& worker) {
    char buffer[65536];
    const ssize_t size = read(worker.pipe, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) return;
    if (size > 0) {
      worker.received.append(buffer, static_cast<std::size_t>(size));
      while (TakeOne(worker)) {
      }
      return;
    }
    close(worker.pipe);
    worker.pipe = -1;
    int status = 0;
    while (waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
    }
    const bool enough = WIFEXITED(status) && WEXITSTATUS(status) == kEnough;
    if (worker.next < end_ && !enough && !interrupted_) Died(worker, status);
  }

  void Interrupt() {
    interrupted_ = true;
    for (const Worker& worker : workers_) {
      if (worker.pipe >= 0) kill(worker.process, SIGKILL);
    }
  }

  // With `until_failure` nothing behind the first failure counts, and who is there may stop.
  void Failed(std::uint64_t place) {
    if (!options_.until_failure || place >= end_) return;
    end_ = place + 1;
    for (const Worker& worker : workers_) {
      if (worker.pipe >= 0 && worker.next >= end_) kill(worker.process, SIGKILL);
    }
  }

  // The seed that was running killed its process; the worker goes on behind it.
  void Died(Worker& worker, int status) {
    const std::uint64_t place = worker.running.value_or(worker.next);
    SeedResult& result = results_[place];
    result.died = true;
    RunOptions run = options_.run;
    run.seed = SeedAt(place, options_);
    const Death death = DeathOf(status, options_.seed_seconds);
    result.rule = death.rule;
    result.report = death.text + "\n";
    result.report += "repeat with: " + CommandFor(run) + "\n";
    RunResult dead;
    dead.violation = Violation{result.rule, "", ""};
    result.file = TextOf(FailureOf({.run = run, .only = {}}, dead));
    Tell(place);
    worker.next = place + options_.jobs;
    Failed(place);
    if (worker.next < end_) Begin(worker);
  }

  bool TakeOne(Worker& worker) {
    Header header;
    std::string& in = worker.received;
    if (in.size() < sizeof header) return false;
    std::memcpy(&header, in.data(), sizeof header);
    const std::size_t size = sizeof header + header.rule_bytes + header.report_bytes +
                             header.file_bytes + header.reached_bytes;
    if (in.size() < size) return false;
    if (header.finished == 0) {
      worker.running = header.place;
    } else {
      SeedResult& result = results_[header.place];
      std::size_t at = sizeof header;
      const auto take = [&in, &at](std::size_t bytes) {
        at += bytes;
        return in.substr(at - bytes, bytes);
      };
      result.rule = take(header.rule_bytes);
      result.report = take(header.report_bytes);
      result.file = take(header.file_bytes);
      const std::string reached = take(header.reached_bytes);
      result.reached.assign(reached.begin(), reached.end());
      result.fingerprint = header.fingerprint;
      result.counters = header.counters;
      worker.running.reset();
      worker.next = header.place + options_.jobs;
      const bool failed = !result.rule.empty();
      Tell(header.place);
      // Also a worker that now reaches what another has made the end.
      if (failed) Failed(header.place);
      if (options_.until_failure && worker.next >= end_) kill(worker.process, SIGKILL);
    }
    in.erase(0, size);
    return true;
  }

  void Tell(std::uint64_t place) {
    const SeedResult& result = results_[place];
    const bool failed = !result.rule.empty();
    ++done_;
    if (failed) ++failed_;
    if (progress_) progress_(done_, failed_);
    if (failed && options_.on_failed && place < end_) {
      options_.on_failed({SeedAt(place, options_), result.rule, result.report, result.file});
    }
    // Nothing counts behind the first that fails.
    while (!results_.empty() && results_.begin()->first == counted_ && counted_ < end_) {
      const bool ends = options_.until_failure && !results_.begin()->second.rule.empty();
      CountFirst();
      ++counted_;
      if (ends) end_ = counted_;
    }
  }

  // Takes the first result that there is into the sum, and lets go of it.
  void CountFirst() {
    const auto first = results_.begin();
    const auto& [place, result] = *first;
    const SeedRun run = RunOf(place, result);
    const bool failed = !run.rule.empty();
    ++sum_.seeds;
    CountFaults(run.mix, failed);
    sum_.counters += result.counters;
    sum_.sites.Add(result.reached);
    sum_.fingerprint.AddAll(run.seed, result.died ? 1 : 0, result.fingerprint.high(),
                            result.fingerprint.low());
    if (failed) sum_.failed.push_back({run.seed, result.rule, result.report, result.file});
    results_.erase(first);
    if (options_.on_run) {
      options_.on_run(run);
    } else {
      sum_.runs.push_back(run);
    }
  }

  SeedRun RunOf(std::uint64_t place, const SeedResult& result) const {
    RunOptions run = options_.run;
    run.seed = SeedAt(place, options_);
    return {run.seed, result.rule, result.fingerprint, result.counters.events, MixOf(PlanOf(run))};
  }

  void CountFaults(const FaultMix& mix, bool failed) {
    const auto count = [failed](FaultTally& tally) {
      ++tally.seeds;
      tally.failed += failed ? 1 : 0;
    };
    for (std::size_t kind = 0; kind < kMixKinds; ++kind) {
      if (!mix.on[kind]) continue;
      count(sum_.by_fault[kind]);
      for (std::size_t other = kind + 1; other < kMixKinds; ++other) {
        if (mix.on[other]) count(sum_.by_pair[kind][other]);
      }
    }
  }

  const SweepOptions& options_;
  const SweepProgress& progress_;
  const SeedRunner& runner_;
  std::vector<Worker> workers_;
  std::map<std::uint64_t, SeedResult> results_;  // by place; those that are not counted yet
  SweepResult sum_;
  std::uint64_t counted_ = 0;  // all places before are
  std::uint64_t end_ = 0;      // behind the last place that counts
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  bool interrupted_ = false;
};

}  // namespace

std::uint64_t SeedCount(const SweepOptions& options) {
  GRASS_CHECK(options.first <= options.last);
  GRASS_CHECK_LT(options.last - options.first, kSweepSeedsMax);
  GRASS_CHECK(options.shard.index >= 1 && options.shard.index <= options.shard.count);
  const std::uint64_t all = options.last - options.first + 1;
  const std::uint64_t before = options.shard.index - 1;
  return all <= before ? 0 : (all - before - 1) / options.shard.count + 1;
}

std::string SeedsOf(const SweepOptions& options) {
  if (options.endless) return "from " + Decimal(options.first) + " on";
  return Decimal(options.first) + ".." + Decimal(options.last);
}

SweepResult Sweep(const SweepOptions& options, const SweepProgress& progress,
                  const SeedRunner& runner) {
  GRASS_CHECK_GE(options.jobs, 1u);
  return Sweeper(options, progress, runner).Run();
}

Verdict VerdictOf(const SweepOptions& options, const SweepResult& result) {
  if (!result.failed.empty()) return Verdict::kFailed;
  if (result.interrupted) return Verdict::kInterrupted;
  return MissedPlace(options, result) ? Verdict::kFailed : Verdict::kPassed;
}

std::optional<std::string> MissedPlace(const SweepOptions& options, const SweepResult& result) {
  if (!options.all_places || result.interrupted) return std::nullopt;
  const std::vector<std::string> unreached = result.sites.Unreached();
  if (unreached.empty()) return std::nullopt;
  return "no seed of the sweep reached '" + unreached.front() + "'";
}

std::string NameOf(const Shard& shard) {
  return "shard " + Decimal(shard.index) + "/" + Decimal(shard.count);
}

}  // namespace grassdb::sim
