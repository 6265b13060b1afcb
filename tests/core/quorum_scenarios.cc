// Runs directive files of quorum arithmetic, the format of etcd-io/raft's quorum/testdata, against
// Configuration.
//
//     quorum_scenarios FILE...
//
// A scenario is a directive line, a line "----", and the expected block, which ends with a blank
// line (or is put between two pairs of "----"):
//
//     committed cfg=(1,2,3) idx=(12,5,_)             the index that the voters have committed
//     vote cfg=(1,2) cfgj=(2,3) votes=(y,n,_)        what the vote has come to
//
// idx and votes follow the ids of cfg and then those of cfgj that are not in cfg; "_" is a voter of
// whom nothing is known. cfgj makes the configuration a joint one, "zero" being an empty half. Only
// the last line of the expected block is compared: a number, or the infinity sign where there are
// no voters; VoteWon, VoteLost or VotePending. What comes before is a picture for people.
//
// Exit code: 0 all match; 1 some do not, each printed with its file and line; 2 usage, or a file
// that cannot be read or breaks the format.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/configuration.h"

namespace grassdb {
namespace {

constexpr std::string_view kSeparator = "----";

struct Scenario {
  std::size_t line = 0;  // of the directive, from 1
  std::string directive;
  std::string expected;  // the last line of the block
};

struct Directive {
  std::string command;
  std::vector<std::pair<std::string, std::vector<std::string>>> arguments;
};

// What is wrong with a file or a directive, in words; thrown nowhere.
struct Malformed {
  std::size_t line = 0;
  std::string text;
};

// What a voter has acknowledged. No voters bound nothing, so the default is "everything".
struct Acknowledged {
  std::uint64_t index = std::numeric_limits<std::uint64_t>::max();
  friend auto operator<=>(const Acknowledged&, const Acknowledged&) = default;
};

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// --- The file ---

class Reader {
 public:
  explicit Reader(std::istream& in) : in_(in) {}

  bool Next() {
    if (!std::getline(in_, raw_)) return false;
    ++line_;
    return true;
  }
  std::string_view text() const { return Trim(raw_); }
  std::size_t line() const { return line_; }

 private:
  std::istream& in_;
  std::string raw_;
  std::size_t line_ = 0;
};

// The reader stands on the "----" that begins the block. Its last line, or "" if it has none.
std::string ReadExpected(Reader& reader) {
  std::string last;
  if (!reader.Next()) return last;
  if (reader.text() != kSeparator) {
    do {
      if (reader.text().empty()) break;
      last = reader.text();
    } while (reader.Next());
    return last;
  }
  // Between two pairs of separators the block may have blank lines.
  bool after_separator = false;
  while (reader.Next()) {
    const bool separator = reader.text() == kSeparator;
    if (separator && after_separator) break;
    if (!separator && !reader.text().empty()) last = reader.text();
    after_separator = separator;
  }
  return last;
}

std::optional<Malformed> ReadScenarios(std::istream& in, std::vector<Scenario>& scenarios) {
  Reader reader(in);
  while (reader.Next()) {
    if (reader.text().empty() || reader.text().front() == '#') continue;
    Scenario scenario{
        .line = reader.line(), .directive = std::string(reader.text()), .expected = {}};
    while (scenario.directive.ends_with('\\') && reader.Next()) {
      scenario.directive.back() = ' ';
      scenario.directive += reader.text();
    }
    bool separated = false;
    while (!separated && reader.Next()) separated = reader.text() == kSeparator;
    if (!separated) {
      return Malformed{.line = scenario.line, .text = "no line ---- follows the directive"};
    }
    scenario.expected = ReadExpected(reader);
    if (scenario.expected.empty()) {
      return Malformed{.line = scenario.line, .text = "no expected result follows ----"};
    }
    scenarios.push_back(std::move(scenario));
  }
  if (in.bad()) return Malformed{.line = reader.line(), .text = "cannot be read further"};
  return std::nullopt;
}

// --- The directive ---

// Everything up to the first of `ends`, which stays.
std::string_view TakeUntil(std::string_view& text, std::string_view ends) {
  const std::string_view head = text.substr(0, text.find_first_of(ends));
  text.remove_prefix(head.size());
  return head;
}

// "name", "name=value" or "name=(value, value)", any number of them.
std::optional<Directive> ParseDirective(std::string_view text) {
  Directive directive;
  directive.command = TakeUntil(text, " \t");
  for (text = Trim(text); !text.empty(); text = Trim(text)) {
    auto& [name, values] = directive.arguments.emplace_back();
    name = TakeUntil(text, " \t=");
    if (name.empty()) return std::nullopt;
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    if (!text.starts_with('(')) {
      values.emplace_back(TakeUntil(text, " \t"));
      continue;
    }
    do {
      text.remove_prefix(1);
      values.emplace_back(Trim(TakeUntil(text, ",()")));
    } while (text.starts_with(','));
    if (!text.starts_with(')')) return std::nullopt;
    text.remove_prefix(1);
    if (values.size() == 1 && values.front().empty()) values.clear();
  }
  return directive;
}

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The two halves as written, and what is said of each voter, in their order.
struct Question {
  std::vector<NodeId> ids;
  std::vector<NodeId> joint_ids;
  bool joint = false;
  std::vector<std::string> inputs;
};

// What is wrong; nullopt if nothing.
std::optional<std::string> ReadIds(const std::vector<std::string>& values,
                                   std::vector<NodeId>& ids) {
  for (const std::string& value : values) {
    const std::optional<std::uint64_t> id = ParseNumber(value);
    if (!id.has_value()) return "'" + value + "' is not the number of a voter";
    if (std::ranges::find(ids, NodeId(*id)) == ids.end()) ids.emplace_back(*id);
  }
  return std::nullopt;
}

std::optional<std::string> ReadInputs(std::string_view command,
                                      const std::vector<std::string>& values,
                                      std::vector<std::string>& inputs) {
  for (const std::string& value : values) {
    const bool known = command == "vote" ? value == "y" || value == "n" || value == "_"
                                         : value == "_" || ParseNumber(value).has_value();
    if (!known) return "'" + value + "' is no input of '" + std::string(command) + "'";
    inputs.push_back(value);
  }
  return std::nullopt;
}

std::optional<std::string> ReadQuestion(const Directive& directive, Question& question) {
  const bool vote = directive.command == "vote";
  if (!vote && directive.command != "committed") {
    return "unknown directive '" + directive.command + "'";
  }
  for (const auto& [name, values] : directive.arguments) {
    std::optional<std::string> problem;
    if (name == "cfg") {
      problem = ReadIds(values, question.ids);
    } else if (name == "cfgj") {
      question.joint = true;
      if (values != std::vector<std::string>{"zero"}) problem = ReadIds(values, question.joint_ids);
    } else if (name == (vote ? "votes" : "idx")) {
      problem = ReadInputs(directive.command, values, question.inputs);
    } else {
      problem = "unknown argument '" + name + "'";
    }
    if (problem.has_value()) return problem;
  }
  return std::nullopt;
}

// --- The arithmetic ---

// `incoming` joint to `outgoing`; one that is not joint if that is empty.
Configuration MakeConfiguration(const std::vector<NodeId>& incoming,
                                const std::vector<NodeId>& outgoing) {
  std::map<NodeId, Member> members;
  for (const NodeId id : incoming) members[id].role = MemberRole::kVoter;
  for (const NodeId id : outgoing) {
    if (!members.contains(id)) members[id].role = MemberRole::kLeaving;
    members[id].outgoing = true;
  }
  std::vector<Member> list;
  for (auto& [id, member] : members) {
    member.id = id;
    list.push_back(member);
  }
  return Configuration(std::move(list));
}

std::string Committed(const Configuration& configuration,
                      const std::map<NodeId, std::string>& inputs) {
  const auto reached = configuration.QuorumValue<Acknowledged>([&](NodeId voter) {
    return Acknowledged{.index = ParseNumber(inputs.at(voter)).value_or(0)};
  });
  return reached == Acknowledged{} ? "∞" : std::to_string(reached.index);
}

std::string VoteResult(const Configuration& configuration,
                       const std::map<NodeId, std::string>& inputs) {
  const Tally tally = configuration.Count([&](NodeId voter) -> std::optional<bool> {
    const std::string& input = inputs.at(voter);
    if (input == "_") return std::nullopt;
    return input == "y";
  });
  if (tally == Tally::kWon) return "VoteWon";
  return tally == Tally::kLost ? "VoteLost" : "VotePending";
}

std::string Answer(const std::string& command, const Question& question) {
  std::vector<NodeId> order = question.ids;
  for (const NodeId id : question.joint_ids) {
    if (std::ranges::find(order, id) == order.end()) order.push_back(id);
  }
  if (order.size() != question.inputs.size()) return "error: mismatched input";
  std::map<NodeId, std::string> inputs;
  for (std::size_t i = 0; i < order.size(); ++i) inputs[order[i]] = question.inputs[i];
  const auto answer = [&](const std::vector<NodeId>& incoming,
                          const std::vector<NodeId>& outgoing) {
    const Configuration configuration = MakeConfiguration(incoming, outgoing);
    return command == "vote" ? VoteResult(configuration, inputs) : Committed(configuration, inputs);
  };
  std::string result = answer(question.ids, question.joint_ids);
  // Neither which half is which nor a half that says the same twice may make a difference.
  const std::string twin = question.joint ? answer(question.joint_ids, question.ids)
                                          : answer(question.ids, question.ids);
  if (twin != result) {
    result +=
        ", but " + twin + (question.joint ? " with its halves exchanged" : " joint to itself");
  }
  return result;
}

bool Matches(std::string_view expected, std::string_view actual) {
  // The picture of a quorum without voters has no line end of its own.
  constexpr std::string_view kEmptyQuorum = "<empty majority quorum>";
  if (expected.starts_with(kEmptyQuorum)) expected = Trim(expected.substr(kEmptyQuorum.size()));
  return expected == actual || (actual.starts_with("error: ") && expected.starts_with(actual));
}

// The exit code that this file makes.
int RunFile(const std::string& path, std::size_t& matched) {
  std::ifstream in(path);
  if (!in.is_open()) {
    std::cerr << path << ": cannot be opened\n";
    return 2;
  }
  std::vector<Scenario> scenarios;
  auto malformed = ReadScenarios(in, scenarios);
  int code = 0;
  for (const Scenario& scenario : scenarios) {
    const std::optional<Directive> directive = ParseDirective(scenario.directive);
    Question question;
    const std::optional<std::string> problem =
        directive.has_value() ? ReadQuestion(*directive, question) : "not a directive";
    if (problem.has_value()) {
      malformed = Malformed{.line = scenario.line, .text = *problem + ": " + scenario.directive};
      break;
    }
    const std::string actual = Answer(directive->command, question);
    if (Matches(scenario.expected, actual)) {
      ++matched;
      continue;
    }
    code = 1;
    std::cerr << path << ':' << scenario.line << ": " << scenario.directive
              << "\n  expected: " << scenario.expected << "\n  actual:   " << actual << '\n';
  }
  if (!malformed.has_value()) return code;
  std::cerr << path << ':' << malformed->line << ": " << malformed->text << '\n';
  return 2;
}

int Main(int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h") {
    std::cerr << "usage: quorum_scenarios FILE...\n"
                 "Compares the quorum arithmetic with directive files; see tests/README.md.\n";
    return 2;
  }
  int code = 0;
  std::size_t matched = 0;
  for (int i = 1; i < argc; ++i) code = std::max(code, RunFile(argv[i], matched));
  std::cout << matched << " scenarios match\n";
  return code;
}

}  // namespace
}  // namespace grassdb

int main(int argc, char** argv) {
  return grassdb::Main(argc, argv);
}
