#include "lathe/tools/common/links.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "lathe/runtime/files.h"
#include "lathe/tools/common/prepared_job.h"

namespace lathe::tools::common {

namespace {

/// As far as the path exists.
std::string resolved(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, failed);
  return failed ? path : real.lexically_normal().string();
}

}  // namespace

Place with_links_resolved(Place place, LastName last) {
  if (last == LastName::kFollowed || place.absolute == "/") {
    place.real = resolved(place.absolute);
    return place;
  }
  const std::size_t slash = place.absolute.rfind('/');
  if (slash > 0) place.real = resolved(place.absolute.substr(0, slash));
  if (place.real == "/") place.real.clear();
  place.real += place.absolute.substr(slash);
  return place;
}

std::string gate_path(const Place& place, const std::string& cwd) {
  const auto root = runtime::real_path(cwd);
  if (!root.ok()) return place.real;
  if (place.real == *root) return cwd;
  if (*root == "/" || !place.real.starts_with(*root + "/")) return place.real;
  return cwd + place.real.substr(root->size());
}

runtime::Async<Reading> reading_of(runtime::Pool* pool, protocol::ToolCall call, Place place, std::string cwd,
                                   LastName last) {
  co_return co_await pool->run([&] {
    Reading reading{.place = with_links_resolved(place, last), .action = action_of(call, ports::Action::Kind::kRead)};
    reading.action.opened = {gate_path(reading.place, cwd)};
    return reading;
  });
}

}  // namespace lathe::tools::common
