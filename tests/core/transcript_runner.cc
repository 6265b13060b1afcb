#include "tests/core/transcript_runner.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string_view>
#include <tuple>

#include "absl/status/status.h"
#include "tests/core/transcript_text.h"

namespace grassdb {
namespace {

absl::Status Problem(const std::string& text) {
  return absl::InvalidArgumentError(text);
}

std::optional<std::uint64_t> NumberOf(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

// "n1" to "n9".
std::optional<int> NodeNumber(std::string_view word) {
  if (word.size() != 2 || word[0] != 'n' || word[1] < '1' || word[1] > '9') return std::nullopt;
  return word[1] - '0';
}

absl::StatusOr<Duration> DurationOf(const std::string& word) {
  const std::optional<std::uint64_t> value =
      word.ends_with("ms") ? NumberOf(std::string_view(word).substr(0, word.size() - 2))
                           : std::nullopt;
  if (!value.has_value()) return Problem("'" + word + "' is not a time such as 100ms");
  return std::chrono::milliseconds(*value);
}

// "2@1".
std::optional<std::pair<Index, Term>> PositionOf(std::string_view word) {
  const std::size_t at = word.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto index = NumberOf(word.substr(0, at));
  const auto term = NumberOf(word.substr(at + 1));
  if (!index.has_value() || !term.has_value()) return std::nullopt;
  return std::pair(Index(*index), Term(*term));
}

absl::Status Expect(bool condition, const std::string& usage) {
  return condition ? absl::OkStatus() : Problem("the command is: " + usage);
}

// The endless chatter that this bounds is a failure, not a hang.
constexpr int kMessagesMax = 10000;

}  // namespace

const std::map<std::string, TranscriptRunner::Handler>& TranscriptRunner::Handlers() {
  static const std::map<std::string, Handler> handlers = {
      {"nodes", &TranscriptRunner::Nodes},       {"join", &TranscriptRunner::Join},
      {"append", &TranscriptRunner::Append},     {"elect", &TranscriptRunner::Elect},
      {"propose", &TranscriptRunner::Propose},   {"read", &TranscriptRunner::Read},
      {"deliver", &TranscriptRunner::Deliver},   {"repeat", &TranscriptRunner::Repeat},
      {"drop", &TranscriptRunner::Drop},         {"cut", &TranscriptRunner::Cut},
      {"isolate", &TranscriptRunner::Isolate},   {"heal", &TranscriptRunner::Heal},
      {"fire", &TranscriptRunner::Fire},         {"skip", &TranscriptRunner::Skip},
      {"advance", &TranscriptRunner::Advance},   {"disk", &TranscriptRunner::Disk},
      {"restart", &TranscriptRunner::Restart},   {"compact", &TranscriptRunner::Compact},
      {"snapshot", &TranscriptRunner::Snapshot}, {"change", &TranscriptRunner::Change},
      {"transfer", &TranscriptRunner::Transfer}, {"delay", &TranscriptRunner::Delay},
      {"show", &TranscriptRunner::Show},         {"quietly", &TranscriptRunner::Quietly},
  };
  return handlers;
}

absl::StatusOr<std::vector<std::string>> TranscriptRunner::Run(const std::string& command) {
  lines_.clear();
  std::istringstream in(command);
  Words words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  if (absl::Status status = RunCommand(words); !status.ok()) return status;
  return std::move(lines_);
}

absl::Status TranscriptRunner::RunCommand(const Words& words) {
  const std::string name = words.empty() ? "" : words.front();
  const auto handler = Handlers().find(name);
  if (handler == Handlers().end()) return Problem("there is no command '" + name + "'");
  if (cluster_.has_value() == (name == "nodes")) {
    return Problem("a transcript begins with 'nodes', once");
  }
  return (this->*handler->second)(Words(words.begin() + 1, words.end()));
}

// --- The record ---

void TranscriptRunner::Record(int number, const Input& input, const Output& output) {
  if (const auto* message = std::get_if<Message>(&input)) {
    last_message_.insert_or_assign({message->from, message->to}, *message);
  }
  apply_through_[number] = output.apply_through;
  Say(NameOfNode(number) + " <- " + TextOf(input));
  RecordState(number);
  for (const std::string& line : LinesOf(output)) Say("  " + line);
  for (const std::string& text : NewsOfFollowers(number)) Say("  follower " + text);
}

void TranscriptRunner::RecordState(int number) {
  Say("  " + TextOf(cluster_->raft(number), apply_through_[number]));
}

// Of the followers of a leader, only those of whom it knows something new.
std::vector<std::string> TranscriptRunner::NewsOfFollowers(int number) {
  std::map<NodeId, std::string>& known = followers_[number];
  std::vector<std::string> news;
  std::map<NodeId, std::string> now;
  if (const std::vector<Progress>* followers = cluster_->raft(number).followers()) {
    for (const Progress& follower : *followers) {
      const std::string& text = now[follower.id] = TextOf(follower);
      if (!known.contains(follower.id) || known[follower.id] != text) news.push_back(text);
    }
    for (const auto& [id, text] : known) {
      if (!now.contains(id)) news.push_back(TextOf(id) + " gone");
    }
  }
  std::ranges::sort(news);
  known = std::move(now);
  return news;
}

// --- Words ---

absl::StatusOr<int> TranscriptRunner::NodeOf(const std::string& word) const {
  const std::optional<int> number = NodeNumber(word);
  if (!number.has_value() || !cluster_->Has(*number)) {
    return Problem("there is no node '" + word + "'");
  }
  return *number;
}

absl::StatusOr<TranscriptRunner::Link> TranscriptRunner::LinkOf(const std::string& word) const {
  const std::optional<int> from = NodeNumber(word.substr(0, 2));
  const std::optional<int> to =
      word.size() == 6 && word.substr(2, 2) == "->" ? NodeNumber(word.substr(4)) : std::nullopt;
  if (!from.has_value() || !to.has_value() || from == to) {
    return Problem("'" + word + "' is not a link such as n1->n2");
  }
  return Link{.from = *from, .to = *to};
}

// words: a link, and perhaps how many.
absl::Status TranscriptRunner::TakeFromLink(const Words& words, std::vector<Message>& taken) {
  const absl::StatusOr<Link> link = LinkOf(words[0]);
  if (!link.ok()) return link.status();
  const std::optional<std::uint64_t> count = words.size() == 2 ? NumberOf(words[1]) : kMessagesMax;
  if (!count.has_value() || *count == 0) return Problem("'" + words[1] + "' is not a count");
  std::deque<Message> rest;
  for (Message& message : cluster_->network()) {
    const bool on_link = message.from == IdOfNode(link->from) && message.to == IdOfNode(link->to);
    if (on_link && taken.size() < *count) {
      taken.push_back(std::move(message));
    } else {
      rest.push_back(std::move(message));
    }
  }
  cluster_->network() = std::move(rest);
  // A scenario that expects a message which is not there does not show what it says.
  if (taken.empty()) return Problem("nothing is under way on " + words[0]);
  return absl::OkStatus();
}

// --- Commands ---

absl::Status TranscriptRunner::Nodes(const Words& words) {
  const std::string usage = "nodes COUNT [inflight=N] [batch=N]";
  const std::optional<std::uint64_t> count = words.empty() ? std::nullopt : NumberOf(words[0]);
  if (!count.has_value() || *count < 1 || *count > 9) return Expect(false, usage);
  RaftOptions limits;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    const auto value = equals == std::string::npos
                           ? std::nullopt
                           : NumberOf(std::string_view(words[i]).substr(equals + 1));
    const std::string name = words[i].substr(0, equals);
    if (!value.has_value() || (name != "inflight" && name != "batch")) return Expect(false, usage);
    (name == "batch" ? limits.append_entries_max : limits.inflight_messages_max) = *value;
  }
  RaftCluster::Options options;
  options.stream_snapshots = true;
  options.adjust = [limits](RaftOptions& raft) {
    raft.append_entries_max = limits.append_entries_max;
    raft.inflight_messages_max = limits.inflight_messages_max;
  };
  options.on_step = [this](int number, const Input& input, const Output& output) {
    Record(number, input, output);
  };
  options.on_lost = [this](const Message& message) {
    Say("lost " + TextOf(message.from) + "->" + TextOf(message.to) + ": " + TextOf(message));
  };
  cluster_.emplace(static_cast<int>(*count), std::move(options));
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Join(const Words& words) {
  if (words.empty()) return Expect(false, "join NODE ...");
  for (const std::string& word : words) {
    const std::optional<int> number = NodeNumber(word);
    if (!number.has_value() || cluster_->Has(*number)) {
      return Problem("'" + word + "' cannot be the name of a new node");
    }
    cluster_->Join(*number);
  }
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Elect(const Words& words) {
  if (words.size() != 1) return Expect(false, "elect NODE");
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  // Far enough for every voter to have forgotten the last leader.
  cluster_->Skip(cluster_->raft(*node).options().election_timeout_max);
  cluster_->Step(*node, DeadlineReached{});
  cluster_->DeliverAll();
  if (cluster_->raft(*node).role() != Role::kLeader) return Problem(words[0] + " is not elected");
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Propose(const Words& words) {
  if (words.size() < 2) return Expect(false, "propose NODE COMMAND ...");
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  Submit submit;
  for (std::size_t i = 1; i < words.size(); ++i) submit.commands.emplace_back(words[i]);
  cluster_->Step(*node, std::move(submit));
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Read(const Words& words) {
  if (words.size() != 1) return Expect(false, "read NODE");
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  Submit submit;
  submit.reads.emplace_back(++reads_);
  cluster_->Step(*node, std::move(submit));
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Deliver(const Words& words) {
  if (words == Words{"all"}) {
    cluster_->DeliverAll();
    return absl::OkStatus();
  }
  if (words.empty() || words.size() > 2) return Expect(false, "deliver all | LINK [COUNT]");
  std::vector<Message> taken;
  if (absl::Status status = TakeFromLink(words, taken); !status.ok()) return status;
  for (Message& message : taken) cluster_->Deliver(std::move(message));
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Repeat(const Words& words) {
  if (words.size() != 1) return Expect(false, "repeat LINK");
  const absl::StatusOr<Link> link = LinkOf(words[0]);
  if (!link.ok()) return link.status();
  const auto last = last_message_.find({IdOfNode(link->from), IdOfNode(link->to)});
  if (last == last_message_.end()) return Problem("nothing has come over " + words[0] + " yet");
  cluster_->Deliver(last->second);
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Delay(const Words& words) {
  if (words.empty() || words.size() > 2) return Expect(false, "delay LINK [COUNT]");
  std::vector<Message> taken;
  const Words one{words[0], words.size() == 2 ? words[1] : "1"};
  if (absl::Status status = TakeFromLink(one, taken); !status.ok()) return status;
  std::ranges::move(taken, std::back_inserter(cluster_->network()));
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Drop(const Words& words) {
  if (words.empty() || words.size() > 2) return Expect(false, "drop all | LINK [COUNT]");
  std::vector<Message> taken;
  if (words == Words{"all"}) {
    std::ranges::move(cluster_->network(), std::back_inserter(taken));
    cluster_->DropAll();
    if (taken.empty()) return Problem("nothing is under way");
  } else if (absl::Status status = TakeFromLink(words, taken); !status.ok()) {
    return status;
  }
  for (const Message& message : taken) {
    Say("lost " + TextOf(message.from) + "->" + TextOf(message.to) + ": " + TextOf(message));
  }
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Cut(const Words& words) {
  if (words.empty()) return Expect(false, "cut LINK ...");
  for (const std::string& word : words) {
    const absl::StatusOr<Link> link = LinkOf(word);
    if (!link.ok()) return link.status();
    cluster_->Cut(link->from, link->to);
  }
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Isolate(const Words& words) {
  if (words.size() != 1) return Expect(false, "isolate NODE");
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  cluster_->Isolate(*node);
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Heal(const Words& words) {
  cluster_->Heal();
  return Expect(words.empty(), "heal");
}

absl::Status TranscriptRunner::Fire(const Words& words) {
  if (words.size() != 1) return Expect(false, "fire NODE");
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  if (cluster_->raft(*node).NextDeadline() == Instant::max()) {
    return Problem(words[0] + " has no deadline");
  }
  cluster_->FireDeadline(*node);
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Skip(const Words& words) {
  if (words.size() != 1) return Expect(false, "skip TIME");
  const absl::StatusOr<Duration> time = DurationOf(words[0]);
  if (time.ok()) cluster_->Skip(*time);
  return time.status();
}

absl::Status TranscriptRunner::Advance(const Words& words) {
  if (words.size() != 1) return Expect(false, "advance TIME");
  const absl::StatusOr<Duration> time = DurationOf(words[0]);
  if (time.ok()) cluster_->Advance(*time);
  return time.status();
}

absl::Status TranscriptRunner::Disk(const Words& words) {
  if (words.size() < 2) return Expect(false, "disk NODE hold|release|finish one|finish all");
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  const Words rest(words.begin() + 1, words.end());
  if (rest == Words{"hold"}) {
    cluster_->HoldDisk(*node);
  } else if (rest == Words{"release"}) {
    cluster_->ReleaseDisk(*node);
  } else if (rest == Words{"finish", "one"} || rest == Words{"finish", "all"}) {
    if (cluster_->UnfinishedPersists(*node) == 0) return Problem("the disk has nothing to do");
    if (rest[1] == "one") {
      cluster_->FinishOnePersist(*node);
    } else {
      cluster_->FinishDisk(*node);
    }
  } else {
    return Expect(false, "disk NODE hold|release|finish one|finish all");
  }
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Restart(const Words& words) {
  if (words.size() != 1) return Expect(false, "restart NODE");
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  cluster_->Restart(*node);
  apply_through_[*node] = cluster_->raft(*node).commit_index();
  followers_[*node].clear();
  return Show(words);
}

absl::Status TranscriptRunner::Compact(const Words& words) {
  if (words.size() != 1) return Expect(false, "compact NODE");
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  cluster_->Compact(*node);
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Snapshot(const Words& words) {
  if (words.size() != 1) return Expect(false, "snapshot LINK");
  const absl::StatusOr<Link> link = LinkOf(words[0]);
  if (!link.ok()) return link.status();
  if (!cluster_->Has(link->from) || !cluster_->raft(link->from).snapshot().has_value()) {
    return Problem(NameOfNode(link->from) + " has no snapshot");
  }
  cluster_->SendSnapshot(link->from, link->to);
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Change(const Words& words) {
  const std::string usage =
      "change NODE add|learner|remove|promote|demote NODE | replace NODE by NODE, ...";
  if (words.size() < 3) return Expect(false, usage);
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  using Kind = MemberChange::Kind;
  const std::map<std::string, Kind> kinds = {
      {"add", Kind::kAdd},         {"learner", Kind::kAddLearner}, {"remove", Kind::kRemove},
      {"promote", Kind::kPromote}, {"demote", Kind::kDemote},      {"replace", Kind::kReplace}};
  ChangeMembership change;
  for (std::size_t at = 1; at < words.size();) {
    const auto kind = kinds.find(words[at]);
    const bool replace = kind != kinds.end() && kind->second == Kind::kReplace;
    const std::size_t end = at + (replace ? 4 : 2);
    if (kind == kinds.end() || end > words.size() || (replace && words[at + 2] != "by")) {
      return Expect(false, usage);
    }
    std::string name = words[end - 1];
    const bool more = name.ends_with(',');
    if (more) name.pop_back();
    const std::optional<int> number = NodeNumber(name);
    if (!number.has_value() || more != (end < words.size())) return Expect(false, usage);
    change.changes.push_back(MemberChange{.kind = kind->second,
                                          .name = name,
                                          .address = "127.0.0.1:" + std::to_string(7000 + *number),
                                          .replaced = replace ? words[at + 1] : ""});
    at = end;
  }
  cluster_->Step(*node, std::move(change));
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Transfer(const Words& words) {
  if (words.empty() || words.size() > 2) return Expect(false, "transfer NODE [NODE]");
  const absl::StatusOr<int> node = NodeOf(words[0]);
  if (!node.ok()) return node.status();
  TransferLeadership transfer;
  if (words.size() == 2) {
    const absl::StatusOr<int> target = NodeOf(words[1]);
    if (!target.ok()) return target.status();
    transfer.target = IdOfNode(*target);
  }
  cluster_->Step(*node, transfer);
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Show(const Words& words) {
  std::vector<int> numbers;
  for (const std::string& word : words) {
    const absl::StatusOr<int> node = NodeOf(word);
    if (!node.ok()) return node.status();
    numbers.push_back(*node);
  }
  if (words.empty()) numbers = cluster_->Numbers();
  for (const int number : numbers) {
    const Raft& raft = cluster_->raft(number);
    Say(NameOfNode(number));
    RecordState(number);
    Say("  " + TextOf(raft.configuration()));
    std::string log;
    for (Index index = raft.log().base_index() + 1; index <= raft.log().last_index(); ++index) {
      log += (log.empty() ? "" : ", ") + TextOf(raft.log().At(index));
    }
    Say("  log " + (log.empty() ? "empty" : log));
  }
  return absl::OkStatus();
}

// words: a link, "term=T", "prev=I@T", "commit=I", then entries "I@T:command".
absl::Status TranscriptRunner::Append(const Words& words) {
  const std::string usage =
      "append LINK term=TERM prev=INDEX@TERM commit=INDEX INDEX@TERM:COMMAND ...";
  if (words.size() < 4 || !words[1].starts_with("term=") || !words[2].starts_with("prev=") ||
      !words[3].starts_with("commit=")) {
    return Expect(false, usage);
  }
  const absl::StatusOr<Link> link = LinkOf(words[0]);
  if (!link.ok()) return link.status();
  const auto term = NumberOf(std::string_view(words[1]).substr(5));
  const auto prev = PositionOf(std::string_view(words[2]).substr(5));
  const auto commit = NumberOf(std::string_view(words[3]).substr(7));
  if (!term.has_value() || !prev.has_value() || !commit.has_value()) return Expect(false, usage);
  AppendEntriesRequest request;
  std::tie(request.prev_log_index, request.prev_log_term) = *prev;
  request.leader_commit = Index(*commit);
  request.sent_at = cluster_->now();
  for (std::size_t i = 4; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const std::size_t colon = std::min(word.find(':'), word.size());
    const auto position = PositionOf(word.substr(0, colon));
    if (!position.has_value() || colon == word.size()) return Expect(false, usage);
    request.entries.push_back(Entry{.index = position->first,
                                    .term = position->second,
                                    .type = EntryType::kCommand,
                                    .payload = Bytes(word.substr(colon + 1))});
  }
  cluster_->network().push_back(Message{.from = IdOfNode(link->from),
                                        .to = IdOfNode(link->to),
                                        .term = Term(*term),
                                        .body = std::move(request)});
  return absl::OkStatus();
}

absl::Status TranscriptRunner::Quietly(const Words& words) {
  Words command;
  for (std::size_t i = 0; i < words.size(); ++i) {
    command.push_back(words[i]);
    const bool ends = command.back().ends_with(';');
    if (ends) command.back().pop_back();
    if (!ends && i + 1 < words.size()) continue;
    if (absl::Status status = RunCommand(command); !status.ok()) return status;
    command.clear();
  }
  lines_.clear();
  for (const int number : cluster_->Numbers()) {
    Say(NameOfNode(number) + " " + TextOf(cluster_->raft(number), apply_through_[number]));
  }
  return Expect(!words.empty(), "quietly COMMAND; ...");
}

}  // namespace grassdb
