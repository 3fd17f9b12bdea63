#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "lathe/base/ids.h"
#include "lathe/base/result.h"
#include "lathe/engine/connection.h"
#include "lathe/gateways/http/agentruntime_log.h"
#include "lathe/gateways/http/agentruntime_marks.h"
#include "lathe/gateways/http/http_gateway.h"
#include "lathe/net/http_connection.h"
#include "lathe/protocol/frames.h"
#include "lathe/protocol/scopes.h"
#include "lathe/runtime/async.h"

namespace lathe::gateways::http {

/// {"error": text, "code", "retryable"} with the status that fits: agentruntime's is 503 for a limit that is reached.
[[nodiscard]] net::OutgoingResponse agentruntime_error(const base::Error& error);

/// Nothing of a log, wherever it ends.
inline constexpr std::int64_t kLogEnd = std::numeric_limits<std::int64_t>::max();

/// A session's log, as it is now.
struct AgentruntimeRead {
  AgentruntimeLog log;
  /// Of the log, what was asked for.
  std::string bytes;
  /// Whether it begins where a line does.
  bool at_line_start = true;
  /// The last record in it.
  std::int64_t last_seq = 0;
};

/// A client of the engine that asks only for what a token allows. It answers no questions: agentruntime has no word for
/// one. Loop thread.
class AgentruntimeEngine final {
 public:
  AgentruntimeEngine(const HttpParts& parts, protocol::Scopes scopes)
      : connection_(parts.connect(std::string(kAgentruntimeClient))),
        scopes_(scopes),
        parsing_(parts.parsing),
        random_(parts.random),
        marks_(*parts.marks) {
    connection_->only_listens();
  }

  template <class C>
  runtime::Async<base::Result<typename C::Reply>> call(C call) {
    CO_TRY(protocol::ReplyMsg reply, co_await ask(protocol::Call(std::move(call))));
    co_return std::get<typename C::Reply>(std::move(reply));
  }
  /// `prefix` begins the op's id.
  runtime::Async<base::Result<protocol::Ack>> submit(std::string session, protocol::Op op, std::string prefix = "op");

  /// By its whole id; `not_found` for anything else.
  runtime::Async<base::Result<protocol::SessionGetReply>> get(std::string session);
  runtime::Async<base::Result<protocol::SessionInfo>> find(std::string session);
  /// The log from a byte on; one that is behind its end is `invalid`, but for kLogEnd.
  runtime::Async<base::Result<AgentruntimeRead>> read_log(std::string session, std::int64_t from);
  /// Where a session stands at the end of its log.
  runtime::Async<base::Result<AgentruntimeStanding>> standing(std::string session);

  [[nodiscard]] engine::Connection& connection() { return *connection_; }

 private:
  runtime::Async<base::Result<protocol::ReplyMsg>> ask(protocol::Call call);
  /// Gives the lines that the record adds.
  runtime::Async<base::Result<std::string>> add_to_log(AgentruntimeRead* read, const std::string* line);

  const std::unique_ptr<engine::Connection> connection_;
  const protocol::Scopes scopes_;
  runtime::Pool& parsing_;
  base::Random& random_;
  /// Of the gateway.
  AgentruntimeMarks& marks_;
};

}  // namespace lathe::gateways::http
