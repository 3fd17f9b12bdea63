#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/change_targets.h"
#include "lathe/protocol/events.h"

namespace lathe::ports {

/// "exec:" and everything that makes the command what was approved, as JSON.
[[nodiscard]] inline std::string exec_grant_key(const protocol::ExecApprovalRequest& exec) {
  base::Json key;
  key["command"] = exec.command;
  key["cwd"] = exec.cwd;
  if (exec.input) key["stdin"] = *exec.input;
  if (exec.terminal) key["tty"] = true;
  if (exec.background) key["background"] = true;
  if (exec.timeout_ms) key["timeout_ms"] = *exec.timeout_ms;
  if (!exec.environment.empty()) key["env"] = exec.environment;
  for (const protocol::BoundFile& file : exec.files) key["files"][file.path] = file.sha256;
  return (exec.outside_sandbox ? "exec-outside:" : "exec:") + base::dump_json(key);
}

/// Canonical keys that an approval for the session grants, from the event that asked: the exact argv with its folder,
/// input, terminal, time and files, each file that changes, by where its path leads, or the tool with its exact
/// arguments and what it opens.
/// Whoever asks the same again needs all of its keys.
[[nodiscard]] inline std::vector<std::string> grant_keys(const protocol::EventMsg& request) {
  if (const auto* exec = std::get_if<protocol::ExecApprovalRequest>(&request)) {
    return {exec_grant_key(*exec)};
  }
  if (const auto* patch = std::get_if<protocol::ApplyPatchApprovalRequest>(&request)) {
    std::vector<std::string> keys;
    // Records of earlier versions do not tell where the paths lead.
    const bool told = !patch->paths.empty();
    for (const std::string& path : told ? patch->paths : protocol::written_paths(patch->changes)) {
      keys.push_back("file:" + path);
    }
    return keys;
  }
  if (const auto* tool = std::get_if<protocol::ApprovalRequest>(&request)) {
    const auto arguments = base::parse_json(tool->arguments);
    std::string key = "tool:" + tool->tool + "\x1f" + (arguments.ok() ? base::dump_json(*arguments) : tool->arguments);
    for (const std::string& path : tool->paths) key += "\x1f" + path;
    return {std::move(key)};
  }
  return {};
}

}  // namespace lathe::ports
