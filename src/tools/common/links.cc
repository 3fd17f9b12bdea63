#include "lathe/tools/common/links.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "lathe/runtime/files.h"
#include "lathe/tools/common/prepared_job.h"

namespace lathe::tools::common {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxDanglingLinks = 40;

/// Where a path goes on that ends, for weakly_canonical, at a link to what is not there; nothing when it does not.
std::optional<fs::path> past_dangling_link(const fs::path& path) {
  fs::path above;
  for (auto part = path.begin(); part != path.end(); ++part) {
    above /= *part;
    std::error_code failed;
    const fs::file_status status = fs::symlink_status(above, failed);
    if (!fs::exists(status)) return std::nullopt;
    if (status.type() != fs::file_type::symlink) continue;
    fs::path next = above.parent_path() / fs::read_symlink(above, failed);
    if (failed) return std::nullopt;
    while (++part != path.end()) next /= *part;
    return next;
  }
  return std::nullopt;
}

/// As far as the path exists, and on through links to what does not. What cannot be resolved, such as a circle of
/// links, keeps a link in it, and is refused when it is opened.
std::string resolved(const std::string& path) {
  fs::path way = path;
  for (int links = 0; links < kMaxDanglingLinks; ++links) {
    std::error_code failed;
    const fs::path real = fs::weakly_canonical(way, failed);
    if (!failed) way = real.lexically_normal();
    const auto next = past_dangling_link(way);
    if (!next) break;
    way = *next;
  }
  return way.lexically_normal().string();
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

bool leads_out(const Place& place, const std::string& cwd) {
  const std::string path = gate_path(place, cwd);
  return cwd != "/" && path != cwd && !path.starts_with(cwd + "/");
}

base::Result<void> refuse_link(const Place& place, std::string_view tool) {
  struct stat status{};
  if (lstat(place.absolute.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return {};
  return base::Error{.code = base::codes::kInvalid,
                     .message = fmt::format("{}: {} is a link", tool, place.shown()),
                     .hint = "use a command for links"};
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
