#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/config/backend_types.h"
#include "lathe/egress/host_rules.h"
#include "lathe/engine/live_session.h"
#include "lathe/engine/task_outcome.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/files.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using protocol::SessionConfigured;
using runtime::Async;

namespace {

/// What is kept there decides what sessions may do.
Result<void> check_not_own(const std::string& real, const std::vector<std::string>& own_folders) {
  for (const std::string& folder : own_folders) {
    const std::string own = runtime::real_path(folder).value_or(folder);
    if (own.empty() || (real != own && !real.starts_with(own + "/"))) continue;
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("cwd: {} lies in {}, where Lathe keeps its own files", real, own),
                 .hint = "work in another folder"};
  }
  return {};
}

Result<std::string> check_folder(const std::string& cwd, const EngineParts& parts) {
  if (!cwd.starts_with('/')) {
    return Error{.code = base::codes::kInvalid, .message = fmt::format("cwd: \"{}\" is not an absolute path", cwd)};
  }
  TRY(std::string real, runtime::real_path(cwd).within("cwd"));
  struct stat status{};
  if (stat(real.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return Error{.code = base::codes::kInvalid, .message = fmt::format("cwd: {} is not a folder", cwd)};
  }
  TRY_OK(check_not_own(real, parts.own_folders));
  if (access(real.c_str(), R_OK | X_OK) == 0) return real;
  Error error = base::errno_error(errno, "cwd: " + cwd);
  error.code = base::codes::kInvalid;
  error.hint = "name another folder, or change whose it is: ls -ld " + base::shell_quote(cwd);
  return error;
}

/// A session that is continued, where it worked: without its folder no call of its Task would find anything.
Result<void> check_still_there(const SessionConfigured& config, const EngineParts& parts) {
  const Result<std::string> folder = check_folder(config.cwd, parts);
  if (folder.ok()) return {};
  return Error{
      .code = folder.error().code,
      .message = fmt::format("session {} cannot work in its folder: {}", config.session_id, folder.error().message),
      .hint = "bring the folder back, or go on in another one: --cwd FOLDER"};
}

// Names in session_configured.
constexpr const char* kApprovalPolicy = "approval_policy";
constexpr const char* kBudget = "budget";
constexpr const char* kFallbackModels = "fallback_models";
constexpr const char* kSandboxMode = "sandbox_mode";
constexpr const char* kNetwork = "network";
constexpr const char* kAllowHosts = "allow_hosts";

/// Sets what comes from the settings to what they are.
void take_from_settings(const config::Config& settings, SessionConfigured& config) {
  const auto follows = [&config](const char* name) {
    return std::ranges::find(config.from_settings, name) != config.from_settings.end();
  };
  if (follows(kApprovalPolicy)) config.approval_policy = settings.approval_policy;
  if (follows(kBudget)) config.budget = settings.budget;
  if (follows(kFallbackModels)) config.fallback_models = settings.fallback_models;
  if (follows(kSandboxMode)) config.sandbox_mode = configured_mode(settings);
  if (follows(kAllowHosts)) config.allow_hosts = settings.allow_hosts;
  for (const auto& entry : enum_names(config.network)) {
    if (follows(kNetwork) && entry.name == settings.network) config.network = entry.value;
  }
}

/// What a new session is before its client said anything, and the settings.
SessionConfigured defaults_of(const std::string& session_id) {
  SessionConfigured config;
  config.session_id = session_id;
  config.driver = "native";
  config.from_settings = {kApprovalPolicy, kBudget, kFallbackModels, kSandboxMode, kNetwork, kAllowHosts};
  return config;
}

void apply(const protocol::ConfigureSession& op, SessionConfigured& config) {
  const auto choose = [&config](const char* name, auto& into, const auto& chosen) {
    into = chosen;
    std::erase(config.from_settings, name);
  };
  if (op.approval_policy) choose(kApprovalPolicy, config.approval_policy, *op.approval_policy);
  if (op.ask) config.ask = *op.ask;
  if (op.budget) choose(kBudget, config.budget, over(*op.budget, config.budget));
  if (!op.fallback_models.empty()) choose(kFallbackModels, config.fallback_models, op.fallback_models);
  if (op.title) config.title = *op.title;
  if (op.sandbox_mode) choose(kSandboxMode, config.sandbox_mode, *op.sandbox_mode);
  if (op.network) choose(kNetwork, config.network, *op.network);
  if (op.allow_hosts) choose(kAllowHosts, config.allow_hosts, *op.allow_hosts);
}

Result<void> set_confinement(const EngineParts& parts, SessionConfigured& config) {
  config.sandbox = "none";
  if (!parts.confinement) return {};
  TRY(config.sandbox, parts.confinement(config.sandbox_mode, config.network));
  return {};
}

}  // namespace

namespace {

/// A recording answers whoever is asked, so that only this finds a name that is none.
Async<Result<void>> check_backend(ports::ModelDirectory* models, std::string name) {
  CO_TRY(const std::vector<protocol::BackendInfo> known, co_await models->backends());
  std::vector<std::string> names;
  for (const protocol::BackendInfo& backend : known) names.push_back(backend.name);
  if (std::ranges::find(names, name) == names.end()) co_return config::no_such_backend(name, names);
  co_return Result<void>();
}

}  // namespace

Async<Result<void>> read_project_rules(EngineParts* parts, std::string cwd) {
  auto project = co_await parts->fs_pool.run([parts, cwd] { return parts->policy.read_project(cwd); });
  if (!project.ok()) co_return std::move(project).error();
  CO_TRY_OK(project->check_unchanged());
  parts->policy.put(*std::move(project));
  co_return Result<void>();
}

namespace {

/// One without a key is taken by its name where a fallback can be asked: it is left out when a Task begins.
Async<Result<void>> choose_model(ports::ModelDirectory* models, std::string backend, std::string model,
                                 SessionConfigured* config) {
  const auto resolved = co_await models->resolve(backend, model);
  if (resolved.ok()) {
    config->model = resolved->model;
    config->backend = resolved->backend;
    config->provider = std::string(resolved->connection->provider());
    co_return Result<void>();
  }
  if (resolved.error().code != protocol::error_codes::kNoKey) co_return resolved.error();
  for (const std::string& name : config->fallback_models) {
    if (!(co_await models->resolve("", name)).ok()) continue;
    CO_TRY(ports::ModelName named, co_await models->full_name(std::move(backend), std::move(model)));
    config->model = std::move(named.model);
    config->backend = std::move(named.backend);
    config->provider = {};
    co_return Result<void>();
  }
  co_return resolved.error();
}

}  // namespace

Async<Result<SessionConfigured>> make_configuration(EngineParts* parts, protocol::ConfigureSession op,
                                                    std::optional<SessionConfigured> before, std::string session_id) {
  parts->refreshed();
  SessionConfigured config = before ? *before : defaults_of(session_id);
  take_from_settings(parts->config, config);
  apply(op, config);
  CO_TRY_OK(egress::HostRules::parse(config.allow_hosts));
  if (op.cwd) {
    CO_TRY(config.cwd, check_folder(*op.cwd, *parts));
  } else if (config.cwd.empty()) {
    co_return Error{.code = base::codes::kInvalid, .message = "cwd: a new session needs a folder to work in"};
  } else if (!parts->replayed) {
    CO_TRY_OK(check_still_there(config, *parts));
  }
  if (!before || op.model || op.backend) {
    std::string backend = op.backend.value_or("");
    if (parts->replayed && !backend.empty()) CO_TRY_OK(co_await check_backend(&parts->models, backend));
    // A model named alone stays at the session's backend.
    if (before && !op.backend && op.model && op.model->find('/') == std::string::npos) backend = config.backend;
    CO_TRY_OK(co_await choose_model(&parts->models, std::move(backend), op.model.value_or(""), &config));
  }
  // One that cannot answer now is left out, with a warning, when a Task begins; one that does not exist is a mistake.
  for (const std::string& name : op.fallback_models) {
    const auto fallback = co_await parts->models.resolve("", name);
    if (!fallback.ok() && fallback.error().code == base::codes::kNotFound) {
      co_return fallback.error().within("fallback-models");
    }
  }
  if (!before || op.instructions) config.system_prompt = parts->system_prompt(op.instructions.value_or(""));
  CO_TRY_OK(set_confinement(*parts, config));
  config.replayed = parts->replayed;
  co_return config;
}

Result<SessionConfigured> with_settings(const EngineParts& parts, SessionConfigured config) {
  const SessionConfigured before = config;
  take_from_settings(parts.config, config);
  if (config == before) return config;
  TRY_OK(egress::HostRules::parse(config.allow_hosts));
  TRY_OK(set_confinement(parts, config));
  return config;
}

}  // namespace lathe::engine
