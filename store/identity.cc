#include "store/identity.h"

#include <optional>
#include <string>
#include <utility>

#include "core/checksum.h"
#include "core/codec.h"
#include "core/configuration.h"
#include "store/io.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

constexpr std::uint64_t kMagic = 0x5944495353415247u;  // "GRASSIDY"
constexpr std::uint32_t kVersion = 1;
// Far more than two names and the members need.
constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 20;

std::string Encode(const Identity& identity) {
  std::string bytes;
  Encoder encoder(bytes);
  encoder.Put(kMagic);
  encoder.Put(kVersion);
  encoder.Put(std::uint32_t{0});
  encoder.Put(identity.cluster);
  encoder.Put(identity.node);
  encoder.Put(identity.incarnation);
  encoder.Put(identity.secret);
  encoder.PutString(identity.node_name);
  encoder.PutString(identity.cluster_name);
  encoder.PutString(EncodeConfiguration(identity.bootstrap));
  encoder.Put(Checksum(bytes));
  return bytes;
}

absl::Status Stage(Directory& directory, const FileNames& names, const Identity& identity) {
  auto file = directory.Open(names.IdentityStaging(), OpenMode::kReplace);
  if (!file.ok()) return file.status();
  if (absl::Status s = WriteOne(**file, 0, Encode(identity)); !s.ok()) return s;
  return (*file)->Sync();
}

std::string Describe(const Identity& identity) {
  return "cluster " + Hex(identity.cluster.value()) + " (\"" + identity.cluster_name +
         "\"), node " + Hex(identity.node.value()) + " (\"" + identity.node_name + "\")";
}

}  // namespace

absl::StatusOr<Identity> ReadIdentity(Directory& directory, const FileNames& names) {
  const std::string name = names.Identity();
  const auto read = ReadLegible(directory, name, kBytesMax);
  if (!read.ok()) return read.status();
  if (!read->illegible.empty()) {
    const ByteRange& range = read->illegible.front();
    return Damaged(directory.path(), name, range.begin, IllegibleText(range));
  }
  const std::string& content = read->bytes;
  constexpr std::size_t kFixedBytes = 16;
  if (content.size() < kFixedBytes + sizeof(std::uint64_t)) {
    return Damaged(directory.path(), name, 0, "the identity file is cut short");
  }
  const std::string_view body(content.data(), content.size() - sizeof(std::uint64_t));
  Decoder checksum(std::string_view(content).substr(body.size()));
  if (checksum.Take<std::uint64_t>() != Checksum(body)) {
    return Damaged(directory.path(), name, 0, "the identity file's checksum is wrong");
  }
  Decoder decoder(body);
  if (decoder.Take<std::uint64_t>() != kMagic) {
    return Damaged(directory.path(), name, 0, "this is not an identity file");
  }
  const auto version = decoder.Take<std::uint32_t>();
  if (version != kVersion) {
    return absl::FailedPreconditionError(name + " in " + directory.path() + " has version " +
                                         std::to_string(version) +
                                         "; this program reads version 1. Use the newer program");
  }
  decoder.Take<std::uint32_t>();
  Identity identity;
  identity.cluster = decoder.Take<ClusterId>();
  identity.node = decoder.Take<NodeId>();
  identity.incarnation = decoder.Take<Incarnation>();
  identity.secret = decoder.Take<std::uint64_t>();
  identity.node_name = decoder.TakeString();
  identity.cluster_name = decoder.TakeString();
  auto bootstrap = DecodeConfiguration(decoder.TakeString());
  if (!decoder.done() || !bootstrap.has_value()) {
    return Damaged(directory.path(), name, kFixedBytes, "the identity file cannot be decoded");
  }
  identity.bootstrap = std::move(*bootstrap);
  return identity;
}

absl::Status WriteIdentity(Directory& directory, const FileNames& names, const Identity& identity) {
  const absl::Status staged = Stage(directory, names, identity);
  if (absl::IsResourceExhausted(staged)) {
    const absl::Status removed = RemoveIfThere(directory, names.IdentityStaging());
    return removed.ok() ? staged : Final(removed);
  }
  if (!staged.ok()) return staged;
  if (absl::Status s = directory.Rename(names.IdentityStaging(), names.Identity()); !s.ok()) {
    return s;
  }
  return directory.Sync();
}

absl::Status CheckWrittenIdentity(Directory& directory, const FileNames& names,
                                  const Identity& identity) {
  const std::string name = names.Identity();
  if (const auto file = directory.Open(name, OpenMode::kExisting); file.ok()) (*file)->Evict();
  const auto found = ReadIdentity(directory, names);
  if (!found.ok()) return found.status();
  if (Encode(*found) == Encode(identity)) return absl::OkStatus();
  return Damaged(directory.path(), name, 0, "the file is one of " + Describe(*found));
}

absl::Status CheckIdentity(const Directory& directory, const FileNames& names,
                           const Identity& found, const Identity& wanted) {
  if (found.cluster == wanted.cluster && found.node == wanted.node) return absl::OkStatus();
  return absl::FailedPreconditionError(
      names.Identity() + " in " + directory.path() + " belongs to " + Describe(found) +
      ", but this node was started as " + Describe(wanted) +
      ". Nothing was changed. Way out: start it with the members, cluster name and node name it "
      "was made with, or give it another data directory, or, if the old data is not needed, delete "
      "the files distdb_" +
      wanted.node_name + ".* there.");
}

}  // namespace grassdb::store
