#include <fmt/format.h>

#include <string>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/table.h"
#include "lathe/cli/trust_question.h"
#include "lathe/client/records.h"

namespace lathe::cli {

namespace p = lathe::protocol;

namespace {

/// A name on one line, whatever it holds: a newline in it is no line of ours.
std::string name_label(const std::string& path) {
  return base::replace_all(base::replace_all(base::terminal_safe(path), "\n", "\\n"), "\t", "\\t");
}

void list(Context* context, std::string_view what, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) context->out.line(fmt::format("{:<10} {}", what, name_label(path)));
}

/// So many names in one line of talk.
constexpr std::size_t kMostNames = 20;

std::string some_of(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    if (names.size() == kMostNames) break;
    names.push_back(name_label(path));
  }
  const std::size_t rest = paths.size() - names.size();
  return base::join(names, ", ") + (rest > 0 ? fmt::format(" and {} more (--json lists them)", rest) : "");
}

}  // namespace

CommandResult execute(Context* context, client::Transport* engine, UndoOptions options) {
  CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, options.session));
  p::Undo undo{
      .session = info.session_id, .task = options.task, .response_id = options.turn, .dry_run = options.dry_run};
  const auto bring_back = [engine, undo = std::move(undo)] { return client::call_as(engine, undo); };
  CO_TRY(p::UndoReply reply, co_await once_trusted(context, engine, info.cwd, bring_back));
  const bool conflicts = !reply.conflicts.empty();
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return conflicts ? kTaskFailed : kDone;
  }
  list(context, reply.done ? "restored" : "restore", reply.restored);
  list(context, reply.done ? "removed" : "remove", reply.removed);
  list(context, "conflict", reply.conflicts);
  if (reply.restored.empty() && reply.removed.empty() && !conflicts) context->note("nothing to bring back");
  if (conflicts) context->note("files in conflict were changed since by someone else and are left alone");
  if (!reply.not_covered.empty()) context->note("not covered by undo: " + some_of(reply.not_covered));
  co_return conflicts ? kTaskFailed : kDone;
}

}  // namespace lathe::cli
