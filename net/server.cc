#include "net/server.h"

#include <fmt/format.h>
#include <netdb.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <thread>
#include <utility>

#include "core/check.h"
#include "net/dial.h"
#include "net/identity.h"
#include "net/random.h"
#include "net/reflection_service.h"
#include "proto/convert.h"
#include "store/payload.h"
#include "store/posix.h"
#include "store/storage.h"

namespace grassdb::net {
namespace {

// How long calls may take to end when the server stops; then they are cancelled.
constexpr Duration kCallsGrace = std::chrono::milliseconds(200);

// A peer's keepalive pings must not come sooner than this, or the connection is taken for abuse.
// Half of PeerTransportOptions::keepalive.
constexpr int kPingIntervalMillisMin = 5000;

// What gRPC may hold for all connections together, of requests that come in and of answers that
// wait to be read. What would go beyond it is cancelled (ENHANCE_YOUR_CALM). Requests that are
// being handled, decoded, come on top: about as much again at the worst.
constexpr std::size_t kCallMemoryBytesMax = std::size_t{512} << 20;

std::string ErrorText(int error) {
  return std::generic_category().message(error);
}

// Whether `address` can be bound to; the error says why not. gRPC only tells that it failed, so
// this asks the system first, in the same way but for the last word, which stays with gRPC.
absl::Status TryBind(const addrinfo& address, const std::string& name) {
  const int fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
  if (fd < 0) return absl::UnavailableError("no socket for " + name + ": " + ErrorText(errno));
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool bound = bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, 1) == 0;
  const int error = errno;
  close(fd);
  if (bound) return absl::OkStatus();
  if (error == EADDRINUSE) {
    return absl::AlreadyExistsError("the address " + name + " is in use by another process");
  }
  return absl::UnavailableError("cannot listen on " + name + ": " + ErrorText(error));
}

absl::Status CheckAddress(const std::string& name) {
  const auto [host, port] = SplitEndpoint(name);
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  // The wildcard is asked for in both families: a stranger on the IPv4 one alone is in our way too.
  const char* const node = host == "::" ? nullptr : host.c_str();
  if (const int error = getaddrinfo(node, port.c_str(), &hints, &found); error != 0) {
    return absl::UnavailableError("cannot listen on " + name + ": " + gai_strerror(error));
  }
  bool bound = false;
  absl::Status problem;
  for (const addrinfo* at = found; at != nullptr && !absl::IsAlreadyExists(problem);
       at = at->ai_next) {
    const absl::Status status = TryBind(*at, name);
    bound = bound || status.ok();
    if (!status.ok()) problem = status;
  }
  freeaddrinfo(found);
  // One address that works is enough, for a name may have an IPv6 address on a machine without
  // IPv6; but a stranger on any of them would get part of our connections.
  return bound && !absl::IsAlreadyExists(problem) ? absl::OkStatus() : problem;
}

NodeOptions NodeOptionsOf(const ServerOptions& options) {
  NodeOptions node;
  node.raft.id = NodeIdOf(options.name);
  node.raft.seed = RandomNumber();
  node.raft.election_timeout_min = options.election_timeout_min;
  node.raft.election_timeout_max = options.election_timeout_max;
  node.raft.heartbeat_interval = options.heartbeat;
  node.raft.append_delay = options.append_delay;
  node.snapshot_log_bytes = options.snapshot_log_bytes;
  node.log_memory_bytes = options.log_memory_bytes;
  node.snapshot_bytes_per_second = options.snapshot_bytes_per_second;
  node.scrub_bytes_per_second = options.scrub_bytes_per_second;
  node.scrub_pause = options.scrub_pause;
  node.raft.unapplied_bytes_max = options.write_backlog_bytes;
  // What is kept for slow followers is part of the log that a small limit wants to bound.
  node.log_kept_bytes = std::min<std::size_t>(node.log_kept_bytes, options.snapshot_log_bytes / 8);
  // So that a snapshot leaves nothing that is written in the other format.
  if (options.disk_format == 1) node.log_kept_bytes = 0;
  return node;
}

// What is known of a node before its log is whole.
NodeStatus StatusInRepair(const RecoveredState& state) {
  NodeStatus status;
  status.id = state.identity.node;
  status.term = state.hard_state.term;
  status.snapshot_index = state.snapshot.has_value() ? state.snapshot->index : Index();
  status.commit_index = std::max(state.base_index, status.snapshot_index);  // at least
  status.last_index = state.last().index;
  status.first_index = state.base_index + 1;
  status.configuration =
      DecodeConfiguration(store::MembersOf(state)).value_or(state.identity.bootstrap);
  status.space = state.space;
  status.repairing = true;
  return status;
}

// Who is waited for, and what is left to do where that is in vain.
std::string WaitsFor(const RepairStatus& status, const Configuration& members) {
  std::set<std::string> without;
  std::set<std::string> silent;
  for (const Member& member : members.members()) {
    const bool answered =
        std::ranges::find(status.without_it, member.id) != status.without_it.end();
    (answered ? without : silent).insert(member.name);
  }
  std::string text;
  if (!without.empty()) {
    text += fmt::format(". Not with {}, by what they have answered", fmt::join(without, ", "));
  }
  if (!silent.empty()) {
    text += fmt::format(". Not heard, or busy: {}. Way out: see that they are up",
                        fmt::join(silent, ", "));
  }
  return text + fmt::format(
                    ". {} no copy of a disk that has it can be brought back: restore a backup "
                    "(`grassdb restore`), or go on without it (`grassdb recover "
                    "--force-new-cluster --discard-from-damage`)",
                    silent.empty() ? "Way out, if" : "If that does not help, and");
}

}  // namespace

std::optional<std::string> Problem(const ServerOptions& options) {
  if (auto problem = MemberNameProblem(options.name)) return "--id: " + *problem;
  if (!options.cluster.empty() && options.cluster.Find(NodeIdOf(options.name)) == nullptr) {
    std::set<std::string> names;
    for (const Member& member : options.cluster.members()) names.insert(member.name);
    return fmt::format("--id {} is not a member of --cluster, which has {}", options.name,
                       fmt::join(names, ", "));
  }
  if (options.append_delay > options.heartbeat) {
    return fmt::format(
        "--append-delay {} is more than --heartbeat {}; give a shorter one, or 0 for none",
        TextOf(options.append_delay), TextOf(options.heartbeat));
  }
  return NodeOptionsOf(options).Problem();
}

Server::Server(const ServerOptions& options)
    : options_(options),
      clients_(std::make_unique<ClientService>()),
      peers_(std::make_unique<PeerTransport>(
          PeerTransportOptions{.self = NodeIdOf(options.name)},
          [this](Message message) { OnPeerMessage(std::move(message)); })) {
  clients_->AddTo(&streams_);
  peers_->AddTo(&streams_);
  health_.AddTo(&streams_);
  AddReflectionTo(&streams_);
}

Server::~Server() {
  if (loop_ != nullptr) ShutDown();
}

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const ServerOptions& options,
                                                       const std::atomic<bool>& stop) {
  if (auto problem = Problem(options)) return absl::InvalidArgumentError(*problem);
  const absl::StatusOr<std::optional<Identity>> found = FindIdentity(options);
  if (!found.ok()) return found.status();
  if (!found->has_value()) {
    if (absl::Status status = CheckCanBegin(options); !status.ok()) return status;
  }
  std::unique_ptr<Server> server(new Server(options));
  // The address first: it is what two nodes started by mistake have in common, and taking it
  // changes nothing on the disk.
  if (absl::Status status = server->Listen(); !status.ok()) return status;
  const absl::StatusOr<Identity> identity =
      found->has_value() ? ExpectedIdentity(options, **found) : NewIdentity(options, stop);
  if (!identity.ok()) return identity.status();
  if (absl::Status status = server->OpenStore(*identity); !status.ok()) return status;
  return server;
}

absl::Status Server::Listen() {
  const std::string address = WithLoopback(options_.listen_address);
  if (absl::Status status = CheckAddress(address); !status.ok()) return status;
  grpc::ServerBuilder builder;
  // gRPC would let a second server listen on the same port, and each would get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kPingIntervalMillisMin);
  // Of the filters a server has by default, one is of use to a node: a client may compress. The one
  // for too large messages is not: it looks at a message that is in memory already, and refuses it
  // in words that name none of grassdb's limits. What all calls may take together is the quota's.
  builder.AddChannelArgument(GRPC_ARG_MINIMAL_STACK, 1);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 1);
  builder.SetResourceQuota(grpc::ResourceQuota("grassdb").Resize(kCallMemoryBytesMax));
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : clients_->services()) builder.RegisterService(service);
  builder.RegisterAsyncGenericService(streams_.service());
  auto loop = std::make_unique<EventLoop>(builder.AddCompletionQueue());
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr || port == 0) {
    if (grpc_ != nullptr) grpc_->Shutdown();
    loop->Drain();
    return absl::UnavailableError("cannot listen on " + options_.listen_address);
  }
  loop_ = std::move(loop);
  return absl::OkStatus();
}

absl::Status Server::OpenStore(const Identity& wanted) {
  absl::StatusOr<std::unique_ptr<store::Directory>> directory =
      store::OpenPosixDirectory(options_.data_directory);
  if (!directory.ok()) return directory.status();
  directory_ = *std::move(directory);
  return Recover(wanted);
}

absl::Status Server::Recover(const Identity& wanted) {
  store::StorageOptions options;
  options.snapshot_compression = options_.snapshot_compression;
  options.log_format = options_.disk_format;
  if (options_.disk_format == 1) options.snapshot_compression = store::Compression::kNone;
  options.on_damage = store::OnDamage::kReport;
  options.log_memory_bytes = options_.log_memory_bytes;
  absl::StatusOr<store::Opened> opened = store::Storage::Open(*directory_, options, wanted);
  if (!opened.ok()) return opened.status();
  disk_ = std::make_unique<DiskThread>(std::move(opened->storage), [this] { loop_->Wake(); });
  RecoveredState& state = opened->state;
  identity_ = state.identity;
  addresses_ = AddressBook(state.identity.bootstrap, options_.cluster);
  SetLogContext(state.hard_state.term, Role::kFollower);
  LogRecovery(state);
  if (state.damage.empty()) {
    node_ = std::make_unique<Node>(NodeOptionsOf(options_), std::move(state), Sockets());
  } else {
    in_repair_ = StatusInRepair(state);
    repair_ = std::make_unique<Repair>(NodeOptionsOf(options_), std::move(state), Sockets());
  }
  return absl::OkStatus();
}

Environment Server::Sockets() {
  return {.clock = this,
          .network = peers_.get(),
          .disk = disk_.get(),
          .clients = clients_.get(),
          .trace = this};
}

// Whether it has not been said since the log was whole last.
bool Server::IsNews(const std::string& text) {
  return told_.insert(text).second;
}

// A part of a loss that was told is what is left of it when others have given back the rest.
bool Server::IsNewLoss(Index first, Index last) {
  const bool known = std::ranges::any_of(
      told_lost_, [&](const auto& told) { return told.first <= first && last <= told.second; });
  if (!known) told_lost_.emplace_back(first, last);
  return !known;
}

void Server::LogRecovery(const RecoveredState& state) {
  // Of the lives of one repair, which differ in the term, the first one tells.
  if (state.damage.empty() || IsNews("recovered")) {
    spdlog::info("Recovered {}: term {}, log through index {}, snapshot at index {}",
                 directory_->path(), state.hard_state.term.value(), state.last().index.value(),
                 state.snapshot.has_value() ? state.snapshot->index.value() : 0);
  }
  const bool full = state.space.space != DiskSpace::kAmple;
  if (full && (state.damage.empty() || IsNews(state.space.problem))) {
    spdlog::warn("The disk is full: nothing that adds data is taken before there is room ({})",
                 state.space.problem);
  }
  for (const std::string& place : state.damage.places) {
    if (state.damage.empty() || IsNews(place)) {
      spdlog::warn("Damaged data in {}: {}", directory_->path(), place);
    }
  }
}

void Server::Start() {
  peers_->Start(loop_->queue(), identity_.cluster, addresses_,
                [this]() -> const Configuration& { return configuration(); });
  streams_.Start(loop_->queue());
  clients_->Start(
      loop_->queue(), identity_, addresses_,
      {.submit = [this](RequestId id,
                        ClientRequest&& request) { OnRequest(id, std::move(request)); },
       .backup = [this](RequestId id, const BackupRequest& backup) { OnBackup(id, backup); },
       .status = [this] { return Status(); },
       .problem_with = [this](NodeId member) { return peers_->ProblemWith(member); }});
  spdlog::info("Started {} of cluster '{}' ({}), listening on {}, incarnation {}", options_.name,
               identity_.cluster_name, HexOf(identity_.cluster.value()), options_.listen_address,
               HexOf(identity_.incarnation.value()));
  if (repair_ != nullptr) {
    repair_->Start();
  } else {
    node_->Start();
  }
}

void Server::OnPeerMessage(Message message) {
  if (repair_ != nullptr) {
    repair_->OnMessage(std::move(message));
  } else {
    node_->OnMessage(std::move(message));
  }
}

void Server::OnRequest(RequestId id, ClientRequest&& request) {
  if (repair_ == nullptr) return node_->OnClient(id, std::move(request));
  RefuseInRepair(id);
}

void Server::OnBackup(RequestId id, const BackupRequest& backup) {
  if (repair_ == nullptr) return node_->OnBackup(id, backup);
  RefuseInRepair(id);
}

void Server::RefuseInRepair(RequestId id) {
  Reply reply;
  reply.code = ReplyCode::kUnavailable;
  reply.error = "unavailable: this node repairs its log from the other members";
  clients_->Answer(id, std::move(reply));
}

NodeStatus Server::Status() const {
  NodeStatus status;
  if (repair_ == nullptr) {
    status = node_->Status();
    status.disk_latency = disk_->Latency();
    return status;
  }
  status = in_repair_;
  status.term = repair_->term();
  status.disk_latency = disk_->Latency();
  return status;
}

const Configuration& Server::configuration() const {
  return repair_ != nullptr ? repair_->members() : node_->raft().configuration();
}

Instant Server::NextDeadline() const {
  return repair_ != nullptr ? repair_->NextDeadline() : node_->NextDeadline();
}

int Server::Run() {
  Start();
  while (true) {
    loop_->RunOnce(std::min(NextDeadline(), stop_deadline_));
    disk_->TakeDone(&disk_done_);
    if (repair_ != nullptr) {
      StepRepair();
    } else {
      StepNode();
    }
    clients_->Flush();
    if (stop_requested_.load(std::memory_order_relaxed) && HandleStop()) return 0;
  }
}

void Server::StepNode() {
  for (DiskDone& done : disk_done_) node_->OnDisk(std::move(done));
  if (Now() >= node_->NextDeadline()) node_->OnDeadline();
  node_->Flush();
  if (node_->failed()) FailStop(node_->failure());
  PublishState();
}

void Server::StepRepair() {
  for (DiskDone& done : disk_done_) repair_->OnDisk(std::move(done));
  repair_->OnDeadline();
  if (repair_->failed()) FailStop(repair_->failure());
  if (!repair_->done()) return;
  // The storage is closed with its thread, and opened again.
  repair_.reset();
  disk_.reset();
  if (const absl::Status status = Recover(identity_); !status.ok()) FailStop(status);
  if (repair_ != nullptr) return repair_->Start();
  told_.clear();
  told_lost_.clear();
  spdlog::info("The log is whole again");
  node_->Start();
  node_->Flush();
}

void Server::FailStop(const absl::Status& failure) {
  spdlog::critical(
      "The disk failed: {}. This node stops at once, because nothing is known any more "
      "about what {} holds. Check the disk and its free space, then start the node "
      "again; if the data is damaged, the start will say so",
      std::string(failure.message()), directory_->path());
  StopLogging();
  // Without ending anything: whatever waits would only be told what is not known.
  std::_Exit(1);
}

void Server::RequestStop() {
  stop_requested_.store(true, std::memory_order_relaxed);
  loop_->Wake();
}

bool Server::HandleStop() {
  if (repair_ != nullptr) {
    spdlog::info("Shutting down in the middle of a repair; the next start goes on with it");
    return true;
  }
  if (stop_deadline_ == Instant::max()) {
    // An election timeout is what the others would wait for if this node were just gone.
    stop_deadline_ = Now() + options_.election_timeout_max;
    health_.Set(Serving::kNo);
    spdlog::info("Shutting down");  // to whom a leader hands over, if to anybody, is an event
    node_->BeginShutdown();
    node_->Flush();
  }
  return node_->ReadyToStop() || Now() >= stop_deadline_;
}

void Server::PublishState() {
  const Raft& raft = node_->raft();
  SetLogContext(raft.term(), raft.role());
  peers_->FollowMembership(raft.configuration_index(), !raft.IsChangingMembership());
  NoticeRemoval();
  if (stop_deadline_ != Instant::max()) return;
  health_.Set(raft.leader() != NodeId() && node_->loaded() ? Serving::kYes : Serving::kNo);
}

void Server::NoticeRemoval() {
  const Raft& raft = node_->raft();
  const bool member = raft.configuration().Find(raft.id()) != nullptr;
  if (was_member_ && !member && !raft.IsChangingMembership()) {
    spdlog::warn(
        "{} is no member of the cluster any more. It takes no part, can be stopped, and "
        "its data in {} is not needed",
        options_.name, directory_->path());
    was_member_ = false;
  }
  was_member_ = was_member_ || member;
}

// Several changes can come in one step; each is told as it was.
Configuration Server::ConfigurationOf(const Event& event) const {
  if (node_ == nullptr) return configuration();
  const Raft& raft = node_->raft();
  const Index snapshot = raft.snapshot().has_value() ? raft.snapshot()->index : Index();
  if (event.kind != EventKind::kChangedMembership || Index(event.a) <= snapshot ||
      Index(event.a) > raft.log().last_index()) {
    return raft.configuration();
  }
  return raft.ConfigurationAt(Index(event.a)).first;
}

void Server::OnEvent(Term term, const Event& event) {
  SetLogContext(term, node_ != nullptr ? node_->raft().role() : Role::kFollower);
  std::string text = TextOf(term, event, ConfigurationOf(event));
  if (event.kind == EventKind::kRepairWaits) text += WaitsFor(repair_->Status(), configuration());
  const bool of_repair =
      event.kind == EventKind::kRepairWaits || event.kind == EventKind::kSnapshotLost;
  if (of_repair && !IsNews(text)) return;
  const bool of_loss = event.kind == EventKind::kEntriesLost;
  if (of_loss && !IsNewLoss(Index(event.a), Index(event.b))) return;
  if (event.kind == EventKind::kDiskStalled) {
    text += fmt::format(" (data directory {}, at its present job for {} ms)", directory_->path(),
                        disk_->Latency().under_way / std::chrono::milliseconds(1));
  }
  if (event.kind == EventKind::kDiskSpace && node_ != nullptr && !node_->space().problem.empty()) {
    text += " (" + node_->space().problem + ")";
  }
  if (event.kind == EventKind::kDamageFound) text += " (" + node_->scrub().newest + ")";
  switch (LevelOf(event.kind)) {
    case LogLevel::kDebug:
      return spdlog::debug(text);
    case LogLevel::kInfo:
      return spdlog::info(text);
    case LogLevel::kWarn:
      return spdlog::warn(text);
    case LogLevel::kError:
      return spdlog::error(text);
  }
}

void Server::ShutDown() {
  clients_->Stop();
  peers_->Close();
  // gRPC's Shutdown returns when every call has ended, and calls end on the event loop: so the one
  // goes on while another thread waits for the other.
  std::atomic<bool> done = false;
  std::thread waiter([this, &done] {
    grpc_->Shutdown(std::chrono::system_clock::now() +
                    std::chrono::duration_cast<std::chrono::system_clock::duration>(kCallsGrace));
    done.store(true);
    loop_->Wake();
  });
  while (!done.load()) loop_->RunOnce(Instant::max());
  waiter.join();
  loop_->Drain();
  if (disk_ != nullptr) spdlog::info("Stopped");
}

}  // namespace grassdb::net
