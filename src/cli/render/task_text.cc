#include "lathe/cli/render/task_text.h"

#include <fmt/format.h>

#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/next_step.h"
#include "lathe/cli/render/diff_text.h"
#include "lathe/cli/render/labels.h"
#include "lathe/protocol/change_targets.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::terminal_safe;

/// One operator() per event that a person sees; the rest say nothing.
struct TaskText::Visitor {
  TaskText& self;
  std::vector<Piece>& out;

  [[nodiscard]] const Style& style() const { return self.options_.activity; }
  void say(std::string text) const { out.push_back({Piece::To::kActivity, std::move(text)}); }
  void line(Ink ink, std::string_view text) const { say(style().paint(ink, text) + "\n"); }
  void answer(std::string text) const {
    if (!text.empty()) out.push_back({Piece::To::kAnswer, std::move(text)});
  }
  void answer_more(std::string text) const {
    if (self.answer_.take_void()) line(Ink::kYellow, "the answer was begun anew: what it said before counts no more");
    answer(std::move(text));
  }
  void begin_call(const std::string& call_id, std::string label) const {
    self.status_ = std::string(base::split_lines(label + " ")[0]);
    self.running_[call_id] = std::move(label);
    self.last_begun_ = call_id;
  }
  /// The label of a call, when others were told since it began; "" when its end follows its beginning.
  [[nodiscard]] std::string end_call(const std::string& call_id) const {
    const auto found = self.running_.find(call_id);
    std::string label = found == self.running_.end() ? "" : found->second;
    if (found != self.running_.end()) self.running_.erase(found);
    self.status_ = self.running_.empty() ? "thinking" : self.running_.begin()->second;
    return self.last_begun_ == call_id ? "" : label;
  }

  template <class T>
  void operator()(const T&) const {}

  void operator()(const p::SessionConfigured& e) const {
    if (std::exchange(self.configured_, true)) return;
    line(Ink::kDim, terminal_safe(fmt::format("{}/{} in {} · session {}", e.backend, e.model, e.cwd, e.session_id)));
    if (e.replayed) line(Ink::kYellow, kRecording);
    if (e.sandbox != "none") return;
    line(Ink::kYellow, e.sandbox_mode == p::SandboxMode::kFullAccess
                           ? "full access: what the model runs can do whatever you can do"
                           : "commands are not confined, which your sandbox-waiver accepts: what the model runs can do "
                             "whatever you can do");
  }
  void operator()(const p::TaskStarted&) const { self.status_ = "waiting for the model"; }
  void operator()(const p::UserMessage& e) const {
    if (e.steer) line(Ink::kCyan, "» " + content_text(e.content));
    if (!e.steer && self.options_.all_messages) line(Ink::kCyan, "› " + content_text(e.content));
  }
  void operator()(const p::AgentMessageDelta& e) const {
    self.status_ = "answering";
    if (!self.options_.only_final_answer) answer_more(self.answer_.delta(e.item, e.offset, e.text));
  }
  void operator()(const p::AgentMessage& e) const {
    if (!self.options_.only_final_answer) answer_more(self.answer_.complete(e.item, e.text));
    if (e.status == p::ItemStatus::kIncomplete) line(Ink::kYellow, "(cut short)");
  }
  void operator()(const p::ItemReset& e) const { self.answer_.reset(e.item); }
  void operator()(const p::AgentReasoningDelta&) const { self.status_ = "thinking"; }
  void operator()(const p::AgentReasoning& e) const {
    if (base::trim(e.text).empty() || self.options_.reasoning_lines == 0) return;
    const std::string text = terminal_safe(base::trim(e.text));
    const auto lines = base::split_lines(text);
    const std::size_t shown = std::min(lines.size(), self.options_.reasoning_lines);
    std::string told;
    for (std::size_t i = 0; i < shown; ++i) told += std::string(lines[i]) + "\n";
    if (shown < lines.size()) told += fmt::format("… {} more lines\n", lines.size() - shown);
    say(style().paint(Ink::kDim, told));
  }
  void operator()(const p::ExecCommandBegin& e) const {
    std::string label = command_label(e.command);
    if (!e.job.empty()) label += " (" + terminal_safe(e.job) + " in the background)";
    say(style().paint(Ink::kBold, "$ " + label) + "\n");
    if (e.sandbox == "none") line(Ink::kYellow, "  not confined");
    begin_call(e.call_id, "$ " + label);
  }
  void operator()(const p::ExecCommandEnd& e) const {
    const std::string label = end_call(e.call_id);
    if (!label.empty()) line(Ink::kBold, label);
    const std::string told = e.outcome.status == p::CallStatus::kDeclined ? "" : told_of_command(e);
    if (!told.empty()) say(style().paint(Ink::kDim, last_lines(told, self.options_.output_lines, "  ")));
    const bool good = e.outcome.status == p::CallStatus::kCompleted && e.exit_code.value_or(0) == 0;
    line(good ? Ink::kGreen : Ink::kRed, "  " + outcome_label(e.outcome, e.exit_code));
  }
  void operator()(const p::JobEnd& e) const {
    const bool good = e.state == p::JobState::kExited && e.exit_code.value_or(0) == 0;
    const std::string how = e.state == p::JobState::kExited ? fmt::format("exit code {}", e.exit_code.value_or(0))
                                                            : std::string(p::name_of(e.state));
    line(good ? Ink::kGreen : Ink::kRed, fmt::format("{} ended: {}", terminal_safe(e.job), how));
    if (!e.refused.empty()) line(Ink::kYellow, "  the sandbox may have refused it: " + terminal_safe(e.refused));
  }
  void operator()(const p::PatchApplyBegin& e) const {
    for (const p::FileChange& change : e.changes) {
      line(Ink::kBold, change_label(change));
      say(diff_text(change.diff, style(), "  ", self.options_.diff_lines));
    }
    begin_call(e.call_id, e.changes.empty() ? "patch" : change_label(e.changes[0]));
  }
  void operator()(const p::PatchApplyEnd& e) const { end_quietly(e.call_id, "patch", e.outcome); }
  void operator()(const p::ToolCallBegin& e) const {
    std::string label = terminal_safe(e.title.empty() ? e.tool : e.title);
    line(Ink::kDim, "· " + label);
    begin_call(e.call_id, std::move(label));
  }
  void operator()(const p::ToolCallEnd& e) const { end_quietly(e.call_id, e.tool, e.outcome); }
  /// Only what went wrong is worth a line.
  void end_quietly(const std::string& call_id, std::string_view what, const p::CallOutcome& outcome) const {
    const std::string label = end_call(call_id);
    if (outcome.status == p::CallStatus::kCompleted) return;
    if (!label.empty()) line(Ink::kBold, label);
    const std::string first = terminal_safe(base::trim_right(base::split_lines(outcome.output + " ")[0]));
    line(Ink::kRed, fmt::format("  {} {}: {}", terminal_safe(what), outcome_label(outcome, std::nullopt), first));
  }
  void operator()(const p::AgentStarted& e) const {
    const std::string where = e.background ? ", in the background" : "";
    line(Ink::kDim, terminal_safe(fmt::format("  agent {} works in session {}{}", e.agent, e.session, where)));
  }
  void operator()(const p::AgentEnded& e) const {
    const bool good = e.status == p::CallStatus::kCompleted;
    line(good ? Ink::kDim : Ink::kRed,
         fmt::format("  agent {}: {}, {} turn{}, {} tool call{}", p::name_of(e.status),
                     spent_label(e.usage, e.cost_micro_usd, self.spending_.replayed()), e.turns,
                     e.turns == 1 ? "" : "s", e.tool_calls, e.tool_calls == 1 ? "" : "s"));
  }
  void operator()(const p::ApprovalResolved& e) const {
    const bool yes = e.decision != p::Decision::kDenied && e.decision != p::Decision::kAbort;
    std::string note = e.note.empty() ? "" : ": " + terminal_safe(e.note);
    line(yes ? Ink::kGreen : Ink::kRed,
         fmt::format("  {} (by {}){}", yes ? "approved" : "denied", terminal_safe(e.by), note));
  }
  void operator()(const p::ExecApprovalRequest& e) const {
    line(Ink::kYellow, "? may it run: " + command_label(e.command));
  }
  void operator()(const p::ApplyPatchApprovalRequest& e) const {
    for (const p::FileChange& change : e.changes) line(Ink::kYellow, "? may it " + change_label(change));
    for (const p::Detour& detour : p::detours(e)) line(Ink::kYellow, "  " + detour_label(detour));
  }
  void operator()(const p::ApprovalRequest& e) const {
    line(Ink::kYellow,
         terminal_safe("? may it call " + e.tool + " " + std::string(base::utf8_prefix(e.arguments, 300))));
  }
  void operator()(const p::UserQuestion& e) const {
    for (const p::Question& question : e.questions) line(Ink::kYellow, "? " + terminal_safe(question.question));
  }
  void operator()(const p::UserQuestionAnswered& e) const {
    const std::string answers = e.answers.empty() ? "nobody could answer" : base::join(e.answers, "; ");
    line(Ink::kDim, "  " + terminal_safe(answers));
  }
  void operator()(const p::TurnAborted& e) const {
    // Every other abort is followed by an error, which tells why.
    if (e.reason == p::AbortReason::kReplaced) line(Ink::kYellow, "replaced by a newer input");
  }
  void operator()(const p::TaskComplete& e) const {
    if (self.options_.only_final_answer) answer(self.answer_.complete(e.task, e.last_agent_message));
    line(Ink::kDim, fmt::format("{}, {} turn{}, {} tool call{}, {}",
                                spent_label(e.usage, e.cost_micro_usd, self.spending_.replayed()), e.turns,
                                e.turns == 1 ? "" : "s", e.tool_calls, e.tool_calls == 1 ? "" : "s",
                                base::format_duration(std::chrono::milliseconds(e.duration_ms))));
  }
  void operator()(const p::BudgetStatus& e) const { line(Ink::kYellow, budget_label(e)); }
  void operator()(const p::PlanUpdate& e) const {
    std::string text = e.explanation.empty() ? "plan\n" : "plan: " + terminal_safe(e.explanation) + "\n";
    for (const p::PlanStep& step : e.plan) {
      const std::string_view mark = step.status == p::PlanStatus::kCompleted    ? "[x]"
                                    : step.status == p::PlanStatus::kInProgress ? "[~]"
                                                                                : "[ ]";
      text += fmt::format("  {} {}\n", mark, terminal_safe(step.step));
    }
    say(style().paint(Ink::kCyan, text));
  }
  void operator()(const p::Compacted& e) const {
    line(Ink::kDim, fmt::format("conversation compacted: about {} tokens are now {}",
                                base::with_thousands(e.tokens_before), base::with_thousands(e.tokens_after)));
  }
  void operator()(const p::StreamError& e) const {
    line(Ink::kYellow, fmt::format("{}; trying again in {} ({} of {})", terminal_safe(e.message),
                                   base::format_duration(std::chrono::milliseconds(e.wait_ms)), e.attempt, e.of));
  }
  void operator()(const p::SessionUpdated& e) const {
    if (!e.model.empty()) line(Ink::kDim, terminal_safe(fmt::format("model is now {}/{}", e.backend, e.model)));
  }
  void operator()(const p::RolledBack& e) const { line(Ink::kDim, rollback_label(e)); }
  void operator()(const p::Warning& e) const { line(Ink::kYellow, "warning: " + terminal_safe(e.message)); }
  void operator()(const p::ErrorEvent& e) const {
    if (e.code == p::error_codes::kInterrupted) {
      line(Ink::kYellow, terminal_safe(e.message));
    } else {
      line(Ink::kRed, "error: " + terminal_safe(told({.code = e.code, .message = e.message, .hint = e.hint})));
    }
    // What it cost is asked most when it led to nothing.
    const std::string spent = self.spending_.label();
    if (e.ends_task && !spent.empty()) line(Ink::kDim, spent);
  }
};

std::vector<Piece> TaskText::show(const p::EventMsg& msg) {
  std::vector<Piece> pieces;
  spending_.note(msg);
  std::visit(Visitor{*this, pieces}, msg);
  return pieces;
}

}  // namespace lathe::cli
