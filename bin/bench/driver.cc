#include "bin/bench/driver.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "core/check.h"

namespace grassdb::bench {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

class Driver {
 public:
  Driver(Protocol& protocol, const RequestSource& source, const DriverOptions& options,
         const DriverHooks& hooks)
      : protocol_(protocol), source_(source), options_(options), hooks_(hooks) {
    GRASS_CHECK(protocol.clients() > 0);
    GRASS_CHECK(options.interval > Duration::zero());
    due_.resize(protocol.clients());
    kinds_.resize(protocol.clients());
    for (std::size_t client = 0; client < protocol.clients(); ++client) free_.push_back(client);
  }

  Measurement Run() {
    start_ = protocol_.Now();
    begin_ = start_ + options_.warm_up;
    end_ = begin_ + options_.duration;
    interval_begin_ = begin_;
    last_success_ = begin_;
    now_ = start_;
    while (now_ < end_) {
      if (!begun_ && now_ >= begin_) {
        begun_ = true;
        if (hooks_.on_begin) hooks_.on_begin();
      }
      if (now_ >= interval_begin_ + options_.interval) EndInterval(now_);
      if (EndsEarly()) {
        end_ = std::max(now_, begin_);
        result_.ended_early = true;
        break;
      }
      StartDue();
      Take(protocol_.Wait(NextTurn()));
    }
    // One wait may have lasted for the whole of it, on a machine that is very busy.
    if (!begun_ && hooks_.on_begin) hooks_.on_begin();
    EndInterval(end_);
    EndPause(end_);
    result_.elapsed = end_ - begin_;
    if (hooks_.on_end) hooks_.on_end();
    if (IsOpen()) GiveUpDue();
    while (free_.size() < due_.size()) Take(protocol_.Wait(Instant::max()));
    return std::move(result_);
  }

 private:
  bool IsOpen() const { return options_.rate > 0; }
  Instant DueOf(std::uint64_t number) const { return start_ + DueAfter(number, options_.rate); }

  void StartDue() {
    while (!free_.empty()) {
      const Instant due = IsOpen() ? DueOf(next_) : now_;
      if (due > now_) return;
      const std::size_t client = free_.front();
      free_.pop_front();
      due_[client] = due;
      const Request request = source_.At(next_++);
      kinds_[client] = request.kind;
      protocol_.Begin(client, request);
    }
  }

  // What was due and not begun is counted, not carried out: the run has an end. It has waited as
  // much as what was begun late: without it, a rate that is too high would show the latencies of
  // what got through. There may be thousands of millions of it; whoever does not wait for the count
  // has what has waited longest in it.
  void GiveUpDue() {
    constexpr std::uint64_t kLookEvery = 1 << 16;
    for (; DueOf(next_) < end_; ++next_) {
      if (next_ % kLookEvery == 0 && !result_.ended_early && EndsEarly()) {
        result_.ended_early = true;
        return;
      }
      const Instant due = DueOf(next_);
      if (due < begin_) continue;
      ++result_.not_started;
      RecordLatency(source_.KindOf(next_), end_ - due);
    }
  }

  bool EndsEarly() const { return hooks_.ends_early && hooks_.ends_early(); }

  void RecordLatency(Request::Kind kind, Duration latency) {
    result_.latencies.Record(latency);
    if (mixed_) result_.latencies_by_kind[kind].Record(latency);
  }

  // When there is something to do though no operation ends.
  Instant NextTurn() const {
    const Instant look = (begun_ ? interval_begin_ : now_) + options_.interval;
    Instant turn = std::min(look, begun_ ? end_ : begin_);
    if (IsOpen() && !free_.empty()) turn = std::min(turn, DueOf(next_));
    return turn;
  }

  void Take(std::optional<Finish> finish) {
    if (!finish.has_value()) {
      now_ = protocol_.Now();
      return;
    }
    now_ = finish->at;
    free_.push_back(finish->client);
    const Instant due = due_[finish->client];
    const bool ok = finish->failure.empty();
    const Duration latency = now_ - due;
    if (ok) ++result_.all_completed;
    if (now_ >= begin_ && now_ < end_) {
      if (due >= begin_) interval_latencies_.Record(latency);
      if (ok) {
        ++result_.completed;
        ++interval_completed_;
        EndPause(now_);
      } else {
        ++interval_failed_;
      }
    }
    if (due < begin_ || due >= end_) return;
    for (std::string& answer : finish->answers) ++result_.answers[std::move(answer)];
    // Also of those that failed: without what ran into its deadline, a store that serves nobody for
    // a while would show the latencies of the time around it.
    RecordLatency(kinds_[finish->client], latency);
    if (ok) {
      if (kinds_[finish->client] != Request::Kind::kPut) ++result_.looked;
      if (finish->missing) ++result_.missing;
    } else {
      ++result_.failed;
      ++result_.failures[std::move(finish->failure)];
    }
  }

  void EndPause(Instant now) {
    if (now - last_success_ > result_.longest_pause) {
      result_.longest_pause = now - last_success_;
      result_.pause_begin = last_success_ - begin_;
    }
    last_success_ = now;
  }

  void EndInterval(Instant now) {
    Point point;
    point.end = now - begin_;
    point.length = now - interval_begin_;
    point.completed = interval_completed_;
    point.failed = interval_failed_;
    if (interval_latencies_.count() > 0) {
      point.p50 = interval_latencies_.Quantile(kPpm50);
      point.p99 = interval_latencies_.Quantile(kPpm99);
      point.p999 = interval_latencies_.Quantile(kPpm999);
    }
    interval_begin_ = now;
    interval_completed_ = 0;
    interval_failed_ = 0;
    interval_latencies_.Clear();
    result_.timeline.push_back(point);
    if (hooks_.on_point) hooks_.on_point(point);
  }

  Protocol& protocol_;
  const RequestSource& source_;
  const DriverOptions& options_;
  const DriverHooks& hooks_;
  const bool mixed_ = source_.options().workload == Workload::kMixed;
  Instant start_;
  Instant begin_;  // of the measured time
  Instant end_;
  Instant now_;
  bool begun_ = false;
  std::uint64_t next_ = 0;  // number of the operation to begin next
  // Clients without an operation. They take turns: one that nobody asked for long would have
  // everything to do anew in a stall, when it is needed.
  std::deque<std::size_t> free_;
  std::vector<Instant> due_;  // of each client's operation
  std::vector<Request::Kind> kinds_;
  Instant last_success_;  // or the beginning of the measured time
  Instant interval_begin_;
  std::uint64_t interval_completed_ = 0;
  std::uint64_t interval_failed_ = 0;
  Histogram interval_latencies_;
  Measurement result_;
};

}  // namespace

Duration DueAfter(std::uint64_t number, std::uint64_t rate) {
  GRASS_CHECK(rate > 0);
  // In two parts: the product would overflow after 18 thousand million operations.
  const std::uint64_t seconds = number / rate;
  const std::uint64_t rest = number % rate * kNanosecondsPerSecond / rate;
  return Duration(seconds * kNanosecondsPerSecond + rest);
}

std::string FillKeys(Protocol& protocol, const RequestSource& source) {
  const std::uint64_t keys = source.options().keys;
  std::uint64_t next = 0;
  std::size_t under_way = 0;
  std::string failure;
  for (std::size_t client = 0; client < protocol.clients() && next < keys; ++client, ++under_way) {
    protocol.Begin(client, source.Fill(next++));
  }
  while (under_way > 0) {
    std::optional<Finish> finish = protocol.Wait(Instant::max());
    if (!finish.has_value()) continue;
    if (failure.empty()) failure = std::move(finish->failure);
    if (next < keys && failure.empty()) {
      protocol.Begin(finish->client, source.Fill(next++));
    } else {
      --under_way;
    }
  }
  return failure;
}

std::uint64_t OpenSessions(Protocol& protocol, const RequestSource& source) {
  if (!Writes(source.options().workload)) return 0;
  // So many at a time: thousands at once would be a flood.
  constexpr std::size_t kTogether = 256;
  std::uint64_t number = 0;
  std::size_t next = 0;
  std::size_t under_way = 0;
  std::uint64_t succeeded = 0;
  bool failed = false;
  while (true) {
    while (!failed && under_way < kTogether && next < protocol.clients()) {
      while (IsRead(source.KindOf(number))) ++number;
      protocol.Begin(next++, source.At(number++));
      ++under_way;
    }
    if (under_way == 0) return succeeded;
    const std::optional<Finish> finish = protocol.Wait(Instant::max());
    if (!finish.has_value()) continue;
    --under_way;
    if (finish->failure.empty()) {
      ++succeeded;
    } else {
      failed = true;
    }
  }
}

Measurement Drive(Protocol& protocol, const RequestSource& source, const DriverOptions& options,
                  const DriverHooks& hooks) {
  return Driver(protocol, source, options, hooks).Run();
}

}  // namespace grassdb::bench
