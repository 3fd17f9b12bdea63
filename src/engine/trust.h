#pragma once

#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/protocol/calls.h"

// Files of a repository are loaded or executed only once a person trusted their very content: the store holds
// (repository root, path, sha256), in one file of the state folder. A changed file is another content, so it is asked
// about again.

namespace lathe::engine {

/// The nearest folder above `folder` (or itself) that has a .git or .lathe; `folder` when there is none.
[[nodiscard]] std::string repository_root(const std::string& folder);

/// What the repository wants loaded or executed for work in `folder`, which is its root or lies below it: regular files
/// in known places, sorted by path; links are not followed. Blocks.
[[nodiscard]] base::Result<std::vector<protocol::TrustItem>> scan_repository(const std::string& root,
                                                                             const std::string& folder);

/// Reads `path` below `root` without following a link out of it, with its hash. Blocks.
struct RepositoryFile {
  std::string text;
  std::string sha256;
};
[[nodiscard]] base::Result<RepositoryFile> read_repository_file(const std::string& root, const std::string& path);

/// A lock on `file` + ".lock", shared by all processes, for as long as the descriptor lives. Makes the folder. Blocks.
[[nodiscard]] base::Result<base::UniqueFd> lock_beside(const std::string& file);

/// Where a repository keeps rules, from its root.
inline constexpr std::string_view kRulesFolder = ".lathe/policies";
/// Whether a file of that name in a folder of rules counts as one.
[[nodiscard]] bool is_rule_file(std::string_view name);

/// One store per process; other processes' changes are seen when it is read again. Its functions block.
class TrustStore final {
 public:
  /// `file` need not exist. `corrupt` when it cannot be read as what it should be.
  static base::Result<TrustStore> read(std::string file);

  [[nodiscard]] bool trusts(const std::string& root, const std::string& path, const std::string& sha256) const;
  /// Whether this file has another content than one that was trusted.
  [[nodiscard]] bool changed(const std::string& root, const std::string& path, const std::string& sha256) const;
  /// Rule files of the project that were trusted and are no longer there, sorted by path, each with a content that was
  /// trusted.
  [[nodiscard]] std::vector<protocol::TrustItem> gone_rules(const std::string& root) const;
  /// repository_root(), but where rules were trusted that are gone, that folder: it may have been one of a project only
  /// by them. Blocks.
  [[nodiscard]] std::string project_root(const std::string& folder) const;
  /// Sets `trusted` and `changed` of each.
  void mark(const std::string& root, std::vector<protocol::TrustItem>& items) const;
  /// Trusts these contents, or takes the trust in them back; written at once, under a lock shared by all processes.
  base::Result<void> set(const std::string& root, const std::vector<protocol::TrustItem>& items, bool trusted);

 private:
  explicit TrustStore(std::string file) : file_(std::move(file)) {}
  base::Result<void> load();
  [[nodiscard]] base::Result<void> save() const;

  using Entry = std::tuple<std::string, std::string, std::string>;
  std::string file_;
  std::set<Entry> entries_;
};

}  // namespace lathe::engine
