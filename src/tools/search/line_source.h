#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lathe::tools::search {

/// The lines of an open file, one after another, however large it is. A NUL byte within the first 64 KiB makes it a
/// binary file, which has no lines; one further on ends it. Of a line only its first 16 MiB are given. Blocks.
class LineSource final {
 public:
  explicit LineSource(int fd) : fd_(fd) {}

  /// Without its line break, "\n" or "\r\n"; valid until the next call. Nothing after the last one.
  [[nodiscard]] std::optional<std::string_view> next();

 private:
  /// Reads more behind what is there.
  void fill();
  void begin();
  /// The end of the line that begins at `at_`, as far as it can be found; what is longer than a line may be is dropped.
  std::size_t find_end();

  const int fd_;
  std::string bytes_;
  /// Where the next line begins, and how far its end was looked for.
  std::size_t at_ = 0;
  std::size_t searched_ = 0;
  bool begun_ = false;
  bool ended_ = false;
  bool nul_ = false;
};

}  // namespace lathe::tools::search
