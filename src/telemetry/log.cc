#include "lathe/telemetry/log.h"

#include <unistd.h>

#include "lathe/base/json.h"
#include "lathe/base/secret_filter.h"
#include "lathe/runtime/files.h"

namespace lathe::telemetry {

namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

}  // namespace

void Log::write(LogLevel level, std::string_view text, LogFields fields) const {
  const std::vector<std::string> secrets = secrets_ ? secrets_() : std::vector<std::string>();
  const auto clean = [&](std::string value) { return base::cut_secrets(std::move(value), secrets); };
  base::Json line{
      {"ts", clock_.unix_now()}, {"level", name_of(level)}, {"pid", ::getpid()}, {"msg", clean(std::string(text))}};
  for (auto& [name, value] : fields) {
    if (auto* const said = std::get_if<std::string>(&value)) {
      line[std::string(name)] = clean(std::move(*said));
    } else {
      line[std::string(name)] = std::get<std::int64_t>(value);
    }
  }
  // There is nobody to tell that the log itself cannot be written, or not be begun anew; `lathe doctor` looks.
  if (file_) (void)file_->turn_over(fd_);
  (void)runtime::write_all(fd_, base::dump_json(line) + "\n", "the log");
}

}  // namespace lathe::telemetry
