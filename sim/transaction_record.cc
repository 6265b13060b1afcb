#include "sim/transaction_record.h"

#include "sim/text.h"

namespace grassdb::sim {
namespace {

using Step = TransactionRecord::Step;

std::string TextOf(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    static constexpr const char* kVerbs[] = {"get", "put", "delete"};
    if (!text.empty()) text += ", ";
    text += std::string(kVerbs[static_cast<std::size_t>(step.kind)]) + " k" + Decimal(step.key);
    if (step.kind == Step::Kind::kPut) text += " v" + Decimal(step.written);
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace

std::vector<std::uint32_t> TransactionRecord::Keys() const {
  std::vector<std::uint32_t> keys;
  for (const Compare& compare : compares) keys.push_back(compare.key);
  for (const Step& step : success) keys.push_back(step.key);
  for (const Step& step : failure) keys.push_back(step.key);
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

bool TransactionRecord::MayWrite(ValueNumber value) const {
  const auto writes = [value](const Step& step) {
    return step.kind == Step::Kind::kPut && step.written == value;
  };
  return std::ranges::any_of(success, writes) || std::ranges::any_of(failure, writes);
}

bool TransactionRecord::Changed() const {
  const std::vector<Step>& steps = branch(succeeded);
  for (std::size_t i = 0; i < steps.size() && i < results.size(); ++i) {
    if (steps[i].kind == Step::Kind::kPut) return true;
    if (steps[i].kind == Step::Kind::kDelete && results[i].found) return true;
  }
  return false;
}

std::string TextOf(const TransactionRecord& transaction) {
  std::string text;
  for (const TransactionRecord::Compare& compare : transaction.compares) {
    text += (text.empty() ? "if k" : " and k") + Decimal(compare.key) +
            (compare.equal ? " = v" : " != v") + Decimal(compare.value);
  }
  if (text.empty()) return TextOf(transaction.success);
  return text + ": " + TextOf(transaction.success) + "; else: " + TextOf(transaction.failure);
}

std::string ResultsOf(const TransactionRecord& transaction) {
  std::string text = transaction.succeeded ? "done" : "refused";
  const std::vector<Step>& steps = transaction.branch(transaction.succeeded);
  for (std::size_t i = 0; i < transaction.results.size(); ++i) {
    const bool reads = i < steps.size() && steps[i].kind == Step::Kind::kGet;
    text += i == 0 ? ", " : " ";
    if (reads) {
      text += "v" + Decimal(transaction.results[i].read);
    } else {
      text += transaction.results[i].found ? "1" : "0";
    }
  }
  return text;
}

}  // namespace grassdb::sim
