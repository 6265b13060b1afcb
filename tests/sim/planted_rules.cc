// Every rule of every checker has a planted violation: runs the checkers' tests in one process, and
// fails for each GRASS_RULE in sim/checkers, and in the copier and the status beside them, that
// none of them has seen broken. A checker that nobody has seen fail is no checker.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

// A GRASS_RULE or GRASS_VIOLATION, and the lines that it takes.
struct Rule {
  std::string file;  // "sim/checkers/promises.cc"
  int first = 0;
  int last = 0;
};

std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// `folder` is as the places of rules name it.
std::vector<Rule> RulesIn(const std::string& folder, const std::filesystem::path& path) {
  const std::string text = ReadFile(path);
  std::vector<Rule> rules;
  for (const std::string macro : {"GRASS_RULE(", "GRASS_VIOLATION("}) {
    for (std::size_t at = text.find(macro); at != std::string::npos;
         at = text.find(macro, at + 1)) {
      const std::size_t end = text.find(");\n", at);
      const auto line = [&text](std::size_t place) {
        return 1 + static_cast<int>(std::count(
                       text.begin(), text.begin() + static_cast<std::ptrdiff_t>(place), '\n'));
      };
      rules.push_back({folder + path.filename().string(), line(at), line(end)});
    }
  }
  return rules;
}

bool WasBroken(const Rule& rule) {
  for (int line = rule.first; line <= rule.last; ++line) {
    if (BrokenAt().contains(rule.file + ":" + std::to_string(line))) return true;
  }
  return false;
}

class EveryRuleIsBroken final : public ::testing::Environment {
 public:
  void TearDown() override {
    const std::filesystem::path checkers = GRASSDB_CHECKERS_DIR;
    std::vector<Rule> rules;
    for (const auto& entry : std::filesystem::directory_iterator(checkers)) {
      std::ranges::copy(RulesIn("sim/checkers/", entry.path()), std::back_inserter(rules));
    }
    for (const char* file : {"copier.cc", "status.cc"}) {
      const std::vector<Rule> found = RulesIn("sim/", checkers.parent_path() / file);
      EXPECT_GE(found.size(), 5u) << "where is " << file << "?";
      rules.insert(rules.end(), found.begin(), found.end());
    }
    for (const Rule& rule : rules) {
      if (!WasBroken(rule)) {
        ADD_FAILURE() << rule.file << ":" << rule.first << ": no test shows a violation of this";
      }
    }
    EXPECT_GE(rules.size(), 40u) << "where are the checkers? looked in " << GRASSDB_CHECKERS_DIR;
  }
};

const ::testing::Environment* const kEnvironment =
    ::testing::AddGlobalTestEnvironment(new EveryRuleIsBroken);

}  // namespace
}  // namespace grassdb::sim
