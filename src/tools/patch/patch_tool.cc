#include "lathe/tools/patch/patch_tool.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "lathe/base/strings.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/links.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/protected_place.h"
#include "lathe/tools/common/schema.h"
#include "lathe/tools/common/seen_files.h"
#include "lathe/tools/common/workspace.h"
#include "lathe/tools/patch/patch_plan.h"
#include "lathe/tools/patch/patch_text.h"
#include "lathe/tools/patch/patch_writer.h"

namespace lathe::tools::patch {

using base::Result;
using common::Need;
using ports::RunResult;
using runtime::Async;

namespace {

constexpr const char* kTool = "apply_patch";

ports::ToolSpec make_spec(Extent extent) {
  const std::string promise = extent == Extent::kAllOrNothing
                                  ? "all of the patch is carried out, or nothing"
                                  : "in its order, up to the first change that does not fit";
  return {
      .name = kTool,
      .description =
          "Adds, changes, moves and deletes files in one step: " + promise +
          ". The format:\n"
          "*** Begin Patch\n"
          "*** Update File: src/old.py\n"
          "*** Move to: src/new.py\n"
          "@@ def area(r):\n"
          " kept line\n"
          "-removed line\n"
          "+added line\n"
          "*** Add File: notes.txt\n"
          "+every line of a new file begins with a plus\n"
          "*** Delete File: obsolete.txt\n"
          "*** End Patch\n"
          "\"*** Move to\" only when the file moves. Give about three kept lines before and after each change, exactly "
          "as "
          "they stand in the file; \"@@ line\" names an earlier line, such as the function's head, when that is not "
          "unique. \"*** End of File\" after a chunk says that it ends the file. A file that is deleted or replaced "
          "whole must have been read first. Paths are relative to the working folder.",
      .parameters =
          common::object_schema({{"input", Need::kRequired,
                                  common::text_schema("The patch, from \"*** Begin Patch\" to \"*** End Patch\".")}})};
}

/// Every path as it is shown, so that two spellings of one file are one.
Result<void> make_plain(std::vector<Hunk>& hunks, const std::string& cwd) {
  const auto plain = [&cwd](std::string& path) -> Result<void> {
    TRY(const auto place, common::place_of(cwd, path));
    path = place.shown();
    return {};
  };
  for (Hunk& hunk : hunks) {
    TRY_OK(plain(std::visit([](auto& one) -> std::string& { return one.path; }, hunk)));
    auto* update = std::get_if<UpdateFile>(&hunk);
    if (update != nullptr && !update->move_to.empty()) TRY_OK(plain(update->move_to));
  }
  return {};
}

/// The paths that a hunk names.
std::vector<std::string> paths_of(const Hunk& hunk) {
  std::vector<std::string> paths{std::visit([](const auto& one) { return one.path; }, hunk)};
  const auto* update = std::get_if<UpdateFile>(&hunk);
  if (update != nullptr && !update->move_to.empty()) paths.push_back(update->move_to);
  return paths;
}

/// Where those of the hunks lead that lead out of the working folder, for the gate: it decides about them whether the
/// plan comes to them or not, so that what the model is told does not hang on what is out there.
Result<std::vector<std::string>> outside_paths(const std::vector<Hunk>& hunks, Places& places,
                                               const PatchOptions& options) {
  std::vector<std::string> outside;
  for (const Hunk& hunk : hunks) {
    for (const std::string& path : paths_of(hunk)) {
      TRY(const auto place, places.at(path));
      if (options.extent == Extent::kAllOrNothing) TRY_OK(common::refuse_by_name(place, options.secrets));
      if (common::leads_out(place, places.cwd())) outside.push_back(common::gate_path(place, places.cwd()));
    }
  }
  return outside;
}

/// A file that goes without its lines being named in the patch (replaced, deleted, moved onto) must have been seen.
Result<void> check_lost(std::span<const Hunk> hunks, Places& places, ports::WorkspaceHistory* history,
                        const common::SecretGuard* secrets) {
  for (const Hunk& hunk : hunks) {
    const auto* update = std::get_if<UpdateFile>(&hunk);
    const std::string& path = std::visit([](const auto& one) -> const std::string& { return one.path; }, hunk);
    const std::string& lost = update != nullptr ? update->move_to : path;
    if (lost.empty() || (update != nullptr && lost == path)) continue;
    TRY(const auto place, places.at(lost));
    TRY(const auto now, common::read_if_there(place, secrets));
    if (now) TRY_OK(common::check_seen(history, place, *now, kTool));
  }
  return {};
}

/// A name that goes is that of the file that was read.
Result<void> check_names_that_go(const PatchPlan& plan, Places& places) {
  for (const PlannedFile& file : plan.files) {
    if (file.after || !file.before) continue;
    TRY(const auto place, places.at(file.path));
    TRY_OK(common::refuse_link(place, kTool));
  }
  return {};
}

Result<PatchPlan> plan_hunks(const std::vector<Hunk>& hunks, Places& places, ports::WorkspaceHistory* history,
                             const PatchOptions& options) {
  const common::SecretGuard* secrets = options.secrets;
  TRY(const auto workspace, common::Workspace::open(places.cwd()));
  const auto read = [&](const std::string& path) -> Result<std::optional<std::string>> {
    TRY(const auto place, places.at(path));
    TRY_OK(workspace.check_writable(place));
    TRY(auto content, common::read_if_there(place, secrets));
    // Who lets a file out there be changed need not want it read: a chunk that does not fit tells nothing of it.
    const bool unasked = content && common::leads_out(place, places.cwd());
    if (unasked) TRY_OK(common::check_seen(history, place, *content, kTool));
    return content;
  };
  TRY(PatchPlan plan, plan_patch(hunks, read, options.extent));
  TRY_OK(check_lost(std::span(hunks).first(plan.edits.size()), places, history, secrets));
  TRY_OK(check_names_that_go(plan, places));
  return plan;
}

/// Adds where the paths of the plan lead, each once, for the gate.
Result<void> add_paths_of(const PatchPlan& plan, Places& places, std::vector<std::string>& paths) {
  for (const common::FileEdit& edit : plan.edits) {
    for (const std::string& path : {edit.path, edit.moved_to}) {
      if (path.empty()) continue;
      TRY(const common::Place place, places.at(path));
      std::string leads = common::gate_path(place, places.cwd());
      if (std::ranges::find(paths, leads) == paths.end()) paths.push_back(std::move(leads));
    }
  }
  return {};
}

/// A patch, ready for the gate.
struct PreparedPatch {
  PatchPlan plan = {};
  std::vector<protocol::FileChange> changes = {};
  std::vector<std::string> opened = {};
  /// It will fail with this, which is told when it runs and not before.
  std::optional<base::Error> withheld = std::nullopt;
};

Result<PreparedPatch> prepare_text(const std::string& text, Places& places, ports::WorkspaceHistory* history,
                                   const PatchOptions& options) {
  TRY(auto hunks, parse_patch(text));
  TRY_OK(make_plain(hunks, places.cwd()));
  TRY(auto outside, outside_paths(hunks, places, options));
  auto plan = plan_hunks(hunks, places, history, options);
  if (!plan.ok() && outside.empty()) return std::move(plan).error();
  PreparedPatch prepared{.opened = std::move(outside)};
  if (plan.ok()) {
    prepared.plan = *std::move(plan);
    for (const auto& edit : prepared.plan.edits) prepared.changes.push_back(common::file_change(edit));
    TRY_OK(add_paths_of(prepared.plan, places, prepared.opened));
    return prepared;
  }
  prepared.withheld = std::move(plan).error();
  for (const Hunk& hunk : hunks) {
    const std::vector<std::string> paths = paths_of(hunk);
    prepared.changes.push_back(
        common::failing_change(paths.front(), paths.size() > 1 ? paths.back() : "", *prepared.withheld));
  }
  return prepared;
}

struct PatchJob {
  PatchOptions options;
  Places places;
  ports::WorkspaceHistory* history;
  PatchPlan plan;
  std::optional<base::Error> withheld;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) {
    if (cancel.cancelled()) co_return cancel.reason();
    if (withheld) co_return *withheld;
    const auto written =
        co_await options.pool->run([this] { return write_plan(plan.files, places, history, options.file_mode_mask); });
    if (!written.ok()) co_return written.error();
    std::string told = (plan.failure ? "Only these files are done:\n" : "Done. Files:\n") + plan.summary;
    if (plan.failure)
      told += "The change behind them does not fit, and nothing from it on is done: " + plan.failure->text();
    RunResult result = common::said(out, told);
    if (plan.failure) result.status = protocol::CallStatus::kFailed;
    for (const auto& edit : plan.edits) result.diff += common::diff_text(edit);
    co_return result;
  }
};

class PatchTool final : public ports::Tool {
 public:
  explicit PatchTool(PatchOptions options) : options_(options) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const std::string text, arguments.text("input"));
    ports::Action action = common::action_of(call, ports::Action::Kind::kFileChange);
    action.cwd = environment.cwd;
    Places places(environment.cwd);
    auto prepared =
        co_await options_.pool->run([&] { return prepare_text(text, places, environment.history, options_); });
    if (!prepared.ok()) co_return std::move(prepared).error();
    action.changes = std::move(prepared->changes);
    action.opened = std::move(prepared->opened);
    if (prepared->withheld) action.withheld = prepared->withheld->text();
    std::string title = action.changes.size() == 1 ? fmt::format("patch {}", action.changes[0].path)
                                                   : fmt::format("patch {} files", action.changes.size());
    co_return common::prepared_job(std::move(action), std::move(title),
                                   PatchJob{options_, std::move(places), environment.history, std::move(prepared->plan),
                                            std::move(prepared->withheld)});
  }

 private:
  const PatchOptions options_;
  const ports::ToolSpec spec_ = make_spec(options_.extent);
};

}  // namespace

std::vector<std::unique_ptr<ports::Tool>> make_patch_tools(PatchOptions options) {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(std::make_unique<PatchTool>(options));
  return tools;
}

}  // namespace lathe::tools::patch
