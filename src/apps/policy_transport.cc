#include "lathe/apps/policy_transport.h"

#include "lathe/apps/own_secrets.h"
#include "lathe/engine/policy_calls.h"
#include "lathe/engine/questions.h"
#include "lathe/globs/secret_files.h"
#include "lathe/runtime/files.h"
#include "lathe/sandbox/session_jail.h"
#include "lathe/sandbox/system_folders.h"
#include "lathe/sandbox/toolchains.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;

namespace {

base::Error not_here() {
  return {.code = base::codes::kUnsupported, .message = "this connection answers calls about rules only"};
}

template <class T>
Result<protocol::ReplyMsg> to_reply(Result<T> typed) {
  if (!typed.ok()) return std::move(typed).error();
  return protocol::ReplyMsg(*std::move(typed));
}

/// What the jail of a command shows too (sandbox/session_jail.h), and the person's skills and agents.
std::vector<std::string> readable_folders(const config::Environment& environment, const config::Paths& paths,
                                          const config::Config& config) {
  const std::string home = environment.get("HOME");
  std::vector<std::string> folders(sandbox::kSystemFolders.begin(), sandbox::kSystemFolders.end());
  std::vector<std::string> offered = sandbox::toolchain_folders(environment.get("PATH"), home);
  offered.insert(offered.end(), {config_folder(paths) + "/skills", config_folder(paths) + "/agents"});
  if (!home.empty()) offered.insert(offered.end(), {home + "/.agents/skills", home + "/.claude/skills"});
  for (const std::string& root : config.readable_roots) offered.push_back(config::from_home(environment, root));
  for (std::string& folder : offered) {
    auto real = runtime::real_path(folder);
    if (real.ok() && *real != folder) folders.push_back(*std::move(real));
    folders.push_back(std::move(folder));
  }
  return folders;
}

/// The home folder by its name and, where links lead to it, by its real one.
std::vector<std::string> homes(const config::Environment& environment) {
  std::string home = environment.get("HOME");
  while (home.size() > 1 && home.ends_with('/')) home.pop_back();
  if (!home.starts_with('/')) return {};
  std::vector<std::string> names{home};
  if (auto real = runtime::real_path(home); real.ok() && *real != home) names.push_back(*std::move(real));
  return names;
}

/// Those that the jails of sessions have (session_sandbox.h), of every project.
std::vector<std::string> private_homes(const config::Paths& paths) {
  std::vector<std::string> homes{sandbox::private_homes(paths.cache_dir + "/jails")};
  const auto real = runtime::real_path(paths.cache_dir);
  if (real.ok() && *real != paths.cache_dir) homes.push_back(sandbox::private_homes(*real + "/jails"));
  return homes;
}

}  // namespace

std::string trust_file(const std::string& state_dir) { return state_dir + "/trust.json"; }

engine::PolicyPlaces policy_places(const config::Environment& environment, const config::Paths& paths,
                                   const config::Config& config, const client::OpenOptions& options,
                                   std::function<void(const std::string&)> on_warning) {
  std::string policy = config.policy;
  // A path in the configuration starts where the configuration stands.
  if (policy.contains('/') && !policy.starts_with('/')) {
    policy = config_folder(paths) + "/" + policy;
  }
  return {.folder = paths.policies_dir,
          .policy = std::move(policy),
          .only = options.policy_file,
          .trust_file = trust_file(paths.state_dir),
          .readable = readable_folders(environment, paths, config),
          .facts = {.homes = homes(environment), .private_homes = private_homes(paths)},
          .on_warning = std::move(on_warning)};
}

PolicyTransport::PolicyTransport(runtime::Loop& loop, engine::PolicyPlaces places, config::Config config,
                                 std::unique_ptr<tools::common::SecretGuard> secrets)
    : places_(std::move(places)),
      config_(std::move(config)),
      secrets_(std::move(secrets)),
      pool_(loop, "lathe-fs", 1),
      resolver_(loop),
      http_(loop),
      reader_({.loop = loop,
               .pool = pool_,
               .http = http_,
               .resolver = resolver_,
               .config = config_,
               .secrets = *secrets_}) {}

Result<std::unique_ptr<client::Transport>> PolicyTransport::create(runtime::Loop& loop,
                                                                   const config::Environment& environment,
                                                                   const client::OpenOptions& options) {
  TRY(const config::Paths paths, config::find_paths(environment));
  TRY(const config::Loaded loaded, config::load(paths, environment));
  TRY(const globs::SecretFiles secrets, globs::SecretFiles::create(loaded.config.secret_files));
  return std::unique_ptr<client::Transport>(
      new PolicyTransport(loop, policy_places(environment, paths, loaded.config, options, {}), loaded.config,
                          make_secret_guard(secrets, environment, paths)));
}

Async<Result<protocol::PolicyExplainReply>> PolicyTransport::explain(protocol::PolicyExplain call) {
  CO_TRY(protocol::ToolCall meant, engine::explained_call(call));
  CO_TRY(const ports::Action action, co_await reader_.read(std::move(meant), call.cwd));
  CO_TRY(protocol::PolicyExplainReply reply, engine::explain(places_, config_, call, action));
  const policy::Action judged = engine::policy_action(action, call.cwd);
  // Of these files commands see nothing anyway.
  if (judged.kind == policy::Action::Kind::kCommand) co_return reply;
  for (const std::string& path : judged.paths) {
    const bool inside = path.starts_with(call.cwd + "/");
    if (!secrets_->names_secret(inside ? path.substr(call.cwd.size() + 1) : path, path)) continue;
    reply.warnings.push_back(path + " is a secret, which tools refuse whatever rules say");
  }
  co_return reply;
}

Async<Result<protocol::Ack>> PolicyTransport::submit(std::string, protocol::Op) { co_return not_here(); }

Async<Result<protocol::ReplyMsg>> PolicyTransport::call(protocol::Call call) {
  if (const auto* asked = std::get_if<protocol::PolicyExplain>(&call)) {
    co_return to_reply(co_await explain(*asked));
  }
  if (const auto* asked = std::get_if<protocol::PolicyTest>(&call))
    co_return to_reply(engine::test_rules(places_, *asked));
  co_return not_here();
}

Async<Result<std::vector<client::Delivery>>> PolicyTransport::events(runtime::CancelToken, runtime::Deadline) {
  co_return not_here();
}

}  // namespace lathe::apps
