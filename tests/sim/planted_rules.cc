// Every rule of every checker has a planted violation: runs the checkers' tests in one process, and
// fails for each GRASS_RULE in sim/ that none of them has seen broken. A checker that nobody has
// seen fail is no checker.
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
    const std::filesystem::path sim = GRASSDB_SIM_DIR;
    std::vector<Rule> rules;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(sim)) {
      const std::string name = entry.path().filename().string();
      if (name == "violation.h") continue;  // where the macros are made
      if (!name.ends_with(".h") && !name.ends_with(".cc")) continue;
      const std::string folder =
          "sim/" + std::filesystem::relative(entry.path(), sim).parent_path().string();
      std::ranges::copy(RulesIn(folder.ends_with('/') ? folder : folder + "/", entry.path()),
                        std::back_inserter(rules));
    }
    for (const Rule& rule : rules) {
      if (!WasBroken(rule)) {
        ADD_FAILURE() << rule.file << ":" << rule.first << ": no test shows a violation of this";
      }
    }
    EXPECT_GE(rules.size(), 100u) << "where are the rules? looked in " << sim;
  }
};

const ::testing::Environment* const kEnvironment =
    ::testing::AddGlobalTestEnvironment(new EveryRuleIsBroken);

}  // namespace
}  // namespace grassdb::sim
