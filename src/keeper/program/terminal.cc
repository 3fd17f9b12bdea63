#include "lathe/keeper/program/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

namespace lathe::keeper {

Terminal open_terminal(unsigned short columns, unsigned short rows) {
  Terminal terminal;
  terminal.near_end = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  int unlocked = 0;
  if (terminal.near_end < 0 || ioctl(terminal.near_end, TIOCSPTLCK, &unlocked) != 0) return {};
  // By its near end: the path may lead to another /dev/pts than ours.
  terminal.far_end = ioctl(terminal.near_end, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal.far_end < 0) {
    const int error = errno;
    close(terminal.near_end);
    errno = error;
    return {};
  }
  const winsize size{.ws_row = rows == 0 ? static_cast<unsigned short>(24) : rows,
                     .ws_col = columns == 0 ? static_cast<unsigned short>(80) : columns,
                     .ws_xpixel = 0,
                     .ws_ypixel = 0};
  ioctl(terminal.near_end, TIOCSWINSZ, &size);
  return terminal;
}

}  // namespace lathe::keeper
