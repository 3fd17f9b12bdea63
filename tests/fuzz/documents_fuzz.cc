#include <string>

#include "fuzz.h"
#include "lathe/formats/edit.h"
#include "lathe/formats/read.h"

namespace {

using namespace lathe::formats;

constexpr Limits kLimits{.max_bytes = 4096, .max_depth = 16, .max_values = 500};
/// YAML ends a key on one line after so many characters; what is shorter must read back.
constexpr std::size_t kShort = 500;

std::size_t values_in(const Node& node, std::size_t depth) {
  FUZZ_REQUIRE(depth <= kLimits.max_depth);
  std::size_t values = 1;
  if (const auto* list = node.list()) {
    for (const Node& element : *list) values += values_in(element, depth + 1);
  } else if (const auto* map = node.map()) {
    for (const Member& member : *map) {
      FUZZ_REQUIRE(node.find(member.key) == &member.value);
      values += values_in(member.value, depth + 1);
    }
  }
  return values;
}

}  // namespace

// What is read keeps its bounds, has no key twice, and, written on one line, reads as the same. Setting a key either
// fails or gives a file that reads. The first byte picks YAML or JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto document = data[0] % 2 == 0 ? read_yaml(text, "f", kLimits) : read_json(text, "f", kLimits);
  if (!document.ok()) {
    FUZZ_REQUIRE(document.error().message.starts_with("f:"));
    return 0;
  }
  FUZZ_REQUIRE(values_in(document->root, 0) <= kLimits.max_values);
  if (text.size() < kShort) {
    std::string written = yaml_text(document->root);
    // The canary loses the end of what it writes.
    if (lathe::fuzz::kCanary && written.size() > 4) written.pop_back();
    const auto again = read_yaml(written, "g");
    FUZZ_REQUIRE(again.ok() && again->root == document->root);
  }
  const auto edited = set_in_yaml(text, "f", {"a", "b"}, {.value = std::int64_t{1}});
  if (edited.ok()) FUZZ_REQUIRE(read_yaml(*edited, "g").ok());
  return 0;
}
