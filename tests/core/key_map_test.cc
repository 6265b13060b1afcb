#include "core/key_map.h"

#include "tests/property.h"

namespace grassdb {
namespace {

std::string KeyOf(int number) {
  return "a long prefix that all keys share/" + std::to_string(number);
}

void AssertSame(const KeyMap<int>& map, const std::map<std::string, int>& model) {
  RC_ASSERT(map.size() == model.size());
  RC_ASSERT(std::ranges::equal(map.sorted(), model));
  for (int i = 0; i < 60; ++i) {
    const auto expected = model.find(KeyOf(i));
    const auto* found = map.Find(KeyOf(i));
    RC_ASSERT((found != nullptr) == (expected != model.end()));
    if (found != nullptr) RC_ASSERT(*found == *expected);
  }
}

// Few keys and many steps: entries make way for each other, move up again, and
// the index grows.
RC_GTEST_PROP(KeyMap, FindsWhatATreeFinds, ()) {
  KeyMap<int> map;
  std::map<std::string, int> model;
  const auto steps = *rc::gen::inRange(0, 300);
  for (int step = 0; step < steps; ++step) {
    const std::string key = KeyOf(*rc::gen::inRange(0, 60));
    if (auto* entry = map.Find(key); entry == nullptr) {
      map.Insert(key).second = step;
      model[key] = step;
    } else if (*rc::gen::arbitrary<bool>()) {
      entry->second = step;
      model[key] = step;
    } else {
      map.Erase(entry->first);
      model.erase(key);
    }
    if (step % 16 == 0) AssertSame(map, model);
  }
  AssertSame(map, model);
}

TEST(KeyMap, ACopyIsItsOwn) {
  KeyMap<int> map;
  for (int i = 0; i < 100; ++i) map.Insert(KeyOf(i)).second = i;
  KeyMap<int> copy = map;
  map.Find(KeyOf(1))->second = -1;
  map.Erase(KeyOf(2));
  EXPECT_EQ(copy.Find(KeyOf(1))->second, 1);
  ASSERT_NE(copy.Find(KeyOf(2)), nullptr);
  copy.Insert("another").second = 5;
  EXPECT_EQ(map.Find("another"), nullptr);
  map = copy;
  EXPECT_EQ(map.Find("another")->second, 5);
  EXPECT_EQ(map.size(), 101u);
  const KeyMap<int> empty;
  EXPECT_EQ(empty.Find("k"), nullptr);
}

TEST(KeyMap, EntriesStayWhereTheyAreWhileItGrows) {
  KeyMap<int> map;
  const auto* first = &map.Append(KeyOf(0), 7);
  for (int i = 1; i < 10000; ++i) map.Insert(KeyOf(i)).second = i;
  EXPECT_EQ(map.Find(KeyOf(0)), first);
  for (int i = 1; i < 10000; ++i) ASSERT_EQ(map.Find(KeyOf(i))->second, i);
}

}  // namespace
}  // namespace grassdb
