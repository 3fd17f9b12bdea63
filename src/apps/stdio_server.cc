#include "lathe/apps/stdio_server.h"

#include <csignal>

#include "lathe/apps/embedded_engine.h"
#include "lathe/base/ids.h"
#include "lathe/gateways/sqeq/sqeq_connection.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;
using runtime::Deadline;

namespace {

/// How long a client that does not read is waited for, once its Tasks have been ended.
constexpr base::Millis kFlushPatience{1'000};

/// Ends the engine and then the connection when a signal says so.
class Stop final {
 public:
  Stop(runtime::Loop& loop, EmbeddedEngine& engine, gateways::sqeq::SqeqConnection& connection)
      : loop_(loop),
        engine_(engine),
        connection_(connection),
        arrived_(loop),
        interrupt_(loop.on_signal(SIGINT, [this] { arrive(cli::kInterrupted); })),
        terminate_(loop.on_signal(SIGTERM, [this] { arrive(cli::kDone); })),
        hang_up_(loop.on_signal(SIGHUP, [this] { arrive(cli::kDone); })),
        scope_(loop) {
    scope_.spawn(wait());
  }

  /// The connection has ended; ends the engine unless that is done.
  Async<cli::ExitCode> finish() {
    co_await scope_.stop();
    if (!shut_down_) co_await engine_.shut_down();
    co_return code_;
  }

 private:
  void arrive(cli::ExitCode code) {
    code_ = code;
    arrived_.notify();
  }

  Async<void> wait() {
    if (!(co_await arrived_.wait(scope_.token(), Deadline::never())).ok()) co_return;
    shut_down_ = true;
    co_await engine_.shut_down();
    connection_.finish();
    patience_ = loop_.call_after(kFlushPatience, [this] { connection_.cut(); });
  }

  runtime::Loop& loop_;
  EmbeddedEngine& engine_;
  gateways::sqeq::SqeqConnection& connection_;
  cli::ExitCode code_ = cli::kDone;
  bool shut_down_ = false;
  runtime::Signal arrived_;
  runtime::Timer interrupt_;
  runtime::Timer terminate_;
  runtime::Timer hang_up_;
  runtime::Timer patience_;
  runtime::Scope scope_;
};

}  // namespace

Async<Result<cli::ExitCode>> serve_stdio(StdioServer server) {
  runtime::Loop& loop = server.loop;
  CO_TRY(const auto engine,
         EmbeddedEngine::create(loop, server.environment, {.embedded = true}, std::move(server.version)));
  base::SystemRandom random;
  gateways::sqeq::SqeqConnection connection(loop, engine->fs_pool(),
                                            engine->engine().connect(base::short_id("proto", random)),
                                            runtime::ByteStream::of_descriptors(loop, server.in_fd, server.out_fd));
  Stop stop(loop, *engine, connection);
  co_await connection.serve();
  co_return co_await stop.finish();
}

}  // namespace lathe::apps
