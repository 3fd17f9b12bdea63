#include "lathe/tools/fs/change_tools.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "lathe/base/strings.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/links.h"
#include "lathe/tools/common/protected_place.h"
#include "lathe/tools/common/schema.h"
#include "lathe/tools/common/text_format.h"
#include "lathe/tools/common/workspace.h"
#include "lathe/tools/fs/change_job.h"
#include "lathe/tools/fs/text_edit.h"

namespace lathe::tools::fs {

using base::Error;
using base::Json;
using base::Result;
using common::Arguments;
using common::FileEdit;
using common::Need;
using common::Place;
using ports::ToolEnvironment;
using runtime::Async;

namespace {

constexpr const char* kPathDoc = "The file. A person is asked about one outside the working folder.";

/// A tool that changes one file: its arguments become a planned change on the pool, and that a prepared call.
class ChangeTool final : public ports::Tool {
 public:
  using Plan = Result<PlannedChange> (*)(const FsOptions& options, const Arguments& arguments,
                                         const ToolEnvironment& environment, const std::string& tool);

  ChangeTool(FsOptions options, ports::ToolSpec spec, std::string verb, Plan plan)
      : options_(options), spec_(std::move(spec)), verb_(std::move(verb)), plan_(plan) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, Arguments::parse(spec_, call));
    auto change = co_await options_.pool->run([&]() -> Result<PlannedChange> {
      TRY(PlannedChange planned, plan_(options_, arguments, environment, spec_.name));
      planned.opened = {common::gate_path(planned.place, environment.cwd)};
      if (planned.moved_to) planned.opened.push_back(common::gate_path(*planned.moved_to, environment.cwd));
      return planned;
    });
    if (!change.ok()) co_return std::move(change).error();
    co_return prepared_change(options_, call, environment, verb_, *std::move(change));
  }

 private:
  const FsOptions options_;
  const ports::ToolSpec spec_;
  const std::string verb_;
  const Plan plan_;
};

/// Where the argument leads, before anything is read.
Result<Place> place_argument(const FsOptions& options, const Arguments& arguments, std::string_view name,
                             const ToolEnvironment& environment, const std::string& tool) {
  TRY(const std::string path, arguments.text(name));
  TRY(const Place place, common::place_of(environment.cwd, path).within(tool));
  TRY_OK(common::refuse_by_name(place, options.secrets));
  return common::with_links_resolved(place);
}

Error no_such_file(const ToolEnvironment& environment, const Place& place) {
  // With near names, as reading says it; what is there outside, nobody allowed to tell yet.
  const auto read =
      common::leads_out(place, environment.cwd) ? Result<std::string>(std::string()) : common::read_whole(place);
  if (!read.ok()) return read.error();
  return {.code = base::codes::kNotFound, .message = place.shown() + ": no such file"};
}

// ---- write_file

Result<PlannedChange> plan_write(const FsOptions& options, const Arguments& arguments,
                                 const ToolEnvironment& environment, const std::string& tool) {
  TRY(Place place, place_argument(options, arguments, "path", environment, tool));
  TRY(std::string content, arguments.text("content"));
  auto before = read_for_change(options, environment, place, tool);
  if (!before.ok()) return or_withheld(std::move(before).error(), environment, std::move(place));
  FileEdit edit{.path = place.shown(), .before = *std::move(before), .after = std::move(content)};
  return PlannedChange{.place = std::move(place), .edit = std::move(edit)};
}

// ---- edit_file, multi_edit

struct TextEdit {
  std::string old_text;
  std::string new_text;
  Matches matches = Matches::kExactlyOne;
};

Result<PlannedChange> plan_edits(const FsOptions& options, const ToolEnvironment& environment, const Place& place,
                                 const std::vector<TextEdit>& edits, const std::string& tool) {
  TRY(auto before, read_for_change(options, environment, place, tool));
  if (!before) return no_such_file(environment, place);
  if (common::looks_binary(*before)) {
    return Error{.code = base::codes::kInvalid, .message = fmt::format("{} is a binary file", place.shown())};
  }
  std::string after = *before;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const std::string name = edits.size() == 1 ? tool : fmt::format("{}: edits[{}]", tool, i);
    const TextEdit& edit = edits[i];
    TRY(after, replace_text(name, place.shown(), after, edit.old_text, edit.new_text, edit.matches));
  }
  FileEdit edit{.path = place.shown(), .before = std::move(before), .after = std::move(after)};
  return PlannedChange{.place = place, .edit = std::move(edit)};
}

Error empty_old_text(const Arguments& arguments, const std::string& name) {
  Error error = arguments.wrong(name, "is empty");
  error.hint = "use write_file for a new file";
  return error;
}

Result<PlannedChange> plan_edit(const FsOptions& options, const Arguments& arguments,
                                const ToolEnvironment& environment, const std::string& tool) {
  TRY(const Place place, place_argument(options, arguments, "path", environment, tool));
  TextEdit edit;
  TRY(edit.old_text, arguments.text("old_text"));
  TRY(edit.new_text, arguments.text("new_text"));
  TRY(const bool all, arguments.flag("replace_all", false));
  if (edit.old_text.empty()) return empty_old_text(arguments, "old_text");
  if (all) edit.matches = Matches::kAll;
  return or_withheld(plan_edits(options, environment, place, {edit}, tool), environment, place);
}

Result<PlannedChange> plan_multi_edit(const FsOptions& options, const Arguments& arguments,
                                      const ToolEnvironment& environment, const std::string& tool) {
  TRY(const Place place, place_argument(options, arguments, "path", environment, tool));
  TRY(const Json list, arguments.list("edits"));
  if (list.empty()) return arguments.wrong("edits", "is empty");
  std::vector<TextEdit> edits;
  for (const Json& part : list) {
    TextEdit edit{.old_text = base::json_string(part, "old_text"), .new_text = base::json_string(part, "new_text")};
    if (edit.old_text.empty()) return empty_old_text(arguments, fmt::format("edits[{}].old_text", edits.size()));
    const Json& all = base::json_at(part, "replace_all");
    if (all.is_boolean() && all.get<bool>()) edit.matches = Matches::kAll;
    edits.push_back(std::move(edit));
  }
  return or_withheld(plan_edits(options, environment, place, edits, tool), environment, place);
}

std::vector<common::Property> edit_properties() {
  return {
      {"old_text", Need::kRequired, common::text_schema("The text as it stands in the file, without line numbers.")},
      {"new_text", Need::kRequired, common::text_schema("What takes its place; empty to delete.")},
      {"replace_all", Need::kOptional, common::flag_schema("Replace every occurrence.")}};
}

// ---- delete_file, move_file

/// The file's bytes; a link is refused, because the bytes are another file's.
Result<std::string> read_itself(const FsOptions& options, const ToolEnvironment& environment, const Place& place,
                                const std::string& tool) {
  TRY_OK(common::refuse_link(place, tool));
  TRY(auto before, read_for_change(options, environment, place, tool));
  if (!before) return no_such_file(environment, place);
  return *std::move(before);
}

Result<PlannedChange> plan_delete(const FsOptions& options, const Arguments& arguments,
                                  const ToolEnvironment& environment, const std::string& tool) {
  TRY(Place place, place_argument(options, arguments, "path", environment, tool));
  auto before = read_itself(options, environment, place, tool);
  if (!before.ok()) return or_withheld(std::move(before).error(), environment, std::move(place));
  FileEdit edit{.path = place.shown(), .before = *std::move(before), .after = std::nullopt};
  return PlannedChange{.place = std::move(place), .edit = std::move(edit)};
}

Result<PlannedChange> plan_way(const FsOptions& options, const ToolEnvironment& environment, const Place& from,
                               const Place& to, const std::string& tool) {
  // Moving shows and loses nothing, so the file need not have been read.
  ToolEnvironment unread = environment;
  unread.history = nullptr;
  TRY(std::string before, read_itself(options, unread, from, tool));
  TRY(const auto workspace, common::Workspace::open(environment.cwd));
  TRY_OK(workspace.check_writable(to));
  if (options.secrets != nullptr) TRY_OK(options.secrets->check_name(to));
  struct stat status{};
  if (lstat(to.absolute.c_str(), &status) == 0) {
    return Error{.code = base::codes::kExists,
                 .message = fmt::format("{}: {} exists already", tool, to.shown()),
                 .hint = "delete it first, or move to another name"};
  }
  FileEdit edit{.path = from.shown(), .moved_to = to.shown(), .before = before, .after = before};
  return PlannedChange{.place = from, .moved_to = to, .edit = std::move(edit)};
}

Result<PlannedChange> plan_move(const FsOptions& options, const Arguments& arguments,
                                const ToolEnvironment& environment, const std::string& tool) {
  TRY(const Place from, place_argument(options, arguments, "from", environment, tool));
  TRY(const Place to, place_argument(options, arguments, "to", environment, tool));
  return or_withheld(plan_way(options, environment, from, to, tool), environment, from, to);
}

}  // namespace

std::unique_ptr<ports::Tool> make_write_file(FsOptions options) {
  ports::ToolSpec spec{
      .name = "write_file",
      .description =
          "Creates a file or replaces all of it. Missing folders are made. A file that is there must have been read "
          "first. To change a part of a file, use edit_file or apply_patch.",
      .parameters = common::object_schema(
          {{"path", Need::kRequired, common::text_schema(kPathDoc)},
           {"content", Need::kRequired, common::text_schema("The whole content, written exactly so.")}})};
  return std::make_unique<ChangeTool>(options, std::move(spec), "write", plan_write);
}

std::unique_ptr<ports::Tool> make_edit_file(FsOptions options) {
  std::vector<common::Property> properties = edit_properties();
  properties.push_back({"path", Need::kRequired, common::text_schema(kPathDoc)});
  ports::ToolSpec spec{
      .name = "edit_file",
      .description =
          "Replaces one exact text in a file, which must have been read first, by another. The text must stand there "
          "exactly once, blanks and line breaks included; give enough lines around the change to make it unique.",
      .parameters = common::object_schema(std::move(properties))};
  return std::make_unique<ChangeTool>(options, std::move(spec), "edit", plan_edit);
}

std::unique_ptr<ports::Tool> make_multi_edit(FsOptions options) {
  ports::ToolSpec spec{
      .name = "multi_edit",
      .description =
          "Several edits of one file, which must have been read first, in one step: all of them or none. Each is like "
          "an edit_file and sees what those before it did.",
      .parameters = common::object_schema(
          {{"path", Need::kRequired, common::text_schema(kPathDoc)},
           {"edits", Need::kRequired,
            common::list_schema("The edits, in order.", common::object_schema(edit_properties()))}})};
  return std::make_unique<ChangeTool>(options, std::move(spec), "edit", plan_multi_edit);
}

std::unique_ptr<ports::Tool> make_delete_file(FsOptions options) {
  ports::ToolSpec spec{.name = "delete_file",
                       .description = "Deletes one file, which must have been read first.",
                       .parameters = common::object_schema({{"path", Need::kRequired, common::text_schema(kPathDoc)}})};
  return std::make_unique<ChangeTool>(options, std::move(spec), "delete", plan_delete);
}

std::unique_ptr<ports::Tool> make_move_file(FsOptions options) {
  ports::ToolSpec spec{
      .name = "move_file",
      .description = "Gives a file another name or folder. Missing folders are made; nothing is overwritten.",
      .parameters = common::object_schema({{"from", Need::kRequired, common::text_schema(kPathDoc)},
                                           {"to", Need::kRequired, common::text_schema("Its new path.")}})};
  return std::make_unique<ChangeTool>(options, std::move(spec), "move", plan_move);
}

}  // namespace lathe::tools::fs
