#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/term/screen.h"
#include "lathe/cli/term/stops.h"
#include "lathe/cli/term/terminal.h"
#include "lathe/runtime/scope.h"

// All sessions, live: the engine tells how each stands, then of every change.

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

namespace {

std::string clock_label(base::UnixMillis when) {
  const auto seconds = static_cast<std::time_t>(when / 1000);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:%H:%M:%S}", local);
}

std::string line_of(const p::SessionInfo& session) {
  const std::string state = session_state_label(session);
  return fmt::format("{}  {}  {:11}  {}", clock_label(session.updated_at), session.session_id.substr(0, 13),
                     state.empty() ? "idle" : state, title_label(session));
}

/// Whether a person sees a difference.
bool looks_the_same(const p::SessionInfo& a, const p::SessionInfo& b) {
  return session_state_label(a) == session_state_label(b) && title_label(a) == title_label(b) && a.tasks == b.tasks;
}

class Watch final {
 public:
  Watch(Context& context, client::Transport* engine, WatchOptions options)
      : context_(context),
        engine_(engine),
        options_(options),
        screen_(context),
        repaints_(!options.json && screen_.has_footer() &&
                  is_capable_terminal(context.out.fd(), context.frontend.environment)) {}

  /// Until a signal ends it.
  Async<Result<void>> run();

 private:
  Async<void> wait_for_stop(Stops* stops);
  Async<Result<void>> follow();
  /// From here on the engine tells of all sessions, each first as it stands.
  Async<Result<void>> begin();
  void take(const p::SessionChanged& row);
  void repaint();

  Context& context_;
  client::Transport* engine_;
  WatchOptions options_;
  Screen screen_;
  /// One line per session that stays where it is, on a terminal.
  bool repaints_;
  std::map<std::string, p::SessionChanged> known_;
  runtime::CancelSource stopped_;
};

Async<Result<void>> Watch::run() {
  Stops stops(context_);
  runtime::Scope waiting(context_.loop);
  waiting.spawn(wait_for_stop(&stops));
  Result<void> followed = co_await follow();
  stopped_.cancel(runtime::cancelled_error("the watch is over"));
  co_await waiting.join();
  screen_.clear_footer();
  co_return followed;
}

Async<void> Watch::wait_for_stop(Stops* stops) {
  (void)co_await stops->next(stopped_.token(), runtime::Deadline::never());
  stopped_.cancel(runtime::cancelled_error("the person stops"));
}

Async<Result<void>> Watch::follow() {
  CO_TRY_OK(co_await begin());
  while (true) {
    auto batch = co_await engine_->events(stopped_.token(), runtime::Deadline::never());
    if (stopped_.cancelled()) co_return Result<void>();
    if (!batch.ok()) co_return std::move(batch).error();
    bool lags = false;
    for (const client::Delivery& delivery : *batch) {
      lags |= std::holds_alternative<p::Lagged>(delivery.event.msg);
      if (const auto* row = std::get_if<p::SessionChanged>(&delivery.event.msg)) take(*row);
    }
    if (repaints_) repaint();
    if (lags) CO_TRY_OK(co_await begin());
    CO_TRY_OK(co_await context_.out.flush({}));
  }
}

Async<Result<void>> Watch::begin() {
  CO_TRY_OK(co_await client::call_as(engine_, p::Watch{.archived = options_.all}));
  if (repaints_) repaint();
  co_return Result<void>();
}

void Watch::take(const p::SessionChanged& row) {
  const std::string& id = row.session.session_id;
  const bool passed_over = options_.unread && !row.session.unread;
  if (row.gone || (passed_over && (repaints_ || !known_.contains(id)))) {
    known_.erase(id);
    return;
  }
  const auto [known, is_new] = known_.try_emplace(id, row);
  const bool changed =
      is_new || (options_.json ? known->second != row : !looks_the_same(known->second.session, row.session));
  known->second = row;
  // Its last line says that someone has looked at it.
  if (passed_over) known_.erase(known);
  if (!changed || repaints_) return;
  context_.out.line(
      options_.json ? p::reply_members(p::SessionGetReply{.session = row.session, .open_questions = row.open_questions})
                    : line_of(row.session));
}

void Watch::repaint() {
  const int fd = context_.frontend.err_fd;
  const std::size_t width = std::min(text_width(fd), terminal_size(fd).columns - 1);
  std::vector<const p::SessionInfo*> newest;
  for (const auto& [id, row] : known_) newest.push_back(&row.session);
  const auto rows = std::max<std::size_t>(terminal_size(fd).rows, 2) - 1;
  const auto shown = newest.begin() + static_cast<std::ptrdiff_t>(std::min(rows, newest.size()));
  std::ranges::partial_sort(newest, shown, std::ranges::greater(),
                            [](const p::SessionInfo* session) { return session->updated_at; });
  newest.erase(shown, newest.end());
  std::string text;
  for (const p::SessionInfo* session : newest) text += elide(line_of(*session), width) + "\n";
  if (newest.empty()) text = options_.unread ? "nothing unread" : "no sessions yet";
  screen_.set_unfinished(std::move(text));
  screen_.draw();
}

}  // namespace

CommandResult execute(Context* context, client::Transport* engine, WatchOptions options) {
  Watch watch(*context, engine, options);
  CO_TRY_OK(co_await watch.run());
  co_return kDone;
}

}  // namespace lathe::cli
