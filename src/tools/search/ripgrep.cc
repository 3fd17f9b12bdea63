#include "lathe/tools/search/ripgrep.h"

#include <fmt/format.h>

#include <charconv>

#include "lathe/base/strings.h"
#include "lathe/runtime/subprocess.h"

namespace lathe::tools::search {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

constexpr std::chrono::minutes kPatience{1};
constexpr std::size_t kMaxOutputBytes = 32U << 20;

/// The options that make ripgrep see the files that walk_files() sees, in its order, and nothing of the person's
/// own settings.
std::vector<std::string> arguments(const std::string& program, const LineQuery& query) {
  std::vector<std::string> argv = {program,
                                   "--no-config",
                                   "--color=never",
                                   "--no-heading",
                                   "--line-number",
                                   "--with-filename",
                                   "--null",
                                   "--no-messages",
                                   "--sort=path",
                                   "--hidden",
                                   "--no-require-git",
                                   "--no-ignore-dot",
                                   "--no-ignore-global",
                                   "--no-ignore-exclude",
                                   "--glob=!.git",
                                   "--crlf",
                                   "--encoding=none"};
  if (query.ignore_case) argv.emplace_back("--ignore-case");
  if (query.literal) argv.emplace_back("--fixed-strings");
  argv.insert(argv.end(), {"--regexp", query.pattern, "--", "."});
  return argv;
}

/// "./path\0line:text"; anything else is a remark of ripgrep's.
void take_line(const LineQuery& query, std::string_view line, LineMatches& found) {
  const std::size_t nul = line.find('\0');
  if (nul == std::string_view::npos) return;
  std::string_view path = line.substr(0, nul);
  if (path.starts_with("./")) path.remove_prefix(2);
  if (query.files && !query.files->matches(path)) return;
  const std::string_view rest = line.substr(nul + 1);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const auto colon = static_cast<std::size_t>(end - rest.data());
  if (error != std::errc() || colon >= rest.size() || rest[colon] != ':') return;
  if (found.matches.size() == query.max_matches) {
    found.more = true;
    return;
  }
  found.matches.push_back({std::string(path), number, shown_line(rest.substr(colon + 1))});
}

}  // namespace

Async<Result<LineMatches>> search_with_ripgrep(runtime::Loop* loop, std::string program, LineQuery query,
                                               std::string root, runtime::CancelToken cancel) {
  runtime::CommandOptions options;
  options.spawn.argv = arguments(program, query);
  options.spawn.cwd = std::move(root);
  options.deadline = runtime::Deadline::after(*loop, kPatience);
  options.max_output_bytes = kMaxOutputBytes;
  CO_TRY(const auto output, co_await runtime::run_command(*loop, std::move(options), std::move(cancel)));
  // 0: found, 1: not found; 2 also when a single file could not be read.
  if (output.status.code > 2 || (output.status.code == 2 && output.out.empty())) {
    co_return Error{.code = base::codes::kUnavailable,
                    .message = fmt::format("ripgrep ended with {}", output.status.code)};
  }
  LineMatches found;
  for (const std::string_view line : base::split_lines(output.out)) {
    take_line(query, line, found);
    if (found.more) break;
  }
  if (output.out.size() >= kMaxOutputBytes) found.more = true;
  co_return found;
}

}  // namespace lathe::tools::search
