#include "lathe/net/net_thread.h"

#include <utility>

#include "lathe/base/check.h"
#include "lathe/runtime/loop.h"

namespace lathe::net {

namespace {

constexpr long kMaxIdleConnections = 32;

base::Error client_gone() {
  return {.code = base::codes::kCancelled, .message = "the request was dropped: the HTTP client has ended"};
}

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

}  // namespace

NetThread::~NetThread() { stop(); }

void NetThread::warm_up() {
  const std::lock_guard lock(mutex_);
  ensure_thread();
}

TransferId NetThread::start(HttpRequest request, std::unique_ptr<BodySink> sink) {
  TransferId id = 0;
  {
    const std::lock_guard lock(mutex_);
    CHECK(!stopping_);
    ensure_thread();
    id = ++last_id_;
  }
  send(Start{.id = id, .request = std::move(request), .sink = std::move(sink)});
  return id;
}

void NetThread::ensure_thread() {
  if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { run(); });
}

void NetThread::send(Command command) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  commands_.push_back(std::move(command));
  wake();
}

void NetThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake();
  }
  if (thread_.joinable()) thread_.join();
}

/// Under mutex_, so that the sockets cannot go meanwhile.
void NetThread::wake() {
  wake_.notify_one();
  if (sockets_) sockets_->wake();
}

void NetThread::open_curl() {
  base::Result<const CurlApi*> curl = load_curl();
  std::unique_ptr<CurlSockets> sockets;
  if (curl.ok()) multi_ = (*curl)->multi_init();
  if (multi_ != nullptr) {
    (void)(*curl)->multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxIdleConnections);
    auto made = CurlSockets::create(**curl, multi_);
    if (made.ok()) {
      sockets = *std::move(made);
    } else {
      (void)(*curl)->multi_cleanup(std::exchange(multi_, nullptr));
      curl = std::move(made).error();
    }
  } else if (curl.ok()) {
    curl = base::Error{.code = base::codes::kInternal, .message = "libcurl has no memory"};
  }
  const std::lock_guard lock(mutex_);
  curl_ = std::move(curl);
  sockets_ = std::move(sockets);
}

void NetThread::run() {
  runtime::name_this_thread("net");
  open_curl();
  std::deque<Command> batch;
  while (take(batch)) {
    for (Command& command : batch) obey(command);
    batch.clear();
    if (!sockets_) continue;
    sockets_->wait();
    collect_finished();
  }
  while (!running_.empty()) end(running_.begin()->first, client_gone());
  for (Command& command : batch) {
    if (auto* start = std::get_if<Start>(&command)) start->sink->on_end(client_gone());
  }
  if (multi_ != nullptr) (void)curl_.value()->multi_cleanup(multi_);
  const std::lock_guard lock(mutex_);
  sockets_.reset();
}

bool NetThread::take(std::deque<Command>& batch) {
  std::unique_lock lock(mutex_);
  if (!sockets_) wake_.wait(lock, [this] { return stopping_ || !commands_.empty(); });
  batch.swap(commands_);
  return !stopping_;
}

void NetThread::obey(Command& command) {
  std::visit(Overloaded{[this](Start& start) { begin(start); },
                        [this](const Resume& resume) {
                          const auto found = running_.find(resume.id);
                          if (found == running_.end()) return;
                          const CURLcode code = found->second->resume();
                          sockets_->hurry();
                          if (code != CURLE_OK) end(resume.id, found->second->outcome(code));
                        },
                        [this](const Drop& drop) {
                          end(drop.id,
                              base::Error{.code = base::codes::kCancelled, .message = "the request was dropped"});
                        }},
             command);
}

void NetThread::begin(Start& start) {
  if (!curl_.ok()) {
    start.sink->on_end(curl_.error());
    return;
  }
  auto exchange = std::make_unique<Exchange>(**curl_, std::move(start.request), std::move(start.sink));
  if (auto prepared = exchange->prepare(); !prepared.ok()) {
    exchange->finish(std::move(prepared));
    return;
  }
  CURL* const handle = exchange->handle();
  ids_.emplace(handle, start.id);
  running_.emplace(start.id, std::move(exchange));
  (void)curl_.value()->multi_add_handle(multi_, handle);
}

void NetThread::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_.value()->multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const TransferId id = ids_.at(message->easy_handle);
    end(id, running_.at(id)->outcome(message->data.result));
  }
}

void NetThread::end(TransferId id, base::Result<void> result) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  const std::unique_ptr<Exchange> exchange = std::move(found->second);
  running_.erase(found);
  ids_.erase(exchange->handle());
  (void)curl_.value()->multi_remove_handle(multi_, exchange->handle());
  exchange->finish(std::move(result));
}

}  // namespace lathe::net
