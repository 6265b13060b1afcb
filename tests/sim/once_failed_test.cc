// Seeds that have failed once, each for a cause of its own that was mended then.
#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>

#include "sim/report/failure_file.h"
#include "sim/run.h"
#include "sim/schedule.h"

namespace grassdb::sim {
namespace {

struct OnceFailed {
  const char* profile;  // of sim/profiles/; "": none
  std::uint64_t seed;
  const char* why;
  Together together = Together::kNothing;  // what it failed with, if it was one of the later ones

  friend std::ostream& operator<<(std::ostream& out, const OnceFailed& it) {
    return out << (*it.profile == '\0' ? "no profile" : it.profile) << ", seed " << it.seed << ": "
               << it.why;
  }
};

constexpr OnceFailed kOnceFailed[] = {
    {"", 310, "a leader of the core made a voter of a member that had just been cut off"},
    {"", 321, "a follower that counted again had answered a round of reads before"},
    {"", 674, "a leader outside the core made a voter, by an entry that the core got"},
    {"", 722, "a rolled back disk went by another name after it had been brought up to date"},
    {"", 1544, "a live log without its header, and nothing beside it that told its number"},
    {"", 1925, "a session did not live as long as a piece of a snapshot took at a disk"},
    {"", 2014, "a snapshot took away the entries that two members were just getting"},
    {"", 2680, "who had been removed kept what was never committed"},
    {"", 2915, "a batch stood where the header of the live log belongs"},
    {"", 4143, "a leader whose clock stood told a client for ever that it was overloaded"},
    {"", 6784, "a slow disk was still at what it had begun before the faults ended"},
    {"", 7912, "a node that had lost its snapshot knew nobody whom it could ask for it"},
    {"", 9160, "a disk that had been full said so when there was room again"},
    {"", 9758, "as 674, with each node outside cut off from the core in other directions"},
    {"disk", 4365, "a snapshot that was received whole was installed when its sender led again"},
    {"disk", 1315, "nodes that a change was to add, and that came to nothing, kept what they had"},
    {"disk", 4375, "a disk came back as it was while its snapshot, unreadable once, was replaced"},
    {"disk", 5377, "a read had failed in a new directory, for which there was no room then"},
    {"disk", 9957,
     "a released segment's header stood in the live log, whose newest entry was lost"},
    {"disk", 2152, "a record that was once read where the header is was written there for good"},
    {"disk", 9907, "a batch stood where the live log's header was"},
    {"disk", 4658, "all segments before a live log without a header had been released"},
    {"disk", 9637, "the same, and the mark was of an older segment"},
    {"disk", 9328,
     "who was demoted for a disk rolled back was a voter still to those who had not heard"},
    {"disk", 8005, "each vote waited for a piece that was being scrubbed, and no election ended"},
    {"disk", 1489, "a record that a crash had torn could not be read, and may have been durable"},
    {"disk", 430, "a durable record was taken for torn: all that was left behind it was a header"},
    {"disk", 874,
     "who had lost a snapshot was asked for its vote by the only one with what it needs",
     Together::kMembersAndNewDisks},
    {"disk", 898, "old requests, each of one entry, reached who was rolled back, and nothing else",
     Together::kLeasesAndLateMail},
    {"disk", 2645,
     "a round was answered, and in the same step who had answered turned out rolled back"},
    {"disk", 3297, "a new leader had a backlog to send, an entry at a time, to slow disks"},
    {"repair", 48, "what a node wrote next stood in a sector that could not be read"},
    {"repair", 121, "who lacked an entry said so, and a snapshot that stood for it had just come"},
    {"repair", 237, "a node that was starting removed what would have told its vote"},
    {"repair", 272, "its own header in another place was all that was left of a live log"},
    {"repair", 411, "a crash left a snapshot in force, and what was lost behind it was kept"},
    {"repair", 461, "a log that had to be sealed for want of room for another record in its file"},
    {"repair", 1258,
     "a repair began anew in the term of a leader, and had none to go to for a proof"},
    {"repair", 791,
     "an entry of the term that an answer was given in came when that was on its way",
     Together::kLostDisksAndOldMail},
    {"repair", 829,
     "a repair had gone to a later term than that of a leader which nobody elected against"},
    {"repair", 1691, "older segments went while nothing of the live log was whole"},
    {"repair", 488, "behind damage to a log of format 1 nothing told what had become of it"},
};

class SeedThatOnceFailed : public ::testing::TestWithParam<OnceFailed> {};

TEST_P(SeedThatOnceFailed, Passes) {
  RunOptions options;
  options.seed = GetParam().seed;
  const std::string profile = GetParam().profile;
  if (!profile.empty()) {
    const std::string file = GRASSDB_PROFILES "/" + profile + ".json";
    const auto text = ReadFile(file);
    ASSERT_TRUE(text.ok()) << text.status();
    ASSERT_EQ(AddProfile(*text, file, &options.edits), std::nullopt);
  }
  // Most failed before the later ones were there, and none by damage that is aimed, or by a leader
  // that hangs in the end.
  const auto together = static_cast<std::uint64_t>(GetParam().together);
  if (together > 0 || ValueOf(PlanOf(options), "together") >
                          static_cast<std::uint64_t>(Together::kSyncsFailThenPower)) {
    options.edits["together"] = together;
  }
  options.edits.try_emplace("telling_ppm", 0);
  options.edits.try_emplace("leader_hangs", 0);
  const RunResult result = RunSeed(options);
  EXPECT_TRUE(result.ok()) << result.report;
}

INSTANTIATE_TEST_SUITE_P(Sim, SeedThatOnceFailed, ::testing::ValuesIn(kOnceFailed),
                         [](const auto& it) {
                           return (*it.param.profile == '\0' ? "default" : it.param.profile) +
                                  std::to_string(it.param.seed);
                         });

}  // namespace
}  // namespace grassdb::sim
