#include "lathe/cli/render/transcript.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/render/spending.h"

namespace lathe::cli {

namespace p = lathe::protocol;

namespace {

/// A fence that no line of `text` closes.
std::string fenced(std::string_view language, std::string_view text) {
  std::size_t longest = 2;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fmt::format("{}{}\n{}{}{}\n\n", fence, language, text, text.empty() || text.ends_with('\n') ? "" : "\n",
                     fence);
}

}  // namespace

struct TranscriptMarkdown::Visitor {
  TranscriptMarkdown& self;

  template <class T>
  std::string operator()(const T&) const {
    return "";
  }
  std::string operator()(const p::SessionConfigured& e) const {
    const std::string recording = e.replayed ? fmt::format("*A recording: {}.*\n\n", kRecording) : "";
    const bool changed = std::exchange(self.replayed_, e.replayed) != e.replayed;
    if (std::exchange(self.titled_, true)) {
      return changed && !e.replayed ? "*From here on a model answers.*\n\n" : changed ? recording : "";
    }
    return fmt::format("# {}\n\nSession {}, {}/{}, in {}\n\n{}", e.title.empty() ? "Session" : e.title, e.session_id,
                       e.backend, e.model, e.cwd, recording);
  }
  std::string operator()(const p::UserMessage& e) const {
    return fmt::format("## {}\n\n{}\n\n", e.steer ? "You, meanwhile" : "You", content_text(e.content));
  }
  std::string operator()(const p::AgentMessage& e) const {
    return fmt::format("## Agent\n\n{}\n\n{}", e.text,
                       e.status == p::ItemStatus::kIncomplete ? "*(cut short)*\n\n" : "");
  }
  std::string operator()(const p::ExecCommandBegin& e) const { return fenced("sh", "$ " + command_label(e.command)); }
  std::string operator()(const p::ExecCommandEnd& e) const {
    const std::string shown = shown_output(e);
    const std::string output = shown.empty() ? "" : fenced("text", last_lines(shown, 40, ""));
    return fmt::format("{}*{}*\n\n", output, outcome_label(e.outcome, e.exit_code));
  }
  std::string operator()(const p::PatchApplyBegin& e) const {
    std::string out;
    for (const p::FileChange& change : e.changes) {
      out += fmt::format("**{}**\n\n{}", change_label(change), change.diff.empty() ? "" : fenced("diff", change.diff));
    }
    return out;
  }
  std::string operator()(const p::PatchApplyEnd& e) const { return failed_call("patch", e.outcome); }
  std::string operator()(const p::ToolCallBegin& e) const {
    return fmt::format("*{}*\n\n", e.title.empty() ? e.tool : e.title);
  }
  std::string operator()(const p::ToolCallEnd& e) const { return failed_call(e.tool, e.outcome); }
  static std::string failed_call(const std::string& what, const p::CallOutcome& outcome) {
    if (outcome.status == p::CallStatus::kCompleted) return "";
    return fmt::format("*{} {}*\n\n{}", what, outcome_label(outcome, std::nullopt), fenced("text", outcome.output));
  }
  std::string operator()(const p::PlanUpdate& e) const {
    std::string out;
    for (const p::PlanStep& step : e.plan) {
      out += fmt::format("- [{}] {}\n", step.status == p::PlanStatus::kCompleted ? "x" : " ", step.step);
    }
    return out + "\n";
  }
  std::string operator()(const p::ApprovalResolved& e) const {
    return fmt::format("*{} by {}*\n\n", p::name_of(e.decision), e.by);
  }
  std::string operator()(const p::UserQuestion& e) const {
    std::string out;
    for (const p::Question& question : e.questions) out += fmt::format("**{}**\n\n", question.question);
    return out;
  }
  std::string operator()(const p::UserQuestionAnswered& e) const {
    return fmt::format("*{}*\n\n", e.answers.empty() ? "not answered" : base::join(e.answers, "; "));
  }
  std::string operator()(const p::Compacted&) const { return "*The conversation was compacted here.*\n\n"; }
  std::string operator()(const p::RolledBack& e) const { return fmt::format("*Here {}.*\n\n", rollback_label(e)); }
  /// The bookmark to continue, fork or roll back to.
  std::string operator()(const p::TurnComplete& e) const { return fmt::format("*turn {}*\n\n", e.response_id); }
  std::string operator()(const p::ForkedFrom& e) const {
    return fmt::format("*Forked from session {} after turn {}.*\n\n", e.session_id, e.response_id);
  }
  std::string operator()(const p::TaskParked&) const { return "*Waits for an answer.*\n\n"; }
  std::string operator()(const p::TaskComplete& e) const {
    return fmt::format("*{}*\n\n", spent_label(e.usage, e.cost_micro_usd, self.replayed_));
  }
  std::string operator()(const p::ErrorEvent& e) const { return fmt::format("*{}: {}*\n\n", e.code, e.message); }
};

std::string TranscriptMarkdown::show(const p::EventMsg& msg) { return std::visit(Visitor{*this}, msg); }

}  // namespace lathe::cli
