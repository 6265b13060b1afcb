#include "net/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

namespace grassdb::net {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

SignalThread::SignalThread(std::function<void()> on_signal)
    : on_signal_(std::move(on_signal)), thread_([this] { Run(); }) {}

SignalThread::~SignalThread() {
  stopping_.store(true);
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void SignalThread::Disarm() {
  const std::lock_guard lock(mutex_);
  on_signal_ = nullptr;
}

void SignalThread::Run() {
  const sigset_t set = StopSignals();
  bool asked = false;
  int number = 0;
  while (sigwait(&set, &number) == 0) {
    if (stopping_.load()) return;
    if (asked) _exit(128 + number);
    asked = true;
    const std::lock_guard lock(mutex_);
    if (on_signal_ != nullptr) on_signal_();
  }
}

}  // namespace grassdb::net
