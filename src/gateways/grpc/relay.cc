#include "lathe/gateways/grpc/relay.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lathe/protocol/frames.h"

namespace lathe::gateways::grpc {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::Deadline;

namespace {

constexpr std::size_t kReadBytes = 64U << 10;
/// How long the daemon may take to say whether it takes the client.
constexpr base::Millis kIntroduction{10'000};
/// How long a client may take nothing, as over TCP.
constexpr base::Millis kWritePatience{30'000};

/// Whether the daemon has understood that another speaks.
Result<void> read_introduction(std::string_view line) {
  TRY(const protocol::ServerFrame answer, protocol::decode_server_frame(line));
  if (const auto* refused = std::get_if<protocol::ErrorFrame>(&answer)) return refused->error;
  const auto* reply = std::get_if<protocol::ReplyFrame>(&answer);
  const auto* hello = reply == nullptr ? nullptr : std::get_if<protocol::HelloReply>(&reply->reply);
  if (hello == nullptr) {
    return Error{.code = base::codes::kInternal, .message = "the daemon answered a hello with something else"};
  }
  if (std::ranges::find(hello->features, protocol::kRelayFeature) != hello->features.end()) return {};
  return Error{.code = base::codes::kUnsupported,
               .message = fmt::format("the daemon is version {} and takes no frames of others", hello->version),
               .hint = "lathe daemon restart"};
}

}  // namespace

Relay::Relay(runtime::Loop& loop, FrameStream& client, std::unique_ptr<runtime::ByteStream> daemon,
             const runtime::CancelToken& cancel)
    : loop_(loop),
      client_(client),
      daemon_(std::move(daemon)),
      buffer_(kReadBytes, '\0'),
      whole_(cancel),
      taking_(loop) {}

Async<Result<void>> Relay::run(std::string token) {
  CO_TRY_OK(co_await introduce(std::move(token)));
  taking_.spawn(take_from_client());
  Result<void> given = co_await give_to_client();
  whole_.cancel(runtime::cancelled_error("the stream has ended"));
  co_await taking_.join();
  if (fault_) co_return *std::move(fault_);
  co_return given;
}

Async<Result<void>> Relay::introduce(std::string token) {
  const Deadline deadline = Deadline::after(loop_, kIntroduction);
  const protocol::Hello hello{.client = "lathe-grpc", .token = std::move(token), .relayed = true};
  const std::string line =
      protocol::encode(protocol::ClientFrame(protocol::CallFrame{.id = "relay", .call = hello})) + "\n";
  // Where it turned the client away already, what it said of that is there to be read.
  const auto written = co_await daemon_->write(line, whole_.token(), deadline);
  CO_TRY(std::vector<std::string> answer, co_await next_lines(deadline));
  if (!answer.empty()) {
    Result<void> introduced = read_introduction(answer.front());
    answer.erase(answer.begin());
    early_ = std::move(answer);
    co_return introduced;
  }
  CO_TRY_OK(written);
  co_return Error{.code = base::codes::kUnavailable, .message = "the daemon has ended the connection"};
}

Async<void> Relay::take_from_client() {
  while (true) {
    auto frame = co_await client_.read(whole_.token());
    if (whole_.cancelled()) co_return;
    if (!frame.ok()) {
      fault_ = std::move(frame).error();
      whole_.cancel(*fault_);
      co_return;
    }
    if (!*frame) break;
    std::string line = **std::move(frame);
    // JSON that was laid out over lines; inside of a string there can be none.
    std::ranges::replace(line, '\n', ' ');
    line += '\n';
    // One that takes nothing more has ended, which give_to_client() meets behind what was said before.
    if (!(co_await daemon_->write(line, whole_.token(), Deadline::never())).ok()) co_return;
  }
  closed_ = true;
  daemon_->end_writing();
}

Async<Result<void>> Relay::give_to_client() {
  while (true) {
    std::vector<std::string> lines = std::exchange(early_, {});
    if (lines.empty()) {
      CO_TRY(lines, co_await next_lines(Deadline::never()));
    }
    if (lines.empty()) break;
    for (std::string& line : lines) {
      CO_TRY_OK(co_await client_.write(std::move(line), whole_.token(), Deadline::after(loop_, kWritePatience)));
    }
  }
  if (closed_) co_return Result<void>();
  co_return Error{.code = base::codes::kUnavailable, .message = "the daemon has ended the connection"};
}

Async<Result<std::vector<std::string>>> Relay::next_lines(Deadline deadline) {
  std::vector<std::string> lines;
  const net::OnLine on_line = [&lines](std::string_view line) { lines.emplace_back(line); };
  while (lines.empty()) {
    CO_TRY(const std::size_t got, co_await daemon_->read(buffer_, whole_.token(), deadline));
    if (got == 0) break;
    CO_TRY_OK(lines_.feed({buffer_.data(), got}, on_line));
  }
  co_return lines;
}

}  // namespace lathe::gateways::grpc
