#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "lathe/base/hash.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/protocol/fields.h"

namespace lathe::undo {

/// No file is covered that is larger.
inline constexpr std::size_t kMaxFileBytes = 64U << 20;

enum class FileKind { kNone, kFile, kLink, kFolder, kOther };
constexpr auto enum_names(FileKind) {
  using protocol::EnumName;
  return std::array{EnumName{FileKind::kNone, "none"}, EnumName{FileKind::kFile, "file"},
                    EnumName{FileKind::kLink, "link"}, EnumName{FileKind::kFolder, "folder"},
                    EnumName{FileKind::kOther, "other"}};
}

/// What stands at a path: enough to know it again and to bring it back. A value.
struct FileState {
  FileKind kind = FileKind::kNone;
  /// Permission bits of a file or folder; absent: not known, as good as any.
  std::optional<std::int64_t> mode;
  std::int64_t size = 0;
  /// SHA-256 of a file's bytes or a link's target; its name in the blob store.
  base::Sha256Hex content;
  /// The git object that holds the bytes, when the blob store does not.
  std::string git;
  static constexpr auto fields() {
    using S = FileState;
    using protocol::optional;
    using protocol::required;
    return std::tuple{required("kind", &S::kind, "none, file, link, folder"), optional("mode", &S::mode, "permissions"),
                      optional("size", &S::size, "bytes"), optional("content", &S::content, "SHA-256"),
                      optional("git", &S::git, "object that holds it")};
  }
  friend bool operator==(const FileState&, const FileState&) = default;
};

/// The same thing with the same bytes, whatever its permissions.
[[nodiscard]] bool same_content(const FileState& a, const FileState& b);
[[nodiscard]] bool same_mode(const FileState& a, const FileState& b);

/// By which a file is known to be unchanged without reading it. The inode's change time cannot be set back, so equal
/// stamps mean equal bytes, unless the file was changed in the very tick of the clock in which it was read.
struct FileStamp {
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::uint32_t mode = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
[[nodiscard]] FileStamp stamp_of(const struct stat& status);
[[nodiscard]] FileKind kind_of(mode_t mode);

/// The bytes of a regular file or the target of a link, by a name in an open folder, never through a link.
/// `limit_exceeded` over kMaxFileBytes.
[[nodiscard]] base::Result<std::string> read_content(int folder, const std::string& name, FileKind kind);

/// A regular file's bytes; whatever else is there is `invalid`, and never waited for.
[[nodiscard]] base::Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes);

/// The folder at `relative` below `root`, reached through no link. "" is the root itself.
[[nodiscard]] base::Result<base::UniqueFd> open_folder_beneath(int root, const std::string& relative);
/// {"a/b", "c"} of "a/b/c"; {"", "c"} of "c".
[[nodiscard]] std::pair<std::string, std::string> split_name(const std::string& path);

/// What stands at `path` below `root` now; kNone also when a folder on the way is missing or no folder. Reads it.
[[nodiscard]] base::Result<FileState> look_at(int root, const std::string& path);

}  // namespace lathe::undo
