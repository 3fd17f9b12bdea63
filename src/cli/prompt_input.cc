#include "lathe/cli/prompt_input.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/term/terminal.h"

namespace lathe::cli {

using base::Error;
using base::Result;

namespace {

Error too_long() {
  return {.code = base::codes::kLimit,
          .message = fmt::format("the prompt is longer than {}", base::format_bytes(kMaxPromptBytes)),
          .hint = "put the text in a file of the working folder and name the file in the prompt"};
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

Result<std::string> read_prompt(Context& context, const std::vector<std::string>& words) {
  std::vector<std::string> said;
  std::ranges::copy_if(words, std::back_inserter(said), [](const std::string& word) { return word != "-"; });
  const bool dash = said.size() != words.size();
  std::string prompt = base::join(said, " ");
  if (said.empty() && !dash && is_terminal(context.frontend.in_fd)) {
    return Error{.code = base::codes::kInvalid, .message = "no prompt", .hint = "say what to do: lathe exec \"…\""};
  }
  if (said.empty() || dash) {
    TRY(const std::string input, read_stdin(context));
    prompt = said.empty() ? input : fmt::format("{}\n\n<stdin>\n{}\n</stdin>", prompt, base::trim_right(input));
  }
  if (base::trim(prompt).empty()) {
    return Error{
        .code = base::codes::kInvalid, .message = "the prompt is empty", .hint = "say what to do: lathe exec \"…\""};
  }
  if (prompt.size() > kMaxPromptBytes) return too_long();
  if (!base::is_utf8(prompt)) {
    context.note("warning: the prompt is not UTF-8; bytes that are not were replaced");
    prompt = base::to_utf8(prompt);
  }
  return prompt;
}

}  // namespace lathe::cli
