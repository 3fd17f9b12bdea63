#pragma once

#include <optional>
#include <string>

#include "lathe/base/result.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

namespace lathe::cli {

/// The lines of a descriptor, such as a pipe on stdin; while none comes, the loop goes on. One next() at a time. The
/// descriptor outlives it.
class InputLines final {
 public:
  InputLines(runtime::Loop& loop, int fd) : loop_(loop), fd_(fd) {}

  /// The next line, without its newline; `unavailable` at the end of input, `cancelled` with the token.
  runtime::Async<base::Result<std::string>> next(runtime::CancelToken cancel);

 private:
  runtime::Async<base::Result<void>> read_more(runtime::CancelToken cancel);

  runtime::Loop& loop_;
  int fd_;
  std::string unread_;
  bool ended_ = false;
  /// Made when it has to wait: a file, which is always readable, cannot be watched.
  std::optional<runtime::FdWatch> watch_;
};

}  // namespace lathe::cli
