#pragma once

#include <map>
#include <mutex>
#include <string>

#include "lathe/base/result.h"
#include "lathe/ports/workspace_history.h"

namespace lathe::undo {

/// ports::ReadSet in a file: one line per new finding, the last one of a path counts. What a crash or a full disk takes
/// from it costs the model one more reading. Any thread.
class FileReadSet final : public ports::ReadSet {
 public:
  /// Damaged lines are passed over. Blocks.
  [[nodiscard]] static std::unique_ptr<FileReadSet> open(std::string path);

  void saw(const std::string& absolute_path, const base::Sha256Hex& content) override;
  [[nodiscard]] std::optional<base::Sha256Hex> last_seen(const std::string& absolute_path) const override;

 private:
  explicit FileReadSet(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  mutable std::mutex mutex_;
  std::map<std::string, base::Sha256Hex> seen_;  // under mutex_
};

}  // namespace lathe::undo
