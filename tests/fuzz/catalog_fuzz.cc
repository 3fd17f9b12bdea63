#include <algorithm>
#include <cctype>
#include <string>

#include "fuzz.h"
#include "lathe/facts/catalog_files.h"

// A skill or agent that is read keeps what its name and description promise; any other file is refused with its place.
// Zero bytes in the input part name, description and the rest of the frontmatter, so that most inputs get that far. The
// first byte picks the kind.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t first = std::min(input.find('\0'), input.size());
  const std::size_t second = std::min(input.find('\0', first + 1), input.size());
  const auto part = [&](std::size_t from, std::size_t to) {
    return std::string(input.substr(std::min(from, input.size()), to > from ? to - from : 0));
  };
  const std::string text = "---\nname: " + part(0, first) + "\ndescription: " + part(first + 1, second) + "\n" +
                           part(second + 1, input.size()) + "\n---\nbody";
  std::string name;
  std::string description;
  lathe::base::Error error;
  if (data[0] % 2 == 0) {
    const auto skill = lathe::facts::parse_skill(text, "f");
    if (skill.ok()) name = skill->info.name, description = skill->info.description;
    if (!skill.ok()) error = skill.error();
  } else {
    const auto agent = lathe::facts::parse_agent(text, "f");
    if (agent.ok()) name = agent->name, description = agent->description;
    if (!agent.ok()) error = agent.error();
  }
  if (!error.code.empty()) {
    FUZZ_REQUIRE(error.message.starts_with("f:"));
    return 0;
  }
  // The canary lets a name grow a character that it must not have.
  if (lathe::fuzz::kCanary && name.size() > 3) name += '/';
  FUZZ_REQUIRE(!name.empty() && name.size() <= 64);
  FUZZ_REQUIRE(std::ranges::all_of(
      name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; }));
  FUZZ_REQUIRE(!description.empty() && description.size() <= 2'048 && description.find('\n') == std::string::npos);
  return 0;
}
