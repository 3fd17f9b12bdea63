#include "lathe/tools/common/seen_files.h"

#include <fmt/format.h>

#include "lathe/base/json.h"
#include "lathe/crypto/sha256.h"

namespace lathe::tools::common {

void saw_file(ports::WorkspaceHistory* history, const Place& place, std::string_view bytes) {
  if (history != nullptr) history->reads().saw(place.absolute, crypto::sha256(bytes));
}

base::Result<void> check_seen(ports::WorkspaceHistory* history, const Place& place, std::string_view bytes,
                              std::string_view tool) {
  if (history == nullptr) return {};
  const auto seen = history->reads().last_seen(place.absolute);
  const std::string read = fmt::format("read_file {}", base::dump_json({{"path", place.shown()}}));
  if (!seen) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = fmt::format("{}: {} has not been read in this session", tool, place.shown()),
                       .hint = "read it first: " + read};
  }
  if (*seen != crypto::sha256(bytes)) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = fmt::format("{}: {} was changed on disk since you read it", tool, place.shown()),
                       .hint = "read it again: " + read};
  }
  return {};
}

}  // namespace lathe::tools::common
