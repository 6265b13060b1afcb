// Reading JSON strictly: a field that is missing, unknown, of another type or out of its range is
// an error with the file and the field, and the first error is the one that is told.
#ifndef GRASSDB_SIM_STRICT_JSON_H_
#define GRASSDB_SIM_STRICT_JSON_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace grassdb::sim {

// One object. After an error every read gives an empty value, so that a reader need look at the
// error once, at the end.
class StrictObject {
 public:
  // `path` is what errors call the object: the file, then the fields that lead to it. `value` and
  // `error` outlive the reader; `error` is empty as long as there is none.
  StrictObject(const nlohmann::json& value, std::string path, std::string* error);

  bool Has(const std::string& name) const;
  std::uint64_t Number(const std::string& name, std::uint64_t min, std::uint64_t max);
  std::optional<std::uint64_t> OptionalNumber(const std::string& name, std::uint64_t min,
                                              std::uint64_t max);
  std::string Text(const std::string& name);
  std::vector<std::string> Texts(const std::string& name);  // an array of them
  StrictObject Object(const std::string& name);
  // The array of that name; empty after an error.
  const nlohmann::json& Array(const std::string& name);
  std::vector<std::string> Names() const;
  // Call last: a field that nobody has read is an error.
  void End();

  void Fail(const std::string& field, const std::string& problem);
  bool ok() const { return error_->empty(); }

 private:
  const nlohmann::json& Find(const std::string& name);

  const nlohmann::json* value_;
  std::string path_;
  std::string* error_;
  std::set<std::string> read_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_STRICT_JSON_H_
