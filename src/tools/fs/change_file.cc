#include "lathe/tools/fs/change_file.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/file_change.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"
#include "lathe/tools/common/text_format.h"
#include "lathe/tools/common/workspace.h"
#include "lathe/tools/fs/text_edit.h"

// Both tools find out what the file will be while they prepare, so that the gate sees the very change, and write it
// when they run, unless the file changed in between.

namespace lathe::tools::fs {

using base::Error;
using base::Result;
using common::FileEdit;
using common::Need;
using common::Place;
using ports::RunResult;
using runtime::Async;

namespace {

Result<void> write_edit(const std::string& cwd, const Place& place, const FileEdit& edit) {
  TRY(const auto workspace, common::Workspace::open(cwd));
  TRY(const auto now, common::read_if_there(place));
  if (now != edit.before) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("{} was changed by someone else meanwhile; nothing was written", place.shown()),
                 .hint = "read it again"};
  }
  return workspace.write(place, *edit.after);
}

struct ChangeJob {
  runtime::Pool* pool;
  std::string cwd;
  Place place;
  FileEdit edit;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) {
    if (cancel.cancelled()) co_return cancel.reason();
    const auto written = co_await pool->run([this] { return write_edit(cwd, place, edit); });
    if (!written.ok()) co_return written.error();
    RunResult result = common::said(out, fmt::format("{} {} ({}).\n", edit.before ? "Changed" : "Created",
                                                     place.shown(), base::format_bytes(edit.after->size())));
    result.diff = common::diff_text(edit);
    co_return result;
  }
};

/// The file as it is, when it may be written.
Result<std::optional<std::string>> read_for_change(const std::string& cwd, const Place& place) {
  TRY(const auto workspace, common::Workspace::open(cwd));
  TRY_OK(workspace.check_writable(place));
  return common::read_if_there(place);
}

std::unique_ptr<ports::PreparedCall> prepared_change(runtime::Pool* pool, const protocol::ToolCall& call,
                                                     const std::string& cwd, Place place, std::string_view verb,
                                                     FileEdit edit) {
  ports::Action action = common::action_of(call, ports::Action::Kind::kFileChange);
  action.cwd = cwd;
  action.changes.push_back(common::file_change(edit));
  std::string title = fmt::format("{} {}", verb, place.shown());
  return common::prepared_job(std::move(action), std::move(title),
                              ChangeJob{pool, cwd, std::move(place), std::move(edit)});
}

class WriteFile final : public ports::Tool {
 public:
  explicit WriteFile(FsOptions options) : options_(options) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const std::string path, arguments.text("path"));
    CO_TRY(std::string content, arguments.text("content"));
    CO_TRY(auto place, common::place_of(environment.cwd, path).within("write_file"));
    auto before = co_await options_.pool->run([&] { return read_for_change(environment.cwd, place); });
    if (!before.ok()) co_return std::move(before).error();
    FileEdit edit{.path = place.shown(), .before = *std::move(before), .after = std::move(content)};
    co_return prepared_change(options_.pool, call, environment.cwd, std::move(place), "write", std::move(edit));
  }

 private:
  const FsOptions options_;
  const ports::ToolSpec spec_{
      .name = "write_file",
      .description =
          "Creates a file or replaces all of it. Missing folders are made. To change a part of a file, use "
          "edit_file or apply_patch.",
      .parameters = common::object_schema(
          {{"path", Need::kRequired, common::text_schema("The file; it must be inside the working folder.")},
           {"content", Need::kRequired, common::text_schema("The whole content, written exactly so.")}})};
};

class EditFile final : public ports::Tool {
 public:
  explicit EditFile(FsOptions options) : options_(options) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const std::string path, arguments.text("path"));
    CO_TRY(const std::string old_text, arguments.text("old_text"));
    CO_TRY(const std::string new_text, arguments.text("new_text"));
    CO_TRY(const bool replace_all, arguments.flag("replace_all", false));
    if (old_text.empty()) {
      Error error = arguments.wrong("old_text", "is empty");
      error.hint = "use write_file for a new file";
      co_return error;
    }
    CO_TRY(auto place, common::place_of(environment.cwd, path).within("edit_file"));
    const Matches matches = replace_all ? Matches::kAll : Matches::kExactlyOne;
    auto edit = co_await options_.pool->run([&] { return plan(environment.cwd, place, old_text, new_text, matches); });
    if (!edit.ok()) co_return std::move(edit).error();
    co_return prepared_change(options_.pool, call, environment.cwd, std::move(place), "edit", *std::move(edit));
  }

 private:
  static Result<FileEdit> plan(const std::string& cwd, const Place& place, const std::string& old_text,
                               const std::string& new_text, Matches matches) {
    TRY(const auto workspace, common::Workspace::open(cwd));
    TRY_OK(workspace.check_writable(place));
    TRY(std::string before, common::read_whole(place));
    if (common::looks_binary(before)) {
      return Error{.code = base::codes::kInvalid, .message = fmt::format("{} is a binary file", place.shown())};
    }
    TRY(std::string after, replace_text(place.shown(), before, old_text, new_text, matches));
    return FileEdit{.path = place.shown(), .before = std::move(before), .after = std::move(after)};
  }

  const FsOptions options_;
  const ports::ToolSpec spec_{
      .name = "edit_file",
      .description =
          "Replaces one exact text in a file by another. The text must stand there exactly once, blanks and "
          "line breaks included; give enough lines around the change to make it unique.",
      .parameters = common::object_schema(
          {{"path", Need::kRequired, common::text_schema("The file; it must be inside the working folder.")},
           {"old_text", Need::kRequired,
            common::text_schema("The text as it stands in the file, without line numbers.")},
           {"new_text", Need::kRequired, common::text_schema("What takes its place; empty to delete.")},
           {"replace_all", Need::kOptional, common::flag_schema("Replace every occurrence.")}})};
};

}  // namespace

std::unique_ptr<ports::Tool> make_write_file(FsOptions options) { return std::make_unique<WriteFile>(options); }
std::unique_ptr<ports::Tool> make_edit_file(FsOptions options) { return std::make_unique<EditFile>(options); }

}  // namespace lathe::tools::fs
