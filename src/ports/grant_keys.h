#pragma once

#include <string>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/protocol/events.h"

namespace lathe::ports {

/// Canonical keys that an approval for the session grants, from the event that asked: the exact argv with its folder,
/// each file, or the tool with its exact arguments. Whoever asks the same again needs all of its keys.
[[nodiscard]] inline std::vector<std::string> grant_keys(const protocol::EventMsg& request) {
  if (const auto* exec = std::get_if<protocol::ExecApprovalRequest>(&request)) {
    const char* where = exec->outside_sandbox ? "exec-outside:" : "exec:";
    return {where + exec->cwd + "\x1f" + base::join(exec->command, "\x1f")};
  }
  if (const auto* patch = std::get_if<protocol::ApplyPatchApprovalRequest>(&request)) {
    std::vector<std::string> keys;
    for (const protocol::FileChange& change : patch->changes) {
      keys.push_back("file:" + change.path);
      if (!change.move_path.empty()) keys.push_back("file:" + change.move_path);
    }
    return keys;
  }
  if (const auto* tool = std::get_if<protocol::ApprovalRequest>(&request)) {
    const auto arguments = base::parse_json(tool->arguments);
    return {"tool:" + tool->tool + "\x1f" + (arguments.ok() ? base::dump_json(*arguments) : tool->arguments)};
  }
  return {};
}

}  // namespace lathe::ports
