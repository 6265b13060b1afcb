#include "bin/config_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

namespace grassdb {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

Values Parsed(std::string_view text) {
  const auto lines = ParseConfig(text);
  if (!lines.ok()) {
    ADD_FAILURE() << lines.status().message();
    return {};
  }
  Values values;
  for (const ConfigLine& line : *lines) values.emplace_back(line.name, line.value);
  return values;
}

std::string ErrorOf(std::string_view text) {
  const auto lines = ParseConfig(text);
  return lines.ok() ? "was taken" : std::string(lines.status().message());
}

TEST(ConfigFile, HasOneOptionALine) {
  EXPECT_EQ(Parsed(""), Values());
  EXPECT_EQ(Parsed("# nothing\n\n  \t\r\n"), Values());
  EXPECT_EQ(Parsed("a=1\r\n  b-c = 2  \nd=3"), (Values{{"a", "1"}, {"b-c", "2"}, {"d", "3"}}));
  EXPECT_EQ(ParseConfig("\n# x\n\na = 1\n")->front().number, 4u);
}

TEST(ConfigFile, TakesValuesQuotedAndBare) {
  EXPECT_EQ(Parsed(R"(a = "x # \"y\" \\")"), (Values{{"a", R"(x # "y" \)"}}));
  EXPECT_EQ(Parsed(R"(a = 'x # "y" \')"), (Values{{"a", R"(x # "y" \)"}}));
  EXPECT_EQ(Parsed("a = \"\" # empty"), (Values{{"a", ""}}));
  EXPECT_EQ(Parsed("a = n1=h:1,n2=h:2  # all"), (Values{{"a", "n1=h:1,n2=h:2"}}));
  EXPECT_EQ(Parsed("a = x#y"), (Values{{"a", "x#y"}}));
}

TEST(ConfigFile, NamesTheLineThatIsWrong) {
  for (const char* line : {"[[[x", "[section]", "word", "= 3", "a b = 3", "\x01\x02", "a.b = 3"}) {
    EXPECT_EQ(ErrorOf(std::string("ok = 1\n") + line).find("line 2: expected name = value"), 0u)
        << line;
  }
  for (const char* line : {"a =", "a = # x", "a = \"x", "a = 'x", "a = \"x\" y", "a = x\"y\"",
                           "a = \"\\n\"", "a = \"x\\"}) {
    EXPECT_EQ(ErrorOf(std::string("ok = 1\n\n") + line).find("line 3: a"), 0u) << line;
  }
  EXPECT_EQ(ErrorOf("a = 1\nb = 2\na = 3\n"), "line 3: a stands already in line 1");
}

TEST(ConfigFile, NamesTheFileThatCannotBeRead) {
  const std::string directory = std::filesystem::temp_directory_path();
  EXPECT_EQ(ReadConfigFile(directory).status().message(), directory + " is a directory");
  const std::string missing = directory + "/no/such/file";
  EXPECT_EQ(ReadConfigFile(missing).status().message(), missing + " cannot be read");
}

}  // namespace
}  // namespace grassdb
