#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/tools/common/workspace.h"
#include "lathe/tools/search/ignore_files.h"

namespace lathe::tools::search {

enum class Visit { kGoOn, kStop };

/// A regular file that a walk came by.
struct FoundFile {
  /// Relative to the folder that is walked.
  std::string path;
  /// The folder that holds it, open as long as the visit lasts, and its name there.
  int folder = -1;
  std::string name;
};

/// Calls back with every regular file below the folder `root`, in the order of their names. Left out: what rules in and
/// above the folder ignore (ignore_files.h), `.git`, what lies more than 100 folders deep, and what links point to:
/// folders are opened one in another, so that a link put in the place of one is not followed either. Hidden files are
/// in. Stops early when `stop` is set. Blocks.
[[nodiscard]] base::Result<void> walk_files(const common::Place& root, const std::atomic<bool>& stop,
                                            const std::function<Visit(const FoundFile& file)>& visit);

/// Whether a walk comes by a file of rules that has other programs wait (ignore_files.h). False when `stop` is set
/// first. Blocks.
[[nodiscard]] bool has_waiting_rules(const common::Place& root, const std::atomic<bool>& stop);

/// For reading; without one when it is gone, or a link by now. May be no regular file.
[[nodiscard]] base::UniqueFd open_found(const FoundFile& file);

/// Opens files that something else found below a folder, unless walk_files() would not come by them. Quick when they
/// come in the order of a walk. Blocks.
class WalkedFiles final {
 public:
  [[nodiscard]] static base::Result<WalkedFiles> create(const common::Place& root);
  /// As open_found(); `path` is relative to the folder.
  [[nodiscard]] base::UniqueFd open(const std::string& path);

 private:
  struct Folder {
    std::string path;
    base::UniqueFd fd;
  };
  WalkedFiles(base::UniqueFd root, std::string absolute);
  [[nodiscard]] int here() const { return folders_.empty() ? root_.get() : folders_.back().fd.get(); }
  bool enter(const std::string& path, const std::string& name);

  base::UniqueFd root_;
  std::string absolute_;
  IgnoreFiles ignore_;
  /// Those that the last file lay in, outermost first.
  std::vector<Folder> folders_;
};

}  // namespace lathe::tools::search
