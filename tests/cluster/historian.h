// Load for tests whose answers are judged afterwards: clients that read, write and compare-and-set
// a few keys that they share, and the history of it in the form that `grass-sim check-history`
// reads.
#ifndef GRASSDB_TESTS_CLUSTER_HISTORIAN_H_
#define GRASSDB_TESTS_CLUSTER_HISTORIAN_H_

#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/hash.h"
#include "tests/cluster/cluster.h"

namespace grassdb {

class Historian {
 public:
  Historian(const Cluster& cluster, int clients) {
    for (int i = 0; i < clients; ++i) {
      threads_.emplace_back([this, &cluster, i, clients] { Run(cluster, i, clients); });
    }
  }
  ~Historian() { Stop(); }

  void Stop() {
    stop_.store(true);
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  int answered() const { return answered_.load(); }
  int unknown() const { return unknown_.load(); }
  // After Stop: one event a line, in the order in which they happened.
  const std::string& text() const { return text_; }

 private:
  static constexpr std::uint64_t kKeys = 8;
  // Less than an election may take, so that outcomes are unknown now and then.
  static constexpr Seconds kDeadline{1};

  void Run(const Cluster& cluster, int client, int clients) {
    net::DatabaseClient database = cluster.Client(kDeadline);
    std::array<std::optional<std::string>, kKeys> seen;
    int process = client;
    for (std::uint64_t i = 0; !stop_.load(); ++i) {
      const std::uint64_t draw = KeyedRandom(static_cast<std::uint64_t>(client), i);
      const std::size_t at = draw % kKeys;
      const std::string key = "shared" + std::to_string(at);
      const std::string value = std::to_string(client) + "-" + std::to_string(i);
      const std::uint64_t kind = draw / kKeys % 4;
      Outcome outcome;
      if (kind < 2) {
        Note(process, "invoke", "get", key, "nil");
        outcome = database.Get(key, ReadMode::kLinearizable);
        if (outcome.code == Outcome::Code::kOk) {
          seen[at] = outcome.reply.found ? std::optional(outcome.reply.value) : std::nullopt;
        }
        // A read without an answer has done nothing.
        const bool answered = outcome.code == Outcome::Code::kOk;
        Note(process, answered ? "ok" : "fail", "get", key,
             answered && seen[at].has_value() ? Quoted(*seen[at]) : "nil");
        answered_.fetch_add(answered ? 1 : 0);
        continue;
      }
      const bool compares = kind == 3 && seen[at].has_value();
      const std::string what = compares ? "cas" : "put";
      const std::string written =
          compares ? "[" + Quoted(*seen[at]) + " " + Quoted(value) + "]" : Quoted(value);
      Note(process, "invoke", what, key, written);
      outcome = compares ? database.Transact(CompareAndSetTransaction(key, seen[at], value))
                         : database.Set(key, value);
      if (outcome.code != Outcome::Code::kOk) {
        const bool unknown = outcome.code == Outcome::Code::kUnknown;
        // To the checker a compare-and-set that failed is one that has compared.
        const bool open = unknown || compares;
        Note(process, open ? "info" : "fail", what, key, written);
        unknown_.fetch_add(unknown ? 1 : 0);
        // What is unknown may still happen: nobody else does anything under its name.
        if (open) process += clients;
        continue;
      }
      const bool done = !compares || outcome.reply.command.succeeded;
      Note(process, done ? "ok" : "fail", what, key, written);
      answered_.fetch_add(1);
    }
  }

  static std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

  void Note(int process, const std::string& type, const std::string& what, const std::string& key,
            const std::string& value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    text_ += "{:process " + std::to_string(process) + ", :type :" + type + ", :f :" + what +
             ", :key " + Quoted(key) + ", :value " + value + "}\n";
  }

  std::mutex mutex_;
  std::string text_;
  std::atomic<int> answered_{0};
  std::atomic<int> unknown_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace grassdb

#endif  // GRASSDB_TESTS_CLUSTER_HISTORIAN_H_
