#pragma once

#include <termios.h>

#include <cstddef>
#include <string>

#include "lathe/base/result.h"
#include "lathe/config/config.h"

namespace lathe::cli {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

[[nodiscard]] bool is_terminal(int fd);
/// 80 x 24 when unknown.
[[nodiscard]] TerminalSize terminal_size(int fd);
/// How wide running text may be on it: no wider than is good to read.
[[nodiscard]] std::size_t text_width(int fd);
/// A terminal that understands escape sequences (TERM is set and not "dumb").
[[nodiscard]] bool is_capable_terminal(int fd, const config::Environment& environment);
/// The same, and nobody set NO_COLOR.
[[nodiscard]] bool wants_colour(int fd, const config::Environment& environment);

/// How a terminal hands over what is typed, Ctrl-C always a signal; put back when this goes. The descriptor outlives
/// it.
class TerminalMode final {
 public:
  enum class Kind {
    /// Key by key, without echo.
    kKeys,
    /// Line by line, echoed.
    kLines,
  };
  [[nodiscard]] static base::Result<TerminalMode> enter(int fd, Kind kind);
  TerminalMode(TerminalMode&& other) noexcept;
  TerminalMode& operator=(TerminalMode&& other) = delete;
  ~TerminalMode() { restore(); }
  /// Back to what was before; does nothing the second time.
  void restore();

 private:
  TerminalMode(int fd, const termios& before) : fd_(fd), before_(before) {}
  int fd_ = -1;
  termios before_{};
};

}  // namespace lathe::cli
