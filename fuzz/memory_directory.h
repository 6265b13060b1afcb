// A directory in memory for targets that decode files: everything written is there at once.
#ifndef GRASSDB_FUZZ_MEMORY_DIRECTORY_H_
#define GRASSDB_FUZZ_MEMORY_DIRECTORY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/file.h"

namespace grassdb::store {

class MemoryDirectory final : public Directory {
 public:
  using Content = std::shared_ptr<std::string>;

  absl::StatusOr<std::unique_ptr<File>> Open(std::string_view name, OpenMode mode) override {
    const auto at = files_.find(name);
    if (mode == OpenMode::kExisting && at == files_.end()) return absl::NotFoundError("no file");
    if (mode == OpenMode::kCreate && at != files_.end()) return absl::AlreadyExistsError("a file");
    if (at == files_.end()) {
      files_.emplace(std::string(name), std::make_shared<std::string>());
    } else if (mode == OpenMode::kReplace) {
      at->second->clear();
    }
    return std::unique_ptr<File>(std::make_unique<MemoryFile>(files_.find(name)->second));
  }
  absl::Status Rename(std::string_view from, std::string_view to) override {
    const auto at = files_.find(from);
    if (at == files_.end()) return absl::NotFoundError("no file");
    Content content = at->second;
    files_.erase(at);
    files_.insert_or_assign(std::string(to), std::move(content));
    return absl::OkStatus();
  }
  absl::Status Remove(std::string_view name) override {
    const auto at = files_.find(name);
    if (at == files_.end()) return absl::NotFoundError("no file");
    files_.erase(at);
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<std::string>> List() override {
    std::vector<std::string> names;
    for (const auto& [name, content] : files_) names.push_back(name);
    return names;
  }
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<Lock>> Acquire(std::string_view) override {
    return std::make_unique<Lock>();
  }
  std::string path() const override { return "memory"; }

  // Null if there is none.
  std::string* Find(std::string_view name) {
    const auto at = files_.find(name);
    return at == files_.end() ? nullptr : at->second.get();
  }

 private:
  class MemoryFile final : public File {
   public:
    explicit MemoryFile(Content content) : content_(std::move(content)) {}
    absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<char> out) override {
      if (offset >= content_->size()) return std::size_t{0};
      return content_->copy(out.data(), out.size(), static_cast<std::size_t>(offset));
    }
    absl::Status WriteAt(std::uint64_t offset, std::span<const std::string_view> parts) override {
      auto at = static_cast<std::size_t>(offset);
      for (const std::string_view part : parts) {
        if (content_->size() < at + part.size()) content_->resize(at + part.size());
        std::ranges::copy(part, content_->begin() + static_cast<std::ptrdiff_t>(at));
        at += part.size();
      }
      return absl::OkStatus();
    }
    absl::Status Sync() override { return absl::OkStatus(); }
    absl::StatusOr<std::uint64_t> Size() override { return content_->size(); }
    absl::Status Truncate(std::uint64_t size) override {
      content_->resize(static_cast<std::size_t>(size));
      return absl::OkStatus();
    }

   private:
    Content content_;
  };

  std::map<std::string, Content, std::less<>> files_;
};

}  // namespace grassdb::store

#endif  // GRASSDB_FUZZ_MEMORY_DIRECTORY_H_
