#include "lathe/tools/fs/list_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/links.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"
#include "lathe/tools/common/secret_guard.h"
#include "lathe/tools/common/workspace.h"

namespace lathe::tools::fs {

using base::Result;
using base::UniqueFd;
using common::Need;
using ports::RunResult;
using runtime::Async;

namespace {

ports::ToolSpec make_spec(const FsOptions& options) {
  return {.name = "list_dir",
          .description = fmt::format("Lists a folder: one entry per line, sorted, folders with a trailing slash, files "
                                     "with their size, links with their target. At most {} entries.",
                                     options.max_entries),
          .parameters = common::object_schema(
              {{"path", Need::kOptional,
                common::text_schema("The folder, relative to the working folder or absolute; the working folder itself "
                                    "without it.")}})};
}

std::string line_of(int folder, const std::string& name) {
  struct stat status{};
  if (fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return name + "\n";
  if (S_ISDIR(status.st_mode)) return name + "/\n";
  if (S_ISLNK(status.st_mode)) {
    char target[4096];
    const ssize_t size = readlinkat(folder, name.c_str(), target, sizeof target);
    return fmt::format("{} -> {}\n", name, std::string_view(target, size > 0 ? static_cast<std::size_t>(size) : 0));
  }
  if (!S_ISREG(status.st_mode)) return name + " (no regular file)\n";
  return fmt::format("{} ({})\n", name, base::format_bytes(static_cast<std::uint64_t>(status.st_size)));
}

Result<std::string> list(const common::Place& place, const FsOptions& options) {
  const std::size_t max_entries = options.max_entries;
  TRY(UniqueFd fd, common::open_place(place, O_RDONLY | O_DIRECTORY));
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return base::errno_error(errno, place.shown());
  if (options.secrets != nullptr) TRY_OK(options.secrets->check(place, fd.get(), status));
  DIR* stream = fdopendir(fd.get());
  if (stream == nullptr) return base::errno_error(errno, place.shown());
  const int folder = fd.release();  // the stream's from here on
  std::vector<std::string> names;
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::ranges::sort(names);
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), max_entries); ++i) out += line_of(folder, names[i]);
  closedir(stream);
  if (names.empty()) out = "(the folder is empty)\n";
  if (names.size() > max_entries) {
    out += fmt::format("[{} of {} entries; narrow it down with glob]\n", max_entries, names.size());
  }
  return base::to_utf8(out);
}

struct ListJob {
  FsOptions options;
  common::Place place;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken) {
    const auto text = co_await options.pool->run([this] { return list(place, options); });
    if (!text.ok()) co_return text.error();
    co_return common::said(out, *text);
  }
};

class ListDir final : public ports::Tool {
 public:
  explicit ListDir(FsOptions options) : options_(options), spec_(make_spec(options)) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return true; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const auto path, arguments.optional_text("path"));
    CO_TRY(auto place, common::place_of(environment.cwd, path.value_or(".")).within("list_dir"));
    std::string title = fmt::format("list {}", place.shown());
    auto reading = co_await common::reading_of(options_.pool, call, std::move(place), environment.cwd);
    co_return common::prepared_job(std::move(reading.action), std::move(title),
                                   ListJob{options_, std::move(reading.place)});
  }

 private:
  const FsOptions options_;
  const ports::ToolSpec spec_;
};

}  // namespace

std::unique_ptr<ports::Tool> make_list_dir(FsOptions options) { return std::make_unique<ListDir>(options); }

}  // namespace lathe::tools::fs
