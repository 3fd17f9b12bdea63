#include "lathe/keeper/program/keeper.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <vector>

#include "lathe/keeper/program/process_tree.h"

namespace lathe::keeper {
namespace {

/// Longer than a supervisor needs at most.
constexpr long long kSupervisorPatienceMs = 7'000;
constexpr int kOrphanPatienceMs = 2'000;

long long now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1'000'000;
}

const char* stage_name(Report::Stage stage) {
  switch (stage) {
    case Report::Stage::kSpec:
      return "spec";
    case Report::Stage::kFork:
      return "fork";
    case Report::Stage::kCwd:
      return "cwd";
    case Report::Stage::kStdio:
      return "stdio";
    case Report::Stage::kExec:
      return "exec";
  }
  return "";
}

}  // namespace

void Keeper::run() {
  // What a killed supervisor leaves behind falls to us.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::vector<pollfd> waits;
  while (!closing_ || busy()) {
    waits.clear();
    for (const Slot& slot : slots_)
      waits.push_back({.fd = slot.used ? slot.control : -1, .events = POLLIN, .revents = 0});
    waits.push_back({.fd = closing_ ? -1 : socket_, .events = POLLIN, .revents = 0});
    if (poll(waits.data(), waits.size(), poll_timeout()) < 0 && errno != EINTR) return;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (waits[i].revents != 0) on_report(slots_[i]);
    }
    if (waits.back().revents != 0) {
      Message message;
      const Received received = receive(socket_, message);
      if (received == Received::kMessage) on_message(message);
      for (const int fd : message.fds) close(fd);
      if (received != Received::kMessage) {
        closing_ = true;
        for (Slot& slot : slots_) end(slot, "killed");
      }
    }
    check_deadlines();
  }
  end_children({}, kOrphanPatienceMs, nullptr);
}

void Keeper::on_message(Message& message) {
  const std::string& type = message.words[0];
  if (type == "hello") {
    send(socket_, {"hello", std::string(protocol::kVersion), "run", "kill"});
  } else if (type == "run" && message.words.size() == 4) {
    on_run(message);
  } else if (type == "kill" && message.words.size() == 2) {
    for (Slot& slot : slots_) {
      if (slot.used && slot.id == message.words[1]) end(slot, "killed");
    }
  }
}

void Keeper::on_run(const Message& message) {
  const std::string& id = message.words[1];
  unsigned long long timeout_ms = 0;
  unsigned long long mask = 0;
  if (message.fds.size() != 4 || !parse_number(message.words[2], timeout_ms) || !parse_number(message.words[3], mask)) {
    send(socket_, {"failed", id, "spec", std::to_string(EINVAL)});
    return;
  }
  const auto slot = std::ranges::find_if(slots_, [](const Slot& candidate) { return !candidate.used; });
  if (slot == slots_.end()) {
    send(socket_, {"failed", id, "limit", std::to_string(EAGAIN)});
    return;
  }
  *slot = Slot{.used = true, .id = id};
  if (timeout_ms > 0) slot->deadline_ms = now_ms() + static_cast<long long>(timeout_ms);
  start(*slot, message, static_cast<unsigned>(mask));
}

void Keeper::start(Slot& slot, const Message& message, unsigned file_mode_mask) {
  int pair[2];
  const bool paired = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
  const pid_t supervisor = paired ? fork() : -1;
  if (supervisor < 0) {
    const int error = errno;
    send(socket_, {"failed", slot.id, "fork", std::to_string(error)});
    if (paired) {
      close(pair[0]);
      close(pair[1]);
    }
    slot = Slot{};
    return;
  }
  if (supervisor == 0) {
    // Only its own end stays open here, so that the death of the keeper is the end of every control socket.
    close(socket_);
    close(pair[0]);
    for (const Slot& other : slots_) {
      if (other.control >= 0) close(other.control);
    }
    supervise(pair[1], {message.fds[0], message.fds[1], message.fds[2], message.fds[3]}, file_mode_mask);
  }
  close(pair[1]);
  slot.supervisor = supervisor;
  slot.control = pair[0];
}

void Keeper::on_report(Slot& slot) {
  Report report;
  const ssize_t got = recv(slot.control, &report, sizeof report, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got != sizeof report) {
    on_lost(slot);
    return;
  }
  if (report.kind == Report::Kind::kStarted) {
    send(socket_, {"started", slot.id, std::to_string(report.pid)});
    return;
  }
  waitpid(slot.supervisor, nullptr, 0);
  if (report.kind == Report::Kind::kFailed) {
    send(socket_, {"failed", slot.id, stage_name(report.stage), std::to_string(report.error)});
  } else {
    send(socket_, {"exit", slot.id, std::to_string(report.code), std::to_string(report.signal), slot.ended,
                   std::to_string(report.survivors)});
  }
  release(slot);
}

void Keeper::on_lost(Slot& slot) {
  // Once the supervisor is reaped, its children are ours.
  ::kill(slot.supervisor, SIGKILL);
  waitpid(slot.supervisor, nullptr, 0);
  std::vector<pid_t> supervisors;
  for (const Slot& other : slots_) {
    if (other.used && other.supervisor != slot.supervisor) supervisors.push_back(other.supervisor);
  }
  const int survivors = end_children(supervisors, kOrphanPatienceMs, nullptr);
  const std::string ended = slot.ended == "exited" ? "lost" : slot.ended;
  send(socket_,
       {"exit", slot.id, std::to_string(128 + SIGKILL), std::to_string(SIGKILL), ended, std::to_string(survivors)});
  release(slot);
}

void Keeper::end(Slot& slot, const char* why) {
  if (!slot.used || slot.give_up_ms != 0) return;
  slot.ended = why;
  slot.give_up_ms = now_ms() + kSupervisorPatienceMs;
  // The command may have stopped it.
  ::kill(slot.supervisor, SIGCONT);
  (void)::send(slot.control, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Keeper::release(Slot& slot) {
  close(slot.control);
  slot = Slot{};
}

void Keeper::check_deadlines() {
  const long long now = now_ms();
  for (Slot& slot : slots_) {
    if (!slot.used) continue;
    if (slot.deadline_ms != 0 && now >= slot.deadline_ms) end(slot, "timeout");
    if (slot.give_up_ms != 0 && now >= slot.give_up_ms) on_lost(slot);
  }
}

int Keeper::poll_timeout() const {
  long long next = -1;
  for (const Slot& slot : slots_) {
    const long long due = slot.give_up_ms != 0 ? slot.give_up_ms : slot.deadline_ms;
    if (slot.used && due != 0 && (next < 0 || due < next)) next = due;
  }
  return next < 0 ? -1 : static_cast<int>(std::clamp(next - now_ms(), 0LL, 60'000LL));
}

bool Keeper::busy() const {
  return std::ranges::any_of(slots_, [](const Slot& slot) { return slot.used; });
}

}  // namespace lathe::keeper
