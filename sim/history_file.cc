#include "sim/history_file.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sim/checkers/linear_search.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

// --- Values ---

// What EDN of these files is made of.
struct Edn {
  enum class Kind : std::uint8_t { kNil, kNumber, kText, kKeyword, kVector };
  Kind kind = Kind::kNil;
  std::string text;           // kNumber: its digits; kText: without quotes; kKeyword: with colon
  std::vector<Edn> elements;  // kVector

  friend bool operator==(const Edn&, const Edn&) = default;
};

class EdnReader {
 public:
  explicit EdnReader(std::string_view text) : left_(text) {}

  bool AtEnd() {
    SkipSpace();
    return left_.empty();
  }
  bool Take(char wanted) {
    SkipSpace();
    if (!left_.starts_with(wanted)) return false;
    left_.remove_prefix(1);
    return true;
  }
  // nullopt: what comes next is no value.
  std::optional<Edn> Value() {
    SkipSpace();
    if (left_.empty()) return std::nullopt;
    if (left_.front() == '"') return Text();
    if (left_.front() == '[') return Vector();
    std::size_t length = 0;
    while (length < left_.size() && !IsDelimiter(left_[length])) ++length;
    Edn value;
    value.text = std::string(left_.substr(0, length));
    if (value.text == "nil") {
      value.text.clear();
    } else if (value.text.size() > 1 && value.text[0] == ':') {
      value.kind = Edn::Kind::kKeyword;
    } else if (IsNumber(value.text)) {
      value.kind = Edn::Kind::kNumber;
    } else {
      return std::nullopt;
    }
    left_.remove_prefix(length);
    return value;
  }

 private:
  // In EDN a comma is white space.
  static bool IsSpace(char c) { return c == ' ' || c == '\t' || c == ',' || c == '\r'; }
  static bool IsDelimiter(char c) {
    return IsSpace(c) || c == '"' || c == '[' || c == ']' || c == '{' || c == '}';
  }
  static bool IsNumber(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  }
  void SkipSpace() {
    while (!left_.empty() && IsSpace(left_.front())) left_.remove_prefix(1);
  }
  std::optional<Edn> Text() {
    Edn value;
    value.kind = Edn::Kind::kText;
    for (std::size_t at = 1; at < left_.size(); ++at) {
      char c = left_[at];
      if (c == '"') {
        left_.remove_prefix(at + 1);
        return value;
      }
      if (c == '\\') {
        if (++at == left_.size()) return std::nullopt;
        c = left_[at];
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
        if (c == 'r') c = '\r';
      }
      value.text += c;
    }
    return std::nullopt;
  }
  std::optional<Edn> Vector() {
    left_.remove_prefix(1);
    Edn value;
    value.kind = Edn::Kind::kVector;
    while (!Take(']')) {
      // One in another has no meaning here, and would let a file decide how deep this goes.
      if (left_.starts_with('[')) return std::nullopt;
      std::optional<Edn> element = Value();
      if (!element.has_value()) return std::nullopt;
      value.elements.push_back(*std::move(element));
    }
    return value;
  }

  std::string_view left_;
};

// --- Lines ---

struct Line {
  std::uint64_t number = 0;  // from 1
  std::string process;
  std::string type;
  std::string f;
  Edn key;
  Edn value;
};

using Problem = std::optional<std::string>;

Problem ReadMapLine(std::string_view text, Line* line) {
  EdnReader reader(text);
  std::map<std::string, Edn> entries;
  bool closed = false;
  if (!reader.Take('{')) return "does not begin with {";
  while (!(closed = reader.Take('}')) && !reader.AtEnd()) {
    const std::optional<Edn> name = reader.Value();
    if (!name.has_value() || name->kind != Edn::Kind::kKeyword)
      return "has an entry without a name";
    std::optional<Edn> value = reader.Value();
    if (!value.has_value()) return "has no value that can be read for " + name->text;
    if (!entries.emplace(name->text, *std::move(value)).second) return "has two " + name->text;
  }
  if (!closed) return "does not end with }";
  if (!reader.AtEnd()) return "goes on after its }";
  for (const char* name : {":process", ":type", ":f", ":key", ":value"}) {
    if (!entries.contains(name)) return "has no " + std::string(name);
  }
  line->process = entries[":process"].text;
  line->type = entries[":type"].text;
  line->f = entries[":f"].text;
  line->key = std::move(entries[":key"]);
  line->value = std::move(entries[":value"]);
  if (line->key.kind == Edn::Kind::kVector) return "has a vector for a :key";
  return std::nullopt;
}

constexpr std::string_view kLogBegin = "INFO  jepsen.util - ";

Problem ReadLogLine(std::string_view text, Line* line) {
  if (!text.starts_with(kLogBegin)) return "does not begin with '" + std::string(kLogBegin) + "'";
  EdnReader reader(text.substr(kLogBegin.size()));
  std::vector<Edn> values;
  while (!reader.AtEnd()) {
    std::optional<Edn> value = reader.Value();
    if (!value.has_value()) return "has a value that cannot be read";
    values.push_back(*std::move(value));
  }
  if (values.size() != 4) return "has " + Decimal(values.size()) + " values instead of 4";
  line->process = values[0].text;
  line->type = values[1].text;
  line->f = values[2].text;
  line->value = std::move(values[3]);
  return std::nullopt;
}

// --- Operations ---

enum class Function : std::uint8_t { kRead, kWrite, kAppend, kCompareAndSet };

struct Operation {
  Function function = Function::kRead;
  std::uint64_t line = 0;   // of its invocation
  std::uint64_t ended = 0;  // the line of its return; 0: unknown outcome
  std::string process;
  Edn asked;             // the value of the invocation
  Edn read;              // kRead
  bool refused = false;  // kCompareAndSet: the expected value was not there
};

std::optional<Function> FunctionOf(const std::string& f) {
  if (f == ":read" || f == ":get") return Function::kRead;
  if (f == ":write" || f == ":put") return Function::kWrite;
  if (f == ":append") return Function::kAppend;
  if (f == ":cas") return Function::kCompareAndSet;
  return std::nullopt;
}

class HistoryBuilder {
 public:
  Problem Add(const Line& line) {
    if (line.type == ":invoke") return Invoke(line);
    if (line.type != ":ok" && line.type != ":fail" && line.type != ":info") {
      return "has the type '" + line.type + "'; known are :invoke, :ok, :fail and :info";
    }
    const auto open = open_.find(line.process);
    if (open == open_.end())
      return "ends an operation of process " + line.process + ", which has none";
    const auto [key, number] = open->second;
    open_.erase(open);
    return End(line, key, &keys_[key][number]);
  }
  // By key, in the order of the file; without what has not happened and reads that saw nothing.
  std::map<std::string, std::vector<Operation>> Take() {
    for (auto& [key, operations] : keys_) {
      std::erase_if(operations, [](const Operation& operation) {
        return operation.line == kDropped ||
               (operation.function == Function::kRead && operation.ended == 0);
      });
    }
    return std::move(keys_);
  }

 private:
  static constexpr std::uint64_t kDropped = UINT64_MAX;

  Problem Invoke(const Line& line) {
    const std::optional<Function> function = FunctionOf(line.f);
    if (!function.has_value()) {
      return "has the function '" + line.f + "'; known are read, get, write, put, append and cas";
    }
    if (*function == Function::kCompareAndSet && line.value.elements.size() != 2) {
      return "is a cas without [expected new]";
    }
    if (*function == Function::kAppend && line.value.kind != Edn::Kind::kText) {
      return "is an append of what is no text";
    }
    const bool scalar = line.value.kind != Edn::Kind::kVector;
    if (*function == Function::kWrite && (!scalar || line.value.kind == Edn::Kind::kNil)) {
      return "is a write of what is no value";
    }
    std::vector<Operation>& operations = keys_[line.key.text];
    if (!open_.try_emplace(line.process, line.key.text, operations.size()).second) {
      return "begins an operation of process " + line.process + ", which has one under way";
    }
    Operation operation;
    operation.function = *function;
    operation.line = line.number;
    operation.process = line.process;
    operation.asked = line.value;
    operations.push_back(std::move(operation));
    return std::nullopt;
  }

  static Problem End(const Line& line, const std::string& key, Operation* operation) {
    const std::string began = " of the operation that began in line " + Decimal(operation->line);
    if (FunctionOf(line.f) != operation->function) return "has not the function" + began;
    if (line.key.text != key) return "has not the key" + began;
    if (line.type == ":info") return std::nullopt;
    if (line.type == ":fail" && operation->function != Function::kCompareAndSet) {
      operation->line = kDropped;
      return std::nullopt;
    }
    if (operation->function == Function::kRead) {
      if (line.value.kind == Edn::Kind::kVector) return "is a read of what is no value";
      operation->read = line.value;
    } else if (line.value != operation->asked) {
      return "has not the value" + began;
    }
    operation->refused = line.type == ":fail";
    operation->ended = line.number;
    return std::nullopt;
  }

  std::map<std::string, std::vector<Operation>> keys_;
  std::map<std::string, std::pair<std::string, std::size_t>> open_;  // by process
};

// --- What the operations mean ---

// One key. Each text that it can hold has a number; 0 is what it holds at first.
class TextModel {
 public:
  explicit TextModel(std::vector<Operation> operations) : operations_(std::move(operations)) {
    for (const Operation& operation : operations_) {
      const bool cas = operation.function == Function::kCompareAndSet;
      steps_.push_back({NumberOf(operation.read),
                        NumberOf(cas ? operation.asked.elements[0] : Edn()),
                        NumberOf(cas ? operation.asked.elements[1] : operation.asked)});
    }
  }
  std::optional<std::uint64_t> Effect(std::uint32_t number, std::uint64_t state) {
    const Operation& operation = operations_[number];
    const Step& step = steps_[number];
    switch (operation.function) {
      case Function::kRead:
        if (step.read != state) return std::nullopt;
        return state;
      case Function::kWrite:
        return step.written;
      case Function::kAppend:
        return Appended(state, step.written);
      case Function::kCompareAndSet:
        if (operation.ended != 0 && operation.refused != (state != step.expected)) {
          return std::nullopt;
        }
        return state == step.expected ? step.written : state;
    }
    return std::nullopt;
  }
  bool Observes(std::uint32_t number) const {
    return operations_[number].function == Function::kRead || operations_[number].refused;
  }
  const std::vector<Operation>& operations() const { return operations_; }
  std::string TextOf(std::uint64_t state) const {
    return texts_[state].empty() ? "nothing" : "'" + texts_[state] + "'";
  }

 private:
  struct Step {
    std::uint64_t read = 0;
    std::uint64_t expected = 0;
    std::uint64_t written = 0;
  };

  std::uint64_t NumberOf(const Edn& value) { return NumberOf(value.text); }
  std::uint64_t NumberOf(const std::string& text) {
    const auto [at, added] = numbers_.try_emplace(text, texts_.size());
    if (added) texts_.push_back(text);
    return at->second;
  }
  std::uint64_t Appended(std::uint64_t state, std::uint64_t tail) {
    const auto at = appended_.find({state, tail});
    if (at != appended_.end()) return at->second;
    const std::uint64_t number = NumberOf(texts_[state] + texts_[tail]);
    appended_.emplace(std::pair(state, tail), number);
    return number;
  }

  std::vector<Operation> operations_;
  std::vector<Step> steps_;
  std::vector<std::string> texts_ = {""};
  std::map<std::string, std::uint64_t> numbers_ = {{"", 0}};
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> appended_;
};

std::string Describe(const Operation& operation) {
  std::string text = "line " + Decimal(operation.line) + ", process " + operation.process + ": ";
  switch (operation.function) {
    case Function::kRead:
      return text + "read, which gave '" + operation.read.text + "' in line " +
             Decimal(operation.ended);
    case Function::kWrite:
      text += "write '" + operation.asked.text + "'";
      break;
    case Function::kAppend:
      text += "append '" + operation.asked.text + "'";
      break;
    case Function::kCompareAndSet:
      text += "cas from '" + operation.asked.elements[0].text + "' to '" +
              operation.asked.elements[1].text + "'" +
              (operation.refused ? ", which found another value" : "");
      break;
  }
  return text + ", ended in line " + Decimal(operation.ended);
}

using TextSearch = LinearSearch<TextModel>;

std::string DescribeStuck(const TextSearch& search, const std::string& key) {
  const Stuck stuck = search.stuck();
  const TextModel& model = search.model();
  return (key.empty() ? "" : "key \"" + key + "\": ") + Decimal(stuck.ordered) + " of " +
         Decimal(model.operations().size()) + " operations can be ordered; then, where there is " +
         model.TextOf(stuck.state) + ", no order explains " +
         Describe(model.operations()[stuck.operation]);
}

// The first line tells the format.
using LineReader = Problem (*)(std::string_view, Line*);
LineReader ReaderOf(std::string_view first_line) {
  if (first_line.starts_with('{')) return ReadMapLine;
  return first_line.starts_with(kLogBegin) ? ReadLogLine : nullptr;
}

constexpr std::string_view kFormats =
    "expected are lines like {:process 0, :type :invoke, :f :get, :key \"k\", :value nil} or "
    "INFO  jepsen.util - 0 :invoke :read nil";

absl::StatusOr<std::map<std::string, std::vector<Operation>>> ReadHistory(std::string_view text,
                                                                          const std::string& name) {
  HistoryBuilder builder;
  LineReader read = nullptr;
  std::uint64_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (read == nullptr) read = ReaderOf(one);
    if (read == nullptr) {
      return absl::InvalidArgumentError(name + ", line " + Decimal(number) +
                                        ": is of no history; " + std::string(kFormats));
    }
    Line line;
    line.number = number;
    Problem problem = read(one, &line);
    if (!problem.has_value()) problem = builder.Add(line);
    if (problem.has_value()) {
      return absl::InvalidArgumentError(name + ", line " + Decimal(number) + ": " + *problem);
    }
  }
  if (read == nullptr) {
    return absl::InvalidArgumentError(name + " holds no history; " + std::string(kFormats));
  }
  return builder.Take();
}

}  // namespace

absl::StatusOr<HistoryVerdict> CheckHistory(std::string_view text, const std::string& name,
                                            std::uint64_t steps_max) {
  auto keys = ReadHistory(text, name);
  if (!keys.ok()) return keys.status();
  HistoryVerdict verdict;
  verdict.keys = keys->size();
  for (auto& [key, operations] : *keys) {
    verdict.operations += operations.size();
    std::vector<Interval> intervals;
    for (const Operation& operation : operations) {
      intervals.push_back({operation.line, operation.ended == 0 ? kNotReturned : operation.ended});
    }
    TextSearch search(std::move(intervals), TextModel(std::move(operations)));
    const SearchResult result = search.Run(steps_max);
    if (result == SearchResult::kSearching) {
      return absl::ResourceExhaustedError(name + ": key \"" + key + "\" is not decided after " +
                                          Decimal(steps_max) +
                                          " steps of the search; check a shorter history");
    }
    if (result == SearchResult::kViolated && verdict.linearizable) {
      verdict.linearizable = false;
      verdict.text = DescribeStuck(search, key);
    }
  }
  return verdict;
}

}  // namespace grassdb::sim
