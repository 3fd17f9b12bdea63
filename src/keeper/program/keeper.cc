#include "lathe/keeper/program/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string_view>
#include <utility>

#include "lathe/keeper/program/forwarder.h"
#include "lathe/keeper/program/process_tree.h"
#include "lathe/keeper/program/report_names.h"
#include "lathe/keeper/program/run_stdio.h"

namespace lathe::keeper {
namespace {

/// Longer than a supervisor needs at most.
constexpr long long kSupervisorPatienceMs = 7'000;
constexpr int kOrphanPatienceMs = 2'000;
constexpr int kMostStops = 10;
/// Whoever starts a keeper connects at once, or has died.
constexpr long long kFirstClientPatienceMs = 10'000;
/// Ended commands that nobody took, before the oldest are forgotten.
constexpr std::size_t kMaxSlots = 1'000;

/// For whoever finds the spool when we are gone.
void write_end(int spool, const std::vector<std::string>& message) {
  std::string bytes;
  for (const std::string& word : message) bytes += word + '\0';
  bytes += '\0';
  if (bytes.size() > protocol::kSpoolWordsBytes) return;
  (void)!pwrite(spool, bytes.data(), bytes.size(), static_cast<off_t>(protocol::kSpoolEndAt));
}

std::vector<std::string> exit_message(const std::string& id, const Report& report, const char* ended) {
  std::vector<std::string> words{"exit",
                                 id,
                                 std::to_string(report.code),
                                 std::to_string(report.signal),
                                 ended,
                                 std::to_string(report.survivors),
                                 std::to_string(report.totals[0]),
                                 std::to_string(report.totals[1])};
  if (report.detail[0] != '\0') words.emplace_back(report.detail);
  return words;
}

}  // namespace

Keeper::Keeper(int socket, Socket kind) {
  (kind == Socket::kListening ? listener_ : client_) = socket;
  if (kind != Socket::kListening) return;
  alone_until_ms_ = now_ms() + kFirstClientPatienceMs;
  (void)listen(socket, protocol::kBacklog);
}

void Keeper::run() {
  // What a killed supervisor leaves behind falls to us.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // No command can look into the spools through our descriptors.
  prctl(PR_SET_DUMPABLE, 0);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  child_signals_ = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  while (!closing_ || busy()) poll_once();
  tell_all();
  for (const auto& [port, forwarder] : forwarders_) kill(forwarder, SIGKILL);
  end_children({}, kOrphanPatienceMs, nullptr);
}

void Keeper::poll_once() {
  std::vector<pollfd> waits;
  const std::size_t slots = slots_.size();
  for (const auto& slot : slots_) {
    const short out = slot->order_seen ? POLLOUT : 0;
    waits.push_back({.fd = slot->control, .events = static_cast<short>(POLLIN | out), .revents = 0});
  }
  const short out = client_full_ ? POLLOUT : 0;
  waits.push_back({.fd = client_, .events = static_cast<short>(POLLIN | out), .revents = 0});
  waits.push_back({.fd = closing_ ? -1 : listener_, .events = POLLIN, .revents = 0});
  waits.push_back({.fd = child_signals_, .events = POLLIN, .revents = 0});
  if (poll(waits.data(), waits.size(), poll_timeout()) < 0 && errno != EINTR) {
    closing_ = true;
    return;
  }
  for (std::size_t i = 0; i < slots; ++i) {
    if ((waits[i].revents & ~POLLOUT) != 0) on_report(*slots_[i]);
  }
  if ((waits[slots].revents & ~POLLOUT) != 0) on_client();
  if (waits[slots + 1].revents != 0) accept_client();
  if (waits[slots + 2].revents != 0) on_child_signal();
  check_deadlines();
  tell_all();
}

void Keeper::on_client() {
  while (client_ >= 0) {
    Message message;
    const Received received = receive(client_, message);
    if (received == Received::kNothing) return;
    if (received == Received::kMessage) on_message(message);
    for (const int fd : message.fds) {
      if (fd >= 0) close(fd);
    }
    if (received != Received::kMessage) client_gone();
  }
}

void Keeper::accept_client() {
  const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool ours = getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == getuid();
  if (!ours || client_ >= 0) {
    if (ours) send(socket, {"busy"});
    close(socket);
    return;
  }
  client_ = socket;
  greeted_ = false;
  alone_until_ms_ = 0;
  // What it wants to know of older commands it asks for with `list`.
  for (const auto& slot : slots_) {
    slot->tell_output = false;
    slot->tell_started = false;
    slot->tell_end = false;
  }
}

void Keeper::client_gone() {
  close_fd(client_);
  client_full_ = false;
  if (listener_ < 0 || linger_ms_ == 0 || closing_ || slots_.empty()) {
    close_all();
  } else {
    alone_until_ms_ = now_ms() + linger_ms_;
  }
}

void Keeper::close_all() {
  closing_ = true;
  for (const auto& slot : slots_) end(*slot, "killed");
}

void Keeper::on_message(Message& message) {
  const std::string& type = message.words[0];
  const std::size_t words = message.words.size();
  if (type == "hello" && words >= 2) {
    unsigned long long linger = 0;
    if (words >= 3 && parse_number(message.words[2], linger)) linger_ms_ = static_cast<long long>(linger);
    greeted_ = say({"hello", std::string(protocol::kVersion), "run", "kill", "jobs", "terminal", "adopt", "forward",
                    std::string(protocol::kLimitsFeature)});
  } else if (!greeted_) {
    client_gone();
  } else if (type == "run") {
    on_run(message);
  } else if (type == "seen" && words == 4) {
    on_seen(message);
  } else if (type == "kill" && words == 2) {
    if (Slot* slot = find(message.words[1])) end(*slot, "killed");
  } else if (type == "close" && words == 2) {
    if (Slot* slot = find(message.words[1])) close_fd(slot->input);
  } else if (type == "forget" && words == 2) {
    std::erase_if(slots_, [&](const std::unique_ptr<Slot>& slot) {
      if (slot->id != message.words[1] || slot->state != Slot::State::kEnded) return false;
      close_fd(slot->spool);
      close_fd(slot->input);
      return true;
    });
  } else if (type == "list") {
    on_list();
  } else if (type == "forward" && words == 2 && message.fds.size() == 1) {
    on_forward(message);
  } else if (type == "stop") {
    close_all();
  }
}

bool Keeper::parse_run(const Message& message, Slot& slot) const {
  constexpr std::size_t kLimitsAt = 13;
  const bool with_limits = message.words.size() == kLimitsAt + 1;
  if (message.words.size() != kLimitsAt && !with_limits) return false;
  if (message.words[2].size() > protocol::kMaxNameBytes) return false;
  if (with_limits && !read_resource_limits(message.words[kLimitsAt], slot.setup.resource_limits)) return false;
  unsigned long long numbers[13] = {};
  for (const std::size_t at : {1, 3, 4, 7, 8, 9, 10, 11, 12}) {
    if (!parse_number(message.words[at], numbers[at])) return false;
  }
  const std::string& input = message.words[5];
  const std::string& output = message.words[6];
  const std::size_t fds = input == "file" ? 3 : 2;
  if (message.fds.size() < fds || message.fds.size() > fds + protocol::kMaxGroups) return false;
  if ((input != "file" && input != "pipe" && input != "terminal") || (output != "hold" && output != "keep"))
    return false;
  slot.name = message.words[2];
  if (numbers[3] > 0) slot.deadline_ms = now_ms() + static_cast<long long>(numbers[3]);
  slot.setup.file_mode_mask = static_cast<unsigned>(numbers[4]);
  slot.setup.policy = output == "hold" ? Spool::Policy::kHold : Spool::Policy::kKeep;
  slot.setup.limits = {
      .processes = numbers[9], .memory_bytes = numbers[10], .free_bytes = numbers[11], .output_bytes = numbers[12]};
  return true;
}

void Keeper::on_run(Message& message) {
  auto slot = std::make_unique<Slot>();
  if (message.words.size() > 1) slot->id = message.words[1];
  const bool known = find(slot->id) != nullptr;
  if (known || !parse_run(message, *slot)) {
    say({"failed", slot->id, "spec", std::to_string(EINVAL), ""});
    return;
  }
  slots_.push_back(std::move(slot));
  Slot& added = *slots_.back();
  if (running_like(added) > protocol::kMaxCommands || slots_.size() > kMaxSlots) {
    fail(added, "limit", EAGAIN, "");
    return;
  }
  if (!make_stdio(message, added.setup, added.input)) {
    fail(added, "terminal", errno, "");
    return;
  }
  const std::size_t groups_at = message.words[5] == "file" ? 3 : 2;
  for (std::size_t i = 0; groups_at + i < message.fds.size(); ++i) {
    added.setup.groups[i] = std::exchange(message.fds[groups_at + i], -1);
  }
  added.setup.spec = std::exchange(message.fds[0], -1);
  added.spool = std::exchange(message.fds[1], -1);
  added.setup.spool = added.spool;
  start(added);
}

void Keeper::start(Slot& slot) {
  int pair[2];
  const bool paired = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
  const pid_t supervisor = paired ? fork() : -1;
  if (supervisor < 0) {
    const int error = errno;
    if (paired) {
      close(pair[0]);
      close(pair[1]);
    }
    fail(slot, "fork", error, "");
    return;
  }
  if (supervisor == 0) {
    // Only its own end stays open here, so that the death of the keeper is the end of every control socket.
    const RunSetup& setup = slot.setup;
    const int kept[] = {pair[1],          setup.in,    setup.out,  setup.err,       setup.sources[0],
                        setup.sources[1], setup.spool, setup.spec, setup.groups[0], setup.groups[1]};
    close_all_but(kept);
    supervise(pair[1], setup);
  }
  close(pair[1]);
  close_far_ends(slot.setup);
  slot.supervisor = supervisor;
  slot.control = pair[0];
}

void Keeper::on_seen(const Message& message) {
  Slot* slot = find(message.words[1]);
  if (slot == nullptr) return;
  for (std::size_t stream = 0; stream < protocol::kStreams; ++stream) {
    unsigned long long seen = 0;
    if (parse_number(message.words[2 + stream], seen))
      slot->seen[stream] = std::max<std::uint64_t>(slot->seen[stream], seen);
  }
  slot->order_seen = slot->control >= 0;
}

void Keeper::on_list() {
  // Told at once and in one go: a list is asked for once per client, right after hello, when its socket is empty.
  for (const auto& slot : slots_) {
    const bool ended = slot->state == Slot::State::kEnded;
    std::vector<int> fds;
    for (const int fd : {slot->spool, slot->input}) {
      if (fd >= 0) fds.push_back(fd);
    }
    (void)say({"command", slot->id, slot->name, ended ? "ended" : "running",
               slot->setup.policy == Spool::Policy::kHold ? "hold" : "keep", std::to_string(slot->totals[0]),
               std::to_string(slot->totals[1]), std::to_string(slot->seen[0]), std::to_string(slot->seen[1])},
              fds);
    slot->tell_started = false;
    slot->tell_output = false;
    if (ended) say(slot->end_message);
    slot->tell_end = false;
  }
  say({"listed"});
}

void Keeper::on_forward(const Message& message) {
  unsigned long long port = 0;
  if (!parse_number(message.words[1], port) || port == 0 || port > USHRT_MAX) {
    say({"forwarding", message.words[1], std::to_string(EINVAL)});
    return;
  }
  // The client of before died, and its proxy with it.
  const auto number = static_cast<unsigned short>(port);
  if (const auto old = forwarders_.find(number); old != forwarders_.end()) {
    kill(old->second, SIGKILL);
    waitpid(old->second, nullptr, 0);
    forwarders_.erase(old);
  }
  const Forwarder forwarder = start_forwarder(number, message.fds[0]);
  if (forwarder.pid > 0) forwarders_[number] = forwarder.pid;
  say({"forwarding", message.words[1], std::to_string(forwarder.error)});
}

void Keeper::on_report(Slot& slot) {
  Report report;
  const ssize_t got = recv(slot.control, &report, sizeof report, MSG_DONTWAIT);
  // ECONNRESET: it went with an order unread; what it said last comes next.
  if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET)) return;
  if (got != sizeof report) {
    on_lost(slot);
    return;
  }
  for (std::size_t stream = 0; stream < protocol::kStreams; ++stream) slot.totals[stream] = report.totals[stream];
  switch (report.kind) {
    case Report::Kind::kStarted:
      slot.state = Slot::State::kRunning;
      slot.pid = report.pid;
      slot.tell_started = true;
      return;
    case Report::Kind::kOutput:
      slot.tell_output = true;
      return;
    case Report::Kind::kFailed:
      waitpid(slot.supervisor, nullptr, 0);
      report.detail[sizeof report.detail - 1] = '\0';
      fail(slot, stage_name(report.stage), report.error, report.detail);
      return;
    case Report::Kind::kExit:
      waitpid(slot.supervisor, nullptr, 0);
      report.detail[sizeof report.detail - 1] = '\0';
      finish(slot, exit_message(slot.id, report, limit_name(report.limit, slot.ended)));
      return;
  }
}

void Keeper::on_lost(Slot& slot) {
  // Once the supervisor is reaped, its children are ours.
  ::kill(slot.supervisor, SIGKILL);
  waitpid(slot.supervisor, nullptr, 0);
  std::vector<pid_t> spared;
  for (const auto& [port, forwarder] : forwarders_) spared.push_back(forwarder);
  for (const auto& other : slots_) {
    if (other->control >= 0 && other->supervisor != slot.supervisor) spared.push_back(other->supervisor);
  }
  const int survivors = end_children(spared, kOrphanPatienceMs, nullptr);
  take_leftovers(slot.setup, slot.seen, slot.totals);
  const char* ended = std::string_view(slot.ended) == "exited" ? "lost" : slot.ended;
  finish(slot, {"exit", slot.id, std::to_string(128 + SIGKILL), std::to_string(SIGKILL), ended,
                std::to_string(survivors), std::to_string(slot.totals[0]), std::to_string(slot.totals[1])});
}

void Keeper::on_child_signal() {
  signalfd_siginfo ignored{};
  while (read(child_signals_, &ignored, sizeof ignored) > 0) {
  }
  for (const auto& slot : slots_) {
    if (slot->control < 0) continue;
    siginfo_t stopped{};
    const bool known = waitid(P_PID, static_cast<id_t>(slot->supervisor), &stopped, WSTOPPED | WNOHANG) == 0;
    if (!known || stopped.si_pid != slot->supervisor) continue;
    // Only commands stop it, to go on unwatched. One that keeps on has it killed, and ends with it.
    ::kill(slot->supervisor, ++slot->stops > kMostStops ? SIGKILL : SIGCONT);
  }
}

void Keeper::end(Slot& slot, const char* why) {
  if (slot.control < 0 || slot.give_up_ms != 0) return;
  slot.ended = why;
  slot.give_up_ms = now_ms() + kSupervisorPatienceMs;
  // The command may have stopped it.
  ::kill(slot.supervisor, SIGCONT);
  const Order order{.kind = Order::Kind::kEnd};
  (void)::send(slot.control, &order, sizeof order, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Keeper::fail(Slot& slot, const char* stage, int error, const char* detail) {
  finish(slot, {"failed", slot.id, stage, std::to_string(error), detail});
}

void Keeper::finish(Slot& slot, std::vector<std::string> message) {
  close_fd(slot.control);
  close_fd(slot.input);
  close_far_ends(slot.setup);
  for (int& source : slot.setup.sources) close_fd(source);
  write_end(slot.spool, message);
  slot.order_seen = false;
  slot.state = Slot::State::kEnded;
  slot.end_message = std::move(message);
  slot.tell_end = true;
}

void Keeper::tell_all() {
  client_full_ = false;
  for (const auto& slot : slots_) {
    if (slot->order_seen) {
      Order order{.kind = Order::Kind::kSeen};
      std::ranges::copy(slot->seen, order.totals);
      const ssize_t put = ::send(slot->control, &order, sizeof order, MSG_NOSIGNAL | MSG_DONTWAIT);
      slot->order_seen = put < 0 && errno == EAGAIN;
    }
    if (client_ >= 0 && greeted_ && !client_full_) client_full_ = !tell(*slot);
  }
}

bool Keeper::tell(Slot& slot) {
  if (slot.tell_started) {
    const std::span<const int> input(&slot.input, slot.input >= 0 ? 1 : 0);
    if (!say({"started", slot.id, std::to_string(slot.pid)}, input)) return false;
    slot.tell_started = false;
  }
  if (slot.tell_output && !slot.tell_end) {
    if (!say({"output", slot.id, std::to_string(slot.totals[0]), std::to_string(slot.totals[1])})) return false;
  }
  slot.tell_output = false;
  if (slot.tell_end) {
    if (!say(slot.end_message)) return false;
    slot.tell_end = false;
  }
  return true;
}

bool Keeper::say(const std::vector<std::string>& words, std::span<const int> fds) {
  return client_ < 0 || send(client_, words, fds) == Sent::kDone;
}

void Keeper::check_deadlines() {
  const long long now = now_ms();
  for (const auto& slot : slots_) {
    if (slot->control < 0) continue;
    if (slot->deadline_ms != 0 && now >= slot->deadline_ms) end(*slot, "timeout");
    if (slot->give_up_ms != 0 && now >= slot->give_up_ms) on_lost(*slot);
  }
  if (alone_until_ms_ != 0 && now >= alone_until_ms_) {
    alone_until_ms_ = 0;
    close_all();
  }
}

int Keeper::poll_timeout() const {
  long long next = alone_until_ms_ != 0 ? alone_until_ms_ : LLONG_MAX;
  for (const auto& slot : slots_) {
    if (slot->control < 0) continue;
    const long long due = slot->give_up_ms != 0 ? slot->give_up_ms : slot->deadline_ms;
    if (due != 0) next = std::min(next, due);
  }
  return next == LLONG_MAX ? -1 : static_cast<int>(std::clamp(next - now_ms(), 0LL, 60'000LL));
}

bool Keeper::busy() const {
  return std::ranges::any_of(slots_, [](const auto& slot) { return slot->control >= 0; });
}

Keeper::Slot* Keeper::find(const std::string& id) {
  const auto found = std::ranges::find_if(slots_, [&](const auto& slot) { return slot->id == id; });
  return found == slots_.end() ? nullptr : found->get();
}

int Keeper::running_like(const Slot& slot) const {
  return static_cast<int>(std::ranges::count_if(slots_, [&](const auto& other) {
    return other->setup.policy == slot.setup.policy && (other.get() == &slot || other->control >= 0);
  }));
}

}  // namespace lathe::keeper
