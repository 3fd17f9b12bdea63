#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/config/config.h"
#include "lathe/ports/catalog.h"
#include "lathe/ports/command_runner.h"
#include "lathe/ports/job_runner.h"
#include "lathe/ports/session_host.h"
#include "lathe/ports/tool.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/common/secret_guard.h"
#include "lathe/tools/web/web_client.h"

namespace lathe::apps {

/// What the tools of a session stand on; it outlives them.
struct SessionToolParts {
  runtime::Pool& pool;
  const config::Config& config;
  const tools::common::SecretGuard& secrets;
  ports::CommandRunner& runner;
  ports::JobRunner& jobs;
  tools::web::WebClient& web;
  ports::Catalog& catalog;
  /// Null: the session may have no sub-agents.
  ports::SessionHost* agents = nullptr;
  /// What commands see of it, as "NAME=value".
  std::vector<std::string> environment;
  /// Of the client, for files that tools make; absent: this process's own.
  std::optional<unsigned> file_mode_mask = std::nullopt;
};

/// Every tool that a session of a person has.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_session_tools(const SessionToolParts& parts);

}  // namespace lathe::apps
