#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lathe/apps/taint_book.h"
#include "lathe/config/config.h"
#include "lathe/egress/host_rules.h"
#include "lathe/engine/parts.h"
#include "lathe/globs/secret_files.h"
#include "lathe/ports/blob_store.h"
#include "lathe/ports/command_runner.h"
#include "lathe/runtime/async_mutex.h"
#include "lathe/runtime/pool.h"
#include "lathe/runtime/scope.h"
#include "lathe/sandbox/session_jail.h"
#include "lathe/sandbox/workspace_guard.h"
#include "lathe/tools/shell/keeper_set.h"

namespace lathe::apps {

/// The confinement of one session's commands, between sandbox/ which plans it and the keepers which carry it out. Made
/// ready with the first command. Loop thread; what blocks goes to the pool.
class SessionSandbox final {
 public:
  struct Parts {
    runtime::Loop& loop;
    runtime::Pool& pool;
    ports::BlobStore& blobs;
    /// Gets the warnings about protected names. May be empty.
    ports::RecordEvent record;
    /// Of the egress proxy (SessionNetwork); empty: there is none.
    std::string proxy_socket = {};
    /// Where it is kept what commands left behind.
    TaintBook taint;
    /// Where what protected names were before the commands that run stands, for the process that takes these over;
    /// gone when none runs. Empty: it is not kept.
    std::string baseline_file = {};
  };
  SessionSandbox(Parts parts, sandbox::SessionFacts facts, sandbox::HostFacts host);

  /// For KeeperOptions::confine. `spec.outside_jail`, which only the gate sets, leaves it as it is.
  runtime::Async<base::Result<tools::shell::Confined>> confine(ports::CommandSpec spec);
  /// Before a command: until as many have ended, what changes may be their doing.
  void begun() { ++live_; }
  /// After it: what it did to protected names is undone and told.
  runtime::Async<void> ended();
  enum class Jobs {
    kNew,
    /// It ran before this was made, so no command has made the jail ready.
    kTakenOver,
  };
  /// The same for background jobs, while which it is looked every few seconds.
  void job_begun(Jobs how);
  void job_ended();
  /// Once, before the first Task: what earlier sessions found in the workspace, and nobody has cleared since.
  runtime::Async<void> tell_taint();
  /// In place of stop(), while jobs live on: what names were before them stays noted for the next process.
  runtime::Async<void> leave();
  /// The last look, once no command can run any more. Before this goes.
  runtime::Async<void> stop();

 private:
  struct Findings {
    std::vector<sandbox::WorkspaceGuard::Finding> all;
    /// They, or what names were before, could not be kept for the next session.
    std::optional<base::Error> not_noted;
    /// What names were before the commands that were taken over cannot be read.
    std::optional<base::Error> not_known;
  };

  runtime::Async<void> settle();
  runtime::Async<void> watch();
  runtime::Async<void> guard_at_once();
  /// These on the pool.
  base::Result<void> make_ready();
  [[nodiscard]] base::Result<Findings> check(base::UnixMillis now);
  /// From now on it counts what names are, unless it does already.
  base::Result<void> remember(Findings& found);
  base::Result<void> keep_baseline() const;
  void restore_baseline();

  void tell(const base::Result<Findings>& findings);
  void warn(std::string message);
  void warn_once(std::string message);

  Parts parts_;
  const sandbox::SessionFacts facts_;
  const sandbox::HostFacts host_;
  /// One command at a time is planned or checked.
  runtime::AsyncMutex turn_;
  std::unique_ptr<sandbox::SessionJail> jail_;
  std::optional<sandbox::WorkspaceGuard> guard_;
  /// Commands and jobs, and jobs alone.
  int live_ = 0;
  int jobs_ = 0;
  bool watching_ = false;
  bool taint_told_ = false;
  /// Commands that the process before this one had started run on.
  bool taken_over_ = false;
  /// Findings::not_known, until it is told.
  std::optional<base::Error> not_known_;
  /// What is found again at every look, told once.
  std::set<std::string> told_;
  runtime::Scope scope_;
};

/// Runs commands through another runner and has the sandbox settle after each. Loop thread.
class SettlingRunner final : public ports::CommandRunner {
 public:
  /// Both outlive it.
  SettlingRunner(ports::CommandRunner& inner, SessionSandbox& sandbox) : inner_(inner), sandbox_(sandbox) {}

  runtime::Async<base::Result<ports::CommandExit>> run(ports::CommandSpec spec, ports::OutputSink& out,
                                                       runtime::CancelToken cancel) override;
  [[nodiscard]] std::string_view confinement() const override { return inner_.confinement(); }

 private:
  ports::CommandRunner& inner_;
  SessionSandbox& sandbox_;
};

/// What all sessions of a process have in common.
struct SandboxSetup {
  config::Config config;
  config::Environment environment;
  config::Paths paths;
  globs::SecretFiles secrets;
  std::string keeper_program;
};
/// Errors: `invalid` a pattern of secret-files, or a place of readable-roots that commands may never read.
[[nodiscard]] base::Result<SandboxSetup> sandbox_setup(const config::Config& config,
                                                       const config::Environment& environment,
                                                       const config::Paths& paths, const std::string& keeper_program);

/// Where commands find the egress proxy in their jail.
inline constexpr std::uint16_t kProxyPort = 3128;
/// The egress proxy is the only way out, and commands are told of it.
void set_behind_proxy(sandbox::SessionFacts& facts, const egress::HostRules& rules);
/// Of a session. The engine has checked them when it was configured; rules that cannot be read allow nothing.
[[nodiscard]] egress::HostRules host_rules(const std::vector<std::string>& hosts);

/// Of a session; behind the proxy when its network is that.
[[nodiscard]] sandbox::SessionFacts session_facts(const SandboxSetup& setup, const engine::DriverSetup& session);

/// What earlier commands left in workspaces.
[[nodiscard]] TaintBook taint_book(const config::Paths& paths);

/// The level of sessions with that mode and network, for EngineParts::confinement.
[[nodiscard]] base::Result<std::string> session_level(const config::Config& config, const sandbox::HostFacts& host,
                                                      protocol::SandboxMode mode, protocol::NetworkMode network);

}  // namespace lathe::apps
