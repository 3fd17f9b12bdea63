#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/telemetry/log_file.h"

namespace lathe::telemetry {

enum class LogLevel { kInfo, kWarning, kError };

/// What a line says beside its text, "session" and "task" first among it.
using LogFields = std::vector<std::pair<std::string_view, std::variant<std::string, std::int64_t>>>;

/// The log of a process that serves clients: a line of JSON each, {"ts","level","pid","msg", fields…}, in one write.
/// What is said is never what people, models or commands said; keys that are known are cut out of it all the same. Loop
/// thread.
class Log final {
 public:
  /// `fd` and `clock` outlive it. Where `fd` leads to `file`, that is begun anew once it is long.
  Log(const base::Clock& clock, int fd, std::optional<LogFile> file = std::nullopt)
      : clock_(clock), fd_(fd), file_(std::move(file)) {}

  void write(LogLevel level, std::string_view text, LogFields fields = {}) const;
  /// What must not be in it; {}: nothing is known any more.
  void hide(std::function<std::vector<std::string>()> secrets) { secrets_ = std::move(secrets); }

 private:
  const base::Clock& clock_;
  const int fd_;
  const std::optional<LogFile> file_;
  std::function<std::vector<std::string>()> secrets_;
};

}  // namespace lathe::telemetry
