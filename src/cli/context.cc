#include "lathe/cli/context.h"

#include <utility>

#include "lathe/base/utf8.h"
#include "lathe/cli/term/terminal.h"

namespace lathe::cli {

Context::Context(Frontend& from)
    : frontend(from),
      loop(from.loop),
      out(from.loop, from.out_fd, "stdout"),
      err(from.loop, from.err_fd, "stderr"),
      out_style{wants_colour(from.out_fd, from.environment)},
      err_style{wants_colour(from.err_fd, from.environment)} {}

void Context::note(std::string_view text) { err.write_soon(base::terminal_safe(text) + "\n"); }

runtime::Async<base::Result<std::unique_ptr<client::Transport>>> Context::open(client::OpenOptions options) const {
  const std::string ci = frontend.environment.get("CI");
  options.embedded = embedded || (!ci.empty() && ci != "0" && ci != "false");
  return frontend.open(std::move(options));
}

void Context::leave_now(ExitCode code) {
  if (restore_terminal) restore_terminal();
  if (erase_footer) erase_footer();
  frontend.leave_now(code);
}

}  // namespace lathe::cli
