#include <string>

#include "fuzz.h"
#include "lathe/syntax/shell.h"

using lathe::syntax::parse_argv;
using lathe::syntax::parse_script;

namespace {

void check(std::string_view text) {
  const auto script = parse_script(text);
  if (!script.ok()) return;
  FUZZ_REQUIRE(script->understood == script->why.empty());
  FUZZ_REQUIRE(script->commands.size() <= 4'000);
  for (const auto& command : script->commands) {
    FUZZ_REQUIRE(!command.words.empty() || !command.assignments.empty() || !command.redirections.empty());
    FUZZ_REQUIRE(command.name().find('/') == std::string_view::npos);
    (void)lathe::syntax::command_text(command);
  }
  // The canary holds that no script has a command inside a substitution.
  FUZZ_REQUIRE(!lathe::fuzz::kCanary || text.find("$(a)") == std::string_view::npos || script->commands.empty());
}

}  // namespace

// Whatever a model sends as a command: as a script, inside quotes and substitutions of one, and as the text of a shell.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  check(input);
  check("echo \"$(" + input + ")\" <<E\n" + input + "\nE\n");
  const auto argv = parse_argv({"bash", "-c", input});
  FUZZ_REQUIRE(!argv.ok() || !argv->commands.empty());
  return 0;
}
