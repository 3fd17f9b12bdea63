#pragma once

#include <string>
#include <string_view>

namespace lathe::tools::shell {

/// Looks in a command's output for the sign that the jail stopped it. A guess, for telling model and person what could
/// be asked for; nothing is decided by it.
class RefusalScan final {
 public:
  void add(std::string_view output);
  /// The last line that tells of a refusal, for a confined command that ended so; empty: there is none.
  [[nodiscard]] std::string refused(int exit_code) const;

 private:
  void end_line();

  std::string line_;
  std::string found_;
};

}  // namespace lathe::tools::shell
