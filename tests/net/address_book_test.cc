#include "net/address_book.h"

#include <gtest/gtest.h>

namespace grassdb::net {
namespace {

Member MemberAt(const std::string& name, const std::string& address) {
  return MakeMember(name, address);
}

TEST(AddressBook, GivesWhatTheLogSaysWhenNothingMoved) {
  const Configuration cluster({MemberAt("a", "a:1"), MemberAt("b", "b:1")});
  const AddressBook book(cluster, cluster);
  EXPECT_EQ(book.Resolve(NodeIdOf("a"), "a:1"), "a:1");
}

TEST(AddressBook, GivesTheNewAddressOfAMemberThatMoved) {
  const AddressBook book(Configuration({MemberAt("a", "a:1"), MemberAt("b", "b:1")}),
                         Configuration({MemberAt("a", "a:2"), MemberAt("b", "b:1")}));
  EXPECT_EQ(book.Resolve(NodeIdOf("a"), "a:1"), "a:2");
  EXPECT_EQ(book.Resolve(NodeIdOf("b"), "b:1"), "b:1");
}

TEST(AddressBook, GivesWayToAChangeInTheLog) {
  const AddressBook book(Configuration({MemberAt("a", "a:1")}),
                         Configuration({MemberAt("a", "a:2")}));
  EXPECT_EQ(book.Resolve(NodeIdOf("a"), "a:3"), "a:3");
}

TEST(AddressBook, ResolvesWholeConfigurations) {
  const Configuration recorded({MemberAt("a", "a:1"), MemberAt("b", "b:1")});
  const Configuration given({MemberAt("a", "a:2"), MemberAt("b", "b:1")});
  EXPECT_EQ(AddressBook(recorded, given).Resolve(recorded), given);
}

}  // namespace
}  // namespace grassdb::net
