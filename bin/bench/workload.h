// What the clients do: which operation on which key with which value, drawn from a seed, so that
// two runs, or two stores, are asked the same in the same order.
#ifndef GRASSDB_BIN_BENCH_WORKLOAD_H_
#define GRASSDB_BIN_BENCH_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace grassdb::bench {

enum class Workload : std::uint8_t {
  kPut,
  kGet,       // linearizable
  kGetStale,  // whatever the node has
  kMixed,     // half puts, half linearizable gets
  kTxn,       // if the key exists, put it, else read it
  kStream,    // puts, in batches over one stream
};

std::string_view NameOf(Workload workload);
std::optional<Workload> WorkloadOf(std::string_view name);
// Whether its operations find something only if the keys are there.
bool NeedsKeys(Workload workload);
// Whether some of its operations write.
bool Writes(Workload workload);

struct Request {
  enum class Kind : std::uint8_t { kPut, kGet, kGetStale, kTxn };
  Kind kind = Kind::kPut;
  std::string key;
  std::string value;  // kPut, kTxn
};
std::string_view NameOf(Request::Kind kind);
// Whether it can change nothing, so that it needs no session.
bool IsRead(Request::Kind kind);

struct WorkloadOptions {
  Workload workload = Workload::kPut;
  std::uint64_t keys = 10'000;  // at least 1
  std::size_t value_bytes = 256;
  std::uint64_t seed = 1;
};

// A pure function of the options and the number of the operation.
class RequestSource {
 public:
  explicit RequestSource(const WorkloadOptions& options);

  // The operation of that number of the workload. Every key is as likely as every other.
  Request At(std::uint64_t number) const;
  // At(number).kind, without the cost of a value.
  Request::Kind KindOf(std::uint64_t number) const;
  // The put of key number `key`, below options().keys, before a workload that needs keys.
  Request Fill(std::uint64_t key) const;

  const WorkloadOptions& options() const { return options_; }

 private:
  std::string ValueOf(std::uint64_t number) const;

  WorkloadOptions options_;
  std::string bytes_;  // what every value is, but for its first bytes
};

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_WORKLOAD_H_
