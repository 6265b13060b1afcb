// The specification: Raft as a relation (Ongaro's thesis, figure 3.1 and appendix B; snapshots from
// 5, configurations from 4.1), which every step of every node is held against while it runs.
//
// An abstract server is a term, a vote, a role, the terms of its log, and a commit index. What has
// been said to others, by whom and in which term, is remembered for ever. A step may take several
// actions of the specification at once, since a node takes its inputs in batches; which ones is not
// recorded, so the rules say what there must have been for some of them to lead from the state
// before to the state after:
//
//   begin a term   a term that no server knew before is the next one, and its first server votes
//                  for itself
//   vote           for oneself, or for who has asked in that term with a log at least as up-to-date
//                  as this server's was at some moment of the step
//   lead           only in a term in which a quorum of the configuration has voted so
//   append         a leader puts entries of its own term behind its log and cuts nothing; everybody
//                  else takes entries that the leader of a term it has been in had in its log
//   cut            only because of an entry of such a leader that differs from this server's
//   commit         a leader: an entry of its term that a quorum has acknowledged in it. Everybody
//                  else: what such a leader has told to be committed, if its log is that leader's;
//                  or one that repairs itself and had a snapshot of it, which is true
//   install        a snapshot that a leader of this server's term, or of an earlier one, has sent:
//                  what it stands for is committed for ever, and it may wait, complete, until its
//                  sender leads again. It says that its last entry is committed
//   speak          AppendEntries, InstallSnapshot and TimeoutNow of a term come from its leader,
//   and
//                  hold what is in its log and committed there; an acknowledgement of a term is of
//                  a log that is its leader's as far as it goes; a vote is as it was cast
//
// What the specification leaves open, nodes may do: when to campaign, what to send, whether to
// answer. The other checkers say what must hold of states; this one says what a step may be, and
// names the first one that is none.
#ifndef GRASSDB_SIM_CHECKERS_SPECIFICATION_H_
#define GRASSDB_SIM_CHECKERS_SPECIFICATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/configuration.h"
#include "core/disk.h"
#include "core/log.h"
#include "core/message.h"
#include "core/raft.h"
#include "sim/checkers/by_index.h"

namespace grassdb::sim {

// What is seen of a server.
struct ServerView {
  Term term;
  NodeId voted_for;
  Role role = Role::kFollower;
  const Log* log = nullptr;
  Index commit;
  Index durable;
  // In force, and in force at an index (Raft::ConfigurationAt).
  const Configuration* configuration = nullptr;
  std::function<Configuration(Index)> configuration_at;
};
// `raft` outlives the view.
ServerView ViewOf(const Raft& raft);

class Specification {
 public:
  // `servers[i]` is the id of server i.
  explicit Specification(const std::vector<NodeId>& servers);

  // The server has begun a life with this; nothing of an earlier one but what it has said counts.
  void Begin(std::uint32_t server, const RecoveredState& state);
  // The server is as it was when it was observed last. Costs next to nothing.
  bool HasSeen(std::uint32_t server, const Raft& raft) const {
    const Server& before = servers_[server];
    return before.term == raft.term() && before.commit == raft.commit_index() &&
           before.last == raft.log().last_index() &&
           before.leads == (raft.role() == Role::kLeader) && before.voted_for == raft.voted_for() &&
           before.terms.At(before.last) == raft.log().last_term();
  }
  // The server may have taken a step.
  void Observe(std::uint32_t server, const ServerView& now);
  // The server, observed since its last step, sends this.
  void OnSend(std::uint32_t server, const Message& message);
  // The server, which repairs its disk, sends this: it may have begun a term that it votes for
  // nobody in (core/repair.h).
  void OnSendInRepair(std::uint32_t server, const Message& message);

  // What is below `index` is not asked for any more, but by servers whose logs reach further back.
  // What is not known any more is taken for allowed; so are steps that a leader of a term may
  // explain that all servers have left long ago.
  void ReleaseBelow(Index index);
  std::size_t Bytes() const;

 private:
  // That had a leader or a candidate, besides those that servers are in.
  static constexpr std::uint64_t kTermsKept = 1024;

  struct Server {
    Term term;
    NodeId voted_for;
    bool leads = false;
    Index base;
    Index last;
    Index commit;
    ByIndex<Term> terms;  // of the log; 0: not known, behind a snapshot
  };
  // What is known of the leader of a term.
  struct Leadership {
    std::uint32_t server = 0;
    Index first = Index(1);                // before it, its log is what is committed
    ByIndex<Term> terms;                   // of its log from `first` on; grows only
    Index end = Index(1);                  // of `terms`, also if it is empty
    Index told;                            // the highest commit index it has sent
    std::map<NodeId, Index> acknowledged;  // by others, in this term
  };
  struct LogEnd {
    Index index;
    Term term;
  };
  // Of a snapshot that was sent.
  struct Sent {
    Term term;  // of its last entry
    Term led;   // in which it was sent first
  };
  using LeaderTest = std::function<bool(Term, const Leadership&)>;

  void CheckTerm(std::uint32_t server, const ServerView& now);
  void CheckVote(std::uint32_t server, const ServerView& now, Index common) const;
  void CheckLead(std::uint32_t server, const ServerView& now);
  void CheckInstalled(std::uint32_t server, const ServerView& now) const;
  void CheckCut(std::uint32_t server, const ServerView& now, Index first) const;
  void CheckNew(std::uint32_t server, const ServerView& now, const Entry& entry) const;
  void CheckCommit(std::uint32_t server, const ServerView& now) const;
  bool MayCommit(const Leadership& leadership, Term term, const ServerView& now,
                 NodeId leader) const;
  void CheckCandidate(std::uint32_t server, const Message& message,
                      const RequestVoteRequest& request);
  void CheckAppend(std::uint32_t server, Term term, const AppendEntriesRequest& request);
  void CheckSnapshot(std::uint32_t server, Term term, const InstallSnapshotRequest& chunk);
  void CheckAcknowledgement(std::uint32_t server, Term term, Index match);

  // The end of the part of the log that the server had before and has now; 0 if a snapshot has
  // taken the place of all of it.
  Index CommonEnd(const Server& before, const Log& log) const;
  // Whether a snapshot has taken the place of the log.
  static bool IsReplaced(const Server& before, const Log& log);
  void TakeLog(std::uint32_t server, const ServerView& now, Index common);
  void TakeCommit(std::uint32_t server, const ServerView& now);

  // Terms below it are forgotten, but those that servers are in.
  bool IsForgotten(Term term) const { return term < forgotten_; }
  void ForgetTerms();
  Leadership& LedBy(std::uint32_t server, Term term, const char* what);
  // Whether the test holds for a leader of one of the terms that the server has been in during the
  // step.
  bool AnyLeader(std::uint32_t server, Term until, const LeaderTest& test) const;
  // In the leader's log; nullopt behind its end, 0 if it is not known.
  std::optional<Term> TermIn(const Leadership& leadership, Index index) const;
  bool MayHold(const Leadership& leadership, Index index, Term term) const;
  bool IsCommitted(Index index, Term term) const;
  // Whether who has come to term `until` may have been sent the snapshot of this entry.
  bool IsOffered(Term until, Index index, Term term) const;

  std::vector<NodeId> ids_;
  std::vector<Server> servers_;
  Term newest_;                     // that any server has been in
  std::set<Index> told_in_repair_;  // what is committed, by one that has lost its snapshot
  ByIndex<Term> committed_;         // terms of what is committed; 0: not known
  Term forgotten_;
  std::map<Term, Leadership> leaderships_;
  std::map<std::pair<Term, NodeId>, LogEnd> candidates_;  // who has asked for votes
  std::map<std::pair<Term, NodeId>, NodeId> votes_;       // given to others, by voter
  std::map<Index, Sent> snapshots_;                       // that leaders have sent
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_SPECIFICATION_H_
