#include "lathe/keeper/piped_command.h"

#include <array>
#include <memory>
#include <utility>

namespace lathe::keeper {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

constexpr std::size_t kChunkBytes = 64U << 10;
/// How long the keeper may take to end a tree that it was told to end; more than it needs at most.
constexpr std::chrono::seconds kTreeEndPatience{10};

/// Hands on what a process writes, in the order in which the keeper tells of it.
struct Follower {
  Client* client;
  Process* process;
  std::function<void(Output, std::string_view)> on_output;
  runtime::Signal ended;
  std::array<std::uint64_t, 2> taken;

  void on_change() {
    bool more = false;
    for (const Output output : {Output::kStdout, Output::kStderr}) more = take(output) || more;
    if (process->end()) {
      ended.notify();
    } else if (more) {
      client->took(*process, taken[0], taken[1]);
    }
  }
  bool take(Output output) {
    std::uint64_t& at = taken[static_cast<std::size_t>(output)];
    const std::uint64_t before = at;
    while (at < process->total(output)) {
      const Process::Piece piece = process->read(output, at, kChunkBytes);
      if (piece.bytes.empty()) break;
      on_output(output, piece.bytes);
      at = piece.from + piece.bytes.size();
    }
    return at != before;
  }
};

}  // namespace

Async<Result<Exit>> follow(runtime::Loop& loop, Client& client, std::shared_ptr<Process> process,
                           std::function<void(Output, std::string_view)> on_output, CancelToken cancel) {
  Follower follower{.client = &client,
                    .process = process.get(),
                    .on_output = std::move(on_output),
                    .ended = runtime::Signal(loop),
                    .taken = {process->taken(Output::kStdout), process->taken(Output::kStderr)}};
  process->set_on_change([&follower] { follower.on_change(); });
  follower.on_change();
  auto waited = co_await follower.ended.wait(cancel, Deadline::never());
  if (!waited.ok()) {
    client.kill(*process);
    waited = co_await follower.ended.wait(CancelToken(), Deadline::after(loop, kTreeEndPatience));
  }
  process->set_on_change({});
  if (!process->end()) {
    co_return Error{.code = base::codes::kUnavailable, .message = "the keeper does not answer"};
  }
  const Result<Exit> end = *process->end();
  client.forget(*process);
  co_return end;
}

Async<Result<Exit>> run_piped(runtime::Loop& loop, Client& client, PipedCommand piped, CancelToken cancel) {
  if (cancel.cancelled()) co_return cancel.reason();
  CO_TRY(std::shared_ptr<Process> process, client.start(std::move(piped.command)));
  co_return co_await follow(loop, client, std::move(process), std::move(piped.on_output), std::move(cancel));
}

}  // namespace lathe::keeper
