// The server's log: spdlog, one line per event on stderr, each with the node's id, term and role.
//
//   text:  2026-01-31T12:00:00.000Z info    term=2 role=leader [node1] Won election for term 2 ...
//   json:  {"time":"...","level":"info","node":"node1","term":2,"role":"leader","message":"..."}
//
// Logging is for what happens rarely: starts, elections, losses. No request and no message of the
// normal course is logged.
#ifndef GRASSDB_NET_LOG_H_
#define GRASSDB_NET_LOG_H_

#include <cstdint>
#include <string>

#include "core/configuration.h"
#include "core/event.h"
#include "core/raft.h"
#include "core/types.h"

namespace grassdb::net {

enum class LogFormat : std::uint8_t { kText, kJson };
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

// Makes spdlog's default logger write for this node, sends gRPC's own messages there, and has
// broken invariants logged before they abort the process. Before any thread is started.
void StartLogging(const std::string& node, LogFormat format, LogLevel level);
// What the lines from now on say of the node. From the event loop.
void SetLogContext(Term term, Role role);
// Flushes; nothing is logged after it.
void StopLogging();

// Silences gRPC's own messages, for programs that report errors by themselves.
void SilenceGrpc();

// What a trace event means, for a person.
std::string TextOf(Term term, const Event& event, const Configuration& configuration);
LogLevel LevelOf(EventKind kind);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_LOG_H_
