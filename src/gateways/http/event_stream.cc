#include "lathe/gateways/http/event_stream.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <utility>

namespace lathe::gateways::http {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

/// So often something is sent, for proxies and for noticing that nobody is there.
constexpr base::Millis kQuiet{10'000};
constexpr std::string_view kQuietPiece = ": nothing new\n\n";

/// Lines may have megabytes, so each is copied once.
void append_event(std::string& pieces, const engine::Delivered& delivered) {
  if (delivered.event->seq) pieces += fmt::format("id: {}\n", *delivered.event->seq);
  pieces += fmt::format("event: {}\ndata: ", protocol::type_of(delivered.event->msg));
  pieces += *delivered.line;
  pieces += "\n\n";
}

}  // namespace

Result<std::int64_t> first_seq(const net::IncomingRequest& request) {
  std::string_view text = request.parameter("since").value_or("0");
  if (const std::string_view last = request.header("last-event-id"); !last.empty()) text = last;
  std::int64_t seq = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq);
  if (error == std::errc() && end == text.data() + text.size() && seq >= -1) return seq;
  return Error{.code = base::codes::kInvalid,
               .message = fmt::format("\"{}\" is no place in a session's events", text),
               .hint = "the seq of the last event that was seen; 0: everything, -1: only new ones"};
}

Async<void> send_events(runtime::Loop& loop, engine::Connection& engine, net::HttpConnection& connection,
                        CancelToken cancel) {
  net::OutgoingResponse head{.content_type = "text/event-stream", .headers = {{"cache-control", "no-store"}}};
  if (!(co_await connection.begin_stream(std::move(head), cancel)).ok()) co_return;
  while (!connection.peer_gone()) {
    const auto events = co_await engine.events(cancel, Deadline::after(loop, kQuiet));
    if (!events.ok() && events.error().code != base::codes::kTimeout) break;
    std::string pieces(events.ok() ? "" : kQuietPiece);
    bool last = false;
    if (events.ok()) {
      for (const engine::Delivered& event : *events) append_event(pieces, event);
      // Nothing comes any more once it lags, or its session is closed.
      const protocol::EventMsg& latest = events->back().event->msg;
      last = std::holds_alternative<protocol::Lagged>(latest) ||
             std::holds_alternative<protocol::ShutdownComplete>(latest);
    }
    if (!(co_await connection.send_piece(pieces, cancel)).ok()) co_return;
    if (last) break;
  }
  (void)co_await connection.end_stream(cancel);
}

}  // namespace lathe::gateways::http
