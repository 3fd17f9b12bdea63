#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/config/config.h"
#include "lathe/egress/resolver.h"
#include "lathe/net/http_client.h"
#include "lathe/ports/tool.h"
#include "lathe/protocol/items.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::apps {

/// Tells what a call of a tool would do, without a session: by the same names, arguments and tools as in one, of which
/// none is ever run. So what is decided about it is what the gate would decide. Loop thread.
class CallReader final {
 public:
  /// All outlive it.
  struct Parts {
    runtime::Loop& loop;
    runtime::Pool& pool;
    net::HttpClient& http;
    egress::Resolver& resolver;
    const config::Config& config;
    const tools::common::SecretGuard& secrets;
  };
  explicit CallReader(const Parts& parts);
  CallReader(const CallReader&) = delete;
  CallReader& operator=(const CallReader&) = delete;
  ~CallReader();

  /// `cwd` is absolute. `not_found` with the nearest name for a tool that there is none of; else the error with which
  /// the call would fail before anything is decided about it.
  runtime::Async<base::Result<ports::Action>> read(protocol::ToolCall call, std::string cwd);

 private:
  /// A session in which nothing runs.
  struct Idle;

  const std::unique_ptr<Idle> idle_;
  const std::vector<std::unique_ptr<ports::Tool>> tools_;
};

}  // namespace lathe::apps
