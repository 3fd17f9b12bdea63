#pragma once

#include <map>
#include <string>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/events.h"

namespace lathe::cli {

/// Our events under the names and shapes of `codex exec --json`, for programs written against those. Pure. Nothing
/// passing is translated, so there are no deltas; calls of our tools appear as MCP calls of the server "lathe".
class CodexEvents final {
 public:
  /// The lines for one event, without newlines; often none.
  [[nodiscard]] std::vector<std::string> translate(const protocol::EventMsg& msg);

 private:
  struct Visitor;
  struct OpenItem {
    std::string id;
    base::Json body;
  };

  int next_item_ = 0;
  bool started_ = false;
  /// Items that were started, by call id.
  std::map<std::string, OpenItem> open_;
  /// Arguments of announced calls, by call id.
  std::map<std::string, std::string> arguments_;
  /// What a question showed of calls that may never begin, by call id.
  std::map<std::string, base::Json> asked_;
  /// The plan's item, once there is one in this turn.
  OpenItem plan_;
};

}  // namespace lathe::cli
