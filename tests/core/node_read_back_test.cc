// What a node does with committed entries that are on its disk only when their turn comes to be
// applied: of a log that was longer at the start than memory reaches, or that has grown so while
// the state was loaded.
#include "core/chunk.h"
#include "core/kv_snapshot.h"
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

std::string ValueAt(Index index) {
  return "v" + std::to_string(index.value());
}

// Puts ValueAt its index as k.
Entry PutAt(Index index, Term term = Term(1), std::size_t padding = 0) {
  Command command;
  command.transaction = PutTransaction("k", ValueAt(index));
  if (padding > 0) {
    const Transaction more = PutTransaction("p", std::string(padding, 'p'));
    command.transaction.success.push_back(more.success.front());
  }
  return {
      .index = index, .term = term, .type = EntryType::kCommand, .payload = EncodeCommand(command)};
}

class NodeReadBack : public NodeTest {
 protected:
  // The disk holds 30 entries of term 1, of which the last ten are in memory.
  void MakeWithLongLog(int voters) {
    recovered_.hard_state.term = Term(1);
    for (Index index(1); index <= Index(30); ++index) {
      if (index <= Index(20)) {
        recovered_.evicted.Add(LogPosition(), PutAt(index));
      } else {
        recovered_.entries.push_back(PutAt(index));
      }
    }
    recovered_.evicted.evictions.Add(Index(20), 20 * CostOf(PutAt(Index(1))));
    Make(voters);
  }
  // The oldest read, which finds `count` entries.
  ReadEntries FindSome(std::uint64_t count) {
    const auto wanted = Take<ReadEntries>();
    EntriesRead done{.wanted = wanted, .entries = {}, .status = absl::OkStatus()};
    for (std::uint64_t i = 0; i < count; ++i) {
      done.entries.push_back(PutAt(wanted.first + i, wanted.term));
    }
    Finish(std::move(done));
    return wanted;
  }
  void FailToRead() {
    Finish(EntriesRead{.wanted = Take<ReadEntries>(),
                       .entries = {},
                       .status = absl::DataLossError("f at offset 7 in /data: wrong")});
  }
  std::size_t ReadsAtDisk() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        disk_.jobs, [](const DiskJob& job) { return std::holds_alternative<ReadEntries>(job); }));
  }
  std::string ValueNow() {
    const KeyValue* found = node_->store().Find("k");
    return found == nullptr ? "" : std::string(found->value());
  }
  // n2 leads term `term` and sends these, and says that they are committed.
  void FollowN2(Index prev, const std::vector<Entry>& entries, Term term = Term(1)) {
    AppendEntriesRequest append;
    append.prev_log_index = prev;
    append.prev_log_term = prev == Index(0) ? Term() : Term(1);
    append.leader_commit = prev + entries.size();
    append.entries = entries;
    Receive(2, term.value(), append);
    FinishDisk();
  }
  const Log& log() const { return node_->raft().log(); }
};

TEST_F(NodeReadBack, AppliesWhatIsNotInMemoryInItsOrder) {
  MakeWithLongLog(1);
  EXPECT_EQ(node_->Status().memory_index, Index(21));
  EXPECT_EQ(ReadsAtDisk(), 0u) << "nothing is known to be committed";
  Lead();
  ASSERT_EQ(node_->raft().commit_index(), Index(31));
  EXPECT_EQ(node_->applied_index(), Index(0));
  ReadEntries wanted = FindSome(7);
  EXPECT_EQ(wanted.reader, NodeId(0));
  EXPECT_EQ(wanted.first, Index(1));
  EXPECT_EQ(wanted.last, Index(20)) << "what is behind is in memory";
  EXPECT_EQ(wanted.term, Term(1));
  EXPECT_EQ(node_->applied_index(), Index(7));
  EXPECT_EQ(ValueNow(), "v7");
  EXPECT_EQ(ReadsAtDisk(), 1u);
  wanted = FindSome(13);
  EXPECT_EQ(wanted.first, Index(8));
  EXPECT_EQ(node_->applied_index(), Index(31)) << "and what is in memory";
  EXPECT_EQ(ValueNow(), "v30");
  EXPECT_EQ(ReadsAtDisk(), 0u);
}

TEST_F(NodeReadBack, ALeaderTakesAndReplicatesWritesMeanwhile) {
  MakeWithLongLog(1);
  Lead();
  Put(1, "k", "new");
  Get(2, "k");
  node_->Flush();
  FinishDisk();
  EXPECT_EQ(node_->raft().commit_index(), Index(32));
  EXPECT_FALSE(clients_.replies.contains(RequestId(1))) << "nothing before it is applied";
  FindSome(10);
  EXPECT_FALSE(clients_.replies.contains(RequestId(2)));
  FindSome(10);
  EXPECT_EQ(CodeOf(1), ReplyCode::kOk);
  EXPECT_EQ(clients_.replies[RequestId(1)].revision, Revision(31));
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
}

TEST_F(NodeReadBack, AReadThatWaitsForTheStateInVainIsToldSo) {
  MakeWithLongLog(1);
  Lead();
  Get(1, "k");
  node_->Flush();
  FindSome(10);
  clock_.now += options_.read_patience;
  node_->OnDeadline();
  EXPECT_EQ(CodeOf(1), ReplyCode::kUnavailable);
  EXPECT_NE(clients_.replies[RequestId(1)].error.find("state has not come as far"),
            std::string::npos)
      << clients_.replies[RequestId(1)].error;
  FindSome(10);
  EXPECT_EQ(node_->applied_index(), Index(31));
}

TEST_F(NodeReadBack, AsksOnlyForWhatIsCommittedAndOfOneTerm) {
  recovered_.evicted.Add(LogPosition(), PutAt(Index(1), Term(1)));
  recovered_.evicted.Add(LogPosition(), PutAt(Index(2), Term(1)));
  for (Index index(3); index <= Index(9); ++index) {
    recovered_.evicted.Add(LogPosition(), PutAt(index, Term(2)));
  }
  recovered_.hard_state.term = Term(2);
  Make(3);
  AppendEntriesRequest append;
  append.prev_log_index = Index(9);
  append.prev_log_term = Term(2);
  append.leader_commit = Index(5);
  Receive(2, 3, append);
  EXPECT_EQ(FindSome(2).last, Index(2));
  const ReadEntries wanted = FindSome(3);
  EXPECT_EQ(wanted.first, Index(3));
  EXPECT_EQ(wanted.last, Index(5));
  EXPECT_EQ(wanted.term, Term(2));
  EXPECT_EQ(node_->applied_index(), Index(5));
  EXPECT_EQ(ReadsAtDisk(), 0u);
}

TEST_F(NodeReadBack, AsksAgainUntilTheEntriesHaveBeenFound) {
  MakeWithLongLog(1);
  Lead();
  FindSome(0);
  FindSome(0);
  EXPECT_EQ(node_->applied_index(), Index(0));
  EXPECT_EQ(FindSome(20).first, Index(1));
  EXPECT_EQ(node_->applied_index(), Index(31));
}

TEST_F(NodeReadBack, AReadThatFailsOnceIsTriedAgain) {
  MakeWithLongLog(1);
  Lead();
  FailToRead();
  EXPECT_FALSE(node_->failed());
  EXPECT_FALSE(node_->must_mend()) << "no state of this node can take its place";
  FindSome(5);
  FailToRead();
  EXPECT_FALSE(node_->failed()) << "not twice in a row";
  EXPECT_EQ(FindSome(15).first, Index(6));
  EXPECT_EQ(node_->applied_index(), Index(31));
}

TEST_F(NodeReadBack, NothingIsPassedOverThatCannotBeRead) {
  MakeWithLongLog(1);
  Lead();
  FindSome(5);
  FailToRead();
  FailToRead();
  ASSERT_TRUE(node_->failed());
  EXPECT_TRUE(absl::IsDataLoss(node_->failure()));
  const std::string text(node_->failure().message());
  EXPECT_NE(text.find("entry 6"), std::string::npos) << text;
  EXPECT_NE(text.find("f at offset 7"), std::string::npos) << text;
  EXPECT_NE(text.find("Start the node again"), std::string::npos) << text;
  EXPECT_EQ(node_->applied_index(), Index(5));
}

// --- While the state is loaded ---

class NodeReadBackLoading : public NodeReadBack {
 protected:
  // Born with a snapshot of index 5; n2 leads.
  NodeReadBackLoading() {
    options_.log_memory_bytes = 1000;
    options_.log_kept_bytes = 0;
    stream_ = StreamOf(Index(5));
    recovered_.hard_state.term = Term(1);
    recovered_.snapshot = MetaAt(Index(5));
    recovered_.base_index = Index(5);
    recovered_.base_term = Term(1);
  }
  static SnapshotMeta MetaAt(Index index) {
    SnapshotMeta meta;
    meta.index = index;
    meta.term = Term(1);
    meta.configuration = VotersOf(3);
    return meta;
  }
  static std::string StreamOf(Index index) {
    KvStore store;
    Command command;
    command.transaction = PutTransaction("k", ValueAt(index));
    store.Apply(index, command);
    KvSnapshotWriter writer = KvSnapshotWriter::Begin(store);
    std::string stream;
    while (!writer.done()) stream += writer.Next(store, 1000).view();
    return stream;
  }
  void Load() {
    const auto read = Take<ReadSnapshot>();
    Finish(SnapshotRead{.index = read.index,
                        .offset = read.offset,
                        .reader = read.reader,
                        .last = true,
                        .data = Bytes(stream_),
                        .status = absl::OkStatus()});
  }
  void ReceiveMany(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const Index last = log().last_index();
      FollowN2(last, {PutAt(last + 1, Term(1), 100)});
    }
  }

  std::string stream_;
};

TEST_F(NodeReadBackLoading, WhatArrivesIsBoundedAndIsReadBack) {
  Make(3);
  ReceiveMany(50);
  ASSERT_FALSE(node_->loaded());
  EXPECT_EQ(log().last_index(), Index(55));
  EXPECT_LE(log().bytes(), 1125u);
  EXPECT_EQ(ReadsAtDisk(), 0u);
  Load();
  ASSERT_TRUE(node_->loaded());
  EXPECT_EQ(FindSome(10).first, Index(6));
  EXPECT_EQ(node_->applied_index(), Index(15));
  const Index through = log().evicted_through();
  FindSome(through - Index(15));
  EXPECT_EQ(node_->applied_index(), Index(55));
  EXPECT_EQ(ValueNow(), "v55");
}

// What damage has not taken can be read back.
TEST_F(NodeReadBackLoading, WhatArrivesBehindDamageIsBoundedToo) {
  recovered_.damage.places.push_back("distdb_n1.wal at offset 300: wrong");
  Make(3);
  ReceiveMany(50);
  EXPECT_LE(log().bytes(), 1125u);
  Load();
  EXPECT_EQ(FindSome(10).first, Index(6));
  EXPECT_EQ(node_->applied_index(), Index(15));
}

TEST_F(NodeReadBackLoading, ASnapshotTakesThePlaceOfWhatIsBeingRead) {
  Make(3);
  ReceiveMany(50);
  Load();
  FindSome(3);
  const auto wanted = Take<ReadEntries>();
  ASSERT_EQ(wanted.first, Index(9));
  // A later leader's, of what this node does not have.
  InstallSnapshotRequest chunk;
  chunk.meta = MetaAt(Index(90));
  chunk.last = true;
  stream_ = StreamOf(Index(90));
  chunk.data = Bytes(stream_);
  chunk.checksum = ChecksumOf(chunk);
  Receive(2, 2, chunk);
  StageAll();
  FinishDisk();
  ASSERT_FALSE(node_->loaded());
  EntriesRead late{.wanted = wanted, .entries = {PutAt(Index(9))}, .status = absl::OkStatus()};
  Finish(std::move(late));
  EXPECT_EQ(node_->applied_index(), Index(8)) << "the state is being replaced";
  Load();
  EXPECT_EQ(node_->applied_index(), Index(90));
  EXPECT_EQ(ValueNow(), "v90");
  EXPECT_EQ(ReadsAtDisk(), 0u);
}

}  // namespace
}  // namespace grassdb
