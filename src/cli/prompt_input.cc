#include "lathe/cli/prompt_input.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/term/terminal.h"

namespace lathe::cli {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kMaxPromptBytes = 1U << 20;

Error too_long() {
  return {.code = base::codes::kLimit,
          .message = fmt::format("the prompt is longer than {}", base::format_bytes(kMaxPromptBytes)),
          .hint = "put the text in a file of the working folder and name the file in the prompt"};
}

/// The hint stays in the session that was to be continued.
Error nothing_said(const ExecOptions& exec, std::string message) {
  std::string command = "lathe exec ";
  if (exec.resume == "last") command += "--last ";
  if (!exec.resume.empty() && exec.resume != "last") command += "--resume " + base::shell_quote(exec.resume) + " ";
  return {.code = base::codes::kInvalid,
          .message = std::move(message),
          .hint = fmt::format("say what to do: {}\"…\"", command)};
}

Result<std::string> read_stdin(Context& context) {
  pollfd entry{.fd = context.frontend.in_fd, .events = POLLIN, .revents = 0};
  if (::poll(&entry, 1, 1000) == 0) context.note("reading the prompt from stdin …");
  std::string text;
  std::string buffer(64 << 10, '\0');
  while (true) {
    const ssize_t count = ::read(context.frontend.in_fd, buffer.data(), buffer.size());
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error(errno, "read stdin");
    text.append(buffer, 0, static_cast<std::size_t>(count));
    if (text.size() > kMaxPromptBytes) return too_long();
  }
}

}  // namespace

Result<std::string> settle_prompt(std::string prompt, const std::function<void(std::string_view)>& warn) {
  if (prompt.size() > kMaxPromptBytes) return too_long();
  if (base::is_utf8(prompt)) return prompt;
  warn("warning: the prompt is not UTF-8; bytes that are not were replaced");
  return base::to_utf8(prompt);
}

Result<std::string> read_prompt(Context& context, const ExecOptions& exec) {
  const std::vector<std::string>& words = exec.prompt;
  std::vector<std::string> said;
  std::ranges::copy_if(words, std::back_inserter(said), [](const std::string& word) { return word != "-"; });
  const bool dash = said.size() != words.size();
  std::string prompt = base::join(said, " ");
  if (said.empty() && !dash && is_terminal(context.frontend.in_fd)) {
    return nothing_said(exec, "no prompt");
  }
  if (said.empty() || dash) {
    TRY(const std::string input, read_stdin(context));
    prompt = said.empty() ? input : fmt::format("{}\n\n<stdin>\n{}\n</stdin>", prompt, base::trim_right(input));
  }
  if (base::trim(prompt).empty()) {
    return nothing_said(exec, "the prompt is empty");
  }
  return settle_prompt(std::move(prompt), [&context](std::string_view warning) { context.note(warning); });
}

}  // namespace lathe::cli
