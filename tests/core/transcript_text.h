// How a golden transcript says what goes into a Raft and what comes out of it: stable, for people,
// and complete enough that a changed behaviour changes the text.
//
// Indexes with a term are written index@term, nodes by name, "-" for nobody, times in milliseconds
// since the start of the cluster.
#ifndef GRASSDB_TESTS_CORE_TRANSCRIPT_TEXT_H_
#define GRASSDB_TESTS_CORE_TRANSCRIPT_TEXT_H_

#include <string>
#include <vector>

#include "core/raft.h"

namespace grassdb {

std::string TextOf(NodeId node);
std::string TextOf(Instant time);
std::string TextOf(const Configuration& configuration);
std::string TextOf(const Entry& entry);
std::string TextOf(const Message& message);  // without sender and receiver
std::string TextOf(const Input& input);
std::string TextOf(const Progress& follower);

// "leader | term 1 vote n1 | commit 2 durable 2 apply 2 last 2@1". What may be applied is in the
// output of a step and nowhere else.
std::string TextOf(const Raft& raft, Index apply_through);

// One line for each thing that the step wants done, in the order of Output's fields.
std::vector<std::string> LinesOf(const Output& output);

}  // namespace grassdb

#endif  // GRASSDB_TESTS_CORE_TRANSCRIPT_TEXT_H_
