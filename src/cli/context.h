#pragma once

#include <memory>
#include <string>

#include "lathe/cli/main.h"
#include "lathe/cli/options.h"
#include "lathe/cli/term/output.h"
#include "lathe/cli/term/style.h"

namespace lathe::cli {

/// What every command works with. One per run(); outlives the command's coroutines.
struct Context {
  explicit Context(Frontend& from);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Says something to the person on stderr, at once when stderr takes it, else with what is written next.
  void note(std::string_view text);
  /// Opens the engine, in this process where --embedded was given or CI is set.
  runtime::Async<base::Result<std::unique_ptr<client::Transport>>> open(client::OpenOptions options) const;
  /// Leaves the process at once, with the terminal as it was found and no footer on it.
  void leave_now(ExitCode code);

  Frontend& frontend;
  /// --embedded
  bool embedded = false;
  runtime::Loop& loop;
  Output out;
  Output err;
  Style out_style;
  Style err_style;
  /// Puts the terminal back; set while a command changes it.
  std::function<void()> restore_terminal;
  /// Takes the footer away; set while there is a Screen.
  std::function<void()> erase_footer;
};

}  // namespace lathe::cli
