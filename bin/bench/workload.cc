#include "bin/bench/workload.h"

#include <array>
#include <utility>

#include "core/check.h"
#include "core/hash.h"

namespace grassdb::bench {
namespace {

constexpr std::array<std::pair<std::string_view, Workload>, 6> kNames = {{
    {"put", Workload::kPut},
    {"get", Workload::kGet},
    {"get-stale", Workload::kGetStale},
    {"mixed", Workload::kMixed},
    {"txn", Workload::kTxn},
    {"stream", Workload::kStream},
}};

// What a draw decides.
enum Stream : std::uint64_t { kKey = 1, kKind = 2, kBytes = 3 };

// 24 bytes, whatever the number.
std::string KeyOf(std::uint64_t number) {
  constexpr std::size_t kDigits = 18;
  std::string digits = std::to_string(number);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return "bench/" + digits;
}

}  // namespace

std::string_view NameOf(Workload workload) {
  for (const auto& [name, each] : kNames) {
    if (each == workload) return name;
  }
  return "?";
}

std::string_view NameOf(Request::Kind kind) {
  switch (kind) {
    case Request::Kind::kPut:
      return "put";
    case Request::Kind::kGet:
      return "get";
    case Request::Kind::kGetStale:
      return "get-stale";
    case Request::Kind::kTxn:
      return "txn";
  }
  return "?";
}

std::optional<Workload> WorkloadOf(std::string_view name) {
  for (const auto& [each, workload] : kNames) {
    if (each == name) return workload;
  }
  return std::nullopt;
}

bool NeedsKeys(Workload workload) {
  return workload != Workload::kPut && workload != Workload::kStream;
}

bool Writes(Workload workload) {
  return workload != Workload::kGet && workload != Workload::kGetStale;
}

bool IsRead(Request::Kind kind) {
  return kind == Request::Kind::kGet || kind == Request::Kind::kGetStale;
}

RequestSource::RequestSource(const WorkloadOptions& options) : options_(options) {
  GRASS_CHECK(options.keys > 0);
  // Bytes that do not compress, so that a store which compresses has no advantage of it.
  bytes_.reserve(options.value_bytes);
  for (std::size_t i = 0; i < options.value_bytes; ++i) {
    bytes_.push_back(static_cast<char>(KeyedRandom(options.seed, kBytes, i) & 0xff));
  }
}

Request::Kind RequestSource::KindOf(std::uint64_t number) const {
  switch (options_.workload) {
    case Workload::kPut:
    case Workload::kStream:
      return Request::Kind::kPut;
    case Workload::kGet:
      return Request::Kind::kGet;
    case Workload::kGetStale:
      return Request::Kind::kGetStale;
    case Workload::kMixed:
      return (KeyedRandom(options_.seed, kKind, number) & 1) == 0 ? Request::Kind::kPut
                                                                  : Request::Kind::kGet;
    case Workload::kTxn:
      break;
  }
  return Request::Kind::kTxn;
}

Request RequestSource::At(std::uint64_t number) const {
  Request request;
  request.kind = KindOf(number);
  request.key = KeyOf(Bounded(KeyedRandom(options_.seed, kKey, number), options_.keys));
  if (!IsRead(request.kind)) request.value = ValueOf(number);
  return request;
}

Request RequestSource::Fill(std::uint64_t key) const {
  return {.kind = Request::Kind::kPut, .key = KeyOf(key), .value = ValueOf(key)};
}

// Different from operation to operation, as far as the length allows.
std::string RequestSource::ValueOf(std::uint64_t number) const {
  std::string value = bytes_;
  for (std::size_t i = 0; i < value.size() && i < sizeof number; ++i) {
    value[i] = static_cast<char>((number >> (8 * i)) & 0xff);
  }
  return value;
}

}  // namespace grassdb::bench
