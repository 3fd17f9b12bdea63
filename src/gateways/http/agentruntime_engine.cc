#include "lathe/gateways/http/agentruntime_engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/gateways/http/error_status.h"
#include "lathe/protocol/http_payloads.h"
#include "lathe/protocol/record.h"
#include "lathe/protocol/text_size.h"

namespace lathe::gateways::http {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

/// Between two pages others get their turn on the loop.
constexpr std::int64_t kPageRecords = 200;
constexpr unsigned kOverLimit = 503;
/// Of a frame that a request stands for; nobody sees it.
constexpr const char* kFrameId = "1";

}  // namespace

net::OutgoingResponse agentruntime_error(const Error& error) {
  const unsigned status = error.code == base::codes::kLimit ? kOverLimit : error_response(error).status;
  return {.status = status,
          .body = protocol::payload_text(
              protocol::AgentruntimeError{.error = error.text(), .code = error.code, .retryable = error.retryable})};
}

Async<Result<protocol::ReplyMsg>> AgentruntimeEngine::ask(protocol::Call call) {
  protocol::CallFrame frame{.id = kFrameId, .call = std::move(call)};
  CO_TRY_OK(protocol::check_scopes(scopes_, frame));
  co_return co_await connection_->call(std::move(frame.call));
}

Async<Result<protocol::Ack>> AgentruntimeEngine::submit(std::string session, protocol::Op op, std::string prefix) {
  protocol::Submission frame{.id = base::short_id(prefix, random_), .session = std::move(session), .op = std::move(op)};
  CO_TRY_OK(protocol::check_scopes(scopes_, frame));
  co_return co_await connection_->submit(std::move(frame.session), std::move(frame.op), std::move(frame.id));
}

Async<Result<protocol::SessionGetReply>> AgentruntimeEngine::get(std::string session) {
  // session_get also takes the start of an id, and "last".
  if (!base::is_uuid(session)) {
    co_return Error{.code = base::codes::kNotFound, .message = fmt::format("no session \"{}\"", session)};
  }
  co_return co_await call(protocol::SessionGet{.session = std::move(session)});
}

Async<Result<protocol::SessionInfo>> AgentruntimeEngine::find(std::string session) {
  CO_TRY(protocol::SessionGetReply reply, co_await get(std::move(session)));
  co_return std::move(reply.session);
}

Async<Result<std::string>> AgentruntimeEngine::add_to_log(AgentruntimeRead* read, const std::string* line) {
  const auto add = [read, line]() -> Result<std::string> {
    TRY(const protocol::Event record, protocol::decode_record(*line));
    read->last_seq = record.seq.value_or(read->last_seq);
    return read->log.add(record);
  };
  if (line->size() <= protocol::kLongTextBytes) co_return add();
  co_return co_await parsing_.run(add);
}

Async<Result<AgentruntimeRead>> AgentruntimeEngine::read_log(std::string session, std::int64_t from) {
  AgentruntimeMarks::Mark mark = marks_.before(session, from);
  AgentruntimeRead read{.log = std::move(mark.log), .bytes = {}, .last_seq = mark.seq};
  while (true) {
    CO_TRY(const protocol::SessionExportReply page,
           co_await call(protocol::SessionExport{.session = session, .since = read.last_seq, .limit = kPageRecords}));
    for (const std::string& line : page.records) {
      const std::int64_t begin = read.log.size();
      CO_TRY(const std::string lines, co_await add_to_log(&read, &line));
      if (read.log.size() <= from) continue;
      const auto skipped = static_cast<std::size_t>(std::max<std::int64_t>(from - begin, 0));
      if (skipped > 0) read.at_line_start = lines[skipped - 1] == '\n';
      read.bytes.append(lines, skipped);
    }
    if (read.last_seq > 0) marks_.keep(session, read.log, read.last_seq);
    if (page.next == 0) break;
  }
  if (from <= read.log.size() || from == kLogEnd) co_return read;
  co_return Error{.code = base::codes::kInvalid,
                  .message = fmt::format("the log has {} bytes, and {} is behind its end", read.log.size(), from),
                  .hint = "the cursor or offset of the last answer"};
}

Async<Result<AgentruntimeStanding>> AgentruntimeEngine::standing(std::string session) {
  CO_TRY(const AgentruntimeRead whole, co_await read_log(std::move(session), kLogEnd));
  co_return whole.log.standing();
}

}  // namespace lathe::gateways::http
