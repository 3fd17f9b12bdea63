#include <algorithm>
#include <string>

#include "fuzz.h"
#include "lathe/tools/common/command_names.h"

// What a script starts is among its words, and a command on a line of its own behind it is always seen: no text before
// it hides it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string script(reinterpret_cast<const char*>(data), size);
  const auto names = lathe::tools::common::command_names(script);
  if (!names.ok()) {
    FUZZ_REQUIRE(names.error().code == lathe::base::codes::kInvalid);
    return 0;
  }
  for (const std::string& program : names->started) {
    FUZZ_REQUIRE(std::ranges::find(names->words, program) != names->words.end());
  }
  // A backslash takes the end of its line away.
  if (script.ends_with('\\')) return 0;
  auto more = lathe::tools::common::command_names(script + "\nrm x");
  FUZZ_REQUIRE(more.ok());
  // The canary forgets a command behind two others.
  if (lathe::fuzz::kCanary && more->started.size() > 2) more->started.pop_back();
  FUZZ_REQUIRE(!more->started.empty() && more->started.back() == "rm");
  FUZZ_REQUIRE(more->started.size() == names->started.size() + 1);
  return 0;
}
