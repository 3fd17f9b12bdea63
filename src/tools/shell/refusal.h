#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lathe::tools::shell {

/// Looks in a command's output for the sign that the jail stopped it. A guess, for telling model and person what could
/// be asked for; nothing is decided by it.
class RefusalScan final {
 public:
  void add(std::string_view output);
  /// The last line that tells of a refusal, for a confined command that ended so; empty: there is none.
  [[nodiscard]] std::string refused(int exit_code) const;
  /// The last line that misses a file or folder, and the absolute paths in it.
  struct Missing {
    std::string line;
    std::vector<std::string> paths;
  };
  [[nodiscard]] Missing missing(int exit_code) const;

 private:
  void end_line();

  std::string line_;
  std::string found_;
  std::string missing_;
};

/// Whether one of the paths, or the folder that would hold it, is there for whoever is not in the jail, which shows
/// what lies in `visible`. Blocks.
[[nodiscard]] bool is_hidden(const std::vector<std::string>& paths, const std::vector<std::string>& visible);

}  // namespace lathe::tools::shell
