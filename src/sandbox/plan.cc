#include "lathe/sandbox/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "lathe/sandbox/bubblewrap.h"
#include "lathe/sandbox/landlock.h"
#include "lathe/sandbox/path_order.h"
#include "lathe/sandbox/seccomp_filter.h"
#include "lathe/sandbox/system_folders.h"

namespace lathe::sandbox {

using base::Error;
using base::Result;

namespace {

namespace ll = landlock;

constexpr std::uint64_t kRead = ll::kExecute | ll::kReadFile | ll::kReadDir;
/// Everything but device files, which would be a way to disks.
constexpr std::uint64_t kReadWrite = kRead | ll::kWriteFile | ll::kRemoveDir | ll::kRemoveFile | ll::kMakeDir |
                                     ll::kMakeReg | ll::kMakeSock | ll::kMakeFifo | ll::kMakeSym | ll::kRefer |
                                     ll::kTruncate;
constexpr std::uint64_t kDevice = ll::kReadFile | ll::kReadDir | ll::kWriteFile | ll::kTruncate | ll::kIoctlDev;

bool has_namespaces(Level level) { return level == Level::kFull || level == Level::kNamespaces; }

bool host_gives(const HostFacts& facts, Level level) {
  switch (level) {
    case Level::kFull:
      return facts.seccomp && facts.namespaces && facts.landlock_abi > 0;
    case Level::kNamespaces:
      return facts.seccomp && facts.namespaces;
    case Level::kLandlock:
      return facts.seccomp && facts.landlock_abi > 0;
    case Level::kNone:
      return true;
  }
  return false;
}

std::string what_is_missing(const HostFacts& facts) {
  if (!facts.seccomp) return "the kernel has no seccomp";
  if (facts.bubblewrap.empty()) return "bubblewrap (bwrap) is not installed";
  if (!facts.namespaces) return "bubblewrap cannot make a user namespace here";
  return "the kernel has no Landlock";
}

Result<void> check_paths(const SandboxSpec& spec) {
  for (const std::string& path : spec.writable) {
    if (path == "/") {
      return Error{.code = base::codes::kInvalid,
                   .message = "/ as the folder to work in would make the whole machine writable for commands",
                   .hint = "work in a folder of its own"};
    }
  }
  const auto absolute = [](const std::string& path) { return path.starts_with('/') && path.find('\0') == path.npos; };
  const auto check = [&](const std::string& path) { return absolute(path); };
  if (std::ranges::all_of(spec.writable, check) && std::ranges::all_of(spec.readable, check)) return {};
  return Error{.code = base::codes::kInvalid, .message = "the paths of a sandbox have to be absolute"};
}

/// Rules for a jail that has mounts of its own: a second layer over them.
std::vector<PathRule> rules_inside(const SandboxSpec& spec) {
  std::vector<PathRule> rules = {{"/", kRead, {}}, {"/dev", kDevice, {}}, {"/dev/shm", kReadWrite, {}}};
  for (const std::string_view folder : {"/tmp", "/var/tmp"}) rules.push_back({std::string(folder), kReadWrite, {}});
  if (!spec.home.empty()) rules.push_back({spec.home, kReadWrite, {}});
  if (spec.mode == Mode::kWorkspaceWrite) {
    for (const std::string& path : spec.writable) rules.push_back({path, kReadWrite, {}});
  }
  return rules;
}

/// Rules that are all there is between commands and the machine's files.
std::vector<PathRule> rules_on_the_machine(const SandboxSpec& spec, const HostFacts& facts,
                                           const std::vector<Mask>& masks) {
  std::vector<std::string> hidden;
  if (facts.root) hidden.assign(kSystemSecrets.begin(), kSystemSecrets.end());
  for (const Mask& mask : masks) {
    if (mask.kind == Mask::Kind::kHidden) hidden.push_back(mask.path);
  }
  const auto readable = [&](std::string_view path) {
    PathRule rule{std::string(path), kRead, {}};
    for (const std::string& secret : hidden) {
      if (is_at_or_below(secret, path)) rule.except.push_back(secret);
    }
    return rule;
  };
  std::vector<PathRule> rules;
  for (const std::string_view folder : kSystemFolders) rules.push_back(readable(folder));
  rules.push_back(readable("/proc"));
  if (spec.network == Network::kOpen) {
    for (const std::string_view folder : kResolverFolders) rules.push_back(readable(folder));
  }
  for (const std::string_view device : kDevices) rules.push_back({std::string(device), kDevice, {}});
  for (const std::string& path : spec.readable) rules.push_back(readable(path));
  for (const std::string& path : spec.writable) {
    rules.push_back(spec.mode == Mode::kWorkspaceWrite ? PathRule{path, kReadWrite, {}} : readable(path));
  }
  rules.push_back({spec.private_home, kReadWrite, {}});
  rules.push_back({spec.private_tmp, kReadWrite, {}});
  return rules;
}

/// Masks in the order in which they are mounted, without those that lie in something hidden.
std::vector<Mask> mounted_masks(std::vector<Mask> masks, bool root) {
  if (root) {
    for (const std::string_view path : kSystemSecrets) masks.push_back({std::string(path), Mask::Kind::kHidden, 0});
    // Without any capability root still owns the kernel's settings (/proc/sys) in the eyes of the file permissions.
    masks.push_back({"/proc", Mask::Kind::kReadOnly, 0});
  }
  // What lies in a folder follows right after it; at the same path, hiding comes before anything weaker.
  const auto before = [](const Mask& left, const Mask& right) {
    const auto rank = [](char letter) { return letter == '/' ? 0 : static_cast<unsigned char>(letter) + 1; };
    if (left.path == right.path) return left.kind < right.kind;
    return std::ranges::lexicographical_compare(left.path, right.path, {}, rank, rank);
  };
  std::ranges::sort(masks, before);
  std::vector<Mask> kept;
  std::string hidden;
  for (Mask& mask : masks) {
    const bool covered = !hidden.empty() && is_at_or_below(mask.path, hidden);
    if (covered || (!kept.empty() && kept.back().path == mask.path)) continue;
    if (mask.kind == Mask::Kind::kHidden) hidden = mask.path;
    kept.push_back(std::move(mask));
  }
  return kept;
}

Result<void> check_secrets(const SandboxSpec& spec, const std::vector<Mask>& masks) {
  if (spec.waiver.readable_secrets || spec.mode != Mode::kWorkspaceWrite) return {};
  for (const Mask& mask : masks) {
    if (mask.kind != Mask::Kind::kHidden) continue;
    for (const std::string& folder : spec.writable) {
      if (!is_at_or_below(mask.path, folder)) continue;
      return Error{
          .code = base::codes::kUnsupported,
          .message = fmt::format("{} has to stay hidden, and level landlock cannot hide what lies in a folder "
                                 "that commands write to",
                                 mask.path),
          .hint =
              "it matches `secret-files`: use --sandbox read-only, move it away, or accept it with `lathe config set "
              "sandbox-waiver readable-secrets`"};
    }
  }
  return {};
}

std::vector<EnvironmentChange> environment_of(const SandboxSpec& spec, Level level) {
  std::vector<EnvironmentChange> changes;
  if (level == Level::kNone) return changes;
  // Their defaults lie in home, which is private.
  for (const std::string_view name :
       {"XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "CARGO_HOME",
        "GOPATH", "GOCACHE", "GOMODCACHE", "CCACHE_DIR", "npm_config_cache", "NPM_CONFIG_CACHE", "PIP_CACHE_DIR",
        "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK"}) {
    changes.push_back({std::string(name), std::nullopt});
  }
  changes.push_back({"TMPDIR", has_namespaces(level) ? "/tmp" : spec.private_tmp});
  changes.insert(changes.end(), spec.environment.begin(), spec.environment.end());
  // Without mounts the private home stands beside the person's.
  if (!has_namespaces(level)) changes.push_back({"HOME", spec.private_home});
  return changes;
}

Result<void> confine(JailPlan& made, const SandboxSpec& spec, const HostFacts& facts) {
  CommandJail& command = made.command;
  const bool namespaces = has_namespaces(made.level);
  if (made.level != Level::kNamespaces) {
    command.ruleset = ruleset_for(facts.landlock_abi);
    // A network namespace has nothing to deny; with an open network everything is allowed.
    if (namespaces || spec.network == Network::kOpen) command.ruleset.handled_net = 0;
  }
  if (namespaces) {
    made.outer_argv = bubblewrap_command(facts.bubblewrap, spec);
    made.keeper_path = kKeeperInside;
    command.hidden_file = kHiddenFileInside;
    command.hidden_folder = kHiddenFolderInside;
    if (made.level == Level::kFull) command.rules = rules_inside(spec);
  }
  const bool sockets = namespaces || spec.network == Network::kOpen;
  TRY(command.filter,
      seccomp_filter({.sockets = sockets ? Sockets::kUnixAndIp : Sockets::kNone, .without_namespaces = !namespaces}));
  return {};
}

}  // namespace

Ruleset ruleset_for(int abi) {
  if (abi <= 0) return {};
  Ruleset ruleset;
  ruleset.handled_fs = ll::kRefer - 1;
  if (abi >= 2) ruleset.handled_fs |= ll::kRefer;
  if (abi >= 3) ruleset.handled_fs |= ll::kTruncate;
  if (abi >= 4) ruleset.handled_net = ll::kBindTcp | ll::kConnectTcp;
  if (abi >= 5) ruleset.handled_fs |= ll::kIoctlDev;
  if (abi >= 6) ruleset.scoped = ll::kScopeAbstractSockets | ll::kScopeSignals;
  return ruleset;
}

Result<Level> level_for(const SandboxSpec& spec, const HostFacts& facts) {
  if (spec.mode == Mode::kFullAccess) return Level::kNone;
  const Level level = spec.level.value_or(facts.best_level());
  if (!host_gives(facts, level)) {
    return Error{.code = base::codes::kUnsupported,
                 .message = fmt::format("confinement at level {}: {}", name_of(level), what_is_missing(facts)),
                 .hint = fmt::format("this machine gives level {}", name_of(facts.best_level()))};
  }
  if (level == Level::kNone && !spec.waiver.unconfined) {
    return Error{
        .code = base::codes::kUnsupported,
        .message = fmt::format("commands cannot be confined here: {}, and neither Landlock nor user namespaces "
                               "can be had",
                               what_is_missing(facts)),
        .hint =
            "install bubblewrap or allow user namespaces; or accept it with `lathe config set "
            "sandbox-waiver unconfined`"};
  }
  if (level != Level::kNone && !at_least(level, spec.least_level)) {
    return Error{
        .code = base::codes::kUnsupported,
        .message = fmt::format("sandbox-level asks for {}, and commands could be confined at level {} only: {}",
                               name_of(spec.least_level), name_of(level), what_is_missing(facts)),
        .hint = fmt::format("or accept it with `lathe config set sandbox-level {}`", name_of(level))};
  }
  if (level == Level::kLandlock && spec.network == Network::kProxy) {
    return Error{.code = base::codes::kUnsupported,
                 .message = "the network proxy needs a network namespace, which level landlock does not have",
                 .hint = "run without network, or install bubblewrap"};
  }
  return level;
}

Result<JailPlan> plan(const SandboxSpec& spec, const HostFacts& facts) {
  JailPlan made;
  TRY(made.level, level_for(spec, facts));
  made.keeper_path = spec.keeper_program;
  made.environment = environment_of(spec, made.level);
  made.command.level = made.level;
  made.command.limits = spec.limits;
  made.root = facts.root;
  if (made.level == Level::kNone) return made;
  TRY_OK(check_paths(spec));
  TRY_OK(confine(made, spec, facts));
  TRY(made.command, with_masks(made, spec, spec.masked));
  return made;
}

Result<CommandJail> with_masks(const JailPlan& plan, const SandboxSpec& spec, std::vector<Mask> masks) {
  CommandJail command = plan.command;
  if (has_namespaces(plan.level)) {
    command.masks = mounted_masks(std::move(masks), plan.root);
  } else if (plan.level == Level::kLandlock) {
    TRY_OK(check_secrets(spec, masks));
    command.rules = rules_on_the_machine(spec, HostFacts{.root = plan.root}, masks);
  }
  return command;
}

std::vector<std::string> changed_environment(std::vector<std::string> variables,
                                             const std::vector<EnvironmentChange>& changes) {
  for (const EnvironmentChange& change : changes) {
    const std::string start = change.name + "=";
    std::erase_if(variables, [&](const std::string& variable) { return variable.starts_with(start); });
    if (change.value) variables.push_back(start + *change.value);
  }
  return variables;
}

}  // namespace lathe::sandbox
