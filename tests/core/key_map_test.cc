#include "core/key_map.h"

#include <algorithm>
#include <map>
#include <string>

#include "tests/property.h"

namespace grassdb {
namespace {

struct Held {
  std::string value;
  KeyRevisions revisions;
};
using Model = std::map<std::string, Held>;

std::string KeyOf(int number) {
  return "a long prefix that all keys share/" + std::to_string(number);
}

KeyRevisions RevisionsOf(int number) {
  const auto n = static_cast<std::uint64_t>(number);
  return {.create_revision = Revision(n), .mod_revision = Revision(n + 1), .version = n + 2};
}

void Put(KeyMap& map, const std::string& key, const std::string& value, int number = 0) {
  map.Put(map.Find(key), key, value, RevisionsOf(number));
}

std::string ValueOf(const KeyMap& map, const std::string& key) {
  const KeyValue* const found = map.Find(key);
  return found == nullptr ? "(nil)" : std::string(found->value());
}

bool IsAs(const KeyValue& held, const Model::value_type& expected) {
  return held.key() == expected.first && held.value() == expected.second.value &&
         static_cast<const KeyRevisions&>(held) == expected.second.revisions;
}

void AssertSame(const KeyMap& map, const Model& model) {
  RC_ASSERT(map.size() == model.size());
  RC_ASSERT(std::ranges::equal(
      map.sorted(), model,
      [](const KeyValuePtr& held, const auto& expected) { return IsAs(*held, expected); }));
  for (int i = 0; i < 60; ++i) {
    const auto expected = model.find(KeyOf(i));
    const KeyValue* const found = map.Find(KeyOf(i));
    RC_ASSERT((found != nullptr) == (expected != model.end()));
    if (found != nullptr) RC_ASSERT(IsAs(*found, *expected));
  }
}

// Few keys and many steps: entries make way for each other, move up again, and the index grows;
// values grow and shrink, within their block and out of it.
RC_GTEST_PROP(KeyMap, HoldsWhatATreeHolds, ()) {
  KeyMap map;
  Model model;
  const auto steps = *rc::gen::inRange(0, 300);
  const int copied_at = *rc::gen::inRange(0, 300);
  KeyMap copy;
  Model model_then;
  for (int step = 0; step < steps; ++step) {
    const std::string key = KeyOf(*rc::gen::inRange(0, 60));
    const KeyValue* const found = map.Find(key);
    if (found != nullptr && *rc::gen::inRange(0, 3) == 0) {
      map.Erase(found->key());
      model.erase(key);
    } else {
      const std::string value(*rc::gen::inRange<std::size_t>(0, 70),
                              static_cast<char>('a' + step % 26));
      const KeyValue& held = map.Put(found, key, value, RevisionsOf(step));
      RC_ASSERT(&held == map.Find(key));
      model[key] = {.value = value, .revisions = RevisionsOf(step)};
    }
    if (step % 16 == 0) AssertSame(map, model);
    if (step == copied_at) {
      copy = map;
      model_then = model;
    }
  }
  AssertSame(map, model);
  AssertSame(copy, model_then);
}

TEST(KeyMap, ACopyIsItsOwn) {
  KeyMap map;
  for (int i = 0; i < 100; ++i) Put(map, KeyOf(i), std::to_string(i));
  KeyMap copy = map;
  Put(map, KeyOf(1), "x");
  map.Erase(KeyOf(2));
  EXPECT_EQ(ValueOf(copy, KeyOf(1)), "1");
  EXPECT_EQ(ValueOf(copy, KeyOf(2)), "2");
  Put(copy, "another", "5");
  EXPECT_EQ(ValueOf(map, "another"), "(nil)");
  map = copy;
  EXPECT_EQ(ValueOf(map, "another"), "5");
  EXPECT_EQ(map.size(), 101u);
  const KeyMap moved = std::move(copy);
  EXPECT_EQ(ValueOf(moved, "another"), "5");
  const KeyMap empty;
  EXPECT_EQ(empty.Find("k"), nullptr);
}

TEST(KeyMap, EntriesStayWhereTheyAreWhileItGrows) {
  KeyMap map;
  const KeyValue* const first = &map.Append(KeyOf(0), "7", {});
  for (int i = 1; i < 10000; ++i) Put(map, KeyOf(i), std::to_string(i));
  EXPECT_EQ(map.Find(KeyOf(0)), first);
  for (int i = 1; i < 10000; ++i) ASSERT_EQ(ValueOf(map, KeyOf(i)), std::to_string(i));
}

// However many keys there are, a change takes a few slots of the old table along, and never all.
TEST(KeyMap, TakesAFewSlotsAlongWithEachChangeWhileItGrows) {
  KeyMap map;
  int grown = 0;
  for (int i = 0; i < 200000; ++i) {
    const std::size_t slots = map.index().slots();
    const std::size_t left = map.index().slots_to_move();
    Put(map, KeyOf(i), "v", i);
    const auto keys = static_cast<std::size_t>(i) + 1;
    ASSERT_LE(map.index().slots(), std::max<std::size_t>(16, 2 * keys + 2)) << "half of it is full";
    const std::size_t left_now = map.index().slots_to_move();
    if (map.index().slots() == slots) {
      ASSERT_LE(left - left_now, KeyIndex::kMovesMax) << i;
    } else {
      ASSERT_LE(left, KeyIndex::kMovesMax) << i;
      ASSERT_EQ(left_now, slots) << "nothing of the old table has moved yet, with key " << i;
      ++grown;
    }
  }
  EXPECT_EQ(grown, 26);
}

// Also without any new key: two tables take more than one.
TEST(KeyMap, IsDoneWithItsGrowthWhateverChanges) {
  KeyMap map;
  int keys = 0;
  while (map.index().slots() < 4096 || map.index().slots_to_move() == 0) {
    Put(map, KeyOf(keys), "v", keys);
    ++keys;
  }
  KeyMap copy = map;
  EXPECT_EQ(copy.index().slots_to_move(), 0u);
  for (int i = 0; i < 200; ++i) Put(map, KeyOf(i), "w", i);
  for (int i = 0; i < 200; ++i) map.Erase(KeyOf(i));
  EXPECT_EQ(map.index().slots_to_move(), 0u);
  for (int i = 0; i < keys; ++i) {
    ASSERT_EQ(ValueOf(map, KeyOf(i)), i < 200 ? "(nil)" : "v") << i;
    ASSERT_EQ(ValueOf(copy, KeyOf(i)), "v") << i;
  }
}

TEST(KeyMap, AValueThatFitsTakesNoOtherBlock) {
  KeyMap map;
  Put(map, "k", std::string(200, 'a'));
  const KeyValue* const block = map.Find("k");
  for (const std::size_t size : {199u, 100u, 200u, 150u}) {
    Put(map, "k", std::string(size, 'b'));
    EXPECT_EQ(map.Find("k"), block) << size;
    EXPECT_EQ(ValueOf(map, "k"), std::string(size, 'b'));
  }
}

// So that what a state takes is about what it holds, not what it has held.
TEST(KeyMap, AValueThatIsMuchSmallerTakesASmallerBlock) {
  const KeyValuePtr small("k", std::string(200, 'x'), {});
  const KeyValuePtr large("k", std::string(20000, 'x'), {});
  EXPECT_FALSE(small.get()->Overwrite(std::string(60, 'y'), RevisionsOf(1)));
  EXPECT_FALSE(large.get()->Overwrite(std::string(15000, 'y'), RevisionsOf(1)));
  EXPECT_FALSE(large.get()->Overwrite(std::string(21000, 'y'), RevisionsOf(1)));
  EXPECT_EQ(large->value(), std::string(20000, 'x'));
  EXPECT_EQ(large->version, 0u);
  EXPECT_TRUE(large.get()->Overwrite(std::string(16000, 'y'), RevisionsOf(1)));
  EXPECT_EQ(large->value(), std::string(16000, 'y'));
}

TEST(KeyMap, HoldsAnyBytesAndNone) {
  KeyMap map;
  const std::string zero(1, '\0');
  Put(map, "", "the empty key");
  Put(map, zero, "");
  Put(map, zero + zero, zero);
  Put(map, "\xff", std::string(std::size_t{1} << 20, '\xff'));
  EXPECT_EQ(ValueOf(map, ""), "the empty key");
  EXPECT_EQ(ValueOf(map, zero), "");
  EXPECT_EQ(ValueOf(map, zero + zero), zero);
  EXPECT_EQ(ValueOf(map, "\xff").size(), std::size_t{1} << 20);
  EXPECT_EQ((*map.sorted().begin())->key(), "");
  EXPECT_EQ((*map.sorted().rbegin())->key(), "\xff");
}

}  // namespace
}  // namespace grassdb
