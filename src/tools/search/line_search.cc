#include "lathe/tools/search/line_search.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <re2/re2.h>
#include <sys/stat.h>

#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/base/utf8.h"
#include "lathe/runtime/files.h"
#include "lathe/tools/search/walk.h"

namespace lathe::tools::search {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kMaxFileBytes = 64U << 20;
constexpr std::size_t kBinaryProbeBytes = 64U << 10;
constexpr std::size_t kShownLineBytes = 500;

}  // namespace

std::string shown_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() <= kShownLineBytes) return base::to_utf8(line);
  return base::to_utf8(base::utf8_prefix(line, kShownLineBytes)) + " [cut]";
}

Result<std::shared_ptr<const RE2>> compile(const LineQuery& query) {
  RE2::Options options(RE2::Quiet);
  options.set_case_sensitive(!query.ignore_case);
  options.set_literal(query.literal);
  auto expression = std::make_shared<const RE2>(query.pattern, options);
  if (!expression->ok()) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("grep: pattern is no regular expression: {}", expression->error()),
                 .hint = "set literal to search for the text as it is"};
  }
  return expression;
}

bool search_file(const RE2& expression, const LineQuery& query, int fd, const std::string& path,
                 const MayShow& may_show, LineMatches& found) {
  const auto bytes = runtime::read_all(fd, kMaxFileBytes, path);
  if (!bytes.ok()) return true;
  std::string_view text = *bytes;
  const std::size_t nul = text.find('\0');
  if (nul < kBinaryProbeBytes) return true;
  // A NUL further on ends the search of this file.
  text = text.substr(0, nul);
  std::size_t number = 0;
  bool asked = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!RE2::PartialMatch(line, expression)) continue;
    if (!std::exchange(asked, true) && !may_show(path, fd)) return true;
    if (found.matches.size() == query.max_matches) {
      found.more = true;
      return false;
    }
    found.matches.push_back({path, number, shown_line(line)});
  }
  return true;
}

Result<LineMatches> search_tree(const LineQuery& query, const std::string& root, const MayShow& may_show,
                                const std::atomic<bool>& stop) {
  TRY(const auto expression, compile(query));
  LineMatches found;
  TRY_OK(walk_files(root, stop, [&](const FoundFile& file) {
    if (query.files && !query.files->matches(file.path)) return Visit::kGoOn;
    const base::UniqueFd fd(openat(file.folder, file.name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!fd || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Visit::kGoOn;
    return search_file(*expression, query, fd.get(), file.path, may_show, found) ? Visit::kGoOn : Visit::kStop;
  }));
  return found;
}

}  // namespace lathe::tools::search
