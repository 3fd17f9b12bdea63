#include "lathe/sandbox/session_jail.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <system_error>

#include "lathe/base/hash.h"
#include "lathe/base/unique_fd.h"
#include "lathe/sandbox/folders.h"
#include "lathe/sandbox/git_folders.h"
#include "lathe/sandbox/path_order.h"
#include "lathe/sandbox/protected_names.h"
#include "lathe/sandbox/readable_roots.h"
#include "lathe/sandbox/real_path.h"
#include "lathe/sandbox/system_folders.h"
#include "lathe/sandbox/toolchains.h"

namespace lathe::sandbox {

using base::Error;
using base::Result;

namespace {

Result<void> make_folder(const std::string& path, mode_t mode) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return base::errno_error(error.value(), path);
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return base::errno_error(errno, path);
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return base::errno_error(errno, path);
  if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid()) {
    return Error{.code = base::codes::kPermission, .message = fmt::format("{}: not a folder of ours", path)};
  }
  return {};
}

Result<void> make_empty_file(const std::string& path) {
  const base::UniqueFd file(open(path.c_str(), O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_WRONLY, 0));
  if (!file && errno != EEXIST) return base::errno_error(errno, path);
  return {};
}

/// Home and temporary folder of a jail, and what masks need.
Result<void> make_private_folders(const SessionFacts& facts, SandboxSpec& spec) {
  const std::string project = facts.jails_folder + "/" + project_name(facts.workspace);
  spec.private_home = private_home(facts);
  spec.private_tmp = project + "/tmp-" + facts.session;
  spec.hidden_file = facts.jails_folder + "/hidden-file";
  spec.hidden_folder = facts.jails_folder + "/hidden-folder";
  for (const std::string& path : {facts.jails_folder, project, spec.private_home, spec.private_tmp}) {
    TRY_OK(make_folder(path, 0700).within("sandbox"));
  }
  TRY_OK(make_folder(spec.hidden_folder, 0).within("sandbox"));
  TRY_OK(make_empty_file(spec.hidden_file).within("sandbox"));
  // Mounted by their real places.
  spec.private_home = real_path(spec.private_home);
  spec.private_tmp = real_path(spec.private_tmp);
  return {};
}

/// What is not there cannot be hidden, and a command that could make it would say what later sessions may do.
Result<void> make_config_folder(const SessionFacts& facts, const SandboxSpec& spec) {
  const std::string& folder = facts.config_folder;
  if (folder.empty() || !real_path(folder).empty()) return {};
  const auto holds = [&folder](const std::string& root) { return is_below(folder, root); };
  if (std::ranges::none_of(spec.writable, holds)) return {};
  return make_folder(folder, 0700).within("sandbox");
}

std::vector<Mask> fixed_masks(const SandboxSpec& spec, const SessionFacts& facts) {
  std::vector<Mask> masks;
  std::vector<std::string> hidden = hidden_places(facts);
  if (std::string config = real_path(facts.config_folder); !config.empty()) hidden.push_back(std::move(config));
  for (std::string& real : hidden) {
    const auto shows = [&](const std::string& folder) { return is_below(real, folder); };
    if (std::ranges::any_of(spec.readable, shows) || std::ranges::any_of(spec.writable, shows)) {
      masks.push_back({std::move(real), Mask::Kind::kHidden, 0});
    }
  }
  return masks;
}

Result<void> check_workspace(const SandboxSpec& spec, const std::vector<std::string>& our_folders) {
  for (const std::string& root : spec.writable) {
    for (const std::string& folder : our_folders) {
      const std::string ours = real_folder(folder);
      if (ours.empty() || !is_at_or_below(root, ours)) continue;
      return Error{.code = base::codes::kInvalid,
                   .message = fmt::format("{} lies in {}, where Lathe keeps its own files; commands may not work there",
                                          root, ours),
                   .hint = "work in another folder"};
    }
  }
  return {};
}

/// What commands work in they read anyway, and would not write to where it was mounted again.
Result<std::vector<std::string>> further_readable(const SessionFacts& facts, const SandboxSpec& spec) {
  TRY(std::vector<std::string> roots, readable_roots(facts));
  std::erase_if(roots, [&spec](const std::string& root) {
    return std::ranges::any_of(spec.writable,
                               [&root](const std::string& folder) { return is_at_or_below(root, folder); });
  });
  return roots;
}

/// Where somebody on the machine has a unix socket, as it was bound. The kernel lists those of our own network
/// namespace, so that the servers that commands start in theirs are not among them.
std::set<std::string> live_sockets() {
  constexpr int kColumnsBefore = 7;
  std::set<std::string> paths;
  std::ifstream list("/proc/net/unix");
  for (std::string line; std::getline(list, line);) {
    std::istringstream columns(line);
    std::string path;
    for (int column = 0; column < kColumnsBefore; ++column) columns >> path;
    if (std::getline(columns >> std::ws, path)) paths.insert(path);
  }
  return paths;
}

/// As some are bound by relative paths, only the last name counts.
std::set<std::string> names_of_live_sockets() {
  std::set<std::string> names;
  for (const std::string& path : live_sockets()) names.insert(path.substr(path.rfind('/') + 1));
  return names;
}

}  // namespace

std::string private_home(const SessionFacts& facts) {
  return facts.jails_folder + "/" + project_name(facts.workspace) + "/home";
}

std::string private_homes(const std::string& jails_folder) { return jails_folder + "/*/home"; }

std::string project_name(const std::string& workspace) {
  std::string name = workspace.substr(workspace.rfind('/') + 1).substr(0, 40);
  std::ranges::replace_if(name, [](char letter) { return letter <= ' ' || letter == 0x7f; }, '_');
  return fmt::format("{}{:016x}-{}", base::hex8(base::crc32c(workspace)), std::hash<std::string>{}(workspace), name);
}

Result<SandboxSpec> SessionJail::spec_of(const SessionFacts& facts, Searched& searched) {
  SandboxSpec spec;
  spec.mode = facts.mode;
  spec.network = facts.network;
  spec.limits = facts.limits;
  spec.level = facts.level;
  spec.least_level = facts.least_level;
  spec.waiver = facts.waiver;
  spec.keeper_program = facts.keeper_program;
  spec.environment = facts.environment;
  if (facts.mode == Mode::kFullAccess) return spec;

  const std::string home = real_folder(facts.home);
  spec.home = home.empty() ? facts.home : home;
  if (!spec.home.empty()) spec.environment.push_back({"HOME", spec.home});
  std::vector<std::string> roots = {facts.workspace};
  roots.insert(roots.end(), facts.further_roots.begin(), facts.further_roots.end());
  for (const std::string& root : roots) {
    std::string real = real_folder(root);
    if (real.empty()) return Error{.code = base::codes::kNotFound, .message = fmt::format("{}: no such folder", root)};
    spec.writable.push_back(std::move(real));
  }
  spec.readable = toolchain_folders(facts.path_variable, spec.home);
  spec.readable.insert(spec.readable.end(), facts.readable.begin(), facts.readable.end());
  searched.worked_in = spec.writable;
  if (std::string repository = add_git_folders(spec); !repository.empty()) {
    searched.worked_in.push_back(std::move(repository));
  }
  TRY(searched.read_only, further_readable(facts, spec));
  spec.readable.insert(spec.readable.end(), searched.read_only.begin(), searched.read_only.end());
  std::vector<std::string> ours = facts.our_folders;
  ours.push_back(facts.config_folder);
  TRY_OK(check_workspace(spec, ours));
  TRY_OK(make_config_folder(facts, spec));
  TRY_OK(make_private_folders(facts, spec));
  return spec;
}

Result<std::unique_ptr<SessionJail>> SessionJail::create(const SessionFacts& facts, const HostFacts& host) {
  Searched searched;
  TRY(SandboxSpec spec, spec_of(facts, searched));
  std::vector<Mask> fixed = fixed_masks(spec, facts);
  std::unique_ptr<SessionJail> jail(
      new SessionJail(std::move(spec), std::move(searched), std::move(fixed), facts.is_secret));
  // The masks come with the first command; the tree may be large.
  TRY(jail->plan_, sandbox::plan(jail->spec_, host));
  // Where there are no mounts, no socket can be opened at all.
  if (!jail->plan_.outer_argv.empty()) jail->hide_servers();
  return jail;
}

SessionJail::~SessionJail() {
  if (!spec_.private_tmp.empty() && !leaves_temporary_folder_) (void)remove_tree(spec_.private_tmp);
}

/// A folder being read-only does not keep anyone from talking to the servers in it.
void SessionJail::hide_servers() {
  std::set<std::string> servers;
  for (const std::string_view path : kSystemServers) servers.insert(real_path(std::string(path)));
  for (const std::string& path : live_sockets()) {
    if (path.starts_with('/')) servers.insert(real_path(path));
  }
  std::erase_if(servers, [this](const std::string& server) {
    const auto holds = [&server](const std::string& folder) { return is_below(server, folder); };
    return server.empty() || std::ranges::any_of(spec_.writable, holds);
  });
  std::vector<std::string> shown(kSystemFolders.begin(), kSystemFolders.end());
  shown.insert(shown.end(), spec_.readable.begin(), spec_.readable.end());
  for (const std::string& folder : shown) {
    const std::string real = real_path(folder);
    if (real.empty()) continue;
    for (const std::string& server : servers) {
      if (is_below(server, real)) fixed_.push_back({folder + server.substr(real.size()), Mask::Kind::kHidden, 0});
    }
  }
}

Result<std::vector<Mask>> SessionJail::masks() {
  TRY(std::vector<Mask> masks, secrets_.find(searched_.worked_in));
  TRY(const std::vector<Mask> beside, secrets_beside_.find(searched_.read_only));
  masks.insert(masks.end(), beside.begin(), beside.end());
  masks.insert(masks.end(), fixed_.begin(), fixed_.end());
  // Servers of the machine that listen in what is worked in or read; hide_servers() has those of the system's folders.
  std::vector<Mask> sockets = secrets_.sockets();
  sockets.insert(sockets.end(), secrets_beside_.sockets().begin(), secrets_beside_.sockets().end());
  if (!sockets.empty() && !plan_.outer_argv.empty()) {
    const std::set<std::string> live = names_of_live_sockets();
    std::ranges::copy_if(sockets, std::back_inserter(masks),
                         [&](const Mask& mask) { return live.contains(mask.path.substr(mask.path.rfind('/') + 1)); });
  }
  for (const std::string& root : spec_.writable) {
    TRY(const std::vector<Mask> names, protected_masks(root));
    masks.insert(masks.end(), names.begin(), names.end());
  }
  return masks;
}

Result<std::vector<std::string>> SessionJail::find_nested() {
  TRY_OK(secrets_.find(searched_.worked_in));
  return secrets_.nested();
}

Result<CommandJail> SessionJail::next_command() {
  if (plan_.level == Level::kNone) {
    TRY_OK(find_nested());
    return plan_.command;
  }
  TRY(std::vector<Mask> now, masks());
  return with_masks(plan_, spec_, std::move(now));
}

}  // namespace lathe::sandbox
