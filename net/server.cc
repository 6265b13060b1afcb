#include "net/server.h"

#include <fmt/format.h>
#include <netdb.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "core/check.h"
#include "net/dial.h"
#include "net/reflection_service.h"
#include "store/posix.h"
#include "store/storage.h"

namespace grassdb::net {
namespace {

// How long calls may take to end when the server stops; then they are cancelled.
constexpr Duration kCallsGrace = std::chrono::milliseconds(200);

// A peer's keepalive pings must not come sooner than this, or the connection is taken for abuse.
// Half of PeerTransportOptions::keepalive.
constexpr int kPingIntervalMillisMin = 5000;

std::uint64_t RandomNumber() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

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

Identity IdentityOf(const ServerOptions& options) {
  Identity identity;
  identity.cluster = ClusterIdOf(options.cluster, options.cluster_name);
  identity.node = NodeIdOf(options.name);
  identity.node_name = options.name;
  identity.cluster_name = options.cluster_name;
  identity.bootstrap = options.cluster;
  // Greater than that of any directory this node had before, and not to be guessed.
  const auto born = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  identity.incarnation =
      Incarnation(static_cast<std::uint64_t>(born.count()) << 20 | RandomNumber() >> 44);
  return identity;
}

NodeOptions NodeOptionsOf(const ServerOptions& options) {
  NodeOptions node;
  node.raft.id = NodeIdOf(options.name);
  node.raft.seed = RandomNumber();
  node.raft.election_timeout_min = options.election_timeout_min;
  node.raft.election_timeout_max = options.election_timeout_max;
  node.raft.heartbeat_interval = options.heartbeat;
  node.snapshot_log_bytes = options.snapshot_log_bytes;
  // What is kept for slow followers is part of the log that a small limit wants to bound.
  node.log_kept_bytes = std::min<std::size_t>(node.log_kept_bytes, options.snapshot_log_bytes / 8);
  return node;
}

}  // namespace

std::optional<std::string> Problem(const ServerOptions& options) {
  if (options.cluster.Find(NodeIdOf(options.name)) == nullptr) {
    std::set<std::string> names;
    for (const Member& member : options.cluster.members()) names.insert(member.name);
    return fmt::format("--id {} is not a member of --cluster, which has {}", options.name,
                       fmt::join(names, ", "));
  }
  return NodeOptionsOf(options).Problem();
}

Server::Server(const ServerOptions& options)
    : options_(options),
      clients_(std::make_unique<ClientService>(options.cluster_name)),
      peers_(std::make_unique<PeerTransport>(
          PeerTransportOptions{.cluster = ClusterIdOf(options.cluster, options.cluster_name),
                               .self = NodeIdOf(options.name)},
          [this](Message message) { node_->OnMessage(std::move(message)); })) {
  peers_->AddTo(&streams_);
  health_.AddTo(&streams_);
  AddReflectionTo(&streams_);
}

Server::~Server() {
  if (loop_ != nullptr) ShutDown();
}

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const ServerOptions& options) {
  if (auto problem = Problem(options)) return absl::InvalidArgumentError(*problem);
  std::unique_ptr<Server> server(new Server(options));
  // The address first: it is what two nodes started by mistake have in common, and taking it
  // changes nothing on the disk.
  absl::Status status = server->Listen();
  if (status.ok()) status = server->OpenStore();
  if (!status.ok()) return status;
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
  builder.SetMaxReceiveMessageSize(kReceiveBytesMax);
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

absl::Status Server::OpenStore() {
  absl::StatusOr<std::unique_ptr<store::Directory>> directory =
      store::OpenPosixDirectory(options_.data_directory);
  if (!directory.ok()) return directory.status();
  directory_ = *std::move(directory);
  absl::StatusOr<store::Opened> opened =
      store::Storage::Open(*directory_, store::StorageOptions(), IdentityOf(options_));
  if (!opened.ok()) return opened.status();
  disk_ = std::make_unique<DiskThread>(std::move(opened->storage), [this] { loop_->Wake(); });
  addresses_ = AddressBook(opened->state.identity.bootstrap, options_.cluster);
  LogRecovery(opened->state);
  node_ = std::make_unique<Node>(NodeOptionsOf(options_), std::move(opened->state),
                                 Environment{.clock = this,
                                             .network = peers_.get(),
                                             .disk = disk_.get(),
                                             .clients = clients_.get(),
                                             .trace = this});
  return absl::OkStatus();
}

void Server::LogRecovery(const RecoveredState& state) const {
  const Index last = state.entries.empty() ? state.base_index : state.entries.back().index;
  spdlog::info("Recovered {}: term {}, log through index {}, snapshot at index {}",
               directory_->path(), state.hard_state.term.value(), last.value(),
               state.snapshot.has_value() ? state.snapshot->index.value() : 0);
}

void Server::Start() {
  node_->Start();
  peers_->Start(loop_->queue(), addresses_,
                [this]() -> const Configuration& { return node_->raft().configuration(); });
  streams_.Start(loop_->queue());
  clients_->Start(
      loop_->queue(), addresses_,
      {.submit = [this](RequestId id,
                        ClientRequest&& request) { node_->OnClient(id, std::move(request)); },
       .status = [this] { return node_->Status(); }});
  spdlog::info("Started {} of cluster '{}', listening on {}", options_.name, options_.cluster_name,
               options_.listen_address);
}

int Server::Run() {
  Start();
  while (true) {
    loop_->RunOnce(std::min(node_->NextDeadline(), stop_deadline_));
    disk_->TakeDone(&disk_done_);
    for (DiskDone& done : disk_done_) node_->OnDisk(std::move(done));
    if (Now() >= node_->NextDeadline()) node_->OnDeadline();
    node_->Flush();
    if (node_->failed()) FailStop();
    PublishState();
    if (stop_requested_.load(std::memory_order_relaxed) && HandleStop()) return 0;
  }
}

void Server::FailStop() {
  spdlog::critical(
      "The disk failed: {}. This node stops at once, because nothing is known any more "
      "about what {} holds. Check the disk and its free space, then start the node "
      "again; if the data is damaged, the start will say so",
      std::string(node_->failure().message()), directory_->path());
  StopLogging();
  // Without ending anything: whatever waits would only be told what is not known.
  std::_Exit(1);
}

void Server::RequestStop() {
  stop_requested_.store(true, std::memory_order_relaxed);
  loop_->Wake();
}

bool Server::HandleStop() {
  if (stop_deadline_ == Instant::max()) {
    // An election timeout is what the others would wait for if this node were just gone.
    stop_deadline_ = Now() + options_.election_timeout_max;
    health_.Set(Serving::kNo);
    spdlog::info("Shutting down{}", node_->raft().role() == Role::kLeader
                                        ? "; handing leadership to another node first"
                                        : "");
    node_->BeginShutdown();
    node_->Flush();
  }
  return node_->ReadyToStop() || Now() >= stop_deadline_;
}

void Server::PublishState() {
  const Raft& raft = node_->raft();
  SetLogContext(raft.term(), raft.role());
  if (stop_deadline_ != Instant::max()) return;
  health_.Set(raft.leader() != NodeId() && node_->loaded() ? Serving::kYes : Serving::kNo);
}

void Server::OnEvent(Term term, const Event& event) {
  const Raft& raft = node_->raft();
  SetLogContext(term, raft.role());
  const std::string text = TextOf(term, event, raft.configuration());
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
  if (node_ != nullptr) spdlog::info("Stopped");
}

}  // namespace grassdb::net
