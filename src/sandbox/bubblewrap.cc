#include "lathe/sandbox/bubblewrap.h"

#include <algorithm>
#include <array>

#include "lathe/sandbox/system_folders.h"

// What a command does not see cannot be read: the root is empty but for what is mounted here. A mount is made after
// those of the folders above it, so that a workspace may lie in home or /tmp, which are private, and a toolchain in
// home.

namespace lathe::sandbox {
namespace {

struct Mount {
  std::string_view option;
  std::string source;
  std::string target;
};

using Mounts = std::vector<Mount>;

/// A later mount at the same place takes the place of an earlier one.
void put(Mounts& mounts, Mount mount) {
  std::erase_if(mounts, [&](const Mount& other) { return other.target == mount.target; });
  mounts.push_back(std::move(mount));
}

void put_same(Mounts& mounts, std::string_view option, std::string_view path) {
  put(mounts, {option, std::string(path), std::string(path)});
}

Mounts mounts_of(const SandboxSpec& spec) {
  Mounts mounts;
  for (const std::string_view folder : kSystemFolders) put_same(mounts, "--ro-bind-try", folder);
  if (spec.network == Network::kOpen) {
    for (const std::string_view folder : kResolverFolders) put_same(mounts, "--ro-bind-try", folder);
  }
  put(mounts, {"--proc", "", "/proc"});
  put(mounts, {"--dev", "", "/dev"});
  put(mounts, {"--bind", spec.private_tmp, "/tmp"});
  put(mounts, {"--bind", spec.private_tmp, "/var/tmp"});
  if (!spec.home.empty() && spec.home != "/") put(mounts, {"--bind", spec.private_home, spec.home});
  for (const std::string& path : spec.readable) put_same(mounts, "--ro-bind-try", path);
  const bool writes = spec.mode == Mode::kWorkspaceWrite;
  for (const std::string& path : spec.writable) put_same(mounts, writes ? "--bind" : "--ro-bind", path);
  put(mounts, {"--ro-bind", spec.keeper_program, std::string(kKeeperInside)});
  put(mounts, {"--ro-bind", spec.hidden_file, std::string(kHiddenFileInside)});
  put(mounts, {"--ro-bind", spec.hidden_folder, std::string(kHiddenFolderInside)});
  // A folder's path is a prefix of what lies in it.
  std::ranges::sort(mounts, {}, &Mount::target);
  return mounts;
}

}  // namespace

std::vector<std::string> namespace_arguments(Network network) {
  std::vector<std::string> argv = {"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
                                   "--unshare-cgroup-try"};
  if (network != Network::kOpen) argv.emplace_back("--unshare-net");
  // The keeper is process 1: with it ends everything that it started.
  argv.insert(argv.end(), {"--as-pid-1", "--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN", "--hostname", "lathe"});
  return argv;
}

std::vector<std::string> bubblewrap_command(const std::string& bubblewrap, const SandboxSpec& spec) {
  std::vector<std::string> argv = {bubblewrap};
  const std::vector<std::string> namespaces = namespace_arguments(spec.network);
  argv.insert(argv.end(), namespaces.begin(), namespaces.end());
  for (const Mount& mount : mounts_of(spec)) {
    argv.emplace_back(mount.option);
    if (!mount.source.empty()) argv.push_back(mount.source);
    argv.push_back(mount.target);
  }
  argv.insert(argv.end(), {"--remount-ro", "/", "--chdir", "/", "--clearenv", "--"});
  return argv;
}

}  // namespace lathe::sandbox
