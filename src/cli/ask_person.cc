#include "lathe/cli/ask_person.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/render/diff_text.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/term/terminal.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using base::terminal_safe;
using runtime::Async;

namespace {

struct QuestionText {
  std::string id;
  std::string headline;
  std::string detail;
  std::string reason;
  std::string rule;
  std::string always_rule;
};

/// The simple commands, when they are more than the command itself; what the sandbox refused.
std::string command_detail(const p::ExecApprovalRequest& exec, const Style& style) {
  std::string out = fmt::format("  {}\n  in {}\n", style.paint(Ink::kBold, "$ " + command_label(exec.command)),
                                terminal_safe(exec.cwd));
  if (exec.commands.size() > 1) {
    out += "  which runs:\n";
    for (const std::string& command : exec.commands) out += "    " + terminal_safe(command) + "\n";
  }
  if (!exec.refused.empty()) out += "  the sandbox refused: " + terminal_safe(exec.refused) + "\n";
  return out;
}

QuestionText describe(const p::EventMsg& msg, const Style& style) {
  if (const auto* exec = std::get_if<p::ExecApprovalRequest>(&msg)) {
    return {.id = exec->id,
            .headline = exec->outside_sandbox ? "May this command run OUTSIDE the sandbox?" : "May this command run?",
            .detail = command_detail(*exec, style),
            .reason = exec->reason,
            .rule = exec->rule,
            .always_rule = exec->always_rule};
  }
  if (const auto* patch = std::get_if<p::ApplyPatchApprovalRequest>(&msg)) {
    std::string detail;
    for (const p::FileChange& change : patch->changes) {
      detail += fmt::format("  {}\n{}", style.paint(Ink::kBold, change_label(change)),
                            diff_text(change.diff, style, "  ", 60));
    }
    return {.id = patch->id,
            .headline = "May these files be changed?",
            .detail = std::move(detail),
            .reason = patch->reason,
            .rule = patch->rule,
            .always_rule = patch->always_rule};
  }
  const auto& call = std::get<p::ApprovalRequest>(msg);
  return {.id = call.id,
          .headline = fmt::format("May {} be called?", terminal_safe(call.tool)),
          .detail = fmt::format("  {}\n", terminal_safe(base::utf8_prefix(call.arguments, 2000))),
          .reason = call.reason,
          .rule = call.rule,
          .always_rule = call.always_rule};
}

}  // namespace

bool is_question(const p::EventMsg& msg) {
  return std::holds_alternative<p::ExecApprovalRequest>(msg) ||
         std::holds_alternative<p::ApplyPatchApprovalRequest>(msg) || std::holds_alternative<p::ApprovalRequest>(msg) ||
         std::holds_alternative<p::UserQuestion>(msg);
}

std::string approval_text(const p::EventMsg& msg, const Style& style) {
  const QuestionText text = describe(msg, style);
  std::string out = style.paint(Ink::kYellow, text.headline) + "\n" + text.detail;
  if (!text.reason.empty()) out += fmt::format("  {}\n", terminal_safe(text.reason));
  if (!text.rule.empty()) out += fmt::format("  asked by: {}\n", terminal_safe(text.rule));
  std::string always;
  if (!text.always_rule.empty()) {
    for (const std::string_view rule : base::split_lines(text.always_rule)) {
      out += fmt::format("  always would write: {}\n", terminal_safe(rule));
    }
    always = "  [a] always";
  }
  return out + "[y] once  [s] for this session" + always + "  [n] no  [e] change it  [q] no, and end the task: ";
}

std::optional<std::int64_t> expiry_of(const p::EventMsg& msg) {
  return std::visit(
      [](const auto& asked) -> std::optional<std::int64_t> {
        if constexpr (requires { asked.expires_at; }) return asked.expires_at;
        return std::nullopt;
      },
      msg);
}

std::string question_label(const p::EventMsg& msg) {
  if (const auto* question = std::get_if<p::UserQuestion>(&msg)) {
    return question->questions.empty() ? "a question" : terminal_safe(question->questions.front().question);
  }
  const std::string detail = describe(msg, {}).detail;
  return std::string(base::trim(detail.substr(0, detail.find('\n'))));
}

Result<base::Json> amended_arguments(const p::EventMsg& msg, const std::string& arguments, std::string_view typed) {
  if (!std::holds_alternative<p::ExecApprovalRequest>(msg)) {
    TRY(base::Json whole, base::parse_json(typed).within("the arguments"));
    return whole;
  }
  base::Json amended = base::Json::object();
  const auto before = base::parse_json(arguments);
  if (before.ok() && before->is_object()) amended = *before;
  amended["command"] = typed;
  return amended;
}

std::optional<p::Decision> decision_of_key(char key) {
  switch (key) {
    case 'y':
    case 'Y':
    case 'o':
      return p::Decision::kApproved;
    case 's':
    case 'S':
      return p::Decision::kApprovedForSession;
    case 'a':
    case 'A':
      return p::Decision::kApprovedAlways;
    case 'n':
    case 'N':
    case 'd':
      return p::Decision::kDenied;
    case 'q':
    case 'Q':
      return p::Decision::kAbort;
    default:
      return std::nullopt;
  }
}

p::Op approval_op(const p::EventMsg& msg, p::Decision decision, std::string note) {
  return p::Approval{.id = describe(msg, {}).id, .decision = decision, .note = std::move(note)};
}

std::string answer_of_line(const p::Question& question, std::string_view line) {
  line = base::trim(line);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  const bool whole = error == std::errc() && end == line.data() + line.size();
  if (whole && number >= 1 && number <= question.options.size()) return question.options[number - 1];
  return std::string(line);
}

bool TerminalAsker::available(const Context& context) {
  return runtime::open_file(context.frontend.tty_path, O_RDWR | O_NOCTTY).ok();
}

Async<Result<p::Op>> TerminalAsker::ask(Open open, runtime::CancelToken cancel) {
  CO_TRY(const base::UniqueFd tty, runtime::open_file(context_.frontend.tty_path, O_RDWR | O_NOCTTY));
  if (const auto* questions = std::get_if<p::UserQuestion>(&open.question)) {
    co_return co_await ask_questions(tty.get(), *questions, cancel);
  }
  while (true) {
    CO_TRY(auto op, co_await ask_approval(tty.get(), open, cancel));
    if (op) co_return *std::move(op);
    CO_TRY(op, co_await amend(tty.get(), open, cancel));
    if (op) co_return *std::move(op);
  }
}

Async<Result<std::string>> TerminalAsker::read_keys(int fd, runtime::CancelToken cancel) {
  runtime::FdWatch watch(context_.loop, fd);
  CO_TRY_OK(co_await watch.readable(cancel, runtime::Deadline::never()));
  std::string keys(4096, '\0');
  const ssize_t count = ::read(fd, keys.data(), keys.size());
  if (count < 0) co_return base::errno_error(errno, "read the terminal");
  if (count == 0) co_return base::Error{.code = base::codes::kUnavailable, .message = "the terminal was closed"};
  keys.resize(static_cast<std::size_t>(count));
  co_return keys;
}

Async<Result<std::optional<p::Op>>> TerminalAsker::ask_approval(int fd, Open open, runtime::CancelToken cancel) {
  CO_TRY(TerminalMode mode, TerminalMode::enter(fd, TerminalMode::Kind::kKeys));
  // What was typed before the question was there does not answer it.
  (void)::tcflush(fd, TCIFLUSH);
  const Style style{wants_colour(fd, context_.frontend.environment)};
  CO_TRY_OK(runtime::write_all(fd, approval_text(open.question, style), "terminal"));
  const bool always = !describe(open.question, {}).always_rule.empty();
  while (true) {
    CO_TRY(const std::string keys, co_await read_keys(fd, cancel));
    if (keys[0] == '\x04') co_return std::optional(approval_op(open.question, p::Decision::kDenied, ""));
    if (keys == "e" || keys == "E") {
      CO_TRY_OK(runtime::write_all(fd, "e\n", "terminal"));
      co_return std::optional<p::Op>();
    }
    const auto decision = keys.size() == 1 ? decision_of_key(keys[0]) : std::nullopt;
    if (!decision || (*decision == p::Decision::kApprovedAlways && !always)) continue;
    CO_TRY_OK(runtime::write_all(fd, keys + "\n", "terminal"));
    co_return std::optional(approval_op(open.question, *decision, ""));
  }
}

Async<Result<std::optional<p::Op>>> TerminalAsker::amend(int fd, Open open, runtime::CancelToken cancel) {
  CO_TRY(TerminalMode mode, TerminalMode::enter(fd, TerminalMode::Kind::kLines));
  const bool command = std::holds_alternative<p::ExecApprovalRequest>(open.question);
  CO_TRY_OK(runtime::write_all(
      fd, command ? "run this instead (empty: ask again): " : "arguments as JSON (empty: ask again): ", "terminal"));
  CO_TRY(const std::string line, co_await read_keys(fd, cancel));
  const std::string_view typed = base::trim(line);
  if (typed.empty()) co_return std::optional<p::Op>();
  auto amended = amended_arguments(open.question, open.arguments, typed);
  if (!amended.ok()) {
    CO_TRY_OK(runtime::write_all(fd, terminal_safe(amended.error().text()) + "\n", "terminal"));
    co_return std::optional<p::Op>();
  }
  co_return std::optional<p::Op>(p::Approval{.id = describe(open.question, {}).id,
                                             .decision = p::Decision::kApproved,
                                             .note = {},
                                             .amended_input = *std::move(amended)});
}

Async<Result<p::Op>> TerminalAsker::ask_questions(int fd, p::UserQuestion asked, runtime::CancelToken cancel) {
  CO_TRY(TerminalMode mode, TerminalMode::enter(fd, TerminalMode::Kind::kLines));
  p::UserAnswer answer{.id = asked.id};
  for (const p::Question& question : asked.questions) {
    std::string text = "? " + terminal_safe(question.question) + "\n";
    for (std::size_t i = 0; i < question.options.size(); ++i) {
      text += fmt::format("  {}. {}\n", i + 1, terminal_safe(question.options[i]));
    }
    CO_TRY_OK(runtime::write_all(fd, text + "> ", "terminal"));
    CO_TRY(const std::string line, co_await read_keys(fd, cancel));
    answer.answers.push_back(answer_of_line(question, line));
  }
  co_return p::Op(std::move(answer));
}

}  // namespace lathe::cli
