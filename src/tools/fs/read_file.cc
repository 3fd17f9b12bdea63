#include "lathe/tools/fs/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/runtime/files.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/links.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"
#include "lathe/tools/common/seen_files.h"
#include "lathe/tools/common/text_format.h"
#include "lathe/tools/common/workspace.h"
#include "lathe/tools/fs/file_info.h"
#include "lathe/tools/fs/notebook.h"

namespace lathe::tools::fs {

using base::Error;
using base::Result;
using common::Need;
using ports::RunResult;
using runtime::Async;

namespace {

constexpr std::int64_t kMaxLine = std::int64_t{1} << 40;
constexpr std::size_t kMaxLineBytes = 16U << 10;

ports::ToolSpec make_read_spec(const FsOptions& options) {
  return {.name = "read_file",
          .description = fmt::format("Reads a text file, with a number before each line, or shows an image (png, jpeg, "
                                     "gif, webp) or the cells of a notebook. At most {} of "
                                     "text per call; a longer file says how to read on.",
                                     base::format_bytes(options.max_read_bytes)),
          .parameters = common::object_schema(
              {{"path", Need::kRequired, common::text_schema("The file, relative to the working folder or absolute.")},
               {"offset", Need::kOptional, common::number_schema("First line, counted from 1.", 1)},
               {"limit", Need::kOptional, common::number_schema("Number of lines at most.", 1)}})};
}

struct Range {
  std::int64_t offset = 1;
  std::int64_t limit = kMaxLine;
};

/// The lines of the range with their numbers, within the byte limit, and how to go on when there are more.
Result<std::string> numbered(std::string_view text, Range range, std::size_t max_bytes, const std::string& shown) {
  const auto lines = base::split_lines(text);
  const auto count = static_cast<std::int64_t>(lines.size());
  if (count == 0) return std::string("(the file is empty)\n");
  if (range.offset > count) {
    return Error{
        .code = base::codes::kInvalid,
        .message = fmt::format("read_file: offset {} is past the end; {} has {} lines", range.offset, shown, count)};
  }
  std::string out;
  std::int64_t next = range.offset;
  const std::int64_t end = std::min(count + 1, range.offset + std::min(range.limit, count));
  for (; next < end; ++next) {
    std::string_view line = lines[static_cast<std::size_t>(next - 1)];
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string printed = fmt::format("{:>6}\t", next);
    if (line.size() <= kMaxLineBytes) {
      printed += line;
    } else {
      printed += base::utf8_prefix(line, kMaxLineBytes);
      printed += fmt::format(" [line cut: {} in all]", base::format_bytes(line.size()));
    }
    if (!out.empty() && out.size() + printed.size() + 1 > max_bytes) break;
    out += printed + "\n";
  }
  if (next <= count) {
    out += fmt::format("[{} of {} lines; to read on: read_file {}]\n", next - range.offset, count,
                       base::dump_json({{"path", shown}, {"offset", next}}));
  }
  return out;
}

Result<FileContent> read_content(const common::Place& place, Range range, const FsOptions& options,
                                 const ports::ToolEnvironment& environment) {
  TRY(const common::OpenFile file, common::open_for_reading(place, options.secrets));
  char head[8192];
  const ssize_t got = pread(file.fd.get(), head, sizeof head, 0);
  if (got < 0) return base::errno_error(errno, place.shown());
  const std::string_view start(head, static_cast<std::size_t>(got));
  if (const auto type = image_type(start); !type.empty())
    return read_image(file, type, place, options, environment.blobs);
  if (common::looks_binary(start)) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("{} is a binary file ({})", place.shown(), base::format_bytes(file.size)),
                 .hint = "look at it with a command, such as `file` or `xxd`"};
  }
  TRY(const std::string bytes, runtime::read_all(file.fd.get(), common::kMaxFileBytes, place.shown()));
  common::saw_file(environment.history, place, bytes);
  const auto notebook = place.absolute.ends_with(".ipynb") ? notebook_text(bytes) : std::nullopt;
  const std::string_view text = notebook ? std::string_view(*notebook) : common::without_mark(bytes);
  TRY(std::string printed, numbered(text, range, options.max_read_bytes, place.shown()));
  return FileContent{base::to_utf8(printed), std::nullopt};
}

struct ReadJob {
  FsOptions options;
  common::Place place;
  Range range;
  ports::ToolEnvironment environment;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken) {
    auto content = co_await options.pool->run([this] { return read_content(place, range, options, environment); });
    if (!content.ok()) co_return std::move(content).error();
    RunResult result = common::said(out, content->text);
    if (content->image) result.images.emplace_back(*std::move(content->image));
    co_return result;
  }
};

class ReadFile final : public ports::Tool {
 public:
  explicit ReadFile(FsOptions options) : options_(options), spec_(make_read_spec(options)) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return true; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const std::string path, arguments.text("path"));
    CO_TRY(auto place, common::place_of(environment.cwd, path).within("read_file"));
    CO_TRY(const auto offset, arguments.optional_number("offset", 1, kMaxLine));
    CO_TRY(const auto limit, arguments.optional_number("limit", 1, kMaxLine));
    std::string title = fmt::format("read {}", place.shown());
    auto reading = co_await common::reading_of(options_.pool, call, std::move(place), environment.cwd);
    co_return common::prepared_job(
        std::move(reading.action), std::move(title),
        ReadJob{options_, std::move(reading.place), {offset.value_or(1), limit.value_or(kMaxLine)}, environment});
  }

 private:
  const FsOptions options_;
  const ports::ToolSpec spec_;
};

}  // namespace

std::unique_ptr<ports::Tool> make_read_file(FsOptions options) { return std::make_unique<ReadFile>(options); }

}  // namespace lathe::tools::fs
