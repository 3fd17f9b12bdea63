#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/apps/daemon_connector.h"
#include "lathe/apps/daemon_process.h"
#include "lathe/apps/listen_address.h"
#include "lathe/apps/standard_descriptors.h"
#include "lathe/base/json.h"
#include "lathe/cli/main.h"
#include "lathe/gateways/grpc/grpc_server.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/loop.h"

// The program `lathe-grpc`: the daemon's sessions over gRPC, which only it needs. It knows no session and no token, and
// ends at once: whatever its clients had begun goes on in the daemon.

namespace {

using lathe::base::Error;
using lathe::base::Result;
using lathe::runtime::Async;
using lathe::runtime::Loop;

constexpr std::string_view kHelp =
    R"(lathe-grpc: Lathe's sessions over gRPC (HTTP/2, unencrypted, for programs of this machine)

usage: lathe-grpc [--listen ADDRESS]

  --listen ADDRESS  where clients are taken: an address of this machine (default 127.0.0.1:0; port 0: any free one)
  --version         prints the version
  --help            prints this

Finds the daemon, or starts it, prints {"listen":"127.0.0.1:PORT"} and serves until SIGTERM or Ctrl-C. A call of
lathe.v1.Connect/Frames is one client, with a token of `lathe daemon token create`.
)";

/// How long the end may take, whatever clients and the daemon do.
constexpr lathe::base::Millis kEndPatience{2'500};

struct Options {
  std::string listen = "127.0.0.1:0";
  /// Printed instead of serving.
  std::string print = {};
};

Result<Options> read_options(const std::vector<std::string>& args) {
  Options options;
  for (std::size_t i = 0; i < args.size(); ++i) {
    constexpr std::string_view kListen = "--listen";
    const std::string_view word = args[i];
    if (word == "--help" || word == "-h") {
      options.print = kHelp;
    } else if (word == "--version") {
      options.print = "lathe-grpc " LATHE_VERSION "\n";
    } else if (word == kListen && i + 1 < args.size()) {
      options.listen = args[++i];
    } else if (word.starts_with(kListen) && word.substr(kListen.size()).starts_with('=')) {
      options.listen = word.substr(kListen.size() + 1);
    } else {
      return Error{.code = lathe::base::codes::kInvalid,
                   .message = "\"" + std::string(word) + "\" is not understood",
                   .hint = "lathe-grpc --help"};
    }
  }
  return options;
}

/// `lathe` lies beside this program.
Result<std::string> daemon_program() {
  TRY(const std::string self, lathe::runtime::real_path("/proc/self/exe"));
  return self.substr(0, self.rfind('/')) + "/lathe";
}

/// Each connection is a descriptor, and each call another one. What the system forbids to raise stays.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

/// What ends the program; the last resort is to leave it.
class Stop final {
 public:
  explicit Stop(Loop& loop)
      : loop_(loop),
        terminate_(loop.on_signal(SIGTERM, [this] { arrive(); })),
        interrupt_(loop.on_signal(SIGINT, [this] { arrive(); })),
        hang_up_(loop.on_signal(SIGHUP, [this] { arrive(); })) {}
  [[nodiscard]] lathe::runtime::CancelToken token() const { return source_.token(); }

 private:
  void arrive() {
    source_.cancel(lathe::runtime::cancelled_error("lathe-grpc ends"));
    patience_ = loop_.call_after(kEndPatience, [] { ::_exit(0); });
  }

  Loop& loop_;
  lathe::runtime::CancelSource source_;
  lathe::runtime::Timer patience_;
  lathe::runtime::Timer terminate_;
  lathe::runtime::Timer interrupt_;
  lathe::runtime::Timer hang_up_;
};

Async<Result<void>> serve(Loop* loop, Options options) {
  CO_TRY(const lathe::runtime::TcpAddress address, lathe::apps::listen_address(options.listen));
  CO_TRY(std::string program, daemon_program());
  const Stop stop(*loop);
  const auto environment = lathe::config::Environment::of_process();
  const auto control = lathe::apps::make_daemon_control(*loop, environment, {.path = std::move(program)});
  lathe::apps::DaemonConnector daemon(*loop, *control, environment);
  // What keeps it from being reached is told to whoever starts this, not to each client.
  CO_TRY_OK(co_await daemon.connect());
  CO_TRY(auto listener, lathe::runtime::TcpListener::create(*loop, address));
  const lathe::base::Json line{{"listen", listener->address().text()}};
  CO_TRY(const auto server,
         lathe::gateways::grpc::GrpcServer::create({.loop = *loop, .connect = [&daemon] { return daemon.connect(); }},
                                                   std::move(listener)));
  print(lathe::base::dump_json(line) + "\n");
  co_await server->serve(stop.token());
  co_return Result<void>();
}

int failed(const Error& error) {
  std::fprintf(stderr, "lathe-grpc: %s\n", error.text().c_str());
  const bool mistyped = error.code == lathe::base::codes::kInvalid || error.code == lathe::base::codes::kUnsupported;
  return mistyped ? lathe::cli::kUsage : lathe::cli::kBroken;
}

}  // namespace

int main(int argc, char** argv) {
  lathe::apps::open_standard_descriptors();
  auto options = read_options(std::vector<std::string>(argv + 1, argv + argc));
  if (!options.ok()) return failed(options.error());
  if (!options->print.empty()) {
    print(options->print);
    return lathe::cli::kDone;
  }
  raise_descriptor_limit();
  Loop loop;
  lathe::runtime::name_this_thread("lathe-grpc");
  const Result<void> served = loop.block_on(serve(&loop, *std::move(options)));
  return served.ok() ? lathe::cli::kDone : failed(served.error());
}
