#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/engine/live_session.h"
#include "lathe/engine/undo_points.h"

// The part of LiveSession that brings files back. What to bring back where is the history's knowledge (room undo); here
// are the points of a session that people name, the sub-agents whose changes are its Task's as well, and the records
// that tell of it.

namespace lathe::engine {

using base::Error;
using base::Result;
using ports::RestoreMode;
using ports::RestoreReport;
using protocol::EventMsg;
using runtime::Async;

namespace {

constexpr std::size_t kNamedFiles = 50;

std::string names(const std::vector<std::string>& paths) {
  std::vector<std::string> shown(paths.begin(),
                                 paths.begin() + static_cast<std::ptrdiff_t>(std::min(paths.size(), kNamedFiles)));
  if (paths.size() > kNamedFiles) shown.push_back(fmt::format("and {} more", paths.size() - kNamedFiles));
  return base::join(shown, ", ");
}

/// Of a file that came back in two steps the later one counts.
void merge(RestoreReport& all, RestoreReport more) {
  for (auto* later : {&more.restored, &more.removed}) {
    for (const std::string& path : *later) {
      for (auto* list : {&all.restored, &all.removed, &all.conflicts}) std::erase(*list, path);
    }
  }
  const auto add = [](std::vector<std::string>& into, std::vector<std::string>& from) {
    for (std::string& path : from) {
      if (std::ranges::find(into, path) == into.end()) into.push_back(std::move(path));
    }
    std::ranges::sort(into);
  };
  add(all.restored, more.restored);
  add(all.removed, more.removed);
  add(all.conflicts, more.conflicts);
  add(all.not_covered, more.not_covered);
}

/// What the model is told, which else would rely on files that are no longer so.
std::string told(const RestoreReport& report) {
  std::string text = "The user took back changes that were made to files.";
  if (!report.restored.empty()) text += " These have their former content again: " + names(report.restored) + ".";
  if (!report.removed.empty()) text += " These are gone again: " + names(report.removed) + ".";
  return text + " Do not make the same changes again unless asked.";
}

}  // namespace

ports::WorkspaceHistory* LiveSession::history() {
  if (!parts_.make_history || !state().config) return nullptr;
  auto& history = histories_[state().config->cwd];
  if (!history) history = parts_.make_history(state().session_id, state().config->cwd);
  return history.get();
}

Async<Result<LiveSession::UndoPoint>> LiveSession::find_undo_point(protocol::Undo call) {
  if (!call.task.empty() && !call.response_id.empty()) {
    co_return Error{.code = base::codes::kInvalid, .message = "undo: name a Task or a Turn, not both"};
  }
  const auto& starts = state().task_starts;
  if (!call.response_id.empty()) {
    const auto found = state().bookmarks.find(call.response_id);
    if (!found) {
      co_return Error{.code = base::codes::kNotFound,
                      .message = fmt::format("no Turn \"{}\" in session {}", call.response_id, state().session_id),
                      .hint = "lathe session show " + state().session_id + " names its Turns"};
    }
    // It began where the Turn before it ended, or with its Task.
    std::int64_t begin = found->before;
    for (const std::int64_t start : starts) {
      if (start < found->mark.seq) begin = std::max(begin, start);
    }
    co_return UndoPoint{.seq = begin, .name = call.response_id};
  }
  if (!call.task.empty()) {
    CO_TRY(const auto found, co_await find_task(stream_.get(), call.task));
    if (found) co_return UndoPoint{.seq = found->seq - 1, .name = found->task};
    co_return Error{.code = base::codes::kNotFound,
                    .message = fmt::format("no Task \"{}\" in session {}", call.task, state().session_id),
                    .hint = "the task_started events name the Tasks: lathe session export"};
  }
  if (starts.empty()) {
    co_return Error{.code = base::codes::kNotFound,
                    .message = fmt::format("session {} has no Task that could be undone", state().session_id),
                    .hint = "lathe undo ID brings back what another one changed: lathe session list"};
  }
  CO_TRY(std::string task, co_await task_after(stream_.get(), starts.back() - 1));
  co_return UndoPoint{.seq = starts.back() - 1, .name = std::move(task)};
}

Async<Result<RestoreReport>> LiveSession::restore_own(std::int64_t seq, RestoreMode mode) {
  ports::WorkspaceHistory* const kept = history();
  if (kept == nullptr) {
    co_return Error{.code = base::codes::kUnsupported, .message = "this session keeps no history of its files"};
  }
  kept->mark(state().last_seq);
  co_return co_await kept->restore(seq, mode);
}

Async<Result<RestoreReport>> LiveSession::restore_agent(std::string session, RestoreMode mode) {
  CO_TRY(LiveSession* const agent, co_await family_.live(session));
  const auto& config = agent->state().config;
  if (state().config->replayed && config && config->parent_session != state().session_id) {
    // A replay of everything tells of the agents of the session that was recorded; none of them changed anything for
    // it.
    co_await family_.let_go(std::move(session));
    co_return RestoreReport{};
  }
  auto report = co_await agent->restore_as_visit(mode);
  co_await family_.let_go(std::move(session));
  co_return report;
}

Async<Result<RestoreReport>> LiveSession::restore_as_visit(RestoreMode mode) {
  if (closing_) co_return closing_error();
  const Visit visit(*this);
  const runtime::AsyncMutex::Holder held = co_await alone();
  if (running_) co_return Error{.code = base::codes::kUnavailable, .message = "it is at work in another Task"};
  co_return co_await restore_family(0, mode);
}

/// Where the session and its agents changed one file in turn, one of them gives way to the other: it is tried again as
/// long as anything comes back.
Async<Result<RestoreReport>> LiveSession::restore_family(std::int64_t seq, RestoreMode mode) {
  CO_TRY(RestoreReport all, co_await restore_own(seq, mode));
  CO_TRY(std::vector<std::string> agents, co_await agents_after(stream_.get(), seq));
  std::ranges::reverse(agents);
  for (bool again = !agents.empty(); again;) {
    const bool open = !all.conflicts.empty();
    bool came_back = false;
    for (const std::string& agent : agents) {
      auto report = co_await restore_agent(agent, mode);
      if (!report.ok()) {
        report = RestoreReport{};
        report->not_covered.push_back(fmt::format("what the agent {} changed", agent));
      }
      came_back = came_back || !report->restored.empty() || !report->removed.empty();
      merge(all, *std::move(report));
    }
    again = open && came_back && mode == RestoreMode::kRestore;
    if (!again) break;
    all.conflicts.clear();
    CO_TRY(RestoreReport own, co_await restore_own(seq, mode));
    merge(all, std::move(own));
  }
  // What one of them brought back, another finds changed by someone else.
  std::erase_if(all.conflicts, [&all](const std::string& path) {
    return std::ranges::find(all.restored, path) != all.restored.end() ||
           std::ranges::find(all.removed, path) != all.removed.end();
  });
  co_return all;
}

Async<Result<RestoreReport>> LiveSession::restore_files(UndoPoint to, RestoreMode mode, std::string by) {
  if (mode == RestoreMode::kRestore) CO_TRY_OK(co_await read_project_rules(&parts_, state().config->cwd));
  auto report = co_await restore_family(to.seq, mode);
  if (!report.ok() || mode == RestoreMode::kDryRun) co_return report;
  protocol::FilesRestored restored{.to = std::move(to.name),
                                   .restored = report->restored,
                                   .removed = report->removed,
                                   .conflicts = report->conflicts};
  CO_TRY_OK(co_await host_.record_by(EventMsg(std::move(restored)), std::move(by)));
  co_return report;
}

Async<Result<protocol::UndoReply>> LiveSession::undo(protocol::Undo call, std::string by) {
  if (closing_) co_return closing_error();
  const Visit visit(*this);
  const runtime::AsyncMutex::Holder held = co_await alone();
  if (running_) {
    co_return Error{.code = base::codes::kUnavailable,
                    .message = "a Task is running; no file was touched",
                    .hint = "interrupt it first"};
  }
  CO_TRY_OK(co_await record_kept_end());
  const RestoreMode mode = call.dry_run ? RestoreMode::kDryRun : RestoreMode::kRestore;
  CO_TRY(const UndoPoint to, co_await find_undo_point(std::move(call)));
  CO_TRY(RestoreReport report, co_await restore_files(to, mode, std::move(by)));
  const bool changed = !report.restored.empty() || !report.removed.empty();
  if (mode == RestoreMode::kRestore && changed) {
    CO_TRY_OK(co_await host_.record(protocol::ContextAdded{
        .item = host_.new_id("item"), .kind = protocol::ContextKind::kUserContext, .text = told(report)}));
  }
  co_return protocol::UndoReply{.to = to.name,
                                .restored = std::move(report.restored),
                                .removed = std::move(report.removed),
                                .conflicts = std::move(report.conflicts),
                                .not_covered = std::move(report.not_covered),
                                .done = mode == RestoreMode::kRestore};
}

}  // namespace lathe::engine
