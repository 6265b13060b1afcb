#include "core/kv_snapshot.h"

#include <utility>

#include "core/check.h"
#include "core/codec.h"

namespace grassdb {
namespace {

constexpr std::uint8_t kVersion = 1;

void EncodeAnswer(Encoder& out, const CommandResult& answer) {
  out.Put(static_cast<std::uint8_t>(answer.code));
  out.Put(static_cast<std::uint8_t>(answer.succeeded ? 1 : 0));
  out.Put(answer.revision);
  out.Put(static_cast<std::uint32_t>(answer.operations.size()));
  for (const OperationResult& operation : answer.operations) {
    out.Put(static_cast<std::uint8_t>(operation.found ? 1 : 0));
    out.Put(operation.mod_revision);
    out.PutString(operation.value);
  }
}

CommandResult DecodeAnswer(Decoder& in) {
  CommandResult answer;
  answer.code = static_cast<CommandResult::Code>(in.Take<std::uint8_t>());
  answer.succeeded = in.Take<std::uint8_t>() != 0;
  answer.revision = in.Take<Revision>();
  const auto count = in.Take<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    OperationResult operation;
    operation.found = in.Take<std::uint8_t>() != 0;
    operation.mod_revision = in.Take<Revision>();
    operation.value = in.TakeString();
    answer.operations.push_back(std::move(operation));
  }
  return answer;
}

void EncodeKey(Encoder& out, const KeyValue& held) {
  out.PutString(held.key());
  out.PutString(held.value());
  out.Put(held.create_revision);
  out.Put(held.mod_revision);
  out.Put(held.version);
}

}  // namespace

// --- Writer ---

KvSnapshotWriter KvSnapshotWriter::Begin(KvStore& store) {
  KvSnapshotWriter writer;
  writer.keys_left_ = store.size();
  // The header holds the sessions and the fixed part. Sessions are copied here,
  // in one go: there are few of them and they change with nearly every command.
  std::string body;
  Encoder out(body);
  out.Put(kVersion);
  out.Put(store.time_);
  out.Put(store.revision_);
  out.Put(static_cast<std::uint64_t>(store.size()));
  out.Put(store.digest());
  out.Put(static_cast<std::uint32_t>(store.sessions_.size()));
  for (const auto& [id, session] : store.sessions_) {
    out.Put(id);
    out.Put(session.last_used);
    out.Put(session.last_index);
    out.Put(session.acknowledged);
    out.Put(static_cast<std::uint32_t>(session.answers.size()));
    for (const auto& [sequence, answer] : session.answers) {
      out.Put(sequence);
      EncodeAnswer(out, answer);
    }
  }
  Encoder(writer.header_).PutString(body);
  store.capture_.emplace();
  return writer;
}

Bytes KvSnapshotWriter::Next(KvStore& store, std::size_t bytes) {
  GRASS_CHECK(!done_);
  GRASS_CHECK(store.capture_.has_value());
  KvStore::Capture& capture = *store.capture_;
  std::string slice = std::exchange(header_, {});
  Encoder out(slice);
  const KeyMap::Sorted& keys = store.map_.sorted();
  auto live = capture.cursor.has_value() ? keys.upper_bound(*capture.cursor) : keys.begin();
  while (keys_left_ > 0 && slice.size() < bytes) {
    auto preserved = capture.preserved.begin();
    const bool take_live = live != keys.end() && (preserved == capture.preserved.end() ||
                                                  (*live)->key() < preserved->first);
    if (take_live) {
      EncodeKey(out, **live);
      capture.cursor = (*live)->key();
      ++live;
      --keys_left_;
      continue;
    }
    GRASS_CHECK(preserved != capture.preserved.end());
    // The key has changed since the snapshot began: what is written is what it
    // was then, if anything.
    if (live != keys.end() && (*live)->key() == preserved->first) ++live;
    capture.cursor = preserved->first;
    if (preserved->second) {
      EncodeKey(out, *preserved->second);
      --keys_left_;
    }
    capture.preserved.erase(preserved);
  }
  if (keys_left_ == 0) {
    done_ = true;
    store.capture_.reset();
  }
  return Bytes(slice);
}

// --- Reader ---

absl::Status KvSnapshotReader::Feed(std::string_view slice) {
  pending_.append(slice);
  if (!header_done_) {
    if (absl::Status status = TakeHeader(); !status.ok()) return status;
  }
  return header_done_ ? TakeKeys() : absl::OkStatus();
}

absl::Status KvSnapshotReader::TakeHeader() {
  Decoder outer(pending_);
  const std::string_view body = outer.TakeString();
  if (!outer.ok()) return absl::OkStatus();  // not whole yet
  Decoder in(body);
  if (const auto version = in.Take<std::uint8_t>(); version != kVersion) {
    return absl::DataLossError("the snapshot's state has version " + std::to_string(version) +
                               ", this program reads version 1");
  }
  store_.time_ = in.Take<ClusterTime>();
  store_.revision_ = in.Take<Revision>();
  keys_left_ = in.Take<std::uint64_t>();
  digest_ = in.Take<std::uint64_t>();
  const auto sessions = in.Take<std::uint32_t>();
  for (std::uint32_t i = 0; i < sessions && in.ok(); ++i) {
    const auto id = in.Take<SessionId>();
    KvStore::Session& session = store_.sessions_[id];
    session.last_used = in.Take<ClusterTime>();
    session.last_index = in.Take<std::uint64_t>();
    session.acknowledged = in.Take<Sequence>();
    const auto answers = in.Take<std::uint32_t>();
    for (std::uint32_t j = 0; j < answers && in.ok(); ++j) {
      const auto sequence = in.Take<Sequence>();
      if (!session.answers.empty() && session.answers.back().first >= sequence) {
        return absl::DataLossError("the answers of a session are not in their order");
      }
      store_.LoadAnswer(session, sequence, DecodeAnswer(in));
    }
  }
  if (!in.done() || store_.sessions_.size() != sessions || !store_.OrderSessions()) {
    return absl::DataLossError("the header of the snapshot's state does not decode");
  }
  store_.DigestSessions();
  header_done_ = true;
  pending_.erase(0, pending_.size() - outer.remaining());
  return absl::OkStatus();
}

absl::Status KvSnapshotReader::TakeKeys() {
  std::size_t used = 0;
  while (keys_left_ > 0) {
    Decoder in(std::string_view(pending_).substr(used));
    const std::string_view key = in.TakeString();
    const std::string_view value = in.TakeString();
    KeyRevisions revisions;
    revisions.create_revision = in.Take<Revision>();
    revisions.mod_revision = in.Take<Revision>();
    revisions.version = in.Take<std::uint64_t>();
    if (!in.ok()) break;  // not whole yet
    if (key.size() > KeyValue::kKeySizeMax) {
      return absl::DataLossError("a key of the snapshot's state has " + std::to_string(key.size()) +
                                 " bytes");
    }
    if (const auto& keys = store_.map_.sorted(); !keys.empty() && key <= (*keys.rbegin())->key()) {
      return absl::DataLossError("the keys of the snapshot's state are out of order");
    }
    store_.Load(key, value, revisions);
    used = pending_.size() - in.remaining();
    --keys_left_;
  }
  pending_.erase(0, used);
  if (keys_left_ == 0 && !pending_.empty()) {
    return absl::DataLossError("the snapshot's state has bytes after its last key");
  }
  return absl::OkStatus();
}

absl::StatusOr<KvStore> KvSnapshotReader::Finish() && {
  if (!header_done_ || keys_left_ > 0 || !pending_.empty()) {
    return absl::DataLossError("the snapshot's state is cut off");
  }
  if (store_.digest() != digest_) {
    return absl::DataLossError("the snapshot's state does not have the digest it was taken with");
  }
  return std::move(store_);
}

}  // namespace grassdb
