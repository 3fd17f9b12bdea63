#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <ranges>
#include <utility>

#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/term/screen.h"
#include "lathe/cli/term/stops.h"
#include "lathe/cli/term/terminal.h"

// All sessions, live: the list is asked for once a second, of which only the newest are looked at, as whatever changes
// is among them.

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

namespace {

constexpr base::Millis kInterval{1'000};
constexpr std::int64_t kNewest = 100;

std::string clock_label(base::UnixMillis when) {
  const auto seconds = static_cast<std::time_t>(when / 1000);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:%H:%M:%S}", local);
}

std::string line_of(const p::SessionInfo& session) {
  const std::string state = session_state_label(session);
  return fmt::format("{}  {}  {:11}  {}", clock_label(session.updated_at), session.session_id.substr(0, 13),
                     state.empty() ? "idle" : state, short_title(session.title));
}

/// Whether a person sees a difference.
bool looks_the_same(const p::SessionInfo& a, const p::SessionInfo& b) {
  return session_state_label(a) == session_state_label(b) && a.title == b.title && a.tasks == b.tasks;
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
  /// Asks for the list and shows what is new in it.
  Async<Result<void>> look();
  Async<Result<std::vector<p::SessionInfo>>> newest(std::int64_t limit) const;
  void repaint(const std::vector<p::SessionInfo>& sessions);
  /// Tells of those that changed, the newest last; whether all of them did.
  bool tell_changes(const std::vector<p::SessionInfo>& sessions);

  Context& context_;
  client::Transport* engine_;
  WatchOptions options_;
  Screen screen_;
  /// One line per session that stays where it is, on a terminal.
  bool repaints_;
  std::map<std::string, p::SessionInfo> known_;
  bool first_ = true;
};

Async<Result<void>> Watch::run() {
  Stops stops(context_);
  Result<void> looked;
  while (looked.ok()) {
    looked = co_await look();
    if (!looked.ok()) break;
    const auto next = runtime::Deadline::after(context_.loop, kInterval);
    if ((co_await stops.next({}, next)).ok()) break;
  }
  screen_.clear_footer();
  co_return looked;
}

Async<Result<void>> Watch::look() {
  if (repaints_) {
    const auto rows = static_cast<std::int64_t>(terminal_size(context_.frontend.err_fd).rows);
    CO_TRY(const auto shown, co_await newest(std::max<std::int64_t>(rows - 1, 1)));
    repaint(shown);
    co_return Result<void>();
  }
  CO_TRY(auto sessions, co_await newest(std::exchange(first_, false) ? 0 : kNewest));
  const bool maybe_more = tell_changes(sessions) && std::ssize(sessions) == kNewest;
  if (maybe_more) {
    CO_TRY(sessions, co_await newest(0));
    tell_changes(sessions);
  }
  co_return co_await context_.out.flush({});
}

Async<Result<std::vector<p::SessionInfo>>> Watch::newest(std::int64_t limit) const {
  CO_TRY(p::SessionListReply reply,
         co_await client::call_as(engine_, p::SessionList{.limit = limit, .archived = options_.all}));
  co_return std::move(reply.sessions);
}

void Watch::repaint(const std::vector<p::SessionInfo>& sessions) {
  const int fd = context_.frontend.err_fd;
  const std::size_t width = std::min(text_width(fd), terminal_size(fd).columns - 1);
  std::string text;
  for (const p::SessionInfo& session : sessions) text += elide(line_of(session), width) + "\n";
  screen_.set_unfinished(sessions.empty() ? "no sessions yet" : text);
  screen_.draw();
}

bool Watch::tell_changes(const std::vector<p::SessionInfo>& sessions) {
  bool all = true;
  for (const p::SessionInfo& session : sessions | std::views::reverse) {
    const auto [known, is_new] = known_.try_emplace(session.session_id, session);
    const bool changed = is_new || (options_.json ? known->second != session : !looks_the_same(known->second, session));
    known->second = session;
    all &= changed;
    if (!changed) continue;
    context_.out.line(options_.json ? p::reply_members(p::SessionGetReply{.session = session, .open_questions = {}})
                                    : line_of(session));
  }
  return all;
}

}  // namespace

CommandResult execute(Context* context, client::Transport* engine, WatchOptions options) {
  Watch watch(*context, engine, options);
  CO_TRY_OK(co_await watch.run());
  co_return kDone;
}

}  // namespace lathe::cli
