#include "store/posix.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "core/check.h"

namespace grassdb::store {
namespace {

// Calls again as long as a signal interrupts.
template <class Call>
auto Retry(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

// For the error in errno. absl counts a table of files that is full, and more, as
// ResourceExhausted; here that is a device without room alone (file.h).
absl::Status SystemError(const std::string& operation, const std::string& where) {
  const bool no_room = errno == ENOSPC || errno == EDQUOT;
  const absl::Status status = absl::ErrnoToStatus(errno, operation + " " + where);
  if (no_room) return absl::ResourceExhaustedError(status.message());
  return absl::IsResourceExhausted(status) ? absl::InternalError(status.message()) : status;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    // What must be durable was synced, and a close that was interrupted has closed.
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }
  void Release() { fd_ = -1; }

 private:
  int fd_;
};

// Drops what is written from the front of the parts that are left.
void Advance(std::vector<iovec>& parts, std::size_t& next, std::size_t written) {
  while (written > 0) {
    iovec& part = parts[next];
    const std::size_t share = std::min(written, part.iov_len);
    part.iov_base = static_cast<char*>(part.iov_base) + share;
    part.iov_len -= share;
    written -= share;
    if (part.iov_len == 0) ++next;
  }
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string where) : fd_(std::move(fd)), where_(std::move(where)) {}

  absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<char> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t read = Retry([&] {
        return ::pread(fd_.get(), out.data() + done, out.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (read < 0) return SystemError("reading at " + std::to_string(offset + done), where_);
      if (read == 0) break;
      done += static_cast<std::size_t>(read);
    }
    return done;
  }

  absl::Status WriteAt(std::uint64_t offset, std::span<const std::string_view> parts) override {
    // Reused from call to call: a gathered write allocates nothing.
    pending_.clear();
    for (const std::string_view part : parts) {
      if (part.empty()) continue;
      pending_.push_back({.iov_base = const_cast<char*>(part.data()), .iov_len = part.size()});
    }
    constexpr std::size_t kPartsMax = 1024;  // IOV_MAX of Linux
    std::size_t next = 0;
    while (next < pending_.size()) {
      const auto count = static_cast<int>(std::min(pending_.size() - next, kPartsMax));
      const ssize_t written = Retry([&] {
        return ::pwritev(fd_.get(), pending_.data() + next, count, static_cast<off_t>(offset));
      });
      if (written < 0) return SystemError("writing at " + std::to_string(offset), where_);
      if (written == 0) {
        return absl::DataLossError("writing at " + std::to_string(offset) + " " + where_ +
                                   ": the system wrote nothing and gave no reason");
      }
      offset += static_cast<std::uint64_t>(written);
      Advance(pending_, next, static_cast<std::size_t>(written));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    // Never called again after a failure: what it covered is lost to the page cache by then.
    if (Retry([&] { return ::fdatasync(fd_.get()); }) < 0) return SystemError("syncing", where_);
    return absl::OkStatus();
  }

  absl::StatusOr<std::uint64_t> Size() override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) < 0) return SystemError("asking the size of", where_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  absl::Status Truncate(std::uint64_t size) override {
    if (Retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) < 0) {
      return SystemError("truncating", where_);
    }
    return absl::OkStatus();
  }

  void Evict() override { ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED); }

 private:
  Descriptor fd_;
  std::string where_;
  std::vector<iovec> pending_;
};

class PosixLock final : public Lock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;  // closing it releases the lock
};

int FlagsOf(OpenMode mode) {
  switch (mode) {
    case OpenMode::kExisting:
      return O_RDWR | O_CLOEXEC;
    case OpenMode::kCreate:
      return O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL;
    case OpenMode::kReplace:
      return O_RDWR | O_CLOEXEC | O_CREAT | O_TRUNC;
  }
  GRASS_CHECK_MSG(false, "an open mode that does not exist");
  return 0;
}

enum class Access : std::uint8_t { kRead, kWrite };

constexpr mode_t kFileMode = 0644;
constexpr mode_t kDirectoryMode = 0755;

class PosixDirectory final : public Directory {
 public:
  PosixDirectory(Descriptor fd, std::string path, Access access)
      : fd_(std::move(fd)), path_(std::move(path)), access_(access) {}

  absl::StatusOr<std::unique_ptr<File>> Open(std::string_view name, OpenMode mode) override {
    const std::string text(name);
    int flags = FlagsOf(mode);
    if (access_ == Access::kRead) {
      if (mode != OpenMode::kExisting) return ReadOnly("making", text);
      flags = O_RDONLY | O_CLOEXEC;
    }
    Descriptor fd(Retry([&] { return ::openat(fd_.get(), text.c_str(), flags, kFileMode); }));
    if (fd.get() < 0) return SystemError("opening", Where(text));
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(fd), Where(text)));
  }

  absl::Status Rename(std::string_view from, std::string_view to) override {
    const std::string old_name(from);
    const std::string new_name(to);
    if (access_ == Access::kRead) return ReadOnly("renaming", old_name);
    if (::renameat(fd_.get(), old_name.c_str(), fd_.get(), new_name.c_str()) < 0) {
      return SystemError("renaming to " + new_name, Where(old_name));
    }
    return absl::OkStatus();
  }

  absl::Status Remove(std::string_view name) override {
    const std::string text(name);
    if (access_ == Access::kRead) return ReadOnly("removing", text);
    if (::unlinkat(fd_.get(), text.c_str(), 0) < 0) return SystemError("removing", Where(text));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List() override;

  absl::Status Sync() override {
    if (Retry([&] { return ::fsync(fd_.get()); }) < 0) {
      return SystemError("syncing the directory", path_);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Lock>> Acquire(std::string_view name) override;

  std::string path() const override { return path_; }

 private:
  std::string Where(const std::string& name) const { return path_ + "/" + name; }
  absl::Status ReadOnly(const std::string& operation, const std::string& name) const {
    return absl::FailedPreconditionError(operation + " " + Where(name) +
                                         ": the directory is open for reading only");
  }

  Descriptor fd_;
  std::string path_;
  Access access_;
};

absl::StatusOr<std::vector<std::string>> PosixDirectory::List() {
  // A descriptor of its own: readdir moves the offset that duplicates share.
  Descriptor fd(
      Retry([&] { return ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (fd.get() < 0) return SystemError("opening the directory", path_);
  DIR* const stream = ::fdopendir(fd.get());
  if (stream == nullptr) return SystemError("listing", path_);
  fd.Release();  // the stream closes it
  std::vector<std::string> names;
  int error = 0;
  while (true) {
    errno = 0;
    // Each stream is used by one thread; readdir is safe across streams.
    const dirent* const entry = ::readdir(stream);  // NOLINT(concurrency-mt-unsafe)
    if (entry == nullptr) {
      error = errno;
      break;
    }
    bool regular = entry->d_type == DT_REG;
    if (entry->d_type == DT_UNKNOWN) {
      // A file that is passed over for an error would be missing to whoever asks.
      struct stat status {};
      const int result = ::fstatat(fd_.get(), entry->d_name, &status, AT_SYMLINK_NOFOLLOW);
      error = result < 0 && errno != ENOENT ? errno : 0;
      if (error != 0) break;
      regular = result == 0 && S_ISREG(status.st_mode);
    }
    if (regular) names.emplace_back(entry->d_name);
  }
  ::closedir(stream);
  errno = error;
  if (error != 0) return SystemError("listing", path_);
  std::sort(names.begin(), names.end());
  return names;
}

// The process id that the holder wrote into the lock file; empty if there is none.
std::string HolderOf(int fd) {
  std::array<char, 32> text{};
  const ssize_t read = Retry([&] { return ::pread(fd, text.data(), text.size() - 1, 0); });
  std::string holder;
  for (ssize_t i = 0; i < read; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c < '0' || c > '9') break;
    holder += c;
  }
  return holder;
}

absl::StatusOr<std::unique_ptr<Lock>> PosixDirectory::Acquire(std::string_view name) {
  const std::string text(name);
  Descriptor fd(Retry(
      [&] { return ::openat(fd_.get(), text.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode); }));
  const bool writes = fd.get() >= 0;
  if (!writes && access_ == Access::kRead &&
      (errno == EACCES || errno == EPERM || errno == EROFS)) {
    fd = Descriptor(Retry([&] { return ::openat(fd_.get(), text.c_str(), O_RDONLY | O_CLOEXEC); }));
    if (fd.get() < 0 && errno == ENOENT) {
      return std::unique_ptr<Lock>(std::make_unique<PosixLock>(std::move(fd)));
    }
  }
  if (fd.get() < 0) return SystemError("opening the lock file", Where(text));
  // flock, not a record lock: a record lock would not refuse a second opener in this process, and
  // would be lost with the first close of any descriptor of the file. A shared one keeps a node out
  // as well, and some file systems give no other one to who may only read.
  if (Retry([&] { return ::flock(fd.get(), (writes ? LOCK_EX : LOCK_SH) | LOCK_NB); }) < 0) {
    if (errno != EWOULDBLOCK) return SystemError("locking", Where(text));
    const std::string holder = HolderOf(fd.get());
    return absl::FailedPreconditionError(
        Where(text) + " is locked by another process" +
        (holder.empty() ? "" : " (process id " + holder + ")") +
        ": this node is running already. Stop it, or use another data directory or node name");
  }
  if (!writes) return std::unique_ptr<Lock>(std::make_unique<PosixLock>(std::move(fd)));
  // Over the text of the last holder: on a full disk its block might not be had again. Without
  // one the holder stays unnamed.
  const std::string holder = std::to_string(::getpid()) + "\n";
  const ssize_t written =
      Retry([&] { return ::pwrite(fd.get(), holder.data(), holder.size(), 0); });
  if ((written < 0 && errno != ENOSPC && errno != EDQUOT) ||
      ::ftruncate(fd.get(), written < 0 ? 0 : written) < 0) {
    return SystemError("writing the lock file", Where(text));
  }
  return std::unique_ptr<Lock>(std::make_unique<PosixLock>(std::move(fd)));
}

absl::StatusOr<std::unique_ptr<Directory>> OpenExisting(const std::string& path, Access access) {
  Descriptor fd(Retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (fd.get() < 0) {
    if (errno != ENOTDIR) return SystemError("opening the data directory", path);
    return absl::FailedPreconditionError("the data directory " + path + " is not a directory");
  }
  if (access == Access::kWrite && ::faccessat(fd.get(), ".", W_OK | X_OK, AT_EACCESS) < 0) {
    return SystemError("the data directory must be writable:", path);
  }
  return std::unique_ptr<Directory>(std::make_unique<PosixDirectory>(std::move(fd), path, access));
}

enum class Was : std::uint8_t { kThere, kMade };

// Makes the directory's own name durable. A parent that may not be read, or cannot be synced at
// all, is for whoever made the directory to see to.
absl::Status SyncNameOf(const std::string& path, Was was) {
  const std::string parent = path + "/..";
  const Descriptor fd(
      Retry([&] { return ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (fd.get() < 0) {
    if (was == Was::kThere && errno == EACCES) return absl::OkStatus();
    return SystemError("opening the parent of the data directory", path);
  }
  if (Retry([&] { return ::fsync(fd.get()); }) < 0) {
    if (was == Was::kThere && (errno == EINVAL || errno == EROFS)) return absl::OkStatus();
    return SystemError("syncing the parent of the data directory", path);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Directory>> OpenPosixDirectory(const std::string& path) {
  const Was was = ::mkdir(path.c_str(), kDirectoryMode) == 0 ? Was::kMade : Was::kThere;
  if (was == Was::kThere && errno != EEXIST) return SystemError("making the data directory", path);
  auto directory = OpenExisting(path, Access::kWrite);
  if (!directory.ok()) return directory;
  if (absl::Status s = SyncNameOf(path, was); !s.ok()) {
    // So that the next attempt does not take it for one that was there.
    if (was == Was::kMade) ::rmdir(path.c_str());
    return s;
  }
  return directory;
}

absl::StatusOr<std::unique_ptr<Directory>> OpenPosixDirectoryToRead(const std::string& path) {
  return OpenExisting(path, Access::kRead);
}

// The lock is flock's, which can be asked about only by trying to take it; Linux lists all of them.
std::optional<std::int64_t> LockHolder(const std::string& path, const std::string& name) {
  struct stat status {};
  if (::stat((path + "/" + name).c_str(), &status) < 0) return std::nullopt;
  std::ifstream locks("/proc/locks");
  // "1: FLOCK  ADVISORY  WRITE 1234 fe:01:5678 0 EOF"; the device's numbers are not always those of
  // stat, the inode's is.
  const std::string inode = ":" + std::to_string(status.st_ino);
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, type, file;
    std::int64_t process = 0;
    words >> number >> kind >> advisory >> type >> process >> file;
    if (words && kind == "FLOCK" && file.ends_with(inode)) return process;
  }
  return std::nullopt;
}

}  // namespace grassdb::store
