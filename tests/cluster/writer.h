// Load for tests: a client that writes and remembers what it was promised.
#ifndef GRASSDB_TESTS_CLUSTER_WRITER_H_
#define GRASSDB_TESTS_CLUSTER_WRITER_H_

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "tests/cluster/cluster.h"

namespace grassdb {

// Writes keys one after the other and remembers which of them were acknowledged.
class Writer {
 public:
  Writer(const Cluster& cluster, std::string prefix)
      : client_(cluster.Client()), prefix_(std::move(prefix)), thread_([this] { Run(); }) {}
  ~Writer() { Stop(); }

  void Stop() {
    stop_.store(true);
    if (thread_.joinable()) thread_.join();
  }
  int acknowledged() const { return acknowledged_.load(); }
  // After Stop. Values by key; nothing else may be in their place.
  const std::map<std::string, std::string>& written() const { return written_; }
  // After Stop. Why writes were not acknowledged within their deadline, by key.
  const std::map<std::string, std::string>& failed() const { return failed_; }

 private:
  void Run() {
    for (int i = 0; !stop_.load(); ++i) {
      const std::string key = prefix_ + std::to_string(i);
      const std::string value = "value of " + key;
      const Outcome outcome = client_.Set(key, value);
      if (outcome.code == Outcome::Code::kOk) {
        written_.emplace(key, value);
        acknowledged_.fetch_add(1);
      } else {
        failed_.emplace(key, outcome.error);
      }
    }
  }

  net::DatabaseClient client_;
  const std::string prefix_;
  std::map<std::string, std::string> written_;
  std::map<std::string, std::string> failed_;
  std::atomic<int> acknowledged_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

inline void ExpectAll(const Cluster& cluster, const std::map<std::string, std::string>& written) {
  net::DatabaseClient client = cluster.Client();
  for (const auto& [key, value] : written) {
    const Outcome outcome = client.Get(key, ReadMode::kLinearizable);
    ASSERT_EQ(outcome.code, Outcome::Code::kOk) << outcome.error;
    ASSERT_TRUE(outcome.reply.found) << key << " was acknowledged and is gone";
    ASSERT_EQ(outcome.reply.value, value);
  }
}

}  // namespace grassdb

#endif  // GRASSDB_TESTS_CLUSTER_WRITER_H_
