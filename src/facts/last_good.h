#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace lathe::facts {

/// The last text of each file that could be used, so that a broken edit changes nothing until it is mended. Of no more
/// than `most_bytes` altogether: a file that does not fit is forgotten, and left out once it is broken. Any thread.
class LastGood final {
 public:
  explicit LastGood(std::size_t most_bytes = 16U << 20) : most_bytes_(most_bytes) {}

  void remember(const std::string& file, const std::string& text);
  /// The file is gone, and so is what it said.
  void forget(const std::string& file);
  [[nodiscard]] std::optional<std::string> text_of(const std::string& file) const;

 private:
  void forget_locked(const std::string& file);

  const std::size_t most_bytes_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> texts_;  // under mutex_, as what follows
  std::size_t bytes_ = 0;
};

}  // namespace lathe::facts
