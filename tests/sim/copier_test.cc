// sim/copier: what it asks of a node, and each way in which an answer breaks the rule.
#include "sim/copier.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/checkers/checkers.h"
#include "sim/run.h"
#include "tests/core/node_fixture.h"
#include "tests/sanitized.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

constexpr std::uint64_t kSlot = 0xffffffff;

// Of whom there is always one more, and whatever is asked is noted.
class NotedSources final : public CopySources {
 public:
  bool MayBeCopied(std::uint32_t) const override { return up; }
  void AskForCopy(std::uint32_t host, RequestId id, const BackupRequest& request) override {
    asked.push_back({host, id, request});
  }

  struct Asked {
    std::uint32_t host = 0;
    RequestId id;
    BackupRequest request;
  };
  bool up = true;
  std::vector<Asked> asked;
};

// A node that is alone and has written k1 = v1, with what the checkers know of it, and a copier.
class CopierTest : public NodeTest {
 protected:
  CopierTest() : checkers_({IdOfNode(1)}, options_, 1024, true) {
    Make(1);
    checkers_.OnRecovered(0, recovered_, DamageMet::kNo);
    clock_.now = node_->NextDeadline();
    node_->OnDeadline();
    node_->Flush();
    Settle();
    Put(1, "k1", "v1");
    node_->Flush();
    Settle();
    copier_ = std::make_unique<Copier>(options_.store, kSlot, &sources_, &history_, &checkers_);
  }

  void Settle() {
    checkers_.AfterStep(0, 1, *node_);
    while (!disk_.jobs.empty()) {
      checkers_.OnDurableJobBegins(0, disk_.jobs.front());
      checkers_.OnDurableJobDone(0);
      FinishOne();
      checkers_.AfterStep(0, 1, *node_);
    }
  }
  // As a snapshot of it streams.
  static std::string StreamOf(KvStore store) {
    KvSnapshotWriter writer = KvSnapshotWriter::Begin(store);
    std::string stream;
    while (!writer.done()) stream += writer.Next(store, 1000).view();
    return stream;
  }
  // `store` after whatever the node has applied, and one write more.
  static KvStore With(const KvStore& store, Index index, const std::string& value) {
    KvStore other = store;
    Command put;
    put.transaction = PutTransaction("k1", value);
    (void)other.Apply(index, put);
    return other;
  }
  // Somebody was told of so many changes.
  void Acknowledge(std::uint64_t revision) {
    const std::size_t number = history_.Invoke({});
    history_.At(number).revision = revision;
    history_.Return(number);
  }
  SnapshotMeta Meta() const {
    return {.index = node_->applied_index(),
            .term = Term(1),
            .configuration = VotersOf(1),
            .configuration_index = {}};
  }
  Reply PieceOf(const std::string& stream, std::uint64_t offset, std::size_t size) const {
    Reply reply;
    reply.backup = std::make_shared<const BackupPiece>(
        BackupPiece{.snapshot = Meta(),
                    .offset = offset,
                    .last = offset + size >= stream.size(),
                    .data = Bytes(std::string_view(stream).substr(offset, size))});
    return reply;
  }
  void Answer(const Reply& reply) { copier_->OnAnswer(0, sources_.asked.back().id, reply); }
  std::string RuleBrokenByAnswer(const Reply& reply) {
    return RuleBrokenBy([&] { Answer(reply); });
  }
  // A copy in one piece.
  std::string RuleBrokenByCopy(const KvStore& store) {
    const std::string stream = StreamOf(store);
    copier_->Begin(0);
    return RuleBrokenByAnswer(PieceOf(stream, 0, stream.size()));
  }

  Checkers checkers_;
  NotedSources sources_;
  History history_;
  std::unique_ptr<Copier> copier_;
};

TEST_F(CopierTest, CopiesPieceByPiece) {
  Acknowledge(1);
  const std::string stream = StreamOf(node_->store());
  ASSERT_GT(stream.size(), 30u);
  copier_->Begin(0);
  ASSERT_EQ(sources_.asked.size(), 1u);
  EXPECT_EQ(sources_.asked[0].request.snapshot, Index(0));
  EXPECT_EQ(sources_.asked[0].id.value() & kSlot, kSlot);
  Answer(PieceOf(stream, 0, 30));
  ASSERT_EQ(sources_.asked.size(), 2u);
  EXPECT_EQ(sources_.asked[1].request.snapshot, Meta().index);
  EXPECT_EQ(sources_.asked[1].request.offset, 30u);
  EXPECT_NE(sources_.asked[1].id, sources_.asked[0].id);
  copier_->Begin(0);
  EXPECT_EQ(sources_.asked.size(), 2u) << "one at a time";
  Answer(PieceOf(stream, 30, stream.size()));
  EXPECT_EQ(copier_->checked(), 1u);
  EXPECT_FALSE(copier_->under_way());
}

TEST_F(CopierTest, CopiesNobodyWhoIsDown) {
  sources_.up = false;
  copier_->Begin(0);
  EXPECT_TRUE(sources_.asked.empty());
  EXPECT_FALSE(copier_->under_way());
}

TEST_F(CopierTest, EndsWithTheNodeOrARefusal) {
  copier_->Begin(0);
  copier_->OnDown(1);
  EXPECT_TRUE(copier_->under_way()) << "another one's end";
  copier_->OnDown(0);
  EXPECT_FALSE(copier_->under_way());
  copier_->Begin(0);
  Reply refusal;
  refusal.code = ReplyCode::kOverloaded;
  EXPECT_EQ(RuleBrokenByAnswer(refusal), "");
  EXPECT_FALSE(copier_->under_way());
  EXPECT_EQ(copier_->checked(), 0u);
}

TEST_F(CopierTest, SeesAnAnswerThatNobodyAskedFor) {
  copier_->Begin(0);
  const Reply piece = PieceOf(StreamOf(node_->store()), 0, 10);
  const RequestId asked = sources_.asked.back().id;
  EXPECT_EQ(RuleBrokenBy([&] { copier_->OnAnswer(1, asked, piece); }), "backup") << "another node";
  EXPECT_EQ(RuleBrokenBy([&] { copier_->OnAnswer(0, asked, piece); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { copier_->OnAnswer(0, asked, piece); }), "backup") << "twice";
  copier_->OnDown(0);
  EXPECT_EQ(RuleBrokenByAnswer(piece), "backup") << "after its end";
}

TEST_F(CopierTest, SeesAPieceThatDoesNotFit) {
  const std::string stream = StreamOf(node_->store());
  copier_->Begin(0);
  EXPECT_EQ(RuleBrokenByAnswer(Reply()), "backup") << "no piece";
  EXPECT_EQ(RuleBrokenByAnswer(PieceOf(stream, 10, 10)), "backup") << "not the first";
  Answer(PieceOf(stream, 0, 10));
  Reply other = PieceOf(stream, 10, 10);
  BackupPiece piece = *other.backup;
  piece.snapshot.index = piece.snapshot.index + 1;
  other.backup = std::make_shared<const BackupPiece>(piece);
  EXPECT_EQ(RuleBrokenByAnswer(other), "backup") << "of another snapshot";
}

TEST_F(CopierTest, SeesEveryFlippedByte) {
  const std::string stream = StreamOf(node_->store());
  std::size_t no_state = 0;
  std::size_t not_whole = 0;
  for (std::size_t at = 0; at < stream.size(); ++at) {
    std::string damaged = stream;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    copier_->Begin(0);
    const Violation violation = ViolationBy([&] { Answer(PieceOf(damaged, 0, damaged.size())); });
    EXPECT_EQ(violation.rule, "backup") << "byte " << at;
    no_state += violation.text.find("is no state") != std::string::npos ? 1 : 0;
    not_whole += violation.text.find("is not whole") != std::string::npos ? 1 : 0;
    copier_->OnDown(0);
  }
  EXPECT_GT(no_state, 0u);
  EXPECT_GT(not_whole, 0u);
}

TEST_F(CopierTest, SeesACopyThatIsNotWhole) {
  const std::string stream = StreamOf(node_->store());
  copier_->Begin(0);
  EXPECT_EQ(RuleBrokenByAnswer(PieceOf(stream.substr(0, stream.size() - 1), 0, stream.size())),
            "backup");
}

TEST_F(CopierTest, SeesACopyWithoutWhatWasAcknowledgedBefore) {
  Acknowledge(2);
  EXPECT_EQ(RuleBrokenByCopy(node_->store()), "backup");
}

TEST_F(CopierTest, AsksForNothingThatWasAcknowledgedLater) {
  copier_->Begin(0);
  Acknowledge(2);
  const std::string stream = StreamOf(node_->store());
  EXPECT_EQ(RuleBrokenByAnswer(PieceOf(stream, 0, stream.size())), "");
}

TEST_F(CopierTest, SeesACopyOfAStateThatWasNeverCommitted) {
  EXPECT_EQ(RuleBrokenByCopy(With(node_->store(), Index(9), "v2")), "exactly once");
}

// As many keys and changes as there must be, and still another state.
TEST_F(CopierTest, SeesACopyWithAnotherValue) {
  EXPECT_EQ(RuleBrokenByCopy(With(KvStore(options_.store), Index(2), "other")),
            "state machine safety");
}

TEST(Copier, CopiesAgainAndAgainInARun) {
  Counters sum;
  for (std::uint64_t seed = 1; seed <= SomeOf(10); ++seed) {
    RunOptions options;
    options.seed = seed;
    options.seconds = 5;
    const RunResult result = RunSeed(options);
    ASSERT_TRUE(result.ok()) << result.report;
    sum += result.counters;
  }
  EXPECT_GT(sum.copies, kSanitized ? 0u : 10u);
}

}  // namespace
}  // namespace grassdb::sim
