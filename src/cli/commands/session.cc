#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/render/markdown.h"
#include "lathe/cli/render/table.h"
#include "lathe/cli/render/transcript.h"
#include "lathe/cli/term/terminal.h"
#include "lathe/cli/trust_question.h"
#include "lathe/client/records.h"
#include "lathe/protocol/record.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;

namespace {

/// What is deleted is gone: a stray character or an empty variable must not name it.
constexpr std::size_t kLeastIdToRemove = 8;

/// UUIDv7s of one moment share their beginning: as much as tells these apart, at least 13.
std::size_t telling_length(const std::vector<p::SessionInfo>& sessions) {
  std::vector<std::string_view> ids;
  for (const p::SessionInfo& session : sessions) ids.emplace_back(session.session_id);
  std::ranges::sort(ids);
  std::size_t length = 13;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    const auto same = std::ranges::mismatch(ids[i - 1], ids[i]).in1 - ids[i - 1].begin();
    length = std::max(length, static_cast<std::size_t>(same) + 1);
  }
  return length;
}

using PageTaker = std::function<runtime::Async<Result<void>>(std::vector<std::string> lines)>;

runtime::Async<Result<void>> print_lines(Context* context, std::vector<std::string> lines) {
  for (const std::string& line : lines) context->out.line(line);
  co_return co_await context->out.flush({});
}

/// Tells what the records of a rollback say: files first, as they were brought back first.
Result<void> print_rollback(Context& context, const std::vector<std::string>& records) {
  for (const std::string& record : records) {
    TRY(const p::Event event, p::decode_record(record));
    if (const auto* files = std::get_if<p::FilesRestored>(&event.msg)) {
      context.out.add(restored_files_text(*files));
    } else if (const auto* rolled = std::get_if<p::RolledBack>(&event.msg)) {
      context.out.line(rollback_label(*rolled));
    }
  }
  return {};
}

/// How a transcript is shown: Markdown as it is, or rendered for a terminal.
struct TranscriptPrinter {
  Context* context;
  std::optional<MarkdownOptions> rendered;
  bool cleaned = false;
  TranscriptMarkdown markdown;

  /// Records of types that this version does not know are passed over.
  runtime::Async<Result<void>> print(std::vector<std::string> lines) {
    for (const std::string& line : lines) {
      const Result<p::Event> event = p::decode_record(line);
      if (!event.ok() && event.error().code == base::codes::kUnsupported) continue;
      if (!event.ok()) co_return event.error();
      const std::string text = markdown.show(event->msg);
      if (text.empty()) continue;
      context->out.add(rendered ? render_markdown(text, *rendered) + "\n" : cleaned ? base::terminal_safe(text) : text);
    }
    co_return co_await context->out.flush({});
  }
  [[nodiscard]] PageTaker taker() {
    return [this](std::vector<std::string> lines) { return print(std::move(lines)); };
  }
};

}  // namespace

CommandResult execute(Context* context, client::Transport* engine, SessionListOptions options) {
  CO_TRY(p::SessionListReply reply, co_await client::call_as(engine, p::SessionList{.limit = options.limit,
                                                                                    .archived = options.all,
                                                                                    .tag = options.tag,
                                                                                    .unread = options.unread}));
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  const base::UnixMillis now = context->loop.unix_now();
  const std::size_t id_length = telling_length(reply.sessions);
  for (const p::SessionInfo& session : reply.sessions) {
    rows.push_back({session.session_id.substr(0, id_length), age_label(session.updated_at, now),
                    std::to_string(session.tasks), session_state_label(session), session.model, title_label(session)});
  }
  const bool some_left_out = !options.tag.empty() || options.unread;
  if (rows.empty()) context->note(some_left_out ? "none" : "no sessions yet: lathe exec \"…\" makes one");
  if (!rows.empty())
    context->out.add(table_text({"ID", "USED", "TASKS", "STATE", "MODEL", "TITLE"}, rows, context->out_style));
  if (!reply.next_cursor.empty()) context->note("there are more: lathe session list --limit 0");
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, SessionShowOptions options) {
  CO_TRY(p::SessionGetReply reply, co_await client::call_as(engine, p::SessionGet{.session = options.session}));
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return kDone;
  }
  const p::SessionInfo info = std::move(reply.session);
  TranscriptPrinter printer{.context = context, .cleaned = true};
  if (is_capable_terminal(context->out.fd(), context->frontend.environment)) {
    printer.rendered = MarkdownOptions{.style = context->out_style, .width = text_width(context->out.fd())};
    // Of one that is damaged as well, so before it is read.
    if (!reply.folder.empty()) context->note("kept in " + reply.folder);
  }
  CO_TRY_OK(co_await client::read_records(engine, info.session_id, printer.taker()));
  co_await client::mark_read(engine, info.session_id, info.last_seq);
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, SessionForkOptions options) {
  CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, options.session));
  const auto fork = [engine, call = p::SessionFork{.session = info.session_id, .response_id = options.at}] {
    return client::call_as(engine, call);
  };
  CO_TRY(const p::SessionForkReply reply, co_await once_trusted(context, engine, info.cwd, fork));
  context->out.line(reply.session);
  if (info.state == p::SessionState::kDamaged && options.at.empty()) context->note(kForkBeforeDamage);
  context->note("go on in it: lathe session resume " + reply.session + " \"…\"");
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, SessionRollbackOptions options) {
  CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, options.session));
  p::Rollback rollback{.to = {.response_id = options.to, .tasks = options.tasks},
                       .files = options.restore_files ? p::RollbackFiles::kRestore : p::RollbackFiles::kKeep};
  const auto roll_back = [engine, session = info.session_id, rollback = std::move(rollback)] {
    return engine->submit(session, rollback);
  };
  CO_TRY_OK(co_await once_trusted(context, engine, info.cwd, roll_back));
  // What it led to was recorded before it was acknowledged.
  CO_TRY(const p::SessionExportReply told,
         co_await client::call_as(engine, p::SessionExport{.session = info.session_id, .since = info.last_seq}));
  CO_TRY_OK(print_rollback(*context, told.records));
  context->note("go on from there: lathe session resume " + info.session_id + " \"…\"");
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, SessionSearchOptions options) {
  CO_TRY(p::SessionSearchReply reply,
         co_await client::call_as(engine,
                                  p::SessionSearch{.query = base::join(options.words, " "), .limit = options.limit}));
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return kDone;
  }
  if (reply.hits.empty()) context->note("nothing found");
  const base::UnixMillis now = context->loop.unix_now();
  CO_TRY(const auto recorded, co_await client::recorded_sessions(engine));
  for (const p::SearchHit& hit : reply.hits) {
    context->out.line(fmt::format("{}  {}  {}{}", context->out_style.paint(Ink::kBold, hit.session_id),
                                  age_label(hit.ts, now), base::terminal_safe(short_title(hit.title)),
                                  recorded.contains(hit.session_id) ? "  (recording)" : ""));
    context->out.line("  " + base::replace_all(base::terminal_safe(hit.snippet), "\n", "\n  "));
  }
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, SessionExportOptions options) {
  CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, options.session));
  if (options.format == ExportFormat::kMarkdown) {
    TranscriptPrinter printer{.context = context};
    CO_TRY_OK(co_await client::read_records(engine, info.session_id, printer.taker()));
    co_return kDone;
  }
  CO_TRY_OK(co_await client::read_records(engine, info.session_id, [context](std::vector<std::string> lines) {
    return print_lines(context, std::move(lines));
  }));
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, SessionArchiveOptions options) {
  for (const std::string& name : options.sessions) {
    CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, name));
    CO_TRY_OK(
        co_await client::call_as(engine, p::SessionArchive{.session = info.session_id, .archived = !options.restore}));
    context->out.line((options.restore ? "shown again " : "archived ") + info.session_id);
  }
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, SessionTagOptions options) {
  CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, options.session));
  p::SessionTag call{.session = info.session_id, .add = std::move(options.add), .remove = std::move(options.remove)};
  CO_TRY(const p::SessionTagReply reply, co_await client::call_as(engine, std::move(call)));
  for (const std::string& tag : reply.tags) context->out.line(base::terminal_safe(tag));
  if (reply.tags.empty()) context->note("no tags: lathe session tag " + info.session_id + " --add TAG");
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, SessionMarkReadOptions options) {
  if (options.sessions.empty() && !options.all) {
    co_return base::Error{.code = base::codes::kInvalid,
                          .message = "no session is named",
                          .hint = "give ids, or --all for all that are unread"};
  }
  std::vector<p::SessionInfo> sessions;
  if (options.all) {
    CO_TRY(p::SessionListReply listed,
           co_await client::call_as(engine, p::SessionList{.archived = true, .unread = true}));
    sessions = std::move(listed.sessions);
  }
  for (const std::string& name : options.sessions) {
    CO_TRY(p::SessionInfo info, co_await client::find_session(engine, name));
    sessions.push_back(std::move(info));
  }
  for (const p::SessionInfo& info : sessions) {
    CO_TRY_OK(co_await client::call_as(
        engine, p::SessionMarkRead{.session = info.session_id, .seq = info.last_seq, .unread = options.unread}));
    context->out.line((options.unread ? "unread " : "read ") + info.session_id);
  }
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, SessionRemoveOptions options) {
  for (const std::string& name : options.sessions) {
    CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, name));
    if (name.size() < kLeastIdToRemove && name != "last") {
      co_return base::Error{.code = base::codes::kInvalid,
                            .message = fmt::format("\"{}\" is too little of an id to delete a session by", name),
                            .hint = fmt::format("give at least {} characters of it", kLeastIdToRemove)};
    }
    CO_TRY_OK(co_await client::call_as(engine, p::SessionRemove{.session = info.session_id}));
    context->out.line("deleted " + info.session_id);
  }
  co_return kDone;
}

}  // namespace lathe::cli
