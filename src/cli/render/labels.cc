#include "lathe/cli/render/labels.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/term/style.h"

namespace lathe::cli {

using base::terminal_safe;
using protocol::CallStatus;

std::string command_label(const std::vector<std::string>& argv) {
  const bool shell = argv.size() == 3 && (argv[1] == "-c" || argv[1] == "-lc") && (argv[0].ends_with("sh"));
  return terminal_safe(shell ? std::string(base::trim(argv[2])) : base::shell_join(argv));
}

std::string change_label(const protocol::FileChange& change) {
  switch (change.kind) {
    case protocol::ChangeKind::kAdd:
      return "add " + terminal_safe(change.path);
    case protocol::ChangeKind::kUpdate:
      return "edit " + terminal_safe(change.path);
    case protocol::ChangeKind::kDelete:
      return "delete " + terminal_safe(change.path);
    case protocol::ChangeKind::kMove:
      return terminal_safe("move " + change.path + " → " + change.move_path);
  }
  return "";
}

std::string detour_label(const protocol::Detour& detour) {
  return terminal_safe(detour.path + " leads to " + detour.target);
}

std::string told_of_command(const protocol::ExecCommandEnd& end) {
  const std::string& told = end.outcome.output;
  const std::string exit = end.exit_code ? protocol::exit_code_line(*end.exit_code) : "";
  const std::size_t header =
      std::min(static_cast<std::size_t>(std::max<std::int64_t>(end.outcome.header_bytes, 0)), told.size());
  const std::size_t at = std::string_view(told).substr(0, header).find(exit);
  if (exit.empty() || at == std::string::npos) return told;
  const std::string before = told.substr(0, at) + told.substr(at + exit.size(), header - at - exit.size());
  return (base::trim(before).empty() ? "" : before) + told.substr(header);
}

std::string outcome_label(const protocol::CallOutcome& outcome, std::optional<std::int64_t> exit_code) {
  const std::string took = base::format_duration(std::chrono::milliseconds(outcome.duration_ms));
  switch (outcome.status) {
    case CallStatus::kCompleted:
    case CallStatus::kFailed:
      if (exit_code) return fmt::format("exit {} in {}", *exit_code, took);
      return fmt::format("{} in {}", outcome.status == CallStatus::kCompleted ? "done" : "failed", took);
    case CallStatus::kDeclined:
      return "refused";
    case CallStatus::kTimedOut:
      return "timed out after " + took;
    case CallStatus::kCancelled:
      return "cancelled after " + took;
    case CallStatus::kInterrupted:
      // What is known of its outcome stands in its output: that nothing is, or that it goes on as a job.
      return "interrupted by a crash";
  }
  return "";
}

std::string cost_label(std::optional<std::int64_t> cost_micro_usd) {
  if (!cost_micro_usd) return "price unknown";
  const double usd = static_cast<double>(*cost_micro_usd) / 1e6;
  return usd >= 1 ? fmt::format("${:.2f}", usd) : fmt::format("${:.4f}", usd);
}

std::string budget_label(const protocol::BudgetStatus& budget) {
  std::string of = terminal_safe(budget.kind);
  std::string (*text_of)(std::int64_t) = base::with_thousands;
  if (budget.kind == "tool_calls") of = "tool calls";
  if (budget.kind == "micro_usd") {
    of = "money";
    text_of = [](std::int64_t micro_usd) { return cost_label(micro_usd); };
  }
  if (budget.kind == "millis") {
    of = "time";
    text_of = [](std::int64_t millis) { return base::format_duration(std::chrono::milliseconds(millis)); };
  }
  return fmt::format("budget of {}: {} of {} used", of, text_of(budget.used), text_of(budget.limit));
}

std::string tokens_label(const protocol::Usage& usage) {
  std::string out = base::with_thousands(usage.input_tokens) + " tokens in";
  if (usage.cached_input_tokens > 0)
    out += fmt::format(" ({} cached)", base::with_thousands(usage.cached_input_tokens));
  out += fmt::format(", {} out", base::with_thousands(usage.output_tokens));
  if (usage.reasoning_tokens > 0) out += fmt::format(" ({} reasoning)", base::with_thousands(usage.reasoning_tokens));
  return out;
}

std::string usage_label(const protocol::Usage& usage, std::optional<std::int64_t> cost_micro_usd) {
  return tokens_label(usage) + ", " + cost_label(cost_micro_usd);
}

std::string rollback_label(const protocol::RolledBack& rolled) {
  if (!rolled.response_id.empty()) return "rolled back to turn " + terminal_safe(rolled.response_id);
  if (rolled.tasks == 1) return "the last task was taken back";
  if (rolled.tasks > 1) return fmt::format("the last {} tasks were taken back", rolled.tasks);
  return fmt::format("rolled back to record {}", rolled.to_seq);
}

std::string restored_files_text(const protocol::FilesRestored& files) {
  std::string out;
  const auto list = [&out](std::string_view what, const std::vector<std::string>& paths) {
    for (const std::string& path : paths) out += fmt::format("{:<10} {}\n", what, terminal_safe(path));
  };
  list("restored", files.restored);
  list("removed", files.removed);
  list("conflict", files.conflicts);
  return out;
}

std::string last_lines(std::string_view text, std::size_t count, std::string_view indent) {
  const std::string clean = terminal_safe(base::replace_all(std::string(text), "\r\n", "\n"));
  const auto lines = base::split_lines(clean);
  const std::size_t skipped = lines.size() > count ? lines.size() - count : 0;
  std::string out;
  if (skipped > 0)
    out += fmt::format("{}… {} lines\n", indent, base::with_thousands(static_cast<std::int64_t>(skipped)));
  for (std::size_t i = skipped; i < lines.size(); ++i) out += fmt::format("{}{}\n", indent, lines[i]);
  return out;
}

std::string session_state_label(const protocol::SessionInfo& session) {
  using protocol::SessionState;
  std::string state = session.state == SessionState::kIdle ? "" : std::string(protocol::name_of(session.state));
  if (!session.replayed) return state;
  return state.empty() ? "recording" : state + ", recording";
}

std::string short_title(const std::string& title) {
  return elide(base::replace_all(terminal_safe(title), "\n", " "), 50);
}

std::string title_label(const protocol::SessionInfo& session) {
  std::string label = (session.unread ? "• " : "") + short_title(session.title);
  for (const std::string& tag : session.tags) label += " #" + terminal_safe(tag);
  return label;
}

std::string content_text(const std::vector<protocol::ContentPart>& content) {
  std::string out;
  for (const protocol::ContentPart& part : content) {
    if (!out.empty()) out += '\n';
    if (const auto* text = std::get_if<protocol::TextPart>(&part)) {
      out += terminal_safe(text->text);
    } else {
      const auto& image = std::get<protocol::ImagePart>(part);
      out += fmt::format("[image {}]", terminal_safe(!image.path.empty() ? image.path : image.media_type));
    }
  }
  return out;
}

}  // namespace lathe::cli
