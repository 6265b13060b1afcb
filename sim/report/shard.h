// Which shard of a sweep this machine does, as told by a person or by what runs it.
#ifndef GRASSDB_SIM_REPORT_SHARD_H_
#define GRASSDB_SIM_REPORT_SHARD_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "sim/sweep.h"

namespace grassdb::sim {

// The value of a variable of the environment; nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

// "i/n" with 1 <= i <= n, or "auto". The environment is looked at for "auto" alone: a sweep that
// quietly ran a part of its seeds because of a variable would claim more than it did. The first
// that is set wins; an error names the variable and its value:
//
//   GRASS_SIM_SHARD                                  "i/n"
//   CI_NODE_INDEX, CI_NODE_TOTAL                     GitLab, from 1
//   CIRCLE_NODE_INDEX, CIRCLE_NODE_TOTAL             CircleCI, from 0
//   SLURM_ARRAY_TASK_ID, _MIN, _MAX, _COUNT          Slurm, an array of consecutive ids
//   JOB_COMPLETION_INDEX, JOB_COMPLETIONS            Kubernetes indexed job, from 0; the second
//   must
//                                                    be set in the job's template, Kubernetes
//                                                    itself does not tell how many there are
//
// "auto" with none of them is an error.
absl::StatusOr<Shard> ParseShard(std::string_view text, const Environment& environment);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_SHARD_H_
