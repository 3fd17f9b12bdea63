#include "lathe/storage/filesystem.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace lathe::storage {

bool is_network_filesystem(std::int64_t type) {
  // Those that <linux/magic.h> does not know are named in their kernel sources.
  constexpr std::array<std::uint32_t, 10> kShared{
      NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,
      0xff534d42,  // CIFS
      0xfe534d42,  // SMB2
      AFS_SUPER_MAGIC, AFS_FS_MAGIC,    CODA_SUPER_MAGIC,
      0x00c36400,  // Ceph
      0x0bd00bd0,  // Lustre
      0x01161970,  // GFS2
  };
  return std::find(kShared.begin(), kShared.end(), static_cast<std::uint32_t>(type)) != kShared.end();
}

base::Result<void> refuse_network_filesystem(const std::string& folder) {
  struct statfs status{};
  if (::statfs(folder.c_str(), &status) != 0) return base::errno_error(errno, folder);
  if (!is_network_filesystem(status.f_type)) return {};
  return base::Error{.code = base::codes::kUnsupported,
                     .message = folder + " is on a network file system, where locks do not hold",
                     .hint = "set LATHE_HOME to a folder on a local disk"};
}

}  // namespace lathe::storage
