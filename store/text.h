// Small helpers for the statuses of this room. An error says what was attempted on which file at
// which offset, what was found, and what a person can do about it.
#ifndef GRASSDB_STORE_TEXT_H_
#define GRASSDB_STORE_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/disk.h"

namespace grassdb::store {

// The same code and damage, with "context: " before the message. `status` is an error.
absl::Status Annotate(const absl::Status& status, const std::string& context);

// The same error for where it is final: one without room is told as Internal, since
// ResourceExhausted promises that nothing has changed.
absl::Status Final(const absl::Status& status);

// DataLoss about the file `name` of the directory `path`: "`name` at offset `offset` in `path`:
// `problem`". What helps depends on who is told: see Refusal.
absl::Status Damaged(const std::string& path, std::string_view name, std::uint64_t offset,
                     const std::string& problem);

// What a status of Damaged is about, for programs.
struct DamagedPlace {
  std::string file;
  std::uint64_t offset = 0;
  std::string problem;
};
// `path` as it was given; nullopt for any other status.
std::optional<DamagedPlace> DamageIn(const absl::Status& status, const std::string& path);
// How to go on without what is lost, where nobody can give it back. It takes an identity.
inline constexpr std::string_view kDiscarding =
    "`grassdb recover --force-new-cluster --discard-from-damage`, which says first what that drops";

// The same for this damage.
std::string WithoutWhatIsLost(const Damage& damage);

// What a start, or a command, says that refuses the data of `node`: DataLoss gets the way out. Any
// other status, and one that has it already, stays as it is.
absl::Status Refusal(const absl::Status& status, const std::string& node);
// For a node whose own files are of no use any more.
std::string WayOutWithout(const std::string& node);
// DataLoss: what of the directory `path` is lost, where, and the way out.
absl::Status Lost(const std::string& path, const Damage& damage);

// 16 hexadecimal digits.
std::string Hex(std::uint64_t value);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_TEXT_H_
