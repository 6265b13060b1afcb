#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "bin/data_commands.h"
#include "core/configuration.h"
#include "proto/convert.h"
#include "store/inspect.h"
#include "store/names.h"
#include "store/posix.h"

namespace grassdb {
namespace {

using store::Finding;
using store::Survey;
using store::Weight;

constexpr int kLooksAgain = 3;

const char* NameOf(Weight weight) {
  switch (weight) {
    case Weight::kNote:
      return "note";
    case Weight::kSuperseded:
      return "damaged, superseded";
    case Weight::kDamage:
      return "damaged";
  }
  return "";
}

std::string TextOf(const Finding& finding) {
  std::string text = fmt::format("  {}: {}", NameOf(finding.weight), finding.file);
  if (finding.weight != Weight::kNote || finding.offset > 0) {
    text += fmt::format(" at offset {}", finding.offset);
  }
  if (finding.bytes > 0) text += fmt::format(", {} bytes", finding.bytes);
  text += ": " + finding.problem + "\n";
  if (!finding.consequence.empty()) text += "    " + finding.consequence + "\n";
  return text;
}

std::string TextOfLost(const Survey& survey) {
  if (survey.damage.empty()) return {};
  std::string lost;
  const std::uint64_t state = survey.damage.snapshot_lost.value();
  if (state > 0) lost = fmt::format("the state up to index {}", state);
  for (const LostRange& range : survey.damage.lost) {
    lost += lost.empty() ? "" : ", ";
    lost += range.first == range.last
                ? fmt::format("the entry {}", range.first.value())
                : fmt::format("the entries {} to {}", range.first.value(), range.last.value());
  }
  const std::vector<std::string> others = survey.others();
  const std::string with =
      others.empty() ? "nobody: no other member is known"
                     : fmt::format(
                           "{} (members, by the newest configuration here; nobody has asked "
                           "them)",
                           fmt::join(others, ", "));
  return fmt::format("  lost on this disk: {}\n  may be with: {}\n  way out: {}\n", lost, with,
                     survey.WayOut());
}

nlohmann::ordered_json JsonOfLost(const Survey& survey) {
  nlohmann::ordered_json lost;
  lost["state_up_to"] = survey.damage.snapshot_lost.value();
  lost["entries"] = nlohmann::ordered_json::array();
  for (const LostRange& range : survey.damage.lost) {
    lost["entries"].push_back({{"first", range.first.value()}, {"last", range.last.value()}});
  }
  lost["may_be_with"] = survey.others();
  lost["way_out"] = survey.WayOut();
  return lost;
}

std::string TextOf(const Survey& survey, const std::string& path,
                   std::optional<std::int64_t> holder) {
  std::string text = survey.node;
  if (survey.identity.has_value()) {
    text += fmt::format(" of cluster '{}' ({}), incarnation {}", survey.identity->cluster_name,
                        HexOf(survey.identity->cluster.value()),
                        HexOf(survey.identity->incarnation.value()));
  }
  text += fmt::format(" in {}\n", path);
  if (holder.has_value()) {
    text += fmt::format(
        "  process {} is running on it: what it writes meanwhile can look unfinished here\n",
        *holder);
  }
  for (const store::FileSummary& file : survey.files) {
    text += fmt::format("  {}: {}, {} bytes, {} {} whole\n", file.name, file.what, file.bytes,
                        file.records, file.unit);
  }
  for (const Finding& finding : survey.findings) text += TextOf(finding);
  if (survey.start.ok() && survey.identity.has_value()) {
    text += fmt::format("  a start finds term {}, the log through {}",
                        survey.hard_state.term.value(), store::ToText(survey.last));
    if (survey.snapshot.index.value() > 0) {
      text += fmt::format(", the snapshot of {}", store::ToText(survey.snapshot));
    }
    if (survey.hard_state.renewed != Incarnation(0)) {
      text += fmt::format("; it goes by incarnation {} since it was found to be rolled back",
                          HexOf(survey.hard_state.renewed.value()));
    }
    text += "\n";
  } else if (!survey.start.ok()) {
    text += fmt::format("  a start refuses: {}\n", std::string(survey.start.message()));
  }
  text += TextOfLost(survey);
  return text + fmt::format("{}: {}\n", survey.node,
                            survey.replaced    ? "NOT READY"
                            : survey.damaged() ? "DAMAGED"
                                               : "whole");
}

nlohmann::ordered_json JsonOf(const Survey& survey, std::optional<std::int64_t> holder) {
  nlohmann::ordered_json node;
  node["node"] = survey.node;
  node["whole"] = !survey.damaged();
  if (survey.identity.has_value()) {
    node["cluster_name"] = survey.identity->cluster_name;
    node["cluster_id"] = HexOf(survey.identity->cluster.value());
    node["incarnation"] = HexOf(survey.identity->incarnation.value());
  }
  if (holder.has_value()) node["running_process"] = *holder;
  node["files"] = nlohmann::ordered_json::array();
  for (const store::FileSummary& file : survey.files) {
    node["files"].push_back(
        {{"file", file.name}, {"what", file.what}, {"bytes", file.bytes}, {"whole", file.records}});
  }
  node["findings"] = nlohmann::ordered_json::array();
  for (const Finding& finding : survey.findings) {
    node["findings"].push_back({{"weight", NameOf(finding.weight)},
                                {"file", finding.file},
                                {"offset", finding.offset},
                                {"bytes", finding.bytes},
                                {"problem", finding.problem},
                                {"consequence", finding.consequence}});
  }
  if (survey.start.ok() && survey.identity.has_value()) {
    node["start"] = {{"term", survey.hard_state.term.value()},
                     {"last_index", survey.last.index.value()},
                     {"snapshot_index", survey.snapshot.index.value()}};
  } else if (!survey.start.ok()) {
    node["refuses"] = std::string(survey.start.message());
  }
  if (!survey.damage.empty()) node["lost"] = JsonOfLost(survey);
  return node;
}

}  // namespace

absl::StatusOr<OpenedData> OpenData(const DataOptions& options) {
  if (!options.id.empty()) {
    if (auto problem = MemberNameProblem(options.id)) {
      return absl::InvalidArgumentError("--id: " + *problem);
    }
  }
  auto directory = store::OpenPosixDirectoryToRead(options.data_dir);
  if (!directory.ok()) {
    return absl::NotFoundError("--data-dir: " + std::string(directory.status().message()));
  }
  const auto files = (*directory)->List();
  if (!files.ok()) return absl::NotFoundError(std::string(files.status().message()));
  OpenedData opened;
  for (const std::string& node : store::NodesIn(*files)) {
    if (options.id.empty() || options.id == node) opened.nodes.push_back(node);
  }
  if (opened.nodes.empty()) {
    const std::vector<std::string> others = store::NodesIn(*files);
    return absl::NotFoundError(
        fmt::format("{} holds no data of {}; {}", options.data_dir,
                    options.id.empty() ? "any node" : options.id,
                    others.empty() ? std::string("is it the right --data-dir?")
                                   : fmt::format("it holds that of {}", fmt::join(others, ", "))));
  }
  opened.directory = *std::move(directory);
  return opened;
}

absl::StatusOr<int> Verify(const DataOptions& options) {
  auto opened = OpenData(options);
  if (!opened.ok()) return opened.status();
  bool damaged = false;
  absl::Status unread;  // of a node of which nothing can be said; the others are reported
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const std::string& node : opened->nodes) {
    const auto holder = store::LockHolder(options.data_dir, store::FileNames(node).Lock());
    auto survey = store::Examine(*opened->directory, node);
    // A running node renames and removes files between two looks at them. Damage stays.
    for (int again = 0; again < kLooksAgain && holder && survey.ok() && survey->damaged();
         ++again) {
      survey = store::Examine(*opened->directory, node);
    }
    if (!survey.ok()) {
      unread.Update(survey.status());
      continue;
    }
    damaged = damaged || survey->damaged();
    if (options.json) {
      nodes.push_back(JsonOf(*survey, holder));
    } else {
      std::fputs(TextOf(*survey, options.data_dir, holder).c_str(), stdout);
    }
  }
  if (options.json) {
    const nlohmann::ordered_json all = {{"directory", options.data_dir},
                                        {"whole", !damaged && unread.ok()},
                                        {"nodes", std::move(nodes)}};
    std::printf("%s\n", all.dump(2).c_str());
  }
  if (!unread.ok()) return unread;
  return damaged ? 1 : 0;
}

}  // namespace grassdb
