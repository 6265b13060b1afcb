#include "sim/report/highlights.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>
#include <type_traits>
#include <variant>

#include "core/event.h"
#include "core/message.h"

namespace grassdb::sim {
namespace {

constexpr std::size_t kChain = 12;
constexpr std::size_t kOfAKind = 5;

// The number that begins at `*at`, which is behind it then.
std::optional<std::uint64_t> NumberAt(const std::string& text, std::size_t* at) {
  std::uint64_t number = 0;
  const char* first = text.data() + *at;
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  *at += static_cast<std::size_t>(end - first);
  return number;
}

// The numbers that follow `word` in `text`, where the word begins one.
std::vector<std::uint64_t> NumbersAfter(const std::string& text, std::string_view word) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || std::isalnum(static_cast<unsigned char>(text[at - 1])) == 0;
    std::size_t end = at + word.size();
    const std::optional<std::uint64_t> number = NumberAt(text, &end);
    if (begins && number) numbers.push_back(*number);
  }
  return numbers;
}

// The pairs in `text` that are written "(12, 3)", as index and term of an entry are.
std::vector<std::pair<std::uint64_t, std::uint64_t>> PairsIn(const std::string& text) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs;
  for (std::size_t at = text.find('('); at != std::string::npos; at = text.find('(', at + 1)) {
    std::size_t end = at + 1;
    const std::optional<std::uint64_t> first = NumberAt(text, &end);
    if (!first || text.compare(end, 2, ", ") != 0) continue;
    end += 2;
    const std::optional<std::uint64_t> second = NumberAt(text, &end);
    if (second && text.compare(end, 1, ")") == 0) pairs.emplace_back(*first, *second);
  }
  return pairs;
}

// What TraceLine::a is of a message.
template <class Body, std::size_t kAt = 0>
constexpr std::uint64_t KindOf() {
  if constexpr (std::is_same_v<std::variant_alternative_t<kAt, MessageBody>, Body>) {
    return kAt;
  } else {
    return KindOf<Body, kAt + 1>();
  }
}

bool Has(const std::vector<std::uint64_t>& numbers, std::uint64_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

class Finder {
 public:
  Finder(const Timeline& timeline, const Named& named, std::uint64_t event)
      : timeline_(timeline), named_(named), event_(event) {}

  void AddMessage(std::size_t row, const std::string& why) {
    Add({true, row, Nanoseconds(timeline_.messages()[row].sent.at), why});
  }
  void AddPoint(std::size_t row, const std::string& why) {
    Add({false, row, Nanoseconds(timeline_.points()[row].at), why});
  }

  void AddEvent() {
    const auto& points = timeline_.points();
    for (std::size_t row = points.size(); row-- > 0 && points[row].event >= event_;) {
      AddPoint(row, "in the event that broke the rule");
    }
    const auto& messages = timeline_.messages();
    for (std::size_t row = messages.size(); row-- > 0;) {
      if (messages[row].arrived && messages[row].came.event == event_) {
        AddMessage(row, "delivered in the event that broke the rule");
      } else if (messages[row].sent.event == event_ && found_.size() < kChain) {
        AddMessage(row, "sent in the event that broke the rule");
      }
    }
  }

  // Back through the messages: what this node had heard last, and its sender before.
  void AddChain(std::uint32_t lane) {
    std::uint64_t before = event_ + 1;
    for (std::size_t hop = 0; hop < kChain && lane < timeline_.nodes(); ++hop) {
      const auto& messages = timeline_.messages();
      std::optional<std::size_t> newest;
      for (std::size_t row = 0; row < messages.size(); ++row) {
        const TimelineMessage& message = messages[row];
        if (message.sent.event >= before) break;
        if (message.fate != MessageFate::kDelivered || message.to != lane) continue;
        if (message.came.event >= before) continue;
        if (!newest || messages[*newest].came.event < message.came.event) newest = row;
      }
      if (!newest) return;
      AddMessage(*newest, hop == 0 ? "what the node had heard last" : "before it, on the way");
      before = messages[*newest].sent.event;
      lane = messages[*newest].sent.node;
    }
  }

  void AddNamed() {
    const auto& points = timeline_.points();
    std::size_t lives = 0;
    std::size_t terms = 0;
    std::size_t cuts = 0;
    for (std::size_t row = points.size(); row-- > 0;) {
      const TraceLine& line = points[row];
      if (IsOfALife(line.kind) && IsNamed(line.node) && lives++ < kOfAKind) {
        AddPoint(row, "a life of a node that the violation names");
      }
      if (line.kind != LineKind::kRaftEvent) continue;
      const auto kind = static_cast<EventKind>(line.a);
      if (IsOfATerm(kind) && Has(named_.terms, line.c) && terms++ < 2 * kOfAKind) {
        AddPoint(row, "in a term that the violation names");
      }
      if (kind == EventKind::kTruncatedLog && CutsNamed(line) && cuts++ < kOfAKind) {
        AddPoint(row, "cuts an index that the violation names");
      }
    }
    AddMessagesOfIndex();
  }

  std::vector<Highlight> Take() {
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Highlight& a, const Highlight& b) { return a.at < b.at; });
    return std::move(found_);
  }

 private:
  static bool IsOfALife(LineKind kind) {
    return kind == LineKind::kCrashed || kind == LineKind::kStarted || kind == LineKind::kWiped ||
           kind == LineKind::kRolledBack || kind == LineKind::kNodeFailed ||
           kind == LineKind::kOpenFailed || kind == LineKind::kDamaged ||
           kind == LineKind::kRefused || kind == LineKind::kGivenUp;
  }
  static bool IsOfATerm(EventKind kind) {
    return kind == EventKind::kStartedElection || kind == EventKind::kWonElection ||
           kind == EventKind::kGrantedVote || kind == EventKind::kSteppedDown;
  }
  bool IsNamed(std::uint32_t node) const {
    return std::find(named_.nodes.begin(), named_.nodes.end(), node) != named_.nodes.end();
  }
  bool CutsNamed(const TraceLine& line) const {
    return std::any_of(named_.indexes.begin(), named_.indexes.end(),
                       [&](std::uint64_t index) { return line.d <= index && index <= line.e; });
  }
  // As in DeliveredText of recorder.cc: what d and e are of each kind.
  bool CarriesNamed(const TraceLine& line) const {
    constexpr std::uint64_t kAppend = KindOf<AppendEntriesRequest>();
    constexpr std::uint64_t kAnswer = KindOf<AppendEntriesResponse>();
    return std::any_of(named_.indexes.begin(), named_.indexes.end(), [&](std::uint64_t index) {
      if (line.a == kAppend) return line.d < index && index <= line.d + line.e;
      return line.a == kAnswer && line.d == static_cast<std::uint64_t>(AppendResult::kMatched) &&
             line.e == index;
    });
  }
  void AddMessagesOfIndex() {
    const auto& messages = timeline_.messages();
    std::size_t found = 0;
    for (std::size_t row = messages.size(); row-- > 0 && found < 2 * kOfAKind;) {
      if (messages[row].fate != MessageFate::kDelivered) continue;
      if (!CarriesNamed(messages[row].came)) continue;
      ++found;
      AddMessage(row, "about an index that the violation names");
    }
  }
  void Add(Highlight highlight) {
    const bool known = std::any_of(found_.begin(), found_.end(), [&](const Highlight& other) {
      return other.message == highlight.message && other.row == highlight.row;
    });
    if (!known) found_.push_back(std::move(highlight));
  }

  const Timeline& timeline_;
  const Named& named_;
  std::uint64_t event_;
  std::vector<Highlight> found_;
};

}  // namespace

Named NamedIn(const std::string& text) {
  Named named;
  for (const std::uint64_t number : NumbersAfter(text, "n")) {
    if (number > 0) named.nodes.push_back(static_cast<std::uint32_t>(number - 1));
  }
  named.terms = NumbersAfter(text, "term ");
  named.indexes = NumbersAfter(text, "index ");
  for (const auto& [index, term] : PairsIn(text)) {
    named.indexes.push_back(index);
    named.terms.push_back(term);
  }
  return named;
}

std::optional<std::uint32_t> LaneOfViolation(const Timeline& timeline, const Violation& violation,
                                             std::uint64_t event) {
  const Named named = NamedIn(violation.text);
  if (!named.nodes.empty() && named.nodes[0] < timeline.nodes()) return named.nodes[0];
  const auto& messages = timeline.messages();
  for (std::size_t row = messages.size(); row-- > 0;) {
    if (messages[row].sent.event == event) return messages[row].sent.node;
    if (messages[row].arrived && messages[row].came.event == event) return messages[row].to;
  }
  if (timeline.points().empty() || timeline.points().back().event != event) return std::nullopt;
  return timeline.LaneOf(timeline.points().back());
}

std::vector<Highlight> HighlightsOf(const Timeline& timeline, const Violation& violation,
                                    std::uint64_t event) {
  Named named = NamedIn(violation.text);
  const std::optional<std::uint32_t> lane = LaneOfViolation(timeline, violation, event);
  if (lane && named.nodes.empty()) named.nodes.push_back(*lane);
  Finder finder(timeline, named, event);
  finder.AddEvent();
  if (lane) finder.AddChain(*lane);
  finder.AddNamed();
  return finder.Take();
}

}  // namespace grassdb::sim
