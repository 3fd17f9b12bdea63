#include "lathe/cli/editor.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/subprocess.h"

namespace lathe::cli {

using base::Result;
using runtime::Async;

namespace {

/// A private file that is gone when this is.
class TemporaryFile final {
 public:
  static Result<TemporaryFile> create(const std::string& folder, std::string_view text) {
    std::string path = folder + "/lathe-message-XXXXXX.md";
    const base::UniqueFd file(::mkstemps(path.data(), 3));
    if (!file) return base::errno_error(errno, "temporary file in " + folder);
    TemporaryFile made(std::move(path));
    TRY_OK(runtime::write_all(file.get(), text, made.path_));
    return made;
  }
  TemporaryFile(TemporaryFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::string editor_command(const config::Environment& environment) {
  for (const char* name : {"VISUAL", "EDITOR"}) {
    if (std::string command = environment.get(name); !command.empty()) return command;
  }
  return "vi";
}

}  // namespace

Async<Result<std::string>> edit_text(Context* context, std::string text) {
  const std::string folder = context->frontend.environment.get("TMPDIR");
  CO_TRY(const TemporaryFile file, TemporaryFile::create(folder.empty() ? "/tmp" : folder, text));
  // Ctrl-C is the editor's; the shell around it gets it as well, and would end with it.
  const std::string command =
      "trap : INT; " + editor_command(context->frontend.environment) + " " + base::shell_quote(file.path());
  runtime::SpawnOptions spawn{.argv = {"/bin/sh", "-c", command}};
  for (const int fd : {0, 1, 2}) spawn.fds.emplace_back(context->frontend.in_fd, fd);
  CO_TRY(runtime::Child child, runtime::spawn(spawn));
  CO_TRY(const runtime::ExitStatus status, co_await child.wait(context->loop, {}, runtime::Deadline::never()));
  if (status.code != 0) {
    co_return base::Error{.code = base::codes::kCancelled,
                          .message = fmt::format("the editor ended with exit code {}", status.code),
                          .hint = "set EDITOR to one that is installed"};
  }
  co_return runtime::read_file(file.path(), 1U << 20);
}

}  // namespace lathe::cli
