#include <string>

#include "fuzz.h"
#include "lathe/policy/decide.h"
#include "lathe/policy/rule_file.h"

using namespace lathe::policy;  // NOLINT(google-build-using-namespace)

namespace {

void check(std::string_view text, const std::string& file) {
  auto rules = load_rules(text, file);
  if (!rules.ok()) {
    FUZZ_REQUIRE(!rules.error().message.empty());
    return;
  }
  // The canary holds that no file has a rule.
  FUZZ_REQUIRE(!lathe::fuzz::kCanary || rules->rules.empty());
  const Source source{.kind = Source::Kind::kProject, .rules = std::make_shared<const RuleSet>(*std::move(rules))};
  Action action{.kind = Action::Kind::kCommand, .tool = "shell"};
  action.script = "rm -f x; git -C y push $z";
  action.cwd = action.workspace = "/w";
  // A project's file, whatever it says, never makes anything easier.
  const auto without = decide({}, {}, action);
  const auto with = decide(std::span(&source, 1), {}, action);
  FUZZ_REQUIRE(with.verdict >= without.verdict);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(input, "r.yaml");
  check(input, "r.json");
  return 0;
}
