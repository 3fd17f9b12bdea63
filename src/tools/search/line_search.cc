#include "lathe/tools/search/line_search.h"

#include <fmt/format.h>
#include <re2/re2.h>
#include <sys/stat.h>

#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/search/line_source.h"
#include "lathe/tools/search/walk.h"

namespace lathe::tools::search {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kShownLineBytes = 500;

bool is_regular(int fd) {
  struct stat status{};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

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

bool search_file(const RE2& expression, const LineQuery& query, int fd, const std::string& path, const ShowsFile& shows,
                 LineMatches& found) {
  LineSource lines(fd);
  bool asked = false;
  for (std::size_t number = 1; const auto line = lines.next(); ++number) {
    if (!RE2::PartialMatch(*line, expression)) continue;
    if (!std::exchange(asked, true) && !shows(path, fd)) return true;
    if (found.matches.size() == query.max_matches) {
      found.more = true;
      return false;
    }
    found.matches.push_back({path, number, shown_line(*line)});
  }
  return true;
}

Result<LineMatches> search_tree(const LineQuery& query, const common::Place& root, const ShowsFile& shows,
                                const std::atomic<bool>& stop) {
  TRY(const auto expression, compile(query));
  LineMatches found;
  TRY_OK(walk_files(root, stop, [&](const FoundFile& file) {
    if (query.files && !query.files->matches(file.path)) return Visit::kGoOn;
    const base::UniqueFd fd = open_found(file);
    if (!fd || !is_regular(fd.get())) return Visit::kGoOn;
    return search_file(*expression, query, fd.get(), file.path, shows, found) ? Visit::kGoOn : Visit::kStop;
  }));
  return found;
}

Result<LineMatches> search_files(const LineQuery& query, const common::Place& root,
                                 const std::vector<std::string>& paths, const ShowsFile& shows,
                                 const std::atomic<bool>& stop) {
  TRY(const auto expression, compile(query));
  TRY(WalkedFiles walked, WalkedFiles::create(root));
  LineMatches found;
  for (const std::string& path : paths) {
    if (stop.load(std::memory_order_relaxed)) break;
    if (query.files && !query.files->matches(path)) continue;
    const base::UniqueFd fd = walked.open(path);
    if (!fd || !is_regular(fd.get())) continue;
    if (!search_file(*expression, query, fd.get(), path, shows, found)) break;
  }
  return found;
}

}  // namespace lathe::tools::search
