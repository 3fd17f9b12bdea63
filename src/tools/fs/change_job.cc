#include "lathe/tools/fs/change_job.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/tools/common/links.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/seen_files.h"

namespace lathe::tools::fs {

using base::Error;
using base::Result;
using ports::RunResult;
using runtime::Async;

namespace {

Result<void> keep_history(ports::WorkspaceHistory* history, const PlannedChange& change) {
  if (history == nullptr) return {};
  ports::FileWrite write{.path = change.place.real};
  if (change.edit.before) write.before = *change.edit.before;
  if (!change.moved_to) {
    if (change.edit.after) write.after = *change.edit.after;
    return history->will_write({write});
  }
  return history->will_write({write, {.path = change.moved_to->real, .after = *change.edit.after}});
}

Result<void> make_change(const std::string& cwd, const FsOptions& options, ports::WorkspaceHistory* history,
                         const PlannedChange& change) {
  TRY(const auto workspace, common::Workspace::open(cwd, options.file_mode_mask));
  TRY_OK(workspace.check_writable(change.place));
  TRY(const auto now, common::read_if_there(change.place, options.secrets));
  if (now != change.edit.before) {
    return Error{
        .code = base::codes::kInvalid,
        .message = fmt::format("{} was changed by someone else meanwhile; nothing was written", change.place.shown()),
        .hint = "read it again"};
  }
  TRY_OK(keep_history(history, change));
  if (change.moved_to) {
    TRY_OK(workspace.move(change.place, *change.moved_to));
    common::saw_file(history, *change.moved_to, *change.edit.after);
    return {};
  }
  if (!change.edit.after) return workspace.remove(change.place);
  TRY_OK(workspace.write(change.place, *change.edit.after));
  common::saw_file(history, change.place, *change.edit.after);
  return {};
}

std::string done_text(const PlannedChange& change) {
  const std::string& shown = change.place.shown();
  if (change.moved_to) return fmt::format("Moved {} to {}.\n", shown, change.moved_to->shown());
  if (!change.edit.after) return fmt::format("Deleted {}.\n", shown);
  return fmt::format("{} {} ({}).\n", change.edit.before ? "Changed" : "Created", shown,
                     base::format_bytes(change.edit.after->size()));
}

struct ChangeJob {
  FsOptions options;
  std::string cwd;
  ports::WorkspaceHistory* history;
  PlannedChange change;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) {
    if (cancel.cancelled()) co_return cancel.reason();
    if (change.withheld) co_return *change.withheld;
    const auto written = co_await options.pool->run([this] { return make_change(cwd, options, history, change); });
    if (!written.ok()) co_return written.error();
    RunResult result = common::said(out, done_text(change));
    result.diff = common::diff_text(change.edit);
    co_return result;
  }
};

}  // namespace

Result<PlannedChange> or_withheld(Result<PlannedChange> planned, const ports::ToolEnvironment& environment,
                                  common::Place place, std::optional<common::Place> moved_to) {
  const bool leads_out =
      common::leads_out(place, environment.cwd) || (moved_to && common::leads_out(*moved_to, environment.cwd));
  if (planned.ok() || !leads_out) return planned;
  return PlannedChange{
      .place = std::move(place), .moved_to = std::move(moved_to), .withheld = std::move(planned).error()};
}

Result<std::optional<std::string>> read_for_change(const FsOptions& options, const ports::ToolEnvironment& environment,
                                                   const common::Place& place, std::string_view tool) {
  TRY(const auto workspace, common::Workspace::open(environment.cwd));
  TRY_OK(workspace.check_writable(place));
  TRY(auto before, common::read_if_there(place, options.secrets));
  if (before) TRY_OK(common::check_seen(environment.history, place, *before, tool));
  return before;
}

std::unique_ptr<ports::PreparedCall> prepared_change(const FsOptions& options, const protocol::ToolCall& call,
                                                     const ports::ToolEnvironment& environment, std::string_view verb,
                                                     PlannedChange change) {
  ports::Action action = common::action_of(call, ports::Action::Kind::kFileChange);
  action.cwd = environment.cwd;
  if (change.withheld) {
    const std::string moved_to = change.moved_to ? change.moved_to->shown() : "";
    action.changes.push_back(common::failing_change(change.place.shown(), moved_to, *change.withheld));
    action.withheld = change.withheld->text();
  } else {
    action.changes.push_back(common::file_change(change.edit));
  }
  action.opened = change.opened;
  std::string title = fmt::format("{} {}", verb, change.place.shown());
  return common::prepared_job(std::move(action), std::move(title),
                              ChangeJob{options, environment.cwd, environment.history, std::move(change)});
}

}  // namespace lathe::tools::fs
