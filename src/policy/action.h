#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/items.h"

namespace lathe::policy {

/// In the order of strictness.
enum class Verdict { kAllow, kAsk, kDeny };
[[nodiscard]] std::string_view name_of(Verdict verdict);

/// What somebody wants done, with everything that rules look at. A value; nothing in it is looked up anywhere.
struct Action {
  enum class Kind { kCommand, kFileChange, kRead, kNetwork, kOther };
  Kind kind = Kind::kOther;
  /// The tool's name, and its arguments as an object.
  std::string tool;
  base::Json arguments = base::Json::object();
  /// kCommand: text for a shell, or a program with its arguments.
  std::string script = {};
  std::vector<std::string> argv = {};
  /// Absolute folders: where it happens, and the session's own.
  std::string cwd = {};
  std::string workspace = {};
  /// kCommand: the folder that "~" and $HOME stand for, by each of its names; absolute. Nothing where that is not
  /// known.
  std::vector<std::string> homes = {};
  /// Absolute.
  std::vector<std::string> paths = {};
  /// Of these, or where they lead: what is really opened. Nothing where that is not known.
  std::vector<std::string> opened = {};
  /// Canonical names of hosts that it reaches.
  std::vector<std::string> hosts = {};
  /// A person has named each of them as one that is reached unasked.
  bool hosts_are_named = false;
  /// The model asks that a person decide.
  bool ask_requested = false;
  /// The model asks that this command run outside the sandbox.
  bool outside_sandbox = false;
};

/// What the session is set to.
struct Circumstances {
  protocol::ApprovalPolicy approval = protocol::ApprovalPolicy::kOnRequest;
  protocol::SandboxMode mode = protocol::SandboxMode::kWorkspaceWrite;
  /// Absolute folders besides the working folder that tools may read unasked. Outlives the decision.
  std::span<const std::string> readable = {};
};

}  // namespace lathe::policy
