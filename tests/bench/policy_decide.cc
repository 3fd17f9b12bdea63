#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "lathe/policy/decide.h"
#include "lathe/policy/presets.h"
#include "lathe/syntax/shell.h"

// One policy decision, parse included, under the largest preset: prints the median in microseconds, and that of the
// parse alone.

namespace {

using lathe::policy::Action;

Action command(std::string text) {
  Action action{.kind = Action::Kind::kCommand, .tool = "shell"};
  action.arguments["command"] = text;
  action.script = std::move(text);
  action.cwd = action.workspace = "/w/project";
  return action;
}

template <class F>
double median_us(const F& run) {
  std::vector<double> taken;
  for (int i = 0; i < 2'000; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    taken.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::nth_element(taken, taken.begin() + 1'000);
  return taken[1'000];
}

}  // namespace

int main() {
  auto rules = lathe::policy::preset("strict");
  if (!rules.ok()) return EXIT_FAILURE;
  const lathe::policy::Source source{.kind = lathe::policy::Source::Kind::kPerson,
                                     .rules = std::make_shared<const lathe::policy::RuleSet>(*std::move(rules))};
  const std::string text = "cd src && git -c color.ui=never log --oneline -20 | head -5 > /tmp/log";
  const double whole = median_us([&] { (void)lathe::policy::decide(std::span(&source, 1), {}, command(text)); });
  const double parse = median_us([&] { (void)lathe::syntax::parse_script(text); });
  std::printf("%.2f %.2f\n", whole, parse);
  return EXIT_SUCCESS;
}
