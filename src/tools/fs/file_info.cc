#include "lathe/tools/fs/file_info.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <ctime>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/runtime/files.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/links.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::tools::fs {

using base::Error;
using base::Result;
using common::Need;
using common::Place;
using ports::RunResult;
using runtime::Async;

namespace {

std::string_view kind_of(mode_t mode) {
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "folder";
  if (S_ISLNK(mode)) return "link";
  if (S_ISFIFO(mode)) return "FIFO";
  return S_ISSOCK(mode) ? "socket" : "device";
}

std::string time_of(const timespec& time) {
  std::array<char, 32> text{};
  std::tm parts{};
  gmtime_r(&time.tv_sec, &parts);
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), size};
}

Result<std::string> describe(const Place& place, const common::SecretGuard* secrets) {
  TRY(const base::UniqueFd fd, common::open_place(place, O_PATH | O_NOFOLLOW));
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return base::errno_error(errno, place.shown());
  if (secrets != nullptr) TRY_OK(secrets->check(place, fd.get(), status));
  std::string out = fmt::format("{}: {}\n", place.shown(), kind_of(status.st_mode));
  if (S_ISLNK(status.st_mode)) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = readlinkat(fd.get(), "", target.data(), target.size());
    out += fmt::format("target: {}\n", std::string_view(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0));
  }
  if (S_ISREG(status.st_mode)) out += fmt::format("bytes: {}\n", status.st_size);
  out += fmt::format("permissions: {:04o}\nlast change: {}\n", status.st_mode & 07777U, time_of(status.st_mtim));
  return base::to_utf8(out);
}

struct InfoJob {
  FsOptions options;
  Place place;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken) {
    const auto text = co_await options.pool->run([this] { return describe(place, options.secrets); });
    if (!text.ok()) co_return text.error();
    co_return common::said(out, *text);
  }
};

Result<FileContent> view(const Place& place, const FsOptions& options, ports::BlobStore* blobs) {
  TRY(const common::OpenFile file, common::open_for_reading(place, options.secrets));
  std::array<char, 16> head{};
  const ssize_t got = pread(file.fd.get(), head.data(), head.size(), 0);
  if (got < 0) return base::errno_error(errno, place.shown());
  const std::string_view type = image_type({head.data(), static_cast<std::size_t>(got)});
  if (!type.empty()) return read_image(file, type, place, options, blobs);
  return Error{.code = base::codes::kInvalid,
               .message = fmt::format("view_image: {} is no png, jpeg, gif or webp image", place.shown()),
               .hint = "read_file reads text"};
}

struct ViewJob {
  FsOptions options;
  Place place;
  ports::BlobStore* blobs;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken) {
    auto content = co_await options.pool->run([this] { return view(place, options, blobs); });
    if (!content.ok()) co_return std::move(content).error();
    RunResult result = common::said(out, content->text);
    result.images.emplace_back(*std::move(content->image));
    co_return result;
  }
};

class InfoTool final : public ports::Tool {
 public:
  explicit InfoTool(FsOptions options) : options_(options) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return true; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const std::string path, arguments.text("path"));
    CO_TRY(auto place, common::place_of(environment.cwd, path).within("stat"));
    std::string title = fmt::format("look at {}", place.shown());
    auto reading =
        co_await common::reading_of(options_.pool, call, std::move(place), environment.cwd, common::LastName::kItself);
    co_return common::prepared_job(std::move(reading.action), std::move(title),
                                   InfoJob{options_, std::move(reading.place)});
  }

 private:
  const FsOptions options_;
  const ports::ToolSpec spec_{
      .name = "stat",
      .description = "Says what a path is: file, folder or link, its size, permissions and last change.",
      .parameters = common::object_schema(
          {{"path", Need::kRequired, common::text_schema("Relative to the working folder or absolute.")}})};
};

class ViewTool final : public ports::Tool {
 public:
  explicit ViewTool(FsOptions options) : options_(options) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return true; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const std::string path, arguments.text("path"));
    CO_TRY(auto place, common::place_of(environment.cwd, path).within("view_image"));
    std::string title = fmt::format("look at {}", place.shown());
    auto reading = co_await common::reading_of(options_.pool, call, std::move(place), environment.cwd);
    co_return common::prepared_job(std::move(reading.action), std::move(title),
                                   ViewJob{options_, std::move(reading.place), environment.blobs});
  }

 private:
  const FsOptions options_;
  const ports::ToolSpec spec_{
      .name = "view_image",
      .description = "Shows you an image file: png, jpeg, gif or webp.",
      .parameters = common::object_schema(
          {{"path", Need::kRequired, common::text_schema("The image, relative to the working folder or absolute.")}})};
};

}  // namespace

std::string_view image_type(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (bytes.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "image/webp";
  return "";
}

Result<FileContent> read_image(const common::OpenFile& file, std::string_view type, const Place& place,
                               const FsOptions& options, ports::BlobStore* blobs) {
  TRY(const std::string bytes, runtime::read_all(file.fd.get(), options.max_image_bytes, place.shown()));
  protocol::ImagePart image{.media_type = std::string(type)};
  if (blobs != nullptr) {
    TRY(image.blob, blobs->put(bytes));
  } else {
    image.image_url = fmt::format("data:{};base64,{}", type, base::base64(bytes));
  }
  return FileContent{fmt::format("({}, {})\n", type, base::format_bytes(bytes.size())), std::move(image)};
}

std::unique_ptr<ports::Tool> make_file_info(FsOptions options) { return std::make_unique<InfoTool>(options); }
std::unique_ptr<ports::Tool> make_view_image(FsOptions options) { return std::make_unique<ViewTool>(options); }

}  // namespace lathe::tools::fs
