#include "lathe/egress/proxy_thread.h"

#include <mutex>
#include <utility>

#include "lathe/base/check.h"
#include "lathe/egress/resolver.h"

// Two loops talk by posting to each other. The thread's loop lives in Shared, which whatever was posted holds on to;
// what is posted to the owner's loop names this object, which goes only after `ended_`, the last of those posts.

namespace lathe::egress {

using base::Result;
using runtime::Async;

/// The thread's side.
class ProxyThread::Shared final {
 public:
  /// Any thread: runs `work` on the thread's loop while it turns; dropped afterwards.
  void post(std::move_only_function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (loop_ != nullptr) loop_->post(std::move(work));
  }
  void open(runtime::Loop* loop) {
    const std::lock_guard lock(mutex_);
    loop_ = loop;
  }
  void close() { open(nullptr); }

  /// Thread only: set while the loop turns.
  runtime::Signal* stop = nullptr;

 private:
  std::mutex mutex_;
  runtime::Loop* loop_ = nullptr;  // under mutex_
};

/// The gatekeeper as the thread sees it.
class ProxyThread::Forwarder final : public Gatekeeper {
 public:
  Forwarder(ProxyThread& owner, runtime::Loop& thread_loop) : owner_(owner), thread_loop_(thread_loop) {}

  Async<Answer> ask(Endpoint target, runtime::CancelToken cancel) override {
    return pass_on(&Gatekeeper::ask, std::move(target), std::move(cancel));
  }
  Async<Answer> ask_of_named(Endpoint target, runtime::CancelToken cancel) override {
    return pass_on(&Gatekeeper::ask_of_named, std::move(target), std::move(cancel));
  }

  void decided(protocol::NetworkDecision decision) override {
    owner_.loop_.post([gatekeeper = &owner_.gatekeeper_, decision = std::move(decision)]() mutable {
      gatekeeper->decided(std::move(decision));
    });
  }

 private:
  using Question = Async<Answer> (Gatekeeper::*)(Endpoint, runtime::CancelToken);

  Async<Answer> pass_on(Question question, Endpoint target, runtime::CancelToken cancel) {
    const auto answered = std::make_shared<runtime::OneShot<Answer>>(thread_loop_);
    owner_.loop_.post([owner = &owner_, shared = owner_.shared_, question, answered, target = std::move(target)] {
      // Stopping: whoever waits is cancelled.
      if (owner->questions_.token().cancelled()) return;
      owner->questions_.spawn(ask_owner(owner, shared, question, answered, target));
    });
    const auto answer = co_await answered->wait(cancel, runtime::Deadline::never());
    co_return answer.ok() ? *answer : Answer::kNobody;
  }
  static Async<void> ask_owner(ProxyThread* owner, std::shared_ptr<Shared> shared, Question question,
                               std::shared_ptr<runtime::OneShot<Answer>> answered, Endpoint target) {
    const Answer answer = co_await (owner->gatekeeper_.*question)(std::move(target), owner->questions_.token());
    shared->post([answered = std::move(answered), answer] { answered->set(answer); });
  }

  ProxyThread& owner_;
  runtime::Loop& thread_loop_;
};

ProxyThread::ProxyThread(runtime::Loop& loop, Gatekeeper& gatekeeper, Options options)
    : loop_(loop),
      gatekeeper_(gatekeeper),
      options_(std::move(options)),
      shared_(std::make_shared<Shared>()),
      started_(loop),
      ended_(loop),
      questions_(loop) {}

ProxyThread::~ProxyThread() { CHECK(!thread_.joinable()); }

Async<Result<void>> ProxyThread::start() {
  loop_.external_work_started();
  thread_ = std::thread([this, options = std::move(options_)]() mutable { run(std::move(options)); });
  CO_TRY(Result<void> started, co_await started_.wait(runtime::CancelToken(), runtime::Deadline::never()));
  co_return started;
}

Async<void> ProxyThread::stop() {
  if (!thread_.joinable()) co_return;
  co_await questions_.stop();
  shared_->post([shared = shared_] {
    if (shared->stop != nullptr) shared->stop->notify();
  });
  (void)co_await ended_.wait(runtime::CancelToken(), runtime::Deadline::never());
  thread_.join();
}

namespace {

Async<void> serve_until(Proxy* proxy, SystemResolver* resolver, runtime::Signal* stop, bool listening) {
  if (listening) (void)co_await stop->wait(runtime::CancelToken(), runtime::Deadline::never());
  co_await proxy->stop();
  co_await resolver->stop();
}

}  // namespace

void ProxyThread::run(Options options) {
  runtime::name_this_thread("egress");
  {
    runtime::Loop loop;
    SystemResolver resolver(loop);
    Forwarder forwarder(*this, loop);
    Proxy proxy({.loop = loop, .resolver = resolver, .gatekeeper = forwarder, .rules = std::move(options.rules)},
                options.limits);
    runtime::Signal stop(loop);
    shared_->stop = &stop;
    shared_->open(&loop);
    const Result<void> listening = proxy.listen(std::move(options.socket_path));
    loop_.post([this, listening] { started_.set(listening); });
    loop.block_on(serve_until(&proxy, &resolver, &stop, listening.ok()));
    shared_->close();
    shared_->stop = nullptr;
  }
  loop_.post([this] {
    loop_.external_work_finished();
    ended_.set(true);
  });
}

}  // namespace lathe::egress
