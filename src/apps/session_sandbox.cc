#include "lathe/apps/session_sandbox.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "lathe/apps/own_secrets.h"
#include "lathe/egress/proxy_environment.h"
#include "lathe/runtime/files.h"
#include "lathe/sandbox/readable_roots.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;

namespace {

/// The keeper that commands outside of any jail share.
constexpr const char* kOpenKey = "open";

/// Of protected names, as they were before the commands that run.
constexpr std::size_t kMostBaselineBytes = 64U << 20;

/// Between two looks at the protected names while a job lives.
constexpr base::Millis kJobInterval{3'000};

sandbox::Mode mode_of(protocol::SandboxMode mode) {
  switch (mode) {
    case protocol::SandboxMode::kReadOnly:
      return sandbox::Mode::kReadOnly;
    case protocol::SandboxMode::kWorkspaceWrite:
      return sandbox::Mode::kWorkspaceWrite;
    case protocol::SandboxMode::kFullAccess:
      return sandbox::Mode::kFullAccess;
  }
  return sandbox::Mode::kReadOnly;
}

sandbox::Network network_of(protocol::NetworkMode network) {
  switch (network) {
    case protocol::NetworkMode::kNone:
      return sandbox::Network::kNone;
    case protocol::NetworkMode::kProxy:
      return sandbox::Network::kProxy;
    case protocol::NetworkMode::kOpen:
      return sandbox::Network::kOpen;
  }
  return sandbox::Network::kNone;
}

/// Enough for images of disks and for build tools; a single file that grows without end ends its command.
constexpr std::uint64_t kMostFileBytes = 16ULL << 30;
constexpr std::uint64_t kMostOpenFiles = 65'536;

sandbox::Waiver waiver_of(const config::Config& config) {
  const bool unconfined = config.sandbox_waiver == "unconfined";
  return {.unconfined = unconfined, .readable_secrets = unconfined || config.sandbox_waiver == "readable-secrets"};
}

/// Of the client whose commands these are; home is the one of the person whose process this is.
std::string path_of(const SandboxSetup& setup, const engine::DriverSetup& session) {
  constexpr std::string_view kName = "PATH=";
  if (session.context && session.context->environment) {
    for (const std::string& variable : *session.context->environment) {
      if (variable.starts_with(kName)) return variable.substr(kName.size());
    }
  }
  return setup.environment.get("PATH");
}

}  // namespace

SessionSandbox::SessionSandbox(Parts parts, sandbox::SessionFacts facts, sandbox::HostFacts host)
    : parts_(std::move(parts)),
      facts_(std::move(facts)),
      host_(std::move(host)),
      turn_(parts_.loop),
      scope_(parts_.loop) {}

Result<void> SessionSandbox::make_ready() {
  if (jail_) return {};
  TRY(jail_, sandbox::SessionJail::create(facts_, host_));
  guard_.emplace(*jail_, facts_.home_secrets);
  if (taken_over_) restore_baseline();
  return {};
}

void SessionSandbox::restore_baseline() {
  const auto bytes = runtime::read_file(parts_.baseline_file, kMostBaselineBytes);
  // None: what runs was started outside of the jail.
  if (!bytes.ok() && bytes.error().code == base::codes::kNotFound) return;
  const Result<void> restored = bytes.ok() ? guard_->restore(*bytes) : bytes.error();
  if (!restored.ok()) not_known_ = restored.error();
}

Result<void> SessionSandbox::keep_baseline() const {
  if (parts_.baseline_file.empty()) return {};
  const std::string bytes = guard_->encode();
  if (bytes.size() > kMostBaselineBytes) {
    return base::Error{.code = base::codes::kLimit,
                       .message = fmt::format("{} bytes of protected names are too many", bytes.size())};
  }
  TRY_OK(runtime::make_folders(parts_.baseline_file.substr(0, parts_.baseline_file.rfind('/'))));
  return runtime::replace_file(parts_.baseline_file, bytes, 0600, runtime::Durability::kProcess);
}

Result<void> SessionSandbox::remember(Findings& found) {
  const bool goes_on = guard_->remembers();
  TRY_OK(guard_->remember());
  if (goes_on) return {};
  if (auto kept = keep_baseline(); !kept.ok()) found.not_noted = std::move(kept).error();
  return {};
}

Result<SessionSandbox::Findings> SessionSandbox::check(base::UnixMillis now) {
  Findings found;
  TRY(found.all, guard_->check([this](std::string_view bytes) { return parts_.blobs.put(bytes); }));
  for (const sandbox::WorkspaceGuard::Finding& finding : found.all) {
    auto noted = parts_.taint.add(jail_->spec().writable.front(), {.at = now, .text = in_words(finding)});
    if (!noted.ok()) found.not_noted = std::move(noted).error();
  }
  // What was put back is another file now.
  if (!found.all.empty()) {
    if (auto kept = keep_baseline(); !kept.ok()) found.not_noted = std::move(kept).error();
  }
  found.not_known = std::exchange(not_known_, std::nullopt);
  return found;
}

void SessionSandbox::warn(std::string message) {
  if (parts_.record) parts_.record(protocol::Warning{.code = "workspace_tainted", .message = std::move(message)});
}

void SessionSandbox::warn_once(std::string message) {
  if (told_.insert(message).second) warn(std::move(message));
}

void SessionSandbox::tell(const Result<Findings>& findings) {
  using Kind = sandbox::WorkspaceGuard::Finding::Kind;
  if (!findings.ok()) {
    warn_once("what a command left behind cannot be checked: " + findings.error().text());
    return;
  }
  for (const sandbox::WorkspaceGuard::Finding& finding : findings->all) {
    // What stays is found again at every look.
    const bool undone = finding.kind == Kind::kRestored || finding.kind == Kind::kQuarantined;
    if (undone) {
      warn(in_words(finding));
    } else {
      warn_once(in_words(finding));
    }
  }
  if (findings->not_noted) {
    warn_once("the next session will not know what commands did to protected names: " + findings->not_noted->text());
  }
  if (findings->not_known) {
    warn_once("what a command did to protected names before it was taken over is not known: " +
              findings->not_known->text());
  }
}

Async<Result<tools::shell::Confined>> SessionSandbox::confine(ports::CommandSpec spec) {
  tools::shell::Confined confined{.key = kOpenKey, .env = spec.env};
  if (spec.outside_jail || facts_.mode == sandbox::Mode::kFullAccess) co_return confined;
  const auto turn = co_await turn_.lock();
  Result<Findings> left_behind = Findings();
  auto jail =
      co_await parts_.pool.run([this, &left_behind, now = parts_.loop.unix_now()]() -> Result<sandbox::CommandJail> {
        TRY_OK(make_ready());
        // What still runs may have changed something since the last look.
        left_behind = check(now);
        if (!left_behind.ok()) return left_behind.error();
        TRY(sandbox::CommandJail next, jail_->next_command());
        TRY_OK(remember(*left_behind));
        return next;
      });
  tell(left_behind);
  if (!jail.ok()) co_return std::move(jail).error();
  const sandbox::JailPlan& plan = jail_->plan();
  confined.env = sandbox::changed_environment(std::move(spec.env), plan.environment);
  if (plan.level == sandbox::Level::kNone) co_return confined;
  confined.key = fmt::format("{}-{}", sandbox::name_of(plan.level), sandbox::name_of(facts_.mode));
  confined.outer_argv = plan.outer_argv;
  confined.keeper_program = plan.keeper_path;
  confined.jail = jail->encode();
  if (!parts_.proxy_socket.empty()) {
    confined.proxy_socket = parts_.proxy_socket;
    confined.proxy_port = kProxyPort;
  }
  co_return confined;
}

Async<void> SessionSandbox::settle() {
  const auto turn = co_await turn_.lock();
  if (!guard_) co_return;
  const auto findings = co_await parts_.pool.run([this, now = parts_.loop.unix_now()] { return check(now); });
  tell(findings);
  if (!findings.ok() || live_ > 0) co_return;
  // Nothing of ours runs: what changes from now on is the person's doing.
  guard_->forget();
  if (parts_.baseline_file.empty()) co_return;
  co_await parts_.pool.run([this] { return unlink(parts_.baseline_file.c_str()); });
}

Async<void> SessionSandbox::ended() {
  --live_;
  co_await settle();
}

void SessionSandbox::job_begun(Jobs how) {
  begun();
  ++jobs_;
  if (how == Jobs::kTakenOver) {
    taken_over_ = true;
    scope_.spawn(guard_at_once());
  }
  if (!std::exchange(watching_, true)) scope_.spawn(watch());
}

void SessionSandbox::job_ended() {
  --jobs_;
  if (!scope_.token().cancelled()) scope_.spawn(ended());
}

Async<void> SessionSandbox::guard_at_once() {
  if (facts_.mode == sandbox::Mode::kFullAccess) co_return;
  const auto turn = co_await turn_.lock();
  // A command may have come first.
  if (guard_) co_return;
  tell(co_await parts_.pool.run([this, now = parts_.loop.unix_now()]() -> Result<Findings> {
    TRY_OK(make_ready());
    // With what was remembered before it began; without, with what is there now.
    TRY(Findings found, check(now));
    if (guard_->remembers()) return found;
    TRY_OK(jail_->find_nested());
    TRY_OK(remember(found));
    return found;
  }));
}

Async<void> SessionSandbox::tell_taint() {
  if (std::exchange(taint_told_, true)) co_return;
  const auto notes = co_await parts_.pool.run([this]() -> Result<std::vector<TaintBook::Note>> {
    return parts_.taint.of(runtime::real_path(facts_.workspace).value_or(facts_.workspace));
  });
  if (notes.ok() && !notes->empty()) warn(taint_in_words(*notes));
}

Async<void> SessionSandbox::watch() {
  while (jobs_ > 0 && (co_await parts_.loop.sleep(kJobInterval, scope_.token())).ok()) co_await settle();
  watching_ = false;
}

Async<void> SessionSandbox::leave() {
  co_await scope_.stop();
  if (jail_) jail_->leave_temporary_folder();
}

Async<void> SessionSandbox::stop() {
  co_await scope_.stop();
  live_ = 0;
  co_await settle();
}

Async<Result<ports::CommandExit>> SettlingRunner::run(ports::CommandSpec spec, ports::OutputSink& out,
                                                      runtime::CancelToken cancel) {
  sandbox_.begun();
  auto exit = co_await inner_.run(std::move(spec), out, std::move(cancel));
  co_await sandbox_.ended();
  co_return exit;
}

Result<SandboxSetup> sandbox_setup(const config::Config& config, const config::Environment& environment,
                                   const config::Paths& paths, const std::string& keeper_program) {
  TRY(globs::SecretFiles secrets, globs::SecretFiles::create(config.secret_files));
  SandboxSetup setup{.config = config,
                     .environment = environment,
                     .paths = paths,
                     .secrets = std::move(secrets),
                     .keeper_program = keeper_program};
  TRY_OK(sandbox::readable_roots(session_facts(setup, {})));
  return setup;
}

egress::HostRules host_rules(const std::vector<std::string>& hosts) {
  return egress::HostRules::parse(hosts).value_or(egress::HostRules());
}

void set_behind_proxy(sandbox::SessionFacts& facts, const egress::HostRules& rules) {
  facts.network = sandbox::Network::kProxy;
  for (const std::string& variable : egress::proxy_environment(kProxyPort, rules)) {
    const std::size_t equals = variable.find('=');
    facts.environment.push_back({variable.substr(0, equals), variable.substr(equals + 1)});
  }
}

sandbox::SessionFacts session_facts(const SandboxSetup& setup, const engine::DriverSetup& session) {
  const config::Paths& paths = setup.paths;
  sandbox::SessionFacts facts{.mode = mode_of(session.sandbox_mode),
                              .workspace = session.cwd,
                              .home = setup.environment.get("HOME"),
                              .path_variable = path_of(setup, session),
                              .our_folders = {paths.state_dir, paths.cache_dir, paths.runtime_dir},
                              .config_folder = config_folder(paths),
                              .home_secrets = {paths.config_file, paths.models_file},
                              .jails_folder = paths.cache_dir + "/jails",
                              .session = session.session_id,
                              .keeper_program = setup.keeper_program};
  if (!facts.home.empty()) {
    for (const std::string& path : globs::home_secret_paths()) facts.home_secrets.push_back(facts.home + "/" + path);
  }
  for (const std::string& root : setup.config.readable_roots) {
    facts.readable_roots.push_back(config::from_home(setup.environment, root));
  }
  facts.is_secret = [secrets = setup.secrets](std::string_view path) { return secrets.matches(path); };
  facts.network = network_of(session.network);
  if (facts.network == sandbox::Network::kProxy) set_behind_proxy(facts, host_rules(session.allow_hosts));
  facts.least_level = sandbox::level_named(setup.config.sandbox_level).value_or(sandbox::Level::kFull);
  facts.waiver = waiver_of(setup.config);
  facts.limits = {.processes = std::nullopt,
                  .memory_bytes = std::nullopt,
                  .file_bytes = kMostFileBytes,
                  .open_files = kMostOpenFiles};
  return facts;
}

TaintBook taint_book(const config::Paths& paths) { return TaintBook(paths.state_dir + "/tainted"); }

Result<std::string> session_level(const config::Config& config, const sandbox::HostFacts& host,
                                  protocol::SandboxMode mode, protocol::NetworkMode network) {
  sandbox::SandboxSpec spec;
  spec.mode = mode_of(mode);
  spec.network = network_of(network);
  spec.least_level = sandbox::level_named(config.sandbox_level).value_or(sandbox::Level::kFull);
  spec.waiver = waiver_of(config);
  TRY(const sandbox::Level level, sandbox::level_for(spec, host));
  return std::string(sandbox::name_of(level));
}

}  // namespace lathe::apps
