#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

namespace lathe::cli {

/// Text on its way to stdout or stderr. A reader that does not read makes flush() wait, never the loop. Loop thread.
class Output final {
 public:
  Output(runtime::Loop& loop, int fd, std::string name) : loop_(loop), fd_(fd), name_(std::move(name)) {}

  void add(std::string_view text) { pending_ += text; }
  /// Adds the line and a newline.
  void line(std::string_view text) { (pending_ += text) += '\n'; }
  [[nodiscard]] int fd() const { return fd_; }

  /// Writes all that was added, also while it waits. Once a write failed, everything later is dropped and gives the
  /// same error; a reader that went away is `unavailable`.
  runtime::Async<base::Result<void>> flush(runtime::CancelToken cancel);
  /// For what must not be missed but cannot wait for flush(): written now as far as nothing blocks, the rest before
  /// whatever is written next.
  void write_soon(std::string_view text);
  /// For what may be missed (a spinner): whether it was taken. It is dropped when writing would block or something else
  /// waits to be written; of what was taken, the rest goes before whatever is written next.
  bool write_if_ready(std::string_view text);
  [[nodiscard]] const std::optional<base::Error>& failed() const { return failed_; }

 private:
  /// Writes what was added as far as nothing blocks.
  void drain();
  runtime::Async<base::Result<void>> write_some(std::string_view* text, runtime::CancelToken cancel);

  runtime::Loop& loop_;
  int fd_;
  std::string name_;
  std::string pending_;
  /// A flush() has taken text that is not written yet: nothing may come between its pieces.
  bool flushing_ = false;
  std::optional<base::Error> failed_;
  std::optional<runtime::FdWatch> watch_;
};

}  // namespace lathe::cli
