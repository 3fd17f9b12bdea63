#include "lathe/keeper/piped_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "lathe/runtime/files.h"
#include "lathe/runtime/subprocess.h"

namespace lathe::keeper {

using base::Error;
using base::Result;
using base::UniqueFd;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

constexpr std::size_t kChunkBytes = 64U << 10;
constexpr std::chrono::milliseconds kDrain{500};

struct Done {};

/// One run: the command and its three pipes go on side by side. Lives in the frame of run_piped().
struct Run {
  runtime::Loop* loop;
  Client* client;
  std::function<void(Output, std::string_view)> on_output;
  /// Ends the pipes that something outside the tree still holds.
  runtime::CancelSource give_up_pipes = {};
  runtime::Timer drain = {};
  Result<Exit> exit = Exit{};

  Async<Done> command(Command what, Stdio stdio, CancelToken cancel) {
    exit = co_await client->run(std::move(what), std::move(stdio), std::move(cancel));
    drain = loop->call_after(kDrain, [this] { give_up_pipes.cancel(runtime::cancelled_error("the command ended")); });
    co_return Done{};
  }

  Async<Done> read(UniqueFd fd, Output output) {
    runtime::FdWatch watch(*loop, fd.get());
    std::vector<char> buffer(kChunkBytes);
    while (true) {
      const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
      if (got > 0) {
        on_output(output, {buffer.data(), static_cast<std::size_t>(got)});
        co_await loop->yield();
        if (give_up_pipes.cancelled()) co_return Done{};
      } else if (got < 0 && errno == EAGAIN) {
        if (!(co_await watch.readable(give_up_pipes.token(), Deadline::never())).ok()) co_return Done{};
      } else if (got == 0 || errno != EINTR) {
        co_return Done{};
      }
    }
  }

  Async<Done> feed(UniqueFd fd, std::string input) {
    runtime::FdWatch watch(*loop, fd.get());
    std::string_view left = input;
    while (!left.empty()) {
      const ssize_t put = ::write(fd.get(), left.data(), left.size());
      if (put >= 0) {
        left.remove_prefix(static_cast<std::size_t>(put));
      } else if (errno == EAGAIN) {
        if (!(co_await watch.writable(give_up_pipes.token(), Deadline::never())).ok()) break;
      } else if (errno != EINTR) {
        break;  // it does not want the rest
      }
    }
    co_return Done{};
  }
};

}  // namespace

Async<Result<Exit>> run_piped(runtime::Loop& loop, Client& client, PipedCommand piped, CancelToken cancel) {
  CO_TRY(runtime::Pipe out, runtime::make_pipe());
  CO_TRY(runtime::Pipe err, runtime::make_pipe());
  CO_TRY_OK(runtime::set_nonblocking(out.read_end.get()));
  CO_TRY_OK(runtime::set_nonblocking(err.read_end.get()));
  Stdio stdio{.out = std::move(out.write_end), .err = std::move(err.write_end)};
  UniqueFd input;
  if (piped.input) {
    CO_TRY(runtime::Pipe in, runtime::make_pipe());
    CO_TRY_OK(runtime::set_nonblocking(in.write_end.get()));
    stdio.in = std::move(in.read_end);
    input = std::move(in.write_end);
  } else {
    CO_TRY(stdio.in, runtime::open_file("/dev/null", O_RDONLY));
  }

  Run run{.loop = &loop, .client = &client, .on_output = std::move(piped.on_output)};
  std::vector<Async<Done>> parts;
  parts.push_back(run.command(std::move(piped.command), std::move(stdio), std::move(cancel)));
  parts.push_back(run.read(std::move(out.read_end), Output::kStdout));
  parts.push_back(run.read(std::move(err.read_end), Output::kStderr));
  if (piped.input) parts.push_back(run.feed(std::move(input), *std::move(piped.input)));
  co_await runtime::when_all(std::move(parts));
  co_return std::move(run.exit);
}

}  // namespace lathe::keeper
