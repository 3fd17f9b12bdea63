#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"

// File access of the tools, by descriptor below the working folder. Everything here blocks; tools call it on a Pool.
//
// A path is first made plain by its text alone (".", ".." and double slashes go), and exactly that path is shown.
// Whether a path may leave the folder, by its text or through a link, is the gate's to say, of reads and writes alike.
// Both open what the path led to when it was looked up, and follow no link on the way (openat2 with
// RESOLVE_NO_SYMLINKS, for writes inside below the folder's descriptor), so that a link that is put there after a
// decision is refused. A write to a place that was not looked up stays in the folder. Names that the jail protects from
// commands are protected from writes too, in every folder (protected_place.h).

namespace lathe::tools::common {

inline constexpr std::size_t kMaxPathBytes = 4095;
inline constexpr std::size_t kMaxFileBytes = 64U << 20;

/// Where a path that a model wrote leads.
struct Place {
  /// Plain and absolute.
  std::string absolute;
  /// The same from the working folder ("." for the folder itself); empty when it is outside.
  std::string relative;
  /// Where it leads with every link resolved, and then what is opened (links.h); empty: not looked up, and links are
  /// followed when it is used.
  std::string real = {};

  [[nodiscard]] bool inside() const { return !relative.empty(); }
  /// How people and models are shown it: relative where it is inside.
  [[nodiscard]] const std::string& shown() const { return inside() ? relative : absolute; }
};

/// `cwd` is absolute. `invalid` for an empty path, a NUL byte, bytes that are not UTF-8, or more than kMaxPathBytes.
[[nodiscard]] base::Result<Place> place_of(const std::string& cwd, std::string_view path);

class SecretGuard;

/// Opens what is there for reading, a folder perhaps: never by a link that was put into `place.real` after it was
/// resolved (`permission_denied`), and never waiting for the other end of a FIFO.
[[nodiscard]] base::Result<base::UniqueFd> open_place(const Place& place, int flags);

/// Where an open file or folder is now, as the kernel names it; empty when it cannot tell.
[[nodiscard]] std::string real_name(int fd);

struct OpenFile {
  base::UniqueFd fd;
  mode_t mode = 0;
  std::size_t size = 0;
};
/// Opens a regular file for reading. `not_found` names the path (with near names of its folder, where that lies in the
/// working folder), `invalid` says what else it is: a folder, a FIFO, a device, a socket. Opening has no side effect on
/// what is not a regular file. With a guard, secrets are `permission_denied`.
[[nodiscard]] base::Result<OpenFile> open_for_reading(const Place& place, const SecretGuard* guard = nullptr);

/// The whole content, or nothing when there is no such file; `limit_exceeded` over kMaxFileBytes. With a guard a file
/// that is not there is refused too where it would be a secret.
[[nodiscard]] base::Result<std::optional<std::string>> read_if_there(const Place& place,
                                                                     const SecretGuard* guard = nullptr);
[[nodiscard]] base::Result<std::string> read_whole(const Place& place, const SecretGuard* guard = nullptr);

/// Folders that a write had to make, from the working folder on or, outside of it, absolute; one after the folder that
/// it is in.
using MadeFolders = std::vector<std::string>;

/// Changes files of one working folder, and others that the gate let through. A place that was looked up is changed
/// where it led to then, or not at all: `permission_denied` when a link was put there since.
class Workspace final {
 public:
  /// `file_mode_mask`: what new files and folders do not get of the usual permissions; absent: as this process has it.
  [[nodiscard]] static base::Result<Workspace> open(const std::string& cwd,
                                                    std::optional<unsigned> file_mode_mask = std::nullopt);

  /// May this place be written at all? `permission_denied` when it is protected, or leads out without having been
  /// looked up; `invalid` when it is there and no regular file. Changes nothing.
  [[nodiscard]] base::Result<void> check_writable(const Place& place) const;
  /// Replaces or creates the file in one step (a temporary file beside it, then rename); missing folders are made.
  /// The permission bits of an existing file are kept, setuid, setgid and sticky are not; a new one gets those of
  /// `new_mode`, or the usual ones. A link to a file inside is followed, so that the link stays. The folders that were
  /// made are added to `made`, also by a write that fails.
  [[nodiscard]] base::Result<void> write(const Place& place, std::string_view bytes,
                                         std::optional<mode_t> new_mode = std::nullopt,
                                         MadeFolders* made = nullptr) const;
  /// Takes back what `made` tells of; a folder in which there is something stays.
  void remove_made(const MadeFolders& made) const;
  [[nodiscard]] base::Result<void> remove(const Place& place) const;
  /// Gives a regular file another name, with its permissions and all; missing folders are made. On another file system
  /// it is copied, and is gone here only when the copy is on disk. `exists` when something is there already, `invalid`
  /// for a link.
  [[nodiscard]] base::Result<void> move(const Place& from, const Place& to) const;

 private:
  Workspace(base::UniqueFd root, std::optional<unsigned> file_mode_mask)
      : root_(std::move(root)), file_mode_mask_(file_mode_mask) {}

  base::UniqueFd root_;
  std::optional<unsigned> file_mode_mask_;
};

}  // namespace lathe::tools::common
