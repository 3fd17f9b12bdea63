#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "lathe/base/unique_fd.h"
#include "lathe/testing/model_server/server.h"

namespace {

using lathe::base::Result;
using lathe::base::UniqueFd;
using lathe::testing::Script;
using lathe::testing::ScriptedModelServer;

Result<Script> read_script(const std::string& path) {
  std::ifstream file(path);
  if (!file) return lathe::base::errno_error(errno, path);
  std::stringstream text;
  text << file.rdbuf();
  return lathe::testing::parse_script(text.str()).within(path);
}

/// Blocked before any thread starts, so that only the descriptor gets them.
UniqueFd termination_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC));
}

void wait_for_end(const UniqueFd& signals, bool watch_stdin) {
  pollfd watched[2] = {{.fd = signals.get(), .events = POLLIN},
                       {.fd = watch_stdin ? STDIN_FILENO : -1, .events = POLLIN}};
  while (::poll(watched, 2, -1) >= 0 || errno == EINTR) {
    if (watched[0].revents != 0) return;
    char buffer[4096];
    if (watched[1].revents != 0 && ::read(STDIN_FILENO, buffer, sizeof buffer) <= 0) return;
  }
}

int fail(const lathe::base::Error& error) {
  std::cerr << "lathe-model-server: " << error.text() << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Answers by script on every model provider's wire (testing/model_server/README.md).");
  std::string script_path;
  std::size_t turns = 0;
  std::size_t deltas = 0;
  lathe::testing::ServerOptions options;
  bool until_stdin_closes = false;
  app.add_option("--port", options.port, "port on 127.0.0.1; 0: any free one");
  app.add_option("--log", options.log_path, "append every request to this file as a line of JSON");
  CLI::Option* script_option = app.add_option("--script", script_path, "the script, a JSON file");
  CLI::Option* turns_option = app.add_option("--turns", turns, "shell calls per conversation, before the text");
  app.add_option("--deltas", deltas, "text deltas at the end of each conversation")->needs(turns_option);
  turns_option->excludes(script_option);
  app.add_flag("--until-stdin-closes", until_stdin_closes, "end when stdin ends");
  CLI11_PARSE(app, argc, argv);

  const UniqueFd signals = termination_signals();
  Result<Script> script = script_path.empty() ? lathe::testing::bench_script(turns, deltas) : read_script(script_path);
  if (!script.ok()) return fail(script.error());
  const auto server = ScriptedModelServer::start(*std::move(script), options);
  if (!server.ok()) return fail(server.error());
  std::printf("{\"port\":%d}\n", static_cast<int>((*server)->port()));
  std::fflush(stdout);
  wait_for_end(signals, until_stdin_closes);
  return 0;
}
