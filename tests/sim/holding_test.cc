#include "sim/holding.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace grassdb::sim {
namespace {

std::string NameOf(std::size_t number) {
  return "n" + std::to_string(number + 1);
}

Configuration Voters(std::size_t first, std::size_t last) {
  std::vector<Member> members;
  for (std::size_t i = first; i < last; ++i) members.push_back(MakeMember(NameOf(i), NameOf(i)));
  return Configuration(std::move(members));
}

// The disks of a cluster of voters, all with the same log, of term 1 and without a snapshot.
std::vector<Holding> Cluster(std::size_t nodes, std::size_t entries) {
  std::vector<Holding> all(nodes);
  for (std::size_t i = 0; i < nodes; ++i) {
    all[i].node = NodeIdOf(NameOf(i));
    all[i].has_data = true;
    all[i].standing = Standing::kProven;
    all[i].standing_in_repair = Standing::kProven;
    all[i].terms.assign(entries, Term(1));
    all[i].bootstrap = Voters(0, nodes);
    for (std::size_t other = 0; other < nodes; ++other) {
      all[i].knows.push_back(NodeIdOf(NameOf(other)));
    }
  }
  return all;
}

void Lose(Holding* holding, std::uint64_t first, std::uint64_t last) {
  holding->lost.push_back({.first = Index(first), .last = Index(last), .last_term = Term(1)});
}

// The log begins behind a snapshot.
void Compact(Holding* holding, std::uint64_t through) {
  holding->snapshot = SnapshotMeta{.index = Index(through),
                                   .term = Term(1),
                                   .configuration = holding->bootstrap,
                                   .configuration_index = Index(0)};
  holding->terms.erase(holding->terms.begin(),
                       holding->terms.begin() + static_cast<std::ptrdiff_t>(through));
  holding->base = Index(through);
  holding->base_term = Term(1);
  holding->state_whole = Index(through);
  holding->entries_whole_after = Index(through);
}

void LoseState(Holding* holding) {
  holding->state_lost = std::exchange(holding->state_whole, Index());
}

TEST(Holding, AllMendWhoHaveLostNothing) {
  EXPECT_TRUE(CanAllMend(Cluster(3, 5)));
  EXPECT_TRUE(CanAllMend({}));
}

TEST(Holding, EveryNodeMayLoseAnotherPart) {
  std::vector<Holding> all = Cluster(3, 6);
  Lose(&all[0], 1, 2);
  Lose(&all[1], 3, 4);
  Lose(&all[2], 5, 6);
  EXPECT_TRUE(CanAllMend(all));
  Lose(&all[1], 5, 5);
  EXPECT_TRUE(CanAllMend(all)) << "the first node has it";
  all[0].lost.push_back({.first = Index(5), .last = Index(5), .last_term = Term(1)});
  EXPECT_FALSE(CanAllMend(all)) << "nobody has 5";
}

TEST(Holding, ADiskThatDoesNotOpenIsNotMended) {
  std::vector<Holding> all = Cluster(3, 5);
  all[2].opens = false;
  EXPECT_FALSE(CanAllMend(all));
}

TEST(Holding, OnlyWhomTheLoserKnowsIsAsked) {
  std::vector<Holding> all = Cluster(2, 5);
  Lose(&all[0], 2, 2);
  ASSERT_TRUE(CanAllMend(all));
  all[0].knows = {all[0].node};
  EXPECT_FALSE(CanAllMend(all));
}

TEST(Holding, AnEntryOfAnotherTermIsAnotherEntry) {
  std::vector<Holding> all = Cluster(2, 5);
  Lose(&all[0], 5, 5);
  all[1].terms.back() = Term(2);
  EXPECT_TRUE(CanAllMend(all)) << "the other voter lacks it, so it was never committed";
  all[1].standing = Standing::kUnproven;
  all[1].standing_in_repair = Standing::kUnproven;
  EXPECT_FALSE(CanAllMend(all)) << "the other voter may have forgotten that it had it";
}

TEST(Holding, WhoHasLostTheProofOfItsDiskCountsOnceItIsMended) {
  std::vector<Holding> all = Cluster(3, 6);
  Lose(&all[0], 6, 6);
  for (const std::size_t lacks : {1u, 2u}) all[lacks].terms.pop_back();
  Lose(&all[1], 2, 2);
  all[1].standing_in_repair = Standing::kUnproven;
  EXPECT_TRUE(CanAllMend(all)) << "it mends before";
  Lose(&all[2], 2, 2);
  EXPECT_TRUE(CanAllMend(all)) << "from the first, which has 2";
  Lose(&all[1], 5, 5);
  Lose(&all[0], 2, 2);
  EXPECT_FALSE(CanAllMend(all)) << "nobody has 2";
}

TEST(Holding, WhatAMajorityMayHaveHadMustBeHeld) {
  std::vector<Holding> all = Cluster(5, 5);
  Lose(&all[0], 5, 5);
  Lose(&all[1], 5, 5);
  for (const std::size_t lacks : {2u, 3u}) all[lacks].terms.pop_back();
  EXPECT_TRUE(CanAllMend(all)) << "the fifth has it";
  Lose(&all[4], 5, 5);
  EXPECT_FALSE(CanAllMend(all)) << "three had it";
  all[4].lost.clear();
  all[4].terms.pop_back();
  EXPECT_TRUE(CanAllMend(all)) << "two had it";
}

TEST(Holding, BothHalvesOfAJointConfigurationAreCounted) {
  std::vector<Holding> all = Cluster(5, 5);
  const Configuration joint = Voters(0, 3).JointTo(Voters(2, 5));
  for (Holding& each : all) each.configurations[Index(4)] = joint;
  Lose(&all[0], 5, 5);
  for (const std::size_t lacks : {3u, 4u}) all[lacks].terms.pop_back();
  Lose(&all[1], 5, 5);
  Lose(&all[2], 5, 5);
  EXPECT_FALSE(CanAllMend(all)) << "a majority of the old half had it";
  for (const std::size_t lacks : {1u, 2u}) {
    all[lacks].lost.clear();
    all[lacks].terms.pop_back();
  }
  EXPECT_TRUE(CanAllMend(all));
}

TEST(Holding, ASnapshotGivesWhatItStandsFor) {
  std::vector<Holding> all = Cluster(2, 5);
  Lose(&all[0], 2, 2);
  Compact(&all[1], 3);
  EXPECT_TRUE(CanAllMend(all));
  LoseState(&all[1]);
  EXPECT_FALSE(CanAllMend(all));
}

TEST(Holding, AStateIsGivenByASnapshotOrByThoseWhoCanLead) {
  std::vector<Holding> all = Cluster(3, 5);
  for (Holding& each : all) Compact(&each, 3);
  LoseState(&all[0]);
  LoseState(&all[1]);
  EXPECT_TRUE(CanAllMend(all));
  LoseState(&all[2]);
  EXPECT_FALSE(CanAllMend(all));
  all[2] = Cluster(3, 5)[2];
  EXPECT_FALSE(CanAllMend(all)) << "one that has all entries cannot tell which are committed";
  for (Holding* each : {&all[0], &all[1]}) {
    each->told = Index(3);
    each->told_term = Term(2);
  }
  EXPECT_FALSE(CanAllMend(all)) << "what it has there is something else";
  for (Holding* each : {&all[0], &all[1]}) each->told_term = Term(1);
  EXPECT_TRUE(CanAllMend(all)) << "unless it is told";
  for (Holding* each : {&all[0], &all[1]}) each->told = Index();
  all[1] = Cluster(3, 5)[1];
  EXPECT_TRUE(CanAllMend(all)) << "two of three can";
  Lose(&all[1], 2, 2);
  EXPECT_TRUE(CanAllMend(all));
  Lose(&all[2], 2, 2);
  EXPECT_FALSE(CanAllMend(all));
}

// Of a lost range only the last term is known, so whoever has no entry of that cannot tell by
// itself whether it has the others.
TEST(Holding, ARangeIsGivenByWhoHasAnEntryOfItsLastTerm) {
  std::vector<Holding> all = Cluster(3, 5);
  for (Holding& each : all) each.terms.back() = Term(2);
  Lose(&all[0], 4, 5);
  all[0].lost.back().last_term = Term(2);
  EXPECT_TRUE(CanAllMend(all));
  Compact(&all[1], 4);
  LoseState(&all[1]);
  all[2].terms.pop_back();
  EXPECT_TRUE(CanAllMend(all)) << "the second gives 5 and the term of 4, the third then 4";
  Lose(&all[2], 4, 4);
  EXPECT_FALSE(CanAllMend(all)) << "nobody has 4";
  all[2].lost.clear();
  Lose(&all[1], 5, 5);
  EXPECT_FALSE(CanAllMend(all)) << "nobody has 5";
}

}  // namespace
}  // namespace grassdb::sim
