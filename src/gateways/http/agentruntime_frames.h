#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/gateways/http/agentruntime_engine.h"
#include "lathe/gateways/http/agentruntime_log.h"
#include "lathe/protocol/ops.h"

// What goes over agentruntime's two WebSockets (agentruntime "Daemon WebSocket bridge", "WS Protocol"). Both carry a
// session's log; they differ in what is around it. Pure.

namespace lathe::gateways::http {

/// What a client says.
struct AgentruntimeCommand {
  /// Nothing for a ping, and for the size of a terminal, which there is none of.
  std::optional<protocol::Op> op;
  bool is_ping = false;
};

/// A frame of either socket, in the spelling of either: text as `data` or as its `content`, names as filePath or
/// file_path. `stdin`, `prompt` and `steer` say something: to the Task that runs, else in a new one. `invalid` with
/// what is wrong.
[[nodiscard]] base::Result<AgentruntimeCommand> parse_agentruntime_command(std::string_view text);

/// The messages of one socket.
class AgentruntimeFrames {
 public:
  using Messages = std::vector<std::string>;
  virtual ~AgentruntimeFrames() = default;
  /// The beginning: what was there when the client came, and that it is connected.
  virtual Messages start(const std::string& session, const AgentruntimeRead& read) = 0;
  /// Whole lines that come now, and where the log ends after them.
  virtual Messages lines(std::string_view lines, std::int64_t log_size) = 0;
  virtual Messages pong() = 0;
  virtual Messages error(const base::Error& error, const AgentruntimeLog& log, base::UnixMillis now) = 0;
  /// The session has ended; the last messages.
  virtual Messages exit(const AgentruntimeExit& exit, const AgentruntimeLog& log, base::UnixMillis now) = 0;
};

/// `/ws/sessions/ID`: replay {data: base64, offset}, connected, stdout {data, offset}, pong, error, exit.
[[nodiscard]] std::unique_ptr<AgentruntimeFrames> bridge_frames();
/// `/ws/sessions/ID/events`: the lines of the log themselves, each a message.
[[nodiscard]] std::unique_ptr<AgentruntimeFrames> event_frames();

}  // namespace lathe::gateways::http
