#include "sim/strict_json.h"

#include <utility>

#include "sim/text.h"

namespace grassdb::sim {
namespace {

const nlohmann::json& Nothing() {
  static const nlohmann::json kNull;
  return kNull;
}

const nlohmann::json& EmptyArray() {
  static const nlohmann::json kArray = nlohmann::json::array();
  return kArray;
}

}  // namespace

StrictObject::StrictObject(const nlohmann::json& value, std::string path, std::string* error)
    : value_(&value), path_(std::move(path)), error_(error) {
  if (value_->is_object()) return;
  if (ok()) *error_ = path_ + ": expected an object";
  value_ = &Nothing();
}

void StrictObject::Fail(const std::string& field, const std::string& problem) {
  if (ok()) *error_ = path_ + ": " + field + ": " + problem;
}

bool StrictObject::Has(const std::string& name) const {
  return value_->contains(name);
}

const nlohmann::json& StrictObject::Find(const std::string& name) {
  read_.insert(name);
  if (!Has(name)) {
    Fail(name, "is missing");
    return Nothing();
  }
  return (*value_)[name];
}

std::uint64_t StrictObject::Number(const std::string& name, std::uint64_t min, std::uint64_t max) {
  const nlohmann::json& found = Find(name);
  if (found.is_number_unsigned()) {
    const auto number = found.get<std::uint64_t>();
    if (number >= min && number <= max) return number;
  }
  Fail(name, "expected a whole number from " + Decimal(min) + " to " + Decimal(max));
  return min;
}

std::optional<std::uint64_t> StrictObject::OptionalNumber(const std::string& name,
                                                          std::uint64_t min, std::uint64_t max) {
  if (!Has(name)) return std::nullopt;
  return Number(name, min, max);
}

std::string StrictObject::Text(const std::string& name) {
  const nlohmann::json& found = Find(name);
  if (found.is_string()) return found.get<std::string>();
  Fail(name, "expected a text");
  return "";
}

std::vector<std::string> StrictObject::Texts(const std::string& name) {
  std::vector<std::string> texts;
  for (const nlohmann::json& one : Array(name)) {
    if (!one.is_string()) {
      Fail(name, "expected texts only");
      return {};
    }
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

StrictObject StrictObject::Object(const std::string& name) {
  return StrictObject(Find(name), path_ + ": " + name, error_);
}

const nlohmann::json& StrictObject::Array(const std::string& name) {
  const nlohmann::json& found = Find(name);
  if (found.is_array()) return found;
  Fail(name, "expected an array");
  return EmptyArray();
}

std::vector<std::string> StrictObject::Names() const {
  std::vector<std::string> names;
  for (auto at = value_->begin(); at != value_->end(); ++at) names.push_back(at.key());
  return names;
}

void StrictObject::End() {
  if (!value_->is_object()) return;
  for (const std::string& name : Names()) {
    if (!read_.contains(name)) Fail(name, "is unknown here");
  }
}

}  // namespace grassdb::sim
