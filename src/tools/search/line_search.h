#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/globs/glob_pattern.h"
#include "lathe/tools/common/workspace.h"

namespace re2 {
class RE2;
}

namespace lathe::tools::search {

/// What a grep looks for.
struct LineQuery {
  std::string pattern;
  bool ignore_case = false;
  /// The pattern is text, no regular expression.
  bool literal = false;
  /// Which files; all without it.
  std::optional<globs::GlobPattern> files = std::nullopt;
  /// Matches kept; one more is looked for, to tell that there are more.
  std::size_t max_matches = 0;
};

struct LineMatch {
  /// Relative to the folder that was searched.
  std::string path;
  std::size_t line = 0;
  std::string text;
  friend bool operator==(const LineMatch&, const LineMatch&) = default;
};

struct LineMatches {
  std::vector<LineMatch> matches;
  bool more = false;
  friend bool operator==(const LineMatches&, const LineMatches&) = default;
};

/// Checks the regular expression (RE2 syntax; linear time).
[[nodiscard]] base::Result<std::shared_ptr<const re2::RE2>> compile(const LineQuery& query);

/// May lines of this open file be shown? Asked once a line of it matches.
using ShowsFile = std::function<bool(const std::string& path, int fd)>;

/// The lines of one open file that match, appended to `found`. Binary files have none. False once there are more than
/// query.max_matches. Blocks.
bool search_file(const re2::RE2& expression, const LineQuery& query, int fd, const std::string& path,
                 const ShowsFile& shows, LineMatches& found);

/// All files below the folder `root`, as walk_files() gives them. Blocks.
[[nodiscard]] base::Result<LineMatches> search_tree(const LineQuery& query, const common::Place& root,
                                                    const ShowsFile& shows, const std::atomic<bool>& stop);

/// The same of these files below the folder, in their order; those that walk_files() would not come by are left out.
[[nodiscard]] base::Result<LineMatches> search_files(const LineQuery& query, const common::Place& root,
                                                     const std::vector<std::string>& paths, const ShowsFile& shows,
                                                     const std::atomic<bool>& stop);

/// `line` without its "\r" and cut to what is shown of one.
[[nodiscard]] std::string shown_line(std::string_view line);

}  // namespace lathe::tools::search
