#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lathe/apps/chain_transport.h"
#include "lathe/apps/daemon_process.h"
#include "lathe/apps/daemon_reach.h"
#include "lathe/apps/daemon_server.h"
#include "lathe/apps/embedded_engine.h"
#include "lathe/apps/embedded_transport.h"
#include "lathe/apps/policy_transport.h"
#include "lathe/apps/sandbox_control.h"
#include "lathe/apps/session_check.h"
#include "lathe/apps/standard_descriptors.h"
#include "lathe/apps/stdio_server.h"
#include "lathe/base/ids.h"
#include "lathe/cli/main.h"
#include "lathe/runtime/loop.h"

// The program `lathe`: gives the command line a way to an engine, and the process's exit code.

namespace {

constexpr const char* kVersion = LATHE_VERSION;

/// A rule file and recordings are this process's own.
bool may_use_daemon(const lathe::client::OpenOptions& options) {
  return !options.embedded && options.policy_file.empty() && options.record_path.empty() && options.replay_path.empty();
}

using OpenResult = lathe::base::Result<std::unique_ptr<lathe::client::Transport>>;

lathe::runtime::Async<OpenResult> open_engine(lathe::cli::Frontend* frontend, lathe::client::OpenOptions options) {
  using namespace lathe::apps;  // NOLINT(google-build-using-namespace)
  if (options.only_chains) co_return std::make_unique<ChainTransport>();
  if (options.only_policy) co_return PolicyTransport::create(frontend->loop, frontend->environment, options);
  if (may_use_daemon(options)) {
    CO_TRY(auto transport, co_await reach_daemon(&frontend->loop, frontend->daemon, &frontend->environment, kVersion));
    if (transport) co_return transport;
  }
  CO_TRY(auto engine, EmbeddedEngine::create(frontend->loop, frontend->environment, options, kVersion));
  lathe::base::SystemRandom random;
  co_return std::make_unique<EmbeddedTransport>(std::move(engine), lathe::base::short_id("cli", random));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace lathe::apps;  // NOLINT(google-build-using-namespace)
  open_standard_descriptors();
  lathe::runtime::Loop loop;
  lathe::runtime::name_this_thread("lathe");
  lathe::cli::Frontend frontend{.loop = loop,
                                .open = {},
                                .check_data_root = {},
                                .check_collector = {},
                                .check_sessions = {},
                                .open_sandbox = {},
                                .serve_stdio = {},
                                .daemon = nullptr,
                                .environment = lathe::config::Environment::of_process(),
                                .version = kVersion,
                                .leave_now = [](int code) { ::_exit(code); }};
  const auto daemon = make_daemon_control(
      loop, frontend.environment, {.serve = [&](std::string listen) {
        return serve_clients(
            {.loop = loop, .environment = frontend.environment, .version = kVersion, .listen = std::move(listen)});
      }});
  frontend.daemon = daemon.get();
  frontend.open = [&](lathe::client::OpenOptions options) { return open_engine(&frontend, std::move(options)); };
  frontend.open_sandbox = [&] { return make_sandbox_control(loop, frontend.environment); };
  frontend.serve_stdio = [&] {
    return serve_stdio({.loop = loop,
                        .environment = frontend.environment,
                        .version = kVersion,
                        .in_fd = frontend.in_fd,
                        .out_fd = frontend.out_fd});
  };
  frontend.check_collector = [&] { return check_collector(&loop, frontend.environment); };
  frontend.check_metrics = [&](std::string address) { return check_metrics(&loop, std::move(address)); };
  frontend.check_data_root = [&] { return check_data_root(frontend.environment); };
  frontend.check_sessions = [&](lathe::client::ReadStreams which) {
    return check_sessions(frontend.environment, which);
  };
  return lathe::cli::run(std::vector<std::string>(argv + 1, argv + argc), frontend);
}
