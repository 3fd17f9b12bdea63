#include "lathe/tools/search/search_tools.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <re2/re2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/globs/glob_pattern.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/signal.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/links.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"
#include "lathe/tools/common/workspace.h"
#include "lathe/tools/search/line_search.h"
#include "lathe/tools/search/ripgrep.h"
#include "lathe/tools/search/walk.h"

namespace lathe::tools::search {

using base::Error;
using base::Result;
using common::Need;
using common::Place;
using globs::GlobPattern;
using globs::parse_file_pattern;
using ports::RunResult;
using runtime::Async;

namespace {

/// A path below the searched place as the model may use it in its next call.
std::string shown_below(const Place& place, std::string_view path) {
  if (place.relative == ".") return std::string(path);
  return place.shown() + "/" + std::string(path);
}

/// Keeps files from being shown: those that hold secrets, whatever they are called, and those that rules about paths
/// refuse or ask about, which is counted.
class Shown final {
 public:
  /// `as`: the tools whose rules count. All outlive it.
  Shown(const Place& place, const std::string& cwd, const common::SecretGuard* guard, const ports::MayShow& rules,
        std::vector<std::string> as)
      : place_(place), guard_(guard), rules_(rules), as_(std::move(as)), real_(common::gate_path(place, cwd)) {}

  /// By its path below the place.
  [[nodiscard]] bool by_rules(const std::string& path) {
    if (!rules_) return true;
    const std::string named = below(place_.absolute, path);
    const std::string real = below(real_, path);
    const bool all = std::ranges::all_of(
        as_, [&](const std::string& tool) { return rules_(tool, named) && (real == named || rules_(tool, real)); });
    if (!all) ++withheld_;
    return all;
  }
  /// Below it may be folders whose very names are secret.
  [[nodiscard]] bool by_name(const std::string& path) {
    return guard_ == nullptr || !guard_->names_secret("", below(place_.absolute, path));
  }
  [[nodiscard]] bool by_content(const std::string& path, const struct stat& status) {
    if (guard_ == nullptr) return true;
    if (guard_->names_secret(shown_below(place_, path), below(place_.absolute, path))) return false;
    if (status.st_nlink < 2) return true;
    if (!inodes_) inodes_ = guard_->inodes_below(place_.absolute);
    return !inodes_->contains({status.st_dev, status.st_ino});
  }
  [[nodiscard]] bool open_file(const std::string& path, int fd) {
    struct stat status{};
    return fstat(fd, &status) == 0 && by_content(path, status) && by_rules(path);
  }
  /// A line about what rules kept back, or "".
  [[nodiscard]] std::string note() const {
    if (withheld_ == 0) return "";
    return fmt::format("[{} file{} not shown: rules about paths refuse or ask about {}]\n", withheld_,
                       withheld_ == 1 ? " is" : "s are", withheld_ == 1 ? "it" : "them");
  }

 private:
  static std::string below(const std::string& folder, const std::string& path) {
    return (folder == "/" ? "" : folder) + "/" + path;
  }

  const Place& place_;
  const common::SecretGuard* const guard_;
  const ports::MayShow& rules_;
  const std::vector<std::string> as_;
  const std::string real_;
  std::optional<common::SecretGuard::Inodes> inodes_;
  std::size_t withheld_ = 0;
};

/// Tells work on a pool thread that its call was cancelled.
struct StopFlag {
  std::shared_ptr<std::atomic<bool>> flag = std::make_shared<std::atomic<bool>>(false);
  [[nodiscard]] runtime::CancelRegistration set_by(const runtime::CancelToken& cancel) const {
    return cancel.on_cancel([shared = flag] { shared->store(true); });
  }
};

bool is_folder(const Place& place) {
  struct stat status{};
  return stat(place.absolute.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// A folder that is itself a secret.
Result<void> check_folder(const Place& place, const common::SecretGuard* secrets) {
  if (secrets == nullptr) return {};
  TRY(const base::UniqueFd fd, common::open_place(place, O_PATH | O_DIRECTORY));
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return base::errno_error(errno, place.shown());
  return secrets->check(place, fd.get(), status);
}

// ---- glob

ports::ToolSpec glob_spec(const SearchOptions& options) {
  return {
      .name = "glob",
      .description = fmt::format(
          "Finds files by a pattern of their path: * and ? within a name, ** across folders, [a-z], {{one,two}}. A "
          "pattern without a slash is about the name in any folder. Files that .gitignore names are left out. Sorted; "
          "at most {} results.",
          options.max_results),
      .parameters = common::object_schema(
          {{"pattern", Need::kRequired, common::text_schema("Such as src/**/*.cc or *_test.py.")},
           {"path", Need::kOptional, common::text_schema("The folder to search; the working folder without it.")}})};
}

using Matches = std::function<bool(const std::string& path)>;

Result<std::string> list_files(const Place& place, const Matches& matches, const SearchOptions& options, Shown& shown,
                               const std::atomic<bool>& stop) {
  const std::size_t max_results = options.max_results;
  TRY_OK(check_folder(place, options.secrets));
  std::string out;
  std::size_t count = 0;
  TRY_OK(walk_files(place, stop, [&](const FoundFile& file) {
    const std::string& path = file.path;
    if (!matches(path) || !shown.by_name(path) || !shown.by_rules(path)) return Visit::kGoOn;
    if (++count <= max_results) out += shown_below(place, path) + "\n";
    return Visit::kGoOn;
  }));
  if (count == 0) out = "(no file matches)\n";
  if (count > max_results) out += fmt::format("[{} of {} files; narrow the pattern down]\n", max_results, count);
  return out + shown.note();
}

struct ListJob {
  std::string tool;
  SearchOptions options;
  Place place;
  Matches matches;
  ports::ToolEnvironment environment;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) {
    const StopFlag stop;
    const auto registration = stop.set_by(cancel);
    const auto text = co_await options.pool->run([&] {
      Shown shown(place, environment.cwd, options.secrets, environment.may_show, {tool});
      return list_files(place, matches, options, shown, *stop.flag);
    });
    if (cancel.cancelled()) co_return cancel.reason();
    if (!text.ok()) co_return text.error().within(tool);
    co_return common::said(out, *text);
  }
};

class GlobTool final : public ports::Tool {
 public:
  explicit GlobTool(SearchOptions options) : options_(std::move(options)), spec_(glob_spec(options_)) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return true; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const std::string text, arguments.text("pattern"));
    CO_TRY(auto pattern, parse_file_pattern(text).within("glob"));
    CO_TRY(const auto path, arguments.optional_text("path"));
    CO_TRY(auto place, common::place_of(environment.cwd, path.value_or(".")).within("glob"));
    auto matches = [pattern = std::move(pattern)](const std::string& path) { return pattern.matches(path); };
    auto reading = co_await common::reading_of(options_.pool, call, std::move(place), environment.cwd);
    co_return common::prepared_job(
        std::move(reading.action), fmt::format("find {}", text),
        ListJob{"glob", options_, std::move(reading.place), std::move(matches), environment});
  }

 private:
  const SearchOptions options_;
  const ports::ToolSpec spec_;
};

// ---- find_files

ports::ToolSpec find_spec(const SearchOptions& options) {
  return {
      .name = "find_files",
      .description = fmt::format(
          "Finds files by name when only a part of it is known: the file's own name, without its folders, holds the "
          "text, capitals or not. With * or ? the text is the whole name. Files that .gitignore names are left out. "
          "Sorted; at most {} results.",
          options.max_results),
      .parameters = common::object_schema(
          {{"pattern", Need::kRequired, common::text_schema("A part of the name such as config, or *config*.json.")},
           {"path", Need::kOptional, common::text_schema("The folder to search; the working folder without it.")}})};
}

class FindTool final : public ports::Tool {
 public:
  explicit FindTool(SearchOptions options) : options_(std::move(options)), spec_(find_spec(options_)) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return true; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const std::string text, arguments.text("pattern"));
    if (text.empty()) co_return arguments.wrong("pattern", "is empty");
    if (text.find('/') != std::string::npos) {
      co_return arguments.wrong("pattern", "holds a slash; names have none, and glob takes patterns of paths");
    }
    CO_TRY(auto matches, name_matcher(base::lower(text)).within("find_files"));
    CO_TRY(const auto path, arguments.optional_text("path"));
    CO_TRY(auto place, common::place_of(environment.cwd, path.value_or(".")).within("find_files"));
    auto reading = co_await common::reading_of(options_.pool, call, std::move(place), environment.cwd);
    co_return common::prepared_job(
        std::move(reading.action), fmt::format("find {}", text),
        ListJob{"find_files", options_, std::move(reading.place), std::move(matches), environment});
  }

 private:
  static Result<Matches> name_matcher(const std::string& text) {
    const auto name_of = [](const std::string& path) { return base::lower(path.substr(path.rfind('/') + 1)); };
    if (text.find_first_of("*?") == std::string::npos) {
      return Matches(
          [text, name_of](const std::string& path) { return name_of(path).find(text) != std::string::npos; });
    }
    TRY(auto pattern, parse_file_pattern(text));
    return Matches([pattern, name_of](const std::string& path) { return pattern.matches(name_of(path)); });
  }

  const SearchOptions options_;
  const ports::ToolSpec spec_;
};

// ---- grep

ports::ToolSpec grep_spec(const SearchOptions& options) {
  return {.name = "grep",
          .description = fmt::format(
              "Searches the lines of files for a regular expression (RE2 syntax, one line at a time) and gives "
              "path:line:text. Files that .gitignore names and binary files are left out. Sorted by path; at most {} "
              "lines.",
              options.max_results),
          .parameters = common::object_schema(
              {{"pattern", Need::kRequired, common::text_schema("What to look for.")},
               {"path", Need::kOptional,
                common::text_schema("The folder or file to search; the working folder without it.")},
               {"glob", Need::kOptional,
                common::text_schema("Only files whose path matches, such as *.cc or src/**/*.h; from `path` on.")},
               {"ignore_case", Need::kOptional, common::flag_schema("Take capitals and small letters for the same.")},
               {"literal", Need::kOptional, common::flag_schema("The pattern is text, no regular expression.")}})};
}

std::string print(const LineMatches& found, const Place& place, bool in_folder) {
  if (found.matches.empty()) return "(no line matches)\n";
  std::string out;
  for (const LineMatch& match : found.matches) {
    out +=
        fmt::format("{}:{}:{}\n", in_folder ? shown_below(place, match.path) : place.shown(), match.line, match.text);
  }
  if (found.more) out += fmt::format("[the first {} lines; there are more]\n", found.matches.size());
  return base::to_utf8(out);
}

Result<LineMatches> search_one(const LineQuery& query, const Place& place, const common::SecretGuard* secrets) {
  TRY(const auto expression, compile(query));
  TRY(const auto file, common::open_for_reading(place, secrets));
  LineMatches found;
  // The guard has seen this very descriptor, and the gate its name.
  const ShowsFile all = [](const std::string&, int) { return true; };
  (void)search_file(*expression, query, file.fd.get(), place.shown(), all, found);
  return found;
}

/// ripgrep at work, and what watches over it.
struct RipgrepRun {
  RipgrepRun(runtime::Pool& pool, const runtime::CancelToken& cancel) : source(cancel), ended(pool.loop()) {}

  runtime::CancelSource source;
  runtime::Signal ended;
  StopFlag watch_ends;
  Result<std::vector<std::string>> files = Error{};
};

Async<bool> search_by_ripgrep(const SearchOptions* options, const LineQuery* query, const Place* place,
                              RipgrepRun* run) {
  run->files = co_await files_by_ripgrep(options->runner, *options->ripgrep, *query, place->real, run->source.token());
  run->watch_ends.flag->store(true);
  run->ended.notify();
  co_return true;
}

/// Most searches are over before there is anything to watch.
Async<bool> watch_ripgrep(const SearchOptions* options, const Place* place, RipgrepRun* run) {
  const auto usual = runtime::Deadline::after(options->pool->loop(), options->ripgrep_usually);
  const auto ended = co_await run->ended.wait(runtime::CancelToken(), usual);
  if (ended.ok()) co_return true;
  const bool waits = co_await options->pool->run([&] { return has_waiting_rules(*place, *run->watch_ends.flag); });
  if (waits) run->source.cancel(runtime::cancelled_error("a file of rules has ripgrep wait"));
  co_return true;
}

struct GrepJob {
  SearchOptions options;
  Place place;
  LineQuery query;
  ports::ToolEnvironment environment;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) {
    const bool folder = is_folder(place);
    if (folder) CO_TRY_OK(check_folder(place, options.secrets).within("grep"));
    // Whoever is shown a line reads it.
    Shown shown(place, environment.cwd, options.secrets, environment.may_show, {"grep", "read_file"});
    std::optional<std::vector<std::string>> candidates;
    if (folder && options.ripgrep && options.runner != nullptr) {
      RipgrepRun ripgrep(*options.pool, cancel);
      std::vector<Async<bool>> both;
      both.push_back(search_by_ripgrep(&options, &query, &place, &ripgrep));
      both.push_back(watch_ripgrep(&options, &place, &ripgrep));
      co_await runtime::when_all(std::move(both));
      if (cancel.cancelled()) co_return cancel.reason();
      if (ripgrep.files.ok()) candidates = *std::move(ripgrep.files);
    }
    const StopFlag stop;
    const auto registration = stop.set_by(cancel);
    const auto found = co_await options.pool->run([&]() -> Result<LineMatches> {
      if (!folder) return search_one(query, place, options.secrets);
      const ShowsFile shows = [&](const std::string& path, int fd) { return shown.open_file(path, fd); };
      if (candidates) return search_files(query, place, *candidates, shows, *stop.flag);
      return search_tree(query, place, shows, *stop.flag);
    });
    if (cancel.cancelled()) co_return cancel.reason();
    if (!found.ok()) co_return found.error();
    co_return common::said(out, print(*found, place, folder) + shown.note());
  }
};

class GrepTool final : public ports::Tool {
 public:
  explicit GrepTool(SearchOptions options) : options_(std::move(options)), spec_(grep_spec(options_)) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return true; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    LineQuery query{.max_matches = options_.max_results};
    CO_TRY(query.pattern, arguments.text("pattern"));
    CO_TRY(query.ignore_case, arguments.flag("ignore_case", false));
    CO_TRY(query.literal, arguments.flag("literal", false));
    if (query.pattern.empty()) co_return arguments.wrong("pattern", "is empty");
    if (query.pattern.find('\n') != std::string::npos) {
      co_return arguments.wrong("pattern", "holds a line break; lines are searched one at a time");
    }
    CO_TRY_OK(compile(query));
    CO_TRY(const auto glob, arguments.optional_text("glob"));
    if (glob) {
      CO_TRY(auto files, parse_file_pattern(*glob).within("grep: glob"));
      query.files = std::move(files);
    }
    CO_TRY(const auto path, arguments.optional_text("path"));
    CO_TRY(auto place, common::place_of(environment.cwd, path.value_or(".")).within("grep"));
    std::string title = fmt::format("search for {}", query.pattern);
    auto reading = co_await common::reading_of(options_.pool, call, std::move(place), environment.cwd);
    co_return common::prepared_job(std::move(reading.action), std::move(title),
                                   GrepJob{options_, std::move(reading.place), std::move(query), environment});
  }

 private:
  const SearchOptions options_;
  const ports::ToolSpec spec_;
};

}  // namespace

std::vector<std::unique_ptr<ports::Tool>> make_search_tools(SearchOptions options) {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(std::make_unique<GlobTool>(options));
  tools.push_back(std::make_unique<FindTool>(options));
  tools.push_back(std::make_unique<GrepTool>(std::move(options)));
  return tools;
}

std::optional<std::string> found_ripgrep() {
  for (const std::string_view folder : base::split(runtime::env("PATH"), ':')) {
    if (!folder.starts_with('/')) continue;
    std::string program = std::string(folder) + "/rg";
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return std::nullopt;
}

}  // namespace lathe::tools::search
