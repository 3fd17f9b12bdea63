#include "lathe/cli/term/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace lathe::cli {

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

TerminalSize terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {.columns = size.ws_col, .rows = size.ws_row};
}

std::size_t text_width(int fd) { return std::min<std::size_t>(terminal_size(fd).columns, 100); }

bool is_capable_terminal(int fd, const config::Environment& environment) {
  const std::string term = environment.get("TERM");
  return !term.empty() && term != "dumb" && is_terminal(fd);
}

bool wants_colour(int fd, const config::Environment& environment) {
  return environment.get("NO_COLOR").empty() && is_capable_terminal(fd, environment);
}

base::Result<TerminalMode> TerminalMode::enter(int fd, Kind kind) {
  termios before{};
  if (::tcgetattr(fd, &before) != 0) return base::errno_error(errno, "terminal");
  termios mode = before;
  constexpr auto kLineFlags = static_cast<tcflag_t>(ICANON | ECHO);
  constexpr auto kLineInput = static_cast<tcflag_t>(ICRNL | IXON);
  if (kind == Kind::kLines) {
    mode.c_lflag |= kLineFlags;
    mode.c_iflag |= kLineInput;
  } else {
    mode.c_lflag &= ~kLineFlags;
    mode.c_iflag &= ~kLineInput;
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
  }
  mode.c_lflag |= ISIG;
  if (::tcsetattr(fd, TCSADRAIN, &mode) != 0) return base::errno_error(errno, "terminal");
  return TerminalMode(fd, before);
}

TerminalMode::TerminalMode(TerminalMode&& other) noexcept : fd_(std::exchange(other.fd_, -1)), before_(other.before_) {}

void TerminalMode::restore() {
  if (fd_ < 0) return;
  (void)::tcsetattr(std::exchange(fd_, -1), TCSADRAIN, &before_);
}

}  // namespace lathe::cli
