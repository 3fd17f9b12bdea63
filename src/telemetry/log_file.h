#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"

namespace lathe::telemetry {

/// The file that a log goes to. Once it is long it is put aside as `<path>.old`, in the place of the one before, so
/// that the two take no more than twice `most_bytes` and a line. Blocks; one process at a time writes.
class LogFile final {
 public:
  static constexpr std::uint64_t kMostBytes = 8U << 20;

  explicit LogFile(std::string path, std::uint64_t most_bytes = kMostBytes)
      : path_(std::move(path)), most_bytes_(most_bytes) {}

  /// What stood before the file that lies at `path`.
  [[nodiscard]] static std::string older(const std::string& path) { return path + ".old"; }

  /// For appending, made where it is missing; a long one is put aside first, where it can be.
  [[nodiscard]] base::Result<base::UniqueFd> open() const;
  /// Where `fd` leads to this file and that is long, puts it aside, and has stdout, stderr and `fd` lead to a new one,
  /// as far as they led to it. A descriptor that leads elsewhere, as under systemd, is left alone.
  [[nodiscard]] base::Result<void> turn_over(int fd) const;

 private:
  /// A new file in the place of the long one.
  [[nodiscard]] base::Result<base::UniqueFd> begin_anew() const;

  const std::string path_;
  const std::uint64_t most_bytes_;
};

}  // namespace lathe::telemetry
