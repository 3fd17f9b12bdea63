#include "lathe/cli/ask_person.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <limits>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/render/diff_text.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/render/table.h"
#include "lathe/cli/term/terminal.h"
#include "lathe/protocol/change_targets.h"
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

/// How much of it is shown.
enum class Length { kShort, kWhole };

constexpr std::size_t kShortLines = 60;
constexpr std::size_t kShortBytes = 2'000;

/// The text with an indent before each line, cut to what a question shows, which it says.
std::string block(std::string_view text, Length length, std::string_view indent = "  ") {
  const std::string clean = terminal_safe(text);
  std::string_view shown = clean;
  if (length == Length::kShort) shown = base::utf8_prefix(shown, kShortBytes);
  const auto lines = base::split_lines(shown);
  const std::size_t count = length == Length::kShort ? std::min(lines.size(), kShortLines) : lines.size();
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += fmt::format("{}{}\n", indent, lines[i]);
  std::size_t hidden = clean.size() - shown.size();
  if (count < lines.size()) hidden = static_cast<std::size_t>(clean.data() + clean.size() - lines[count].data());
  if (hidden > 0) {
    out += fmt::format("{}… {} more are not shown here ([v] shows all)\n", indent, base::format_bytes(hidden));
  }
  return out;
}

/// What a command is given besides its words, as far as it is out of the ordinary.
std::string command_surroundings(const p::ExecApprovalRequest& exec, Length length) {
  std::string out;
  if (exec.input) {
    out += fmt::format("  with {} of standard input:\n", base::format_bytes(exec.input->size()));
    out += block(*exec.input, length, "    ");
  }
  if (exec.terminal) out += "  in a live terminal, into which more can be typed\n";
  if (exec.background) out += "  in the background, until it ends or the session does\n";
  if (exec.timeout_ms) {
    out += fmt::format("  for {} at most\n", base::format_duration(std::chrono::milliseconds(*exec.timeout_ms)));
  }
  for (const std::string& variable : exec.environment) out += fmt::format("  with {}\n", terminal_safe(variable));
  for (const p::BoundFile& file : exec.files) {
    out += fmt::format("  as {} is now ({})\n", terminal_safe(file.path), terminal_safe(file.sha256.substr(0, 12)));
  }
  return out;
}

/// The simple commands, when they are more than the command itself; what the sandbox refused.
std::string command_detail(const p::ExecApprovalRequest& exec, const Style& style, Length length) {
  std::string command = block("$ " + command_label(exec.command), length);
  const std::size_t end = command.find('\n');
  std::string out = fmt::format("  {}\n{}", style.paint(Ink::kBold, std::string_view(command).substr(2, end - 2)),
                                command.substr(end + 1));
  out += fmt::format("  in {}\n", terminal_safe(exec.cwd)) + command_surroundings(exec, length);
  if (exec.commands.size() > 1) {
    out += "  which runs:\n" + block(base::join(exec.commands, "\n"), length, "    ");
  }
  if (!exec.refused.empty()) out += "  the sandbox refused: " + terminal_safe(exec.refused) + "\n";
  return out;
}

std::string changes_detail(const p::ApplyPatchApprovalRequest& patch, const Style& style, Length length) {
  std::string detail;
  for (const p::FileChange& change : patch.changes) {
    const std::size_t lines = length == Length::kShort ? kShortLines : std::numeric_limits<std::size_t>::max();
    detail += fmt::format("  {}\n{}", style.paint(Ink::kBold, change_label(change)),
                          diff_text(change.diff, style, "  ", lines));
  }
  for (const p::Detour& detour : p::detours(patch)) {
    detail += fmt::format("  {}\n", style.paint(Ink::kYellow, detour_label(detour)));
  }
  return detail;
}

std::string call_detail(const p::ApprovalRequest& call, Length length) {
  std::string detail = block(call.arguments, length);
  for (const std::string& path : call.paths) detail += fmt::format("  which opens {}\n", terminal_safe(path));
  return detail;
}

QuestionText describe(const p::EventMsg& msg, const Style& style, Length length = Length::kShort) {
  if (const auto* exec = std::get_if<p::ExecApprovalRequest>(&msg)) {
    return {.id = exec->id,
            .headline = exec->outside_sandbox ? "May this command run OUTSIDE the sandbox?" : "May this command run?",
            .detail = command_detail(*exec, style, length),
            .reason = exec->reason,
            .rule = exec->rule,
            .always_rule = exec->always_rule};
  }
  if (const auto* patch = std::get_if<p::ApplyPatchApprovalRequest>(&msg)) {
    return {.id = patch->id,
            .headline = "May these files be changed?",
            .detail = changes_detail(*patch, style, length),
            .reason = patch->reason,
            .rule = patch->rule,
            .always_rule = patch->always_rule};
  }
  const auto& call = std::get<p::ApprovalRequest>(msg);
  return {.id = call.id,
          .headline = fmt::format("May {} be called?", terminal_safe(call.tool)),
          .detail = call_detail(call, length),
          .reason = call.reason,
          .rule = call.rule,
          .always_rule = call.always_rule};
}

/// Unix milliseconds after which an answer comes too late.
std::optional<std::int64_t> expiry_of(const p::EventMsg& msg) {
  return std::visit(
      [](const auto& asked) -> std::optional<std::int64_t> {
        if constexpr (requires { asked.expires_at; }) return asked.expires_at;
        return std::nullopt;
      },
      msg);
}

std::string keys_of(const QuestionText& text) {
  return fmt::format(
      "[y] once  [s] for this session{}  [n] no  [t] tell the model  [e] change it  [v] show all  [q] no, and end the "
      "task: ",
      text.always_rule.empty() ? "" : "  [a] always");
}

}  // namespace

bool is_question(const p::EventMsg& msg) {
  return std::holds_alternative<p::ExecApprovalRequest>(msg) ||
         std::holds_alternative<p::ApplyPatchApprovalRequest>(msg) || std::holds_alternative<p::ApprovalRequest>(msg) ||
         std::holds_alternative<p::UserQuestion>(msg);
}

std::string question_id(const p::EventMsg& msg) {
  return std::visit(
      [](const auto& asked) -> std::string {
        if constexpr (requires { std::string(asked.id); }) return asked.id;
        return "";
      },
      msg);
}

std::string approval_text(const p::EventMsg& msg, base::UnixMillis now, const Style& style) {
  const QuestionText text = describe(msg, style);
  std::string out = style.paint(Ink::kYellow, text.headline) + "\n" + text.detail;
  if (!text.reason.empty()) out += fmt::format("  {}\n", terminal_safe(text.reason));
  if (!text.rule.empty()) out += fmt::format("  asked by: {}\n", terminal_safe(text.rule));
  for (const std::string_view rule : base::split_lines(text.always_rule)) {
    out += fmt::format("  always would write: {}\n", terminal_safe(rule));
  }
  // Where it looks late by the clock here, the engine may see it otherwise.
  const auto expires_at = expiry_of(msg);
  if (expires_at && *expires_at > now) out += fmt::format("  {}\n", deadline_label(*expires_at, now));
  return out + keys_of(text);
}

std::string whole_approval_text(const p::EventMsg& msg, const std::string& arguments, const Style& style) {
  std::string out = describe(msg, style, Length::kWhole).detail;
  // A long diff is cut in the event itself; the call has all of the new text.
  const bool patch = std::holds_alternative<p::ApplyPatchApprovalRequest>(msg);
  if (patch && !arguments.empty()) {
    auto parsed = base::parse_json(arguments);
    out += "  the call:\n";
    if (!parsed.ok() || !parsed->is_object()) return out + block(arguments, Length::kWhole, "    ");
    for (const auto& [name, value] : parsed->items()) {
      out += fmt::format("    {}:\n", terminal_safe(name));
      out += block(value.is_string() ? value.get<std::string>() : base::dump_json(value), Length::kWhole, "      ");
    }
  }
  return out;
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
      return p::Decision::kApproved;
    case 's':
    case 'S':
      return p::Decision::kApprovedForSession;
    case 'a':
    case 'A':
      return p::Decision::kApprovedAlways;
    case 'n':
    case 'N':
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

bool TerminalAsker::is_meant(const Context& context, Ask ask) {
  return ask == Ask::kTty || (ask == Ask::kAuto && available(context));
}

Async<Result<p::Op>> TerminalAsker::ask(Open open, runtime::CancelToken cancel) {
  CO_TRY(const base::UniqueFd tty, runtime::open_file(context_.frontend.tty_path, O_RDWR | O_NOCTTY));
  if (const auto* questions = std::get_if<p::UserQuestion>(&open.question)) {
    co_return co_await ask_questions(tty.get(), *questions, cancel);
  }
  std::string note;
  while (true) {
    auto asked = co_await ask_approval(tty.get(), open, cancel);
    key_line_.reset();
    CO_TRY(const Key key, std::move(asked));
    if (const auto* decision = std::get_if<p::Decision>(&key)) {
      co_return approval_op(open.question, *decision, std::move(note));
    }
    if (std::get<Typing>(key) == Typing::kNote) {
      CO_TRY(note, co_await read_note(tty.get(), cancel));
      continue;
    }
    CO_TRY(auto amended, co_await amend(tty.get(), open, cancel));
    if (!amended) continue;
    amended->note = std::move(note);
    co_return p::Op(*std::move(amended));
  }
}

bool TerminalAsker::tell(std::string_view text) {
  return key_line_ &&
         runtime::write_all(key_line_->fd, fmt::format("\n{}\n{}", text, key_line_->text), "terminal").ok();
}

Async<Result<std::string>> TerminalAsker::read_keys(int fd, runtime::CancelToken cancel) {
  runtime::FdWatch watch(context_.loop, fd);
  const Result<void> readable = co_await watch.readable(cancel, runtime::Deadline::never());
  if (!readable.ok()) {
    // What comes next is not to stand behind the question.
    (void)runtime::write_all(fd, "\n", "terminal");
    co_return readable.error();
  }
  std::string keys(4096, '\0');
  const ssize_t count = ::read(fd, keys.data(), keys.size());
  if (count < 0) co_return base::errno_error(errno, "read the terminal");
  if (count == 0) co_return base::Error{.code = base::codes::kUnavailable, .message = "the terminal was closed"};
  keys.resize(static_cast<std::size_t>(count));
  co_return keys;
}

Result<void> TerminalAsker::show_page(int fd, const std::vector<std::string>& lines, std::size_t& first) {
  const std::size_t rows = std::max<std::size_t>(terminal_size(fd).rows, 4) - 2;
  const std::size_t end = std::min(first + rows, lines.size());
  std::string page = "v\n";
  for (std::size_t i = first; i < end; ++i) page += lines[i] + "\n";
  page += end < lines.size() ? fmt::format("… {} more lines: [v] goes on\n", lines.size() - end) : "(that is all)\n";
  first = end < lines.size() ? end : 0;
  return runtime::write_all(fd, page, "terminal");
}

Async<Result<TerminalAsker::Key>> TerminalAsker::ask_approval(int fd, Open open, runtime::CancelToken cancel) {
  CO_TRY(TerminalMode mode, TerminalMode::enter(fd, TerminalMode::Kind::kKeys));
  // What was typed before the question was there does not answer it.
  (void)::tcflush(fd, TCIFLUSH);
  const Style style{wants_colour(fd, context_.frontend.environment)};
  CO_TRY_OK(runtime::write_all(fd, approval_text(open.question, context_.loop.unix_now(), style), "terminal"));
  const QuestionText text = describe(open.question, {});
  const bool always = !text.always_rule.empty();
  key_line_ = KeyLine{.fd = fd, .text = keys_of(text)};
  std::vector<std::string> whole;
  std::size_t shown = 0;
  while (true) {
    CO_TRY(std::string keys, co_await read_keys(fd, cancel));
    // A key may come with Enter.
    while (keys.size() > 1 && (keys.back() == '\r' || keys.back() == '\n')) keys.pop_back();
    if (keys[0] == '\x04') co_return Key(p::Decision::kDenied);
    if (const auto typing = typing_of(keys)) {
      CO_TRY_OK(runtime::write_all(fd, keys + "\n", "terminal"));
      co_return Key(*typing);
    }
    if (keys == "v" || keys == "V") {
      if (whole.empty()) {
        const std::string all = whole_approval_text(open.question, open.arguments, style);
        for (const std::string_view line : base::split_lines(all)) whole.emplace_back(line);
      }
      CO_TRY_OK(show_page(fd, whole, shown));
      CO_TRY_OK(runtime::write_all(fd, keys_of(text), "terminal"));
      continue;
    }
    const auto decision = keys.size() == 1 ? decision_of_key(keys[0]) : std::nullopt;
    if (!decision || (*decision == p::Decision::kApprovedAlways && !always)) {
      // The rest of a word that was meant for something else must not answer either.
      (void)::tcflush(fd, TCIFLUSH);
      CO_TRY_OK(runtime::write_all(fd, "\nOne of these keys:\n" + keys_of(text), "terminal"));
      continue;
    }
    CO_TRY_OK(runtime::write_all(fd, keys + "\n", "terminal"));
    co_return Key(*decision);
  }
}

std::optional<TerminalAsker::Typing> TerminalAsker::typing_of(std::string_view keys) {
  if (keys == "e" || keys == "E") return Typing::kChange;
  if (keys == "t" || keys == "T") return Typing::kNote;
  return std::nullopt;
}

Async<Result<std::string>> TerminalAsker::read_note(int fd, runtime::CancelToken cancel) {
  CO_TRY(TerminalMode mode, TerminalMode::enter(fd, TerminalMode::Kind::kLines));
  CO_TRY_OK(runtime::write_all(fd, "the model is told, with your answer (empty: nothing): ", "terminal"));
  CO_TRY(const std::string line, co_await read_keys(fd, cancel));
  co_return std::string(base::trim(line));
}

Async<Result<std::optional<p::Approval>>> TerminalAsker::amend(int fd, Open open, runtime::CancelToken cancel) {
  CO_TRY(TerminalMode mode, TerminalMode::enter(fd, TerminalMode::Kind::kLines));
  const bool command = std::holds_alternative<p::ExecApprovalRequest>(open.question);
  CO_TRY_OK(runtime::write_all(
      fd, command ? "run this instead (empty: ask again): " : "arguments as JSON (empty: ask again): ", "terminal"));
  CO_TRY(const std::string line, co_await read_keys(fd, cancel));
  const std::string_view typed = base::trim(line);
  if (typed.empty()) co_return std::optional<p::Approval>();
  auto amended = amended_arguments(open.question, open.arguments, typed);
  if (!amended.ok()) {
    CO_TRY_OK(runtime::write_all(fd, terminal_safe(amended.error().text()) + "\n", "terminal"));
    co_return std::optional<p::Approval>();
  }
  co_return std::optional(p::Approval{.id = describe(open.question, {}).id,
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
