#pragma once

#include <memory>
#include <vector>

#include "lathe/agent/native_driver.h"
#include "lathe/apps/cassette_deck.h"
#include "lathe/apps/session_network.h"
#include "lathe/apps/session_sandbox.h"
#include "lathe/config/config.h"
#include "lathe/egress/resolver.h"
#include "lathe/engine/parts.h"
#include "lathe/net/http_client.h"
#include "lathe/ports/project_facts.h"
#include "lathe/runtime/scope.h"
#include "lathe/tools/common/secret_guard.h"
#include "lathe/tools/shell/keeper_command_runner.h"
#include "lathe/tools/shell/keeper_jobs.h"
#include "lathe/tools/shell/keeper_set.h"
#include "lathe/tools/web/web_client.h"

namespace lathe::apps {

/// The native driver of one session with what belongs to it alone: its tools and its keeper.
class NativeSession final : public ports::Driver, private tools::shell::JobObserver {
 public:
  struct Shared {
    runtime::Loop& loop;
    runtime::Pool& fs_pool;
    net::HttpClient& http;
    egress::Resolver& resolver;
    ports::BlobStore& blobs;
    ports::ProjectFacts& facts;
    ports::Catalog& catalog;
    const config::Config& config;
    CassetteDeck& cassette;
    const SandboxSetup& sandbox;
    const sandbox::HostFacts& host;
    /// Folder for the keepers of all sessions; each has its own below.
    std::string keepers_dir;
    /// Folder for the sockets of egress proxies.
    std::string proxies_dir;
    /// Keeps secrets from the file tools.
    const tools::common::SecretGuard& secrets;
    /// What no record and no blob may hold.
    std::function<std::vector<std::string>()> keys;
  };
  NativeSession(const Shared& shared, const engine::DriverSetup& setup);
  ~NativeSession() override;

  runtime::Async<ports::TaskEnd> run(ports::TaskRequest request, ports::TaskHost& host,
                                     runtime::CancelToken cancel) override;
  runtime::Async<std::vector<protocol::EventMsg>> recover(const ports::SessionState& state) override;
  runtime::Async<base::Result<void>> type(std::string job, std::string text) override;
  base::Result<void> resize(const std::string& job, std::int64_t columns, std::int64_t rows) override;
  [[nodiscard]] std::size_t keepers() const override { return keepers_.alive(); }
  runtime::Async<void> stop() override;
  runtime::Async<void> leave() override;

 private:
  runtime::Async<std::vector<protocol::EventMsg>> take_over(ports::SessionState state);
  /// The driver's part of a Task. On a cassette, all that follows in it from the ends of recorded agents.
  runtime::Async<ports::TaskEnd> run_on_cassette(ports::TaskRequest request, ports::TaskHost& host,
                                                 runtime::CancelToken cancel);
  /// What a job tells of itself, on the cassette too.
  void record_of_job(protocol::EventMsg msg);
  void job_begins(Start start) override;
  void job_ended() override;
  /// A job has begun or ended. What it changed is its Task's doing, which undo takes back.
  void jobs_changed();
  /// Once a job has ended and no command of a Task may run: what changed until now is theirs.
  runtime::Async<void> keep_changes();

  const std::string session_id_;
  ports::WorkspaceHistory* const history_;
  const ports::RecordEvent record_;
  const bool is_agent_;
  CassetteDeck& cassette_;
  /// The project's own home is open to it.
  const tools::common::SecretGuard secrets_;
  int live_jobs_ = 0;
  bool task_runs_ = false;
  bool changes_due_ = false;
  /// Only with `network: proxy`.
  std::unique_ptr<SessionNetwork> network_;
  SessionSandbox sandbox_;
  tools::shell::KeeperSet keepers_;
  tools::shell::KeeperCommandRunner keeper_runner_;
  SettlingRunner runner_;
  tools::shell::KeeperJobs jobs_;
  tools::web::WebClient web_;
  /// What an agent's file asks of its tools may be wrong; then no Task of this session runs.
  base::Result<std::vector<std::unique_ptr<ports::Tool>>> tools_;
  std::unique_ptr<agent::NativeDriver> driver_;
  runtime::Scope scope_;
};

}  // namespace lathe::apps
